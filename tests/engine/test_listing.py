from datetime import UTC, datetime
from uuid import UUID

import pytest

from golem_nb.engine import listing
from golem_nb.engine.listing import page_of_workers
from golem_nb.model import WorkerId, WorkerMetadata, WorkerStatus
from golem_nb.oplog.filters import AllOf, Comparator, Condition, Field


class Stored:
    """Workers `w1` … `wN`; those with an even number are of version 1, the others of 0. Counts what is examined."""

    def __init__(self, count, gone=()):
        self.numbers, self.gone, self.examined = range(1, count + 1), gone, []

    def rows_after(self, after, count):
        return [(number, f"w{number}") for number in self.numbers if number > after][:count]

    def metadata(self, name):
        self.examined.append(name)
        if name in self.gone:
            return None
        born = datetime(2025, 1, 31, tzinfo=UTC)
        return WorkerMetadata(WorkerId(UUID(int=1), name), WorkerStatus.IDLE, 1 - int(name[1:]) % 2, born)

    def page(self, cursor=None, count=50, filter=None):
        page = page_of_workers(self.rows_after, self.metadata, cursor, count, filter)
        return [worker.worker_id.name for worker in page.workers], page.cursor

    def pages(self, count, filter):
        cursor, found = None, []
        while True:
            names, cursor = self.page(cursor, count, filter)
            found.append(names)
            if cursor is None:
                return found


EVEN = Condition(Field.VERSION, Comparator.EQUAL, 1)


def test_pages_follow_one_another_and_the_last_has_no_cursor():
    assert Stored(5).pages(2, None) == [["w1", "w2"], ["w3", "w4"], ["w5"]]
    assert Stored(4).pages(2, None) == [["w1", "w2"], ["w3", "w4"]]
    assert Stored(0).pages(2, None) == [[]]


def test_a_filtered_page_is_as_full_as_others():
    assert Stored(10).pages(2, EVEN) == [["w2", "w4"], ["w6", "w8"], ["w10"]]


def test_who_is_gone_meanwhile_takes_no_place():
    assert Stored(4, gone={"w2"}).pages(2, None) == [["w1", "w3"], ["w4"]]


@pytest.mark.parametrize("bound", ["MOST_EXAMINED", "MOST_NAMES"])
def test_a_scan_that_takes_long_stops_with_a_cursor_and_goes_on(monkeypatch, bound):
    monkeypatch.setattr(listing, bound, 3)
    stored = Stored(10)

    names, cursor = stored.page(count=5, filter=EVEN)

    assert (names, cursor, len(stored.examined)) == (["w2"], "3", 3)
    assert stored.pages(5, EVEN) == [["w2"], ["w4", "w6"], ["w8"], ["w10"]]


def test_what_the_name_decides_is_not_examined():
    stored = Stored(3000)
    filter = AllOf((Condition(Field.NAME, Comparator.EQUAL, "w2998"), EVEN))

    assert stored.page(filter=filter) == (["w2998"], None)
    assert stored.examined == ["w2998"]


def test_filtered_pages_of_an_engine_load_no_worker(engine, counter):
    for number in range(60):
        engine.launch_worker(counter.component_id, f"w{number}", env={"N": str(number % 3)})
    loaded_before = len(engine._loaded)

    page = engine.workers(counter.component_id, None, 30, Condition(Field.ENV, Comparator.EQUAL, "0", "n"))

    assert [worker.worker_id.name for worker in page.workers] == [f"w{number}" for number in range(0, 60, 3)]
    assert len(engine._loaded) == loaded_before
