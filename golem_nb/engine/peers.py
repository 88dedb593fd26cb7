"""What the host functions of one worker may ask of the engine about workers (`host.context.Peers`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from golem_nb.engine.slices import OplogSlice
from golem_nb.errors import BadInput, ComponentNotFound, UpdateRefused, WorkerExists, WorkerNotFound
from golem_nb.model import ComponentId, OplogIndex, UpdateMode, WorkerId, WorkerMetadata, WorkersPage
from golem_nb.oplog.entries import OplogEntry
from golem_nb.store.promises import Promises
from golem_nb.values.types import FunctionType


class Verbs(Protocol):
    """The engine's methods that are needed here."""

    def worker(self, worker: WorkerId) -> WorkerMetadata: ...

    def function_type(self, worker: WorkerId, function: str) -> FunctionType: ...

    def component_id_beside(self, component_id: ComponentId, name: str) -> ComponentId: ...

    def complete_promise(self, worker: WorkerId, oplog_index: OplogIndex, data: bytes) -> bool: ...

    def update_worker(self, worker: WorkerId, target_version: int, mode: UpdateMode) -> None: ...

    def revert_worker(
        self, worker: WorkerId, *, last_index: OplogIndex | None = None, invocations: int | None = None, key: str = ""
    ) -> None: ...

    def is_fork(self, worker: WorkerId, source: WorkerId) -> bool: ...

    def workers(self, component_id: ComponentId, cursor: str | None = None, count: int = 50) -> WorkersPage: ...

    def search_oplog(
        self,
        worker: WorkerId,
        matches: Callable[[OplogIndex, OplogEntry], bool],
        from_index: OplogIndex = 1,
        count: int = 100,
    ) -> OplogSlice: ...

    def fork_worker(
        self, source: WorkerId, target: WorkerId, at_index: OplogIndex | None, then: Sequence[OplogEntry] = ()
    ) -> None: ...


class WorkerPeers:
    """Promises of the worker with this number; everything else is the engine's API."""

    def __init__(self, verbs: Verbs, promises: Promises, id: WorkerId, number: int) -> None:
        self._verbs, self._promises, self._id, self._number = verbs, promises, id, number

    def function_type(self, worker: WorkerId, function: str) -> FunctionType:
        return self._verbs.function_type(worker, function)

    def metadata(self, worker: WorkerId) -> WorkerMetadata | None:
        try:
            return self._verbs.worker(worker)
        except (WorkerNotFound, ComponentNotFound):
            return None

    def resolve_component(self, reference: str) -> ComponentId | None:
        # Golem's `account/project/name`: there is one account here, and one project, the worker's environment.
        for name in dict.fromkeys((reference, reference.rpartition("/")[2])):
            with suppress(ComponentNotFound):
                return self._verbs.component_id_beside(self._id.component_id, name)
        return None

    def create_promise(self, index: OplogIndex) -> None:
        self._promises.create(self._number, index)

    def has_promise(self, index: OplogIndex) -> bool:
        return self._promises.exists(self._number, index)

    def promise(self, index: OplogIndex) -> bytes | None:
        return self._promises.payload(self._number, index)

    def complete_promise(self, worker: WorkerId, index: OplogIndex, data: bytes) -> bool:
        return self._verbs.complete_promise(worker, index, data)

    def delete_promise(self, index: OplogIndex) -> None:
        self._promises.delete(self._number, index).result()

    def update(self, worker: WorkerId, target_version: int, mode: UpdateMode) -> None:
        with suppress(UpdateRefused):  # it may have been accepted by an attempt that a crash cut off
            self._verbs.update_worker(worker, target_version, mode)

    def revert(
        self, worker: WorkerId, *, last_index: OplogIndex | None = None, invocations: int | None = None, key: str = ""
    ) -> None:
        if worker == self._id:
            raise BadInput("a worker cannot revert itself: the invocation that asks would be undone while it runs")
        self._verbs.revert_worker(worker, last_index=last_index, invocations=invocations, key=key)

    def workers(self, component_id: ComponentId, cursor: str | None, count: int) -> WorkersPage:
        return self._verbs.workers(component_id, cursor, count)

    def oplog(
        self,
        worker: WorkerId,
        from_index: OplogIndex,
        count: int,
        matches: Callable[[OplogIndex, OplogEntry], bool],
    ) -> tuple[list[tuple[OplogIndex, OplogEntry]], OplogIndex | None]:
        found = self._verbs.search_oplog(worker, matches, from_index, count)
        return list(found.entries), found.next_index

    def fork_here(self, name: str, then: OplogEntry) -> None:
        """Fork the worker as it is now; the copy's oplog goes on with an entry of its own."""
        self._fork(self._id, WorkerId(self._id.component_id, name), None, (then,))

    def fork(self, source: WorkerId, target: WorkerId, at_index: OplogIndex) -> None:
        self._fork(source, target, at_index, ())

    def _fork(
        self, source: WorkerId, target: WorkerId, at_index: OplogIndex | None, then: Sequence[OplogEntry]
    ) -> None:
        try:
            self._verbs.fork_worker(source, target, at_index, then)
        except WorkerExists:
            if not self._verbs.is_fork(target, source):  # nor made by an attempt that a crash cut off
                raise
