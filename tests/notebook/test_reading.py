from threading import Event

import pytest

from golem_nb.errors import ServerUnreachable
from golem_nb.notebook import reading
from golem_nb.notebook.reading import ReadAhead, read_columns
from golem_nb.notebook.surroundings import Surroundings
from tests.notebook.test_frames import entry


@pytest.fixture
def terminal():
    return Surroundings(shell=None)


def entries(count):
    return (entry(index, "NoOp") for index in range(1, count + 1))


def test_all_entries_come_in_order(terminal, monkeypatch):
    monkeypatch.setattr(reading, "PORTION", 10)

    assert read_columns(entries(101), 101, terminal, "oplog of w").indices == list(range(1, 102))


def test_none_are_no_trouble(terminal):
    assert len(read_columns([], 0, terminal, "oplog of w")) == 0


def test_what_reading_raises_is_raised_where_it_is_waited_for(terminal):
    def broken():
        yield entry(1, "NoOp")
        raise ServerUnreachable("gone")

    with pytest.raises(ServerUnreachable, match="gone"):
        read_columns(broken(), 2, terminal, "oplog of w")


def test_a_reader_that_leaves_ends_the_thread(terminal, monkeypatch):
    monkeypatch.setattr(reading, "PORTION", 1)
    monkeypatch.setattr(reading, "STOP_CHECK_S", 0.01)
    ended = Event()

    def endless():
        try:
            index = 0
            while True:
                index += 1
                yield entry(index, "NoOp")
        finally:
            ended.set()

    with ReadAhead(endless(), terminal) as ahead:
        assert [e.index for e in next(iter(ahead))] == [1]
    del ahead

    assert ended.wait(10)
