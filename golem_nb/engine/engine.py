"""The engine: components, workers, invocations. One verb each; every answer follows from the oplogs in its store.

`Engine.open` takes a folder (or "memory:"), holds its lock until `close`, and starts what a crash cut off.

This is one long file because it is a façade: a short method for each verb, in the API's order, and what they share.
"""

from __future__ import annotations

import logging
import random
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from difflib import get_close_matches
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, Any, TypeVar
from uuid import UUID, uuid4

from golem_nb.authoring.runtime import compiled_folder
from golem_nb.engine import histories
from golem_nb.engine.calls import Calls
from golem_nb.engine.components import NO_OPTIONS, Deployments, Files
from golem_nb.engine.crash_points import ArmedPoint
from golem_nb.engine.events import EventHub, Subscription
from golem_nb.engine.folder import FolderLock
from golem_nb.engine.host_context import Clock, Surroundings
from golem_nb.engine.invocation import Invocation
from golem_nb.engine.journal import Journal, stored_state
from golem_nb.engine.listing import page_of_workers
from golem_nb.engine.loaded import LoadedWorkers
from golem_nb.engine.metadata import metadata_of
from golem_nb.engine.parameters import check_texts, checked_key, parameters_from_json
from golem_nb.engine.peers import WorkerPeers
from golem_nb.engine.reads import content_at, nodes_at
from golem_nb.engine.running_time import TICK_S
from golem_nb.engine.runtimes import Runtimes
from golem_nb.engine.scheduler import Slots, Threads, Timers, default_slots
from golem_nb.engine.settings import Settings, SystemClock
from golem_nb.engine.shadows import Stage, shadow_of
from golem_nb.engine.slices import MOST_OPLOG_ENTRIES, IndexedEntries, Matches, OplogSlice, entries_up_to, slice_of
from golem_nb.engine.stores import Stores
from golem_nb.engine.transfer import Transfers
from golem_nb.engine.worker import Evicted, Worker
from golem_nb.errors import (
    BadInput,
    ComponentNotFound,
    ComponentRejected,
    EngineStopped,
    FunctionNotFound,
    GolemError,
    WorkerExists,
    WorkerNotFound,
    WorkerReverted,
)
from golem_nb.host.context import WorkerTemplate
from golem_nb.host.initialfiles import InitialFiles
from golem_nb.host.network import Network
from golem_nb.model import (
    Component,
    ComponentId,
    ComponentOptions,
    CrashPoint,
    FileNode,
    IdempotencyKey,
    OplogIndex,
    Shadow,
    ShadowResult,
    SnapshotPolicy,
    UpdateMode,
    WorkerId,
    WorkerMetadata,
    WorkersPage,
    WorkerStatus,
    check_worker_name,
    clean_path,
)
from golem_nb.oplog.codec import entries_from_chunk
from golem_nb.oplog.entries import Create, InvocationContext, OplogEntry, Recorded
from golem_nb.oplog.filters import WorkerFilter
from golem_nb.store.components import Components
from golem_nb.store.database import Database
from golem_nb.store.oplogs import Oplogs, Start
from golem_nb.store.promises import Promises
from golem_nb.store.schedule import Schedule
from golem_nb.store.workers import Workers
from golem_nb.values.types import FunctionType, TypedValue
from golem_nb.wasm.link import LinkedComponent
from golem_nb.wasm.platform import Platform

T = TypeVar("T")

log = logging.getLogger("golem_nb.engine")


class Engine:
    """See the module. Methods may be called from any thread but must not be from one of the engine's own."""

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        *,
        clock: Clock | None = None,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
        draw: Callable[[], float] = random.random,
        in_memory: bool = False,
    ) -> None:
        self.folder, self._in_memory = folder, in_memory
        self._clock, self._draw = clock or SystemClock(), draw
        self._lock = FolderLock(folder)
        try:
            self._database = Database(folder / "golem.db", "none" if in_memory else settings.durability)
        except BaseException:
            self._lock.release()
            raise
        self._oplogs, self._workers = Oplogs(self._database), Workers(self._database)
        self._promises = Promises(self._database)
        self._policies: dict[ComponentId, SnapshotPolicy | None] = {}
        self._platform, self._activity = Platform(folder / "compiled", compiled_folder()), threading.Event()
        self._runtimes = Runtimes(folder / "runtimes", self._platform, self._activity.set)
        self._deployments = Deployments(
            Components(self._database, folder / "wasm"),
            self._platform,
            self._runtimes,
            lambda: self._clock.now_ns() // 1000,
        )
        self._memory_limit_bytes, self.time_limit_s = settings.memory_limit_bytes, settings.time_limit_s
        self.threads, self.timers = Threads("worker"), Timers(self._clock.now_ns)
        self.calls = Calls(self, Schedule(self._database), self.timers, self.threads, self._clock.now_ns)
        self._transfers = Transfers(self._oplogs, self._workers, self._deployments, self.calls)
        self._network = Network(settings.network)
        self.surroundings = Surroundings(
            self._clock,
            random_bytes,
            Slots(settings.slots or default_slots(), self._activity.set),
            Threads("network"),
            self._network,
            Stores(self._database, self._deployments.environment_of),
        )
        self.stage = Stage(self._activity.set)
        self._ticked = (self.surroundings.slots, self._runtimes.slots, self.stage.slots)
        self._loaded = LoadedWorkers(self._make, self._not_found, settings.max_loaded)
        self.left_down: set[int] = set()
        self._dirty: list[Journal] = []
        self._closing = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="ticker", daemon=True)
        self._ticker.start()
        try:
            self._start_unfinished()
            self.calls.start()
        except BaseException:
            self.close()
            raise

    @classmethod
    def open(cls, path: str | Path, settings: Settings | None = None, **options: Any) -> Engine:
        """Open the engine of a folder; "memory:" gives one that is gone when it is closed.

        Raises:
            DataFolderInUse, DataFolderTooNew, DataFolderUnsuitable: The folder cannot be used.
        """
        in_memory = path == "memory:"
        folder = Path(tempfile.mkdtemp(prefix="golem-nb-")) if in_memory else Path(path).expanduser()
        return cls(folder, settings or Settings(), in_memory=in_memory, **options)

    def close(self, grace_s: float = 0.0) -> None:
        """Stop: what runs may finish within `grace_s`; what does not goes on at the next start."""
        workers = self._loaded.close()
        if workers is None:
            return
        self.stage.close()
        reason = EngineStopped("the engine is closing; what it accepted goes on later")
        deadline = time.monotonic() + grace_s
        for worker in workers:
            worker.refuse(reason)
        for worker in workers:
            worker.wait_until_idle(max(0.0, deadline - time.monotonic()))
        for worker in workers:
            worker.unload(reason)
        self._loaded.let_go_of(workers, reason)
        self._closing.set()
        self._activity.set()
        self._ticker.join()
        self.timers.close()
        self.calls.close()
        for worker in workers:
            worker.journal.flush()
        self._database.close()
        self._network.close()
        self._lock.release()
        if self._in_memory:
            shutil.rmtree(self.folder, ignore_errors=True)

    # Components.

    def create_component(
        self,
        environment_id: UUID,
        name: str,
        wasm: bytes,
        options: ComponentOptions = NO_OPTIONS,
        files: Files | None = None,
    ) -> Component:
        """Make a component; `files` are its initial ones, by path (`options.files` follows from them)."""
        return self._deployments.create(environment_id, name, wasm, options, files)

    def update_component(
        self,
        component_id: ComponentId,
        wasm: bytes,
        options: ComponentOptions | None = None,
        files: Files | None = None,
    ) -> Component:
        """Add a version; without options, with those of the one before it, and without files, with its files."""
        return self._deployments.update(component_id, wasm, options, files)

    def components(self, environment_id: UUID) -> list[Component]:
        return self._deployments.in_environment(environment_id)

    def component_by_name(self, environment_id: UUID, name: str) -> Component:
        return self._deployments.by_name(environment_id, name)

    def component(self, component_id: ComponentId) -> Component:
        return self._deployments.latest(component_id)

    def component_wasm(self, component_id: ComponentId, version: int) -> bytes:
        return self._deployments.wasm(component_id, version)

    def delete_component(self, component_id: ComponentId) -> None:
        """Delete a component; its workers are stopped and gone."""
        self._deployments.latest(component_id)
        while True:
            for worker in self._loaded.of(component_id):
                worker.let_go(WorkerNotFound(worker.id))
            with self._loaded.lock:
                if any(worker.is_busy for worker in self._loaded.of(component_id)):
                    continue  # loaded meanwhile; not to be waited for here, since it may wait for the lock
                for worker in self._loaded.of(component_id):
                    self._loaded.forget(worker, WorkerNotFound(worker.id))
                self._deployments.delete(component_id)
                return

    # Workers.

    def launch_worker(
        self,
        component_id: ComponentId,
        name: str,
        args: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        config: Mapping[str, str] | None = None,
        *,
        parent: WorkerId | None = None,
    ) -> WorkerId:
        """Create a worker on the latest version. `config` is for `wasi:config`; `parent` is the worker that calls it.

        Raises:
            WorkerExists, ComponentNotFound, InvalidWorkerName, BadInput
        """
        component = self._deployments.latest(component_id)
        worker = WorkerId(component_id, check_worker_name(name))
        check_texts(args, *(part for pairs in (env or {}, config or {}) for part in (pairs.keys(), pairs.values())))
        now_us = self._clock.now_ns() // 1000
        create = Create(
            now_us,
            component_id,
            name,
            component.version,
            tuple(args),
            dict(env or {}),
            component.size_bytes,
            None if parent is None else str(parent),
            config=dict(config or {}),
            environment_id=self._deployments.environment_of(component_id),
            memory_limit_bytes=self._memory_limit_bytes,
        )
        self._loaded.check_open()
        self._workers.create(worker, histories.chunks_of([create]), Start(False)).result()
        return worker

    def workers(
        self,
        component_id: ComponentId,
        cursor: str | None = None,
        count: int = 50,
        filter: WorkerFilter | None = None,
    ) -> WorkersPage:
        """Return a page of workers in order of creation; with a filter, of those that pass it (see `listing`)."""
        self._deployments.latest(component_id)
        rows = partial(self._workers.page, component_id)
        return page_of_workers(rows, lambda name: self._metadata(WorkerId(component_id, name)), cursor, count, filter)

    def worker(self, worker: WorkerId) -> WorkerMetadata:
        found = self._metadata(worker)
        if found is None:
            raise self._not_found(worker)
        return found

    def _metadata(self, id: WorkerId) -> WorkerMetadata | None:
        """Return a worker's metadata; one that is not in memory is not loaded for it."""
        self._loaded.check_open()
        found = self._loaded.get(id)
        if found is not None:
            version = found.journal.state.component_version
            return found.metadata(self.component_size(id.component_id, version))
        number = self._workers.number(id)
        if number is None:
            return None
        state, _ = stored_state(self._oplogs, number)
        if state.create is None:
            return None  # deleted just now
        return metadata_of(id, state, self.component_size(id.component_id, state.component_version))

    def delete_worker(self, worker: WorkerId) -> None:
        with self._loaded.stopped(worker, WorkerNotFound(worker)) as found:
            found.journal.flush()  # or who reads it just now would write to what is gone
            self._workers.delete(found.number).result()

    def interrupt_worker(self, worker: WorkerId, recover_immediately: bool = False) -> None:
        self._loaded.on(worker, lambda found: found.interrupt(recover_immediately))

    def resume_worker(self, worker: WorkerId) -> None:
        self._loaded.on(worker, Worker.resume)

    def crash_worker(self, worker: WorkerId, at: CrashPoint | None = None, *, recover: bool = True) -> None:
        """Lose the worker's instance, now or when it comes to a point; it replays at once, or when next wanted."""
        armed = None if at is None else ArmedPoint(at, recover)
        self._loaded.on(worker, lambda found: found.crash(recover) if armed is None else found.journal.arm(armed))

    def update_worker(self, worker: WorkerId, target_version: int, mode: UpdateMode = UpdateMode.AUTOMATIC) -> None:
        """Accept an update to another component version; the oplog and the metadata tell what becomes of it.

        Raises:
            UpdateRefused: The worker is on that version, or the same update is under way.
        """
        self._loaded.on(worker, lambda found: found.update(target_version, mode))

    def cancel_invocation(self, worker: WorkerId, key: IdempotencyKey) -> bool:
        """Take an invocation out of the queue; False where it has begun, or is over.

        Raises:
            InvocationNotFound: There is none with this key.
        """
        return self._loaded.on(worker, lambda found: found.cancel(key))

    def complete_promise(self, worker: WorkerId, oplog_index: OplogIndex, data: bytes) -> bool:
        """Complete a promise and wake its worker; False where it was complete, and keeps what it has.

        Raises:
            PromiseNotFound: The worker made no such promise.
        """
        self._loaded.check_open()
        is_first = self._promises.complete(worker, oplog_index, data).result()
        self._loaded.on(worker, Worker.promise_completed)
        return is_first

    def revert_worker(
        self, worker: WorkerId, *, last_index: OplogIndex | None = None, invocations: int | None = None, key: str = ""
    ) -> None:
        """Undo what the worker did after an index, or its last invocations. It is stopped, and goes on when asked to.

        What was done with this `key` is not done again.

        Raises:
            BadInput: There is nothing of that kind to undo; or not exactly one of the two is given.

        Source: SEMANTICS 6.6.
        """
        if (last_index is None) == (invocations is None):
            raise BadInput("give either the last index to keep, or the number of invocations to undo")
        if key and self._loaded.on(worker, lambda w: key in w.journal.state.revert_keys):
            return
        # Or leave it running.
        self._loaded.on(worker, lambda w: histories.first_to_revert(w.journal, last_index, invocations))
        reason = WorkerReverted("the worker was reverted; ask again with the same key, or another one")
        with self._loaded.stopped(worker, reason) as found:
            histories.revert(found.journal, last_index, invocations, key)
        with suppress(WorkerNotFound, WorkerReverted, EngineStopped):  # another caller has it now
            self._loaded.on(worker, Worker.start_as_reverted)

    def fork_worker(
        self, source: WorkerId, target: WorkerId, at_index: OplogIndex | None, then: Sequence[OplogEntry] = ()
    ) -> None:
        """Make a worker whose history begins with another one's, up to an index (None: its end), and start it.

        The history goes on with the entries `then`.

        Raises:
            BadInput: The index is below 2 or beyond the oplog, or the workers are of different components.
            WorkerExists: There is a worker of the target's name.

        Source: SEMANTICS 5.9.
        """
        check_worker_name(target.name)
        if source.component_id != target.component_id:
            raise BadInput("a worker can be forked within its component only")
        number, last_index = self._loaded.on(source, _stored_up_to)
        at_index = last_index if at_index is None else at_index
        if not 2 <= at_index <= last_index:
            raise BadInput(f"the index to fork at must be between 2 and {last_index}, found {at_index}")
        if self._workers.number(target) is not None:
            raise WorkerExists(target)
        now_us = self._clock.now_ns() // 1000
        chunks, start = histories.forked(source.name, self._entries_of(number), at_index, target.name, now_us, then)
        self._workers.create(target, chunks, start, promises_of=(number, at_index)).result()
        self._loaded.on(target, Worker.start_as_forked)

    def is_fork(self, worker: WorkerId, source: WorkerId) -> bool:
        """Does a worker's history begin with this other one's?"""
        create = self._loaded.on(worker, lambda found: found.journal.state.create)
        return create is not None and source.name in create.forked_from[-1:]

    def _entries_of(self, number: int) -> Iterator[OplogEntry]:
        for chunk in self._oplogs.read(number):
            yield from entries_from_chunk(chunk.body)

    def oplog(self, worker: WorkerId, from_index: OplogIndex = 1, count: int = MOST_OPLOG_ENTRIES) -> OplogSlice:
        """Return up to `count` (at most 100) entries from `from_index` on; 0 is read as 1."""
        return self.search_oplog(worker, lambda index, entry: True, from_index, count)

    def search_oplog(
        self,
        worker: WorkerId,
        matches: Matches,
        from_index: OplogIndex = 1,
        count: int = MOST_OPLOG_ENTRIES,
    ) -> OplogSlice:
        """Return the first `count` (at most 100) entries that match, from `from_index` on; 0 is read as 1."""
        return slice_of(self._loaded.load(worker).journal, matches, from_index, count)

    def oplog_from(self, worker: WorkerId, from_index: OplogIndex = 1) -> tuple[OplogIndex, Iterator[IndexedEntries]]:
        """Return the worker's last index, and all entries from an index up to there, as many at once as were stored.

        The iterator may go from thread to thread. It raises WorkerNotFound if the worker is deleted meanwhile.
        """
        number, last_index = self._loaded.on(worker, _stored_up_to)
        return last_index, entries_up_to(self._oplogs, worker, number, max(1, from_index), last_index)

    def export_worker(self, worker: WorkerId, file: IO[bytes]) -> None:
        """Write all that is stored of a worker to a file. It goes on meanwhile."""
        number, _ = self._loaded.on(worker, _stored_up_to)
        self._transfers.write(worker, number, file)

    def import_worker(self, worker: WorkerId, file: IO[bytes]) -> None:
        """Make a worker of what another one was exported to, stored when this returns; it goes on where that one was.

        Raises:
            BadInput, ComponentNotFound, Conflict, WorkerExists: See `Transfers.read`.
        """
        check_worker_name(worker.name)
        self._loaded.check_open()
        state = self._transfers.read(worker, file)
        if state.wants_to_run or state.status is WorkerStatus.SUSPENDED:
            with suppress(WorkerNotFound, EngineStopped):  # deleted already; or it starts with the next engine
                self._loaded.on(worker, Worker.start_after_crash)

    def shadow(self, worker: WorkerId, asked: Shadow) -> ShadowResult:
        """Meet a worker's history again beside it, which goes on meanwhile; see `shadows`."""
        number, last_index = self._loaded.on(worker, _stored_up_to)
        entries = list(islice(self._entries_of(number), last_index))
        return shadow_of(worker, number, entries, asked, self)

    def worker_files(self, worker: WorkerId, path: str = "/") -> Future[list[FileNode]]:
        """List a directory of a worker, or one file, when the invocations accepted before are over.

        Raises:
            PreviousInvocationFailed, WorkerExited: It cannot be started. The future has FileNotFound or BadInput.
        """
        path = clean_path(path)
        return self._loaded.on(worker, lambda found: found.read_files(partial(nodes_at, path)))

    def worker_file(self, worker: WorkerId, path: str) -> Future[bytes]:
        """Read a file of a worker; as `worker_files`."""
        path = clean_path(path)
        return self._loaded.on(worker, lambda found: found.read_files(partial(content_at, path)))

    def events(self, worker: WorkerId) -> Subscription:
        """Return the worker's events: the last 128, then live ones. Does not start the worker."""
        return self._loaded.on(worker, lambda found: found.subscribe())

    # Invocations.

    def invoke(
        self, worker: WorkerId, function: str, params: Sequence[Any], key: IdempotencyKey | None = None
    ) -> Future[None]:
        """Enqueue an invocation; the future resolves when it is durably accepted."""
        return self.accept(worker, function, lambda type: parameters_from_json(type, params), key, None)

    def invoke_and_await(
        self, worker: WorkerId, function: str, params: Sequence[Any], key: IdempotencyKey | None = None
    ) -> Future[TypedValue | None]:
        """Enqueue an invocation; the future has its result (None: the function gives none), or an InvocationError."""
        result: Future[TypedValue | None] = Future()
        self.accept(worker, function, lambda type: parameters_from_json(type, params), key, result)
        return result

    def accept(
        self,
        worker: WorkerId,
        function: str,
        values: Callable[[FunctionType], Sequence[Any]],
        key: IdempotencyKey | None,
        waiter: Future[TypedValue | None] | None,
        context: InvocationContext | None = None,
        template: WorkerTemplate | None = None,
    ) -> Future[None]:
        """Check an invocation and hand it to its worker, which is made if there is none (on the latest version).

        `values` gives those of the parameters. With a `template`, another worker calls; it hands on `context`.

        Raises:
            FunctionNotFound, BadInput: It cannot be made.
            InvalidWorkerName: The worker does not exist and cannot.
        """
        key = checked_key(key) if key else str(uuid4())
        while True:
            found = self._loaded.find(worker)
            type = self._function_type(worker.component_id, found, function, by_worker=template is not None)
            input = tuple(Recorded.of(p.type, v) for p, v in zip(type.parameters, values(type), strict=True))
            if found is None:
                found = self.find_or_launch(worker, template)
            try:
                return found.accept(
                    Invocation(type.name, input, key, context, template.earlier_parents if template else ()), waiter
                )
            except Evicted:
                continue

    def function_type(self, worker: WorkerId, function: str) -> FunctionType:
        """Return the type of the function that another worker calls by this name."""
        return self._function_type(worker.component_id, self._loaded.find(worker), function, by_worker=True)

    def has_at_hand(self, worker: WorkerId) -> bool:
        """Is the worker in memory?"""
        return self._loaded.get(worker) is not None

    def _function_type(
        self, component_id: ComponentId, worker: Worker | None, function: str, *, by_worker: bool
    ) -> FunctionType:
        """Return the type of an exported function in the version that a worker will have when its updates are made.

        What that version does not export, the present one may: it has its turn if the update fails. Workers may call a
        function without the name of its package.

        Source: SEMANTICS 2.4.
        """
        if worker is None:
            return self._exported(component_id, self.component(component_id).version, function, by_worker)
        with worker.journal.lock:
            *later, version = worker.journal.state.versions_ahead
        for target in later:
            with suppress(ComponentNotFound, ComponentRejected, FunctionNotFound):
                return self._exported(component_id, target, function, by_worker)
        return self._exported(component_id, version, function, by_worker)

    def _exported(self, component_id: ComponentId, version: int, function: str, by_worker: bool) -> FunctionType:
        compiled = self.linked(component_id, version).compiled
        return compiled.export(compiled.with_package(function) if by_worker else function).type

    def find_or_launch(self, worker: WorkerId, template: WorkerTemplate | None = None) -> Worker:
        if found := self._loaded.find(worker):
            return found
        with self._loaded.lock:
            if self._loaded.find(worker) is None:
                given = template or WorkerTemplate((), {}, None)
                with suppress(WorkerExists):  # another caller has made it just now
                    self.launch_worker(
                        worker.component_id, worker.name, given.args, given.env, given.config, parent=given.parent
                    )
            return self._loaded.load(worker)

    def set_snapshot_policy(self, component_id: ComponentId, policy: SnapshotPolicy | None) -> None:
        """Say when workers of a component are asked for snapshots; None = never.

        Raises:
            BadInput: A number is not positive.
        """
        self._deployments.latest(component_id)
        if policy is not None:
            every, every_s = policy.every_invocations, policy.every_s
            if (every is not None and every < 1) or (every_s is not None and not 0 < every_s < 1e9):
                raise BadInput(f"a snapshot is taken every 1 or more invocations or seconds, found {policy}")
        self._deployments.set_snapshot_policy(component_id, policy)
        self._policies.pop(component_id, None)

    # What workers ask for (engine.worker.Services).

    def linked(self, component_id: ComponentId, version: int) -> LinkedComponent:
        return self._deployments.linked(component_id, version)

    def component_size(self, component_id: ComponentId, version: int) -> int:
        return self._deployments.version(component_id, version).size_bytes

    def component_options(self, component_id: ComponentId, version: int) -> ComponentOptions:
        return self._deployments.options(component_id, version)

    def initial_files(self, component_id: ComponentId, version: int) -> InitialFiles:
        return self._deployments.initial_files(component_id, version)

    def file_content(self, sha256: str) -> bytes:
        return self._deployments.file_content(sha256)

    def component_id_beside(self, component_id: ComponentId, name: str) -> ComponentId:
        """Return the component of this name in the environment of another one."""
        return self._deployments.beside(component_id, name).id

    def snapshot_policy(self, component_id: ComponentId) -> SnapshotPolicy | None:
        if component_id not in self._policies:
            self._policies[component_id] = self._deployments.snapshot_policy(component_id)
        return self._policies[component_id]

    def peers(self, id: WorkerId, number: int) -> WorkerPeers:
        return WorkerPeers(self, self._promises, id, number)

    def draw(self) -> float:
        return self._draw()

    def wake(self, id: WorkerId) -> None:
        # It was deleted, perhaps with its component, or is being reverted, or sleeps until the next start.
        with suppress(WorkerNotFound, ComponentNotFound, WorkerReverted, EngineStopped):
            self._loaded.on(id, Worker.wake_up)

    def note_idle(self, worker: Worker) -> None:
        self._loaded.note_idle(worker)

    def note_broken(self, worker: Worker) -> None:
        self._loaded.note_broken(worker)

    # What the server asks for.

    @property
    def codec_name(self) -> str:
        """`raw`, or `stock` where the raw value codec failed its examination."""
        return self._platform.backend.name

    @property
    def is_busy(self) -> bool:
        """Does an invocation run, or is a timer due at some time?"""
        return self.timers.next_due_ns() is not None or any(w.is_busy for w in self._loaded.values())

    # Inside.

    def _make(self, id: WorkerId, events: EventHub) -> Worker | None:
        number = self._workers.number(id)
        if number is None:
            return None
        journal = Journal(self._oplogs, number, lambda: self._clock.now_ns() // 1000, self._note_dirty)
        return Worker(id, number, journal, events, self)

    def _not_found(self, id: WorkerId) -> GolemError:
        self._deployments.latest(id.component_id)  # names what is missing
        return WorkerNotFound(id, get_close_matches(id.name, self._workers.names(id.component_id), 2))

    def _start_unfinished(self) -> None:
        """Start what a crash cut off, and set the clocks of those that sleep: they are not loaded for it."""
        unfinished = set(self._workers.that_want_to_run())
        for id, due_ns in self._workers.that_sleep():
            if id not in unfinished:
                self.timers.call_at(due_ns, partial(self.wake, id))
        for id in unfinished:
            log.info("worker %s was cut off; it goes on", id)
            try:
                self._loaded.on(id, Worker.start_after_crash)
            except Exception:  # one that is damaged must not keep the others from their work
                log.exception("worker %s cannot be loaded", id)

    def _note_dirty(self, journal: Journal) -> None:
        self._dirty.append(journal)
        self._activity.set()

    def _tick(self) -> None:
        """Advance the epoch, and flush what nobody asked to commit: nothing stays buffered longer than two ticks.

        While no component runs and nothing is buffered, it sleeps.
        """
        while not self._closing.is_set():
            if not self._dirty and not any(slots.in_use for slots in self._ticked):
                self._activity.wait()
            self._activity.clear()
            if self._closing.wait(TICK_S):
                return
            self._platform.tick()
            for _ in range(len(self._dirty)):
                self._dirty.pop(0).flush()


def _stored_up_to(worker: Worker) -> tuple[int, OplogIndex]:
    """Return a worker's number and last index, when all up to there is stored."""
    last_index = worker.journal.state.last_index
    worker.journal.commit().result()
    return worker.number, last_index
