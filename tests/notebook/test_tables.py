import pickle
import re
from copy import deepcopy
from datetime import timedelta

import pandas as pd
import pytest

from golem_nb.notebook import accessor, frames
from golem_nb.notebook.tables import GolemFrame, frame_text, layout_of
from tests.notebook.test_frames import ENTRIES, entry, worker


@pytest.fixture
def frame():
    accessor.register()
    yield frames.oplog_frame(ENTRIES, component="shop", worker=worker(entries_replayed=3))
    accessor.unregister()


def columns_of(text):
    return text.splitlines()[0].split()


@pytest.mark.parametrize("width", (40, 80, 100, 120))
def test_a_line_is_no_wider_than_the_terminal_and_has_what_matters_most(frame, width):
    text = frame_text(frame, width)

    assert max(map(len, text.splitlines())) <= width
    assert columns_of(text)[:1] == ["index"] and "kind" in columns_of(text)
    assert width == 40 or {"function", "request", "response", "message"} <= set(columns_of(text))
    assert "9 rows; times of 2026-01-01 UTC; not shown: " in " ".join(text.splitlines())


def test_a_terminal_has_the_whole_row_of_an_oplog(frame):
    lines = frame_text(frame, 100).splitlines()

    assert lines[0].split() == "index timestamp kind function request response message replayed".split()
    assert lines[5].split() == ["5", "00:00:00.005", "ImportedFunctionInvoked", "f", "5", "{'ok':", "7}", "True"]


def test_columns_without_room_and_columns_without_cells_are_named_below(frame):
    text = " ".join(frame_text(frame[["kind", "function", "raw", "version"]], 45).splitlines()[-2:])

    assert text.endswith("9 rows; not shown: raw, version")
    assert frame_text(frame[2:3][["kind", "function", "message"]], 45).endswith("1 row; empty: message")


def test_what_a_worker_writes_does_not_steer_the_terminal(frame):
    message = pd.Series(["\x1b[2J\u202etxt\ud800 a\nb"] * 9, index=frame.index, dtype="object")
    evil = frame.assign(message=message, function="\x9b31m", request=[{"\x07": "\x1b"}] * 9)

    for text in (frame_text(evil, 120), repr(evil.rename(columns=lambda name: f"my {name}\x1b"))):
        text.encode()
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)
    assert "\\x1b[2J\\u202etxt\\ud800 a⏎b" in frame_text(evil[["message"]], 120)


def test_long_cells_are_cut_and_functions_keep_their_end(frame):
    long = frame.assign(function="golem:it/shopping-cart-with-a-long-name.{add}", message="x" * 10_000)

    line = frame_text(long, 80).splitlines()[3]

    assert re.search(r"…\S*\{add\}  ", line) and re.search(r"x…$", line)


def test_characters_of_two_columns_are_counted_as_two(frame):
    lines = frame_text(frame.assign(message=["漢字" * 50, *["e\u0301"] * 8])[["message", "fuel"]], 60).splitlines()

    assert "漢字" * 11 in lines[1] and len(lines[1]) < 40
    assert lines[2].endswith("e\u0301")


def test_many_rows_are_shown_as_pandas_was_told_to(frame):
    many = pd.concat([frame] * 10, ignore_index=True)

    lines = frame_text(many, 80).splitlines()
    with pd.option_context("display.max_rows", None):
        whole = frame_text(many, 80).splitlines()

    assert [line.split()[0] for line in lines[1:12]] == [*"01234", "…", "85", "86", "87", "88", "89"]
    assert len(whole) > 90 and "90 rows" in lines[13]


def test_times_of_several_days_have_their_dates(frame):
    later = frame.assign(timestamp=frame["timestamp"] + timedelta(days=1))

    text = frame_text(pd.concat([frame, later])[["timestamp", "kind"]], 80)

    assert "2026-01-02 00:00:00  Create" in text and "18 rows; times in UTC" in text


def test_oplogs_of_several_workers_are_told_apart_and_own_columns_come_first(frame):
    both = pd.concat([frame, frame.assign(worker="v")]).assign(cost=1.23456789)

    assert columns_of(frame_text(both, 60)) == ["index", "kind", "function", "worker", "cost"]
    assert "1.235" in frame_text(both, 60)


def test_what_is_made_of_a_frame_reads_as_well(frame):
    events = frame.reset_index().golem.logs()

    made = (frame[frame["kind"] == "Log"], frame.golem.invocations(), events, events.merge(frame, on="worker"))

    for one in made:
        assert isinstance(one, GolemFrame) and re.search(r"\n\n\d+ rows?; times of ", repr(one))


def test_the_frames_of_users_look_as_ever(frame):
    plain = pd.DataFrame(frame)
    own = pd.DataFrame({"kind": ["a"] * 3, "function": list("xyz")})

    assert type(own.merge(frame, on="function")) is pd.DataFrame and type(plain) is pd.DataFrame
    assert "rows x 18 columns" in repr(plain)
    assert "<style scoped>" in plain._repr_html_() and "<style" not in frame._repr_html_()


def heads(html):
    return re.findall(r"<th [^>]*>(.*?)</th>", html)


def test_a_page_has_what_an_entry_says_and_names_the_rest(frame):
    html = frame._repr_html_()

    assert {"index", "timestamp", "kind", "function", "request", "response", "message"} <= set(heads(html))
    assert "raw" not in heads(html)
    assert html.count("<tr>") == 1 + len(frame)
    assert re.search(r">9 rows; times of 2026-01-01 UTC; not shown: [^<]*raw[^<]*</div>$", html)
    assert "no rows; columns: kind, function</div>" in frame[:0][["kind", "function"]]._repr_html_()


def test_what_a_worker_writes_does_nothing_in_a_page(frame):
    evil = '<script>alert(1)</script>" onmouseover="x'
    html = frame.assign(message=evil * 3, function=evil, request=[{evil: evil}] * 9)._repr_html_()

    assert "<script" not in html and '" onmouseover' not in html
    assert "&lt;script&gt;" in html


def test_a_long_cell_is_cut_in_a_page_and_whole_under_the_pointer(frame):
    text = frame.assign(message="x" * 200)._repr_html_()

    assert f'title="{"x" * 200}">{"x" * 79}…</td>' in text
    assert 'title="3f2a1b6c-key-of-a-call">3f2a1b6c…</td>' in (
        frame.assign(idempotency_key="3f2a1b6c-key-of-a-call")._repr_html_()
    )


def test_a_page_leaves_out_rows_as_pandas_does(frame):
    with pd.option_context("display.max_rows", 4, "display.min_rows", 4):
        html = frame._repr_html_()

    assert html.count("<tr>") == 1 + 4 + 1 and ">…</td></tr>" in html and ">9 rows; " in html


def test_a_page_is_as_pandas_makes_it_where_pandas_was_told_how(frame):
    with pd.option_context("display.max_columns", 3):
        assert frame._repr_html_() == pd.DataFrame(frame)._repr_html_()
    with pd.option_context("display.notebook_repr_html", False):
        assert frame._repr_html_() is None
    named = frame.rename(columns=lambda name: f"my {name}")
    assert named._repr_html_() == pd.DataFrame(named)._repr_html_()


def test_what_is_no_table_of_ours_any_more_is_shown_by_pandas(frame):
    pivot = frame.pivot_table(index="kind", columns="family", values="version", aggfunc="count", observed=True)
    named = frame.rename(columns=lambda name: f"my {name}")

    assert layout_of(pivot) is None and layout_of(frame.set_index(["kind", "function"])) is None
    assert repr(named) == repr(pd.DataFrame(named))
    assert frame_text(pd.DataFrame(), 80) is None


def test_who_tells_pandas_what_to_show_is_heeded(frame):
    with pd.option_context("display.max_columns", None, "display.width", 10_000):
        assert repr(frame) == repr(pd.DataFrame(frame))
    with pd.option_context("display.width", 300):
        assert "not shown" not in repr(frame.drop(columns="raw"))


def test_a_pickle_opens_where_golem_nb_is_not_installed_and_copies_stay(frame):
    written = pickle.dumps(frame)

    read = pickle.loads(written)

    assert b"golem_nb" not in written and type(read) is pd.DataFrame
    assert read.attrs == frame.attrs
    pd.testing.assert_frame_equal(frame, read)
    assert type(deepcopy(frame)) is type(frame.copy()) is GolemFrame


def test_a_parquet_file_of_pandas_own_opens(frame, tmp_path):
    frame.drop(columns=["request", "response", "raw"]).to_parquet(tmp_path / "x.parquet")

    assert pd.read_parquet(tmp_path / "x.parquet").index.tolist() == frame.index.tolist()


def test_numbers_have_their_points_below_each_other():
    def cells(*values):
        made = frames.GolemFrame({"ms": values, "ok": [True] * len(values)})
        return [line.split()[1] for line in frame_text(made, 80).splitlines()[1 : 1 + len(values)]]

    assert cells(1.5, 0.0123, 1000.0) == ["1.500", "0.012", "1000.000"]
    assert cells(3.0, 20.0) == ["3", "20"]
    assert cells(1e-9, 2.5) == ["1e-09", "2.5"]
    assert cells(float("inf"), 1e300) == ["inf", "1e+300"]


def test_each_frame_that_magics_return_has_a_layout():
    workers = frames.workers_frame([worker()], "shop")
    made = [
        workers,
        frames.components_frame([]),
        frames.files_frame([]),
        frames.calls_frame([]),
        frames.events_frame([], "w"),
        frames.oplog_frame([], component="shop"),
    ]

    for one in made:
        assert set(one.columns) <= set(layout_of(one))
    assert columns_of(frame_text(workers, 80))[:3] == ["worker", "status", "version"]


def test_a_frame_without_rows_says_so():
    text = frame_text(frames.oplog_frame([], component="shop"), 80)

    assert text.startswith("no rows; columns: timestamp, kind") and max(map(len, text.splitlines())) <= 80


def test_a_payload_of_a_megabyte_is_spelled_in_part(frame):
    big = [entry(n, "Log", level="Stdout", context="", message="y" * 1_000_000) for n in range(1, 4)]

    assert len(frame_text(frames.oplog_frame(big, component="shop"), 100)) < 1000
    assert len(frame_text(frame.assign(request=[list(range(1_000_000))] * 9), 100)) < 2000
