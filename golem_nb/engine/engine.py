"""The engine: components, workers, invocations. One verb each; every answer follows from the oplogs in its store.

`Engine.open` takes a folder (or "memory:"), holds its lock until `close`, and starts what a crash cut off.
"""

from __future__ import annotations

import logging
import random
import secrets
import shutil
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx

from golem_nb.engine.components import Deployments
from golem_nb.engine.events import Subscription
from golem_nb.engine.folder import FolderLock
from golem_nb.engine.host_context import Clock, Surroundings
from golem_nb.engine.journal import Journal
from golem_nb.engine.parameters import parameters_from_json
from golem_nb.engine.scheduler import Slots, Threads, Timers, default_slots
from golem_nb.engine.worker import Worker
from golem_nb.errors import BadInput, EngineStopped, GolemError, StoreFailed, WorkerNotFound
from golem_nb.host.http_network import make_client
from golem_nb.model import (
    Component,
    ComponentId,
    IdempotencyKey,
    OplogIndex,
    WorkerId,
    WorkerMetadata,
    WorkersPage,
    check_worker_name,
)
from golem_nb.oplog.codec import CHUNK_CODEC, chunk_from_entries
from golem_nb.oplog.entries import Create, OplogEntry, Recorded
from golem_nb.store.components import Components
from golem_nb.store.database import Database
from golem_nb.store.oplogs import Chunk, Oplogs
from golem_nb.store.workers import Workers
from golem_nb.values.check import is_unicode
from golem_nb.values.types import TypedValue
from golem_nb.wasm.link import LinkedComponent
from golem_nb.wasm.platform import Platform

MOST_OPLOG_ENTRIES = 100  # of one page. Source: SEMANTICS 11
MOST_WORKERS = 1000  # of one page
# To outside, at once; requests beyond wait. Each has a thread while it is under way.
MOST_CONNECTIONS = 256
HTTP_TIMEOUT_S = 600.0  # of workers' requests that set none themselves
TICK_S = 0.01

log = logging.getLogger("golem_nb.engine")


class SystemClock:
    """The clock of the machine."""

    def now_ns(self) -> int:
        return time.time_ns()


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be chosen when an engine is opened."""

    durability: str = "power"
    """`power` survives a power cut, `process` the end of the process."""
    slots: int = 0
    """Guests that run at once; 0 = by the number of cores."""
    max_loaded: int = 2000
    """Idle workers that keep their instance."""
    memory_limit_bytes: int | None = None
    """Of one worker."""


@dataclass(frozen=True, slots=True)
class OplogSlice:
    """Consecutive entries with their indices, and the worker's last index at that time."""

    entries: tuple[tuple[OplogIndex, OplogEntry], ...]
    last_index: OplogIndex
    component_version: int


class Engine:
    """See the module. Methods may be called from any thread but must not be from one of the engine's own."""

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        *,
        clock: Clock | None = None,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
        in_memory: bool = False,
    ) -> None:
        self.folder, self._in_memory = folder, in_memory
        self._clock = clock or SystemClock()
        self._lock = FolderLock(folder)
        try:
            self._database = Database(folder / "golem.db", "none" if in_memory else settings.durability)
        except BaseException:
            self._lock.release()
            raise
        self._oplogs, self._workers = Oplogs(self._database), Workers(self._database)
        self._platform = Platform(folder / "compiled")
        self._deployments = Deployments(
            Components(self._database, folder / "wasm"), self._platform, lambda: self._clock.now_ns() // 1000
        )
        self.memory_limit_bytes = settings.memory_limit_bytes
        self.threads, self.timers = Threads("worker"), Timers(self._clock.now_ns)
        self._http: httpx.Client | None = None
        self._http_lock = threading.Lock()
        self._activity = threading.Event()
        self.surroundings = Surroundings(
            self._clock,
            random_bytes,
            Slots(settings.slots or default_slots(), self._activity.set),
            Threads("network"),
            self._http_client,
        )
        self._max_loaded = settings.max_loaded
        self._loaded: dict[WorkerId, Worker] = {}
        self._loading = threading.RLock()
        self._idle: OrderedDict[WorkerId, Worker] = OrderedDict()
        self._idle_lock = threading.Lock()
        self._dirty: list[Journal] = []
        self._closing = threading.Event()
        self._closed = False
        self._ticker = threading.Thread(target=self._tick, name="ticker", daemon=True)
        self._ticker.start()
        try:
            self._start_unfinished()
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
        with self._loading:
            if self._closed:
                return
            self._closed = True
            workers = list(self._loaded.values())
        reason = EngineStopped("the engine is closing; what it accepted goes on later")
        deadline = time.monotonic() + grace_s
        for worker in workers:
            worker.refuse(reason)
        for worker in workers:
            worker.wait_until_idle(max(0.0, deadline - time.monotonic()))
        for worker in workers:
            worker.unload(reason)
        for worker in workers:
            worker.let_go(reason)
        self._closing.set()
        self._activity.set()
        self._ticker.join()
        self.timers.close()
        for worker in workers:
            _flush(worker.journal)
        self._database.close()
        if self._http is not None:
            self._http.close()
        self._lock.release()
        if self._in_memory:
            shutil.rmtree(self.folder, ignore_errors=True)

    # Components.

    def create_component(self, environment_id: UUID, name: str, wasm: bytes) -> Component:
        return self._deployments.create(environment_id, name, wasm)

    def update_component(self, component_id: ComponentId, wasm: bytes) -> Component:
        return self._deployments.update(component_id, wasm)

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
        for worker in self._loaded_of(component_id):
            worker.let_go(WorkerNotFound(worker.id))
        with self._loading:
            for worker in self._loaded_of(component_id):  # and those that were loaded meanwhile
                self._forget(worker, WorkerNotFound(worker.id))
            self._deployments.delete(component_id)

    def _loaded_of(self, component_id: ComponentId) -> list[Worker]:
        return [w for id, w in list(self._loaded.items()) if id.component_id == component_id]

    # Workers.

    def launch_worker(
        self,
        component_id: ComponentId,
        name: str,
        args: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> WorkerId:
        """Create a worker on the latest version.

        Raises:
            WorkerExists, ComponentNotFound, InvalidWorkerName
        """
        component = self._deployments.latest(component_id)
        worker = WorkerId(component_id, check_worker_name(name))
        now_us = self._clock.now_ns() // 1000
        create = Create(
            now_us, component_id, name, component.version, tuple(args), dict(env or {}), component.size_bytes
        )
        self._check_open()
        self._workers.create(worker, Chunk(1, 1, CHUNK_CODEC, chunk_from_entries([create]))).result()
        return worker

    def workers(self, component_id: ComponentId, cursor: str | None = None, count: int = 50) -> WorkersPage:
        """Return a page of workers in order of creation."""
        self._deployments.latest(component_id)
        if count < 1:
            raise BadInput(f"count must be at least 1, found {count}")
        after = _number_from_cursor(cursor)
        rows = self._workers.page(component_id, after, min(count, MOST_WORKERS) + 1)
        page = rows[: min(count, MOST_WORKERS)]
        found = (self._metadata(WorkerId(component_id, name)) for _, name in page)
        there = tuple(worker for worker in found if worker is not None)  # others were deleted meanwhile
        return WorkersPage(there, str(page[-1][0]) if len(rows) > len(page) else None)

    def worker(self, worker: WorkerId) -> WorkerMetadata:
        return self._metadata_of(self._load(worker))

    def _metadata(self, id: WorkerId) -> WorkerMetadata | None:
        found = self._find(id)
        return None if found is None else self._metadata_of(found)

    def _metadata_of(self, worker: Worker) -> WorkerMetadata:
        version = worker.journal.state.component_version
        return worker.metadata(self._deployments.version(worker.id.component_id, version).size_bytes)

    def delete_worker(self, worker: WorkerId) -> None:
        found = self._load(worker)
        found.let_go(WorkerNotFound(worker))
        with self._loading:
            if self._workers.number(worker) != found.number:
                raise WorkerNotFound(worker)  # another caller was faster
            self._workers.delete(found.number).result()
            self._forget(found, WorkerNotFound(worker))

    def interrupt_worker(self, worker: WorkerId, recover_immediately: bool = False) -> None:
        self._load(worker).interrupt(recover_immediately)

    def resume_worker(self, worker: WorkerId) -> None:
        self._load(worker).resume()

    def crash_worker(self, worker: WorkerId) -> None:
        """Lose the worker's instance, as a crash of the engine would; it replays at once."""
        self._load(worker).crash()

    def oplog(self, worker: WorkerId, from_index: OplogIndex = 1, count: int = MOST_OPLOG_ENTRIES) -> OplogSlice:
        """Return up to `count` (at most 100) entries from `from_index` on; 0 is read as 1."""
        if from_index < 0 or count < 0:
            raise BadInput(f"from and count must not be negative, found from={from_index}, count={count}")
        journal = self._load(worker).journal
        journal.commit().result()
        last_index = journal.state.last_index
        entries: list[tuple[OplogIndex, OplogEntry]] = []
        wanted = min(count, MOST_OPLOG_ENTRIES)
        for index, entry in journal.stored_entries(max(1, from_index)):
            if len(entries) >= wanted or index > last_index:
                break
            entries.append((index, entry))
        return OplogSlice(tuple(entries), last_index, journal.state.component_version)

    def events(self, worker: WorkerId) -> Subscription:
        """Return the worker's events: the last 128, then live ones. Does not start the worker."""
        return self._load(worker).events.subscribe()

    # Invocations.

    def invoke(
        self, worker: WorkerId, function: str, params: Sequence[Any], key: IdempotencyKey | None = None
    ) -> Future[None]:
        """Enqueue an invocation; the future resolves when it is durably accepted."""
        return self._accept(worker, function, params, key, None)

    def invoke_and_await(
        self, worker: WorkerId, function: str, params: Sequence[Any], key: IdempotencyKey | None = None
    ) -> Future[TypedValue | None]:
        """Enqueue an invocation; the future has its result (None: the function gives none), or an InvocationError."""
        result: Future[TypedValue | None] = Future()
        self._accept(worker, function, params, key, result)
        return result

    def _accept(
        self,
        worker: WorkerId,
        function: str,
        params: Sequence[Any],
        key: IdempotencyKey | None,
        waiter: Future[TypedValue | None] | None,
    ) -> Future[None]:
        """Check an invocation and hand it to its worker, which is made if there is none (on the latest version).

        Raises:
            FunctionNotFound, BadInput: It cannot be made.
            InvalidWorkerName: The worker does not exist and cannot.
        """
        key = _checked_key(key) if key else str(uuid4())
        found = self._find(worker)
        version = found.journal.state.component_version if found else self.component(worker.component_id).version
        type = self.linked(worker.component_id, version).compiled.export(function).type
        values = parameters_from_json(type, params)
        request = [Recorded.of(p.type, v) for p, v in zip(type.parameters, values, strict=True)]
        if found is None:
            found = self._load_or_launch(worker)
        return found.accept(type.name, request, key, waiter)

    def _load_or_launch(self, worker: WorkerId) -> Worker:
        with self._loading:
            if self._find(worker) is None:
                self.launch_worker(worker.component_id, worker.name)
            return self._load(worker)

    # What workers ask for (engine.worker.Services).

    def linked(self, component_id: ComponentId, version: int) -> LinkedComponent:
        return self._deployments.linked(component_id, version)

    def draw(self) -> float:
        return random.random()

    def note_idle(self, worker: Worker) -> None:
        with self._idle_lock:
            self._idle[worker.id] = worker
            self._idle.move_to_end(worker.id)
            oldest = [self._idle.popitem(last=False)[1] for _ in range(len(self._idle) - self._max_loaded)]
        for idle in oldest:
            idle.unload_if_idle()

    def note_broken(self, worker: Worker) -> None:
        self._loaded.pop(worker.id, None)

    # What the server asks for.

    @property
    def codec_name(self) -> str:
        """`raw`, or `stock` where the raw value codec failed its examination."""
        return self._platform.backend.name

    @property
    def is_busy(self) -> bool:
        """Does an invocation run, or is a timer due at some time?"""
        return self.timers.next_due_ns() is not None or any(w.is_busy for w in list(self._loaded.values()))

    # Inside.

    def _find(self, id: WorkerId) -> Worker | None:
        """Return the worker, loaded from its oplog if need be; None where there is none."""
        found = self._loaded.get(id)
        if found is not None and not found.is_beyond_use:
            return found
        with self._loading:
            self._check_open()
            found = self._loaded.get(id)
            if found is not None and not found.is_beyond_use:
                return found
            if found is not None:
                self._forget(found, StoreFailed("the oplog could not be stored; try again with the same key"))
            number = self._workers.number(id)
            if number is None:
                return None
            journal = Journal(self._oplogs, number, lambda: self._clock.now_ns() // 1000, self._note_dirty)
            found = self._loaded[id] = Worker(id, number, journal, self)
            return found

    def _load(self, id: WorkerId) -> Worker:
        found = self._find(id)
        if found is None:
            self._deployments.latest(id.component_id)  # names what is missing
            raise WorkerNotFound(id, get_close_matches(id.name, self._workers.names(id.component_id), 2))
        return found

    def _forget(self, worker: Worker, reason: GolemError) -> None:
        worker.let_go(reason)
        if self._loaded.get(worker.id) is worker:
            del self._loaded[worker.id]
        with self._idle_lock:
            self._idle.pop(worker.id, None)

    def _check_open(self) -> None:
        if self._closed:
            raise EngineStopped("the engine is closed")

    def _http_client(self) -> httpx.Client:
        if self._http is None:
            with self._http_lock:
                if self._http is None:
                    self._http = make_client(MOST_CONNECTIONS, HTTP_TIMEOUT_S)
        return self._http

    def _start_unfinished(self) -> None:
        for id in self._workers.that_want_to_run():
            log.info("worker %s was cut off; it goes on", id)
            try:
                self._load(id).start_if_wanted()
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
            if not self.surroundings.slots.in_use and not self._dirty:
                self._activity.wait()
            self._activity.clear()
            if self._closing.wait(TICK_S):
                return
            self._platform.tick()
            for _ in range(len(self._dirty)):
                _flush(self._dirty.pop(0))


def _flush(journal: Journal) -> None:
    """Store what is buffered; a failure is that worker's alone, which is told when it next asks."""
    if journal.is_broken:
        return
    try:
        journal.commit()
    except Exception:
        log.exception("an oplog could not be handed to the store")


def _checked_key(key: IdempotencyKey) -> IdempotencyKey:
    if not is_unicode(key):
        raise BadInput(f"an idempotency key is a Unicode text, found {key!r}, which has a lone surrogate")
    return key


def _number_from_cursor(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 18:
        raise BadInput(f"cursor must be one that this server gave, found {cursor[:80]!r}")
    return int(cursor)
