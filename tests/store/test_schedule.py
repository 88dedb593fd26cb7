import pytest

from golem_nb.store.database import Database
from golem_nb.store.schedule import Schedule


@pytest.fixture
def schedule(tmp_path):
    database = Database(tmp_path / "golem.db", "process")
    yield Schedule(database)
    database.close()


def test_calls_are_kept_until_they_are_removed(schedule):
    schedule.add("later", 20, b"2").result(5)
    schedule.add("sooner", 10, b"1").result(5)

    assert schedule.all() == [("sooner", 10), ("later", 20)]
    assert schedule.get("later") == b"2"

    schedule.remove("later").result(5)
    assert schedule.get("later") is None
    assert schedule.all() == [("sooner", 10)]


def test_a_call_that_is_scheduled_again_takes_its_place(schedule):
    schedule.add("a", 20, b"1").result(5)
    schedule.add("a", 30, b"2").result(5)

    assert (schedule.all(), schedule.get("a")) == ([("a", 30)], b"2")
