from golem_nb.oplog.entries import KINDS, Recorded
from golem_nb.values.types import U32, FlagsType

# Source: SEMANTICS 4.2.
HINTS = {
    "Suspend", "Error", "Interrupted", "Exited", "PendingWorkerInvocation", "PendingUpdate", "SuccessfulUpdate",
    "FailedUpdate", "GrowMemory", "CreateResource", "DropResource", "Log", "Restart", "ActivatePlugin",
    "DeactivatePlugin", "Revert", "CancelPendingInvocation", "Snapshot", "DescribeResource",
}  # fmt: skip
# Source: SEMANTICS 1.1, first table.
STATUS = {
    "Create": "Idle", "ExportedFunctionCompleted": "Idle", "Restart": "Idle", "Suspend": "Suspended",
    "Interrupted": "Interrupted", "Exited": "Exited", "ExportedFunctionInvoked": "Running",
    "ImportedFunctionInvoked": "Running", "NoOp": "Running", "Jump": "Running", "ChangeRetryPolicy": "Running",
    "BeginAtomicRegion": "Running", "EndAtomicRegion": "Running", "BeginRemoteWrite": "Running",
    "EndRemoteWrite": "Running", "StartSpan": "Running", "FinishSpan": "Running", "SetSpanAttribute": "Running",
    "ChangePersistenceLevel": "Running", "BeginRemoteTransaction": "Running", "PreCommitRemoteTransaction": "Running",
    "PreRollbackRemoteTransaction": "Running", "CommittedRemoteTransaction": "Running",
    "RolledBackRemoteTransaction": "Running",
}  # fmt: skip


def test_hints_are_golems():
    assert {kind.__name__ for kind in KINDS if kind.hint} == HINTS


def test_the_status_after_each_entry_is_golems():
    assert {kind.__name__: kind.status for kind in KINDS if kind.status} == STATUS


def test_equal_values_are_equal_when_recorded():
    flags = FlagsType(("a", "b"))

    assert Recorded.of(flags, {"b", "a"}) == Recorded.of(flags, frozenset({"a", "b"}))
    assert Recorded.of(U32, 1) != Recorded.of(U32, 2)
