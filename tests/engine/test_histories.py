from uuid import UUID

import pytest

from golem_nb.engine.histories import CHUNK_ENTRIES, forked
from golem_nb.errors import BadInput
from golem_nb.model import LOCAL_ENVIRONMENT, WorkerId, WorkerStatus
from golem_nb.oplog.codec import entries_from_chunk
from golem_nb.oplog.entries import Create, ExportedFunctionInvoked, NoOp, PendingWorkerInvocation, Suspend
from golem_nb.oplog.fold import state_of
from golem_nb.store.oplogs import Start
from tests.engine.conftest import until
from tests.script import AWAIT, COMPLETE, PROMISE, script, steps

CREATE = Create(5, UUID(int=1), "w", 3, ("a",), {"K": "v"}, 10, "parent", ("grandparent",))


def test_a_fork_is_another_worker_with_the_same_beginning():
    entries = [CREATE, PendingWorkerInvocation(6, "k", "f", ()), ExportedFunctionInvoked(7, "f", (), "k"), NoOp(8)]

    (chunk,), start = forked("w", entries, 3, "copy", 99)

    first, *rest = entries_from_chunk(chunk.body)
    assert (first.worker_name, first.timestamp_us, first.parent) == ("copy", 99, None)
    assert first.forked_from == ("grandparent", "w")
    assert (first.args, first.env, first.component_version) == (("a",), {"K": "v"}, 3)
    assert rest == entries[1:3]
    assert start == Start(True)


def test_a_long_history_comes_in_chunks_without_gaps():
    chunks, _ = forked("w", [CREATE, *[NoOp(6)] * 299], 300, "copy", 99)

    assert [(c.first_index, c.count) for c in chunks] == [(1, CHUNK_ENTRIES), (129, CHUNK_ENTRIES), (257, 44)]


def test_a_fork_of_a_sleeping_worker_sleeps():
    invoked = ExportedFunctionInvoked(7, "f", (), "k")

    assert forked("w", [CREATE, invoked, Suspend(8, 1234)], 3, "copy", 99)[1] == Start(False, 1234)


def test_a_crash_in_the_middle_of_a_revert_runs_nothing_again(engine, counter, call):
    """What was reverted was accepted before the cut: only its cancellation keeps it from running again."""
    call("inc", 1)
    call("inc", 2)

    engine.revert_worker(counter, invocations=1)

    oplog = [entry for _, entry in engine.oplog(counter).entries]
    for length in range(7, len(oplog) + 1):  # at first Create, and three for each invocation
        assert not state_of(oplog[:length]).pending
    assert call("get") == 1


@pytest.mark.parametrize("what", [{"invocations": 2}, {"last_index": 99}, {"last_index": 0}])
def test_a_revert_that_is_refused_stops_nothing(engine, counter, what):
    spinning = engine.invoke_and_await(counter, "spin", [])
    until(lambda: engine.worker(counter).status is WorkerStatus.RUNNING)

    with pytest.raises(BadInput):
        engine.revert_worker(counter, **what)

    assert not spinning.done()
    assert engine._loaded[counter].is_busy


@pytest.fixture
def script_worker(engine):
    return WorkerId(engine.create_component(LOCAL_ENVIRONMENT, "script", script()).id, "w")


def test_a_fork_replays_what_its_source_waited_for(engine, script_worker):
    """The promise in its history carries the name of its source."""
    program = steps(PROMISE, (COMPLETE, 7), AWAIT)
    total = engine.invoke_and_await(script_worker, "run", ["", program]).result(10)
    fork = WorkerId(script_worker.component_id, "fork")

    engine.fork_worker(script_worker, fork, engine.worker(script_worker).last_index)

    assert engine.invoke_and_await(fork, "total", []).result(10) == total


def test_a_fork_waits_for_a_promise_of_its_own(engine, script_worker):
    source, fork = script_worker, WorkerId(script_worker.component_id, "fork")
    waiting = engine.invoke_and_await(source, "run", ["", steps(PROMISE, AWAIT)], "k")
    until(lambda: engine.worker(source).status is WorkerStatus.SUSPENDED)
    engine.fork_worker(source, fork, engine.worker(source).last_index)
    until(lambda: not engine._loaded[fork].is_busy)

    engine.complete_promise(fork, 4, b"\x05")

    assert engine.invoke_and_await(fork, "run", ["", []], "k").result(10).value == 4 + 5
    assert not waiting.done()


def test_a_revert_that_was_asked_for_twice_with_one_key_is_made_once(engine, counter, call):
    for n in (1, 2, 3):
        call("inc", n)

    for _ in range(2):
        engine.revert_worker(counter, invocations=1, key="a 7/0")

    assert call("get") == 3
    engine.revert_worker(counter, invocations=2, key="a 9/0")  # the question, and one more
    assert call("get") == 1
