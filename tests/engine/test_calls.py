from concurrent.futures import Future
from dataclasses import replace
from types import SimpleNamespace
from uuid import UUID

import pytest

from golem_nb.engine.calls import Calls
from golem_nb.engine.scheduler import Threads, Timers
from golem_nb.errors import BadInput, CallCycle, EngineStopped, PreviousInvocationFailed
from golem_nb.host.context import RemoteCall, WorkerTemplate
from golem_nb.model import WorkerId, WorkerStatus
from golem_nb.oplog.entries import InvocationContext
from golem_nb.store.database import Database
from golem_nb.store.schedule import Schedule
from golem_nb.values.nodes import nodes_from_value
from golem_nb.values.types import U32, FunctionType, Parameter
from tests.engine.conftest import until

A, B, C = (WorkerId(UUID(int=1), name) for name in "abc")
ADD = FunctionType("add", (Parameter("n", U32),), U32)


def call(due_ns=0, **env):
    template = WorkerTemplate(("x",), env, A)
    return RemoteCall(B, "add", [nodes_from_value(U32, 5)], "k", InvocationContext("t"), template, due_ns)


class Accepting:
    """The engine's verbs that are needed; it takes note of what it is asked to accept."""

    def __init__(self):
        self.accepted, self.refusal, self.status = [], None, WorkerStatus.IDLE

    def worker(self, worker):
        return SimpleNamespace(status=self.status)

    def function_type(self, worker, function):
        return ADD

    def accept(self, worker, function, values, key, waiter, context, template):
        if self.refusal is not None:
            raise self.refusal
        self.accepted.append((worker, function, values(ADD), key, context, template))
        accepted = Future()
        accepted.set_result(None)
        return accepted


@pytest.fixture
def bench(tmp_path):
    database = Database(tmp_path / "golem.db", "process")
    timers, verbs, schedule = Timers(lambda: 100), Accepting(), Schedule(database)
    yield SimpleNamespace(
        verbs=verbs, schedule=schedule, calls=Calls(verbs, schedule, timers, Threads("worker"), lambda: 100)
    )
    timers.close()
    database.close()


def test_the_values_of_a_call_have_the_types_of_the_function(bench):
    assert bench.calls.parameters(call()) == [(U32, 5)]


def test_a_worker_inherits_all_but_what_names_the_caller(bench):
    bench.calls.accept(call(COLOUR="red", GOLEM_WORKER_NAME="a", GOLEM_COMPONENT_ID="1"), None)

    ((*_, template),) = bench.verbs.accepted
    assert template == WorkerTemplate(("x",), {"COLOUR": "red"}, A)


def test_who_would_wait_for_itself_is_told_the_way(bench):
    with (
        bench.calls.waiting(A, B),
        bench.calls.waiting(B, C),
        pytest.raises(CallCycle, match="c waits for a waits for b waits for c"),
        bench.calls.waiting(C, A),
    ):
        pass


def test_who_has_its_answer_waits_no_more(bench):
    with bench.calls.waiting(A, B):
        pass
    with bench.calls.waiting(B, A):
        pass


def test_a_call_is_made_when_it_is_due_and_forgotten(bench):
    bench.calls.schedule(call(due_ns=100))

    until(lambda: bench.verbs.accepted and bench.schedule.all() == [])
    assert bench.verbs.accepted == [(B, "add", [5], "k", InvocationContext("t"), WorkerTemplate(("x",), {}, A))]


def test_a_call_that_is_due_later_can_be_cancelled(bench):
    bench.calls.schedule(call(due_ns=10**18))
    assert len(bench.schedule.all()) == 1

    bench.calls.cancel(call())

    assert bench.schedule.all() == []


def test_calls_that_were_due_while_the_engine_was_down_are_made_at_its_start(bench):
    bench.verbs.refusal = EngineStopped("closing")
    bench.calls.schedule(call(due_ns=1))
    until(lambda: not bench.calls._timers.next_due_ns())
    bench.verbs.refusal = None

    bench.calls.start()

    until(lambda: bench.verbs.accepted and bench.schedule.all() == [])


def test_a_call_that_its_worker_refuses_is_given_up(bench, caplog):
    bench.verbs.refusal = BadInput("no such function")

    bench.calls.schedule(call(due_ns=1))

    until(lambda: bench.schedule.all() == [])
    assert "is given up: no such function" in caplog.text


def test_a_call_to_a_worker_that_is_being_retried_is_made_when_it_is_not(bench, monkeypatch):
    monkeypatch.setattr("golem_nb.engine.calls.AGAIN_NS", 0)
    bench.verbs.refusal, bench.verbs.status = PreviousInvocationFailed("boom", ""), WorkerStatus.RETRYING
    bench.calls.schedule(call(due_ns=1))
    bench.verbs.refusal = None

    until(lambda: bench.verbs.accepted and bench.schedule.all() == [])


def test_a_call_to_a_worker_that_has_failed_is_given_up(bench):
    bench.verbs.refusal, bench.verbs.status = PreviousInvocationFailed("boom", ""), WorkerStatus.FAILED

    bench.calls.schedule(call(due_ns=1))

    until(lambda: bench.schedule.all() == [])


def to_itself(due_ns=10**18):
    return replace(call(due_ns), target=A)


def test_what_a_worker_scheduled_to_itself_goes_along_under_its_new_name(bench):
    bench.calls.schedule(to_itself())
    bench.calls.schedule(call(due_ns=10**18))  # to another one: it stays behind
    taken = list(bench.calls.to_itself(A))

    ((id, due_ns, body),) = bench.calls.rows(A, C, taken)
    bench.schedule.add(id, due_ns, body).result()

    assert [due for due, _ in taken] == [10**18]
    assert list(bench.calls.to_itself(C)) == [(10**18, body)]
    assert list(bench.calls.to_itself(B)) == []


def test_a_stored_call_is_made_at_its_time(bench):
    ((id, due_ns, body),) = bench.calls.rows(A, C, [(100, scheduled(bench, to_itself()))])
    bench.schedule.add(id, due_ns, body).result()

    bench.calls.note_stored([(id, due_ns, body)])

    until(lambda: bench.verbs.accepted)
    assert bench.verbs.accepted[0][0] == C


def scheduled(bench, given):
    """Return the encoding of a call."""
    bench.calls.schedule(given)
    ((id, _),) = bench.schedule.all()
    body = bench.schedule.get(id)
    bench.calls.cancel(given)
    return body


@pytest.mark.parametrize("due_ns", [-1, 1 << 63])
def test_a_call_at_no_time_is_refused(bench, due_ns):
    with pytest.raises(BadInput, match="to itself"):
        list(bench.calls.rows(A, C, [(due_ns, scheduled(bench, to_itself()))]))


def test_calls_of_others_and_what_is_no_call_are_refused(bench):
    with pytest.raises(BadInput, match="to itself"):
        list(bench.calls.rows(A, C, [(5, scheduled(bench, call(due_ns=10**18)))]))
    with pytest.raises(BadInput, match="cannot be read"):
        list(bench.calls.rows(A, C, [(5, b"\xc1")]))
