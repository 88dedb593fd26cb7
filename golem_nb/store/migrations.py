"""The tables, as numbered steps. Each runs in one transaction with the number that records it, and is never edited."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from golem_nb.errors import DataFolderTooNew


def m001_initial(connection: sqlite3.Connection) -> None:
    for statement in (
        """
        CREATE TABLE component (
            id TEXT PRIMARY KEY, environment_id TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (environment_id, name)
        )
        """,
        """
        CREATE TABLE component_version (
            component_id TEXT NOT NULL REFERENCES component (id) ON DELETE CASCADE,
            version INTEGER NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL, created_at_us INTEGER NOT NULL,
            exports TEXT NOT NULL,  -- JSON
            PRIMARY KEY (component_id, version)
        )
        """,
        # `number` orders by creation and is never used twice: an oplog must not meet the chunks of a deleted namesake.
        """
        CREATE TABLE worker (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            component_id TEXT NOT NULL REFERENCES component (id) ON DELETE CASCADE,
            name TEXT NOT NULL,
            wants_to_run INTEGER NOT NULL,  -- caches the fold, for the engine's start
            UNIQUE (component_id, name)
        )
        """,
        "CREATE INDEX worker_wants_to_run ON worker (number) WHERE wants_to_run",
        """
        CREATE TABLE oplog_chunk (
            worker INTEGER NOT NULL REFERENCES worker (number) ON DELETE CASCADE,
            first_index INTEGER NOT NULL, count INTEGER NOT NULL, codec INTEGER NOT NULL, body BLOB NOT NULL,
            PRIMARY KEY (worker, first_index)
        ) WITHOUT ROWID
        """,
    ):
        connection.execute(statement)


def m002_waiting(connection: sqlite3.Connection) -> None:
    for statement in (
        # When a suspended worker is to be woken, 2^63 - 1 where only a promise does; NULL for those that are not.
        "ALTER TABLE worker ADD COLUMN wake_ns INTEGER",
        "CREATE INDEX worker_wake_ns ON worker (wake_ns) WHERE wake_ns IS NOT NULL",
        """
        CREATE TABLE promise (
            worker INTEGER NOT NULL REFERENCES worker (number) ON DELETE CASCADE,
            oplog_index INTEGER NOT NULL,
            payload BLOB,  -- NULL until it is completed
            is_deleted INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (worker, oplog_index)
        ) WITHOUT ROWID
        """,
        # A cache of folds. Each row has the outcomes of invocations since the one before it.
        """
        CREATE TABLE checkpoint (
            worker INTEGER NOT NULL REFERENCES worker (number) ON DELETE CASCADE,
            last_index INTEGER NOT NULL, codec INTEGER NOT NULL, state BLOB NOT NULL,
            PRIMARY KEY (worker, last_index)
        ) WITHOUT ROWID
        """,
        "ALTER TABLE component ADD COLUMN snapshot_every INTEGER",  # invocations
        "ALTER TABLE component ADD COLUMN snapshot_every_s REAL",
    ):
        connection.execute(statement)


def m003_schedule(connection: sqlite3.Connection) -> None:
    connection.execute(
        "CREATE TABLE scheduled (id TEXT PRIMARY KEY, due_ns INTEGER NOT NULL, body BLOB NOT NULL) WITHOUT ROWID"
    )


def m004_component_options(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE component_version ADD COLUMN options TEXT NOT NULL DEFAULT '{}'")


def m005_stores(connection: sqlite3.Connection) -> None:
    for statement in (
        """
        CREATE TABLE keyvalue (
            environment_id TEXT NOT NULL, bucket TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL,
            PRIMARY KEY (environment_id, bucket, key)
        )
        """,
        """
        CREATE TABLE container (
            environment_id TEXT NOT NULL, name TEXT NOT NULL, created_at_ms INTEGER NOT NULL,
            PRIMARY KEY (environment_id, name)
        )
        """,
        """
        CREATE TABLE blob (
            environment_id TEXT NOT NULL, container TEXT NOT NULL, name TEXT NOT NULL,
            created_at_ms INTEGER NOT NULL, data BLOB NOT NULL,
            PRIMARY KEY (environment_id, container, name),
            FOREIGN KEY (environment_id, container) REFERENCES container (environment_id, name) ON DELETE CASCADE
        )
        """,
        # The last copy or move of each worker: one that a crash has it make again is made once.
        """
        CREATE TABLE blob_transfer (
            worker INTEGER PRIMARY KEY REFERENCES worker (number) ON DELETE CASCADE, effect TEXT NOT NULL
        )
        """,
    ):
        connection.execute(statement)


MIGRATIONS = (m001_initial, m002_waiting, m003_schedule, m004_component_options, m005_stores)


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the tables up to date.

    Raises:
        DataFolderTooNew: A newer golem_nb made them.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise DataFolderTooNew(
            f"{path} has format {version}, this golem_nb knows formats up to {len(MIGRATIONS)}; upgrade it, or choose "
            "another folder with --data-dir"
        )
    for number, step in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.execute("BEGIN IMMEDIATE")
        step(connection)
        connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
