from uuid import UUID

import pytest

from golem_nb.model import LogLevel, WorkerId
from golem_nb.oplog import entries as e
from golem_nb.oplog.entries import KINDS, Recorded
from golem_nb.oplog.query import leaves
from golem_nb.oplog.search import leaves_of_entry
from golem_nb.values.types import STRING, U32, OptionType, ResultType
from golem_nb.wire.entries import following_index, human_time, public_entry, public_page

V = {"typ": {"type": "U32"}, "value": 5}
WORKER = WorkerId(UUID(int=1), "w")
FIVE = Recorded.of(U32, 5)
ID = UUID(int=1)

# Every kind with fields of its own, as Golem 1.3 shows it. Source: SEMANTICS 4.3.
SHOWN = [
    (
        e.Create(0, ID, "w", 1, ("a",), {"K": "v"}, 10, f"{ID}/p", (), {"mode": "dry"}, UUID(int=2)),
        {
            "workerId": {"componentId": str(ID), "workerName": "w"},
            "componentVersion": 1,
            "args": ["a"],
            "env": {"K": "v"},
            "projectId": str(UUID(int=2)),
            "createdBy": "local",
            "wasiConfigVars": [{"key": "mode", "value": "dry"}],
            "parent": {"componentId": str(ID), "workerName": "p"},
            "componentSize": 10,
            "initialTotalLinearMemorySize": 0,
            "initialActivePlugins": [],
        },
    ),
    (
        e.Create(0, ID, "w", 1, (), {}, 10),  # from before the environment was kept
        {
            "workerId": {"componentId": str(ID), "workerName": "w"},
            "componentVersion": 1,
            "args": [],
            "env": {},
            "createdBy": "local",
            "wasiConfigVars": [],
            "componentSize": 10,
            "initialTotalLinearMemorySize": 0,
            "initialActivePlugins": [],
        },
    ),
    (
        e.ImportedFunctionInvoked(
            0,
            "f",
            Recorded.of(OptionType(STRING), None),
            Recorded.of(ResultType(U32, STRING), ("ok", 5)),
            "WriteRemoteBatched",
            3,
        ),
        {
            "functionName": "f",
            "request": {"typ": {"type": "Option", "inner": {"type": "Str"}}, "value": None},
            "response": {"typ": {"type": "Result", "ok": {"type": "U32"}, "err": {"type": "Str"}}, "value": {"ok": 5}},
            "durableFunctionType": {"type": "WriteRemoteBatched", "index": 3},
        },
    ),
    (
        e.ExportedFunctionInvoked(
            0, "f", (FIVE,), "k", "t" * 32, "s", ("a=b",), (e.InheritedSpan("o", 1000, {"x": "y"}),)
        ),
        {
            "functionName": "f",
            "request": [V],
            "idempotencyKey": "k",
            "traceId": "t" * 32,
            "traceStates": ["a=b"],
            "invocationContext": [
                [
                    {
                        "type": "LocalSpan",
                        "spanId": "s",
                        "start": "1970-01-01T00:00:00.000Z",
                        "parentId": "o",
                        "attributes": [
                            {"key": "name", "value": {"type": "String", "value": "invoke-exported-function"}},
                            {"key": "idempotency_key", "value": {"type": "String", "value": "k"}},
                            {"key": "function_name", "value": {"type": "String", "value": "f"}},
                            {"key": "worker_id", "value": {"type": "String", "value": f"{ID}/w"}},
                        ],
                        "inherited": False,
                    },
                    {
                        "type": "LocalSpan",
                        "spanId": "o",
                        "start": "1970-01-01T00:00:00.001Z",
                        "attributes": [{"key": "x", "value": {"type": "String", "value": "y"}}],
                        "inherited": True,
                    },
                ]
            ],
        },
    ),
    (e.ExportedFunctionCompleted(0, FIVE), {"response": V, "consumedFuel": 0}),
    (e.ExportedFunctionCompleted(0, None), {"consumedFuel": 0}),
    (e.ExportedFunctionCompleted(0, None, 0, "KeyError: 'x'"), {"error": "KeyError: 'x'", "consumedFuel": 0}),
    (
        e.PendingWorkerInvocation(0, "k", "f", (FIVE,)),
        {
            "invocation": {
                "type": "ExportedFunction",
                "idempotencyKey": "k",
                "fullFunctionName": "f",
                "functionInput": [V],
                "traceId": "",
                "traceStates": [],
                "invocationContext": [],
            }
        },
    ),
    (e.Suspend(0), {}),
    (
        e.PendingWorkerInvocation(0, "k", "", (), 3),
        {"invocation": {"type": "ManualUpdate", "targetVersion": 3}},
    ),
    (e.Error(0, e.ErrorKind.UNKNOWN, "boom", "", 3), {"error": "boom", "retryFrom": 3}),
    (e.Jump(0, 3, 5), {"jump": {"start": 3, "end": 5}}),
    (e.Exited(0, 1), {"code": 1}),
    (
        e.ChangeRetryPolicy(0, 3, 10**8, 10**9, 2.0, 0.1),
        {
            "newPolicy": {
                "maxAttempts": 3,
                "minDelay": "100ms",
                "maxDelay": "1s",
                "multiplier": 2.0,
                "maxJitterFactor": 0.1,
            }
        },
    ),
    (e.EndAtomicRegion(0, 3), {"beginIndex": 3}),
    (e.EndRemoteWrite(0, 3), {"beginIndex": 3}),
    (e.PendingUpdate(0, 2), {"targetVersion": 2, "description": {"type": "Automatic"}}),
    (
        e.PendingUpdate(0, 2, b"\1"),
        {"targetVersion": 2, "description": {"type": "SnapshotBased", "payload": [1]}},
    ),
    (e.SuccessfulUpdate(0, 2, 9), {"targetVersion": 2, "newComponentSize": 9, "newActivePlugins": []}),
    (e.FailedUpdate(0, 2, "why"), {"targetVersion": 2, "details": "why"}),
    (e.GrowMemory(0, 5), {"delta": 5}),
    (e.CreateResource(0, 1, "cart", "a:b/c"), {"id": 1, "name": "cart", "owner": "a:b/c"}),
    (e.DropResource(0, 1, "cart", "a:b/c"), {"id": 1, "name": "cart", "owner": "a:b/c"}),
    (
        e.DescribeResource(0, 1, "cart", (FIVE,)),
        {"id": 1, "resourceName": "cart", "resourceParams": [V]},
    ),
    (e.Log(0, LogLevel.STDOUT, "c", "m"), {"level": "Stdout", "context": "c", "message": "m"}),
    (e.ActivatePlugin(0, "i"), {"plugin": {"installationId": "i"}}),
    (e.DeactivatePlugin(0, "i"), {"plugin": {"installationId": "i"}}),
    (e.Revert(0, 3, 5), {"droppedRegion": {"start": 3, "end": 5}}),
    (e.CancelPendingInvocation(0, "k"), {"idempotencyKey": "k"}),
    (
        e.StartSpan(0, "s", "p", {"name": "n"}),
        {"spanId": "s", "parentId": "p", "attributes": [{"key": "name", "value": {"type": "String", "value": "n"}}]},
    ),
    (e.FinishSpan(0, "s"), {"spanId": "s"}),
    (e.SetSpanAttribute(0, "s", "k", "v"), {"spanId": "s", "key": "k", "value": {"type": "String", "value": "v"}}),
    (e.ChangePersistenceLevel(0, "Smart"), {"persistenceLevel": "Smart"}),
    (e.BeginRemoteTransaction(0, "t"), {"transactionId": "t"}),
    (e.PreCommitRemoteTransaction(0, 3), {"beginIndex": 3}),
    (e.PreRollbackRemoteTransaction(0, 3), {"beginIndex": 3}),
    (e.CommittedRemoteTransaction(0, 3), {"beginIndex": 3}),
    (e.RolledBackRemoteTransaction(0, 3), {"beginIndex": 3}),
    (e.Snapshot(0, b"\1", 3), {"componentVersion": 3, "data": [1]}),
]


@pytest.mark.parametrize(("entry", "fields"), SHOWN, ids=lambda value: type(value).__name__)
def test_fields_are_golems(entry, fields):
    assert public_entry(7, entry, WORKER).fields == fields


@pytest.mark.parametrize("entry", [entry for entry, _ in SHOWN], ids=lambda value: type(value).__name__)
def test_the_engines_search_finds_what_is_shown(entry):
    assert set(leaves_of_entry(entry)) - {((), "")} == set(leaves(public_entry(7, entry, WORKER))) - {((), "")}


def test_every_kind_is_shown_with_all_its_fields():
    shown = {type(entry) for entry, _ in SHOWN}
    without_fields = {kind for kind in KINDS if kind.__struct_fields__ == ("timestamp_us",)}

    assert shown | without_fields == set(KINDS)


def test_kinds_have_golems_public_names():
    assert public_entry(1, e.CancelPendingInvocation(0, "k"), WORKER).kind == "CancelInvocation"
    assert public_entry(1, e.NoOp(1_500_000), WORKER).kind == "NoOp"
    assert public_entry(1, e.NoOp(1_500_000), WORKER).timestamp.timestamp() == 1.5


@pytest.mark.parametrize(
    ("ns", "text"), [(0, "0s"), (10**8, "100ms"), (15 * 10**8, "1s 500ms"), (3_661 * 10**9 + 1, "1h 1m 1s 1ns")]
)
def test_durations_are_written_as_golem_does(ns, text):
    assert human_time(ns) == text


def test_a_page_says_where_the_oplog_goes_on():
    page = public_page([(3, e.NoOp(0))], worker=WORKER, from_index=3, next_index=4, last_index=9, component_version=2)

    assert [entry.index for entry in page.entries] == [3]
    assert (page.next_index, page.cursor, page.first_index, page.last_index) == (4, "4-2", 3, 9)


def test_an_empty_page_begins_where_it_was_asked_for():
    page = public_page([], worker=WORKER, from_index=0, next_index=None, last_index=9, component_version=2)

    assert (page.first_index, page.next_index, page.cursor) == (1, None, None)


@pytest.mark.parametrize(("last_index", "following"), [(9, 4), (3, None)])
def test_an_oplog_goes_on_behind_its_entries(last_index, following):
    assert following_index([(2, e.NoOp(0)), (3, e.NoOp(0))], last_index) == following
    assert following_index([], last_index) is None
