"""Calls between workers, by components: each way of golem:rpc, and every point at which a crash can cut it off.

Source: SEMANTICS 5.6, 5.7.
"""

import shutil
import sqlite3
import time
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from golem_nb.authoring.wat import component_from_text
from golem_nb.engine.engine import Engine
from golem_nb.engine.settings import Settings
from golem_nb.errors import InvocationFailed, InvocationInterrupted
from golem_nb.model import LOCAL_ENVIRONMENT, WorkerId, WorkerStatus
from golem_nb.oplog.codec import chunk_from_entries, entries_from_chunk
from golem_nb.oplog.entries import (
    Create,
    Error,
    ExportedFunctionCompleted,
    ExportedFunctionInvoked,
    FinishSpan,
    ImportedFunctionInvoked,
    PendingWorkerInvocation,
    StartSpan,
)
from golem_nb.oplog.fold import state_of
from golem_nb.oplog.spans import span_of_invocation
from tests.engine.conftest import until

TEXT = (Path(__file__).parent / "components" / "caller.wat").read_text()
AWAIT, FIRE, BEGIN, FORGET, SCHEDULE, CANCELLED = range(6)
NOT_FOUND, DENIED, INTERNAL = 1200, 1100, 1300


class Bench:
    """Two workers, `a` and `b`, of the component that calls."""

    def __init__(self, folder, component=None, **options):
        self.folder, self.options = folder, options
        self.engine = Engine.open(folder, **options)
        self.component = component or self._created()
        self.a, self.b = self.worker("a"), self.worker("b")

    def _created(self):
        return self.engine.create_component(LOCAL_ENVIRONMENT, "caller", component_from_text(TEXT)).id

    def worker(self, name):
        return WorkerId(self.component, name)

    def start(self, worker, function, *params, key=None):
        return self.engine.invoke_and_await(worker, function, list(params), key)

    def run(self, worker, function, *params, key=None):
        result = self.start(worker, function, *params, key=key).result(20)
        return None if result is None else result.value

    def start_call(self, caller, target, function, n, how=AWAIT, key=None):
        return self.start(caller, "call", *words(target), function, n, how, key=key)

    def call(self, *args, **options):
        return self.start_call(*args, **options).result(20).value

    def total(self, worker):
        return self.run(worker, "total")

    def entries(self, worker, kind=object):
        found, following = [], 1
        while following:
            page = self.engine.oplog(worker, following)
            found += [entry for _, entry in page.entries if isinstance(entry, kind)]
            last, _ = page.entries[-1]
            following = last + 1 if last < page.last_index else None
        return found

    def calls(self, worker, function="add"):
        return sum(e.function_name == function for e in self.entries(worker, ExportedFunctionInvoked))

    def has(self, worker):
        return any(found.worker_id == worker for found in self.engine.workers(self.component).workers)

    def restart(self):
        self.engine.close()
        self.engine = Engine.open(self.folder, **self.options)


def words(worker):
    number = worker.component_id.int
    return number >> 64, number & (1 << 64) - 1, worker.name


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path / "data")
    yield made
    made.engine.close()


# The ways of calling.


def test_a_call_that_is_awaited_gives_the_result(bench):
    assert [bench.call(bench.a, bench.b, "add", n) for n in (5, 2)] == [5, 7]
    assert bench.total(bench.b) == 7


def test_a_call_without_a_result_gives_an_empty_record(bench):
    assert bench.start_call(bench.a, bench.b, "total", 5).result(20).value == INTERNAL  # it takes no parameter


def test_a_call_that_is_not_awaited_is_made(bench):
    assert bench.call(bench.a, bench.b, "add", 5, FIRE) == 0

    assert bench.total(bench.b) == 5


def test_a_result_can_be_asked_for_later(bench):
    assert bench.call(bench.a, bench.b, "add", 5, BEGIN) == 5


def test_a_call_whose_result_nobody_asks_for_is_made(bench):
    bench.call(bench.a, bench.b, "add", 5, FORGET)

    until(lambda: bench.has(bench.b) and bench.total(bench.b) == 5)


def test_a_scheduled_call_is_made_at_its_time(bench):
    due = int(time.time()) + 2
    bench.call(bench.a, bench.b, "add", due, SCHEDULE)

    assert bench.total(bench.b) == 0
    until(lambda: bench.total(bench.b) == 1)
    assert time.time() >= due


def test_a_scheduled_call_that_is_cancelled_is_not_made(bench):
    bench.call(bench.a, bench.b, "add", int(time.time()) + 1, CANCELLED)

    time.sleep(1.5)

    assert bench.total(bench.b) == 0


@pytest.mark.parametrize("how", [AWAIT, FIRE, BEGIN, FORGET])
def test_what_is_recorded_of_a_call_has_golems_names(bench, how):
    bench.call(bench.a, bench.b, "add", 5, how)

    names = [e.function_name for e in bench.entries(bench.a, ImportedFunctionInvoked)]
    surroundings = ["golem_environment::get_arguments", "golem_environment::get_environment"]
    last = {
        AWAIT: ["golem::rpc::wasm-rpc::invoke-and-await result"],
        FIRE: ["golem::rpc::wasm-rpc::invoke"],
        BEGIN: ["golem io::poll::poll", "golem::rpc::future-invoke-result::get"],
        FORGET: [],
    }[how]
    key = "golem::rpc::wasm-rpc::invoke-and-await idempotency key"
    assert names == [*surroundings, *surroundings, key, *last]
    assert len(bench.entries(bench.a, StartSpan)) == len(bench.entries(bench.a, FinishSpan)) == 2


# Who is called.


def test_a_worker_that_is_made_for_a_call_inherits_from_the_caller(bench):
    bench.engine.launch_worker(bench.component, "p", ["x"], {"COLOUR": "red"}, {"k": "v"})

    bench.call(bench.worker("p"), bench.b, "add", 5)

    (create,) = bench.entries(bench.b, Create)
    assert (create.args, create.env, create.config) == (("x",), {"COLOUR": "red"}, {"k": "v"})
    assert create.parent == f"{bench.component}/p"


def test_a_call_carries_the_spans_of_its_caller(bench):
    bench.call(bench.a, bench.b, "add", 5)

    (called,) = bench.entries(bench.b, ExportedFunctionInvoked)
    (calling,) = bench.entries(bench.a, ExportedFunctionInvoked)
    names = [span.attributes.get("name") for span in span_of_invocation(called, str(bench.b)).chain()]
    assert names == [
        "invoke-exported-function",
        "rpc-invocation",
        "rpc-connection",
        "invoke-exported-function",
        None,
    ]
    assert called.trace_id == calling.trace_id


def test_what_fails_there_is_told_here(bench):
    assert bench.call(bench.a, bench.b, "fail", 5) == INTERNAL
    assert bench.call(bench.a, bench.worker("c"), "fail", 5, BEGIN) == INTERNAL
    assert bench.call(bench.a, bench.b, "add", 5, FIRE) == INTERNAL


def test_a_function_that_is_not_there_is_told(bench):
    assert bench.call(bench.a, bench.b, "nothing", 5) == INTERNAL


def test_a_component_that_is_not_there_fails_the_call(bench):
    with pytest.raises(InvocationFailed, match="Could not find any component with the given id"):
        bench.call(bench.a, WorkerId(UUID(int=7), "x"), "add", 5)


def test_a_worker_may_schedule_a_call_of_itself(bench):
    bench.call(bench.a, bench.a, "add", 1, SCHEDULE)

    until(lambda: bench.total(bench.a) == 1)


@pytest.mark.parametrize("how", [AWAIT, FIRE, BEGIN])
def test_a_worker_does_not_call_itself(bench, how):
    with pytest.raises(InvocationFailed, match="RPC calls to the same agent are not supported"):
        bench.call(bench.a, bench.a, "add", 5, how)


def test_a_worker_that_would_wait_for_itself_by_way_of_another_is_told(bench):
    bench.run(bench.b, "remember", *words(bench.a))

    assert bench.call(bench.a, bench.b, "back", 5) == DENIED

    assert bench.total(bench.a) == 0
    assert bench.entries(bench.b, Error) == []


def test_workers_that_call_each_other_one_after_the_other_do_not_wait_for_themselves(bench):
    bench.run(bench.b, "remember", *words(bench.worker("c")))

    assert bench.call(bench.a, bench.b, "back", 5) == 5
    assert bench.call(bench.worker("c"), bench.a, "add", 1) == 1


def test_callers_that_wait_take_no_run_slots(tmp_path):
    bench = Bench(tmp_path / "data", settings=Settings(slots=1))
    try:
        waiting = [bench.start_call(bench.worker(f"c{n}"), bench.worker(f"t{n % 3}"), "add", 1) for n in range(20)]

        assert sorted(call.result(20).value for call in waiting) == sorted([*range(1, 8), *range(1, 8), *range(1, 7)])
    finally:
        bench.engine.close()


def test_a_caller_that_waits_can_be_interrupted_and_goes_on(bench):
    waiting = bench.start_call(bench.a, bench.b, "slow", 1000, key="k")
    until(lambda: bench.has(bench.b) and bench.engine.worker(bench.b).status is WorkerStatus.RUNNING)

    bench.engine.interrupt_worker(bench.a)

    assert bench.engine.worker(bench.b).status is WorkerStatus.RUNNING
    assert isinstance(waiting.exception(5), InvocationInterrupted)
    bench.engine.resume_worker(bench.a)
    assert bench.call(bench.a, bench.b, "slow", 1000, key="k") == 1000
    assert bench.calls(bench.b, "slow") == 1


def test_two_callers_whose_invocations_have_one_key_are_told_apart(bench):
    c = bench.worker("c")

    for _ in range(2):  # once more with the same keys
        assert bench.call(bench.a, bench.b, "add", 1, key="k") == 1
        assert bench.call(c, bench.b, "add", 1, key="k") == 2
    bench.restart()
    bench.engine.crash_worker(bench.b)
    assert [bench.call(w, bench.b, "add", 1, key="k") for w in (c, bench.a)] == [2, 1]
    assert bench.calls(bench.b) == 2


def test_a_fork_goes_on_with_the_call_of_its_source(bench):
    bench.start_call(bench.a, bench.b, "slow", 500, key="k")
    until(lambda: bench.has(bench.b) and bench.engine.worker(bench.b).status is WorkerStatus.RUNNING)
    fork = bench.worker("fork")

    bench.engine.fork_worker(bench.a, fork, bench.engine.worker(bench.a).last_index)

    assert [bench.call(w, bench.b, "slow", 500, key="k") for w in (bench.a, fork)] == [500, 500]
    assert bench.calls(bench.b, "slow") == 1


# Crashes.


def oplog_of(folder, name):
    connection = sqlite3.connect(folder / "golem.db")
    rows = connection.execute(
        "SELECT body FROM oplog_chunk JOIN worker ON worker = number WHERE name = ? ORDER BY first_index", (name,)
    ).fetchall()
    connection.close()
    return [entry for (body,) in rows for entry in entries_from_chunk(body)]


def cut(folder, name, length):
    """Leave a worker its first entries; without any, it is as if it had never been."""
    write_oplog(folder, name, oplog_of(folder, name)[:length])


def write_oplog(folder, name, kept):
    """Give a worker another history."""
    connection = sqlite3.connect(folder / "golem.db")
    with connection:
        connection.execute("PRAGMA foreign_keys = ON")
        (number,) = connection.execute("SELECT number FROM worker WHERE name = ?", (name,)).fetchone()
        if not kept:
            connection.execute("DELETE FROM worker WHERE number = ?", (number,))
        else:
            connection.execute("DELETE FROM oplog_chunk WHERE worker = ?", (number,))
            chunk = chunk_from_entries(kept)
            connection.execute("INSERT INTO oplog_chunk VALUES (?, 1, ?, 1, ?)", (number, len(kept), chunk))
            state = state_of(kept)
            connection.execute(
                "UPDATE worker SET wants_to_run = ?, wake_ns = ? WHERE number = ?",
                (state.wants_to_run, state.wake_ns, number),
            )
    connection.close()


@pytest.fixture(params=[AWAIT, FIRE, BEGIN, FORGET])
def story(request, tmp_path):
    """A call that came to its end: the folder that it left, how it was made, and the component."""
    bench = Bench(tmp_path / "data")
    bench.call(bench.a, bench.b, "add", 5, request.param, "k")
    until(lambda: bench.has(bench.b) and bench.total(bench.b) == 5)
    bench.engine.close()
    return bench.folder, request.param, bench.component


def told_again(folder, how, component):
    bench = Bench(folder, component)
    try:
        answer = bench.call(bench.a, bench.b, "add", 5, how, "k")
        until(lambda: bench.has(bench.b) and bench.total(bench.b) == 5)
        assert bench.calls(bench.b) == 1
        assert bench.entries(bench.a, Error) == bench.entries(bench.b, Error) == []
        return answer
    finally:
        bench.engine.close()


def test_a_caller_can_crash_after_each_of_its_entries(story, tmp_path):
    folder, how, component = story
    whole = oplog_of(folder, "a")

    for length in range(1, len(whole) + 1):
        copy = tmp_path / f"a{length}"
        shutil.copytree(folder, copy)
        cut(copy, "a", length)

        assert told_again(copy, how, component) == (5 if how in (AWAIT, BEGIN) else 0), length


def test_a_worker_that_is_called_can_crash_after_each_of_its_entries(story, tmp_path):
    folder, how, component = story
    caller, whole = oplog_of(folder, "a"), oplog_of(folder, "b")
    completed = next(n for n, e in enumerate(whole) if isinstance(e, ExportedFunctionCompleted)) + 1
    asked = [n for n, e in enumerate(caller, start=1) if isinstance(e, StartSpan)][-1]

    for length in range(completed):
        copy = tmp_path / f"b{length}"
        shutil.copytree(folder, copy)
        cut(copy, "b", length)
        is_accepted = any(isinstance(e, PendingWorkerInvocation) for e in whole[:length])
        if how in (AWAIT, BEGIN, FORGET) or not is_accepted:
            cut(copy, "a", asked)

        assert told_again(copy, how, component) == (5 if how in (AWAIT, BEGIN) else 0), length


def test_a_scheduled_call_survives_a_restart_and_is_made_once(bench):
    bench.call(bench.a, bench.b, "add", int(time.time()) + 1, SCHEDULE)
    bench.restart()

    until(lambda: bench.total(bench.b) == 1)

    bench.restart()
    assert bench.calls(bench.b) == 1


def test_a_caller_crashes_while_it_waits_and_the_call_is_made_once(bench):
    key = str(uuid4())
    waiting = bench.start_call(bench.a, bench.b, "add", 5, key=key)
    bench.engine.crash_worker(bench.a)

    assert waiting.result(20).value == 5
    assert bench.engine.worker(bench.a).status is WorkerStatus.IDLE
    assert bench.calls(bench.b) == 1
