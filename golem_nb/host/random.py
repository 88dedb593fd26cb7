"""wasi:random 0.2: all three interfaces draw from the engine's source, and record what they drew."""

from __future__ import annotations

from golem_nb.host.context import HostContext
from golem_nb.host.declare import Interface, Trap, read_local
from golem_nb.values.types import BYTES, U64, TupleType

# At once, as in wasmtime: without a limit one call of a component could fill the engine's memory.
MOST_BYTES = 64 << 20


def _drawn(worker: HostContext, count: int) -> bytes:
    if count > MOST_BYTES:
        raise Trap(f"{count} random bytes were asked for at once; {MOST_BYTES} is the limit")
    return worker.random_bytes(count)


class Random(Interface, wit="wasi:random/random"):
    @read_local(label="golem random::get_random_bytes", request_type=U64, request=lambda self, len: len, response=BYTES)
    def get_random_bytes(self, len: int) -> bytes:
        return _drawn(self.worker, len)

    @read_local(label="golem random::get_random_u64", response=U64)
    def get_random_u64(self) -> int:
        return int.from_bytes(self.worker.random_bytes(8), "little")


class Insecure(Interface, wit="wasi:random/insecure"):
    @read_local(
        label="golem random::insecure::get_insecure_random_bytes",
        request_type=U64,
        request=lambda self, len: len,
        response=BYTES,
    )
    def get_insecure_random_bytes(self, len: int) -> bytes:
        return _drawn(self.worker, len)

    @read_local(label="golem random::insecure::get_insecure_random_u64", response=U64)
    def get_insecure_random_u64(self) -> int:
        return int.from_bytes(self.worker.random_bytes(8), "little")


class InsecureSeed(Interface, wit="wasi:random/insecure-seed"):
    @read_local(label="golem random::insecure_seed::insecure_seed", response=TupleType((U64, U64)))
    def insecure_seed(self) -> tuple[int, int]:
        drawn = self.worker.random_bytes(16)
        return int.from_bytes(drawn[:8], "little"), int.from_bytes(drawn[8:], "little")
