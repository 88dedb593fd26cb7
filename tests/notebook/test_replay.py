from dataclasses import replace
from datetime import UTC, datetime

import pytest

from golem_nb.errors import BadInput, InvocationFailed
from golem_nb.model import Difference, PublicEntry, Shadow, ShadowCall, ShadowResult, WorkerStatus
from golem_nb.notebook.replay import Replay, SavedReplay, line_of, place_of, value_of
from golem_nb.values.types import U32, TypedValue

AT = datetime(2026, 1, 1, tzinfo=UTC)


def result(*calls, difference=None, failure=None):
    return ShadowResult(9, 0, WorkerStatus.IDLE, 5, None, difference, failure, calls)


def test_the_last_call_counts():
    calls = (ShadowCall("f", TypedValue(U32, 1), None, ""), ShadowCall("f", TypedValue(U32, 2), None, ""))

    assert value_of(result(*calls)) == 2
    assert value_of(result(ShadowCall("f", None, None, ""))) is None


def test_what_failed_is_raised_with_what_it_printed():
    with pytest.raises(InvocationFailed, match="no such"):
        value_of(result(ShadowCall("f", None, "no such", "printed")))
    with pytest.raises(BadInput, match="entry 4 records a, not b"):
        value_of(result(difference=Difference(4, "a", "b")))
    with pytest.raises(BadInput, match="cannot be met again: trap"):
        value_of(result(failure="trap"))


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"functionName": "f", "response": {"typ": {}, "value": 5}}, "    7  Kind                       f → 5"),
        ({"message": "hello\n"}, "    7  Kind                       hello"),
        ({"invocation": {"fullFunctionName": "f"}}, "    7  Kind                       f"),
        ({"error": "boom"}, "    7  Kind                       boom"),
        ({"message": "\x1b[2Ja\nb"}, "    7  Kind                       \\x1b[2Ja⏎b"),
        ({}, "    7  Kind                       "),
    ],
)
def test_an_entry_is_a_line(fields, line):
    assert line_of(PublicEntry(7, "Kind", AT, fields)) == line


def test_the_place_that_matters_is_where_it_did_not_go_on():
    assert place_of(result()) == 9
    assert place_of(result(difference=Difference(4, "a", "b"))) == 4
    assert place_of(replace(result(failure="trap"), last_met=6)) == 6
    assert place_of(result(failure="trap")) == 1  # before its first entry


@pytest.mark.parametrize(("index", "output"), [(2, "a"), (3, "ab"), (4, "a"), (5, "ac")])
def test_output_that_a_revert_had_undone_is_not_what_was_printed(index, output):
    def printed(index, text):
        return PublicEntry(index, "Log", AT, {"level": "Stdout", "message": text})

    class Printed:
        def entries(self, worker):
            revert = PublicEntry(4, "Revert", AT, {"droppedRegion": {"start": 3, "end": 3}})
            yield from (PublicEntry(1, "Create", AT, {}), printed(2, "a"), printed(3, "b"), revert, printed(5, "c"))

    found = Replay(Printed, None, "w", Shadow(index), replace(result(), at_index=index))

    assert found.output == output


def test_a_megabyte_that_differs_is_shown_where_it_does():
    same = "x" * 1_000_000
    found = SavedReplay("f", "c", result(difference=Difference(4, f"the result '{same}a'", f"return '{same}b'")))

    assert len(found.text()) < 1000

    sides = result(difference=Difference(4, f"{same}a", f"{same}b"))
    with pytest.raises(BadInput, match=r"entry 4 records …x+a, not …x+b$"):
        value_of(sides)
