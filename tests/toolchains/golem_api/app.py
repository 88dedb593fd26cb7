"""What Golem's host interface is for, shown one by one."""

import json
import sys
import uuid
from contextlib import contextmanager

from componentize_py_types import Err, Ok
from wit_world import exports
from wit_world.imports import host, outgoing_handler
from wit_world.imports import wasi_http_types as http
from wit_world.imports.streams import StreamError_Closed

VERSION = 1

words = []
promises = []


class Shown(exports.Shown):
    def version(self):
        return VERSION

    def remember(self, word):
        words.append(word)
        print("remembering", word)
        return len(words)

    def remembered(self):
        return words

    def promise(self):
        promises.append(host.create_promise())
        return promises[-1].oplog_idx

    def answer(self):
        with host.get_promise(promises[-1]) as awaited:
            with awaited.subscribe() as pollable:
                pollable.block()
            return awaited.get().decode()

    def complete(self, text):
        return host.complete_promise(promises[-1], text.encode())

    def region(self, authority, failures):
        with atomic_region():
            for step in (1, 2, 3):
                if tell(authority, step) <= failures and step == 2:
                    raise RuntimeError("failing in the region")
        return tell(authority, 4)

    def jump(self, authority, times):
        tell(authority, 1)
        before = host.get_oplog_index()
        told = tell(authority, 2)
        if told < times:
            host.set_oplog_index(before)
        tell(authority, 3)
        return told

    def unrecorded(self, authority):
        host.set_oplog_persistence_level(host.PersistenceLevel_PersistNothing())
        told = tell(authority, 1)
        host.set_oplog_persistence_level(host.PersistenceLevel_Smart())
        return told + tell(authority, 2)

    def once(self, authority):
        host.set_idempotence_mode(False)
        tell(authority, 1)
        mode = host.get_idempotence_mode()
        host.set_idempotence_mode(True)
        return mode

    def policy(self, attempts, delay_ms):
        delay_ns = delay_ms * 1_000_000
        host.set_retry_policy(host.RetryPolicy(attempts, delay_ns, delay_ns, 1.0, None))
        found = host.get_retry_policy()
        return found.max_attempts, found.min_delay // 1_000_000, found.multiplier

    def add_attempts(self, more):
        found = host.get_retry_policy()
        host.set_retry_policy(host.RetryPolicy(found.max_attempts + more, 1000, 1000, 1.0, None))
        return host.get_retry_policy().max_attempts

    def fail(self):
        print("failing", file=sys.stderr)
        raise RuntimeError("always")

    def keys(self):
        return text(host.generate_idempotency_key()), text(host.generate_idempotency_key())

    def indices(self):
        return host.get_oplog_index(), host.get_oplog_index()


class SaveSnapshot(exports.SaveSnapshot):
    def save(self):
        return json.dumps(words).encode()


class LoadSnapshot(exports.LoadSnapshot):
    def load(self, bytes):
        loaded = json.loads(bytes)
        if "refuse" in loaded:
            raise Err(f"version {VERSION} refuses")
        words[:] = loaded


@contextmanager
def atomic_region():
    begin = host.mark_begin_operation()
    yield
    host.mark_end_operation(begin)


def text(key):
    return str(uuid.UUID(int=key.high_bits << 64 | key.low_bits))


def tell(authority, step):
    """Tell the server of a step, and return how often it was told of it."""
    request = http.OutgoingRequest(http.Fields.from_list([]))
    request.set_method(http.Method_Post())
    request.set_scheme(http.Scheme_Http())
    request.set_authority(authority)
    request.set_path_with_query(f"/step/{step}")
    with outgoing_handler.handle(request, None) as future:
        with future.subscribe() as pollable:
            pollable.block()
        outcome = future.get()
        assert isinstance(outcome, Ok) and isinstance(outcome.value, Ok), outcome
        with outcome.value.value as response, response.consume() as body, body.stream() as stream:
            return int(read_all(stream))


def read_all(stream):
    data = b""
    while True:
        try:
            data += stream.blocking_read(100)
        except Err as error:
            assert isinstance(error.value, StreamError_Closed), error.value
            return data
