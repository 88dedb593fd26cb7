from uuid import UUID

import pytest

from golem_nb.errors import ComponentNotFound, WorkerExists
from golem_nb.model import WorkerId
from golem_nb.store.oplogs import Start
from golem_nb.store.schedule import Schedule
from golem_nb.store.workers import Beside, PromiseRow
from tests.store.conftest import COMPONENT, FIRST


def test_workers_are_listed_in_order_of_creation(workers):
    for name in ("b", "a", "c"):
        workers.create(WorkerId(COMPONENT, name), [FIRST], Start(False)).result(5)

    first = workers.page(COMPONENT, 0, 2)
    assert [name for _, name in first] == ["b", "a"]
    assert [name for _, name in workers.page(COMPONENT, first[-1][0], 2)] == ["c"]


def test_a_worker_is_created_once(workers):
    worker = WorkerId(COMPONENT, "w")
    number = workers.create(worker, [FIRST], Start(False)).result(5)

    with pytest.raises(WorkerExists):
        workers.create(worker, [FIRST], Start(False)).result(5)
    assert workers.number(worker) == number


def test_a_component_that_is_gone_is_told_as_that(workers):
    with pytest.raises(ComponentNotFound):
        workers.create(WorkerId(UUID(int=99), "w"), [FIRST], Start(False)).result(5)


def test_a_number_is_never_used_twice(workers, oplogs):
    worker = WorkerId(COMPONENT, "w")
    first = workers.create(worker, [FIRST], Start(False)).result(5)
    workers.delete(first).result(5)

    assert workers.create(worker, [FIRST], Start(False)).result(5) > first
    assert list(oplogs.read(first)) == []


def test_deleting_the_component_takes_everything_along(workers, components, oplogs):
    number = workers.create(WorkerId(COMPONENT, "w"), [FIRST], Start(False)).result(5)

    components.delete(COMPONENT).result(5)

    assert list(oplogs.read(number)) == []
    assert workers.names(COMPONENT) == []


def test_what_lies_beside_an_oplog_is_stored_and_read_with_it(workers, database):
    beside = Beside((PromiseRow(2, None, False), PromiseRow(3, b"paid", True)), "copy 7", (("id", 5, b"call"),))

    number = workers.create(WorkerId(COMPONENT, "w"), [FIRST], Start(False), beside=beside).result(5)

    assert workers.snapshot(number) == (1, Beside(beside.promises, "copy 7"))
    assert (Schedule(database).all(), Schedule(database).get("id")) == ([("id", 5)], b"call")


def test_the_snapshot_of_a_worker_that_is_gone_is_empty(workers):
    assert workers.snapshot(99) == (0, Beside())


def test_a_worker_that_cannot_be_created_leaves_nothing_beside_it(workers, database):
    workers.create(WorkerId(COMPONENT, "w"), [FIRST], Start(False)).result(5)

    with pytest.raises(WorkerExists):
        beside = Beside(scheduled=(("id", 5, b"call"),))
        workers.create(WorkerId(COMPONENT, "w"), [FIRST], Start(False), beside=beside).result(5)

    assert Schedule(database).all() == []
