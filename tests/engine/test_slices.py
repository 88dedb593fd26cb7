import pytest

from golem_nb.engine.slices import MOST_OPLOG_ENTRIES
from golem_nb.errors import BadInput, WorkerNotFound


@pytest.fixture
def oplog(engine, counter, call):
    """Slices of an oplog of 3 * 40 + 1 entries."""
    for _ in range(40):
        call("inc", 1)
    return lambda *where: engine.oplog(counter, *where)


def test_a_slice_ends_where_it_is_told_and_says_where_to_go_on(oplog):
    found = oplog(2, 3)

    assert [index for index, _ in found.entries] == [2, 3, 4]
    assert (found.next_index, found.last_index) == (5, 121)


def test_a_slice_is_never_longer_than_a_page(oplog):
    assert len(oplog(0, 1000).entries) == MOST_OPLOG_ENTRIES
    assert (len(oplog(101, 1000).entries), oplog(101, 1000).next_index) == (21, None)


@pytest.mark.parametrize("where", [(-1, 5), (1, -1)])
def test_negative_numbers_are_refused(oplog, where):
    with pytest.raises(BadInput, match="must not be negative"):
        oplog(*where)


def test_all_entries_up_to_the_last_one_of_a_moment_come_part_by_part(engine, counter, call):
    for _ in range(40):
        call("inc", 1)

    last_index, parts = engine.oplog_from(counter, 5)
    call("inc", 1)  # after that moment
    indices = [index for part in parts for index, _ in part]

    assert (last_index, indices) == (121, list(range(5, 122)))
    assert list(engine.oplog_from(counter, 1000)[1]) == []


def test_parts_of_a_worker_that_is_deleted_meanwhile_end_with_the_reason(engine, counter, call):
    call("inc", 1)
    _, parts = engine.oplog_from(counter)
    engine.delete_worker(counter)

    with pytest.raises(WorkerNotFound):
        list(parts)
