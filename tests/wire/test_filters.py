from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golem_nb.errors import BadInput
from golem_nb.model import WorkerStatus
from golem_nb.oplog.filters import COMPARATORS_OF, AllOf, AnyOf, Comparator, Condition, Field, Not
from golem_nb.wire.filters import (
    MOST_CONDITIONS,
    MOST_DEPTH,
    filter_from_json,
    find_from_json,
    json_from_filter,
    json_from_find,
)

MOMENT = datetime(2025, 1, 31, 12, tzinfo=UTC)


def test_a_structured_filter_is_read():
    json = {
        "type": "And",
        "filters": [
            {"type": "Name", "comparator": "Like", "value": "a"},
            {"type": "Not", "filter": {"type": "Status", "comparator": "Equal", "value": "Failed"}},
            {"type": "Or", "filters": []},
            {"type": "Version", "comparator": "greater", "value": 3},
            {"type": "CreatedAt", "comparator": "LessEqual", "value": "2025-01-31T12:00:00Z"},
            {"type": "Env", "name": "K", "comparator": "Equal", "value": "x y"},
            {"type": "WasiConfigVars", "name": "c", "comparator": "StartsWith", "value": ""},
        ],
    }

    assert filter_from_json(json) == AllOf(
        (
            Condition(Field.NAME, Comparator.LIKE, "a"),
            Not(Condition(Field.STATUS, Comparator.EQUAL, WorkerStatus.FAILED)),
            AnyOf(()),
            Condition(Field.VERSION, Comparator.GREATER, 3),
            Condition(Field.CREATED_AT, Comparator.LESS_EQUAL, MOMENT),
            Condition(Field.ENV, Comparator.EQUAL, "x y", "K"),
            Condition(Field.CONFIG, Comparator.STARTS_WITH, "", "c"),
        )
    )


@pytest.mark.parametrize(
    ("json", "told"),
    [
        (5, "filter must be an object"),
        ({}, "filter.type is one of Name, Status, Version, CreatedAt, Env, WasiConfigVars, And, Or, Not; found None"),
        ({"type": ["Name"]}, "filter.type"),
        ({"type": "And"}, "filter.filters must be a list"),
        ({"type": "Or", "filters": [{"type": "Not"}]}, r"filter.filters[0].filter must be an object"),
        ({"type": "Name", "value": "a"}, "filter.comparator must be a text"),
        ({"type": "Name", "comparator": "Greater", "value": "a"}, "allowed: =, !=, like"),
        ({"type": "Name", "comparator": "Equal", "value": 5}, "filter.value must be a text"),
        ({"type": "Version", "comparator": "Equal", "value": True}, "filter.value must be a whole number"),
        ({"type": "Version", "comparator": "Equal", "value": -1}, "whole number"),
        ({"type": "Version", "comparator": "Equal", "value": 1 << 80}, "whole number"),
        ({"type": "Env", "comparator": "Equal", "value": "x"}, "filter.name must name the variable"),
    ],
)
def test_a_bad_filter_says_where_and_what_is_allowed(json, told):
    with pytest.raises(BadInput, match=r"^Invalid filter: ") as caught:
        filter_from_json(json)

    assert told in str(caught.value)


def test_deep_and_wide_filters_are_refused():
    deep = {"type": "Or", "filters": []}
    for _ in range(MOST_DEPTH):
        deep = {"type": "Not", "filter": deep}
    wide = {"type": "Or", "filters": [{"type": "Or", "filters": []}] * MOST_CONDITIONS}

    for json in (deep, wide):
        with pytest.raises(BadInput, match=f"at most {MOST_CONDITIONS} conditions, nested {MOST_DEPTH} deep"):
            filter_from_json(json)
    assert filter_from_json(deep["filter"]) and filter_from_json({"type": "Or", "filters": wide["filters"][1:]})


def _conditions():
    values = {
        Field.NAME: st.text(),
        Field.STATUS: st.sampled_from(WorkerStatus),
        Field.VERSION: st.integers(0, (1 << 63) - 1),
        Field.CREATED_AT: st.datetimes(datetime(1970, 1, 1), datetime(9000, 1, 1), timezones=st.just(UTC)).map(
            lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        ),
        Field.ENV: st.text(),
        Field.CONFIG: st.text(),
    }
    return st.one_of(
        st.builds(
            Condition,
            st.just(field),
            st.sampled_from(COMPARATORS_OF[field]),
            value,
            st.text(min_size=1) if field in (Field.ENV, Field.CONFIG) else st.just(""),
        )
        for field, value in values.items()
    )


@given(
    st.recursive(
        _conditions(),
        lambda inner: (
            st.builds(Not, inner)
            | st.builds(AllOf, st.lists(inner).map(tuple))
            | st.builds(AnyOf, st.lists(inner).map(tuple))
        ),
        max_leaves=8,
    )
)
def test_what_is_written_is_read(filter):
    assert filter_from_json(json_from_filter(filter)) == filter


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["type", "filters", "filter", "value"]), inner),
)


@given(JSON)
def test_whatever_is_not_a_filter_is_bad_input(json):
    try:
        filter_from_json(json)
    except BadInput as error:
        assert str(error).startswith("Invalid filter: ")


def test_a_search_is_read_as_it_is_written():
    filter = Condition(Field.NAME, Comparator.EQUAL, "a")

    assert find_from_json(json_from_find(filter, "7", 3)) == (filter, "7", 3, False)
    assert find_from_json({}) == (None, None, None, False)
    assert find_from_json({"cursor": {"cursor": 12, "layer": 0}, "precise": True}) == (None, "12", None, True)


@pytest.mark.parametrize(
    "json", [{"count": 0}, {"count": True}, {"count": "5"}, {"cursor": []}, {"cursor": {}}, {"precise": 1}]
)
def test_a_bad_search_is_bad_input(json):
    with pytest.raises(BadInput):
        find_from_json(json)
