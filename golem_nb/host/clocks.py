"""wasi:clocks 0.2. The monotonic clock counts epoch nanoseconds, so that a recorded deadline survives a reboot."""

from __future__ import annotations

from collections.abc import Callable

from golem_nb.host.context import HostContext
from golem_nb.host.declare import Interface, Value, deterministic, read_local
from golem_nb.host.io import Pollable
from golem_nb.values.types import U32, U64, record

DATETIME = record(seconds=U64, nanoseconds=U32)
# Of the recorded time: entries and clocks agree to the microsecond.
RESOLUTION_NS = 1000
MOST_NS = (1 << 64) - 1


def datetime_value(ns: int) -> dict[str, int]:
    seconds, nanoseconds = divmod(ns, 10**9)
    return {"seconds": seconds, "nanoseconds": nanoseconds}


class Deadline:
    """A source that is ready at a time."""

    is_promise = False

    def __init__(self, worker: HostContext, deadline_ns: int) -> None:
        self._worker = worker
        self.deadline_ns: int | None = min(deadline_ns, MOST_NS)

    def is_ready(self) -> bool:
        return self.deadline_ns is None or self._worker.now_ns() >= self.deadline_ns

    def call_when_ready(self, wake: Callable[[], None]) -> None:
        """Nothing but its deadline makes it ready."""


class WallClock(Interface, wit="wasi:clocks/wall-clock"):
    @read_local(label="wall_clock::now", response=DATETIME)
    def now(self) -> Value:
        return datetime_value(self.worker.now_ns())

    @read_local(label="wall_clock::resolution", response=DATETIME)
    def resolution(self) -> Value:
        return datetime_value(RESOLUTION_NS)


class MonotonicClock(Interface, wit="wasi:clocks/monotonic-clock"):
    @read_local(label="monotonic_clock::now", response=U64)
    def now(self) -> int:
        return self.worker.now_ns()

    @read_local(label="monotonic_clock::resolution", response=U64)
    def resolution(self) -> int:
        return RESOLUTION_NS

    # The oplog keeps *now*, not the deadline (SEMANTICS 3.4): a replayed sleep waits for what is left of it.
    @read_local(
        label="monotonic_clock::subscribe_duration",
        request_type=U64,
        request=lambda self, when: when,
        response=U64,
        commits=True,
    )
    def subscribe_duration(self, when: int) -> int:
        return self.worker.now_ns()

    @subscribe_duration.rebuilt
    def _subscribe_duration(self, now: int, when: int) -> Pollable:
        return Pollable(self.worker, Deadline(self.worker, now + when))

    @deterministic
    def subscribe_instant(self, when: int) -> Pollable:
        return Pollable(self.worker, Deadline(self.worker, when))
