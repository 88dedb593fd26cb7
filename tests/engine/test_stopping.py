"""What ends a worker ends it: with every run slot taken, in any order, and under other threads."""

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from golem_nb.authoring.wat import component_from_text
from golem_nb.demo import RUN, SOURCE
from golem_nb.engine.engine import Engine
from golem_nb.engine.loaded import LoadedWorkers
from golem_nb.engine.settings import Settings
from golem_nb.errors import InvocationInterrupted, WorkerNotFound
from golem_nb.model import LOCAL_ENVIRONMENT, WorkerId, WorkerStatus
from golem_nb.wasm.text import wasm_from_text
from tests.engine.conftest import COUNTER, until
from tests.host.raw_server import RawServer, connections_to


@pytest.fixture
def fast_switches():
    """Threads change places after almost every step."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.fixture
def queued(narrow):
    """A worker whose invocation waits for the slot that another, spinning one has."""
    engine, component = narrow
    waiting, spinning = WorkerId(component, "waiting"), WorkerId(component, "spinning")
    engine.invoke_and_await(waiting, "get", []).result(10)
    until(lambda: engine.surroundings.slots.in_use == 0)
    engine.invoke(spinning, "spin", []).result(10)
    until(lambda: engine.surroundings.slots.in_use == 1)
    result = engine.invoke_and_await(waiting, "inc", [1], "k")
    return waiting, result


def within(seconds, call, *arguments):
    """Call something in a thread that must be done in time."""
    thread = threading.Thread(target=call, args=arguments, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), f"{call} hangs"


def test_one_that_waits_for_a_slot_is_interrupted_and_keeps_its_queue(narrow, queued):
    engine, (waiting, result) = narrow[0], queued

    within(5, engine.interrupt_worker, waiting)

    assert isinstance(result.exception(5), InvocationInterrupted)
    worker = engine.worker(waiting)
    assert (worker.status, worker.pending_invocation_count) == (WorkerStatus.INTERRUPTED, 1)


def test_one_that_waits_for_a_slot_is_deleted(narrow, queued):
    engine, (waiting, result) = narrow[0], queued

    within(5, engine.delete_worker, waiting)

    assert isinstance(result.exception(5), WorkerNotFound)
    with pytest.raises(WorkerNotFound):
        engine.worker(waiting)


def test_an_engine_closes_with_all_slots_taken(narrow, queued):
    within(5, narrow[0].close)


def test_a_lesser_stop_does_not_replace_a_greater_one(engine, counter):
    engine.invoke(counter, "spin", []).result(10)
    until(lambda: engine.worker(counter).status is WorkerStatus.RUNNING)
    stop, told = threading.Event(), []

    def recover_all_the_time():
        while not stop.is_set():
            try:
                engine.interrupt_worker(counter, recover_immediately=True)
            except WorkerNotFound as error:
                told.append(error)

    hammer = threading.Thread(target=recover_all_the_time, daemon=True)
    hammer.start()

    within(5, engine.delete_worker, counter)

    until(lambda: told)
    stop.set()
    hammer.join()


def test_workers_that_make_room_for_each_other_do_not_wait_for_each_other(fast_switches):
    engine = Engine.open("memory:", Settings(max_loaded=1, slots=4))
    component = engine.create_component(LOCAL_ENVIRONMENT, "counter", wasm_from_text(COUNTER)).id

    def count(name):
        for _ in range(40):
            last = engine.invoke_and_await(WorkerId(component, name), "inc", [1]).result(20)
        return last.value

    with ThreadPoolExecutor(6) as callers:
        assert list(callers.map(count, "abcdef")) == [40] * 6
    within(5, engine.close)


def test_a_key_that_many_callers_use_at_once_runs_once(engine, counter, fast_switches):
    with ThreadPoolExecutor(6) as callers:
        for number in range(150):
            calls = callers.map(lambda _, key=f"k{number}": engine.invoke_and_await(counter, "inc", [1], key), range(6))
            assert {call.result(10).value for call in calls} == {number + 1}


def test_that_a_worker_was_interrupted_is_stored_when_it_is_answered(engine, counter):
    engine.invoke(counter, "spin", []).result(5)
    until(lambda: engine.worker(counter).status is WorkerStatus.RUNNING)
    gate = threading.Event()
    engine._database.write(lambda connection: gate.wait(10))

    with ThreadPoolExecutor(1) as pool:
        interrupting = pool.submit(engine.interrupt_worker, counter)
        until(lambda: engine.worker(counter).status is WorkerStatus.INTERRUPTED)
        with pytest.raises(TimeoutError):
            interrupting.result(0.1)
        gate.set()
        interrupting.result(5)


def test_that_a_worker_was_resumed_outlives_the_engine(tmp_path):
    engine = Engine.open(tmp_path)
    worker = WorkerId(engine.create_component(LOCAL_ENVIRONMENT, "c", wasm_from_text(COUNTER)).id, "w")
    engine.invoke(worker, "spin", []).result(10)
    until(lambda: engine.worker(worker).status is WorkerStatus.RUNNING)
    engine.interrupt_worker(worker)

    engine.resume_worker(worker)
    until(lambda: engine.worker(worker).status is WorkerStatus.RUNNING)
    engine.close()

    engine = Engine.open(tmp_path)
    try:
        until(lambda: engine.surroundings.slots.in_use == 1)
        assert engine.worker(worker).status is WorkerStatus.RUNNING
    finally:
        engine.close()


def test_an_interrupted_worker_that_takes_a_new_invocation_goes_on_after_a_restart(tmp_path):
    engine = Engine.open(tmp_path)
    worker = WorkerId(engine.create_component(LOCAL_ENVIRONMENT, "c", wasm_from_text(COUNTER)).id, "w")
    engine.invoke(worker, "spin", []).result(10)
    until(lambda: engine.worker(worker).status is WorkerStatus.RUNNING)
    engine.interrupt_worker(worker)

    engine.invoke(worker, "inc", [1]).result(10)
    engine.close()

    engine = Engine.open(tmp_path)
    try:
        until(lambda: engine.surroundings.slots.in_use == 1)
    finally:
        engine.close()


def test_want_of_memory_for_an_instance_is_no_failure_of_the_invocation(engine, counter, call, monkeypatch):
    assert call("inc", 5) == 5
    engine.crash_worker(counter)
    until(lambda: not engine.is_busy)
    attempts = []

    def no_room(*arguments, **options):
        attempts.append(1)
        raise MemoryError("no room")

    with monkeypatch.context() as patched:
        patched.setattr("golem_nb.engine.execution.new_instance", no_room)
        engine.crash_worker(counter)
        result = engine.invoke_and_await(counter, "inc", [1])
        until(lambda: len(attempts) >= 4)

    assert result.result(10).value == 6


def test_a_caller_that_leaves_takes_no_other_along(engine, counter, call):
    for _ in range(20):
        engine.invoke(counter, "inc", [1]).cancel()

    until(lambda: call("get") == 20)


def test_a_page_of_workers_passes_over_one_that_is_deleted_meanwhile(engine, counter, monkeypatch):
    for name in ("a", "b"):
        engine.launch_worker(counter.component_id, name)
    page = engine._workers.page

    def and_then_one_goes(*arguments):
        rows = page(*arguments)
        engine.delete_worker(WorkerId(counter.component_id, "a"))
        return rows

    monkeypatch.setattr(engine._workers, "page", and_then_one_goes)

    assert [worker.worker_id.name for worker in engine.workers(counter.component_id).workers] == ["b"]


def test_a_damaged_worker_does_not_keep_the_engine_from_opening(tmp_path, monkeypatch, caplog):
    engine = Engine.open(tmp_path)
    component = engine.create_component(LOCAL_ENVIRONMENT, "c", wasm_from_text(COUNTER)).id
    for name in ("bad", "good"):
        engine.invoke(WorkerId(component, name), "spin", []).result(10)
    engine.close()
    load = LoadedWorkers.load

    def damaged(self, id):
        if id.name == "bad":
            raise ValueError("damaged chunk")
        return load(self, id)

    monkeypatch.setattr(LoadedWorkers, "load", damaged)

    engine = Engine.open(tmp_path)
    try:
        until(lambda: engine.surroundings.slots.in_use == 1)
        assert "bad cannot be loaded" in caplog.text
    finally:
        engine.close()


def test_the_timer_of_a_deleted_worker_is_gone(engine, asker, call):
    engine.invoke(asker, "sleep", [60_000]).result(10)
    until(lambda: engine.worker(asker).status is WorkerStatus.SUSPENDED)
    for _ in range(3):
        engine.resume_worker(asker)
        until(lambda: engine.worker(asker).status is WorkerStatus.SUSPENDED and not engine.surroundings.slots.in_use)
    assert engine.timers.next_due_ns() is not None

    engine.delete_worker(asker)

    assert engine.timers.next_due_ns() is None
    time.sleep(0.01)
    assert not engine.is_busy


@pytest.fixture
def silent():
    """A server that takes a request and never answers."""
    server = RawServer()
    yield server
    server.close()


@pytest.fixture
def asking(engine, silent):
    """A worker that waits for the head of a response."""
    component = engine.create_component(LOCAL_ENVIRONMENT, "steps", component_from_text(SOURCE.read_text()))
    worker = WorkerId(component.id, "w")
    engine.invoke(worker, RUN, [silent.authority, 1]).result(10)
    until(lambda: silent.taken)
    return worker


STOPS = {
    "interrupt": lambda engine, worker: engine.interrupt_worker(worker),
    "delete": lambda engine, worker: engine.delete_worker(worker),
    "close": lambda engine, worker: engine.close(),
}


@pytest.mark.parametrize("stop", STOPS)
def test_who_is_stopped_leaves_no_request_under_way(engine, asking, silent, stop):
    STOPS[stop](engine, asking)

    until(lambda: not connections_to(silent.port))


def test_a_crash_ends_the_request_and_the_recovery_makes_another(engine, asking, silent):
    engine.interrupt_worker(asking, recover_immediately=True)

    until(lambda: len(silent.taken) == 2)
    until(lambda: connections_to(silent.port) == 1)
