from uuid import UUID

import pytest

from golem_nb.errors import BadInput
from golem_nb.model import SnapshotPolicy, UpdateMode, WorkerId
from golem_nb.wire import requests

TARGET = WorkerId(UUID(int=1), "copy")


@pytest.mark.parametrize(
    ("write", "read", "value"),
    [
        (requests.json_from_update, requests.update_from_json, (3, UpdateMode.AUTOMATIC)),
        (requests.json_from_update, requests.update_from_json, (0, UpdateMode.MANUAL)),
        (requests.json_from_revert, requests.revert_from_json, (5, None)),
        (requests.json_from_revert, requests.revert_from_json, (None, 2)),
        (requests.json_from_fork, requests.fork_from_json, (TARGET, 7)),
        (requests.json_from_completion, requests.completion_from_json, (7, b"\0\xff")),
    ],
)
def test_what_the_client_writes_the_server_reads(write, read, value):
    assert read(write(*value)) == value


@pytest.mark.parametrize("policy", [None, SnapshotPolicy(100), SnapshotPolicy(every_s=60.0), SnapshotPolicy(1, 0.5)])
def test_a_policy_is_read_back(policy):
    assert requests.snapshot_policy_from_json(requests.json_from_snapshot_policy(policy)) == policy


def test_answers_are_read_back():
    assert requests.canceled_from_json(requests.json_from_canceled(True)) is True
    assert requests.completed_from_json(False) is False


def test_the_forms_are_golems():
    assert requests.json_from_revert(5, None) == {"type": "revertToOplogIndex", "lastOplogIndex": 5}
    assert requests.json_from_revert(None, 2) == {"type": "revertLastInvocations", "numberOfInvocations": 2}
    assert requests.json_from_fork(TARGET, 7) == {
        "targetWorkerId": {"componentId": str(TARGET.component_id), "workerName": "copy"},
        "oplogIndexCutoff": 7,
    }
    assert requests.json_from_completion(7, b"a") == {"oplogIdx": 7, "data": [97]}


@pytest.mark.parametrize("mode", ["Automatic", "automatic", "AUTOMATIC"])
def test_a_mode_may_be_in_lower_case(mode):
    assert requests.update_from_json({"mode": mode, "targetVersion": 1}) == (1, UpdateMode.AUTOMATIC)


@pytest.mark.parametrize("type", ["revertToOplogIndex", "RevertToOplogIndex"])
def test_a_target_of_a_revert_may_begin_with_a_capital(type):
    assert requests.revert_from_json({"type": type, "lastOplogIndex": 5}) == (5, None)


def test_a_revert_goes_to_an_index_or_over_invocations():
    for both_or_none in ((1, 1), (None, None)):
        with pytest.raises(BadInput, match="needs either"):
            requests.json_from_revert(*both_or_none)


@pytest.mark.parametrize(
    ("read", "json", "fault"),
    [
        (requests.update_from_json, {"targetVersion": 1}, "must have the key 'mode'"),
        (requests.update_from_json, {"mode": "Quick", "targetVersion": 1}, "mode must be Automatic or Manual"),
        (requests.update_from_json, {"mode": 5, "targetVersion": 1}, "expected a string"),
        (requests.update_from_json, {"mode": "Manual", "targetVersion": -1}, "targetVersion must be a whole number"),
        (requests.update_from_json, {"mode": "Manual", "targetVersion": "1"}, "targetVersion must be a whole number"),
        (requests.revert_from_json, {"type": "undo"}, "type must be revertToOplogIndex or revertLastInvocations"),
        (requests.revert_from_json, {"type": "revertToOplogIndex"}, "must have the key 'lastOplogIndex'"),
        (requests.fork_from_json, {"targetWorkerId": "copy", "oplogIndexCutoff": 1}, "not a WorkerId"),
        (requests.fork_from_json, {"oplogIndexCutoff": 1}, "must have the key 'targetWorkerId'"),
        (requests.completion_from_json, {"oplogIdx": 1, "data": [256]}, "numbers from 0 to 255"),
        (requests.completion_from_json, {"oplogIdx": 1, "data": [True]}, "numbers from 0 to 255"),
        (requests.completion_from_json, {"oplogIdx": 1, "data": "abc"}, "expected a list"),
        (requests.snapshot_policy_from_json, {"everyInvocations": 0}, "at least 1"),
        (requests.snapshot_policy_from_json, {"everySeconds": 0}, "a number above 0"),
        (requests.snapshot_policy_from_json, {"everySeconds": True}, "a number above 0"),
        (requests.snapshot_policy_from_json, {"everySeconds": 10**400}, "a number above 0"),
        (requests.snapshot_policy_from_json, [], "not a snapshot policy"),
    ],
)
def test_what_cannot_be_read_is_named(read, json, fault):
    with pytest.raises(BadInput, match=fault):
        read(json)
