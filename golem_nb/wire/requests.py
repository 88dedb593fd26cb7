"""What is asked of a worker besides invocations <-> JSON: updates, reverts, forks, completions, snapshots' policy.

Both sides of each operation stand together: what the client writes and the server reads, and the answer where there is
one. Everything that reads raises `BadInput` for what it cannot read.
"""

from __future__ import annotations

from typing import Any

from golem_nb.errors import BadInput
from golem_nb.model import OplogIndex, SnapshotPolicy, UpdateMode, WorkerId
from golem_nb.wire.codec import Json, json_from_worker_id, worker_id_from_json
from golem_nb.wire.reading import read_index, read_list, read_text, read_truth, reading

# Golem's text. Source: SEMANTICS 4.4
FROM_AND_QUERY = "Cannot specify both the 'from' and the 'query' parameters"
MOST_SECONDS = 1_000_000_000  # thirty years: who wants none says null
REVERT_TO_INDEX, REVERT_INVOCATIONS = "revertToOplogIndex", "revertLastInvocations"


def json_from_update(target_version: int, mode: UpdateMode) -> Json:
    return {"mode": str(mode), "targetVersion": target_version}


def update_from_json(json: Any) -> tuple[int, UpdateMode]:
    """Read the contract's UpdateWorkerRequest; the mode may be in lower case, as in Golem 1.5."""
    with reading("an UpdateWorkerRequest"):
        modes = {str(mode).lower(): mode for mode in UpdateMode}
        mode = modes.get(read_text(json["mode"]).lower())
        if mode is None:
            raise ValueError(f"mode must be {' or '.join(UpdateMode)}, found {json['mode']!r:.80}")
        return read_index(json["targetVersion"], "targetVersion"), mode


def json_from_revert(last_index: OplogIndex | None, invocations: int | None) -> Json:
    """Return Golem's RevertWorkerTarget; exactly one of the two must be given. Source: SEMANTICS 6.6."""
    if (last_index is None) == (invocations is None):
        raise BadInput("a revert needs either the last index that stays, or a number of invocations")
    if last_index is not None:
        return {"type": REVERT_TO_INDEX, "lastOplogIndex": last_index}
    return {"type": REVERT_INVOCATIONS, "numberOfInvocations": invocations}


def revert_from_json(json: Any) -> tuple[OplogIndex | None, int | None]:
    """Read a RevertWorkerTarget: the last index that stays, or the number of invocations; the other is None.

    Its `type` may begin with a capital, as in Golem 1.4.
    """
    with reading("a RevertWorkerTarget"):
        type = read_text(json["type"])
        match type[:1].lower() + type[1:]:
            case "revertToOplogIndex":
                return read_index(json["lastOplogIndex"], "lastOplogIndex"), None
            case "revertLastInvocations":
                return None, read_index(json["numberOfInvocations"], "numberOfInvocations")
        raise ValueError(f"type must be {REVERT_TO_INDEX} or {REVERT_INVOCATIONS}, found {type!r:.80}")


def json_from_fork(target: WorkerId, at_index: OplogIndex) -> Json:
    return {"targetWorkerId": json_from_worker_id(target), "oplogIndexCutoff": at_index}


def fork_from_json(json: Any) -> tuple[WorkerId, OplogIndex]:
    with reading("a ForkWorkerRequest"):
        return worker_id_from_json(json["targetWorkerId"]), read_index(json["oplogIndexCutoff"], "oplogIndexCutoff")


def json_from_completion(oplog_index: OplogIndex, data: bytes) -> Json:
    return {"oplogIdx": oplog_index, "data": list(data)}


def completion_from_json(json: Any) -> tuple[OplogIndex, bytes]:
    with reading("a completion of a promise"):
        numbers = read_list(json["data"])
        if not all(type(number) is int and 0 <= number < 256 for number in numbers):
            raise ValueError("data must be a list of numbers from 0 to 255")
        return read_index(json["oplogIdx"], "oplogIdx"), bytes(numbers)


def completed_from_json(json: Any) -> bool:
    with reading("the answer to a completion"):
        return read_truth(json)


def json_from_canceled(canceled: bool) -> Json:
    return {"canceled": canceled}


def canceled_from_json(json: Any) -> bool:
    with reading("the answer to a cancellation"):
        return read_truth(json["canceled"])


def json_from_snapshot_policy(policy: SnapshotPolicy | None) -> Json:
    """Return the policy; what it leaves out is null, and so is all of it where there is none."""
    policy = policy or SnapshotPolicy()
    return {"everyInvocations": policy.every_invocations, "everySeconds": policy.every_s}


def snapshot_policy_from_json(json: Any) -> SnapshotPolicy | None:
    with reading("a snapshot policy"):
        invocations, seconds = json.get("everyInvocations"), json.get("everySeconds")
        if invocations is not None and read_index(invocations, "everyInvocations") < 1:
            raise ValueError("everyInvocations must be at least 1")
        if seconds is not None and (type(seconds) not in (int, float) or not 0 < seconds <= MOST_SECONDS):
            raise ValueError(f"everySeconds must be a number above 0, at most {MOST_SECONDS}, found {seconds!r:.80}")
        if invocations is None and seconds is None:
            return None
        return SnapshotPolicy(invocations, None if seconds is None else float(seconds))
