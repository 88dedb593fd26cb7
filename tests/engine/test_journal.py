from concurrent.futures import Future
from uuid import UUID

import pytest

from golem_nb.engine.journal import MOST_BUFFERED, Journal
from golem_nb.errors import StoreFailed
from golem_nb.model import WorkerId
from golem_nb.oplog.codec import CHUNK_CODEC, chunk_from_entries
from golem_nb.oplog.entries import Create, Jump, NoOp
from golem_nb.store.components import Components, VersionRow
from golem_nb.store.database import Database
from golem_nb.store.oplogs import Chunk, Oplogs, Start
from golem_nb.store.workers import Workers

CREATE = Create(5, UUID(int=1), "w", 0, (), {}, 10)


class Bench:
    """A worker in a store, and what its journals ask for."""

    def __init__(self, folder):
        self.database = Database(folder / "golem.db", "none")
        self.oplogs, self.now, self.dirty = Oplogs(self.database), 10, []
        row = VersionRow(UUID(int=1), UUID(int=2), "c", 0, "", 0, 0, "[]")
        Components(self.database, folder / "wasm").create(row).result(5)
        chunk = Chunk(1, 1, CHUNK_CODEC, chunk_from_entries([CREATE]))
        self.number = Workers(self.database).create(WorkerId(UUID(int=1), "w"), [chunk], Start(False)).result(5)

    def journal(self):
        return Journal(self.oplogs, self.number, lambda: self.now, self.dirty.append)


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    yield made
    made.database.close()


def test_a_journal_begins_with_what_is_stored(bench):
    journal = bench.journal()

    assert (journal.state.create, journal.state.last_index, journal.last_timestamp_us) == (CREATE, 1, 5)


def test_entries_are_numbered_and_kept_by_a_commit(bench):
    journal = bench.journal()
    assert [journal.append(NoOp) for _ in range(3)] == [2, 3, 4]
    assert bench.oplogs.last_index(bench.number) == 1

    journal.commit().result(5)

    assert [index for index, _ in bench.journal().stored_entries(3)] == [3, 4]


def test_a_commit_speaks_for_all_that_came_before(bench):
    journal = bench.journal()
    journal.append(NoOp)
    journal.commit()

    journal.commit().result(5)  # nothing is buffered, and yet it waits

    assert bench.oplogs.last_index(bench.number) == 2


def test_timestamps_never_go_back(bench):
    journal = bench.journal()
    journal.append(NoOp)
    bench.now = 3
    journal.append(NoOp)
    journal.commit().result(5)

    assert [entry.timestamp_us for _, entry in bench.journal().stored_entries()] == [5, 10, 10]


def test_an_entry_may_name_its_own_index(bench):
    journal = bench.journal()

    journal.append_indexed(lambda now, index: Jump(now, 2, index))

    assert journal.state.skipped.ranges == ((2, 2),)


def test_a_full_buffer_is_handed_over_by_itself(bench):
    journal = bench.journal()
    for _ in range(MOST_BUFFERED + 1):
        journal.append(NoOp)
    bench.database.write(lambda c: None).result(5)

    assert bench.oplogs.last_index(bench.number) == MOST_BUFFERED + 2


def test_who_flushes_is_told_once_for_each_buffer(bench):
    journal = bench.journal()
    journal.append(NoOp)
    journal.append(NoOp)
    assert bench.dirty == [journal]
    journal.commit()
    journal.append(NoOp)

    assert bench.dirty == [journal, journal]


def test_a_journal_that_could_not_be_stored_refuses_everything(bench, monkeypatch):
    journal = bench.journal()
    journal.append(NoOp)
    monkeypatch.setattr(bench.oplogs, "append", lambda *_, **__: failed(OSError("disk full")))

    assert isinstance(journal.commit().exception(5), OSError)

    assert journal.is_broken
    with pytest.raises(StoreFailed, match="disk full"):
        journal.append(NoOp)
    assert bench.journal().state.last_index == 1


def failed(error):
    future = Future()
    future.set_exception(error)
    return future
