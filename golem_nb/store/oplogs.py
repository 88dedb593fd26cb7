"""Oplogs as rows of consecutive entries."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass

from golem_nb.model import OplogIndex
from golem_nb.store.database import Connection, Database


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some consecutive entries, encoded by the codec of this number."""

    first_index: OplogIndex
    count: int
    codec: int
    body: bytes


class Oplogs:
    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, worker: int, chunk: Chunk, wants_to_run: bool) -> Future[None]:
        """Append a chunk, and note whether the worker should run at the engine's start, in one transaction."""

        def work(connection: Connection) -> None:
            connection.execute(
                "INSERT INTO oplog_chunk VALUES (?, ?, ?, ?, ?)",
                (worker, chunk.first_index, chunk.count, chunk.codec, chunk.body),
            )
            connection.execute(
                "UPDATE worker SET wants_to_run = ?1 WHERE number = ?2 AND wants_to_run <> ?1", (wants_to_run, worker)
            )

        return self._database.write(work)

    def read(self, worker: int, from_index: OplogIndex = 1) -> Iterator[Chunk]:
        """Yield the committed chunks from the one that has `from_index` on, in order."""
        rows = self._database.reader().execute(
            """
            SELECT first_index, count, codec, body FROM oplog_chunk
            WHERE worker = ?1 AND first_index >= coalesce(
                (SELECT max(first_index) FROM oplog_chunk WHERE worker = ?1 AND first_index <= ?2), 0)
            ORDER BY first_index
            """,
            (worker, from_index),
        )
        return (Chunk(*row) for row in rows)

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
