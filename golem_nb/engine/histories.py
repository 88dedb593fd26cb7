"""Histories cut short: what a revert drops, and the beginning that a fork takes. Source: SEMANTICS 5.9, 6.6."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice

from msgspec.structs import replace

from golem_nb.engine.journal import Journal
from golem_nb.errors import BadInput
from golem_nb.model import OplogIndex
from golem_nb.oplog.codec import CHUNK_CODEC, chunk_from_entries
from golem_nb.oplog.entries import (
    CancelPendingInvocation,
    Create,
    ExportedFunctionInvoked,
    OplogEntry,
    Revert,
)
from golem_nb.oplog.fold import state_of
from golem_nb.store.oplogs import Chunk, Start

CHUNK_ENTRIES = 128  # of a copied oplog


def revert(journal: Journal, last_index: OplogIndex | None, invocations: int | None, key: str = "") -> None:
    """Drop all after an index, or the last invocations; return when that is stored. What has a `key` is done once.

    Raises:
        BadInput: There is no such index or are fewer invocations, or the index was undone already.
    """
    if key in journal.state.revert_keys:
        return
    first, state = first_to_revert(journal, last_index, invocations), journal.state
    if first > state.last_index:
        return
    last = state.last_index
    if invocations is not None:
        # Accepted before the cut, they would run again; by an index, that is what is asked for. They are cancelled
        # before the Revert, and mean nothing without it: a crash between the two must not have them run.
        waiting = [key for key in journal.reverted(first).pending if key not in state.pending]
        for waiting_key in waiting:
            journal.append(partial(CancelPendingInvocation, idempotency_key=waiting_key))
    journal.append_void(first, lambda now, _: Revert(now, first, last, key)).result()


def first_to_revert(journal: Journal, last_index: OplogIndex | None, invocations: int | None) -> OplogIndex:
    """Return the index of the first entry that a revert drops.

    Raises:
        BadInput: See `revert`.
    """
    journal.commit().result()
    state = journal.state
    first = _first_of_last(journal, invocations or 0) if last_index is None else last_index + 1
    if not 2 <= first <= state.last_index + 1:
        raise BadInput(f"the last index to keep must be between 1 and {state.last_index}, found {first - 1}")
    if first in state.skipped:
        raise BadInput(f"entry {first} lies in a region that was undone already; choose an index outside of it")
    return first


def _first_of_last(journal: Journal, invocations: int) -> OplogIndex:
    """Return the index at which the n-th invocation from the end began."""
    if invocations < 1:
        raise BadInput(f"the number of invocations to revert must be at least 1, found {invocations}")
    begun: deque[OplogIndex] = deque(maxlen=invocations)
    for index, entry in journal.stored_entries():
        if isinstance(entry, ExportedFunctionInvoked) and index not in journal.state.skipped:
            begun.append(index)
    if len(begun) < invocations:
        raise BadInput(f"Could not find {invocations} invocations to revert; there are {len(begun)}")
    return begun[0]


def forked(
    source: str,
    entries: Iterable[OplogEntry],
    length: int,
    name: str,
    now_us: int,
    then: Sequence[OplogEntry] = (),
) -> tuple[list[Chunk], Start]:
    """Return the first `length` entries of a worker, and then others, as another one's.

    Return what an engine's start must know of it, too.
    """
    taken = [*islice(entries, length), *then]
    create = taken[0]
    assert isinstance(create, Create), "entry 1 is Create"
    taken[0] = replace(
        create, timestamp_us=now_us, worker_name=name, parent=None, forked_from=(*create.forked_from, source)
    )
    state = state_of(taken)
    return list(chunks_of(taken)), Start(state.wants_to_run, state.wake_ns)


def chunks_of(entries: list[OplogEntry]) -> Iterator[Chunk]:
    for at in range(0, len(entries), CHUNK_ENTRIES):
        part = entries[at : at + CHUNK_ENTRIES]
        yield Chunk(at + 1, len(part), CHUNK_CODEC, chunk_from_entries(part))
