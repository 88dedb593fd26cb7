"""wasi:keyvalue 0.1: buckets that all workers of an environment share. Source: SEMANTICS 3.4.

`get-many` gives none for a key that is missing, as Golem's WIT has it. The interfaces `atomic` and `cache` are there to
be imported; calling them traps, as in Golem.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from golem_nb.host import bodies
from golem_nb.host.bodies import Incoming, IncomingStream, Outgoing, OutgoingStream, TooLarge
from golem_nb.host.context import HostContext
from golem_nb.host.declare import (
    Interface,
    Resource,
    Trap,
    Value,
    WitError,
    deterministic,
    read_remote,
    write_remote,
)
from golem_nb.values.types import BOOL, BYTES, STRING, U64, Field, ListType, OptionType, RecordType, record

BUCKET = record(bucket=STRING)
BUCKET_AND_KEY = record(bucket=STRING, key=STRING)
BUCKET_AND_KEYS = record(bucket=STRING, keys=ListType(STRING))
# Of values, the oplog has the length. Golem writes these names with underscores.
BUCKET_KEY_AND_LENGTH = record(bucket=STRING, key=STRING, value=U64)
BUCKET_AND_LENGTHS = RecordType(
    (Field("bucket", STRING), Field("key_values", ListType(record(key=STRING, length=U64))))
)


class KeyValueError(Resource, wit="wasi:keyvalue/wasi-keyvalue-error#error"):
    def __init__(self, worker: HostContext, text: str) -> None:
        self.worker, self.text = worker, text

    @deterministic
    def trace(self) -> str:
        return self.text


class Bucket(Resource, wit="wasi:keyvalue/types#bucket"):
    def __init__(self, worker: HostContext, name: str) -> None:
        self.worker, self.name = worker, name

    @deterministic(static=True)
    def open_bucket(worker: HostContext, name: str) -> Bucket:
        return Bucket(worker, name)


class OutgoingValue(Resource, wit="wasi:keyvalue/types#outgoing-value"):
    def __init__(self, worker: HostContext) -> None:
        self.worker, self.body = worker, Outgoing()

    @deterministic(static=True)
    def new_outgoing_value(worker: HostContext) -> OutgoingValue:
        return OutgoingValue(worker)

    @deterministic
    def outgoing_value_write_body_async(self) -> OutgoingStream:
        return OutgoingStream(self.worker, self.body)

    @deterministic
    def outgoing_value_write_body_sync(self, value: bytes) -> None:
        try:
            self.body.append(value)
        except TooLarge as error:
            raise WitError(KeyValueError(self.worker, str(error))) from None


class IncomingValue(Resource, wit="wasi:keyvalue/types#incoming-value"):
    def __init__(self, worker: HostContext, contents: bytes) -> None:
        self.worker, self.body = worker, Incoming(contents)

    @deterministic
    def incoming_value_consume_sync(self) -> bytes:
        try:
            return self.body.take_at_once()
        except TooLarge as error:
            raise WitError(KeyValueError(self.worker, str(error))) from None

    @deterministic
    def incoming_value_consume_async(self) -> IncomingStream:
        return IncomingStream(self.worker, self.body.take())

    @deterministic
    def incoming_value_size(self) -> int:
        return len(self.body)


def _bucket_and_key(self: Interface, bucket: Bucket, key: str) -> Value:
    return {"bucket": bucket.name, "key": key}


def _bucket_and_keys(self: Interface, bucket: Bucket, keys: Sequence[str]) -> Value:
    return {"bucket": bucket.name, "keys": list(keys)}


def _length(self: Interface, bucket: Bucket, key: str, outgoing_value: OutgoingValue) -> Value:
    return {"bucket": bucket.name, "key": key, "value": len(outgoing_value.body)}


def _lengths(self: Interface, bucket: Bucket, key_values: Sequence[tuple[str, OutgoingValue]]) -> Value:
    lengths = [{"key": key, "length": len(value.body)} for key, value in key_values]
    return {"bucket": bucket.name, "key_values": lengths}


class Eventual(Interface, wit="wasi:keyvalue/eventual"):
    @read_remote(
        label="golem keyvalue::eventual::get",
        request_type=BUCKET_AND_KEY,
        request=_bucket_and_key,
        response=OptionType(BYTES),
    )
    def get(self, bucket: Bucket, key: str) -> bytes | None:
        return self.worker.keyvalue.get(bucket.name, key)

    @get.rebuilt
    def _get(self, value: bytes | None, bucket: Bucket, key: str) -> IncomingValue | None:
        return None if value is None else IncomingValue(self.worker, value)

    @write_remote(label="golem keyvalue::eventual::set", request_type=BUCKET_KEY_AND_LENGTH, request=_length)
    def set(self, bucket: Bucket, key: str, outgoing_value: OutgoingValue) -> None:
        self.worker.keyvalue.set(bucket.name, [(key, bytes(outgoing_value.body))])

    @write_remote(label="golem keyvalue::eventual::delete", request_type=BUCKET_AND_KEY, request=_bucket_and_key)
    def delete(self, bucket: Bucket, key: str) -> None:
        self.worker.keyvalue.delete(bucket.name, [key])

    @read_remote(
        label="golem keyvalue::eventual::exists",
        request_type=BUCKET_AND_KEY,
        request=_bucket_and_key,
        response=BOOL,
    )
    def exists(self, bucket: Bucket, key: str) -> bool:
        return self.worker.keyvalue.exists(bucket.name, key)


class EventualBatch(Interface, wit="wasi:keyvalue/eventual-batch"):
    @read_remote(
        label="golem keyvalue::eventual_batch::get_many",
        request_type=BUCKET_AND_KEYS,
        request=_bucket_and_keys,
        response=ListType(OptionType(BYTES)),
    )
    def get_many(self, bucket: Bucket, keys: Sequence[str]) -> list[bytes | None]:
        found, size = [], 0
        for key in keys:
            value = self.worker.keyvalue.get(bucket.name, key)
            found.append(value)
            size += len(value or b"")
            if size > bodies.MOST_BYTES:
                raise WitError(f"these values have more than {bodies.MOST_BYTES} bytes; ask for fewer at once")
        return found

    @get_many.rebuilt
    def _get_many(
        self, values: Sequence[bytes | None], bucket: Bucket, keys: Sequence[str]
    ) -> list[IncomingValue | None]:
        return [None if value is None else IncomingValue(self.worker, value) for value in values]

    @get_many.failing
    def _get_many_failed(self, text: str, bucket: Bucket, keys: Sequence[str]) -> KeyValueError:
        return KeyValueError(self.worker, text)

    @read_remote(
        label="golem keyvalue::eventual_batch::get_keys",
        request_type=BUCKET,
        request=lambda self, bucket: {"bucket": bucket.name},
        response=ListType(STRING),
    )
    def keys(self, bucket: Bucket) -> Sequence[str]:
        return self.worker.keyvalue.keys(bucket.name)

    @write_remote(label="golem keyvalue::eventual_batch::set_many", request_type=BUCKET_AND_LENGTHS, request=_lengths)
    def set_many(self, bucket: Bucket, key_values: Sequence[tuple[str, OutgoingValue]]) -> None:
        self.worker.keyvalue.set(bucket.name, [(key, bytes(value.body)) for key, value in key_values])

    @write_remote(
        label="golem keyvalue::eventual_batch::delete_many", request_type=BUCKET_AND_KEYS, request=_bucket_and_keys
    )
    def delete_many(self, bucket: Bucket, keys: Sequence[str]) -> None:
        self.worker.keyvalue.delete(bucket.name, keys)


def _missing(name: str) -> NoReturn:
    raise Trap(f"wasi:keyvalue/{name} is not implemented, as in Golem; use wasi:keyvalue/eventual")


class Atomic(Interface, wit="wasi:keyvalue/atomic"):
    @deterministic
    def increment(self, bucket: Bucket, key: str, delta: int) -> NoReturn:
        _missing("atomic.increment")

    @deterministic
    def compare_and_swap(self, bucket: Bucket, key: str, old: int, new: int) -> NoReturn:
        _missing("atomic.compare-and-swap")


class Cache(Interface, wit="wasi:keyvalue/cache"):
    @deterministic
    def get(self, k: str) -> NoReturn:
        _missing("cache.get")

    @deterministic
    def exists(self, k: str) -> NoReturn:
        _missing("cache.exists")

    @deterministic
    def set(self, k: str, v: OutgoingValue, ttl_ms: int | None) -> NoReturn:
        _missing("cache.set")

    @deterministic
    def get_or_set(self, k: str) -> NoReturn:
        _missing("cache.get-or-set")

    @deterministic
    def delete(self, k: str) -> NoReturn:
        _missing("cache.delete")


# Resources of the cache: nobody ever gets one, but a component that imports their functions must be told the truth.


class FutureGetResult(Resource, wit="wasi:keyvalue/cache#future-get-result"):
    @deterministic
    def future_get_result_get(self) -> Any:
        _missing("cache")

    @deterministic
    def listen_to_future_get_result(self) -> Any:
        _missing("cache")


class FutureExistsResult(Resource, wit="wasi:keyvalue/cache#future-exists-result"):
    @deterministic
    def future_exists_result_get(self) -> Any:
        _missing("cache")

    @deterministic
    def listen_to_future_exists_result(self) -> Any:
        _missing("cache")


class FutureResult(Resource, wit="wasi:keyvalue/cache#future-result"):
    @deterministic
    def future_result_get(self) -> Any:
        _missing("cache")

    @deterministic
    def listen_to_future_result(self) -> Any:
        _missing("cache")


class FutureGetOrSetResult(Resource, wit="wasi:keyvalue/cache#future-get-or-set-result"):
    @deterministic
    def future_get_or_set_result_get(self) -> Any:
        _missing("cache")

    @deterministic
    def listen_to_future_get_or_set_result(self) -> Any:
        _missing("cache")


class Vacancy(Resource, wit="wasi:keyvalue/cache#vacancy"):
    @deterministic
    def vacancy_fill(self, ttl_ms: int | None) -> Any:
        _missing("cache")
