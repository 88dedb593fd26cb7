from types import SimpleNamespace

from golem_nb.engine import resting
from golem_nb.engine.resting import Resting


def worker(id, has_instance=True):
    return SimpleNamespace(id=id, has_instance=has_instance)


def test_the_one_that_was_used_longest_ago_goes_first():
    kept = Resting(2)
    first, second, third = worker(1), worker(2), worker(3)
    assert [kept.note(w) for w in (first, second, first)] == [[], [], []]

    assert kept.note(third) == [second]


def test_workers_without_an_instance_take_no_place_of_those_with_one(monkeypatch):
    monkeypatch.setattr(resting, "MOST_BARE", 1)
    kept, bare = Resting(1), worker(2, has_instance=False)
    kept.note(worker(1))
    kept.note(bare)

    assert kept.note(worker(3, has_instance=False)) == [bare]


def test_a_worker_that_lost_its_instance_is_counted_once(monkeypatch):
    monkeypatch.setattr(resting, "MOST_BARE", 1)
    kept, tired = Resting(1), worker(1)
    kept.note(tired)
    tired.has_instance = False
    kept.note(tired)

    assert kept.note(worker(2)) == []


def test_only_the_same_object_is_forgotten():
    kept, old, new = Resting(1), worker(1), worker(1)
    kept.note(new)
    kept.forget(old)

    assert kept.note(worker(2)) == [new]
