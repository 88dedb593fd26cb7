"""Oplog entries as Golem 1.3, 1.4 and 1.5 show them: whatever the release, they are read by the names of 1.3."""

import pytest

from golem_nb.wire.dialects import DIALECTS
from golem_nb.wire.translate import oplog_page_from

STAMP = "2026-01-31T12:34:56.789Z"
ID, WORKER = "00000000-0000-0000-0000-000000000001", "w"
U32 = {"type": "U32"}
ONE = {"typ": U32, "value": 1}
REGION = {"start": 3, "end": 5}
SPANS = {"traceId": "t", "traceStates": [], "invocationContext": [[{"type": "ExternalSpan", "spanId": "s"}]]}
PLUGIN = {"installationId": ID, "pluginName": "p", "pluginVersion": "1", "registered": True, "parameters": {}}
CALL = {"functionName": "f", "request": ONE, "response": ONE, "durableFunctionType": {"type": "ReadLocal"}}
OF_1_3 = {"componentId": ID, "workerName": WORKER}
CREATED = {
    "env": {},
    "createdBy": ID,
    "componentSize": 1,
    "initialTotalLinearMemorySize": 0,
    "initialActivePlugins": [],
}
QUEUED = {"idempotencyKey": "k", "fullFunctionName": "f", "functionInput": [ONE], **SPANS}

# What is the same in all: the kind, and its fields.
COMMON = {
    "Suspend": {},
    "Error": {"error": "e", "retryFrom": 3},
    "NoOp": {},
    "Jump": {"jump": REGION},
    "Interrupted": {},
    "Exited": {},
    "ChangeRetryPolicy": {"newPolicy": {"maxAttempts": 3, "minDelay": "1s", "maxDelay": "2s", "multiplier": 2.0}},
    "BeginAtomicRegion": {},
    "EndAtomicRegion": {"beginIndex": 3},
    "BeginRemoteWrite": {},
    "EndRemoteWrite": {"beginIndex": 3},
    "GrowMemory": {"delta": 65536},
    "CreateResource": {"id": 1, "name": "n", "owner": "o"},
    "DropResource": {"id": 1, "name": "n", "owner": "o"},
    "Log": {"level": "Stdout", "context": "c", "message": "m"},
    "Restart": {},
    "ActivatePlugin": {"plugin": PLUGIN},
    "DeactivatePlugin": {"plugin": PLUGIN},
    "Revert": {"droppedRegion": REGION},
    "StartSpan": {"spanId": "s", "attributes": []},
    "FinishSpan": {"spanId": "s"},
    "SetSpanAttribute": {"spanId": "s", "key": "k", "value": {"type": "String", "value": "v"}},
    "ChangePersistenceLevel": {"persistenceLevel": "Smart"},
    "BeginRemoteTransaction": {"transactionId": "t"},
    "PreCommitRemoteTransaction": {"beginIndex": 3},
    "PreRollbackRemoteTransaction": {"beginIndex": 3},
    "CommittedRemoteTransaction": {"beginIndex": 3},
    "RolledBackRemoteTransaction": {"beginIndex": 3},
}
# What differs is read as this.
AS_READ = {
    "ImportedFunctionInvoked": CALL,
    "ExportedFunctionInvoked": {"functionName": "f", "request": [ONE], "idempotencyKey": "k", **SPANS},
    "ExportedFunctionCompleted": {"response": ONE, "consumedFuel": 7},
    "PendingWorkerInvocation": {"invocation": {"type": "ExportedFunction", **QUEUED}},
    "PendingUpdate": {"targetVersion": 2, "description": {"type": "Automatic"}},
    "SuccessfulUpdate": {"targetVersion": 2, "newComponentSize": 9, "newActivePlugins": []},
    "FailedUpdate": {"targetVersion": 2, "details": "d"},
    "CancelInvocation": {"idempotencyKey": "k"},
}
UPDATED = {
    "PendingUpdate": {"targetRevision": 2, "description": {"type": "Automatic"}},
    "SuccessfulUpdate": {"targetRevision": 2, "newComponentSize": 9, "newActivePlugins": []},
    "FailedUpdate": {"targetRevision": 2, "details": "d"},
    "CancelPendingInvocation": {"idempotencyKey": "k"},
}
TUPLE = {"type": "Tuple", "elements": [{"type": "ComponentModel", "value": ONE}]}
AGENT = {"componentId": ID, "agentId": WORKER}
METHOD = {"type": "AgentMethodInvocation", "idempotencyKey": "k", "methodName": "f", "functionInput": TUPLE, **SPANS}

SHOWN = {
    "1.3": {
        **AS_READ,
        "PendingUpdate": {"target_version": 2, "description": {"type": "Automatic"}},
        "SuccessfulUpdate": {"target_version": 2, "new_component_size": 9, "new_active_plugins": []},
        "Create": {"workerId": OF_1_3, "parent": OF_1_3, "componentVersion": 2, "projectId": ID, "args": [], **CREATED},
    },
    "1.4": {
        **{kind: AS_READ[kind] for kind in AS_READ if kind not in (*UPDATED, "CancelInvocation")},
        **UPDATED,
        "Create": {"workerId": OF_1_3, "parent": OF_1_3, "componentRevision": 2, "environmentId": ID, **CREATED},
    },
    "1.5": {
        **UPDATED,
        "Create": {"agentId": AGENT, "parent": AGENT, "componentRevision": 2, "environmentId": ID, **CREATED},
        "HostCall": CALL,
        "AgentInvocationStarted": {"invocation": METHOD},
        "AgentInvocationFinished": {"result": {"type": "AgentMethod", "output": TUPLE}, "consumedFuel": 7},
        "PendingAgentInvocation": {"invocation": METHOD},
    },
}


def read(release, entries):
    """Return entries of a page as they are read, by their kind."""
    shown = [
        {"oplogIndex": index, "entry": {"type": kind, "timestamp": STAMP, **fields}}
        for index, (kind, fields) in enumerate(entries, 1)
    ]
    page = oplog_page_from(DIALECTS[release], {"entries": shown, "firstIndexInChunk": 1, "lastIndex": len(shown)})
    return {entry.kind: dict(entry.fields) for entry in page.entries}


@pytest.mark.parametrize("release", SHOWN)
def test_every_kind_is_read_by_the_names_of_1_3(release):
    told = read(release, {**COMMON, **SHOWN[release]}.items())

    created = told.pop("Create")
    assert told == {**COMMON, **AS_READ}
    assert (created["workerId"], created["parent"]) == (OF_1_3, OF_1_3)
    assert (created["componentVersion"], created["projectId"]) == (2, ID)


@pytest.mark.parametrize(
    ("invocation", "named"),
    [
        ({"type": "AgentInitialization", "idempotencyKey": "k", "constructorParameters": TUPLE}, [ONE]),
        ({"type": "SaveSnapshot"}, []),
        ({"type": "LoadSnapshot", "snapshot": {"type": "Raw", "data": [], "mimeType": "a/b"}}, []),
        ({"type": "ProcessOplogEntries", "idempotencyKey": "k"}, []),
    ],
)
def test_what_golem_1_5_asks_of_an_agent_by_itself_is_named_by_its_type(invocation, named):
    told = read("1.5", [("AgentInvocationStarted", {"invocation": invocation})])["ExportedFunctionInvoked"]

    assert (told["functionName"], told["request"]) == (invocation["type"], named)
    queued = read("1.5", [("PendingAgentInvocation", {"invocation": invocation})])["PendingWorkerInvocation"]
    assert queued["invocation"]["fullFunctionName"] == invocation["type"]


def test_an_update_by_snapshot_waits_in_the_queue_of_golem_1_5_as_it_did():
    asked = {"invocation": {"type": "ManualUpdate", "targetRevision": 2}}

    told = read("1.5", [("PendingAgentInvocation", asked)])["PendingWorkerInvocation"]
    assert told == {"invocation": {"type": "ManualUpdate", "targetVersion": 2}}


@pytest.mark.parametrize(
    "result",
    [
        {"type": "ManualUpdate"},
        {"type": "LoadSnapshot", "error": None},
        {"type": "SaveSnapshot", "snapshot": {"type": "Json", "data": {}}},
        {"type": "ProcessOplogEntries", "error": "e"},
        {"type": "AgentMethod", "output": {"type": "Tuple", "elements": []}},
    ],
)
def test_what_has_no_output_has_no_response(result):
    told = read("1.5", [("AgentInvocationFinished", {"result": result, "consumedFuel": 7})])

    assert told == {"ExportedFunctionCompleted": {"consumedFuel": 7}}


@pytest.mark.parametrize("kind", ["Snapshot", "SetRetryPolicy", "OplogProcessorCheckpoint", "SomethingNew"])
def test_a_kind_that_is_not_known_is_shown_as_it_is(kind):
    assert read("1.5", [(kind, {"data": {"a": 1}})]) == {kind: {"data": {"a": 1}}}
