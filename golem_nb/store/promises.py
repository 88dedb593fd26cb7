"""Promises: futures that anyone completes, named by a worker and an oplog index. Source: SEMANTICS 5.7."""

from __future__ import annotations

from concurrent.futures import Future

from golem_nb.errors import PromiseNotFound
from golem_nb.model import OplogIndex, WorkerId
from golem_nb.store.database import Connection, Database


class Promises:
    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, worker: int, index: OplogIndex) -> Future[None]:
        """Make a promise; one that is there stays as it is, so that replay may make it again."""

        def work(connection: Connection) -> None:
            connection.execute(
                "INSERT INTO promise (worker, oplog_index) VALUES (?, ?) ON CONFLICT DO NOTHING", (worker, index)
            )

        return self._database.write(work)

    def complete(self, worker: WorkerId, index: OplogIndex, payload: bytes) -> Future[bool]:
        """Complete a promise. The future has False where it was completed before: its payload is kept then.

        It fails with PromiseNotFound where the worker made no such promise, or deleted it.
        """

        def work(connection: Connection) -> bool:
            key = (str(worker.component_id), worker.name, index)
            row = connection.execute(
                """
                SELECT p.worker, p.payload IS NOT NULL FROM promise p JOIN worker w ON w.number = p.worker
                WHERE w.component_id = ? AND w.name = ? AND p.oplog_index = ? AND NOT p.is_deleted
                """,
                key,
            ).fetchone()
            if row is None:
                raise PromiseNotFound(f"Promise not found: {worker}/{index}")
            number, is_complete = row
            if not is_complete:
                connection.execute(
                    "UPDATE promise SET payload = ? WHERE worker = ? AND oplog_index = ?", (payload, number, index)
                )
            return not is_complete

        return self._database.write(work)

    def delete(self, worker: int, index: OplogIndex) -> Future[None]:
        """Let nobody complete a promise any more. Its payload stays for a replay that met it before."""

        def work(connection: Connection) -> None:
            connection.execute(
                "UPDATE promise SET is_deleted = 1 WHERE worker = ? AND oplog_index = ?", (worker, index)
            )

        return self._database.write(work)

    def payload(self, worker: int, index: OplogIndex) -> bytes | None:
        """Return what a promise was completed with; None where it is not, or does not exist."""
        row = (
            self._database.reader()
            .execute("SELECT payload FROM promise WHERE worker = ? AND oplog_index = ?", (worker, index))
            .fetchone()
        )
        return row[0] if row else None

    def exists(self, worker: int, index: OplogIndex) -> bool:
        row = (
            self._database.reader()
            .execute("SELECT 1 FROM promise WHERE worker = ? AND oplog_index = ? AND NOT is_deleted", (worker, index))
            .fetchone()
        )
        return row is not None
