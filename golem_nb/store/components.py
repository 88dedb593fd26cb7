"""Components and their versions; their wasm and initial files are kept by content beside the database."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from golem_nb.errors import ComponentExists, ComponentNotFound
from golem_nb.model import ComponentId, SnapshotPolicy
from golem_nb.store.contents import Contents
from golem_nb.store.database import Connection, Database


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version of a component. `exports` and `options` are JSON text."""

    component_id: ComponentId
    environment_id: UUID
    name: str
    version: int
    sha256: str
    size: int
    created_at_us: int
    exports: str
    options: str = "{}"


_SELECT = """
    SELECT c.id, c.environment_id, c.name, v.version, v.sha256, v.size, v.created_at_us, v.exports, v.options
    FROM component c JOIN component_version v ON v.component_id = c.id
"""
_LATEST = "v.version = (SELECT max(version) FROM component_version WHERE component_id = c.id)"


def _row(values: tuple[str, str, str, int, str, int, int, str, str]) -> VersionRow:
    return VersionRow(UUID(values[0]), UUID(values[1]), *values[2:])


class Components:
    def __init__(self, database: Database, folder: Path) -> None:
        """`folder` is for wasm; initial files lie beside it."""
        self._database = database
        self._wasm, self.files = Contents(folder, ".wasm"), Contents(folder.with_name("files"))

    def keep_wasm(self, wasm: bytes) -> str:
        """Store the bytes and return their SHA-256. They are kept before any row names them."""
        return self._wasm.keep(wasm)

    def wasm(self, sha256: str) -> bytes:
        """Return the bytes that were stored.

        Raises:
            ComponentNotFound: The file is gone, or not what it was.
        """
        return self._wasm.read(sha256)

    def create(self, row: VersionRow) -> Future[None]:
        """Store a new component with its first version. The future fails with ComponentExists if its name is taken."""

        def work(connection: Connection) -> None:
            try:
                connection.execute(
                    "INSERT INTO component (id, environment_id, name) VALUES (?, ?, ?)",
                    (str(row.component_id), str(row.environment_id), row.name),
                )
            except sqlite3.IntegrityError:
                raise ComponentExists(
                    f"Component already exists: {row.name}; deploy a new version of it (PATCH) instead"
                ) from None
            _insert(connection, row, row.version)

        return self._database.write(work)

    def add_version(self, row: VersionRow) -> Future[int]:
        """Store a further version; the future has its number (`row.version` is not looked at)."""

        def work(connection: Connection) -> int:
            (latest,) = connection.execute(
                "SELECT max(version) FROM component_version WHERE component_id = ?", (str(row.component_id),)
            ).fetchone()
            if latest is None:
                raise ComponentNotFound(f"Component not found: {row.component_id}")
            _insert(connection, row, latest + 1)
            number: int = latest + 1
            return number

        return self._database.write(work)

    def delete(self, component_id: ComponentId) -> Future[None]:
        """Delete a component with its versions, workers and oplogs. Its files stay: other versions may be the same."""

        def work(connection: Connection) -> None:
            connection.execute("DELETE FROM component WHERE id = ?", (str(component_id),))

        return self._database.write(work)

    def latest(self, component_id: ComponentId) -> VersionRow:
        return self._one(f"{_SELECT} WHERE c.id = ? AND {_LATEST}", (str(component_id),), f"{component_id}")

    def version(self, component_id: ComponentId, version: int) -> VersionRow:
        what = f"{component_id}, version {version}"
        return self._one(f"{_SELECT} WHERE c.id = ? AND v.version = ?", (str(component_id), version), what)

    def by_name(self, environment_id: UUID, name: str) -> VersionRow:
        return self._one(
            f"{_SELECT} WHERE c.environment_id = ? AND c.name = ? AND {_LATEST}", (str(environment_id), name), name
        )

    def in_environment(self, environment_id: UUID) -> Sequence[VersionRow]:
        """Return the latest version of each component, in order of creation."""
        rows = self._database.reader().execute(
            f"{_SELECT} WHERE c.environment_id = ? AND {_LATEST} ORDER BY c.rowid", (str(environment_id),)
        )
        return [_row(values) for values in rows]

    def snapshot_policy(self, component_id: ComponentId) -> SnapshotPolicy | None:
        row = (
            self._database.reader()
            .execute("SELECT snapshot_every, snapshot_every_s FROM component WHERE id = ?", (str(component_id),))
            .fetchone()
        )
        return None if row is None or row == (None, None) else SnapshotPolicy(*row)

    def set_snapshot_policy(self, component_id: ComponentId, policy: SnapshotPolicy | None) -> Future[None]:
        every, every_s = (None, None) if policy is None else (policy.every_invocations, policy.every_s)

        def work(connection: Connection) -> None:
            connection.execute(
                "UPDATE component SET snapshot_every = ?, snapshot_every_s = ? WHERE id = ?",
                (every, every_s, str(component_id)),
            )

        return self._database.write(work)

    def _one(self, query: str, parameters: tuple[str | int, ...], what: str) -> VersionRow:
        values = self._database.reader().execute(query, parameters).fetchone()
        if values is None:
            raise ComponentNotFound(f"Component not found: {what}")
        return _row(values)


def _insert(connection: Connection, row: VersionRow, version: int) -> None:
    connection.execute(
        "INSERT INTO component_version VALUES (?, ?, ?, ?, ?, ?, ?)",
        (str(row.component_id), version, row.sha256, row.size, row.created_at_us, row.exports, row.options),
    )
