"""What may be asked of a worker in each status, and what becomes of it. Source: SEMANTICS 1.5, 3.14, 6.6."""

import threading

import pytest

from golem_nb.engine import execution, host_context
from golem_nb.engine.execution import CannotStart
from golem_nb.engine.stopping import Interrupt
from golem_nb.errors import (
    BadInput,
    FunctionNotFound,
    InvocationError,
    InvocationFailed,
    InvocationInterrupted,
    PreviousInvocationFailed,
    WorkerExited,
)
from golem_nb.host.random import Random
from golem_nb.model import LOCAL_ENVIRONMENT, SnapshotPolicy, UpdateMode, WorkerId, WorkerStatus
from golem_nb.oplog.entries import CancelPendingInvocation, EndAtomicRegion, Error, Revert, Suspend
from golem_nb.oplog.fold import NEVER, state_of
from golem_nb.wasm.text import wasm_from_text
from tests.engine.conftest import until
from tests.script import (
    ADD,
    AWAIT,
    BEGIN,
    COMPLETE,
    DRAW,
    END,
    EXIT,
    LEVEL,
    NOTHING,
    POLICY,
    PROMISE,
    SLEEP_MS,
    SMART,
    SPIN,
    TELL,
    TRAP,
    TRAP_UNLESS,
    Outside,
    steps,
)
from tests.test_rules import Bench, promise_of

NAP = """
(component
  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $pollable (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $pollable))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
    (alias outer 1 $pollable (type $outer)) (export "pollable" (type $inner (eq $outer)))
    (export "subscribe-duration" (func (param "when" u64) (result (own $inner))))))
  (core func $block (canon lower (func $poll "[method]pollable.block")))
  (core func $subscribe (canon lower (func $clock "subscribe-duration")))
  (core module $m
    (import "host" "block" (func $block (param i32)))
    (import "host" "subscribe" (func $subscribe (param i64) (result i32)))
    (func (export "nap") (param i64) (call $block (call $subscribe (local.get 0)))))
  (core instance $i (instantiate $m
    (with "host" (instance (export "block" (func $block)) (export "subscribe" (func $subscribe))))))
  (func (export "nap") (param "ns" u64) (canon lift (core func $i "nap"))))
"""


@pytest.fixture
def outside():
    server = Outside()
    yield server
    server.close()


@pytest.fixture
def bench(tmp_path, outside):
    made = Bench(tmp_path, outside)
    yield made
    made.engine.close()


@pytest.fixture
def soon(monkeypatch):
    """Waits of more than 50 ms are long."""
    monkeypatch.setattr(host_context, "SUSPEND_AFTER_NS", 50_000_000)


# Errors that are not the last word.


def fails_once_then_sleeps(bench):
    bench.outside.answers[1] = [500]
    running = bench.start(BEGIN, (TELL, 1), (TRAP_UNLESS, 200), END, (ADD, 1), (SLEEP_MS, 400), key="k")
    until(lambda: len(bench.entries(EndAtomicRegion)) == 1)
    return running


def test_an_invocation_that_got_over_its_error_can_be_interrupted_and_resumed(bench):
    running = fails_once_then_sleeps(bench)
    bench.engine.interrupt_worker(bench.worker)
    with pytest.raises(InvocationInterrupted):
        running.result(5)

    bench.engine.resume_worker(bench.worker)

    assert bench.total() == 1
    assert bench.outside.steps == [1, 1]


def test_invocations_queue_behind_one_that_got_over_its_error(bench):
    fails_once_then_sleeps(bench)

    assert bench.total() == 1


def test_a_worker_that_is_retried_takes_nothing_until_it_is_interrupted(bench, outside):
    outside.answers[1] = [500]
    bench.start(BEGIN, (TELL, 1), (TRAP_UNLESS, 200), END, (ADD, 1), key="k")
    until(lambda: bench.status() is WorkerStatus.RETRYING)
    with pytest.raises(PreviousInvocationFailed):
        bench.total()

    bench.engine.interrupt_worker(bench.worker)

    assert bench.status() is WorkerStatus.INTERRUPTED
    assert bench.total() == 1
    assert outside.steps == [1, 1]


def test_an_interrupt_that_meets_a_failure_ends_the_retries(bench):
    bench.run((ADD, 1))
    worker = bench.engine._loaded.load(bench.worker)
    failed = worker._failed

    def interrupted_and_failed(error):
        worker._ask(Interrupt())
        failed(error)

    worker._failed = interrupted_and_failed
    with pytest.raises(InvocationInterrupted):
        bench.run((POLICY, 9), TRAP)

    assert bench.status() is WorkerStatus.INTERRUPTED


# Waits that must not be cut off, because what is around them would be done again with them.


def test_a_long_sleep_in_an_atomic_region_does_its_effects_once(bench, outside, soon):
    bench.run(BEGIN, (TELL, 1), (SLEEP_MS, 100), END, (TELL, 2))

    assert outside.steps == [1, 2]


def test_a_long_sleep_in_a_zone_without_persistence_does_its_effects_once(bench, outside, soon):
    bench.run((LEVEL, NOTHING), (TELL, 1), (SLEEP_MS, 100), (LEVEL, SMART), (TELL, 2))

    assert outside.steps == [1, 2]


def test_a_promise_that_is_made_and_awaited_in_an_atomic_region_can_be_completed(bench, outside):
    waiting = bench.start(BEGIN, (TELL, 1), PROMISE, AWAIT, END)
    until(lambda: bool([e for e in bench.entries(object) if "create_promise" in getattr(e, "function_name", "")]))

    bench.engine.complete_promise(bench.worker, promise_of(bench), b"\x05")

    assert waiting.result(5).value == promise_of(bench) + 5
    assert outside.steps == [1]


@pytest.mark.parametrize("duration_ns", [NEVER, (1 << 64) - 1])
def test_a_worker_may_sleep_for_ever(bench, duration_ns):
    sleeper = WorkerId(bench.engine.create_component(LOCAL_ENVIRONMENT, "nap", wasm_from_text(NAP)).id, "s")
    bench.engine.invoke(sleeper, "nap", [duration_ns]).result(5)
    until(lambda: bench.engine.worker(sleeper).status is WorkerStatus.SUSPENDED)

    bench.restart()

    assert bench.engine.worker(sleeper).status is WorkerStatus.SUSPENDED
    assert state_of(entry for _, entry in bench.engine.oplog(sleeper).entries).wake_ns == NEVER
    assert [type(entry) for _, entry in bench.engine.oplog(sleeper).entries].count(Suspend) == 1


# Reverts.


@pytest.mark.parametrize("target", [{"invocations": 9}, {"last_index": 99}, {"last_index": 0}, {"invocations": 0}])
def test_a_revert_that_cannot_be_done_does_not_stop_the_worker(bench, target):
    running = bench.start((SLEEP_MS, 200), (ADD, 3))

    with pytest.raises(BadInput):
        bench.engine.revert_worker(bench.worker, **target)

    assert running.result(5).value == 3


# Promises of forks.


@pytest.fixture
def fork(bench):
    """Fork the worker as it waits for its promise."""
    bench.start((ADD, 1), PROMISE, AWAIT, (TELL, 1), key="k")
    until(lambda: bench.status() is WorkerStatus.SUSPENDED)
    made = WorkerId(bench.component.id, "fork")
    bench.engine.fork_worker(bench.worker, made, bench.engine.worker(bench.worker).last_index)
    return made


def test_a_fork_waits_for_a_promise_of_its_own(bench, fork, outside):
    promise = promise_of(bench)
    assert bench.engine.complete_promise(fork, promise, b"\x07")
    assert bench.engine.invoke_and_await(fork, "total", []).result(5).value == 1 + promise + 7
    assert bench.status() is WorkerStatus.SUSPENDED
    assert outside.steps == [1]

    assert bench.engine.complete_promise(bench.worker, promise, b"\x09")

    assert bench.total() == 1 + promise + 9


def test_a_fork_has_the_promises_that_were_complete_before_it(bench):
    before = bench.run(PROMISE, (COMPLETE, 7), AWAIT, DRAW)
    fork = WorkerId(bench.component.id, "fork")
    bench.engine.fork_worker(bench.worker, fork, bench.engine.worker(bench.worker).last_index)

    assert bench.engine.invoke_and_await(fork, "total", []).result(5).value == before
    with_promise = bench.engine.invoke_and_await(fork, "run", [bench.outside.authority, steps((COMPLETE, 8), AWAIT)])
    assert with_promise.result(5).value == before + 0 + 7


def test_a_revert_into_the_attempts_of_an_invocation_takes_them_up_again(bench):
    with pytest.raises(InvocationFailed):
        bench.run((POLICY, 3), TRAP)
    first_error = next(i for i, entry in bench.engine.oplog(bench.worker).entries if isinstance(entry, Error))

    bench.engine.revert_worker(bench.worker, last_index=first_error)

    until(lambda: bench.status() is WorkerStatus.FAILED)
    assert len(bench.entries(Error)) == 3 + 2


# Updates.

ONE = """
(component
  (core module $m
    (func (export "one") (result i32) i32.const 1)
    (func (export "two") (result i32) i32.const 2)
    (func (export "spin") (loop $again (br $again))))
  (core instance $i (instantiate $m))
  (func (export "spin") (canon lift (core func $i "spin")))
  (func (export "one") (result u32) (canon lift (core func $i "one"))))
"""
TWO = ONE.replace(
    '(func (export "one") (result u32) (canon lift (core func $i "one"',
    '(func (export "two") (result u32) (canon lift (core func $i "two"',
)


def test_a_function_of_the_next_version_can_be_invoked_before_the_update_is_made(bench):
    worker = WorkerId(bench.engine.create_component(LOCAL_ENVIRONMENT, "n", wasm_from_text(ONE)).id, "w")
    bench.engine.invoke(worker, "spin", [], "s").result(5)
    bench.engine.update_component(worker.component_id, wasm_from_text(TWO))
    bench.engine.interrupt_worker(worker)
    bench.engine.update_worker(worker, 1, UpdateMode.MANUAL)  # it waits behind the endless loop

    assert bench.engine.invoke(worker, "two", []).result(5) is None
    assert bench.engine.invoke(worker, "one", []).result(5) is None  # the update may fail
    with pytest.raises(FunctionNotFound):
        bench.engine.invoke(worker, "three", [])


def test_a_revert_comes_after_what_it_takes_out_of_the_queue(bench):
    """A kill between the two must not run a reverted invocation once more: a cancellation alone means nothing."""
    first = bench.start((SLEEP_MS, 100), (ADD, 1))
    second = bench.start((ADD, 2))
    assert (first.result(5).value, second.result(5).value) == (1, 3)

    bench.engine.revert_worker(bench.worker, invocations=1)

    worker = bench.engine._loaded.load(bench.worker)
    entries = [entry for _, entry in worker.journal.stored_entries()]
    assert [type(entry) for entry in entries[-2:]] == [CancelPendingInvocation, Revert]
    assert bench.total() == 1


def test_a_sleep_that_a_revert_leaves_open_ends_in_its_time(bench, soon):
    bench.start((ADD, 1), (SLEEP_MS, 300), key="k")
    until(lambda: bench.status() is WorkerStatus.SUSPENDED)
    asleep = bench.engine.worker(bench.worker).last_index
    bench.engine.invoke(bench.worker, "total", [], "next").result(5)

    bench.engine.revert_worker(bench.worker, last_index=asleep)

    assert bench.status() is WorkerStatus.SUSPENDED
    until(lambda: bench.status() is WorkerStatus.IDLE)


def test_a_snapshot_that_leaves_something_out_costs_time_and_nothing_else(bench, outside):
    """The answer of the last request is not in it, and the next invocation asks for it."""
    outside.answers[1] = [202]
    bench.engine.set_snapshot_policy(bench.component.id, SnapshotPolicy(1))
    bench.run((TELL, 1))
    bench.engine.set_snapshot_policy(bench.component.id, None)
    assert bench.run((TRAP_UNLESS, 202), (ADD, 5)) == 5

    bench.crash()

    assert bench.total() == 5
    assert outside.steps == [1]
    assert bench.entries(Error) == []


@pytest.mark.parametrize(("program", "error"), [((EXIT, 0), WorkerExited), ((POLICY, 1), PreviousInvocationFailed)])
def test_there_is_nothing_to_watch_where_nothing_can_come(bench, program, error):
    with pytest.raises(InvocationError):
        bench.run(program, TRAP)

    with pytest.raises(error):
        bench.engine.events(bench.worker)


def test_an_interrupted_worker_is_not_watched(bench):
    watched = bench.start(SPIN)
    until(lambda: bench.status() is WorkerStatus.RUNNING)
    stream = bench.engine.events(bench.worker)
    bench.engine.interrupt_worker(bench.worker)

    assert watched.exception(5) is not None
    list(stream)  # it has ended
    with pytest.raises(InvocationInterrupted):
        bench.engine.events(bench.worker)


def test_what_waits_for_another_worker_can_be_interrupted(bench, monkeypatch):
    """As when two workers revert each other: each waits until the other has stopped."""
    for_ever = threading.Event()
    monkeypatch.setattr(Random.get_random_u64, "body", lambda self: self.worker.run_apart(for_ever.wait) and 0)
    waiting = bench.start(DRAW)
    until(lambda: bench.status() is WorkerStatus.RUNNING)

    bench.engine.interrupt_worker(bench.worker)

    assert isinstance(waiting.exception(1), InvocationInterrupted)
    for_ever.set()


def test_what_runs_apart_gives_its_result_or_its_failure(bench, monkeypatch):
    monkeypatch.setattr(Random.get_random_u64, "body", lambda self: self.worker.run_apart(lambda: 7))
    assert bench.run(DRAW) == 7

    def refuse():
        raise BadInput("not like this")

    monkeypatch.setattr(Random.get_random_u64, "body", lambda self: self.worker.run_apart(refuse))
    with pytest.raises(InvocationFailed, match="not like this"):
        bench.run((POLICY, 1), DRAW)


def test_a_timer_that_is_left_over_wakes_nobody_before_the_time(bench, soon):
    bench.start((SLEEP_MS, 60_000), key="k")
    until(lambda: bench.status() is WorkerStatus.SUSPENDED)
    entries = bench.engine.worker(bench.worker).last_index

    bench.engine.wake(bench.worker)  # as by an object of the worker that was let go of

    until(lambda: not bench.engine._loaded.load(bench.worker).is_busy)
    assert bench.engine.worker(bench.worker).last_index == entries
    assert bench.engine._loaded.load(bench.worker).has_instance is False
    assert bench.status() is WorkerStatus.SUSPENDED


def test_a_timer_that_is_left_over_starts_no_attempt_before_the_time(bench, monkeypatch):
    monkeypatch.setattr("golem_nb.oplog.fold.RetryPolicy.delay_ns", lambda self, attempts, draw: 60 * 10**9)
    bench.start(TRAP, key="k")
    until(lambda: bench.status() is WorkerStatus.RETRYING)
    entries = bench.engine.worker(bench.worker).last_index

    bench.engine.wake(bench.worker)

    until(lambda: not bench.engine._loaded.load(bench.worker).is_busy)
    assert (bench.engine.worker(bench.worker).last_index, bench.status()) == (entries, WorkerStatus.RETRYING)


def test_a_wake_up_that_finds_no_room_is_made_good_later(bench, monkeypatch):
    begin, failures = execution.begin, iter([CannotStart("no room")])

    def begin_or_fail(*arguments, **options):
        for failure in failures:
            raise failure
        return begin(*arguments, **options)

    waiting = bench.start(PROMISE, AWAIT)
    until(lambda: bench.status() is WorkerStatus.SUSPENDED)
    monkeypatch.setattr(execution, "begin", begin_or_fail)
    bench.engine.complete_promise(bench.worker, 4, b"\x07")

    assert waiting.result(20).value == 4 + 7
