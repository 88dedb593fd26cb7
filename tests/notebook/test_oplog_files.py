import json
import sys

import pandas as pd
import pytest

from golem_nb.errors import BadInput, NotSupported, UsageError
from golem_nb.notebook.frames import oplog_frame
from golem_nb.notebook.oplog_files import (
    arrow_from_oplog,
    jsonl_from_oplog,
    oplog_from_jsonl,
    oplog_from_parquet,
    read_oplog,
    write_parquet,
)
from tests.notebook.test_frames import ENTRIES, entry, worker


@pytest.fixture
def frame():
    return oplog_frame(ENTRIES, component="shop", worker=worker(entries_replayed=3), server="here")


def test_parquet_gives_the_frame_back(frame, tmp_path):
    again = oplog_from_parquet(write_parquet(frame, tmp_path / "log.parquet"))

    pd.testing.assert_frame_equal(again, frame)
    assert again.attrs["golem"] == frame.attrs["golem"]


def test_an_empty_oplog_goes_to_parquet_and_back(tmp_path):
    empty = oplog_frame([], component="shop")

    assert len(oplog_from_parquet(write_parquet(empty, tmp_path / "log.parquet"))) == 0


def test_arrow_has_payloads_as_json_text_without_types(frame):
    table = arrow_from_oplog(frame)

    assert [table["request"][row].as_py() for row in (1, 4, 6)] == ["[5]", "5", None]
    assert table["response"][4].as_py() == '{"ok":7}'
    assert json.loads(table["raw"][4].as_py())["functionName"] == "f"
    assert str(table["timestamp"].type) == "timestamp[us, tz=UTC]"


def test_json_lines_give_the_entries_back(frame, tmp_path):
    path = tmp_path / "shop.jsonl"
    path.write_text(jsonl_from_oplog(frame))
    again = oplog_from_jsonl(path)

    for column in ("timestamp", "kind", "function", "request", "response", "message", "begin_index"):
        pd.testing.assert_series_equal(again[column], frame[column])
    assert again.attrs["golem"]["component"] == "shop"


def test_the_pairs_of_newer_golems_are_read(tmp_path):
    path = tmp_path / "pairs.ndjson"
    path.write_text('[7, {"type": "NoOp", "timestamp": "2026-01-01T00:00:00Z"}]\n\n')

    assert read_oplog(path).index.tolist() == [7]


@pytest.mark.parametrize(
    ("name", "text", "error", "said"),
    [
        ("none.jsonl", None, UsageError, "there is no file"),
        ("oplog.csv", "x", UsageError, r"ends in none of .parquet, .jsonl, .ndjson"),
        ("broken.jsonl", '{"oplogIndex": 1}\n', BadInput, "line 1 is no entry of an oplog"),
        ("text.jsonl", "hello\n", BadInput, "line 1 is no entry"),
        ("text.parquet", "hello", BadInput, "is no Parquet file"),
    ],
)
def test_a_file_of_another_kind_is_one_line(tmp_path, name, text, error, said):
    path = tmp_path / name
    if text is not None:
        path.write_text(text)

    with pytest.raises(error, match=said):
        read_oplog(path)


def test_a_parquet_file_of_something_else_is_one_line(tmp_path):
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "a.parquet")

    with pytest.raises(BadInput, match="holds no oplog"):
        read_oplog(tmp_path / "a.parquet")


def test_a_folder_that_is_not_there_is_one_line(frame, tmp_path):
    with pytest.raises(UsageError, match="cannot be written: No such file or directory"):
        write_parquet(frame, tmp_path / "none" / "log.parquet")


def test_without_pyarrow_the_line_says_what_to_install(frame, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(NotSupported, match=r"pip install 'golem-nb\[arrow\]'"):
        write_parquet(frame, tmp_path / "log.parquet")


def test_an_entry_of_a_newer_server_goes_to_parquet_and_back(tmp_path):
    frame = oplog_frame([entry(1, "Brandnew", response={"typ": {"type": "Future"}, "value": 1})], component="shop")
    again = oplog_from_parquet(write_parquet(frame, tmp_path / "log.parquet"))

    assert (str(again.loc[1, "kind"]), again.loc[1, "response"]) == ("Brandnew", frame.loc[1, "response"])


LINE = '{"oplogIndex": 1, "entry": {"type": "Create", "timestamp": "2026-01-01T00:00:00Z"}}'


@pytest.mark.parametrize(
    "line",
    [
        LINE.replace("1,", "-1,"),
        LINE.replace("1,", '"1",'),
        LINE.replace("1,", "1e30,"),
        LINE.replace('"Create"', "null"),
        LINE.replace("2026", "x"),
        LINE.encode() + b"\xff",
        b"\xff\xfe",
    ],
)
def test_a_damaged_line_is_named(tmp_path, line):
    path = tmp_path / "log.jsonl"
    path.write_bytes(LINE.encode() + b"\n" + (line if isinstance(line, bytes) else line.encode()))

    with pytest.raises(BadInput, match="line 2 is no entry of an oplog"):
        oplog_from_jsonl(path)


def test_a_damaged_table_is_one_line(frame, tmp_path):
    from pyarrow import parquet

    table = arrow_from_oplog(frame.assign(timestamp="then"))
    parquet.write_table(table, tmp_path / "log.parquet")

    with pytest.raises(BadInput, match=r"holds no oplog as \.golem\.to_parquet writes it"):
        oplog_from_parquet(tmp_path / "log.parquet")
