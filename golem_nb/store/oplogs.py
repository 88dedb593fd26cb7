"""Oplogs as rows of consecutive entries, with checkpoints of their folds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from golem_nb.model import OplogIndex
from golem_nb.store.database import Connection, Database

PAGE = 64  # rows read at once: an open query would keep the log of writes from being folded into the database


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some consecutive entries, encoded by the codec of this number."""

    first_index: OplogIndex
    count: int
    codec: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The fold of a worker's entries up to `last_index`: a cache."""

    last_index: OplogIndex
    codec: int
    state: bytes


@dataclass(frozen=True, slots=True)
class Start:
    """What an engine that starts must know of a worker without reading its oplog.

    `wake_ns` is when a suspended one is to be woken (2^63 - 1: by a promise only), None for one that is not suspended.
    """

    wants_to_run: bool
    wake_ns: int | None = None


class Oplogs:
    def __init__(self, database: Database) -> None:
        self._database = database

    def append(
        self,
        worker: int,
        chunk: Chunk,
        start: Start,
        *,
        checkpoint: Checkpoint | None = None,
        void_from: OplogIndex | None = None,
    ) -> Future[None]:
        """Append a chunk, and note what the engine's next start must know, in one transaction.

        `void_from` names the first entry that the chunk makes void: checkpoints from there on are dropped.
        """

        def work(connection: Connection) -> None:
            insert_chunk(connection, worker, chunk)
            connection.execute(
                """
                UPDATE worker SET wants_to_run = ?1, wake_ns = ?2
                WHERE number = ?3 AND (wants_to_run <> ?1 OR wake_ns IS NOT ?2)
                """,
                (start.wants_to_run, start.wake_ns, worker),
            )
            if void_from is not None:
                connection.execute("DELETE FROM checkpoint WHERE worker = ? AND last_index >= ?", (worker, void_from))
            if checkpoint is not None:
                connection.execute(
                    "INSERT OR REPLACE INTO checkpoint VALUES (?, ?, ?, ?)",
                    (worker, checkpoint.last_index, checkpoint.codec, checkpoint.state),
                )

        return self._database.write(work)

    def read(self, worker: int, from_index: OplogIndex = 1) -> Iterator[Chunk]:
        """Yield the committed chunks from the one that has `from_index` on, in order."""
        (begin,) = (
            self._database.reader()
            .execute(
                "SELECT coalesce(max(first_index), 0) FROM oplog_chunk WHERE worker = ? AND first_index <= ?",
                (worker, from_index),
            )
            .fetchone()
        )
        query = """
            SELECT first_index, count, codec, body FROM oplog_chunk WHERE worker = ? AND first_index >= ?
            ORDER BY first_index LIMIT ?
        """
        while rows := self._database.reader().execute(query, (worker, begin, PAGE)).fetchall():
            yield from (Chunk(*row) for row in rows)
            if len(rows) < PAGE:
                return
            begin = rows[-1][0] + 1

    def checkpoints(self, worker: int, before: OplogIndex | None = None) -> Sequence[Checkpoint]:
        """Return a worker's checkpoints in order; only those of entries before an index, where given."""
        rows = self._database.reader().execute(
            "SELECT last_index, codec, state FROM checkpoint WHERE worker = ? AND last_index < ? ORDER BY last_index",
            (worker, (1 << 63) - 1 if before is None else before),
        )
        return [Checkpoint(*row) for row in rows]

    def last_index(self, worker: int) -> OplogIndex:
        """Return the index of the last committed entry; 0 where there is none."""
        row = (
            self._database.reader()
            .execute(
                "SELECT first_index + count - 1 FROM oplog_chunk WHERE worker = ? ORDER BY first_index DESC LIMIT 1",
                (worker,),
            )
            .fetchone()
        )
        return row[0] if row else 0


def insert_chunk(connection: Connection, worker: int, chunk: Chunk) -> None:
    connection.execute(
        "INSERT INTO oplog_chunk VALUES (?, ?, ?, ?, ?)",
        (worker, chunk.first_index, chunk.count, chunk.codec, chunk.body),
    )
