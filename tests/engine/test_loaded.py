from functools import partial

import pytest

from golem_nb.engine.engine import Engine
from golem_nb.errors import Conflict, NotFound
from golem_nb.model import WorkerId
from tests.engine.conftest import until


def test_workers_without_an_instance_are_let_go_of(engine, counter, monkeypatch):
    monkeypatch.setattr("golem_nb.engine.resting.MOST_BARE", 5)
    for number in range(20):
        engine.launch_worker(counter.component_id, f"w{number}")

    for number in range(20):
        engine.oplog(WorkerId(counter.component_id, f"w{number}"))

    assert len(engine._loaded) == 5


@pytest.mark.parametrize("stop", [Engine.delete_worker, partial(Engine.revert_worker, last_index=1)])
def test_a_worker_that_is_loaded_anew_meanwhile_is_stopped_all_the_same(engine, counter, call, stop):
    call("inc", 1)
    gone = engine._loaded[counter]
    engine._loaded._let_go_if_idle(gone)
    spinning = engine.invoke_and_await(counter, "spin", [])
    current, load, first = engine._loaded.load(counter), engine._loaded.load, iter([gone])
    engine._loaded.load = lambda id: next(first, None) or load(id)

    stop(engine, counter)

    assert isinstance(spinning.exception(5), NotFound | Conflict)
    assert not current.is_busy


def test_a_fork_that_is_let_go_of_before_it_starts_is_started(engine, counter, call, monkeypatch):
    call("inc", 1)
    monkeypatch.setattr("golem_nb.engine.resting.MOST_BARE", 1)
    load = engine._loaded.find

    def loaded_and_let_go_of(id):
        found = load(id)
        if id.name == "fork" and not found.is_busy:
            engine._loaded.find = load
            engine._loaded._let_go_if_idle(found)
        return found

    engine._loaded.find = loaded_and_let_go_of
    fork = WorkerId(counter.component_id, "fork")
    engine.fork_worker(counter, fork, 2)

    until(lambda: engine.worker(fork).last_index == 4)


def test_a_worker_whose_store_fails_while_it_is_let_go_of_is_gone_once(engine, counter, call):
    call("inc", 1)
    found = engine._loaded[counter]
    evict = found.evict

    def failing():
        engine._loaded.note_broken(found)
        return evict()

    found.evict = failing
    found.wait_until_idle(5)
    engine._loaded._let_go_if_idle(found)

    assert counter not in engine._loaded
    assert engine.worker(counter).last_index == 4


def test_who_listens_is_told_that_the_engine_closes(engine, counter, call):
    call("inc", 1)
    events = engine.events(counter)
    events.take()

    engine.close()

    assert events.take() == ([], True)
