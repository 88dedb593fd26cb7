"""golem-nb:javascript/host, our own: what of golem:api a worker in JavaScript cannot take as it is.

QuickJS has no whole numbers beyond 2^53 at the border, so UUIDs are text here, and promises the worker's own.
"""

from __future__ import annotations

from golem_nb.host.declare import Interface, deterministic, read_remote, write_local, write_remote
from golem_nb.host.golem_host import PromiseSource
from golem_nb.values.types import BOOL, BYTES, STRING, U64, OptionType


class JavaScriptHost(Interface, wit="golem-nb:javascript/host"):
    @write_local(label="golem_nb::javascript::create_promise", response=U64)
    def create_promise(self) -> int:
        index = self.worker.next_index()
        self.worker.peers.create_promise(index)
        return index

    @deterministic
    def promise_name(self, index: int) -> str:
        return f"{self.worker.id.component_id}/{self.worker.id.name}/{index}"

    @deterministic
    def await_promise(self, index: int) -> bytes:
        # Not recorded: the promise keeps its payload, and gives it again in replay.
        source = PromiseSource(self.worker, index)
        self.worker.wait_until_any([source])
        return source.payload() or b""

    @read_remote(
        label="golem_nb::javascript::poll_promise",
        request_type=U64,
        request=lambda self, index: index,
        response=OptionType(BYTES),
    )
    def poll_promise(self, index: int) -> bytes | None:
        return self.worker.peers.promise(index)

    @write_local(
        label="golem_nb::javascript::complete_promise",
        request_type=U64,
        request=lambda self, index, data: index,
        response=BOOL,
        commits=True,
    )
    def complete_promise(self, index: int, data: bytes) -> bool:
        return self.worker.peers.complete_promise(self.worker.id, index, data)

    @write_remote(label="golem_nb::javascript::idempotency_key", response=STRING)
    def idempotency_key(self) -> str:
        return self.worker.derived_key(self.worker.next_index())
