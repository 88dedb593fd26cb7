from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golem_nb.model import UpdateState, WorkerStatus
from golem_nb.oplog.entries import (
    KINDS,
    ActivatePlugin,
    BeginAtomicRegion,
    BeginRemoteTransaction,
    BeginRemoteWrite,
    CancelPendingInvocation,
    ChangePersistenceLevel,
    ChangeRetryPolicy,
    CommittedRemoteTransaction,
    Create,
    CreateResource,
    DeactivatePlugin,
    DescribeResource,
    DropResource,
    EndAtomicRegion,
    EndRemoteWrite,
    Error,
    ErrorKind,
    Exited,
    ExportedFunctionCompleted,
    ExportedFunctionInvoked,
    FailedUpdate,
    FinishSpan,
    GrowMemory,
    ImportedFunctionInvoked,
    Interrupted,
    Jump,
    Log,
    NoOp,
    PendingUpdate,
    PendingWorkerInvocation,
    PreCommitRemoteTransaction,
    PreRollbackRemoteTransaction,
    Recorded,
    Restart,
    Revert,
    RolledBackRemoteTransaction,
    SetSpanAttribute,
    Snapshot,
    StartSpan,
    SuccessfulUpdate,
    Suspend,
)
from golem_nb.oplog.fold import (
    MOST_SNAPSHOTS,
    NEVER,
    Ending,
    Outcome,
    RetryPolicy,
    SnapshotAt,
    WorkerState,
    refolded,
    state_of,
)

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


IDLE, RUNNING, SUSPENDED, INTERRUPTED, RETRYING, FAILED, EXITED = (
    WorkerStatus(name) for name in ("Idle", "Running", "Suspended", "Interrupted", "Retrying", "Failed", "Exited")
)
# How a worker comes to each status.
WAYS = {
    IDLE: [],
    RUNNING: [invoked("k")],
    SUSPENDED: [invoked("k"), Suspend(0, 9)],
    INTERRUPTED: [invoked("k"), Interrupted(0)],
    RETRYING: [invoked("k"), error()],
    FAILED: [invoked("k"), error(ErrorKind.STACK_OVERFLOW)],
    EXITED: [invoked("k"), Exited(0)],
}
NOTHING = Recorded("", b"")
# The status after each kind of entry. Source: SEMANTICS 1.1, first table; None: as it was.
AFTER = [
    (ImportedFunctionInvoked(0, "f", NOTHING, NOTHING, "ReadLocal"), RUNNING),
    (ExportedFunctionInvoked(0, "f", (), "l"), RUNNING),
    (ExportedFunctionCompleted(0, None), IDLE),
    (Suspend(0, 5), SUSPENDED),
    (NoOp(0), RUNNING),
    (Interrupted(0), INTERRUPTED),
    (Exited(0), EXITED),
    (ChangeRetryPolicy(0, 3, 1, 1, 1.0), RUNNING),
    (BeginAtomicRegion(0), RUNNING),
    (EndAtomicRegion(0, 3), RUNNING),
    (BeginRemoteWrite(0), RUNNING),
    (EndRemoteWrite(0, 3), RUNNING),
    (PendingWorkerInvocation(0, "m", "f", ()), None),
    (SuccessfulUpdate(0, 4, 9), None),
    (FailedUpdate(0, 4), None),
    (GrowMemory(0, 1), None),
    (CreateResource(0, 0, "r", "o"), None),
    (DropResource(0, 0, "r", "o"), None),
    (DescribeResource(0, 0, "r", ()), None),
    (Log(0, "Stdout", "", "x"), None),  # ADVICE: late output wakes no worker
    (Restart(0), IDLE),
    (ActivatePlugin(0, "p"), None),
    (DeactivatePlugin(0, "p"), None),
    (CancelPendingInvocation(0, "m"), None),
    (StartSpan(0, "s", None, {}), RUNNING),
    (FinishSpan(0, "s"), RUNNING),
    (SetSpanAttribute(0, "s", "k", "v"), RUNNING),
    (ChangePersistenceLevel(0, "Smart"), RUNNING),
    (BeginRemoteTransaction(0, "t"), RUNNING),
    (PreCommitRemoteTransaction(0, 3), RUNNING),
    (PreRollbackRemoteTransaction(0, 3), RUNNING),
    (CommittedRemoteTransaction(0, 3), RUNNING),
    (RolledBackRemoteTransaction(0, 3), RUNNING),
    (Snapshot(0, b""), None),
]
OF_THEIR_OWN = {Create, Error, Jump, Revert, PendingUpdate}  # below


def test_the_table_has_every_kind_of_entry():
    assert {type(entry) for entry, _ in AFTER} | OF_THEIR_OWN == set(KINDS)


@pytest.mark.parametrize("before", WAYS)
@pytest.mark.parametrize(("entry", "after"), AFTER, ids=lambda x: type(x).__name__)
def test_every_entry_leaves_its_status_whatever_it_was(before, entry, after):
    assert state_of([CREATE, *WAYS[before], entry]).status is (after or before)


@pytest.mark.parametrize("before", WAYS)
def test_an_update_that_is_asked_for_revives_a_failed_worker_and_no_other(before):
    state = state_of([CREATE, *WAYS[before], PendingUpdate(0, 4)])

    assert state.status is (RETRYING if before is FAILED else before)
    assert state.wants_to_run is (before not in (INTERRUPTED, EXITED))
    assert "k" not in state.outcomes or before is EXITED


@pytest.mark.parametrize("before", WAYS)
def test_a_revert_gives_the_status_of_what_is_left(before):
    entries = [CREATE, *WAYS[before]]
    dropped = [NoOp(0), invoked("l"), error(ErrorKind.STACK_OVERFLOW)]
    revert = Revert(0, len(entries) + 1, len(entries) + 3)

    state = state_of([*entries, *dropped, revert])

    assert (state.status, "l" in state.outcomes) == (before, False)


def test_a_jump_leaves_what_lay_before_it():
    """What it made void changes no status, but counts as failures."""
    entries = [CREATE, invoked("k"), BeginAtomicRegion(0), error(retry_from=3), error(retry_from=3)]
    state = state_of([*entries, ChangeRetryPolicy(0, 9, 1, 1, 1.0), Jump(0, 4, 7)])

    assert (state.status, state.retry_counts, state.retry_policy) == (RUNNING, {3: 2}, RetryPolicy())
    assert state_of([*entries, Jump(0, 4, 6), error(retry_from=3)]).status is FAILED


def test_a_jump_over_the_beginning_of_an_invocation_goes_on_with_the_one_before():
    first = [CREATE, pending("a"), invoked("a"), NoOp(0), DONE]

    state = state_of([*first, pending("b"), invoked("b"), Jump(0, 5, 8)])

    assert (state.current.idempotency_key, list(state.pending)) == ("a", [])
    assert state.status is RUNNING


def test_output_of_what_was_undone_on_purpose_is_told_apart():
    state = state_of([CREATE, invoked("a"), NoOp(0), Jump(0, 3, 4), NoOp(0), Jump(0, 5, 6, True), Revert(0, 7, 7)])

    assert (state.skipped.ranges, state.reprinted.ranges) == (((3, 7),), ((5, 7),))


def test_updates_go_from_pending_to_their_end():
    state = state_of(
        [CREATE, PendingUpdate(1, 4), PendingUpdate(2, 5), FailedUpdate(3, 4, "no"), SuccessfulUpdate(4, 5, 9)]
    )

    assert state.pending_updates == []
    assert [(u.index, u.target_version, u.state, u.details) for u in state.finished_updates] == [
        (4, 4, UpdateState.FAILED, "no"),
        (5, 5, UpdateState.SUCCESSFUL, None),
    ]
    assert (state.component_version, state.base) == (5, 0)


def test_a_manual_update_leaves_the_queue_when_its_snapshot_is_there():
    queued = [CREATE, PendingWorkerInvocation(0, "u", "", (), 4)]
    assert list(state_of(queued).pending) == ["u"]

    state = state_of(
        [*queued, PendingUpdate(0, 4, b"state"), CreateResource(0, 0, "r", "o"), SuccessfulUpdate(0, 4, 9)]
    )

    assert (dict(state.pending), state.base, state.skipped.ranges, state.resources) == ({}, 3, ((2, 3),), {})
    assert state_of([*queued, FailedUpdate(0, 4, "no")]).pending == {}


def test_a_suspended_worker_has_its_time_or_none():
    sleeping, waiting = ([CREATE, invoked("k"), Suspend(0, due)] for due in (77, None))

    assert (state_of(sleeping).wake_ns, state_of(waiting).wake_ns) == (77, NEVER)
    assert state_of([*sleeping, NoOp(0)]).wake_ns is None


def test_handles_that_are_out():
    entries = [CREATE, CreateResource(0, 0, "r", "o"), CreateResource(0, 1, "r", "o"), DropResource(0, 0, "r", "o")]

    assert state_of(entries).resources == {1: "o#r"}


def test_snapshots_are_counted_from():
    state = state_of([CREATE, DONE, DONE, Snapshot(7, b"", 3), DONE])
    assert (state.completed_since_snapshot, state.snapshot_us, state.snapshots) == (1, 7, [SnapshotAt(4, 3)])

    assert len(state_of([CREATE, *[Snapshot(0, b"")] * 20]).snapshots) == MOST_SNAPSHOTS


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


@given(ENTRIES, ENTRIES, st.data())
def test_what_was_undone_might_as_well_not_have_been(first, second, data):
    """A fold from any point on is the same as from the beginning, whatever a revert or a jump undid."""
    entries = [CREATE, *first]
    begin = data.draw(st.integers(2, len(entries) + 1))
    undo = data.draw(st.sampled_from([Revert(0, begin, len(entries)), Jump(0, begin, len(entries) + 1)]))
    whole = [*entries, undo, *second]
    at = data.draw(st.integers(1, begin - 1))

    continued = refolded(lambda: state_of(whole[:at]), lambda: whole[at:])

    assert continued == state_of(whole)


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
