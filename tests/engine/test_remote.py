from concurrent.futures import Future
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from golem_nb.engine.remote import Done, RemoteCalls
from golem_nb.engine.stopping import Restart
from golem_nb.errors import BadInput, EngineStopped, StoreFailed
from golem_nb.values.types import U32, TypedValue
from tests.engine.test_calls import A, call

FIVE = TypedValue(U32, 5)


class Worker:
    """One that calls. It takes note of what it waits for, and of what it does on other threads."""

    id = A

    def __init__(self):
        self.waited, self.apart = [], 0

    def wait_until_any(self, sources):
        self.waited += sources
        return [0]

    def run_apart(self, work):
        self.apart += 1
        return work()

    def submit(self, work):
        work()


def remote(answer, is_at_hand=True):
    def accept(call, waiter):
        if isinstance(answer, BadInput):
            raise answer
        if waiter is not None and isinstance(answer, BaseException):
            waiter.set_exception(answer)
        elif waiter is not None:
            waiter.set_result(answer)
        accepted = Future()
        accepted.set_result(None)
        return accepted

    def parameters(call):
        raise BadInput("no such function")

    calls = SimpleNamespace(
        accept=accept,
        parameters=parameters,
        is_at_hand=lambda target: is_at_hand,
        waiting=lambda caller, target: nullcontext(),
    )
    worker = Worker()
    return RemoteCalls(calls, worker), worker


def test_a_call_is_waited_for():
    made, worker = remote(FIVE)

    assert made.invoke_and_wait(call()) == FIVE
    assert [source.is_ready() for source in worker.waited] == [True]


@pytest.mark.parametrize(("is_at_hand", "apart"), [(True, 0), (False, 1)])
def test_what_may_have_to_wait_is_done_on_another_thread(is_at_hand, apart):
    made, worker = remote(FIVE, is_at_hand)

    made.enqueue(call())

    assert worker.apart == apart


@pytest.mark.parametrize("error", [EngineStopped("closing"), StoreFailed("full")])
def test_what_is_no_answer_of_the_worker_has_the_caller_come_back(error):
    made, _ = remote(error)

    with pytest.raises(Restart):
        made.invoke_and_wait(call())


def test_a_refusal_is_the_answer_of_a_call_that_was_begun():
    made, _ = remote(BadInput("no such function"))

    with pytest.raises(BadInput, match="no such function"):
        made.answer(made.begin(call()))


def test_a_call_that_cannot_be_made_has_no_parameters_to_show():
    made, _ = remote(FIVE)

    assert made.parameters(call()) == ()


def test_a_source_is_ready_when_its_future_is():
    future, woken = Future(), []
    source = Done(future)
    source.call_when_ready(lambda: woken.append(1))
    assert not source.is_ready()

    future.set_result(None)

    assert (source.is_ready(), woken) == (True, [1])


@pytest.mark.parametrize("do", ["connect", "schedule", "cancel"])
def test_an_engine_that_closes_gives_no_answer(do):
    def closing(*arguments):
        raise EngineStopped("the engine is closing")

    calls = SimpleNamespace(**{do: closing}, is_at_hand=lambda target: True)
    made = RemoteCalls(calls, Worker())

    with pytest.raises(Restart):
        getattr(made, do)(*((A, None) if do == "connect" else (call(),)))
