"""Workers that do nothing now and are kept in memory all the same, because they were used last."""

from __future__ import annotations

import threading
from collections import OrderedDict

from golem_nb.engine.worker import Worker
from golem_nb.model import WorkerId

# Without an instance, at some 16 KB each: they sleep, or were only asked for.
MOST_BARE = 1000


class Resting:
    """Those with an instance and those without are counted apart: the former cost memory by the megabyte."""

    def __init__(self, most_with_instance: int) -> None:
        self._most = most_with_instance
        self._loaded: OrderedDict[WorkerId, Worker] = OrderedDict()
        self._bare: OrderedDict[WorkerId, Worker] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, worker: Worker) -> list[Worker]:
        """Take a worker as the one used last; return those that are to be let go of for it."""
        with self._lock:
            kept, others = (self._loaded, self._bare) if worker.has_instance else (self._bare, self._loaded)
            others.pop(worker.id, None)
            kept[worker.id] = worker
            kept.move_to_end(worker.id)
            oldest = [self._loaded.popitem(last=False)[1] for _ in range(len(self._loaded) - self._most)]
            return oldest + [self._bare.popitem(last=False)[1] for _ in range(len(self._bare) - MOST_BARE)]

    def forget(self, worker: Worker) -> None:
        with self._lock:
            for kept in (self._loaded, self._bare):
                if kept.get(worker.id) is worker:
                    del kept[worker.id]
