"""A worker's oplog while the worker is in memory: append, fold, commit.

How this works: `append` numbers an entry, folds it into `state` and buffers it. `commit` hands the buffer to the store
as one chunk and returns the future of its commit; chunks of a worker are committed in the order of their indices, so a
later future says that all earlier entries are safe, too. Entries nobody asked to commit are flushed by the engine's
ticker. Any thread may append.

When the store fails to take a chunk, the journal is ahead of what is stored and can never be right again: from then on
it refuses everything, and the worker must be loaded anew.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future

from golem_nb.errors import StoreFailed
from golem_nb.model import OplogIndex
from golem_nb.oplog.codec import CHUNK_CODEC, chunk_from_entries, entries_from_chunk
from golem_nb.oplog.entries import OplogEntry
from golem_nb.oplog.fold import WorkerState
from golem_nb.store.oplogs import Chunk, Oplogs

# Golem's limit for durable workers; ours bounds what one chunk holds, too. Source: SEMANTICS 3.3.
MOST_BUFFERED = 128


class Journal:
    def __init__(
        self, oplogs: Oplogs, worker: int, now_us: Callable[[], int], note_dirty: Callable[[Journal], None]
    ) -> None:
        """Fold the stored oplog of the worker with this number; `note_dirty` hears when there is something to flush."""
        self._oplogs, self._worker, self._now_us, self._note_dirty = oplogs, worker, now_us, note_dirty
        self._lock = threading.Lock()
        self._buffer: list[OplogEntry] = []
        self._last_commit: Future[None] = Future()
        self._last_commit.set_result(None)
        self._failure: BaseException | None = None
        self.state = WorkerState()
        self.last_timestamp_us = 0
        for _, entry in self.stored_entries():
            self.state.apply(entry)
            self.last_timestamp_us = max(self.last_timestamp_us, entry.timestamp_us)

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

    def _commit(self) -> Future[None]:
        self._check_whole()
        if self._buffer:
            count = len(self._buffer)
            first = self.state.last_index - count + 1
            chunk = Chunk(first, count, CHUNK_CODEC, chunk_from_entries(self._buffer))
            self._buffer = []  # only now: encoding may fail
            self._last_commit = self._oplogs.append(self._worker, chunk, self.state.wants_to_run)
            self._last_commit.add_done_callback(self._note_failure)
        return self._last_commit

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
        for chunk in self._oplogs.read(self._worker, from_index):
            for index, entry in enumerate(entries_from_chunk(chunk.body), start=chunk.first_index):
                if index >= from_index:
                    yield index, entry
