import sqlite3

import pytest

from golem_nb.errors import DataFolderTooNew
from golem_nb.store.migrations import MIGRATIONS, migrate


def connect(path):
    return sqlite3.connect(path / "golem.db", isolation_level=None)


def tables(connection):
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_migrating_twice_does_nothing_more(tmp_path):
    connection = connect(tmp_path)
    migrate(connection, tmp_path)
    migrate(connection, tmp_path)

    assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    assert {"component", "component_version", "worker", "oplog_chunk"} <= tables(connection)
    connection.close()


def test_a_folder_of_the_first_format_keeps_all_it_has(tmp_path):
    connection = connect(tmp_path)
    connection.execute("BEGIN")
    MIGRATIONS[0](connection)
    connection.execute("PRAGMA user_version = 1")
    connection.execute("INSERT INTO component VALUES ('c', 'e', 'shop')")
    connection.execute("INSERT INTO worker VALUES (7, 'c', 'w', 1)")
    connection.execute("COMMIT")

    migrate(connection, tmp_path)

    worker = connection.execute("SELECT number, name, wants_to_run, wake_ns FROM worker").fetchone()
    assert worker == (7, "w", 1, None)  # a suspended one is started, as before, and gets its time
    assert connection.execute("SELECT name, snapshot_every FROM component").fetchone() == ("shop", None)
    assert {"keyvalue", "container", "blob"} <= tables(connection)
    connection.close()


def test_a_step_that_fails_leaves_nothing(tmp_path, monkeypatch):
    def broken(connection):
        connection.execute("CREATE TABLE half (n INTEGER)")
        raise RuntimeError

    connection = connect(tmp_path)
    monkeypatch.setattr("golem_nb.store.migrations.MIGRATIONS", (broken,))

    with pytest.raises(RuntimeError):
        migrate(connection, tmp_path)
    connection.close()

    assert tables(connect(tmp_path)) == set()


def test_a_newer_format_is_refused(tmp_path):
    connection = connect(tmp_path)
    connection.execute("PRAGMA user_version = 999")

    with pytest.raises(DataFolderTooNew, match="format 999"):
        migrate(connection, tmp_path)
    connection.close()
