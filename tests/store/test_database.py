import gc
import sqlite3
import threading

import pytest

from golem_nb.errors import DataFolderUnsuitable, EngineStopped, StoreFailed
from golem_nb.store.database import Database, check_folder


@pytest.fixture
def database(tmp_path):
    opened = Database(tmp_path / "golem.db", "process")
    opened.write(lambda c: c.execute("CREATE TABLE number (n INTEGER PRIMARY KEY)")).result(5)
    yield opened
    opened.close()


def insert(n):
    return lambda connection: connection.execute("INSERT INTO number VALUES (?)", (n,)) and n


def numbers(database):
    return [n for (n,) in database.reader().execute("SELECT n FROM number ORDER BY n")]


def test_a_resolved_write_is_seen_by_readers(database):
    database.write(insert(1)).result(5)

    assert numbers(database) == [1]


def test_writes_run_in_the_order_they_were_handed_over(database):
    order = []
    futures = [database.write(lambda c, n=n: order.append(n)) for n in range(500)]
    for future in futures:
        future.result(5)

    assert order == list(range(500))


def test_a_failing_write_is_undone_alone(database):
    hold = threading.Event()
    waiting = database.write(lambda c: hold.wait(5))  # so that the next three are one group

    first = database.write(insert(1))
    second = database.write(lambda c: (c.execute("INSERT INTO number VALUES (7)"), 1 / 0))
    third = database.write(insert(2))
    hold.set()

    assert (waiting.result(5), first.result(5), third.result(5)) == (True, 1, 2)
    assert isinstance(second.exception(5), ZeroDivisionError)
    assert numbers(database) == [1, 2]


def test_readers_cannot_write(database):
    with pytest.raises(sqlite3.OperationalError):
        database.reader().execute("INSERT INTO number VALUES (1)")


def test_closing_commits_what_was_handed_over(tmp_path):
    database = Database(tmp_path / "golem.db", "process")
    database.write(lambda c: c.execute("CREATE TABLE number (n INTEGER)"))
    future = database.write(insert(5))
    database.close()

    assert future.result(0) == 5
    with pytest.raises(EngineStopped):
        database.write(insert(6))
    assert sqlite3.connect(tmp_path / "golem.db").execute("SELECT n FROM number").fetchall() == [(5,)]


@pytest.mark.parametrize(("durability", "level"), [("power", 2), ("process", 1), ("none", 0)])
def test_durability_is_sqlites_synchronous(tmp_path, durability, level):
    database = Database(tmp_path / "golem.db", durability)

    found = database.write(lambda c: c.execute("PRAGMA synchronous").fetchone()).result(5)
    database.close()

    assert found == (level,)


def test_what_is_no_database_is_refused(tmp_path):
    (tmp_path / "golem.db").write_bytes(b"hello" * 1000)

    with pytest.raises(DataFolderUnsuitable, match="cannot be used"):
        Database(tmp_path / "golem.db", "process")


MOUNTS = "/dev/sda1 / ext4 rw 0 0\nserver:/home {home} nfs4 rw 0 0\n/dev/sdb {home}/local ext4 rw 0 0\n"


def test_network_file_systems_are_refused(tmp_path):
    mounts = MOUNTS.format(home=tmp_path)

    with pytest.raises(DataFolderUnsuitable, match="network file system"):
        check_folder(tmp_path / "data", mounts)
    check_folder(tmp_path / "local" / "data", mounts)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(DataFolderUnsuitable, match="cannot be made"):
        check_folder(tmp_path / "file" / "data")


def test_a_new_folder_is_private(tmp_path):
    check_folder(tmp_path / "data")

    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_who_leaves_before_the_commit_stops_nobody(database):
    hold = threading.Event()
    database.write(lambda c: hold.wait(5))
    left = database.write(insert(1))
    assert left.cancel()
    stayed = database.write(insert(2))
    hold.set()

    assert stayed.result(5) == 2
    assert numbers(database) == [1, 2]


@pytest.mark.parametrize("ending", [SystemExit, KeyboardInterrupt, MemoryError])
def test_nothing_that_a_write_raises_ends_the_writer(database, ending):
    def work(connection):
        raise ending

    failed = database.write(work)

    assert isinstance(failed.exception(5), ending)
    assert database.write(insert(1)).result(5) == 1


def test_a_write_that_ends_the_transaction_fails_and_the_next_succeeds(database):
    failed = database.write(lambda c: c.execute("ROLLBACK"))

    assert isinstance(failed.exception(5), StoreFailed)
    assert database.write(insert(1)).result(5) == 1


def test_the_connection_of_a_thread_that_ended_is_closed(database):
    before = len(database._readers)
    for _ in range(20):
        thread = threading.Thread(target=numbers, args=(database,))
        thread.start()
        thread.join()

    gc.collect()
    assert len(database._readers) == before
