import time
from concurrent.futures import Future, wait
from pathlib import Path
from threading import Event, Timer

import pytest

from golem_nb.engine.updates import Updates
from golem_nb.errors import (
    BadInput,
    InvocationFailed,
    InvocationInterrupted,
    NotResumable,
    PreviousInvocationFailed,
    StoreFailed,
)
from golem_nb.model import LOCAL_ENVIRONMENT, EventType, WorkerId, WorkerStatus
from golem_nb.oplog.entries import Error, ErrorKind
from golem_nb.wasm.text import wasm_from_text
from tests.engine.conftest import until


def test_the_oplog_of_one_invocation_is_golems(call, kinds):
    call("inc", 1)

    assert kinds() == [
        "Create",
        "PendingWorkerInvocation",
        "ExportedFunctionInvoked",
        "ExportedFunctionCompleted",
    ]


def test_the_same_key_gives_the_same_result_once(call, kinds):
    assert call("inc", 5, key="k") == call("inc", 7, key="k") == 5
    assert call("get") == 5
    assert kinds().count("ExportedFunctionInvoked") == 2


def test_callers_of_one_key_share_its_invocation(engine, counter, call):
    calls = [engine.invoke_and_await(counter, "inc", [1], "k") for _ in range(20)]

    assert {c.result(5).value for c in calls} == {1}
    assert call("get") == 1


def test_invocations_run_in_the_order_of_their_acceptance(engine, counter):
    calls = [engine.invoke_and_await(counter, "inc", [1]) for _ in range(200)]
    wait(calls)

    assert [c.result().value for c in calls] == list(range(1, 201))


def test_a_crash_loses_the_instance_and_nothing_else(engine, counter, call, kinds):
    call("inc", 5)
    before = kinds()

    engine.crash_worker(counter)
    until(lambda: engine.worker(counter).entries_replayed == 2)

    assert kinds() == before
    assert call("inc", 1) == 6


@pytest.mark.parametrize(("recover", "replayed"), [(True, (None, 2)), (False, (None,))])
def test_a_crash_right_behind_an_answer_is_over_when_it_returns(engine, counter, call, monkeypatch, recover, replayed):
    """The thread of one that has answered still ends; this one does not, until the crash has long been asked for."""
    is_asked = Event()
    monkeypatch.setattr(Updates, "snapshot_if_due", lambda *arguments: is_asked.wait(5))
    call("inc", 5)
    assert engine.worker(counter).status is WorkerStatus.IDLE
    Timer(0.2, is_asked.set).start()

    engine.crash_worker(counter, recover=recover)

    assert engine.worker(counter).entries_replayed in replayed
    assert call("inc", 1) == 6


def test_a_busy_loop_is_interrupted_and_resumed(engine, counter, kinds):
    spinning = engine.invoke_and_await(counter, "spin", [], "k")
    until(lambda: engine.worker(counter).status is WorkerStatus.RUNNING)
    with pytest.raises(NotResumable):
        engine.resume_worker(counter)

    engine.interrupt_worker(counter)

    assert isinstance(spinning.exception(1), InvocationInterrupted)
    assert engine.worker(counter).status is WorkerStatus.INTERRUPTED
    assert kinds()[-1] == "Interrupted"
    engine.resume_worker(counter)
    time.sleep(0.1)
    engine.interrupt_worker(counter)
    assert kinds()[-3:] == ["Interrupted", "Restart", "Interrupted"]


def test_recovery_on_demand_keeps_the_callers_waiting(engine, counter, kinds):
    spinning = engine.invoke_and_await(counter, "spin", [])
    until(lambda: engine.worker(counter).status is WorkerStatus.RUNNING)

    engine.interrupt_worker(counter, recover_immediately=True)
    time.sleep(0.1)

    assert not spinning.done()
    assert kinds()[-1] == "ExportedFunctionInvoked"
    engine.interrupt_worker(counter)


def test_interrupting_an_idle_worker_does_nothing(engine, counter, call, kinds):
    call("inc", 1)
    before = kinds()

    engine.interrupt_worker(counter)

    assert (kinds(), engine.worker(counter).status, call("inc", 1)) == (before, WorkerStatus.IDLE, 2)


def test_a_trap_is_retried_and_then_fails_the_worker(engine, counter, call, kinds):
    call("inc", 5)

    with pytest.raises(InvocationFailed, match="unreachable"):
        call("fail-above", 3, key="k")

    assert kinds()[-4:] == ["ExportedFunctionInvoked", "Error", "Error", "Error"]
    assert engine.worker(counter).status is WorkerStatus.FAILED
    assert "unreachable" in engine.worker(counter).last_error
    with pytest.raises(InvocationFailed):
        call("fail-above", 3, key="k")
    with pytest.raises(PreviousInvocationFailed):
        call("get")
    with pytest.raises(PreviousInvocationFailed):
        engine.resume_worker(counter)


def test_what_waits_behind_an_interrupted_call_is_told_and_stays_queued(engine, counter, call):
    call("inc", 5)
    spinning = engine.invoke_and_await(counter, "spin", [])  # so that the next two are queued behind it
    failing = engine.invoke_and_await(counter, "recurse", [0])
    behind = engine.invoke_and_await(counter, "get", [])
    until(lambda: engine.worker(counter).status is WorkerStatus.RUNNING)
    engine.interrupt_worker(counter)
    assert isinstance(spinning.exception(5), InvocationInterrupted)
    assert {type(failing.exception(5)), type(behind.exception(5))} == {InvocationInterrupted}
    assert engine.worker(counter).pending_invocation_count == 2


def test_a_stack_overflow_is_not_retried(engine, counter, call):
    with pytest.raises(InvocationFailed, match="Stack overflow"):
        call("recurse", 0)

    errors = [e for _, e in engine.oplog(counter).entries if isinstance(e, Error)]
    assert [e.kind for e in errors] == [ErrorKind.STACK_OVERFLOW]


def test_many_workers_run_at_once(engine, counter):
    workers = [WorkerId(counter.component_id, f"w{n}") for n in range(50)]

    calls = [engine.invoke_and_await(w, "inc", [n]) for n in range(1, 11) for w in workers]

    wait(calls)
    assert {c.result().value for c in calls[-50:]} == {55}


def test_events_tell_of_each_invocation(engine, counter, call):
    call("get")
    with_history = engine.events(counter)
    call("inc", 1, key="k")
    with_history.close()

    events = list(with_history)

    assert [(e.type, e.message) for e in events] == [
        (EventType.INVOCATION_START, "get"),
        (EventType.INVOCATION_FINISHED, "get"),
        (EventType.INVOCATION_START, "inc"),
        (EventType.INVOCATION_FINISHED, "inc"),
    ]
    assert events[-1].context == {"function": "inc", "idempotencyKey": "k"}


def test_a_spinning_worker_does_not_stop_the_others(engine, counter, call):
    spinning = [WorkerId(counter.component_id, f"s{n}") for n in range(2)]
    for worker in spinning:
        engine.invoke(worker, "spin", []).result(5)

    assert call("inc", 1) == 1

    for worker in spinning:
        engine.interrupt_worker(worker)


def test_deleting_a_running_worker_stops_it(engine, counter):
    spinning = engine.invoke_and_await(counter, "spin", [])
    until(lambda: engine.worker(counter).status is WorkerStatus.RUNNING)

    engine.delete_worker(counter)

    assert spinning.exception(1) is not None


def test_a_full_disk_loses_no_answer_and_the_worker_goes_on_from_what_is_stored(engine, counter, call, monkeypatch):
    call("inc", 5)
    whole = engine._oplogs.append
    full = Future()
    full.set_exception(OSError("disk full"))
    monkeypatch.setattr(engine._oplogs, "append", lambda *_, **__: full)
    with pytest.raises(StoreFailed):
        call("inc", 2, key="k")

    monkeypatch.setattr(engine._oplogs, "append", whole)

    until(lambda: engine.worker(counter).last_index == 4)
    assert call("inc", 2, key="k") == 7


def test_an_idle_worker_that_could_not_be_stored_is_loaded_anew(engine, counter, call, monkeypatch):
    call("inc", 5)
    worker = engine._loaded[counter]
    until(lambda: not worker.is_busy)
    worker.journal._failure = OSError("disk full")

    assert call("inc", 2) == 7
    assert engine._loaded[counter] is not worker


@pytest.fixture
def holder(engine):
    """A worker that gives out handles of its own resource."""
    text = (Path(__file__).parent.parent / "components" / "resource.wat").read_text()
    return WorkerId(engine.create_component(LOCAL_ENVIRONMENT, "resource", wasm_from_text(text)).id, "h1")


@pytest.mark.parametrize("function", ["eat", "[drop]r"])
def test_a_handle_that_was_given_away_is_refused_and_fails_nothing(engine, holder, call, function):
    handle = str(call("t:t/api.{make}", worker=holder))
    call("t:t/api.{eat}", handle, worker=holder)

    with pytest.raises(BadInput, match="no handle 0"):
        call(f"t:t/api.{{{function}}}", handle, worker=holder)
    assert engine.worker(holder).status is WorkerStatus.IDLE


def test_handles_inside_values_are_checked(engine, holder, call):
    handle = str(call("t:t/api.{make}", worker=holder))

    with pytest.raises(BadInput, match="no handle 99"):
        call("t:t/api.{peek}", [handle, handle.removesuffix("/0") + "/99"], worker=holder)
    with pytest.raises(BadInput, match="a second time"):
        call("t:t/api.{peek}", [handle, handle], worker=holder)
    assert call("t:t/api.{peek}", [handle], worker=holder) == 1
    assert engine.worker(holder).status is WorkerStatus.IDLE
