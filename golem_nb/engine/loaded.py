"""The workers that are in memory: at most one object of each, made from its oplog when it is first asked for.

What is let go of (idle too long, broken, deleted, reverted) is made anew when it is next asked for, if it still exists.
Who listens to a worker that was reverted goes on listening to the object that is made anew.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from golem_nb.engine.events import EventHub
from golem_nb.engine.resting import Resting
from golem_nb.engine.worker import Evicted, Worker
from golem_nb.errors import EngineStopped, GolemError, StoreFailed, WorkerReverted
from golem_nb.model import ComponentId, WorkerId

T = TypeVar("T")


class LoadedWorkers:
    """May be used from any thread."""

    def __init__(
        self,
        make: Callable[[WorkerId, EventHub], Worker | None],
        not_found: Callable[[WorkerId], GolemError],
        most_with_instance: int,
    ) -> None:
        """`make` reads a worker from the store; `not_found` is the error for one that is not there."""
        self._make, self._not_found = make, not_found
        self._workers: dict[WorkerId, Worker] = {}
        self._hubs: weakref.WeakValueDictionary[WorkerId, EventHub] = weakref.WeakValueDictionary()
        self._resting = Resting(most_with_instance)
        self.lock = threading.RLock()
        """While it is held nobody else loads a worker."""
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._workers)

    def __contains__(self, id: object) -> bool:
        return id in self._workers

    def __getitem__(self, id: WorkerId) -> Worker:
        return self._workers[id]

    def values(self) -> list[Worker]:
        return list(self._workers.values())

    def of(self, component_id: ComponentId) -> list[Worker]:
        return [worker for worker in self.values() if worker.id.component_id == component_id]

    def close(self) -> list[Worker] | None:
        """Load nothing any more; return what is loaded, or None where it was closed before."""
        with self.lock:
            if self._is_closed:
                return None
            self._is_closed = True
            return self.values()

    def check_open(self) -> None:
        if self._is_closed:
            raise EngineStopped("the engine is closed")

    def get(self, id: WorkerId) -> Worker | None:
        """Return a worker that is in memory, and of use."""
        found = self._workers.get(id)
        return None if found is None or found.is_beyond_use else found

    def find(self, id: WorkerId) -> Worker | None:
        """Return the worker, loaded from its oplog if need be; None where there is none."""
        found = self.get(id)
        if found is not None:
            return found
        with self.lock:
            self.check_open()
            found = self.get(id)
            if found is not None:
                return found
            broken = self._workers.get(id)
            if broken is not None:
                self.forget(broken, StoreFailed("the oplog could not be stored; try again with the same key"))
            found = self._make(id, self._hubs.setdefault(id, EventHub()))
            if found is None:
                return None
            self._workers[id] = found
        self.note_idle(found)
        return found

    def load(self, id: WorkerId) -> Worker:
        """`find`.

        Raises:
            WorkerNotFound, ComponentNotFound
        """
        found = self.find(id)
        if found is None:
            raise self._not_found(id)
        return found

    def on(self, id: WorkerId, do: Callable[[Worker], T]) -> T:
        """Do something with a worker; with another object of it, where one was let go of meanwhile."""
        while True:
            try:
                return do(self.load(id))
            except Evicted:
                continue

    @contextmanager
    def stopped(self, id: WorkerId, reason: GolemError) -> Iterator[Worker]:
        """Stop a worker, do something with its oplog while nobody can load it, and forget it; callers get the reason.

        Raises:
            WorkerNotFound: There is none, or another caller deleted it meanwhile.
        """
        while True:
            found = self.load(id)
            found.let_go(reason)
            with self.lock:
                if self._workers.get(id) is not found:
                    continue  # it was let go of, and perhaps loaded anew, meanwhile
                try:
                    yield found
                finally:  # also when the store has failed: what is there is loaded anew
                    self.forget(found, reason)
                return

    def let_go_of(self, workers: Iterable[Worker], reason: GolemError) -> None:
        """End workers for good where all are closed. The lock is not held: what still runs may wait for it."""
        for worker in workers:
            worker.let_go(reason)
            worker.events.end_all()

    def forget(self, worker: Worker, reason: GolemError) -> None:
        worker.let_go(reason)
        if not isinstance(reason, WorkerReverted):
            worker.events.end_all()
        if self._workers.get(worker.id) is worker:
            del self._workers[worker.id]
        self._resting.forget(worker)

    def note_idle(self, worker: Worker) -> None:
        """Keep the workers that were used last, and let go of others: of their instances, and of all else in memory."""
        for idle in self._resting.note(worker):
            self._let_go_if_idle(idle)

    def note_broken(self, worker: Worker) -> None:
        self._workers.pop(worker.id, None)

    def _let_go_if_idle(self, worker: Worker) -> None:
        if not worker.unload_if_idle() or worker.is_beyond_use:
            return
        try:
            worker.journal.commit().result()
        except StoreFailed:
            return  # it is loaded anew when it is next asked for
        with self.lock:
            if self._workers.get(worker.id) is worker and worker.evict():
                self._workers.pop(worker.id, None)  # whose store fails goes without the lock
