import pytest

from golem_nb.model import WorkerId
from golem_nb.store.oplogs import PAGE, Checkpoint, Chunk, Start
from tests.store.conftest import COMPONENT, FIRST


@pytest.fixture
def number(workers, oplogs):
    number = workers.create(WorkerId(COMPONENT, "w"), [FIRST], Start(False)).result(5)
    oplogs.append(number, Chunk(2, 10, 1, b"a"), Start(True)).result(5)
    oplogs.append(number, Chunk(12, 5, 1, b"b"), Start(True)).result(5)
    return number


@pytest.mark.parametrize(("from_index", "bodies"), [(1, 3), (2, 2), (11, 2), (12, 1), (16, 1), (99, 1)])
def test_reading_begins_with_the_chunk_that_has_the_index(oplogs, number, from_index, bodies):
    assert [chunk.body for chunk in oplogs.read(number, from_index)] == [b"create", b"a", b"b"][-bodies:]


def test_the_last_index_is_the_end_of_the_last_chunk(oplogs, number):
    assert (oplogs.last_index(number), oplogs.last_index(999)) == (16, 0)


def test_an_index_is_written_once(oplogs, number):
    with pytest.raises(Exception, match="UNIQUE"):
        oplogs.append(number, Chunk(12, 1, 1, b"again"), Start(True)).result(5)


def test_workers_that_want_to_run_are_found(oplogs, workers, number):
    assert workers.that_want_to_run() == [WorkerId(COMPONENT, "w")]

    oplogs.append(number, Chunk(17, 1, 1, b"c"), Start(False)).result(5)

    assert workers.that_want_to_run() == []


def test_long_oplogs_are_read_in_pages_and_without_gaps(oplogs, number):
    for at in range(3 * PAGE):
        oplogs.append(number, Chunk(17 + at, 1, 1, b"%d" % at), Start(False))
    oplogs.append(number, Chunk(17 + 3 * PAGE, 1, 1, b"end"), Start(False)).result(5)

    found = [chunk.first_index for chunk in oplogs.read(number)]

    assert found == [1, 2, 12, *range(17, 18 + 3 * PAGE)]


def test_sleeping_workers_have_their_time(oplogs, workers, number):
    oplogs.append(number, Chunk(17, 1, 1, b"c"), Start(False, 1234)).result(5)
    assert workers.that_sleep() == [(WorkerId(COMPONENT, "w"), 1234)]
    assert workers.that_want_to_run() == []

    oplogs.append(number, Chunk(18, 1, 1, b"d"), Start(False)).result(5)

    assert workers.that_sleep() == []


def test_checkpoints_come_in_order_and_go_with_what_is_made_void(oplogs, number):
    for index in (20, 30, 40):
        checkpoint = Checkpoint(index, 1, b"state")
        oplogs.append(number, Chunk(index, 1, 1, b"x"), Start(False), checkpoint=checkpoint).result(5)
    assert [c.last_index for c in oplogs.checkpoints(number)] == [20, 30, 40]
    assert [c.last_index for c in oplogs.checkpoints(number, before=40)] == [20, 30]

    oplogs.append(number, Chunk(50, 1, 1, b"revert"), Start(False), void_from=30).result(5)

    assert [c.last_index for c in oplogs.checkpoints(number)] == [20]


@pytest.mark.parametrize("count", [PAGE - 1, PAGE, PAGE + 1, 2 * PAGE])
def test_each_chunk_is_read_once(oplogs, workers, count):
    """Also where the last page that is read is a full one."""
    number = workers.create(WorkerId(COMPONENT, "long"), [FIRST], Start(False)).result(5)
    for index in range(2, count + 1):
        stored = oplogs.append(number, Chunk(index, 1, 1, b"x"), Start(False))
    stored.result(5)

    assert [chunk.first_index for chunk in oplogs.read(number)] == list(range(1, count + 1))
