import json

import pandas as pd
import pytest

from golem_nb.errors import BadInput, UsageError
from golem_nb.notebook import accessor
from golem_nb.notebook.accessor import OplogAccessor, register, unregister
from golem_nb.notebook.frames import oplog_frame
from tests.notebook.test_frames import ENTRIES, REVERTED, entry, worker


@pytest.fixture
def frame():
    register()
    yield oplog_frame(ENTRIES, component="shop", worker=worker(entries_replayed=3))
    unregister()


def test_a_frame_of_another_kind_has_no_accessor(frame):
    assert hasattr(frame, "golem")
    assert not hasattr(pd.DataFrame({"a": [1]}), "golem")


def test_registering_twice_warns_of_nothing(frame):
    register()

    assert isinstance(frame.golem, OplogAccessor)


def test_calls_are_those_of_host_functions(frame):
    assert frame.golem.calls()["function"].tolist() == ["f"]


def test_invocations_join_beginning_and_end(frame):
    (row,) = frame.golem.invocations().to_dict("records")

    assert (row["function"], row["args"], row["result"], row["ms"], row["calls"], row["attempts"]) == (
        "add",
        [5],
        5,
        6.0,
        1,
        2,
    )
    assert (row["first_index"], row["last_index"], row["idempotency_key"]) == (3, 9, "k")


def test_an_invocation_under_way_has_no_result():
    register()
    frame = oplog_frame(ENTRIES[:8], component="shop")
    (row,) = frame.golem.invocations().to_dict("records")
    unregister()

    assert (row["result"], row["error"], pd.isna(row["ms"]), pd.isna(row["last_index"])) == (None, "boom", True, True)


def test_an_invocation_that_ended_again_after_a_revert_has_its_last_end():
    register()
    (row,) = oplog_frame(REVERTED, component="shop").golem.invocations().to_dict("records")
    unregister()

    assert (row["first_index"], row["last_index"], row["result"]) == (2, 7, 5)


def test_logs_errors_and_counts(frame):
    assert frame.golem.logs()["message"].tolist() == ["hello"]
    assert frame.golem.errors()["message"].tolist() == ["boom"]
    assert frame.golem.counts()["Log"] == 1
    assert frame.golem.between(2, 4).index.tolist() == [2, 3, 4]


def test_calls_logs_and_errors_have_the_names_that_frames_join_by(frame):
    for view in (frame.golem.calls(), frame.golem.logs(), frame.golem.errors()):
        assert view[["idempotency_key", "worker"]].drop_duplicates().to_dict("records") == [
            {"idempotency_key": "k", "worker": "w"}
        ]
        assert "timestamp" in view


def test_what_lies_between_two_invocations_has_no_key(frame):
    call = {"functionName": "f", "request": None, "response": None, "durableFunctionType": {"type": "ReadLocal"}}
    between = oplog_frame([*ENTRIES, entry(10, "ImportedFunctionInvoked", **call)], component="shop")

    assert between.golem.calls()["idempotency_key"].isna().tolist() == [False, True]


def test_oplogs_one_below_the_other_have_each_their_keys(frame):
    other = frame.assign(worker="other", idempotency_key=frame["idempotency_key"].replace("k", "q"))

    both = pd.concat([frame, other])

    assert both.golem.calls()[["worker", "idempotency_key"]].to_numpy().tolist() == [["w", "k"], ["other", "q"]]
    assert both.golem.between(8, 9).index.tolist() == [8, 9, 8, 9]


def test_an_exception_that_ended_an_invocation_is_its_error():
    register()
    ended = entry(9, "ExportedFunctionCompleted", error="KeyError: 'x'", consumedFuel=0)
    frame = oplog_frame([*ENTRIES[:8], ended], component="shop", worker=worker())
    (row,) = frame.golem.invocations().to_dict("records")
    bad = frame.golem.errors()
    unregister()

    assert (row["error"], row["result"], row["ms"], row["attempts"]) == ("KeyError: 'x'", None, 6.0, 2)
    assert bad["message"].tolist() == ["boom", "KeyError: 'x'"]


def test_a_frame_with_a_new_index_is_read_by_its_column(frame):
    assert frame.reset_index().golem.between(2, 3).index.tolist() == [2, 3]


def test_rows_in_any_order_have_parts(frame):
    assert sorted(frame.sample(frac=1, random_state=1).golem.between(2, 4).index) == [2, 3, 4]


def test_a_function_is_named_by_its_last_part_and_a_wrong_one_is_told(frame):
    long = frame.assign(function=frame["function"].replace("add", "shop:api/cart.{add-item}"))

    assert long.golem.payload("request", function="add_item").index.tolist() == [2, 3]
    with pytest.raises(UsageError, match="did you mean add-item"):
        long.golem.payload(function="add-itme")
    with pytest.raises(UsageError, match="not in 'respons'"):
        long.golem.payload("respons")


def test_lines_that_cannot_be_written_are_told(frame, tmp_path):
    with pytest.raises(UsageError, match="cannot be written: No such file"):
        frame.golem.to_jsonl(tmp_path / "missing" / "x.jsonl")


def test_as_text_it_is_a_line_for_each_entry(frame):
    evil = frame.assign(message=frame["message"].replace("hello", "\x1b[2J" + "x" * 200))

    lines = repr(evil.golem).splitlines()

    assert len(lines) == 9 and max(map(len, lines)) == 110
    assert lines[4] == "     5 ↺ ImportedFunctionInvoked    f 5 → {'ok': 7}"
    assert lines[6].startswith("     7   Log                        \\x1b[2Jxxx")
    assert repr(frame.head(0).golem) == "no entries"
    assert repr(pd.concat([frame] * 7).golem).endswith("3 more; df.golem.between(a, b) shows them")


def test_payloads_become_columns(frame):
    assert frame.golem.payload("response", function="f").to_dict("records") == [{"ok": 7}]
    assert frame.golem.payload("response", function="add").to_dict("records") == [{"value": 5}]


def test_json_lines_are_as_the_api_sends_them(frame):
    lines = [json.loads(line) for line in frame.golem.to_jsonl().splitlines()]

    assert [line["oplogIndex"] for line in lines] == list(range(1, 10))
    assert lines[6]["entry"] == {
        "type": "Log",
        "timestamp": "2026-01-01T00:00:00.007Z",
        "level": "Stdout",
        "context": "",
        "message": "hello",
    }


def test_the_table_escapes_what_a_worker_says_and_is_bounded():
    register()
    nasty = [entry(n, "Log", level="Stdout", context="", message="<b>x</b>" * 30) for n in range(1, 100)]
    html = oplog_frame(nasty, component="shop").golem._repr_html_()
    unregister()

    assert "<b>x" not in html and "&lt;b&gt;x" in html
    assert "39 more" in html
    assert "<style" not in html and "<script" not in html
    assert accessor.MOST_ROWS == 60


def test_a_query_finds_entries_as_the_server_would(frame):
    assert frame.golem.where("hello").index.tolist() == [7]
    assert frame.golem.where("add AND NOT pending").index.tolist() == [3]
    with pytest.raises(BadInput, match="the query is wrong"):
        frame.golem.where("(")


def test_a_diff_takes_another_oplog(frame):
    assert frame.golem.diff(frame).is_same
    with pytest.raises(UsageError, match="another oplog frame"):
        frame.golem.diff(pd.DataFrame({"a": [1]}))


def test_pictures_are_of_the_rows_that_are_left(frame):
    part = frame.golem.between(3, 6).golem

    assert "entries 3 to 6" in str(part.timeline())
    assert "f " in str(part.latency("calls"))
    assert "at #4" in str(part.scrubber(at=4))


def test_files_are_written_and_read_in_one_call(frame, tmp_path):
    frame.golem.to_jsonl(tmp_path / "log.jsonl")
    path = frame.golem.to_parquet(tmp_path / "log.parquet")

    assert pd.DataFrame.golem.from_jsonl(tmp_path / "log.jsonl").index.tolist() == frame.index.tolist()
    pd.testing.assert_frame_equal(pd.DataFrame.golem.from_parquet(path), frame)
    assert frame.golem.to_arrow().num_rows == 9


def test_the_oplogs_of_several_workers_are_one_frame_but_not_one_picture(frame):
    second = frame.assign(worker="v")
    both = pd.concat([frame, second])

    assert both.golem.invocations()[["worker", "last_index"]].to_numpy().tolist() == [["w", 9], ["v", 9]]
    for picture in ("timeline", "latency", "scrubber"):
        with pytest.raises(UsageError, match=r"more than one oplog \(w, v\): choose one"):
            getattr(both.golem, picture)()
    with pytest.raises(UsageError, match="more than one oplog"):
        frame.golem.diff(both)


def test_rows_in_another_order_are_put_in_that_of_the_oplog(frame):
    mixed = frame.sort_values("kind").golem

    assert str(mixed.timeline()) == str(frame.golem.timeline())
    assert mixed.invocations()["last_index"].tolist() == [9]


def test_the_table_tells_replayed_from_live_and_hints_are_neither(frame):
    html = frame.golem._repr_html_()

    assert (html.count("↺ replayed"), html.count("● live")) == (4, 2)


def test_a_value_that_is_none_of_its_type_cannot_be_searched():
    register()
    damaged = entry(1, "ExportedFunctionInvoked", functionName="add", request=[{"typ": 3, "value": 5}])
    frame = oplog_frame([damaged], component="shop")
    try:
        with pytest.raises(BadInput, match="entry 1 has a value that is none of its type"):
            frame.golem.where("nothing")
    finally:
        unregister()


def test_a_long_word_may_be_broken_and_is_escaped(frame):
    html = frame.assign(message=frame["message"].replace("hello", "<" * 20 + "\0 b"))[6:7].golem._repr_html_()

    assert f"{'&lt;' * 16}<wbr>{'&lt;' * 4}\\x00 b" in html
