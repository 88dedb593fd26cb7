"""Parts of an oplog, read from what is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from golem_nb.engine.journal import Journal, stored_chunks
from golem_nb.errors import BadInput, WorkerNotFound
from golem_nb.model import OplogIndex, WorkerId
from golem_nb.oplog.entries import OplogEntry
from golem_nb.store.oplogs import Oplogs

MOST_OPLOG_ENTRIES = 100  # of one page. Source: SEMANTICS 11

Matches = Callable[[OplogIndex, OplogEntry], bool]


IndexedEntries = list[tuple[OplogIndex, OplogEntry]]


@dataclass(frozen=True, slots=True)
class OplogSlice:
    """Entries with their indices, in order, and the worker's last index at that time.

    `next_index` is where to go on; None at the end.
    """

    entries: tuple[tuple[OplogIndex, OplogEntry], ...]
    last_index: OplogIndex
    component_version: int
    next_index: OplogIndex | None


def slice_of(journal: Journal, matches: Matches, from_index: OplogIndex, count: int) -> OplogSlice:
    """Return the first `count` (at most 100) entries that match, from `from_index` on; 0 is read as 1.

    Raises:
        BadInput: A number is negative.
    """
    if from_index < 0 or count < 0:
        raise BadInput(f"from and count must not be negative, found from={from_index}, count={count}")
    journal.commit().result()
    last_index, version = journal.state.last_index, journal.state.component_version
    found: list[tuple[OplogIndex, OplogEntry]] = []
    wanted = min(count, MOST_OPLOG_ENTRIES)
    following: OplogIndex | None = max(1, from_index)
    for index, entry in journal.stored_entries(max(1, from_index)):
        if len(found) >= wanted or index > last_index:
            break
        if matches(index, entry):
            found.append((index, entry))
        following = index + 1
    if following is not None and following > last_index:
        following = None
    return OplogSlice(tuple(found), last_index, version, following)


def entries_up_to(
    oplogs: Oplogs, worker: WorkerId, number: int, from_index: OplogIndex, last_index: OplogIndex
) -> Iterator[IndexedEntries]:
    """Yield the entries of a worker, as many at once as were stored.

    Raises:
        WorkerNotFound: It was deleted meanwhile.
    """
    following = from_index
    for chunk in stored_chunks(oplogs, number, from_index):
        if following > last_index:
            return
        wanted = [(index, entry) for index, entry in chunk if index <= last_index]
        if wanted:
            following = wanted[-1][0] + 1
            yield wanted
    if following <= last_index:
        raise WorkerNotFound(worker)
