"""Which workers there are. What each of them is, its oplog says."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from uuid import UUID

from golem_nb.errors import ComponentNotFound, WorkerExists
from golem_nb.model import ComponentId, OplogIndex, WorkerId
from golem_nb.store.database import Connection, Database
from golem_nb.store.oplogs import Chunk, Start, insert_chunk
from golem_nb.store.schedule import ScheduledRow, insert_scheduled


@dataclass(frozen=True, slots=True)
class PromiseRow:
    """`payload` is None until it is completed."""

    oplog_index: OplogIndex
    payload: bytes | None
    is_deleted: bool


@dataclass(frozen=True, slots=True)
class Beside:
    """What is stored of a worker besides its oplog. `blob_effect`: see `store.blobs`."""

    promises: tuple[PromiseRow, ...] = ()
    blob_effect: str | None = None
    scheduled: tuple[ScheduledRow, ...] = ()


class Workers:
    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        worker: WorkerId,
        chunks: Iterable[Chunk],
        start: Start,
        *,
        promises_of: tuple[int, OplogIndex] | None = None,
        beside: Beside | None = None,
    ) -> Future[int]:
        """Store a new worker with the beginning of its oplog; the future has its number.

        It fails with WorkerExists, or ComponentNotFound where the component was deleted meanwhile. `promises_of` is the
        number of another one, whose promises up to an index it gets as its own; `beside` is what else is stored with
        it.
        """

        def work(connection: Connection) -> int:
            try:
                cursor = connection.execute(
                    "INSERT INTO worker (component_id, name, wants_to_run, wake_ns) VALUES (?, ?, ?, ?)",
                    (str(worker.component_id), worker.name, start.wants_to_run, start.wake_ns),
                )
            except sqlite3.IntegrityError as error:
                if error.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:  # it was deleted meanwhile
                    raise ComponentNotFound(f"there is no component {worker.component_id}") from None
                raise WorkerExists(worker) from None
            number = cursor.lastrowid
            assert number is not None, "an INSERT has a row"
            for chunk in chunks:
                insert_chunk(connection, number, chunk)
            if promises_of is not None:
                connection.execute(
                    """
                    INSERT INTO promise (worker, oplog_index, payload, is_deleted)
                    SELECT ?, oplog_index, payload, is_deleted FROM promise WHERE worker = ? AND oplog_index <= ?
                    """,
                    (number, *promises_of),
                )
            if beside is not None:
                _insert_beside(connection, number, beside)
            return number

        return self._database.write(work)

    def snapshot(self, number: int) -> tuple[OplogIndex, Beside]:
        """Return a worker's last index and what is stored besides its oplog, both of one moment; 0 where it is gone.

        What is scheduled is not among it: the store does not know whose it is.
        """
        connection = self._database.reader()
        connection.execute("BEGIN")
        try:
            (last_index,) = connection.execute(
                "SELECT coalesce(max(first_index + count - 1), 0) FROM oplog_chunk WHERE worker = ?", (number,)
            ).fetchone()
            promises = connection.execute(
                "SELECT oplog_index, payload, is_deleted FROM promise WHERE worker = ? ORDER BY oplog_index", (number,)
            ).fetchall()
            effect = connection.execute("SELECT effect FROM blob_transfer WHERE worker = ?", (number,)).fetchone()
        finally:
            connection.execute("COMMIT")
        rows = tuple(PromiseRow(index, payload, bool(is_deleted)) for index, payload, is_deleted in promises)
        return last_index, Beside(rows, effect[0] if effect else None)

    def delete(self, number: int) -> Future[None]:
        """Delete a worker and its oplog."""

        def work(connection: Connection) -> None:
            connection.execute("DELETE FROM worker WHERE number = ?", (number,))

        return self._database.write(work)

    def number(self, worker: WorkerId) -> int | None:
        row = (
            self._database.reader()
            .execute(
                "SELECT number FROM worker WHERE component_id = ? AND name = ?", (str(worker.component_id), worker.name)
            )
            .fetchone()
        )
        return row[0] if row else None

    def page(self, component_id: ComponentId, after: int, count: int) -> Sequence[tuple[int, str]]:
        """Return up to `count` pairs (number, name) after the number `after`, in order of creation."""
        return (
            self._database.reader()
            .execute(
                "SELECT number, name FROM worker WHERE component_id = ? AND number > ? ORDER BY number LIMIT ?",
                (str(component_id), after, count),
            )
            .fetchall()
        )

    def names(self, component_id: ComponentId, limit: int = 1000) -> list[str]:
        """Return some names, for a did-you-mean."""
        rows = self._database.reader().execute(
            "SELECT name FROM worker WHERE component_id = ? ORDER BY number DESC LIMIT ?", (str(component_id), limit)
        )
        return [name for (name,) in rows]

    def that_want_to_run(self) -> Sequence[WorkerId]:
        """Return the workers that an engine starts at once: cut off, or waiting for a promise that is complete."""
        rows = self._database.reader().execute(
            """
            SELECT component_id, name FROM worker WHERE wants_to_run
            UNION
            SELECT component_id, name FROM worker w WHERE wake_ns IS NOT NULL AND EXISTS (
                SELECT 1 FROM promise p WHERE p.worker = w.number AND p.payload IS NOT NULL)
            """
        )
        return [WorkerId(UUID(component_id), name) for component_id, name in rows]

    def that_sleep(self) -> Sequence[tuple[WorkerId, int]]:
        """Return the suspended workers that a timer wakes, and when: nanoseconds since the Unix epoch."""
        rows = self._database.reader().execute(
            "SELECT component_id, name, wake_ns FROM worker WHERE wake_ns < ?", ((1 << 63) - 1,)
        )
        return [(WorkerId(UUID(component_id), name), wake_ns) for component_id, name, wake_ns in rows]


def _insert_beside(connection: Connection, number: int, beside: Beside) -> None:
    connection.executemany(
        "INSERT INTO promise (worker, oplog_index, payload, is_deleted) VALUES (?, ?, ?, ?)",
        [(number, promise.oplog_index, promise.payload, promise.is_deleted) for promise in beside.promises],
    )
    if beside.blob_effect is not None:
        connection.execute("INSERT INTO blob_transfer VALUES (?, ?)", (number, beside.blob_effect))
    for row in beside.scheduled:
        insert_scheduled(connection, row)
