"""The rules of durable execution, each with real effects that a server counts. Source: SEMANTICS 3."""

import time

import pytest

from golem_nb.engine.engine import Engine
from golem_nb.errors import InvocationFailed, InvocationInterrupted
from golem_nb.model import LOCAL_ENVIRONMENT, WorkerId, WorkerStatus
from golem_nb.oplog.entries import (
    Error,
    ExportedFunctionInvoked,
    ImportedFunctionInvoked,
    Jump,
    Log,
    PendingWorkerInvocation,
    StartSpan,
)
from tests.engine.conftest import until
from tests.script import (
    ADD,
    AWAIT,
    BEGIN,
    COMPLETE,
    DRAW,
    END,
    IDEMPOTENCE,
    INDEX,
    JUMP_IF,
    KEY,
    LEVEL,
    NOTHING,
    POLICY,
    PRINT,
    PROMISE,
    SMART,
    TELL,
    TRAP,
    TRAP_UNLESS,
    Outside,
    script,
    steps,
)


@pytest.fixture
def outside():
    server = Outside()
    yield server
    server.close()


class Bench:
    """A worker of the script component, in an engine on a folder."""

    def __init__(self, folder, outside):
        self.folder, self.outside = folder, outside
        self.engine = Engine.open(folder)
        self.component = self.engine.create_component(LOCAL_ENVIRONMENT, "script", script())
        self.worker = WorkerId(self.component.id, "w")

    def start(self, *program, key=None):
        return self.engine.invoke_and_await(self.worker, "run", [self.outside.authority, steps(*program)], key)

    def run(self, *program, key=None):
        return self.start(*program, key=key).result(20).value

    def total(self):
        return self.engine.invoke_and_await(self.worker, "total", []).result(20).value

    def entries(self, kind):
        return [entry for _, entry in self.engine.oplog(self.worker).entries if isinstance(entry, kind)]

    def status(self):
        return self.engine.worker(self.worker).status

    def crash(self):
        self.engine.crash_worker(self.worker)

    def restart(self):
        self.engine.close()
        self.engine = Engine.open(self.folder)


@pytest.fixture
def bench(tmp_path, outside):
    made = Bench(tmp_path, outside)
    yield made
    made.engine.close()


# Remote writes.


def test_a_write_that_was_answered_is_not_made_again(bench, outside):
    bench.run((TELL, 1), (ADD, 1), (TELL, 2))

    bench.crash()

    assert bench.total() == 1
    assert outside.steps == [1, 2]


def test_a_write_that_is_not_answered_is_made_again_with_its_key(bench, outside):
    outside.answers[2] = [Outside.BREAK]

    bench.run((TELL, 1), (TELL, 2), (TRAP_UNLESS, 200))

    assert outside.steps == [1, 2, 2]
    assert len(outside.keys(2)) == 1
    assert len(bench.entries(Error)) == 1  # the failure was retried before the component heard of it


def test_a_failure_that_stays_is_told_to_the_component_when_the_attempts_are_used_up(bench, outside):
    outside.answers[1] = [Outside.BREAK] * 3

    bench.run((TELL, 1), (ADD, 5), (TELL, 2))

    assert outside.steps == [1, 1, 1, 2]
    assert len(bench.entries(Error)) == 2
    assert bench.total() == 5
    bench.crash()
    assert bench.total() == 5
    assert outside.steps == [1, 1, 1, 2]


def test_without_idempotence_a_write_that_was_cut_off_fails(bench, outside):
    outside.answers[1] = [Outside.BREAK] * 9

    with pytest.raises(InvocationFailed, match="Non-idempotent remote write operation was not completed"):
        bench.run((IDEMPOTENCE, 0), (TELL, 1))

    assert outside.steps == [1]


def test_without_idempotence_a_write_that_was_answered_is_replayed(bench, outside):
    before = bench.run((IDEMPOTENCE, 0), (TELL, 1), KEY, (TRAP_UNLESS, 200))

    bench.crash()

    assert bench.total() == before
    assert outside.steps == [1]


def test_keys_are_the_same_after_a_crash(bench):
    before = bench.run(KEY, KEY, DRAW)
    bench.crash()

    assert bench.total() == before


def test_requests_carry_the_trace_of_their_invocation(bench, outside):
    bench.run((TELL, 1), (TELL, 2))
    bench.run((TELL, 3))

    (invoked, later), spans = bench.entries(ExportedFunctionInvoked), bench.entries(StartSpan)
    assert outside.traces == [
        ["00", invoked.trace_id, spans[0].span_id, "00"],
        ["00", invoked.trace_id, spans[1].span_id, "00"],
        ["00", later.trace_id, spans[2].span_id, "00"],
    ]
    assert [span.parent_id for span in spans] == [invoked.span_id] * 2 + [later.span_id]
    assert [p.trace_id for p in bench.entries(PendingWorkerInvocation)] == [invoked.trace_id, later.trace_id]


# Atomic regions.


def test_an_atomic_region_is_done_again_as_a_whole(bench, outside):
    outside.answers[2] = [500, 500]

    bench.run((TELL, 1), BEGIN, (TELL, 2), (TRAP_UNLESS, 200), (TELL, 3), END, (TELL, 4))

    assert outside.steps == [1, 2, 2, 2, 3, 4]


def test_an_open_region_is_jumped_over_and_its_attempts_are_counted_at_its_beginning(bench, outside):
    outside.answers[2] = [500, 500]

    bench.run(BEGIN, (TELL, 1), (TELL, 2), (TRAP_UNLESS, 200), END)

    assert outside.steps == [1, 2] * 3
    assert [e.retry_from for e in bench.entries(Error)] == [4, 4]
    assert [(j.start, j.is_asked_for) for j in bench.entries(Jump)] == [(5, False)] * 2
    assert len({*outside.keys(1)}) == 3  # each attempt is another effect


def test_a_region_that_ended_is_replayed(bench, outside):
    bench.run(BEGIN, (TELL, 1), (ADD, 2), END, (TELL, 2))
    bench.crash()

    assert bench.total() == 2
    assert outside.steps == [1, 2]


def test_a_region_that_was_left_open_does_not_undo_an_answer(bench, outside):
    bench.run(BEGIN, (TELL, 1), (ADD, 2))
    bench.crash()

    assert bench.run((ADD, 3), key="next") == 5
    bench.crash()
    assert bench.total() == 5
    assert outside.steps == [1]


def test_nested_regions_are_undone_from_the_outer_one(bench, outside):
    outside.answers[3] = [500]

    with_outer = [BEGIN, (TELL, 1), BEGIN, (TELL, 2), (TELL, 3), (TRAP_UNLESS, 200), END]
    bench.run(*with_outer)

    assert outside.steps == [1, 2, 3] * 2


def test_output_of_a_region_that_is_done_again_is_recorded_once(bench, outside):
    outside.answers[1] = [500, 500]

    bench.run((PRINT, 1), BEGIN, (PRINT, 2), (TELL, 1), (PRINT, 3), (TRAP_UNLESS, 200), END, (PRINT, 4))

    assert [e.message for e in bench.entries(Log)] == [f"line 0{n}\n" for n in (1, 2, 3, 4)]


# Jumps.


def test_a_jump_undoes_what_came_after_its_target(bench, outside):
    outside.answers[2] = [202]

    result = bench.run((TELL, 1), INDEX, (ADD, 1), (TELL, 2), (PRINT, 7), (JUMP_IF, 202), (ADD, 10))

    assert result == 11
    assert outside.steps == [1, 2, 2]
    # What was undone on purpose is printed again.
    assert [e.message for e in bench.entries(Log)] == ["line 07\n"] * 2
    (jump,) = bench.entries(Jump)
    assert jump.is_asked_for
    bench.crash()
    assert bench.total() == 11
    assert bench.engine.worker(bench.worker).skipped_regions == ((jump.start, jump.end),)


def test_a_jump_into_what_was_undone_is_refused(bench, outside):
    outside.answers[2] = [202, 202]

    with pytest.raises(InvocationFailed, match="Attempted to jump to a deleted region in oplog to index"):
        bench.run((POLICY, 1), INDEX, (TELL, 2), (JUMP_IF, 202))


# Zones without persistence.


def test_a_zone_that_was_cut_off_is_done_again(bench, outside):
    outside.answers[3] = [500]

    bench.run((TELL, 1), (LEVEL, NOTHING), (TELL, 2), (TELL, 3), (TRAP_UNLESS, 200), (LEVEL, SMART), (TELL, 4))

    assert outside.steps == [1, 2, 3, 2, 3, 4]


def test_a_zone_that_ended_cannot_be_replayed(bench, outside):
    """Golem's test `persist_nothing`: effects 1, 2, 3, and then the invocation fails."""
    outside.answers[3] = [500]

    with pytest.raises(InvocationFailed, match="in a PersistNothing block"):
        bench.run((TELL, 1), (LEVEL, NOTHING), (TELL, 2), (LEVEL, SMART), (TELL, 3), (TRAP_UNLESS, 200))

    assert outside.steps == [1, 2, 3]


def test_a_zone_without_calls_is_replayed(bench, outside):
    bench.run((LEVEL, NOTHING), (ADD, 4), (LEVEL, SMART), (TELL, 1), (LEVEL, NOTHING), (ADD, 1))
    bench.crash()

    assert bench.total() == 5
    assert outside.steps == [1]


# Retries.


def test_the_component_may_change_its_retry_policy(bench):
    begin = time.monotonic()
    with pytest.raises(InvocationFailed):
        bench.run((POLICY, 5), TRAP)

    assert time.monotonic() - begin < 2
    assert len(bench.entries(Error)) == 5


def test_what_the_retries_print_is_shown_once(bench):
    with pytest.raises(InvocationFailed):
        bench.run((PRINT, 1), (POLICY, 3), (PRINT, 2), TRAP)

    assert [e.message for e in bench.entries(Log)] == ["line 01\n", "line 02\n"]


# Promises.


def promise_of(bench):
    """Return the index of the worker's first promise."""
    made = next(e for e in bench.entries(ImportedFunctionInvoked) if e.function_name == "golem::api::create_promise")
    return made.response.typed().value[1]["oplog-idx"]


def test_a_promise_that_is_complete_is_not_waited_for(bench):
    index = 4  # Create, Pending, Invoked, then the promise: as in Golem's test

    assert bench.run(PROMISE, (COMPLETE, 7), (COMPLETE, 9), AWAIT) == index + 1 + 0 + 7


def test_a_worker_that_waits_for_a_promise_is_suspended_and_holds_nothing(bench):
    waiting = bench.start(PROMISE, AWAIT)
    until(lambda: bench.status() is WorkerStatus.SUSPENDED)
    assert bench.engine.worker(bench.worker).entries_replayed is None

    assert bench.engine.complete_promise(bench.worker, promise_of(bench), b"\x05")

    assert waiting.result(5).value == 4 + 5
    assert not bench.engine.complete_promise(bench.worker, 4, b"\x06")


def test_a_promise_outlives_a_restart(bench):
    bench.start(PROMISE, AWAIT, key="k")
    until(lambda: bench.status() is WorkerStatus.SUSPENDED)
    bench.restart()
    assert bench.status() is WorkerStatus.SUSPENDED

    bench.engine.complete_promise(bench.worker, 4, b"\x05")

    assert bench.run(PROMISE, AWAIT, key="k") == 9


def test_a_promise_completed_just_before_the_end_wakes_its_worker_at_the_next_start(bench):
    bench.start(PROMISE, AWAIT, key="k")
    until(lambda: bench.status() is WorkerStatus.SUSPENDED)
    bench.engine._promises.complete(bench.worker, 4, b"\x05").result(5)  # and nobody is told

    bench.restart()

    until(lambda: bench.status() is WorkerStatus.IDLE)
    assert bench.total() == 9


def test_a_promise_wakes_an_interrupted_worker(bench):
    waiting = bench.start(PROMISE, AWAIT, key="k")
    until(lambda: bench.status() is WorkerStatus.SUSPENDED)
    bench.engine.interrupt_worker(bench.worker)
    assert isinstance(waiting.exception(5), InvocationInterrupted)

    bench.engine.complete_promise(bench.worker, 4, b"\x05")

    assert bench.run(key="k") == 9


def test_a_zone_without_persistence_that_fails_again_and_again_fails_its_worker(bench):
    with pytest.raises(InvocationFailed):
        bench.run((LEVEL, NOTHING), DRAW, TRAP)

    assert len(bench.entries(Error)) == 3


def test_nested_regions_that_fail_again_and_again_fail_their_worker(bench):
    with pytest.raises(InvocationFailed):
        bench.run(BEGIN, DRAW, BEGIN, DRAW, TRAP)

    assert len(bench.entries(Error)) == 3


def test_a_pause_beyond_all_times_is_kept(bench, monkeypatch):
    monkeypatch.setattr("golem_nb.oplog.fold.RetryPolicy.delay_ns", lambda self, attempts, draw: 2**64 - 1)

    bench.start(TRAP)

    until(lambda: bench.status() is WorkerStatus.RETRYING)
    bench.restart()
    assert len(bench.entries(Error)) >= 1
