"""What can be asked of a Golem server, whichever it is: one method per operation of the contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import IO, Any, Protocol
from uuid import UUID

from golem_nb.model import (
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
from golem_nb.values.types import TypedValue


class EventStream(Protocol):
    """The events of one worker: the last 128, then live ones. Iterating ends when the server closes the stream."""

    def __iter__(self) -> Iterator[WorkerEvent]: ...

    def close(self) -> None:
        """End the stream, also for a thread that is waiting in it."""


class Client(Protocol):
    """A connection to a Golem server, remote or in this process. Methods may be called from any thread.

    Values of parameters are JSON as the API speaks it (SEMANTICS 2.5), bare; results come back typed. All methods
    raise `golem_nb.errors.GolemError` for expected failures.
    """

    @property
    def environment_id(self) -> UUID: ...

    def speaks(self) -> str:
        """Say what the server is: the contract, or which Golem."""

    @property
    def runs_programs(self) -> bool:
        """May components be programs in Python? No release of Golem runs them."""

    def create_component(
        self,
        name: str,
        wasm: bytes,
        options: ComponentOptions | None = None,
        files: Mapping[str, FileContent] | None = None,
    ) -> Component:
        """Make a component; `files` are what its workers begin with, by path (`options.files` follows from them)."""

    def update_component(
        self,
        component_id: ComponentId,
        wasm: bytes,
        options: ComponentOptions | None = None,
        files: Mapping[str, FileContent] | None = None,
    ) -> Component:
        """Add a version; without options, with those of the one before it, and without files, with its files."""

    def components(self) -> list[Component]: ...
    def component_by_name(self, name: str) -> Component: ...
    def component(self, component_id: ComponentId) -> Component: ...
    def delete_component(self, component_id: ComponentId) -> None: ...
    def component_wasm(self, component_id: ComponentId, version: int) -> bytes: ...

    def launch_worker(
        self,
        component_id: ComponentId,
        name: str,
        *,
        args: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        config: Mapping[str, str] | None = None,
    ) -> WorkerId:
        """Create a worker on the component's latest version. `config` is what `wasi:config` tells it.

        Raises:
            WorkerExists: There is one with this name.
        """

    def workers(self, component_id: ComponentId, *, cursor: str | None = None, count: int = 50) -> WorkersPage: ...
    def worker(self, worker: WorkerId) -> WorkerMetadata: ...
    def delete_worker(self, worker: WorkerId) -> None: ...
    def interrupt_worker(self, worker: WorkerId, *, recover_immediately: bool = False) -> None: ...
    def resume_worker(self, worker: WorkerId) -> None: ...
    def crash_worker(self, worker: WorkerId, at: CrashPoint | None = None, *, recover: bool = True) -> None:
        """Drop the worker's instance as a crash would, now or at a point to come.

        It recovers at once; without `recover` it is left as it is, until an invocation, `resume_worker`, a promise that
        it waits for, or the next start of the engine. A worker that sleeps, or is to try again, does so at its time.

        Raises:
            BadInput: The point makes no sense.
            NotSupported: The server is not golem_nb's own.
        """

    def update_worker(self, worker: WorkerId, target_version: int, mode: UpdateMode = UpdateMode.AUTOMATIC) -> None:
        """Ask for an update; what becomes of it is seen in the worker's metadata.

        Raises:
            UpdateRefused: The worker is at this version already, or the same update is under way.
        """

    # The next ones are outside the contract: a server without them gives NotSupported.

    def find_workers(
        self, component_id: ComponentId, filter: WorkerFilter | None, *, cursor: str | None = None, count: int = 50
    ) -> WorkersPage:
        """Return the next page of the workers that fit a filter; it may have fewer than `count`, or none, and a cursor.

        Raises:
            BadInput: The cursor is not one that a page of this search had.
        """

    def revert_worker(
        self, worker: WorkerId, *, last_index: OplogIndex | None = None, invocations: int | None = None
    ) -> None:
        """Take back what is behind `last_index`, or the last `invocations`: exactly one of them is given.

        Raises:
            BadInput: There are fewer, or the index is not one that can be gone back to.
        """

    def fork_worker(self, source: WorkerId, target: WorkerId, at_index: OplogIndex) -> None:
        """Make a worker of the entries 1 to `at_index` of another; it goes on from there.

        Raises:
            WorkerExists: The target does.
        """

    def cancel_invocation(self, worker: WorkerId, key: IdempotencyKey) -> bool:
        """Cancel an invocation that waits; False where it has run.

        Raises:
            InvocationNotFound: There is none with this key.
        """

    def complete_promise(self, worker: WorkerId, oplog_index: OplogIndex, data: bytes) -> bool:
        """Complete the promise that a worker made at an index; False where it was complete already.

        Raises:
            PromiseNotFound: It made none there.
        """

    def worker_files(self, worker: WorkerId, path: str = "/") -> list[FileNode]:
        """List a directory of a worker, or one file; the worker is started, and ends what it was asked before.

        Raises:
            FileNotFound: There is nothing at this path.
        """

    def worker_file(self, worker: WorkerId, path: str) -> bytes:
        """Return what is in a file of a worker; as `worker_files`.

        Raises:
            BadInput: It is a directory.
        """

    def snapshot_policy(self, component_id: ComponentId) -> SnapshotPolicy | None:
        """Return when the component's workers are asked for snapshots; None = never."""

    def set_snapshot_policy(self, component_id: ComponentId, policy: SnapshotPolicy | None) -> None: ...

    def invoke(
        self, worker: WorkerId, function: str, params: Sequence[Any], *, key: IdempotencyKey | None = None
    ) -> None:
        """Enqueue an invocation; return when it is durably accepted."""

    def invoke_and_await(
        self,
        worker: WorkerId,
        function: str,
        params: Sequence[Any],
        *,
        key: IdempotencyKey | None = None,
        timeout_s: float | None = None,
    ) -> TypedValue | None:
        """Invoke and wait; None where the function has no result. The same key gives the same result, once.

        Raises:
            WaitTimeout: `timeout_s` is over; the worker goes on.
        """

    def oplog(
        self,
        worker: WorkerId,
        *,
        from_index: OplogIndex = 1,
        count: int = 100,
        query: str | None = None,
        cursor: str | None = None,
    ) -> OplogPage:
        """Return a page of the oplog from `from_index` on, or from the `cursor` of the page before.

        With a `query` (the language of `golem_nb.oplog.query`), it has the entries that match it: about `count` of
        them, searched for from the beginning, or from the cursor.

        Raises:
            BadInput: The query cannot be read, or stands beside a `from_index`.
            NotSupported: The server does not search.
        """

    def entries(self, worker: WorkerId, *, from_index: OplogIndex = 1) -> Iterator[PublicEntry]:
        """Yield the entries from an index up to the last one that there is when this is asked.

        They come as one stream where the server has that, else page by page.
        """

    def events(self, worker: WorkerId) -> AbstractContextManager[EventStream]: ...

    def export_worker(self, worker: WorkerId, file: IO[bytes]) -> None:
        """Write all that is stored of a worker into a file, which stands for itself. The worker goes on.

        Raises:
            NotSupported: The server is not golem_nb's own.
        """

    def import_worker(self, worker: WorkerId, file: IO[bytes]) -> None:
        """Make a worker of what another was exported to, which goes on where that one was.

        Raises:
            BadInput: The file is none of a worker, or is damaged.
            Conflict: The component's versions are not those that the worker ran on.
            WorkerExists: There is one with this name.
            NotSupported: The server is not golem_nb's own.
        """

    def shadow(self, worker: WorkerId, asked: Shadow) -> ShadowResult:
        """Meet a worker's history again beside it: up to an index, on another version, with other answers.

        The worker is not touched, and nothing outside is reached.

        Raises:
            BadInput: There is no such index, answer or function.
            NotSupported: The server is not golem_nb's own.
        """

    def close(self) -> None: ...
