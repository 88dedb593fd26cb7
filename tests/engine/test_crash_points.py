import itertools
import threading

import pytest

from golem_nb.engine.crash_points import ArmedPoint
from golem_nb.engine.worker import Worker
from golem_nb.errors import BadInput, InvocationInterrupted
from golem_nb.model import LOCAL_ENVIRONMENT, CrashPoint, WorkerId, WorkerStatus
from golem_nb.oplog.entries import ImportedFunctionInvoked
from tests.engine.conftest import until
from tests.engine.test_shadows import dice

DRAW = "golem random::get_random_u64"


def test_a_call_is_counted_however_its_name_is_spelled():
    for name in ("random", "get-random-u64", "GetRandom_U64", "golem random"):
        point = ArmedPoint(CrashPoint(at_call=name, count=2))
        assert [point.is_met(f, 5) for f in (DRAW, "golem clocks::now", DRAW, DRAW)] == [False, False, True, False]


def test_an_index_is_met_by_the_first_that_reaches_it():
    point = ArmedPoint(CrashPoint(7))

    assert [point.is_met(DRAW, index) for index in (5, 6, 8)] == [False, False, True]


@pytest.mark.parametrize(
    "point",
    [
        CrashPoint(),
        CrashPoint(3, "now"),
        CrashPoint(at_call=""),
        CrashPoint(at_call="-"),
        CrashPoint(at_call="x" * 201),
    ],
)
def test_what_is_no_point_is_refused(point):
    with pytest.raises(BadInput):
        ArmedPoint(point)
    with pytest.raises(BadInput, match="counted from 1"):
        ArmedPoint(CrashPoint(at_call="now", count=0))


@pytest.mark.parametrize("point", [CrashPoint(4), CrashPoint(at_call="random")])
def test_a_worker_crashes_there_once_and_goes_on(engine, point):
    worker = WorkerId(engine.create_component(LOCAL_ENVIRONMENT, "dice", dice()).id, "w")
    engine.launch_worker(worker.component_id, worker.name)
    engine.crash_worker(worker, point)

    drawn = engine.invoke_and_await(worker, "draw", []).result(10).value

    found = engine.worker(worker)
    assert found.entries_replayed == 2  # the invocation, and the call that it crashed at
    assert sum(isinstance(entry, ImportedFunctionInvoked) for _, entry in engine.oplog(worker).entries) == 1
    assert engine.invoke_and_await(worker, "tell", []).result(10).value == drawn
    engine.invoke_and_await(worker, "draw", []).result(10)
    assert engine.worker(worker).entries_replayed == 2  # it did not crash again


def test_a_worker_that_nobody_recovers_lies_there_until_it_is_wanted(engine):
    worker = WorkerId(engine.create_component(LOCAL_ENVIRONMENT, "dice", dice()).id, "w")
    engine.launch_worker(worker.component_id, worker.name)
    engine.crash_worker(worker, CrashPoint(at_call="random"), recover=False)

    drawing = engine.invoke_and_await(worker, "draw", [])
    until(lambda: not engine.is_busy and engine.worker(worker).last_index == 4)
    found = engine.worker(worker)
    assert (found.status, found.entries_replayed, drawing.done()) == (WorkerStatus.RUNNING, None, False)

    assert engine.invoke_and_await(worker, "tell", []).result(10).value == drawing.result(10).value
    assert engine.worker(worker).entries_replayed == 2


@pytest.mark.parametrize("want", ["resume", "again", "another"])
def test_a_running_worker_is_left_down_and_taken_up_again(engine, counter, call, want):
    assert call("inc", 5) == 5
    key = "k"
    engine.invoke(counter, "spin", [], key=key).result(10)
    until(lambda: engine.worker(counter).status is WorkerStatus.RUNNING and engine.is_busy)

    engine.crash_worker(counter, recover=False)
    until(lambda: not engine.is_busy)
    assert engine.worker(counter).status is WorkerStatus.RUNNING

    match want:
        case "resume":
            engine.resume_worker(counter)
        case "again":
            engine.invoke(counter, "spin", [], key=key).result(10)
        case "another":
            engine.invoke(counter, "inc", [1]).result(10)
    until(lambda: engine.is_busy and engine.worker(counter).entries_replayed == 3)


@pytest.fixture
def spinning_down(engine, counter):
    """A worker that was left down in an invocation that nobody waits for."""
    engine.invoke(counter, "spin", []).result(10)
    until(lambda: engine.worker(counter).status is WorkerStatus.RUNNING and engine.is_busy)
    engine.crash_worker(counter, recover=False)
    until(lambda: not engine.is_busy)
    return counter


def test_a_timer_that_was_left_over_wakes_no_worker_that_is_down(engine, spinning_down):
    engine._loaded._let_go_if_idle(engine._loaded[spinning_down])
    assert spinning_down not in engine._loaded

    engine.wake(spinning_down)

    assert not engine.is_busy
    engine.resume_worker(spinning_down)
    until(lambda: engine.is_busy)


@pytest.fixture
def sleeping_down(engine, asker, monkeypatch):
    """A worker that was left down while it replayed, so that its oplog says that it sleeps; its time has come."""
    engine.invoke(asker, "sleep", [60_000]).result(10)
    until(lambda: engine.worker(asker).status is WorkerStatus.SUSPENDED and not engine.surroundings.slots.in_use)
    found = engine._loaded[asker]
    monkeypatch.setattr(found, "_advance", lambda: until(lambda: found._stop is not None))
    engine.invoke(asker, "draw", []).result(10)
    engine.crash_worker(asker, recover=False)
    monkeypatch.setattr("golem_nb.oplog.fold.WorkerState.is_early", lambda state, now_ns: False)
    until(lambda: not engine.surroundings.slots.in_use and not found.is_busy)
    engine._loaded._let_go_if_idle(found)
    return asker


def test_neither_timer_nor_promise_wakes_a_worker_that_crashed_while_it_met_its_sleep_again(engine, sleeping_down):
    engine.wake(sleeping_down)
    engine._loaded.on(sleeping_down, Worker.promise_completed)

    assert engine.left_down == {engine._loaded[sleeping_down].number}


def test_a_worker_that_was_down_and_reverted_to_its_sleep_is_woken(engine, sleeping_down):
    engine.revert_worker(sleeping_down, last_index=engine.worker(sleeping_down).last_index - 1)
    before = engine.worker(sleeping_down).last_index

    engine.wake(sleeping_down)

    until(lambda: engine.worker(sleeping_down).last_index > before)


def test_a_reverted_worker_lies_where_it_was_cut_whatever_timers_are_left(engine, counter):
    engine.invoke(counter, "spin", []).result(10)
    until(lambda: engine.worker(counter).status is WorkerStatus.RUNNING)
    engine.revert_worker(counter, last_index=3)
    assert engine.worker(counter).status is WorkerStatus.RUNNING

    engine.wake(counter)

    assert not engine.is_busy


def test_an_idle_worker_is_left_without_an_instance(engine, counter, call):
    assert call("inc", 5) == 5
    engine.crash_worker(counter, recover=False)
    assert (engine.worker(counter).entries_replayed, engine.worker(counter).status) == (None, WorkerStatus.IDLE)
    assert call("inc", 1) == 6


@pytest.fixture
def down(engine, counter, monkeypatch):
    """A worker that was left down, whose thread waits for a slot, and so has not come to rest."""
    result = engine.invoke_and_await(counter, "spin", [])
    until(lambda: engine.worker(counter).status is WorkerStatus.RUNNING and engine.is_busy)
    found, slots, is_free = engine._loaded[counter], engine.surroundings.slots, threading.Event()
    take = slots._take

    def take_late(is_stopped):
        until(lambda: is_free.is_set() or is_stopped())
        take(is_stopped)

    monkeypatch.setattr(slots, "_take", take_late)
    engine.crash_worker(counter, recover=False)
    assert found.is_busy
    yield counter, result, is_free
    is_free.set()


@pytest.mark.parametrize("want", ["resume_worker", "crash_worker"])
def test_a_worker_comes_back_that_was_left_down_just_now(engine, down, want):
    worker, _, is_free = down

    getattr(engine, want)(worker)
    is_free.set()

    until(lambda: engine.is_busy and engine.worker(worker).entries_replayed == 1)


def test_a_worker_is_interrupted_that_was_left_down_just_now(engine, down):
    worker, result, _ = down

    engine.interrupt_worker(worker)

    assert engine.worker(worker).status is WorkerStatus.INTERRUPTED
    with pytest.raises(InvocationInterrupted):
        result.result(10)


def test_a_worker_is_interrupted_that_lies_where_it_crashed(engine, counter):
    result = engine.invoke_and_await(counter, "spin", [])
    until(lambda: engine.worker(counter).status is WorkerStatus.RUNNING and engine.is_busy)
    engine.crash_worker(counter, recover=False)
    until(lambda: not engine.is_busy)

    engine.interrupt_worker(counter)

    with pytest.raises(InvocationInterrupted):
        result.result(10)
    engine.resume_worker(counter)
    until(lambda: engine.is_busy and engine.worker(counter).status is WorkerStatus.RUNNING)


@pytest.fixture(params=["at rest", "behind a slot"])
def queue_down(narrow, request):
    """A worker that was left down before it came to the one invocation in its queue."""
    engine, component = narrow
    spinning, worker = WorkerId(component, "spinning"), WorkerId(component, "w")
    engine.invoke(spinning, "spin", []).result(10)
    until(lambda: engine.surroundings.slots.in_use == 1)
    result = engine.invoke_and_await(worker, "inc", [1], "k")
    engine.crash_worker(worker, recover=False)
    if request.param == "at rest":
        engine.interrupt_worker(spinning)
        until(lambda: not engine._loaded[worker].is_busy)
    found = engine.worker(worker)
    assert (found.status, found.pending_invocation_count) == (WorkerStatus.IDLE, 1)
    return worker, result


def test_a_worker_that_is_down_with_a_queue_is_interrupted_and_keeps_it(narrow, queue_down):
    engine, (worker, result) = narrow[0], queue_down

    engine.interrupt_worker(worker)

    assert isinstance(result.exception(10), InvocationInterrupted)
    found = engine.worker(worker)
    assert (found.status, found.pending_invocation_count) == (WorkerStatus.INTERRUPTED, 1)
    engine.interrupt_worker(WorkerId(worker.component_id, "spinning"))
    engine.resume_worker(worker)
    assert engine.invoke_and_await(worker, "inc", [1], "k").result(10).value == 1


def test_a_worker_whose_last_invocation_is_just_over_loses_its_instance_too(engine, counter, call, monkeypatch):
    assert call("inc", 5) == 5
    until(lambda: not engine.is_busy)
    slots, turns = engine.surroundings.slots, itertools.count()
    take = slots._take

    def take_late(is_stopped):
        if next(turns) == 1:  # the invocation is over, and the thread about to rest
            until(is_stopped)
        take(is_stopped)

    monkeypatch.setattr(slots, "_take", take_late)
    assert call("inc", 1) == 6

    engine.crash_worker(counter, recover=False)

    until(lambda: not engine.is_busy)
    assert engine.worker(counter).entries_replayed is None
