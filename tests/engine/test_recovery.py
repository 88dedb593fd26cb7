from uuid import UUID

import pytest

from golem_nb.engine import execution
from golem_nb.engine.recovery import (
    Plan,
    SnapshotFailed,
    can_snapshot,
    is_snapshot_due,
    load,
    plans,
    saved,
    snapshot_in,
)
from golem_nb.host.declare import Trap
from golem_nb.model import SnapshotPolicy, WorkerStatus
from golem_nb.oplog.entries import (
    Create,
    Error,
    ExportedFunctionCompleted,
    HostState,
    NoOp,
    PendingUpdate,
    Revert,
    Snapshot,
    SuccessfulUpdate,
)
from golem_nb.oplog.fold import state_of
from golem_nb.wasm.platform import Platform
from tests.engine.conftest import until
from tests.script import script

CREATE = Create(0, UUID(int=1), "w", 0, (), {}, 10)
DONE = ExportedFunctionCompleted(0, None)


def shown(*entries):
    return [(p.component_version, p.snapshot, p.update is not None) for p in plans(state_of([CREATE, *entries]))]


def test_recovery_begins_at_the_beginning():
    assert shown() == [(0, 0, False)]


def test_the_last_snapshot_is_tried_first_and_the_beginning_last():
    assert shown(Snapshot(0, b"a"), DONE, Snapshot(0, b"b")) == [(0, 4, False), (0, 2, False), (0, 0, False)]


def test_snapshots_of_another_version_or_undone_ones_are_no_plans():
    assert shown(Snapshot(0, b"a"), PendingUpdate(0, 1), SuccessfulUpdate(0, 1, 5)) == [(1, 0, False)]
    assert shown(NoOp(0), Snapshot(0, b"a"), Revert(0, 3, 3)) == [(0, 0, False)]


def test_an_update_is_the_only_plan_and_meets_everything():
    assert shown(Snapshot(0, b"a"), PendingUpdate(0, 1)) == [(1, 0, True)]


def test_a_manual_update_starts_from_its_snapshot_and_stays_the_base():
    entries = (NoOp(0), PendingUpdate(0, 1, b"state"))
    (plan,) = plans(state_of([CREATE, *entries]))
    assert (plan.snapshot, plan.skipped.ranges) == (3, ((2, 3),))

    assert shown(*entries, SuccessfulUpdate(0, 1, 5)) == [(1, 3, False)]
    assert shown(*entries, SuccessfulUpdate(0, 1, 5), PendingUpdate(0, 2)) == [(2, 3, True)]


def test_entries_that_keep_a_snapshot():
    host = HostState(b"files", 3, False)

    assert snapshot_in(Snapshot(0, b"a", 1, host)) == (b"a", host)
    assert snapshot_in(PendingUpdate(0, 1, b"b")) == (b"b", HostState())
    for entry in (NoOp(0), PendingUpdate(0, 1)):
        with pytest.raises(SnapshotFailed, match="keeps no snapshot"):
            snapshot_in(entry)


@pytest.mark.parametrize(
    ("policy", "is_due"),
    [
        (SnapshotPolicy(2), True),
        (SnapshotPolicy(3), False),
        (SnapshotPolicy(None, 5.0), True),
        (SnapshotPolicy(9, 6.0), False),
        (SnapshotPolicy(), False),
    ],
)
def test_a_snapshot_is_due_by_invocations_or_by_time(policy, is_due):
    assert is_snapshot_due(policy, state_of([CREATE, DONE, DONE]), 5_500_000) is is_due


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    platform = Platform(tmp_path_factory.mktemp("platform"))
    return lambda **options: platform.link(script(**options)).compiled


def test_both_halves_are_wanted_of_any_version(compiled):
    assert can_snapshot(compiled(loads="0.2.2"))
    assert not can_snapshot(compiled(saves=False))
    assert not can_snapshot(compiled(loads=None))


def test_functions_that_are_missing_are_named(compiled):
    def no_call(export, arguments):
        raise AssertionError("nothing is called")

    with pytest.raises(SnapshotFailed, match="save-snapshot is not exported"):
        saved(compiled(saves=False), no_call)
    with pytest.raises(SnapshotFailed, match="Failed to find exported load-snapshot function"):
        load(compiled(loads=None), b"", no_call)


def test_what_the_component_says_is_passed_on(compiled):
    assert saved(compiled(), lambda export, arguments: b"state") == b"state"
    load(compiled(), b"state", lambda export, arguments: ("ok", None))
    with pytest.raises(SnapshotFailed, match="Manual update failed to load snapshot: too old"):
        load(compiled(), b"state", lambda export, arguments: ("err", "too old"))


def test_a_plan_is_a_shortcut_or_not():
    shortcut, whole = plans(state_of([CREATE, Snapshot(0, b"a")]))

    assert (shortcut.is_shortcut, whole.is_shortcut) == (True, False)
    assert isinstance(whole, Plan)


def test_a_recovery_that_fails_once_between_invocations_is_made_good(engine, counter, call, monkeypatch):
    call("inc", 1)
    begin, failures = execution.begin, iter([Trap("no luck")])

    def begin_or_fail(*arguments, **options):
        for failure in failures:
            raise failure
        return begin(*arguments, **options)

    monkeypatch.setattr(execution, "begin", begin_or_fail)
    engine.crash_worker(counter)
    until(lambda: any(isinstance(entry, Error) for _, entry in engine.oplog(counter).entries))

    until(lambda: engine.worker(counter).status is WorkerStatus.IDLE and not engine._loaded[counter].is_busy)
    assert call("inc", 1) == 2
