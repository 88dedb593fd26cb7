"""Blob containers and their objects, by environment. Times are milliseconds since the Unix epoch.

Writes resolve when they are stored. All may be made again: most of them end as they did before, and a copy or a move,
which may not find its source any more, is known by the worker that makes it and the name of its effect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from uuid import UUID

from golem_nb.errors import NotFound
from golem_nb.store.database import Connection, Database

Key = tuple[str, str, str]  # environment, container, object
_OBJECT = "environment_id = ? AND container = ? AND name = ?"


@dataclass(frozen=True, slots=True)
class ObjectRow:
    created_at_ms: int
    size_bytes: int


class Blobs:
    def __init__(self, database: Database) -> None:
        self._database = database

    # Containers.

    def create_container(self, environment_id: UUID, name: str, created_at_ms: int) -> Future[int]:
        """Make a container; one that is there stays as it is. The future has the time when it was made."""

        def work(connection: Connection) -> int:
            connection.execute(
                "INSERT INTO container VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (str(environment_id), name, created_at_ms),
            )
            made = _container(connection, str(environment_id), name)
            assert made is not None, "it was made just now, or before"
            return made

        return self._database.write(work)

    def container_created_at_ms(self, environment_id: UUID, name: str) -> int | None:
        """Return when a container was made; None where there is none."""
        return _container(self._database.reader(), str(environment_id), name)

    def delete_container(self, environment_id: UUID, name: str) -> Future[None]:
        """Delete a container and all in it, if it is there."""

        def work(connection: Connection) -> None:
            connection.execute(
                "DELETE FROM container WHERE environment_id = ? AND name = ?", (str(environment_id), name)
            )

        return self._database.write(work)

    def clear(self, environment_id: UUID, container: str) -> Future[None]:
        """Delete all objects of a container. The future fails with NotFound where there is no such container."""

        def work(connection: Connection) -> None:
            _check_container(connection, str(environment_id), container)
            connection.execute(
                "DELETE FROM blob WHERE environment_id = ? AND container = ?", (str(environment_id), container)
            )

        return self._database.write(work)

    # Objects.

    def write(self, environment_id: UUID, container: str, name: str, data: bytes, created_at_ms: int) -> Future[None]:
        """Make or replace an object. The future fails with NotFound where there is no such container."""

        def work(connection: Connection) -> None:
            _check_container(connection, str(environment_id), container)
            _put(connection, (str(environment_id), container, name), data, created_at_ms)

        return self._database.write(work)

    def read(self, environment_id: UUID, container: str, name: str, start: int, count: int) -> bytes | None:
        """Return up to `count` bytes from `start` on; None where there is no such object."""
        row = (
            self._database.reader()
            .execute(
                f"SELECT substr(data, ?, ?) FROM blob WHERE {_OBJECT}",
                (start + 1, count, str(environment_id), container, name),
            )
            .fetchone()
        )
        return (row[0] or b"") if row else None  # SQLite has NULL for a part of nothing

    def info(self, environment_id: UUID, container: str, name: str) -> ObjectRow | None:
        row = (
            self._database.reader()
            .execute(
                f"SELECT created_at_ms, length(data) FROM blob WHERE {_OBJECT}", (str(environment_id), container, name)
            )
            .fetchone()
        )
        return ObjectRow(*row) if row else None

    def names(self, environment_id: UUID, container: str) -> Sequence[str]:
        """Return the names of a container's objects in order."""
        rows = self._database.reader().execute(
            "SELECT name FROM blob WHERE environment_id = ? AND container = ? ORDER BY name",
            (str(environment_id), container),
        )
        return [name for (name,) in rows]

    def delete(self, environment_id: UUID, container: str, names: Iterable[str]) -> Future[None]:
        """Delete objects; those that are not there are passed over."""
        keys = [(str(environment_id), container, name) for name in names]

        def work(connection: Connection) -> None:
            connection.executemany(f"DELETE FROM blob WHERE {_OBJECT}", keys)

        return self._database.write(work)

    # Transfers.

    def copy(
        self,
        environment_id: UUID,
        source: tuple[str, str],
        target: tuple[str, str],
        created_at_ms: int,
        *,
        worker: int,
        effect: str,
    ) -> Future[None]:
        """Copy an object, given by container and name, over another one or to a new one.

        Nothing is done where the worker's last copy or move had this effect: it is made again after a crash. The future
        fails with NotFound where there is no such object, or no such container to take it.
        """

        def copy(connection: Connection) -> None:
            _copy(connection, (str(environment_id), *source), (str(environment_id), *target), created_at_ms)

        return self._database.write(_once(worker, effect, copy))

    def move(
        self,
        environment_id: UUID,
        source: tuple[str, str],
        target: tuple[str, str],
        created_at_ms: int,
        *,
        worker: int,
        effect: str,
    ) -> Future[None]:
        """`copy`, and delete the source; to itself, an object stays where it is."""

        def move(connection: Connection) -> None:
            _copy(connection, (str(environment_id), *source), (str(environment_id), *target), created_at_ms)
            if source != target:
                connection.execute(f"DELETE FROM blob WHERE {_OBJECT}", (str(environment_id), *source))

        return self._database.write(_once(worker, effect, move))


def _container(connection: Connection, environment_id: str, name: str) -> int | None:
    row = connection.execute(
        "SELECT created_at_ms FROM container WHERE environment_id = ? AND name = ?", (environment_id, name)
    ).fetchone()
    return row[0] if row else None


def _check_container(connection: Connection, environment_id: str, name: str) -> None:
    if _container(connection, environment_id, name) is None:
        raise NotFound(f"Container not found: {name}")


def _put(connection: Connection, key: Key, data: bytes, created_at_ms: int) -> None:
    connection.execute(
        """
        INSERT INTO blob (environment_id, container, name, created_at_ms, data) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET created_at_ms = excluded.created_at_ms, data = excluded.data
        """,
        (*key, created_at_ms, data),
    )


def _copy(connection: Connection, source: Key, target: Key, created_at_ms: int) -> None:
    for environment_id, container, _ in (source, target):
        _check_container(connection, environment_id, container)
    row = connection.execute(f"SELECT data FROM blob WHERE {_OBJECT}", source).fetchone()
    if row is None:
        raise NotFound(f"Object not found: {source[1]}/{source[2]}")
    _put(connection, target, row[0], created_at_ms)


def _once(worker: int, effect: str, do: Callable[[Connection], None]) -> Callable[[Connection], None]:
    """Return what does this and notes the effect, in one transaction; nothing where it is noted already."""

    def work(connection: Connection) -> None:
        row = connection.execute("SELECT effect FROM blob_transfer WHERE worker = ?", (worker,)).fetchone()
        if row == (effect,):
            return
        do(connection)
        connection.execute(
            "INSERT INTO blob_transfer VALUES (?, ?) ON CONFLICT DO UPDATE SET effect = excluded.effect",
            (worker, effect),
        )

    return work
