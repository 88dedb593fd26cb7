"""Threads for handlers, in lanes: operations that take long, or wait, take no thread from those that do not."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

T = TypeVar("T")

CALLS, READS, WAITS, UPLOADS, SHADOWS = "calls", "reads", "waits", "uploads", "shadows"
THREADS = {
    CALLS: 64,
    READS: 8,
    WAITS: 16,
    SHADOWS: 4,  # two perform at once
    UPLOADS: max(2, os.cpu_count() or 1),  # compiling takes whole cores
}

AT_ONCE = {"healthcheck", "version"}  # they need no thread, so that they answer however busy the others are

# By operation; all others are calls, which hand something over and return.
LANE_OF = {
    "createComponent": UPLOADS,
    "updateComponent": UPLOADS,
    "importWorker": UPLOADS,
    "downloadComponentWasm": READS,
    "exportWorker": READS,
    "findWorkers": READS,
    "getOplog": READS,
    "getWorkersMetadata": READS,
    "shadowWorker": SHADOWS,
    "streamOplog": READS,
    "deleteComponent": WAITS,
    "deleteWorker": WAITS,
    "forkWorker": WAITS,
    "interruptWorker": WAITS,
    "revertWorker": WAITS,
    "simulateCrash": WAITS,
    "updateWorker": WAITS,
}


class Lanes:
    """Of one server. Used from its event loop only."""

    def __init__(self) -> None:
        self._limiters: dict[str, CapacityLimiter] = {}

    async def run(self, operation: str, work: Callable[[], T]) -> T:
        """Run work of an operation in a thread; wait for one of its lane where all are taken."""
        if operation in AT_ONCE:
            return work()
        lane = LANE_OF.get(operation, CALLS)
        if lane not in self._limiters:
            self._limiters[lane] = CapacityLimiter(THREADS[lane])
        return await run_sync(work, limiter=self._limiters[lane])
