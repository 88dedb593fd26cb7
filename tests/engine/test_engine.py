import time
from concurrent.futures import Future
from uuid import uuid4

import pytest

from golem_nb.engine.engine import Engine
from golem_nb.engine.settings import Settings
from golem_nb.errors import (
    BadInput,
    ComponentExists,
    ComponentNotFound,
    ComponentRejected,
    DataFolderInUse,
    EngineStopped,
    FunctionNotFound,
    InvalidWorkerName,
    WorkerExists,
    WorkerNotFound,
)
from golem_nb.model import LOCAL_ENVIRONMENT, WorkerId, WorkerStatus
from golem_nb.oplog.entries import NoOp
from golem_nb.oplog.fold import RetryPolicy
from golem_nb.wasm.text import wasm_from_text
from tests.engine.conftest import COUNTER, until


def test_a_worker_keeps_its_state_between_invocations(call):
    assert [call("inc", 5), call("inc", 7), call("get")] == [5, 12, 12]


def test_a_second_engine_cannot_open_the_folder(tmp_path):
    engine = Engine.open(tmp_path)

    with pytest.raises(DataFolderInUse):
        Engine.open(tmp_path)

    engine.close()
    Engine.open(tmp_path).close()


def test_state_queue_and_keys_survive_a_restart(tmp_path):
    engine = Engine.open(tmp_path)
    component = engine.create_component(LOCAL_ENVIRONMENT, "counter", wasm_from_text(COUNTER))
    worker = WorkerId(component.id, "c1")
    engine.invoke_and_await(worker, "inc", [5], "k").result(5)
    engine.close()

    engine = Engine.open(tmp_path, Settings(durability="process"))

    assert engine.invoke_and_await(worker, "inc", [5], "k").result(5).value == 5
    assert engine.invoke_and_await(worker, "get", []).result(5).value == 5
    engine.close()


def test_versions_count_from_zero_and_workers_stay_on_theirs(engine, counter, call):
    call("inc", 1)
    second = engine.update_component(counter.component_id, wasm_from_text(COUNTER.replace('"get"', '"read"')))

    assert second.version == 1
    assert engine.worker(counter).component_version == 0
    assert call("get") == 1
    assert call("read", worker=WorkerId(counter.component_id, "new")) == 0


def test_a_name_is_taken_once_in_an_environment(engine, counter):
    with pytest.raises(ComponentExists):
        engine.create_component(LOCAL_ENVIRONMENT, "counter", wasm_from_text(COUNTER))

    engine.create_component(uuid4(), "counter", wasm_from_text(COUNTER))


@pytest.mark.parametrize(
    ("wasm", "why"),
    [
        (b"", "empty"),
        (b"hello", "not WebAssembly"),
        (b"(component)", "--lang wat"),
        (b"\0asm\x01\0\0\0", "core module"),
        (b"\0asm\x0c\0\x01\0", "before the standard"),
        (b"\0asm\x0d\0\x01\0\xff", "cannot run here"),
    ],
)
def test_what_is_no_component_is_refused_with_a_reason(engine, wasm, why):
    with pytest.raises(ComponentRejected, match=why):
        engine.create_component(LOCAL_ENVIRONMENT, "x", wasm)

    assert engine.components(LOCAL_ENVIRONMENT) == []


@pytest.mark.parametrize("name", ["", " x", "a\nb", "x" * 600])
def test_a_bad_component_name_is_refused(engine, name):
    with pytest.raises(BadInput):
        engine.create_component(LOCAL_ENVIRONMENT, name, wasm_from_text("(component)"))


def test_what_does_not_exist_is_named(engine, counter):
    with pytest.raises(ComponentNotFound):
        engine.component(uuid4())
    with pytest.raises(WorkerNotFound):
        engine.worker(counter)
    with pytest.raises(FunctionNotFound, match="did you mean inc"):
        engine.invoke(counter, "ink", [1])
    with pytest.raises(InvalidWorkerName):
        engine.invoke(WorkerId(counter.component_id, "a b"), "inc", [1])
    with pytest.raises(BadInput, match="expected 1, got 0 parameters"):
        engine.invoke(counter, "inc", [])
    with pytest.raises(WorkerNotFound):
        engine.worker(counter)


def test_launching_twice_is_a_conflict(engine, counter):
    engine.launch_worker(counter.component_id, "c1", ["a"], {"K": "v"})

    with pytest.raises(WorkerExists):
        engine.launch_worker(counter.component_id, "c1")
    assert (engine.worker(counter).args, engine.worker(counter).env) == (("a",), {"K": "v"})


@pytest.mark.parametrize("given", [{"args": ["\ud800"]}, {"env": {"\ud800": "v"}}, {"config": {"K": "\ud800"}}])
def test_a_worker_is_made_with_unicode_only(engine, counter, given):
    with pytest.raises(BadInput, match="lone surrogate"):
        engine.launch_worker(counter.component_id, "c1", **given)


def test_pages_of_workers_follow_creation(engine, counter):
    names = [f"w{n}" for n in range(5)]
    for name in names:
        engine.launch_worker(counter.component_id, name)

    found, cursor = [], None
    while True:
        page = engine.workers(counter.component_id, cursor, 2)
        found += [w.worker_id.name for w in page.workers]
        cursor = page.cursor
        if cursor is None:
            break

    assert found == names
    with pytest.raises(BadInput):
        engine.workers(counter.component_id, "0/0")


def test_deleting_a_worker_makes_room_for_a_new_one(engine, counter, call):
    call("inc", 5, key="k")
    engine.delete_worker(counter)

    assert call("inc", 1, key="k") == 1


def test_deleting_a_component_takes_its_workers_along(engine, counter, call):
    call("inc", 5)
    engine.delete_component(counter.component_id)

    with pytest.raises(ComponentNotFound):
        engine.worker(counter)
    assert engine.components(LOCAL_ENVIRONMENT) == []


def test_pages_of_an_oplog_have_what_was_asked_for(engine, counter, call):
    for _ in range(40):
        call("inc", 1)

    page = engine.oplog(counter, 5, 3)

    assert ([index for index, _ in page.entries], page.last_index) == ([5, 6, 7], 121)
    assert len(engine.oplog(counter, 0, 1000).entries) == 100
    assert engine.oplog(counter, 500).entries == ()


def test_the_least_recently_used_instances_are_dropped():
    engine = Engine.open("memory:", Settings(max_loaded=2))
    component = engine.create_component(LOCAL_ENVIRONMENT, "counter", wasm_from_text(COUNTER))
    workers = [WorkerId(component.id, f"c{n}") for n in range(4)]
    for worker in workers:
        engine.invoke_and_await(worker, "inc", [1]).result(5)
    deadline = time.monotonic() + 5
    while engine.worker(workers[1]).entries_replayed is not None and time.monotonic() < deadline:
        time.sleep(0.01)

    loaded = [engine.worker(worker).entries_replayed is not None for worker in workers]

    assert loaded == [False, False, True, True]
    assert [engine.invoke_and_await(w, "inc", [1]).result(5).value for w in workers] == [2, 2, 2, 2]
    engine.close()


def test_a_closed_engine_takes_nothing(counter):
    engine = Engine.open("memory:")
    engine.close()

    with pytest.raises(EngineStopped):
        engine.worker(counter)


def test_closing_leaves_what_runs_for_the_next_start(tmp_path):
    engine = Engine.open(tmp_path)
    component = engine.create_component(LOCAL_ENVIRONMENT, "counter", wasm_from_text(COUNTER))
    worker = WorkerId(component.id, "c1")
    waiting = engine.invoke_and_await(worker, "spin", [])
    while engine.worker(worker).status is not WorkerStatus.RUNNING:
        time.sleep(0.01)
    engine.close()

    assert isinstance(waiting.exception(1), EngineStopped)
    engine = Engine.open(tmp_path)
    assert engine.worker(worker).status is WorkerStatus.RUNNING
    assert engine.is_busy
    engine.close()


def push_out(engine, worker):
    """Have a worker without an instance let go of, for another one."""
    other = engine.launch_worker(worker.component_id, "other")
    until(lambda: engine.oplog(other) and worker not in engine._loaded)


def test_sleeping_workers_are_let_go_of_and_woken_at_their_time(engine, asker, monkeypatch):
    monkeypatch.setattr("golem_nb.engine.resting.MOST_BARE", 1)
    monkeypatch.setattr("golem_nb.engine.host_context.SUSPEND_AFTER_NS", 10_000_000)
    engine.invoke(asker, "sleep", [300], "k").result(5)
    until(lambda: engine.worker(asker).status is WorkerStatus.SUSPENDED)
    push_out(engine, asker)

    until(lambda: engine.worker(asker).status is WorkerStatus.IDLE)

    assert engine.invoke_and_await(asker, "sleep", [0], "k").result(5) is None


def test_a_worker_that_is_let_go_of_while_it_is_retried_can_be_interrupted(engine, counter, monkeypatch):
    monkeypatch.setattr("golem_nb.engine.resting.MOST_BARE", 1)
    monkeypatch.setattr(RetryPolicy, "delay_ns", lambda self, attempts, draw: 60 * 10**9)
    engine.invoke_and_await(counter, "inc", [9]).result(5)
    engine.invoke(counter, "fail-above", [1], "k").result(5)
    until(lambda: engine.worker(counter).status is WorkerStatus.RETRYING)
    push_out(engine, counter)

    engine.interrupt_worker(counter)

    assert engine.worker(counter).status is WorkerStatus.INTERRUPTED


def test_a_worker_whose_deletion_could_not_be_stored_is_there(engine, counter, call, monkeypatch):
    call("inc", 1)
    failed = Future()
    failed.set_exception(OSError("the disk is full"))
    with monkeypatch.context() as broken, pytest.raises(OSError, match="full"):
        broken.setattr(engine._workers, "delete", lambda number: failed)
        engine.delete_worker(counter)

    assert call("inc", 1) == 2


def test_who_reads_an_oplog_while_its_worker_is_deleted_hears_of_no_failure(engine, counter, call):
    call("inc", 1)
    journal = engine._loaded.load(counter).journal
    journal.append(NoOp)

    engine.delete_worker(counter)

    assert journal.commit().result(5) is None


def test_an_invocation_beside_the_making_of_its_worker_finds_it(engine, counter):
    made = WorkerId(counter.component_id, "new")
    launch = engine.launch_worker

    def launch_twice(*arguments, **options):
        launch(*arguments, **options)  # another caller, just before
        return launch(*arguments, **options)

    engine.launch_worker = launch_twice

    assert engine.invoke_and_await(made, "inc", [2]).result(5).value == 2
