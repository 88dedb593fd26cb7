from datetime import UTC, datetime

import pytest

from golem_nb.errors import BadInput
from golem_nb.model import WorkerStatus
from golem_nb.oplog.filter_text import filter_from_texts
from golem_nb.oplog.filters import AllOf, Comparator, Condition, Field

MOMENT = datetime(2025, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("name = a", Condition(Field.NAME, Comparator.EQUAL, "a")),
        ("  name   startswith\ta ", Condition(Field.NAME, Comparator.STARTS_WITH, "a")),
        ("NAME NotLike a", Condition(Field.NAME, Comparator.NOT_LIKE, "a")),
        ("version >= 3", Condition(Field.VERSION, Comparator.GREATER_EQUAL, 3)),
        ("status ne failed", Condition(Field.STATUS, Comparator.NOT_EQUAL, WorkerStatus.FAILED)),
        ("createdAt < 2025-01-31T12:00:00Z", Condition(Field.CREATED_AT, Comparator.LESS, MOMENT)),
        ("created_at lessequal 2025-01-31T12:00:00", Condition(Field.CREATED_AT, Comparator.LESS_EQUAL, MOMENT)),
        ("env.Key == x", Condition(Field.ENV, Comparator.EQUAL, "x", "Key")),
    ],
)
def test_a_line_is_read(text, condition):
    assert filter_from_texts([text]) == AllOf((condition,))


def test_several_lines_must_all_hold_and_none_is_no_filter():
    assert filter_from_texts(["name = a", "version = 1"]) == AllOf(
        (Condition(Field.NAME, Comparator.EQUAL, "a"), Condition(Field.VERSION, Comparator.EQUAL, 1))
    )
    assert filter_from_texts([]) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "field comparator value"),
        ("name = a b", "field comparator value"),
        ("size = 3", "allowed: name, version, status, createdAt, env.NAME"),
        ("name > a", "Name cannot be compared by '>'; allowed: =, !=, like, notlike, startswith"),
        ("version like 1", "allowed: =, !=, >=, >, <=, <"),
        ("version = one", "whole number, found 'one'"),
        ("version = ٣", "whole number"),
        ("version = 99999999999999999999999", "whole number"),
        ("status = busy", "unknown status 'busy'; allowed: Running, Idle"),
        ("createdAt > soon", "2025-01-31T12:00:00Z, found 'soon'"),
        ("createdAt > 0001-01-01T00:00:00+14:00", "2025-01-31T12:00:00Z"),
    ],
)
def test_a_bad_line_says_what_is_wrong_and_what_is_allowed(text, told):
    with pytest.raises(BadInput, match=r"^Invalid filter: ") as caught:
        filter_from_texts([text])

    assert told in str(caught.value)
