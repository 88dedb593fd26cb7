"""wasi:blobstore: containers of objects that all workers of an environment share. Source: SEMANTICS 3.4.

Errors are texts. Times of creation are milliseconds since the Unix epoch, as in Golem; an object that is replaced is
created anew. What names a container that is gone fails, but for deletions and `has-object`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from golem_nb.errors import NotFound
from golem_nb.host.bodies import Incoming, IncomingStream, Outgoing, OutgoingStream, TooLarge
from golem_nb.host.context import HostContext
from golem_nb.host.declare import Interface, Resource, Value, WitError, deterministic, read_remote, write_remote
from golem_nb.values.types import BOOL, BYTES, STRING, U64, Field, ListType, OptionType, RecordType, record

CONTAINER = record(container=STRING)
CONTAINER_AND_OBJECT = record(container=STRING, object=STRING)
CONTAINER_AND_OBJECTS = record(container=STRING, objects=ListType(STRING))
RANGE = record(container=STRING, object=STRING, begin=U64, end=U64)
WRITTEN = record(container=STRING, object=STRING, length=U64)
# Golem writes these names with underscores.
TRANSFER = RecordType(
    tuple(Field(name, STRING) for name in ("src_container", "src_object", "dest_container", "dest_object"))
)
OBJECT_METADATA = record(name=STRING, container=STRING, created_at=U64, size=U64)


@contextmanager
def _failing() -> Iterator[None]:
    """Give the component what is not there as an error of the store."""
    try:
        yield
    except NotFound as error:
        raise WitError(str(error)) from None


class OutgoingValue(Resource, wit="wasi:blobstore/types#outgoing-value"):
    def __init__(self, worker: HostContext) -> None:
        self.worker, self.body = worker, Outgoing()

    @deterministic(static=True)
    def new_outgoing_value(worker: HostContext) -> OutgoingValue:
        return OutgoingValue(worker)

    @deterministic
    def outgoing_value_write_body(self) -> OutgoingStream:
        return OutgoingStream(self.worker, self.body)


class IncomingValue(Resource, wit="wasi:blobstore/types#incoming-value"):
    def __init__(self, worker: HostContext, contents: bytes) -> None:
        self.worker, self.body = worker, Incoming(contents)

    @deterministic
    def incoming_value_consume_sync(self) -> bytes:
        try:
            return self.body.take_at_once()
        except TooLarge as error:
            raise WitError(str(error)) from None

    @deterministic
    def incoming_value_consume_async(self) -> IncomingStream:
        return IncomingStream(self.worker, self.body.take())

    @deterministic
    def size(self) -> int:
        return len(self.body)


class StreamObjectNames(Resource, wit="wasi:blobstore/container#stream-object-names"):
    """The names that there were when it was made. The end is told by a read that got fewer than it asked for."""

    def __init__(self, worker: HostContext, names: Sequence[str]) -> None:
        self.worker, self._names, self._at = worker, names, 0

    def _take(self, most: int) -> tuple[Sequence[str], bool]:
        taken = self._names[self._at : self._at + most]
        self._at += len(taken)
        return taken, len(taken) < most

    @deterministic
    def read_stream_object_names(self, len: int) -> tuple[Sequence[str], bool]:
        return self._take(len)

    @deterministic
    def skip_stream_object_names(self, num: int) -> tuple[int, bool]:
        skipped, is_end = self._take(num)
        return len(skipped), is_end


def _container(self: Container) -> Value:
    return {"container": self.container}


def _object(self: Container, name: str) -> Value:
    return {"container": self.container, "object": name}


def _objects(self: Container, names: Sequence[str]) -> Value:
    return {"container": self.container, "objects": list(names)}


class Container(Resource, wit="wasi:blobstore/container#container"):
    def __init__(self, worker: HostContext, name: str, created_at_ms: int) -> None:
        self.worker, self.container, self._created_at_ms = worker, name, created_at_ms

    @deterministic
    def name(self) -> str:
        return self.container

    @deterministic
    def info(self) -> Value:
        return {"name": self.container, "created-at": self._created_at_ms}

    @read_remote(
        label="golem blobstore::container::get_data",
        request_type=RANGE,
        request=lambda self, name, start, end: {**_object(self, name), "begin": start, "end": end},
        response=BYTES,
    )
    def get_data(self, name: str, start: int, end: int) -> bytes:
        """Return the bytes from `start` to `end`, both included; an end behind the object's own is that one."""
        with _failing():
            size = self.worker.blobs.object_info(self.container, name).size_bytes
            if start > end or start >= max(size, 1):
                raise WitError(f"{self.container}/{name} has {size} bytes: there are none from {start} to {end}")
            return self.worker.blobs.read(self.container, name, start, min(end + 1, size) - start)

    @get_data.rebuilt
    def _get_data(self, contents: bytes, name: str, start: int, end: int) -> IncomingValue:
        return IncomingValue(self.worker, contents)

    @write_remote(
        label="golem blobstore::container::write_data",
        request_type=WRITTEN,
        request=lambda self, name, data: {**_object(self, name), "length": len(data.body)},
    )
    def write_data(self, name: str, data: OutgoingValue) -> None:
        with _failing():
            self.worker.blobs.write(self.container, name, bytes(data.body), _now_ms(self.worker))

    # Golem's label has no s, its decoder of oplogs has one. Source: SEMANTICS 3.4.
    @read_remote(
        label="golem blobstore::container::list_object",
        request_type=CONTAINER,
        request=_container,
        response=ListType(STRING),
    )
    def list_objects(self) -> Sequence[str]:
        with _failing():
            return self.worker.blobs.names(self.container)

    @list_objects.rebuilt
    def _list_objects(self, names: Sequence[str]) -> StreamObjectNames:
        return StreamObjectNames(self.worker, names)

    @write_remote(label="golem blobstore::container::delete_object", request_type=CONTAINER_AND_OBJECT, request=_object)
    def delete_object(self, name: str) -> None:
        self.worker.blobs.delete(self.container, [name])

    @write_remote(
        label="golem blobstore::container::delete_objects", request_type=CONTAINER_AND_OBJECTS, request=_objects
    )
    def delete_objects(self, names: Sequence[str]) -> None:
        self.worker.blobs.delete(self.container, names)

    @read_remote(
        label="golem blobstore::container::has_object",
        request_type=CONTAINER_AND_OBJECT,
        request=_object,
        response=BOOL,
    )
    def has_object(self, name: str) -> bool:
        try:
            self.worker.blobs.object_info(self.container, name)
        except NotFound:
            return False
        return True

    @read_remote(
        label="golem blobstore::container::object_info",
        request_type=CONTAINER_AND_OBJECT,
        request=_object,
        response=OBJECT_METADATA,
    )
    def object_info(self, name: str) -> Value:
        with _failing():
            found = self.worker.blobs.object_info(self.container, name)
        return {
            "name": name,
            "container": self.container,
            "created-at": found.created_at_ms,
            "size": found.size_bytes,
        }

    @write_remote(label="golem blobstore::container::clear", request_type=CONTAINER, request=_container)
    def clear(self) -> None:
        with _failing():
            self.worker.blobs.clear(self.container)


def _named(self: Interface, name: str) -> Value:
    return {"container": name}


def _transfer(self: Interface, src: Value, dest: Value) -> Value:
    return {
        "src_container": src["container"],
        "src_object": src["object"],
        "dest_container": dest["container"],
        "dest_object": dest["object"],
    }


class Blobstore(Interface, wit="wasi:blobstore/blobstore"):
    @write_remote(
        label="golem blobstore::blobstore::create_container",
        request_type=CONTAINER,
        request=_named,
        response=U64,
    )
    def create_container(self, name: str) -> int:
        """Make a container; one that is there is given as it is, as in Golem."""
        return self.worker.blobs.create_container(name, _now_ms(self.worker))

    @create_container.rebuilt
    def _create_container(self, created_at_ms: int, name: str) -> Container:
        return Container(self.worker, name, created_at_ms)

    # The time of one that is not there is recorded as none, and told as an error.
    @read_remote(
        label="golem blobstore::blobstore::get_container",
        request_type=CONTAINER,
        request=_named,
        response=OptionType(U64),
    )
    def get_container(self, name: str) -> int | None:
        return self.worker.blobs.container_created_at_ms(name)

    @get_container.rebuilt
    def _get_container(self, created_at_ms: int | None, name: str) -> Container:
        if created_at_ms is None:
            raise WitError(f"Container not found: {name}")
        return Container(self.worker, name, created_at_ms)

    @write_remote(label="golem blobstore::blobstore::delete_container", request_type=CONTAINER, request=_named)
    def delete_container(self, name: str) -> None:
        self.worker.blobs.delete_container(name)

    @read_remote(
        label="golem blobstore::blobstore::container_exists",
        request_type=CONTAINER,
        request=_named,
        response=BOOL,
    )
    def container_exists(self, name: str) -> bool:
        return self.worker.blobs.container_created_at_ms(name) is not None

    @write_remote(label="golem blobstore::blobstore::copy_object", request_type=TRANSFER, request=_transfer)
    def copy_object(self, src: Value, dest: Value) -> None:
        self._transferred(self.worker.blobs.copy, src, dest)

    @write_remote(label="golem blobstore::blobstore::move_object", request_type=TRANSFER, request=_transfer)
    def move_object(self, src: Value, dest: Value) -> None:
        self._transferred(self.worker.blobs.move, src, dest)

    def _transferred(self, transfer: Callable[..., None], src: Value, dest: Value) -> None:
        source, target = ((id["container"], id["object"]) for id in (src, dest))
        with _failing():
            transfer(source, target, _now_ms(self.worker), self.worker.effect_key())


def _now_ms(worker: HostContext) -> int:
    return worker.now_ns() // 10**6
