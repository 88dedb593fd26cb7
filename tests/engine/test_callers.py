from concurrent.futures import Future

import pytest

from golem_nb.engine.callers import Callers, answer, done, own
from golem_nb.errors import InvocationInterrupted, StoreFailed
from golem_nb.values.types import U32, TypedValue

FIVE = TypedValue(U32, 5)


def waiting(callers, *keys):
    waiters = [Future() for _ in keys]
    for key, waiter in zip(keys, waiters, strict=True):
        callers.join(key, waiter)
    return waiters


def test_an_answer_waits_until_it_is_stored():
    callers, stored = Callers(), Future()
    (waiter,) = waiting(callers, "k")

    callers.settle("k", FIVE, stored)

    assert not waiter.done()
    stored.set_result(None)
    assert waiter.result(0) == FIVE


def test_all_callers_of_a_key_get_its_answer_and_no_others():
    callers = Callers()
    first, second, other = waiting(callers, "k", "k", "other")

    callers.settle("k", InvocationInterrupted(), done())

    assert isinstance(first.exception(0), InvocationInterrupted)
    assert isinstance(second.exception(0), InvocationInterrupted)
    assert not other.done()


def test_a_caller_that_has_left_does_not_keep_the_others_from_their_answer():
    callers = Callers()
    left, stayed = waiting(callers, "k", "k")
    left.cancel()

    callers.settle("k", FIVE, done())

    assert stayed.result(0) == FIVE


def test_everyone_is_told_the_error_of_its_key_once():
    callers = Callers()
    waiters = waiting(callers, "a", "b")

    callers.fail_all(lambda key: StoreFailed(key))
    callers.fail_all(lambda key: StoreFailed("again"))

    assert [str(waiter.exception(0)) for waiter in waiters] == ["a", "b"]


def test_what_was_not_stored_is_no_answer():
    waiter, stored = Future(), Future()
    answer(waiter, stored, lambda: FIVE)

    stored.set_exception(OSError("disk full"))

    with pytest.raises(StoreFailed, match="disk full"):
        waiter.result(0)


def test_a_future_of_ones_own_is_cancelled_alone():
    shared = Future()
    mine, others = own(shared), own(shared)
    mine.cancel()

    shared.set_result(None)

    assert others.result(0) is None
    failed = Future()
    mine = own(failed)
    failed.set_exception(OSError("disk full"))
    assert isinstance(mine.exception(0), OSError)
