"""A worker's history out of an engine into a file, and from a file into an engine. Source: ARCHITECTURE, decision 15.

What is taken along is what the store has of a worker: its oplog as it is, its promises, and the calls that it has
scheduled to itself. Stays behind what belongs to others: the component, calls scheduled to other workers, and the
key-value and blob stores, which are the environment's.

How an import works: the file is examined as a whole (its frames, its entries, their fold), then it is stored in one
transaction. A history of another component id or name gets them in its first entry, and remembers its origin, as forks
do: handles in it carry that name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import IO
from uuid import UUID

from msgspec import MsgspecError
from msgspec.structs import astuple, replace

from golem_nb import __version__
from golem_nb.engine.calls import Calls
from golem_nb.engine.components import Deployments
from golem_nb.engine.metadata import metadata_of
from golem_nb.errors import BadInput, ComponentNotFound, Conflict, GolemError, WorkerExists, WorkerNotFound
from golem_nb.model import ComponentId, OplogIndex, WorkerId
from golem_nb.oplog.archive import (
    Archive,
    Frame,
    Header,
    StoredCall,
    StoredChunk,
    StoredPromise,
    VersionOf,
    write_archive,
)
from golem_nb.oplog.codec import CHUNK_CODEC, chunk_from_entries, entries_from_chunk
from golem_nb.oplog.entries import (
    Create,
    OplogEntry,
    PendingUpdate,
    PendingWorkerInvocation,
    Recorded,
    Snapshot,
    SuccessfulUpdate,
)
from golem_nb.oplog.fold import WorkerState, refolded
from golem_nb.store.oplogs import Chunk, Oplogs, Start
from golem_nb.store.workers import Beside, PromiseRow, Workers
from golem_nb.values.check import check_value

LAST_US = 253_402_300_799_000_000  # the last second that Python's datetime knows
BROKEN = "the history in this file cannot be a worker's"


class Transfers:
    def __init__(self, oplogs: Oplogs, workers: Workers, deployments: Deployments, calls: Calls) -> None:
        self._oplogs, self._workers, self._deployments, self._calls = oplogs, workers, deployments, calls

    def write(self, worker: WorkerId, number: int, file: IO[bytes]) -> None:
        """Write what is stored of the worker with this number.

        Raises:
            WorkerNotFound: It was deleted meanwhile.
        """
        write_archive(file, self._frames(worker, number))

    def _frames(self, worker: WorkerId, number: int) -> Iterator[Frame]:
        last_index, beside = self._workers.snapshot(number)
        versions = {v for chunk in self._chunks(worker, number, last_index) for v in _versions_in(_entries_of(chunk))}
        yield Header(
            f"golem_nb {__version__}",
            worker.component_id,
            self._deployments.latest(worker.component_id).name,
            worker.name,
            last_index,
            tuple(self._versions(worker.component_id, versions)),
            beside.blob_effect,
        )
        yield from self._chunks(worker, number, last_index)
        for promise in beside.promises:
            if promise.oplog_index <= last_index:
                yield StoredPromise(promise.oplog_index, promise.payload, promise.is_deleted)
        for due_ns, body in self._calls.to_itself(worker):
            yield StoredCall(due_ns, body)

    def _chunks(self, worker: WorkerId, number: int, last_index: OplogIndex) -> Iterator[StoredChunk]:
        reached = 0
        for chunk in self._oplogs.read(number):
            if reached >= last_index:
                return
            yield StoredChunk(chunk.first_index, chunk.count, chunk.codec, chunk.body)
            reached = chunk.first_index + chunk.count - 1
        if reached < max(1, last_index):
            raise WorkerNotFound(worker)

    def _versions(self, component_id: ComponentId, versions: Iterable[int]) -> Iterator[VersionOf]:
        for version in sorted(versions):
            with suppress(ComponentNotFound):  # what an update leads to need not exist: it fails then
                yield self._version(component_id, version)

    def _version(self, component_id: ComponentId, version: int) -> VersionOf:
        found = self._deployments.version(component_id, version)
        assert found.sha256 is not None, "the store has it of each version"
        return VersionOf(version, found.sha256, self._deployments.options_text(component_id, version))

    def read(self, target: WorkerId, file: IO[bytes]) -> WorkerState:
        """Make a worker of what is in a file; return the fold of its oplog when all of it is stored.

        Raises:
            BadInput: It is no such file, or its history is none of a worker's.
            ComponentNotFound: There is no such component.
            Conflict: The component lacks a version that the history is of, or has another one of that number.
            WorkerExists: There is a worker of this name.
        """
        self._deployments.latest(target.component_id)
        archive = Archive(file)
        if self._workers.number(target) is not None:
            raise WorkerExists(target)
        for wanted in archive.header.versions:
            self._check_version(target.component_id, wanted, archive.header.component_name)
        state = _examined(archive)
        origin = _origin(archive)
        beside = Beside(
            tuple(PromiseRow(p.oplog_index, p.payload, p.is_deleted) for p in archive.promises()),
            archive.header.blob_effect,
            tuple(self._calls.rows(origin, target, ((call.due_ns, call.body) for call in archive.calls()))),
        )
        chunks = _chunks_for(origin, target, self._deployments.environment_of(target.component_id), archive)
        self._workers.create(target, chunks, Start(state.wants_to_run, state.wake_ns), beside=beside).result()
        self._calls.note_stored(beside.scheduled)
        return state

    def _check_version(self, component_id: ComponentId, wanted: VersionOf, name: str) -> None:
        told = f"version {wanted.version} of {name}, which the history is of (SHA-256 {wanted.sha256[:16]}…)"
        try:
            found = self._version(component_id, wanted.version)
        except ComponentNotFound:
            raise Conflict(f"the component has no {told}: deploy it first") from None
        if found.sha256 != wanted.sha256:
            raise Conflict(f"version {wanted.version} here is another one than {told}")
        if found.options != wanted.options:
            raise Conflict(
                f"version {wanted.version} here has the same wasm as {told}, "
                "but another runtime, or other files, env or links"
            )


def history_in(file: IO[bytes], target: WorkerId, environment_id: UUID) -> tuple[list[OplogEntry], int]:
    """Return the entries in a file, as those of a worker of another name; and how many versions they count.

    Raises:
        BadInput: It is no such file, or its history is none of a worker's.
    """
    archive = Archive(file)
    _examined(archive)
    chunks = _chunks_for(_origin(archive), target, environment_id, archive)
    entries = [entry for chunk in chunks for entry in entries_from_chunk(chunk.body)]
    return entries, 1 + max((version.version for version in archive.header.versions), default=0)


def _origin(archive: Archive) -> WorkerId:
    return WorkerId(archive.header.component_id, archive.header.worker_name)


def _examined(archive: Archive) -> WorkerState:
    """Return the fold of an archive's entries.

    Raises:
        BadInput: They are not the oplog of a worker.
    """
    _check_entries(archive)
    try:
        state = refolded(WorkerState, lambda: (entry for chunk in archive.chunks() for entry in _entries_of(chunk)))
        if state.create is None:
            raise BadInput(f"{BROKEN}: it makes its own beginning void")
        metadata_of(_origin(archive), state, 0)  # can it be shown?
    except (ValueError, TypeError, LookupError, ArithmeticError, AssertionError) as error:
        raise BadInput(f"{BROKEN}: its entries contradict each other ({type(error).__name__})") from None
    indices = [promise.oplog_index for promise in archive.promises()]
    if len(set(indices)) < len(indices) or not all(1 <= index <= state.last_index for index in indices):
        raise BadInput(f"{BROKEN}: it has promises that no entry made")
    return state


def _check_entries(archive: Archive) -> None:
    following, needed = 1, set[int]()
    for chunk in archive.chunks():
        entries = _entries_of(chunk)
        if chunk.first_index != following or chunk.count != len(entries) or not entries:
            raise BadInput(f"{BROKEN}: entries are missing behind entry {following - 1}")
        for index, entry in enumerate(entries, start=following):
            if isinstance(entry, Create) is not (index == 1):
                raise BadInput(f"{BROKEN}: entry 1, and no other one, is Create; not so entry {index}")
            if not 0 <= entry.timestamp_us <= LAST_US:
                raise BadInput(f"{BROKEN}: entry {index} was made at no time")
            _check_values(index, entry)
        needed.update(_versions_run_by(entries))
        following += chunk.count
    if following != archive.header.last_index + 1 or following == 1:
        raise BadInput(f"{BROKEN}: it has {following - 1} entries, and says that it has {archive.header.last_index}")
    untold = needed - {version.version for version in archive.header.versions}
    if untold:
        raise BadInput(f"{BROKEN}: it does not tell which component version {min(untold)} is")


def _check_values(index: OplogIndex, entry: OplogEntry) -> None:
    """Decode each value of an entry: nobody else looks at them before they are shown."""
    try:
        for field in astuple(entry):
            for value in field if isinstance(field, tuple) else (field,):
                if isinstance(value, Recorded):
                    typed = value.typed()
                    if typed.type is not None:
                        check_value(typed.type, typed.value)
    except (GolemError, MsgspecError, ValueError, TypeError, LookupError, ArithmeticError) as error:
        raise BadInput(f"{BROKEN}: a value in entry {index} cannot be read: {error!s:.200}") from None


def _entries_of(chunk: StoredChunk) -> list[OplogEntry]:
    if chunk.codec != CHUNK_CODEC:
        raise BadInput(f"the file has entries in form {chunk.codec}, and this golem_nb reads {CHUNK_CODEC}; upgrade it")
    try:
        return entries_from_chunk(chunk.body)
    except (MsgspecError, RecursionError) as error:
        raise BadInput(f"{BROKEN}: entry {chunk.first_index} or one behind it cannot be read: {error}") from None


def _versions_run_by(entries: Iterable[OplogEntry]) -> Iterator[int]:
    """Yield the versions that the worker was of."""
    for entry in entries:
        match entry:
            case Create(component_version=version) | Snapshot(component_version=version):
                yield version
            case SuccessfulUpdate(target_version=version):
                yield version


def _versions_in(entries: Sequence[OplogEntry]) -> Iterator[int]:
    """Yield the versions that the worker was of, and those that it may come to."""
    yield from _versions_run_by(entries)
    for entry in entries:
        match entry:
            case PendingUpdate(target_version=version):
                yield version
            case PendingWorkerInvocation(target_version=int(version)):
                yield version


def _chunks_for(origin: WorkerId, target: WorkerId, environment_id: UUID, archive: Archive) -> Iterator[Chunk]:
    """Yield the chunks as they are, but the first one with the new worker's name, where it has another one."""
    for chunk in archive.chunks():
        body = chunk.body
        if chunk.first_index == 1:
            first, *rest = _entries_of(chunk)
            assert isinstance(first, Create), "it was examined"
            renamed = _renamed(first, origin, target, environment_id)
            body = body if renamed == first else chunk_from_entries([renamed, *rest])
        yield Chunk(chunk.first_index, chunk.count, chunk.codec, body)


def _renamed(create: Create, origin: WorkerId, target: WorkerId, environment_id: UUID) -> Create:
    if origin == target:
        return replace(create, environment_id=environment_id)
    ancestors = (*create.forked_from, origin.name)
    if origin.component_id != target.component_id:  # names of forks are those of workers of the same component
        ancestors = tuple(name if "/" in name else f"{origin.component_id}/{name}" for name in ancestors)
    return replace(
        create,
        component_id=target.component_id,
        worker_name=target.name,
        environment_id=environment_id,
        parent=None,
        forked_from=ancestors,
    )
