from dataclasses import replace

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from golem_nb.notebook import oplog_diff
from golem_nb.notebook.frames import oplog_frame
from golem_nb.notebook.oplog_diff import LEFT, OTHER, RIGHT, SAME, align, diff_oplogs
from tests.notebook.test_frames import ENTRIES, FIVE, entry

LETTERS = st.text("abc", max_size=14)


@given(LETTERS, LETTERS)
def test_an_alignment_has_all_of_both_in_order_and_pairs_equals(left, right):
    pairs = align(left, right)

    assert [a for a, _ in pairs if a is not None] == list(range(len(left)))
    assert [b for _, b in pairs if b is not None] == list(range(len(right)))
    assert all(left[a] == right[b] for a, b in pairs if a is not None and b is not None)


@given(LETTERS, LETTERS)
def test_an_alignment_has_as_many_pairs_as_there_can_be(left, right):
    paired = sum(a is not None and b is not None for a, b in align(left, right))

    assert paired == longest_common(left, right)


def longest_common(left, right):
    row = [0] * (len(right) + 1)
    for a in left:
        new = [0]
        for at, b in enumerate(right):
            new.append(row[at] + 1 if a == b else max(row[at + 1], new[at]))
        row = new
    return row[-1]


@given(LETTERS, LETTERS)
def test_what_differs_too_much_is_all_there_nevertheless(left, right):
    most, oplog_diff.MOST_EDITS = oplog_diff.MOST_EDITS, 3
    try:
        pairs = align(left, right)
    finally:
        oplog_diff.MOST_EDITS = most

    assert [a for a, _ in pairs if a is not None] == list(range(len(left)))
    assert [b for _, b in pairs if b is not None] == list(range(len(right)))
    assert all(left[a] == right[b] for a, b in pairs if a is not None and b is not None)


def frame(entries, component="shop"):
    return oplog_frame(entries, component=component)


def test_an_oplog_is_the_same_as_itself():
    diff = diff_oplogs(frame(ENTRIES), frame(ENTRIES, "twin"))

    assert diff.is_same and diff.first is None
    assert diff.text() == "shop and twin are the same, entry by entry (9)\n  9 same\n      … 9 the same …"


def test_another_value_on_the_same_way_is_told_from_another_way():
    six = {"typ": {"type": "U32"}, "value": 6}
    other = [*ENTRIES[:8], entry(9, "ExportedFunctionCompleted", response=six, consumedFuel=3)]
    diff = diff_oplogs(frame(ENTRIES), frame(other, "twin"))

    assert diff.df["op"].tolist() == [SAME] * 8 + [OTHER]
    assert diff.sentence == (
        "shop and twin go the same way; "
        "values first differ at #9 and #9 (ExportedFunctionCompleted add: response 5 | 6)"
    )


def test_the_first_entry_that_one_side_lacks_is_named():
    other = [*ENTRIES[:6], entry(7, "NoOp"), entry(8, "ExportedFunctionCompleted", response=FIVE, consumedFuel=3)]
    diff = diff_oplogs(frame(ENTRIES), frame(other, "twin"))

    assert diff.df["op"].tolist() == [SAME] * 6 + [LEFT, LEFT, RIGHT, SAME]
    assert diff.sentence == "shop and twin go the same way for 6 entries; then left has Log (#7), right has NoOp (#7)"
    assert diff.counts == {SAME: 7, OTHER: 0, LEFT: 2, RIGHT: 1}
    assert diff.first["left"] == 7


def test_times_and_keys_do_not_count():
    later = [entry(2 * n, "NoOp") for n in range(1, 4)]

    assert diff_oplogs(frame([entry(n, "NoOp") for n in range(1, 4)]), frame(later)).is_same


def test_what_is_shown_is_bounded_folded_and_escaped():
    nasty = [entry(n, "Log", level="Stdout", context="", message=f"<b>{n}</b>") for n in range(1, 200)]
    diff = diff_oplogs(frame(nasty), frame([entry(1, "NoOp")]))

    assert "<b>1" not in diff.html() and "&lt;b&gt;1" in diff.html()
    assert "<style" not in diff.html() and "<svg" not in diff.html()
    assert "140 more; .df has them all" in diff.text()


def test_an_empty_oplog_can_be_compared():
    assert diff_oplogs(frame([]), frame([])).is_same
    assert diff_oplogs(frame([]), frame(ENTRIES)).sentence.startswith("shop and shop (right) part at once; then left")


def test_long_values_are_cut_to_where_they_differ():
    def log(text):
        return frame([entry(1, "Log", level="Stdout", context="", message="a" * 100 + text)])

    (row,) = diff_oplogs(log("left"), log("right")).df.to_dict("records")

    assert row["detail"] == f"message …{'a' * 20}left | …{'a' * 20}right"


@given(st.lists(st.sampled_from(ENTRIES), max_size=6), st.lists(st.sampled_from(ENTRIES), max_size=6))
def test_a_row_has_the_entries_that_it_says(left, right):
    frames = [
        oplog_frame([replace(e, index=n) for n, e in enumerate(entries, 11)], component="shop")
        for entries in (left, right)
    ]

    df = diff_oplogs(*frames).df

    assert [str(kind) for kind in df.dtypes] == ["category", "Int64", "Int64", "str", "str", "str"]
    for row in df.to_dict("records"):
        for side, frame in zip(("left", "right"), frames, strict=True):
            if not pd.isna(row[side]):
                entry = frame.loc[row[side]]
                assert row["kind"] == entry["kind"]
                assert row["function"] == entry["function"] or (pd.isna(row["function"]) and pd.isna(entry["function"]))
        assert (pd.isna(row["left"]), pd.isna(row["right"])) == (row["op"] == RIGHT, row["op"] == LEFT)
