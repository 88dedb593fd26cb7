from concurrent.futures import Future
from uuid import UUID

import pytest

from golem_nb.engine.journal import CHECKPOINT_EVERY, MOST_BUFFERED, Journal
from golem_nb.errors import StoreFailed
from golem_nb.model import WorkerId
from golem_nb.oplog.codec import CHUNK_CODEC, chunk_from_entries
from golem_nb.oplog.entries import (
    Create,
    Error,
    ErrorKind,
    ExportedFunctionCompleted,
    ExportedFunctionInvoked,
    Jump,
    NoOp,
    PendingUpdate,
    Revert,
)
from golem_nb.oplog.fold import state_of
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


def test_an_entry_that_makes_others_void_folds_anew(bench):
    journal = bench.journal()
    journal.append(lambda now: ExportedFunctionInvoked(now, "f", (), "k"))
    journal.commit().result(5)  # some are stored, some on their way, some buffered
    journal.append(NoOp)
    journal.commit()
    journal.append(lambda now: ExportedFunctionCompleted(now, None))
    assert "k" in journal.state.outcomes

    journal.append_void(3, lambda now, own: Revert(now, 3, own - 1)).result(5)

    assert (journal.state.last_index, dict(journal.state.outcomes)) == (5, {})
    assert journal.state.current.idempotency_key == "k"
    assert journal.append(NoOp) == 6
    journal.commit().result(5)
    assert bench.journal().state == journal.state


def invocations(journal, count):
    for number in range(count):
        journal.append(lambda now, key=f"k{number}": ExportedFunctionInvoked(now, "f", (), key))
        journal.append(lambda now: ExportedFunctionCompleted(now, None))
    journal.commit().result(5)


def test_a_long_oplog_is_folded_from_its_last_checkpoint(bench, monkeypatch):
    journal = bench.journal()
    invocations(journal, CHECKPOINT_EVERY + 100)  # each is two entries
    checkpoints = bench.oplogs.checkpoints(bench.number)
    assert len(checkpoints) == 2

    read = []
    whole = bench.oplogs.read
    monkeypatch.setattr(bench.oplogs, "read", lambda worker, first: read.append(first) or whole(worker, first))

    assert bench.journal().state == journal.state
    assert read == [checkpoints[-1].last_index + 1]
    # Each has the outcomes since the one before, so that a long history is not written again and again.
    assert len(checkpoints[1].state) < 1.2 * len(checkpoints[0].state)


def test_what_is_made_void_takes_its_checkpoints_along(bench):
    journal = bench.journal()
    invocations(journal, CHECKPOINT_EVERY + 100)
    first, _ = bench.oplogs.checkpoints(bench.number)

    journal.append_void(first.last_index + 2, lambda now, own: Revert(now, first.last_index + 2, own - 1)).result(5)

    assert [c.last_index for c in bench.oplogs.checkpoints(bench.number)] == [first.last_index]
    assert bench.journal().state == journal.state == state_of([e for _, e in journal.stored_entries()])


def test_checkpoints_that_a_revert_makes_void_take_no_outcomes_along(bench, monkeypatch):
    monkeypatch.setattr("golem_nb.engine.journal.CHECKPOINT_EVERY", 4)
    journal = bench.journal()
    journal.append(lambda now: ExportedFunctionInvoked(now, "f", (), "k"))
    journal.append(lambda now: ExportedFunctionCompleted(now, None))
    for _ in range(2):
        journal.append(NoOp)
    journal.commit().result(5)
    for _ in range(3):
        journal.append(NoOp)
    journal.commit().result(5)
    assert [c.last_index for c in bench.oplogs.checkpoints(bench.number)] == [5]

    journal.append_void(4, lambda now, index: Revert(now, 4, 8)).result(5)

    assert list(bench.journal().state.outcomes) == ["k"]
    journal.append(NoOp)
    journal.commit().result(5)
    assert [c.last_index for c in bench.oplogs.checkpoints(bench.number)] == [10]
    assert list(bench.journal().state.outcomes) == ["k"]


def test_an_outcome_that_an_update_took_back_does_not_come_back_from_a_checkpoint(bench, monkeypatch):
    monkeypatch.setattr("golem_nb.engine.journal.CHECKPOINT_EVERY", 4)
    journal = bench.journal()
    journal.append(lambda now: ExportedFunctionInvoked(now, "f", (), "k"))
    for _ in range(3):
        journal.append(lambda now: Error(now, ErrorKind.UNKNOWN, "no", "", 2))
    journal.commit().result(5)
    assert list(bench.journal().state.outcomes) == ["k"]

    journal.append(lambda now: PendingUpdate(now, 1))
    for _ in range(3):
        journal.append(NoOp)
    journal.commit().result(5)

    assert [c.last_index for c in bench.oplogs.checkpoints(bench.number)] == [5, 9]
    assert bench.journal().state == journal.state
    assert not journal.state.outcomes


def test_checkpoints_of_another_form_are_not_read(bench):
    journal = bench.journal()
    journal.append(NoOp)
    journal.commit_with_checkpoint().result(5)
    bench.database.write(lambda c: c.execute("UPDATE checkpoint SET codec = 99, state = x'00'")).result(5)

    assert bench.journal().state == journal.state


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
