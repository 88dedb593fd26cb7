"""`Client` straight into an engine of this process: each method is one line into `Engine`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any, Self
from uuid import UUID

from golem_nb import __version__
from golem_nb.engine.engine import Engine
from golem_nb.engine.events import Subscription
from golem_nb.errors import BadInput, WaitTimeout
from golem_nb.model import (
    LOCAL_ENVIRONMENT,
    Component,
    ComponentId,
    ComponentOptions,
    CrashPoint,
    FileContent,
    FileNode,
    IdempotencyKey,
    OplogIndex,
    OplogPage,
    PublicEntry,
    Shadow,
    ShadowResult,
    SnapshotPolicy,
    UpdateMode,
    WorkerEvent,
    WorkerId,
    WorkerMetadata,
    WorkersPage,
)
from golem_nb.oplog.filters import WorkerFilter
from golem_nb.oplog.query import parse_query
from golem_nb.oplog.search import matching
from golem_nb.values.types import TypedValue
from golem_nb.wire.codec import index_from_cursor, json_from_params
from golem_nb.wire.entries import following_index, public_entry, public_page
from golem_nb.wire.requests import FROM_AND_QUERY


class LocalEvents:
    """The events of one worker, from the engine's own queue."""

    def __init__(self, subscription: Subscription) -> None:
        self._subscription = subscription

    def __iter__(self) -> Iterator[WorkerEvent]:
        return iter(self._subscription)

    def close(self) -> None:
        self._subscription.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class LocalClient:
    """The engine is closed with the client, if that owns it."""

    def __init__(self, engine: Engine, environment_id: UUID = LOCAL_ENVIRONMENT, *, owns_engine: bool = True) -> None:
        self._engine, self.environment_id, self._owns_engine = engine, environment_id, owns_engine

    def __repr__(self) -> str:
        return f"LocalClient({str(self._engine.folder)!r})"

    def speaks(self) -> str:
        return f"an engine in this process (golem_nb {__version__})"

    @property
    def runs_programs(self) -> bool:
        return True

    def create_component(
        self,
        name: str,
        wasm: bytes,
        options: ComponentOptions | None = None,
        files: Mapping[str, FileContent] | None = None,
    ) -> Component:
        return self._engine.create_component(self.environment_id, name, wasm, options or ComponentOptions(), files)

    def update_component(
        self,
        component_id: ComponentId,
        wasm: bytes,
        options: ComponentOptions | None = None,
        files: Mapping[str, FileContent] | None = None,
    ) -> Component:
        return self._engine.update_component(component_id, wasm, options, files)

    def components(self) -> list[Component]:
        return self._engine.components(self.environment_id)

    def component_by_name(self, name: str) -> Component:
        return self._engine.component_by_name(self.environment_id, name)

    def component(self, component_id: ComponentId) -> Component:
        return self._engine.component(component_id)

    def delete_component(self, component_id: ComponentId) -> None:
        self._engine.delete_component(component_id)

    def component_wasm(self, component_id: ComponentId, version: int) -> bytes:
        return self._engine.component_wasm(component_id, version)

    def launch_worker(
        self,
        component_id: ComponentId,
        name: str,
        *,
        args: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        config: Mapping[str, str] | None = None,
    ) -> WorkerId:
        return self._engine.launch_worker(component_id, name, args, env, config)

    def workers(self, component_id: ComponentId, *, cursor: str | None = None, count: int = 50) -> WorkersPage:
        return self._engine.workers(component_id, cursor, count)

    def find_workers(
        self, component_id: ComponentId, filter: WorkerFilter | None, *, cursor: str | None = None, count: int = 50
    ) -> WorkersPage:
        return self._engine.workers(component_id, cursor, count, filter)

    def worker(self, worker: WorkerId) -> WorkerMetadata:
        return self._engine.worker(worker)

    def delete_worker(self, worker: WorkerId) -> None:
        self._engine.delete_worker(worker)

    def interrupt_worker(self, worker: WorkerId, *, recover_immediately: bool = False) -> None:
        self._engine.interrupt_worker(worker, recover_immediately)

    def resume_worker(self, worker: WorkerId) -> None:
        self._engine.resume_worker(worker)

    def crash_worker(self, worker: WorkerId, at: CrashPoint | None = None, *, recover: bool = True) -> None:
        self._engine.crash_worker(worker, at, recover=recover)

    def update_worker(self, worker: WorkerId, target_version: int, mode: UpdateMode = UpdateMode.AUTOMATIC) -> None:
        self._engine.update_worker(worker, target_version, mode)

    def revert_worker(
        self, worker: WorkerId, *, last_index: OplogIndex | None = None, invocations: int | None = None
    ) -> None:
        self._engine.revert_worker(worker, last_index=last_index, invocations=invocations)

    def fork_worker(self, source: WorkerId, target: WorkerId, at_index: OplogIndex) -> None:
        self._engine.fork_worker(source, target, at_index)

    def cancel_invocation(self, worker: WorkerId, key: IdempotencyKey) -> bool:
        return self._engine.cancel_invocation(worker, key)

    def complete_promise(self, worker: WorkerId, oplog_index: OplogIndex, data: bytes) -> bool:
        return self._engine.complete_promise(worker, oplog_index, data)

    def worker_files(self, worker: WorkerId, path: str = "/") -> list[FileNode]:
        return self._engine.worker_files(worker, path).result()

    def worker_file(self, worker: WorkerId, path: str) -> bytes:
        return self._engine.worker_file(worker, path).result()

    def snapshot_policy(self, component_id: ComponentId) -> SnapshotPolicy | None:
        return self._engine.snapshot_policy(component_id)

    def set_snapshot_policy(self, component_id: ComponentId, policy: SnapshotPolicy | None) -> None:
        self._engine.set_snapshot_policy(component_id, policy)

    def invoke(
        self, worker: WorkerId, function: str, params: Sequence[Any], *, key: IdempotencyKey | None = None
    ) -> None:
        self._engine.invoke(worker, function, _wrapped(params), key).result()

    def invoke_and_await(
        self,
        worker: WorkerId,
        function: str,
        params: Sequence[Any],
        *,
        key: IdempotencyKey | None = None,
        timeout_s: float | None = None,
    ) -> TypedValue | None:
        result = self._engine.invoke_and_await(worker, function, _wrapped(params), key)
        try:
            return result.result(timeout_s)
        except TimeoutError:
            raise WaitTimeout(f"no result within {timeout_s:g} s; the worker goes on") from None

    def oplog(
        self,
        worker: WorkerId,
        *,
        from_index: OplogIndex = 1,
        count: int = 100,
        query: str | None = None,
        cursor: str | None = None,
    ) -> OplogPage:
        first = from_index if cursor is None else index_from_cursor(cursor)
        if query is None:
            found = self._engine.oplog(worker, first, count)
            next_index = following_index(found.entries, found.last_index)
        else:
            if from_index != 1:
                raise BadInput(FROM_AND_QUERY)
            found = self._engine.search_oplog(worker, matching(parse_query(query)), first, count)
            next_index = found.next_index
        return public_page(
            found.entries,
            worker=worker,
            from_index=first,
            next_index=next_index,
            last_index=found.last_index,
            component_version=found.component_version,
        )

    def entries(self, worker: WorkerId, *, from_index: OplogIndex = 1) -> Iterator[PublicEntry]:
        _, parts = self._engine.oplog_from(worker, from_index)
        return (public_entry(index, entry, worker) for part in parts for index, entry in part)

    def export_worker(self, worker: WorkerId, file: IO[bytes]) -> None:
        self._engine.export_worker(worker, file)

    def import_worker(self, worker: WorkerId, file: IO[bytes]) -> None:
        self._engine.import_worker(worker, file)

    def shadow(self, worker: WorkerId, asked: Shadow) -> ShadowResult:
        return self._engine.shadow(worker, asked)

    def events(self, worker: WorkerId) -> LocalEvents:
        return LocalEvents(self._engine.events(worker))

    def in_environment(self, environment_id: UUID) -> LocalClient:
        """Return a client of another environment of the engine, which this one closes."""
        return LocalClient(self._engine, environment_id, owns_engine=False)

    def close(self) -> None:
        if self._owns_engine:
            self._engine.close()


def _wrapped(params: Sequence[Any]) -> list[Any]:
    """Return the parameters in the form that cannot be mistaken: a bare value may itself look like `{"value": 1}`."""
    wrapped: list[Any] = json_from_params(params)["params"]
    return wrapped
