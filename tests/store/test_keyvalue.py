from uuid import UUID

import pytest

from golem_nb.store.database import Database
from golem_nb.store.keyvalue import KeyValues

HERE, ELSEWHERE = UUID(int=1), UUID(int=2)


@pytest.fixture
def stored(database):
    return KeyValues(database)


def test_a_value_is_kept_until_it_is_replaced(stored):
    assert stored.get(HERE, "b", "k") is None

    stored.set(HERE, "b", [("k", b"one")]).result(5)
    stored.set(HERE, "b", [("k", b"two"), ("l", b"")]).result(5)

    assert (stored.get(HERE, "b", "k"), stored.get(HERE, "b", "l")) == (b"two", b"")


def test_environments_and_buckets_are_apart(stored):
    stored.set(HERE, "b", [("k", b"v")]).result(5)

    assert not stored.exists(ELSEWHERE, "b", "k")
    assert not stored.exists(HERE, "other", "k")
    assert stored.exists(HERE, "b", "k")


def test_keys_come_in_order(stored):
    stored.set(HERE, "b", [(key, b"") for key in ("z", "a", "\0", "ü", "")]).result(5)

    assert stored.keys(HERE, "b") == ["", "\0", "a", "z", "ü"]
    assert stored.keys(HERE, "empty") == []


def test_deleting_passes_over_what_is_not_there(stored):
    stored.set(HERE, "b", [("k", b"v"), ("l", b"v")]).result(5)

    for _ in range(2):
        stored.delete(HERE, "b", ["k", "never"]).result(5)

    assert stored.keys(HERE, "b") == ["l"]


def test_values_outlive_the_database_object(stored, database, tmp_path):
    stored.set(HERE, "b", [("k", b"v")]).result(5)
    database.close()

    again = Database(tmp_path / "golem.db", "none")

    assert KeyValues(again).get(HERE, "b", "k") == b"v"
    again.close()
