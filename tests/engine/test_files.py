"""Whose files hold when, by the updates in the oplog. Their effects are tested in test_worker_files."""

from dataclasses import replace

import pytest

from golem_nb.engine.files import PlannedFiles, Versions, versions
from golem_nb.engine.recovery import plans
from golem_nb.host.initialfiles import InitialFiles
from golem_nb.model import LOCAL_ENVIRONMENT, InitialFile
from golem_nb.oplog.entries import Create, FailedUpdate, PendingUpdate, Revert, Snapshot, SuccessfulUpdate
from golem_nb.oplog.fold import state_of

CREATE = Create(1, LOCAL_ENVIRONMENT, "w", 3, (), {}, 0, None)


def planned(*entries, is_ephemeral=False, number=0):
    state = state_of([CREATE, *entries])
    return versions(state, list(plans(state))[number], is_ephemeral=is_ephemeral)


def updated(version, snapshot=None):
    return PendingUpdate(2, version, snapshot), SuccessfulUpdate(3, version, 0)


def test_a_worker_begins_with_the_files_that_it_was_made_with():
    assert planned() == Versions(3, None, {}, None)


def test_files_change_where_updates_succeeded_and_not_where_they_failed():
    entries = (*updated(4), PendingUpdate(2, 5), FailedUpdate(3, 5), *updated(6))

    assert planned(*entries) == Versions(3, None, {3: 4, 7: 6}, None)


def test_an_attempt_changes_them_at_the_end_of_replay():
    assert planned(*updated(4), PendingUpdate(2, 5)) == Versions(3, None, {3: 4}, 5)


def test_an_attempt_with_a_snapshot_changes_them_when_that_is_loaded():
    assert planned(*updated(4), PendingUpdate(2, 5, b"")) == Versions(4, 5, {}, 5)


def test_a_recovery_from_an_updates_snapshot_does_what_the_attempt_did():
    entries = (*updated(4), *updated(5, b""), *updated(6))

    assert planned(*entries) == Versions(4, 5, {7: 6}, None)


def test_an_automatic_update_that_went_before_a_snapshots_own_is_in_the_snapshots_past():
    """It was asked for while the component gave its snapshot."""
    entries = (PendingUpdate(2, 4), PendingUpdate(2, 5, b""), SuccessfulUpdate(3, 4, 0), SuccessfulUpdate(3, 5, 0))

    assert planned(*entries) == Versions(3, 5, {}, None)


def test_a_recovery_from_a_snapshot_begins_with_the_files_of_its_time():
    entries = (*updated(4), Snapshot(4, b"", 4), *updated(5), *updated(4))

    assert planned(*entries) == Versions(4, None, {6: 5, 8: 4}, None)
    assert planned(*entries, number=1) == Versions(3, None, {3: 4, 6: 5, 8: 4}, None)


def test_a_revert_undoes_an_update():
    assert planned(*updated(4), *updated(5), Revert(4, 4, 5)) == Versions(3, None, {3: 4}, None)


def test_an_ephemeral_worker_begins_with_its_present_versions_files():
    assert planned(*updated(4), is_ephemeral=True) == Versions(4, None, {}, None)
    assert planned(PendingUpdate(2, 5), is_ephemeral=True) == Versions(5, None, {}, None)


@pytest.fixture
def files():
    def initial(version):
        return InitialFiles({"/v": (InitialFile("/v", str(version), 1), b"%d" % version)})

    return PlannedFiles(Versions(0, None, {7: 1}, 2), initial, lambda sha256: b"saved")


def shown(files):
    return bytes(files.tree.root.entries["v"].data)


def test_planned_files_change_as_replay_goes_by(files):
    seen = [shown(files)]
    for index in (6, 7, 7, 8):
        files.pass_update(index)
        seen.append(shown(files))
    files.finish_update()

    assert [*seen, shown(files)] == [b"0", b"0", b"1", b"1", b"1", b"2"]


def test_planned_files_of_a_snapshot_are_restored_and_then_adjusted():
    planned = replace(Versions(0, 1, {}, 1))
    files = PlannedFiles(
        planned,
        lambda version: InitialFiles({"/v": (InitialFile("/v", "s", version), b"%d" % version)}),
        lambda s: b"s",
    )

    files.load(files.tree.saved())

    assert shown(files) == b"1"
