"""A worker's oplog while the worker is in memory: append, fold, commit.

How this works: `append` numbers an entry, folds it into `state` and buffers it. `commit` hands the buffer to the store
as one chunk and returns the future of its commit; chunks of a worker are committed in the order of their indices, so a
later future says that all earlier entries are safe, too. Entries nobody asked to commit are flushed by the engine's
ticker. Any thread may append.

An entry that makes earlier ones void (Jump, Revert) is appended by `append_void`, which folds anew. Folding starts from
the last checkpoint: a stored fold, made every few thousand entries, so that a long oplog is not read whole.

When the store fails to take a chunk, the journal is ahead of what is stored and can never be right again: from then on
it refuses everything, and the worker must be loaded anew.
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace

from golem_nb.engine.crash_points import ArmedPoint
from golem_nb.errors import StoreFailed
from golem_nb.model import IdempotencyKey, OplogIndex, WorkerStatus
from golem_nb.oplog.codec import (
    CHUNK_CODEC,
    STATE_CODEC,
    bytes_from_state,
    chunk_from_entries,
    entries_from_chunk,
    state_from_bytes,
)
from golem_nb.oplog.entries import OplogEntry, Revert
from golem_nb.oplog.fold import Ending, Outcome, WorkerState, refolded
from golem_nb.store.oplogs import Checkpoint, Chunk, Oplogs, Start

# Golem's limit for durable workers; ours bounds what one chunk holds, too. Source: SEMANTICS 3.3.
MOST_BUFFERED = 128
CHECKPOINT_EVERY = 4096  # entries: some 10 ms of folding

log = logging.getLogger("golem_nb.engine")


@dataclass(frozen=True, slots=True)
class _InFlight:
    """Entries on their way to the store."""

    first_index: OplogIndex
    entries: list[OplogEntry]
    stored: Future[None]


class Journal:
    def __init__(
        self, oplogs: Oplogs, worker: int, now_us: Callable[[], int], note_dirty: Callable[[Journal], None]
    ) -> None:
        """Fold the stored oplog of the worker with this number; `note_dirty` hears when there is something to flush."""
        self._oplogs, self._worker, self._now_us, self._note_dirty = oplogs, worker, now_us, note_dirty
        self._lock = threading.Lock()
        self._buffer: list[OplogEntry] = []
        self._in_flight: deque[_InFlight] = deque()
        self._last_commit: Future[None] = Future()
        self._last_commit.set_result(None)
        self._failure: BaseException | None = None
        self.crash_point: ArmedPoint | None = None
        """Where the worker is to crash, if it is to."""
        self.state, self._checkpoint_index = stored_state(oplogs, worker)
        self.last_timestamp_us = self.state.last_timestamp_us

    def arm(self, point: ArmedPoint) -> None:
        self.crash_point = point

    @property
    def lock(self) -> threading.Lock:
        """Held while an entry is folded; hold it to read several things of `state` at once."""
        return self._lock

    def append(self, make: Callable[[int], OplogEntry]) -> OplogIndex:
        """Append the entry that `make` gives for a timestamp; return its index. Timestamps never go back."""
        with self._lock:
            self.last_timestamp_us = max(self._now_us(), self.last_timestamp_us)
            return self._append(make(self.last_timestamp_us))

    def append_indexed(self, make: Callable[[int, OplogIndex], OplogEntry]) -> OplogIndex:
        """Append an entry that names its own index."""
        with self._lock:
            self.last_timestamp_us = max(self._now_us(), self.last_timestamp_us)
            return self._append(make(self.last_timestamp_us, self.state.last_index + 1))

    def append_void(self, first: OplogIndex, make: Callable[[int, OplogIndex], OplogEntry]) -> Future[None]:
        """Append a Jump or Revert, which names its own index and makes the entries from `first` on void; commit it."""
        with self._lock:
            self._commit()
            self.last_timestamp_us = max(self._now_us(), self.last_timestamp_us)
            self._append(make(self.last_timestamp_us, self.state.last_index + 1))
            start = _Checkpoints(self._oplogs, self._worker, before=first)
            self.state = refolded(start.state, lambda: self._all_entries(start.last_index + 1))
            stored, self._checkpoint_index = self._commit(void_from=first), start.last_index
            self.last_timestamp_us = max(self.last_timestamp_us, self.state.last_timestamp_us)
            return stored

    def reverted(self, first: OplogIndex) -> WorkerState:
        """Return what the fold would be if all entries from `first` on were reverted."""
        start = _Checkpoints(self._oplogs, self._worker, before=first)
        with self._lock:
            revert = Revert(self.last_timestamp_us, first, self.state.last_index)
            return refolded(start.state, lambda: [*self._all_entries(start.last_index + 1), revert])

    def _all_entries(self, from_index: OplogIndex) -> Iterator[OplogEntry]:
        """Yield what is stored, what is on its way to the store, and what is buffered. To be read under the lock."""
        in_flight = list(self._in_flight)  # looked at before the store: what arrives meanwhile is there twice
        first_in_flight = in_flight[0].first_index if in_flight else self.state.last_index - len(self._buffer) + 1
        for index, entry in self.stored_entries(from_index):
            if index >= first_in_flight:
                break
            yield entry
        later = itertools.chain(*(chunk.entries for chunk in in_flight), self._buffer)
        yield from itertools.islice(later, max(0, from_index - first_in_flight), None)

    def _append(self, entry: OplogEntry) -> OplogIndex:
        self._check_whole()
        if not self._buffer:
            self._note_dirty(self)
        self._buffer.append(entry)
        self.state.apply(entry)
        if len(self._buffer) > MOST_BUFFERED:
            self._commit()
        return self.state.last_index

    def commit(self) -> Future[None]:
        """Hand over what is buffered; the future resolves when everything appended so far is stored."""
        with self._lock:
            return self._commit()

    def flush(self) -> None:
        """Store what is buffered; a failure is this worker's alone, which is told when it next asks."""
        if self.is_broken:
            return
        try:
            self.commit()
        except Exception:
            log.exception("an oplog could not be handed to the store")

    def commit_with_checkpoint(self) -> Future[None]:
        """`commit`, and keep the fold as it is now: what was just appended is where recovery starts."""
        with self._lock:
            return self._commit(with_checkpoint=True)

    def _commit(self, *, void_from: OplogIndex | None = None, with_checkpoint: bool = False) -> Future[None]:
        self._check_whole()
        if self._buffer:
            entries, count = self._buffer, len(self._buffer)
            first = self.state.last_index - count + 1
            chunk = Chunk(first, count, CHUNK_CODEC, chunk_from_entries(entries))
            self._buffer = []  # only now: encoding may fail
            # Not with what makes checkpoints void: what they had must be in the next one, too.
            is_due = void_from is None and self.state.last_index - self._checkpoint_index >= CHECKPOINT_EVERY
            checkpoint = self._checkpoint() if (is_due or with_checkpoint) and not self.state.is_stale else None
            start = Start(self.state.wants_to_run, self.state.wake_ns)
            self._last_commit = self._oplogs.append(
                self._worker, chunk, start, checkpoint=checkpoint, void_from=void_from
            )
            while self._in_flight and self._in_flight[0].stored.done():
                self._in_flight.popleft()
            self._in_flight.append(_InFlight(first, entries, self._last_commit))
            self._last_commit.add_done_callback(self._note_failure)
        return self._last_commit

    def _checkpoint(self) -> Checkpoint:
        recent: dict[IdempotencyKey, Outcome] = {}
        for key, outcome in reversed(self.state.outcomes.items()):
            if outcome.index <= self._checkpoint_index:
                break
            recent[key] = outcome
        in_order = dict(reversed(recent.items()))
        self._checkpoint_index = self.state.last_index
        return Checkpoint(self._checkpoint_index, STATE_CODEC, bytes_from_state(replace(self.state, outcomes=in_order)))

    def _note_failure(self, stored: Future[None]) -> None:
        self._failure = self._failure or stored.exception()

    def _check_whole(self) -> None:
        if self._failure is not None:
            raise StoreFailed(f"the oplog could not be stored: {self._failure}; make room, and try again")

    @property
    def is_broken(self) -> bool:
        return self._failure is not None

    def stored_entries(self, from_index: OplogIndex = 1) -> Iterator[tuple[OplogIndex, OplogEntry]]:
        """Yield index and entry of what is committed, from `from_index` on."""
        return itertools.chain.from_iterable(self.stored_chunks(from_index))

    def stored_chunks(self, from_index: OplogIndex = 1) -> Iterator[list[tuple[OplogIndex, OplogEntry]]]:
        """`stored_entries`, as many at once as they were stored."""
        return stored_chunks(self._oplogs, self._worker, from_index)


def stored_state(oplogs: Oplogs, worker: int) -> tuple[WorkerState, OplogIndex]:
    """Return the fold of a worker's stored oplog, and the index of the checkpoint that it started from (0: none)."""
    start = _Checkpoints(oplogs, worker)

    def entries() -> Iterator[OplogEntry]:
        return (entry for chunk in stored_chunks(oplogs, worker, start.last_index + 1) for _, entry in chunk)

    return refolded(start.state, entries), start.last_index


def stored_chunks(oplogs: Oplogs, worker: int, from_index: OplogIndex) -> Iterator[list[tuple[OplogIndex, OplogEntry]]]:
    for chunk in oplogs.read(worker, from_index):
        entries = list(enumerate(entries_from_chunk(chunk.body), start=chunk.first_index))
        wanted = entries if chunk.first_index >= from_index else entries[from_index - chunk.first_index :]
        if wanted:  # the last chunk may end before the index
            yield wanted


class _Checkpoints:
    """Where folding starts: the last checkpoint before an index, with the outcomes of all earlier ones."""

    def __init__(self, oplogs: Oplogs, worker: int, before: OplogIndex | None = None) -> None:
        self._rows = oplogs.checkpoints(worker, before)
        if any(row.codec != STATE_CODEC for row in self._rows):
            self._rows = []  # made by another golem_nb: the oplog says the same
        self.last_index = self._rows[-1].last_index if self._rows else 0

    def state(self) -> WorkerState:
        """Return the fold up to `last_index`, made anew by each call."""
        if not self._rows:
            return WorkerState()
        states = [state_from_bytes(row.state) for row in self._rows]
        last = states[-1]
        last.outcomes = {key: outcome for state in states for key, outcome in state.outcomes.items()}
        if last.current is not None and last.status is not WorkerStatus.FAILED:
            # An update has it tried again, and took back its end, which an earlier checkpoint has.
            key = last.current.idempotency_key
            if key in last.outcomes and last.outcomes[key].ending is Ending.FAILED:
                del last.outcomes[key]
        return last
