import pytest

from golem_nb.engine.engine import Engine
from golem_nb.engine.running_time import RunningTime
from golem_nb.engine.settings import Settings
from golem_nb.errors import InvocationFailed, PreviousInvocationFailed
from golem_nb.model import LOCAL_ENVIRONMENT, WorkerId, WorkerStatus
from golem_nb.wasm.instance import TrapKind
from golem_nb.wasm.text import wasm_from_text

# `add` counts; `spin` turns a loop so often; `nap` waits so many nanoseconds.
BUSY = """
(component
  (import "wasi:io/poll@0.2.3" (instance $poll
    (export "pollable" (type $pollable (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $pollable))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.3" (instance $clock
    (alias outer 1 $pollable (type $p))
    (export "pollable" (type $q (eq $p)))
    (export "subscribe-duration" (func (param "when" u64) (result (own $q))))))
  (core func $block (canon lower (func $poll "[method]pollable.block")))
  (core func $subscribe (canon lower (func $clock "subscribe-duration")))
  (core module $m
    (import "h" "block" (func $block (param i32)))
    (import "h" "subscribe" (func $subscribe (param i64) (result i32)))
    (global $n (mut i32) (i32.const 0))
    (func (export "add") (result i32)
      (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n))
    (func (export "spin") (loop $again (br $again)))
    (func (export "nap") (param i64) (call $block (call $subscribe (local.get 0)))))
  (core instance $i (instantiate $m
    (with "h" (instance (export "block" (func $block)) (export "subscribe" (func $subscribe))))))
  (func (export "add") (result u32) (canon lift (core func $i "add")))
  (func (export "spin") (canon lift (core func $i "spin")))
  (func (export "nap") (param "ns" u64) (canon lift (core func $i "nap"))))
"""


def test_ticks_of_one_invocation_are_counted():
    running = RunningTime(0.05)
    assert [running.tick() for _ in range(5)] == [None] * 5

    trap = running.tick()
    assert (trap.kind, "ran for 0.05 s" in str(trap)) == (TrapKind.OUT_OF_TIME, True)
    running.begin()
    assert running.tick() is None


def test_without_a_limit_nothing_ends_it():
    running = RunningTime(None)

    assert not any(running.tick() for _ in range(10_000))


@pytest.fixture
def opened(tmp_path):
    engines = []

    def open_again(limit_s):
        while engines:
            engines.pop().close()
        engines.append(Engine.open(tmp_path, Settings(durability="process", time_limit_s=limit_s)))
        return engines[0]

    yield open_again
    for engine in engines:
        engine.close()


def test_a_loop_without_an_end_is_ended_once_and_can_be_taken_back(opened):
    engine = opened(0.1)
    worker = WorkerId(engine.create_component(LOCAL_ENVIRONMENT, "busy", wasm_from_text(BUSY)).id, "w")
    assert engine.invoke_and_await(worker, "add", []).result(10).value == 1

    with pytest.raises(InvocationFailed, match=r"ran for 0\.1 s without an end, .*--time-limit; take it back"):
        engine.invoke_and_await(worker, "spin", []).result(10)
    assert engine.worker(worker).status is WorkerStatus.FAILED
    assert engine.worker(worker).retry_count <= 1
    with pytest.raises(PreviousInvocationFailed):
        engine.invoke_and_await(worker, "add", []).result(10)

    engine.revert_worker(worker, invocations=1)
    assert engine.invoke_and_await(worker, "add", []).result(10).value == 2


def test_waiting_does_not_count(opened):
    engine = opened(0.05)
    worker = WorkerId(engine.create_component(LOCAL_ENVIRONMENT, "busy", wasm_from_text(BUSY)).id, "w")

    engine.invoke_and_await(worker, "nap", [300_000_000]).result(10)
    assert engine.invoke_and_await(worker, "add", []).result(10).value == 1
