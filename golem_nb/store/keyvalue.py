"""Key-value buckets: bytes by environment, bucket and key. A bucket is there as soon as it is named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from uuid import UUID

from golem_nb.store.database import Connection, Database


class KeyValues:
    """Writes resolve when they are stored; each is made whole or not at all, and may be made again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, environment_id: UUID, bucket: str, key: str) -> bytes | None:
        row = (
            self._database.reader()
            .execute(
                "SELECT value FROM keyvalue WHERE environment_id = ? AND bucket = ? AND key = ?",
                (str(environment_id), bucket, key),
            )
            .fetchone()
        )
        return row[0] if row else None

    def exists(self, environment_id: UUID, bucket: str, key: str) -> bool:
        row = (
            self._database.reader()
            .execute(
                "SELECT 1 FROM keyvalue WHERE environment_id = ? AND bucket = ? AND key = ?",
                (str(environment_id), bucket, key),
            )
            .fetchone()
        )
        return row is not None

    def keys(self, environment_id: UUID, bucket: str) -> Sequence[str]:
        """Return the keys of a bucket in order."""
        rows = self._database.reader().execute(
            "SELECT key FROM keyvalue WHERE environment_id = ? AND bucket = ? ORDER BY key",
            (str(environment_id), bucket),
        )
        return [key for (key,) in rows]

    def set(self, environment_id: UUID, bucket: str, pairs: Iterable[tuple[str, bytes]]) -> Future[None]:
        """Set values; of a key that is given twice the last one stays."""
        rows = [(str(environment_id), bucket, key, value) for key, value in pairs]

        def work(connection: Connection) -> None:
            connection.executemany(
                """
                INSERT INTO keyvalue (environment_id, bucket, key, value) VALUES (?, ?, ?, ?)
                ON CONFLICT (environment_id, bucket, key) DO UPDATE SET value = excluded.value
                """,
                rows,
            )

        return self._database.write(work)

    def delete(self, environment_id: UUID, bucket: str, keys: Iterable[str]) -> Future[None]:
        """Delete keys; those that are not there are passed over."""
        rows = [(str(environment_id), bucket, key) for key in keys]

        def work(connection: Connection) -> None:
            connection.executemany("DELETE FROM keyvalue WHERE environment_id = ? AND bucket = ? AND key = ?", rows)

        return self._database.write(work)
