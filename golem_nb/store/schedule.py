"""Calls that are to be made at a time. Source: SEMANTICS 5.7."""

from __future__ import annotations

from concurrent.futures import Future

from golem_nb.store.database import Connection, Database

ScheduledRow = tuple[str, int, bytes]  # id, when it is due, the engine's encoding


class Schedule:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, id: str, due_ns: int, body: bytes) -> Future[None]:
        """Keep a call; one of the same id takes its place."""

        def work(connection: Connection) -> None:
            insert_scheduled(connection, (id, due_ns, body))

        return self._database.write(work)

    def remove(self, id: str) -> Future[None]:
        def work(connection: Connection) -> None:
            connection.execute("DELETE FROM scheduled WHERE id = ?", (id,))

        return self._database.write(work)

    def get(self, id: str) -> bytes | None:
        row = self._database.reader().execute("SELECT body FROM scheduled WHERE id = ?", (id,)).fetchone()
        return row[0] if row else None

    def all(self) -> list[tuple[str, int]]:
        """Return the ids, and when each is due."""
        return self._database.reader().execute("SELECT id, due_ns FROM scheduled ORDER BY due_ns").fetchall()


def insert_scheduled(connection: Connection, row: ScheduledRow) -> None:
    connection.execute("INSERT OR REPLACE INTO scheduled (id, due_ns, body) VALUES (?, ?, ?)", row)
