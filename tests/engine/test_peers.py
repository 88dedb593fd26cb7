import pytest

from golem_nb.errors import BadInput, PromiseNotFound
from golem_nb.model import UpdateMode, UpdateState, WorkerId
from golem_nb.oplog.entries import NoOp
from tests.engine.conftest import until


@pytest.fixture
def peers(engine, counter, call):
    """What the counter, which has been invoked once, may ask."""
    call("inc", 1)
    return engine.peers(counter, engine._workers.number(counter))


def test_other_workers_are_seen_as_they_are(engine, counter, peers):
    other = WorkerId(counter.component_id, "other")
    assert peers.metadata(other) is None

    engine.launch_worker(counter.component_id, "other")

    assert peers.metadata(other).worker_id == other
    assert peers.metadata(counter).last_index == 4


def test_components_are_found_by_name(counter, peers):
    assert peers.resolve_component("counter") == counter.component_id
    assert peers.resolve_component("local/default/counter") == counter.component_id
    assert peers.resolve_component("no such") is None


def test_promises_are_the_workers_own(engine, counter, peers):
    peers.create_promise(4)
    assert peers.promise(4) is None

    assert peers.complete_promise(counter, 4, b"x")

    assert peers.promise(4) == b"x"
    assert not peers.complete_promise(counter, 4, b"y")
    peers.delete_promise(4)
    assert peers.promise(4) == b"x"  # a replay may have met it
    with pytest.raises(PromiseNotFound):
        peers.complete_promise(counter, 4, b"z")


def test_workers_steer_each_other(engine, counter, call, peers):
    other = WorkerId(counter.component_id, "other")
    call("inc", 5, worker=other)
    call("inc", 1, worker=other)

    peers.revert(other, invocations=1)
    assert call("get", worker=other) == 5
    peers.fork(other, WorkerId(counter.component_id, "copy"), 4)
    assert call("get", worker=WorkerId(counter.component_id, "copy")) == 5
    peers.update(other, 9, UpdateMode.AUTOMATIC)
    until(lambda: engine.worker(other).updates and engine.worker(other).updates[-1].state is UpdateState.FAILED)


def test_a_worker_cannot_revert_itself(counter, peers):
    with pytest.raises(BadInput, match="cannot revert itself"):
        peers.revert(counter, last_index=2)


def test_a_worker_is_forked_as_it_is_and_the_copy_goes_on_with_its_own_entry(engine, counter, call, peers):
    call("inc", 5)
    last_index = engine.worker(counter).last_index

    peers.fork_here("copy", NoOp(7))

    copy = WorkerId(counter.component_id, "copy")
    assert [type(entry) for _, entry in engine.oplog(copy).entries][-1] is NoOp
    assert engine.worker(copy).last_index == last_index + 1
    peers.fork_here("copy", NoOp(7))  # a crash had it done again


def test_oplogs_and_workers_are_read_in_pages(engine, counter, call, peers):
    call("inc", 5)

    found, following = peers.oplog(counter, 1, 2, lambda index, entry: True)
    assert ([index for index, _ in found], following) == ([1, 2], 3)
    assert [w.worker_id for w in peers.workers(counter.component_id, None, 50).workers] == [counter]
