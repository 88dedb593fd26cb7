from dataclasses import replace

import pandas as pd

from golem_nb.notebook.frames import oplog_frame
from golem_nb.notebook.invocations import invocations_of
from tests.notebook.test_frames import ENTRIES, FIVE, entry, worker


def test_begin_and_end_calls_and_errors_are_one_row():
    (row,) = invocations_of(oplog_frame(ENTRIES, component="shop", worker=worker(entries_replayed=3))).to_dict(
        "records"
    )

    assert (row["function"], row["args"], row["result"], row["ms"]) == ("add", [5], 5, 6.0)
    assert (row["calls"], row["attempts"], row["worker"], row["replayed"]) == (1, 2, "w", False)
    assert pd.isna(row["error"])


def test_what_is_under_way_has_its_last_error_and_no_end():
    (row,) = invocations_of(oplog_frame(ENTRIES[:8], component="shop")).to_dict("records")

    assert row["error"] == "boom"
    assert pd.isna(row["last_index"]) and pd.isna(row["ms"]) and row["result"] is None


def test_what_a_revert_has_undone_is_told():
    entries = [
        entry(1, "Create", componentVersion=0),
        *(entry(i, "ExportedFunctionInvoked", functionName="f", request=[], idempotencyKey=str(i)) for i in (2, 3, 4)),
        entry(5, "Revert", droppedRegion={"start": 3, "end": 4}),
        entry(6, "Revert", droppedRegion={"start": "x"}),
        entry(7, "ExportedFunctionInvoked", functionName="f", request=[], idempotencyKey="7"),
    ]

    assert invocations_of(oplog_frame(entries, component="shop"))["reverted"].tolist() == [False, True, True, False]


def test_an_attempt_that_left_nothing_is_not_counted():
    def attempts(entries):
        return invocations_of(oplog_frame(entries, component="shop"))["attempts"].tolist()

    assert attempts(ENTRIES[:8]) == [1]
    assert attempts([*ENTRIES[:8], entry(9, "NoOp")]) == [2]


def test_the_calls_of_one_are_not_those_of_the_next():
    call = {"functionName": "f", "request": FIVE, "response": FIVE, "durableFunctionType": {"type": "ReadLocal"}}
    entries = [
        entry(1, "ImportedFunctionInvoked", **call),
        entry(2, "ExportedFunctionInvoked", functionName="a", request=[], idempotencyKey="1"),
        entry(3, "ImportedFunctionInvoked", **call),
        entry(4, "ExportedFunctionCompleted", response=FIVE, consumedFuel=0),
        entry(5, "ExportedFunctionInvoked", functionName="b", request=[], idempotencyKey="2"),
        entry(6, "ImportedFunctionInvoked", **call),
        entry(7, "ImportedFunctionInvoked", **call),
    ]
    found = invocations_of(oplog_frame(entries, component="shop"))

    assert found["function"].tolist() == ["a", "b"]
    assert found["calls"].tolist() == [1, 2]
    assert found["last_index"].isna().tolist() == [False, True]


def test_a_page_that_begins_inside_of_one_has_none_of_it():
    assert len(invocations_of(oplog_frame(ENTRIES[4:], component="shop"))) == 0


def test_none_have_the_same_columns_and_kinds():
    none, one = (invocations_of(oplog_frame(entries, component="shop")) for entries in ([], ENTRIES))

    assert dict(none.dtypes) == dict(one.dtypes)


def test_the_names_of_newer_golems_are_paired_too():
    renamed = {
        "ExportedFunctionInvoked": "AgentInvocationStarted",
        "ExportedFunctionCompleted": "AgentInvocationFinished",
    }
    entries = [replace(one, kind=renamed.get(one.kind, one.kind)) for one in ENTRIES]

    (row,) = invocations_of(oplog_frame(entries, component="shop")).to_dict("records")

    assert (row["function"], row["result"], row["ms"], row["last_index"]) == ("add", 5, 6.0, 9)
