import pytest

from golem_nb.errors import PromiseNotFound
from golem_nb.model import WorkerId
from golem_nb.store.oplogs import Chunk, Start
from golem_nb.store.promises import Promises
from tests.store.conftest import COMPONENT, FIRST

WORKER = WorkerId(COMPONENT, "w")


@pytest.fixture
def promises(database):
    return Promises(database)


@pytest.fixture
def number(workers, promises):
    number = workers.create(WORKER, [FIRST], Start(False)).result(5)
    promises.create(number, 4).result(5)
    return number


def test_a_promise_is_completed_once(promises, number):
    assert promises.payload(number, 4) is None

    assert promises.complete(WORKER, 4, b"").result(5)

    assert not promises.complete(WORKER, 4, b"late").result(5)
    assert promises.payload(number, 4) == b""


def test_making_it_again_keeps_what_it_has(promises, number):
    promises.complete(WORKER, 4, b"x").result(5)
    promises.create(number, 4).result(5)

    assert promises.payload(number, 4) == b"x"


def test_a_promise_that_nobody_made_cannot_be_completed(promises, number):
    for worker, index in ((WORKER, 5), (WorkerId(COMPONENT, "other"), 4)):
        with pytest.raises(PromiseNotFound, match=f"{worker.name}/{index}"):
            promises.complete(worker, index, b"x").result(5)


def test_a_deleted_promise_gives_what_it_had_and_takes_nothing(promises, number):
    promises.complete(WORKER, 4, b"x").result(5)
    promises.delete(number, 4).result(5)

    assert promises.payload(number, 4) == b"x"
    with pytest.raises(PromiseNotFound):
        promises.complete(WORKER, 4, b"y").result(5)


def test_promises_go_with_their_worker(promises, workers, number):
    workers.delete(number).result(5)

    assert promises.payload(number, 4) is None


def test_workers_that_wait_for_a_complete_promise_are_started(promises, workers, oplogs, number):
    oplogs.append(number, Chunk(2, 1, 1, b"suspend"), Start(False, (1 << 63) - 1)).result(5)
    assert (workers.that_want_to_run(), workers.that_sleep()) == ([], [])

    promises.complete(WORKER, 4, b"x").result(5)

    assert workers.that_want_to_run() == [WORKER]


def test_another_worker_may_begin_with_promises_like_these(promises, workers, number):
    promises.create(number, 9).result(5)
    promises.complete(WORKER, 4, b"x").result(5)

    fork = workers.create(WorkerId(COMPONENT, "f"), [FIRST], Start(False), promises_of=(number, 8)).result(5)

    assert promises.payload(fork, 4) == b"x"
    assert promises.exists(fork, 4) and not promises.exists(fork, 9)
