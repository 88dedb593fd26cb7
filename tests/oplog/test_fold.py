from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golem_nb.model import WorkerStatus
from golem_nb.oplog.entries import (
    BeginRemoteWrite,
    CancelPendingInvocation,
    Create,
    Error,
    ErrorKind,
    Exited,
    ExportedFunctionCompleted,
    ExportedFunctionInvoked,
    Interrupted,
    Jump,
    Log,
    NoOp,
    PendingWorkerInvocation,
    Revert,
    Suspend,
)
from golem_nb.oplog.fold import Ending, Outcome, RetryPolicy, WorkerState, state_of

CREATE = Create(0, UUID(int=1), "w", 3, (), {}, 10)


def pending(key):
    return PendingWorkerInvocation(0, key, "f", ())


def invoked(key):
    return ExportedFunctionInvoked(0, "f", (), key)


def error(kind=ErrorKind.UNKNOWN, retry_from=3):
    return Error(0, kind, "boom", "", retry_from)


DONE = ExportedFunctionCompleted(0, None)


@pytest.mark.parametrize(
    ("entries", "status"),
    [
        ([], WorkerStatus.IDLE),
        ([pending("k")], WorkerStatus.IDLE),
        ([pending("k"), invoked("k")], WorkerStatus.RUNNING),
        ([pending("k"), invoked("k"), DONE], WorkerStatus.IDLE),
        ([pending("k"), invoked("k"), DONE, Log(0, "Stdout", "", "late")], WorkerStatus.IDLE),
        ([invoked("k"), Suspend(0)], WorkerStatus.SUSPENDED),
        ([invoked("k"), Suspend(0), NoOp(0)], WorkerStatus.RUNNING),
        ([invoked("k"), Interrupted(0)], WorkerStatus.INTERRUPTED),
        ([invoked("k"), Exited(0)], WorkerStatus.EXITED),
        ([invoked("k"), error()], WorkerStatus.RETRYING),
        ([invoked("k"), error(), error()], WorkerStatus.RETRYING),
        ([invoked("k"), error(), error(), error()], WorkerStatus.FAILED),
        ([invoked("k"), error(retry_from=3), error(retry_from=4), error(retry_from=5)], WorkerStatus.RETRYING),
        ([invoked("k"), error(ErrorKind.STACK_OVERFLOW)], WorkerStatus.FAILED),
        ([invoked("k"), error(ErrorKind.INVALID_REQUEST)], WorkerStatus.FAILED),
        ([invoked("k"), *[error(ErrorKind.OUT_OF_MEMORY)] * 9], WorkerStatus.RETRYING),
        ([invoked("k"), error(), error(), DONE, invoked("l"), error()], WorkerStatus.RETRYING),
    ],
)
def test_the_status_follows_from_the_entries(entries, status):
    assert state_of([CREATE, *entries]).status is status


def test_pending_invocations_keep_their_order_until_they_begin_or_are_cancelled():
    entries = [CREATE, pending("a"), pending("b"), pending("c"), invoked("a"), CancelPendingInvocation(0, "b")]

    assert list(state_of(entries).pending) == ["c"]


def test_outcomes_say_where_an_invocation_ended():
    entries = [CREATE, invoked("a"), DONE, invoked("b"), Exited(0, 1)]

    assert state_of(entries).outcomes == {"a": Outcome(Ending.COMPLETED, 3), "b": Outcome(Ending.EXITED, 5)}


def test_an_invocation_that_is_retried_has_no_outcome_yet():
    state = state_of([CREATE, invoked("a"), error()])

    assert (state.outcomes, state.attempts, state.last_error.message) == ({}, 1, "boom")


def test_jumps_and_reverts_mark_regions():
    state = state_of([CREATE, invoked("a"), BeginRemoteWrite(0), NoOp(0), Jump(0, 4, 5), Revert(0, 6, 6)])

    assert (state.skipped.ranges, state.deleted.ranges) == (((4, 6),), ((6, 6),))


@pytest.mark.parametrize(
    ("entries", "wants"),
    [
        ([], False),
        ([pending("a")], True),
        ([invoked("a")], True),
        ([invoked("a"), DONE], False),
        ([invoked("a"), Suspend(0)], False),  # it has its time, or its promise
        ([invoked("a"), error()], True),
        ([invoked("a"), Interrupted(0)], False),
        ([invoked("a"), Exited(0)], False),
        ([invoked("a"), error(), error(), error(), pending("b")], False),
    ],
)
def test_an_engine_starts_what_was_cut_off(entries, wants):
    assert state_of([CREATE, *entries]).wants_to_run is wants


KEYS = st.sampled_from(["a", "b", "c"])
ENTRIES = st.lists(
    st.one_of(
        KEYS.map(pending),
        KEYS.map(invoked),
        st.sampled_from(
            [DONE, error(), Suspend(0), Interrupted(0), NoOp(0), Exited(0), error(ErrorKind.STACK_OVERFLOW)]
        ),
    ),
    max_size=30,
)


@given(ENTRIES, ENTRIES)
def test_the_fold_of_a_concatenation_is_the_fold_continued(first, second):
    state = state_of([CREATE, *first])
    for entry in second:
        state.apply(entry)

    assert state == state_of([CREATE, *first, *second])


def test_delays_are_golems():
    policy = RetryPolicy(max_attempts=5)

    assert [policy.delay_ns(n, lambda: 0) for n in range(1, 6)] == [100_000_000, 300_000_000, 900_000_000, 10**9, None]
    assert policy.delay_ns(1, lambda: 0.999) == 114_985_000


def test_a_new_state_is_that_of_no_entries():
    assert state_of([]) == WorkerState()
