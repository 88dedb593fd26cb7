from functools import partial
from uuid import UUID

import pytest

from golem_nb.errors import NotFound
from golem_nb.model import WorkerId
from golem_nb.store.blobs import Blobs, ObjectRow
from golem_nb.store.oplogs import Start
from tests.store.conftest import COMPONENT, FIRST

HERE, ELSEWHERE = UUID(int=1), UUID(int=2)


@pytest.fixture
def blobs(database):
    stored = Blobs(database)
    stored.create_container(HERE, "c", 10).result(5)
    stored.write(HERE, "c", "o", b"hello", 11).result(5)
    return stored


@pytest.fixture
def worker(workers):
    return workers.create(WorkerId(COMPONENT, "w"), [FIRST], Start(False)).result(5)


@pytest.fixture
def move(blobs, worker):
    return partial(blobs.move, HERE, worker=worker)


def test_a_container_that_is_made_again_stays_as_it_is(blobs):
    assert blobs.create_container(HERE, "c", 99).result(5) == 10

    assert blobs.names(HERE, "c") == ["o"]
    assert blobs.container_created_at_ms(ELSEWHERE, "c") is None


def test_an_object_is_read_in_parts(blobs):
    assert blobs.read(HERE, "c", "o", 0, 5) == b"hello"
    assert blobs.read(HERE, "c", "o", 1, 3) == b"ell"
    assert blobs.read(HERE, "c", "o", 5, 9) == b""
    assert blobs.read(HERE, "c", "never", 0, 1) is None
    blobs.write(HERE, "c", "empty", b"", 11).result(5)
    assert blobs.read(HERE, "c", "empty", 0, 0) == b""


def test_an_object_that_is_replaced_is_made_anew(blobs):
    blobs.write(HERE, "c", "o", b"bye", 20).result(5)

    assert blobs.info(HERE, "c", "o") == ObjectRow(20, 3)
    assert blobs.info(HERE, "c", "never") is None


def test_objects_need_a_container(blobs):
    with pytest.raises(NotFound, match="Container not found: never"):
        blobs.write(HERE, "never", "o", b"", 1).result(5)
    with pytest.raises(NotFound, match="Container not found: never"):
        blobs.clear(HERE, "never").result(5)


def test_deletions_may_be_made_again(blobs):
    blobs.write(HERE, "c", "p", b"", 12).result(5)

    for _ in range(2):
        blobs.delete(HERE, "c", ["o", "never"]).result(5)
    assert blobs.names(HERE, "c") == ["p"]
    for _ in range(2):
        blobs.clear(HERE, "c").result(5)
    assert blobs.names(HERE, "c") == []
    for _ in range(2):
        blobs.delete_container(HERE, "c").result(5)
    assert blobs.container_created_at_ms(HERE, "c") is None


def test_objects_go_with_their_container(blobs):
    blobs.delete_container(HERE, "c").result(5)
    blobs.create_container(HERE, "c", 30).result(5)

    assert blobs.names(HERE, "c") == []


def test_a_copy_is_an_object_of_its_own(blobs, worker):
    blobs.create_container(HERE, "d", 10).result(5)

    blobs.copy(HERE, ("c", "o"), ("d", "p"), 20, worker=worker, effect="1").result(5)
    blobs.delete(HERE, "c", ["o"]).result(5)

    assert blobs.read(HERE, "d", "p", 0, 9) == b"hello"
    assert blobs.info(HERE, "d", "p") == ObjectRow(20, 5)


def test_a_move_takes_the_source_away_and_replaces_the_target(blobs, move):
    blobs.write(HERE, "c", "p", b"old", 12).result(5)

    move(("c", "o"), ("c", "p"), 20, effect="1").result(5)

    assert blobs.names(HERE, "c") == ["p"]
    assert blobs.read(HERE, "c", "p", 0, 9) == b"hello"


def test_a_move_to_itself_loses_nothing(blobs, move):
    move(("c", "o"), ("c", "o"), 20, effect="1").result(5)

    assert blobs.read(HERE, "c", "o", 0, 9) == b"hello"


def test_a_move_that_is_made_again_is_made_once(blobs, move):
    move(("c", "o"), ("c", "p"), 20, effect="1").result(5)
    blobs.write(HERE, "c", "o", b"of another worker", 21).result(5)

    move(("c", "o"), ("c", "p"), 22, effect="1").result(5)

    assert blobs.read(HERE, "c", "p", 0, 9) == b"hello"
    assert blobs.names(HERE, "c") == ["o", "p"]


def test_the_same_move_for_another_reason_is_another_one(blobs, move):
    move(("c", "o"), ("c", "p"), 20, effect="1").result(5)

    with pytest.raises(NotFound, match="Object not found: c/o"):
        move(("c", "o"), ("c", "p"), 22, effect="2").result(5)
    assert blobs.names(HERE, "c") == ["p"]


def test_a_move_that_failed_may_succeed_later(blobs, move):
    with pytest.raises(NotFound, match="Container not found: d"):
        move(("c", "o"), ("d", "p"), 20, effect="1").result(5)
    blobs.create_container(HERE, "d", 21).result(5)

    move(("c", "o"), ("d", "p"), 22, effect="1").result(5)

    assert (blobs.names(HERE, "c"), blobs.names(HERE, "d")) == ([], ["p"])
