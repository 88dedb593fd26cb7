import pytest
from hypothesis import given

from golem_nb.errors import ValueMismatch
from golem_nb.notebook.payloads import PayloadReader, python_from_json, value_in_json
from golem_nb.values.json import json_from_typed, typed_from_json
from golem_nb.values.python import python_from_value
from golem_nb.values.types import TypedValue
from tests.values.strategies import TYPED

FIVE = {"typ": {"type": "U32"}, "value": 5}
RECORD = {
    "type": "Record",
    "fields": [
        {"name": "first-name", "typ": {"type": "Str"}},
        {"name": "age", "typ": {"type": "Option", "inner": {"type": "U8"}}},
    ],
}


@pytest.mark.parametrize(
    ("json", "value"),
    [
        (FIVE, 5),
        ([FIVE, 5], [5, 5]),
        (None, None),
        ({"typ": {"type": "Future"}, "value": 1}, {"typ": {"type": "Future"}, "value": 1}),
        ({"typ": {"type": "U32"}, "value": "x"}, {"typ": {"type": "U32"}, "value": "x"}),
        ({"typ": {"type": "Tuple", "items": []}, "value": []}, None),
        ({"typ": {"type": "Tuple", "items": [{"type": "U32"}]}, "value": [5]}, 5),
        ({"typ": RECORD, "value": {"first-name": "Ann"}}, {"first_name": "Ann", "age": None}),
        ({"typ": RECORD, "value": {"age": 5}}, {"typ": RECORD, "value": {"age": 5}}),
    ],
)
def test_values_become_plain_python_where_they_can(json, value):
    assert python_from_json(json) == value


@given(TYPED)
def test_values_are_those_that_are_made_without_haste(typed):
    json = json_from_typed(TypedValue(*typed))
    slow = slow_value(json)

    assert PayloadReader()(json) == slow
    assert type(PayloadReader()(json)) is type(slow)


def slow_value(json):
    try:
        typed = typed_from_json(json)
    except ValueMismatch:
        return json
    return None if typed is None else python_from_value(typed.type, typed.value)


def test_a_type_is_worked_out_once_and_values_are_not_shared():
    read = PayloadReader()
    first, second = (read({"typ": {"type": "List", "inner": {"type": "U32"}}, "value": [1]}) for _ in range(2))

    assert first == second == [1]
    assert first is not second


def test_a_payload_can_be_had_as_json_without_its_type():
    assert value_in_json([FIVE, {"typ": RECORD, "value": {"age": 5}}]) == [5, {"age": 5}]
    assert value_in_json("as it is") == "as it is"
