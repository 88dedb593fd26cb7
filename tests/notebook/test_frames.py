from datetime import UTC, datetime, timedelta
from uuid import UUID

import pandas as pd
import pytest

from golem_nb.model import Component, EventType, PublicEntry, WorkerEvent, WorkerId, WorkerMetadata, WorkerStatus
from golem_nb.notebook.frames import (
    FAMILIES,
    HINTS,
    OPLOG_COLUMNS,
    calls_frame,
    components_frame,
    events_frame,
    oplog_frame,
    workers_frame,
)
from golem_nb.notebook.pictures.scrubber import open_invocations_of, statuses_of
from golem_nb.oplog.entries import KINDS

START = datetime(2026, 1, 1, tzinfo=UTC)
ID = WorkerId(UUID(int=1), "w")
FIVE = {"typ": {"type": "U32"}, "value": 5}


def entry(index, kind, **fields):
    return PublicEntry(index, kind, START + timedelta(milliseconds=index), fields)


ENTRIES = [
    entry(1, "Create", componentVersion=2),
    entry(
        2,
        "PendingWorkerInvocation",
        invocation={"fullFunctionName": "add", "functionInput": [FIVE], "idempotencyKey": "k"},
    ),
    entry(3, "ExportedFunctionInvoked", functionName="add", request=[FIVE], idempotencyKey="k"),
    entry(4, "BeginRemoteWrite"),
    entry(
        5,
        "ImportedFunctionInvoked",
        functionName="f",
        request=FIVE,
        response={"typ": {"type": "Result", "ok": {"type": "U32"}, "err": None}, "value": {"ok": 7}},
        durableFunctionType={"type": "WriteRemoteBatched", "index": 4},
    ),
    entry(6, "EndRemoteWrite", beginIndex=4),
    entry(7, "Log", level="Stdout", context="", message="hello"),
    entry(8, "Error", error="boom", retryFrom=3),
    entry(9, "ExportedFunctionCompleted", response=FIVE, consumedFuel=3),
]


def worker(**changes):
    return WorkerMetadata(ID, WorkerStatus.IDLE, 2, START, **changes)


def test_one_row_for_each_entry_in_the_columns_of_the_design():
    frame = oplog_frame(ENTRIES, component="shop", worker=worker(entries_replayed=5))

    assert tuple(frame.columns) == OPLOG_COLUMNS
    assert (frame.index.name, str(frame.index.dtype), list(frame.index)) == ("index", "int64", list(range(1, 10)))
    assert str(frame["timestamp"].dtype) == "datetime64[us, UTC]"
    assert frame["kind"].cat.ordered and frame["kind"].cat.categories.tolist().index("Create") == 0
    assert {str(frame[c].dtype) for c in ("fuel", "duration_us", "attempt", "begin_index", "version")} == {"Int64"}
    assert str(frame["replayed"].dtype) == "boolean"


def test_cells_are_plain_python_and_pairs_are_joined():
    frame = oplog_frame(ENTRIES, component="shop", worker=worker(entries_replayed=3))

    assert frame.loc[2, "request"] == [5]
    assert (frame.loc[5, "request"], frame.loc[5, "response"], frame.loc[5, "begin_index"]) == (5, {"ok": 7}, 4)
    assert frame.loc[6, "duration_us"] == 2000
    assert (frame.loc[9, "function"], frame.loc[9, "idempotency_key"], frame.loc[9, "begin_index"]) == ("add", "k", 3)
    assert (frame.loc[9, "duration_us"], frame.loc[9, "fuel"]) == (6000, 3)
    assert (frame.loc[7, "level"], frame.loc[7, "message"], frame.loc[8, "message"]) == ("Stdout", "hello", "boom")
    assert frame.loc[8, "attempt"] == 1
    assert set(frame["version"]) == {2}
    assert frame.attrs["golem"]["worker"] == "w"


def test_replayed_entries_are_told_from_live_ones_and_hints():
    frame = oplog_frame(ENTRIES, component="shop", worker=worker(entries_replayed=3))
    assert frame["replayed"].tolist() == [True, False, True, True, True, False, False, False, False]

    unknown = oplog_frame(ENTRIES, component="shop", worker=worker())
    assert unknown["replayed"].isna().all()


def test_the_finds_of_a_search_are_not_paired_with_what_they_do_not_belong_to():
    third, ninth = ENTRIES[2], ENTRIES[8]
    frame = oplog_frame([ENTRIES[0], third, ninth], component="shop", worker=worker(entries_replayed=3))

    assert pd.isna(frame.loc[9, "begin_index"]) and pd.isna(frame.loc[9, "version"])
    assert frame["replayed"].isna().all()


REVERTED = [
    entry(1, "Create", componentVersion=0),
    entry(2, "ExportedFunctionInvoked", functionName="add", request=[], idempotencyKey="k"),
    entry(3, "NoOp"),
    entry(4, "ExportedFunctionCompleted", response=FIVE, consumedFuel=0),
    entry(5, "SuccessfulUpdate", targetVersion=1),
    entry(6, "Revert", droppedRegion={"start": 4, "end": 5}),
    entry(7, "ExportedFunctionCompleted", response=FIVE, consumedFuel=0),
]


def test_an_invocation_whose_end_was_reverted_ends_again_on_the_version_of_then():
    frame = oplog_frame(REVERTED, component="shop")

    assert frame["version"].tolist() == [0, 0, 0, 0, 1, 0, 0]
    assert (frame.loc[7, "begin_index"], frame.loc[7, "idempotency_key"]) == (2, "k")


def test_updates_and_regions_say_what_they_are_about():
    manual = {"type": "ManualUpdate", "targetVersion": 3}
    entries = [
        entry(1, "PendingUpdate", targetVersion=3, description={"type": "Automatic"}),
        entry(2, "FailedUpdate", targetVersion=3, details="why"),
        entry(3, "PendingWorkerInvocation", invocation=manual),
        entry(4, "Revert", droppedRegion={"start": 2, "end": 3}),
        entry(5, "Jump", jump={"start": 2, "end": 5}),
    ]
    frame = oplog_frame(entries, component="shop")

    assert frame["message"].tolist() == ["to version 3", "why", "to version 3", "skips 2 to 3", "skips 2 to 5"]
    assert frame["family"].tolist() == ["update", "update", "invocation", "region", "region"]


def test_a_kind_of_a_newer_server_is_kept():
    frame = oplog_frame([*ENTRIES, entry(10, "HostCall"), entry(11, "Brandnew")], component="shop")

    assert list(frame["kind"].cat.categories)[-2:] == ["HostCall", "Brandnew"]
    assert frame.loc[10, "family"] == "call"
    assert frame.loc[11, "family"] == "other"


def test_no_entries_make_an_empty_frame_of_the_same_form():
    frame = oplog_frame([], component="shop")

    assert tuple(frame.columns) == OPLOG_COLUMNS
    assert len(frame) == 0


def test_the_kinds_and_hints_of_the_frames_are_those_of_the_oplog():
    public = {{"CancelPendingInvocation": "CancelInvocation"}.get(k.__name__, k.__name__) for k in KINDS}
    hints = {{"CancelPendingInvocation": "CancelInvocation"}.get(k.__name__, k.__name__) for k in KINDS if k.hint}

    assert set(FAMILIES) == public
    assert HINTS == hints


def test_workers_events_calls_and_components_share_their_words():
    workers = workers_frame([worker(last_index=5, forked_from=("a", "b"))], "shop")
    events = events_frame(
        [(1, WorkerEvent(EventType.INVOCATION_START, START, "add", None, {"function": "add", "idempotencyKey": "k"}))],
        "w",
    )
    calls = calls_frame(
        [{"call": "add(5)", "result": 5, "ok": True, "key": "k", "ms": 1.0, "worker": "w", "timestamp": START}]
    )
    components = components_frame([Component(UUID(int=1), "shop", 0, 10, START, (), "abc")])

    assert (workers.loc[0, "worker"], workers.loc[0, "status"], workers.loc[0, "last_index"]) == ("w", "Idle", 5)
    assert workers.loc[0, "forked_from"] == "b"
    assert (events.loc[1, "idempotency_key"], events.loc[1, "worker"], events.loc[1, "function"]) == ("k", "w", "add")
    assert (calls.loc[0, "idempotency_key"], calls.loc[0, "result"], calls.loc[0, "worker"]) == ("k", 5, "w")
    assert calls["timestamp"].dtype == events["timestamp"].dtype
    assert (components.loc[0, "component"], components.loc[0, "exports"]) == ("shop", 0)
    joined = events.merge(calls, on="idempotency_key")
    assert len(joined) == 1
    assert isinstance(pd.concat([workers, workers]), pd.DataFrame)


@pytest.mark.parametrize("odd", [None, "x", 1.5, [1], {}, {"start": "a", "index": []}, 10**30])
def test_fields_of_another_kind_than_ours_leave_their_cells_empty(odd):
    names = "invocation durableFunctionType beginIndex consumedFuel componentVersion targetVersion droppedRegion jump"
    fields = dict.fromkeys(names.split(), odd)

    kinds = ("Create", "ExportedFunctionInvoked", "ExportedFunctionCompleted", "SuccessfulUpdate", "Revert", "Jump")
    frame = oplog_frame([entry(at, kind, **fields) for at, kind in enumerate(kinds, 1)], component="shop")

    assert frame[["fuel", "version"]].isna().all(axis=None)
    assert len(statuses_of(frame)) == len(open_invocations_of(frame)) == len(kinds)
