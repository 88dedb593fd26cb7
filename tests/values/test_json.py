import pytest
from hypothesis import given

from golem_nb.errors import ValueMismatch
from golem_nb.values.json import json_from_type, json_from_value, type_from_json, typed_from_json, value_from_json
from golem_nb.values.types import (
    BOOL,
    BYTES,
    CHAR,
    F64,
    S8,
    STRING,
    U8,
    U32,
    U64,
    Case,
    EnumType,
    FlagsType,
    Handle,
    HandleType,
    ListType,
    OptionType,
    ResultType,
    TupleType,
    TypedValue,
    VariantType,
    parts_of,
    record,
)
from tests.values.strategies import TYPED, TYPES


def _collapses(type):
    """JSON cannot tell some(none) from none."""
    return (isinstance(type, OptionType) and isinstance(type.payload, OptionType)) or any(
        map(_collapses, parts_of(type))
    )


@given(TYPED)
def test_json_gives_the_value_back(typed):
    type, value = typed

    if not _collapses(type):
        assert value_from_json(type, json_from_value(type, value)) == value


@given(TYPES)
def test_typ_gives_the_type_back(type):
    assert type_from_json(json_from_type(type)) == type


@pytest.mark.parametrize(
    ("type", "value", "json"),
    [
        (CHAR, "A", 65),
        (BYTES, b"\x00\xff", [0, 255]),
        (U64, 2**64 - 1, 18446744073709551615),
        (F64, float("inf"), None),
        (VariantType((Case("blue"), Case("rgb", U32))), ("blue", None), {"blue": None}),
        (ResultType(U32, STRING), ("err", "no"), {"err": "no"}),
        (ResultType(), ("ok", None), {"ok": None}),
        (FlagsType(("r", "w")), frozenset({"w", "r"}), ["r", "w"]),
        (record(first_name=STRING), {"first-name": "Ada"}, {"first-name": "Ada"}),
        (HandleType("a:b/c#cart", True), Handle("urn:worker:1/w", 3), "urn:worker:1/w/3"),
    ],
)
def test_json_is_golems(type, value, json):
    assert json_from_value(type, value) == json


@pytest.mark.parametrize(
    ("type", "json", "text"),
    [
        (U8, 300, "value: expected u8 (0 to 255), found 300"),
        (S8, -129, "value: expected s8 (-128 to 127), found -129"),
        (U32, True, "value: expected u32, found boolean True"),
        (U32, 1.5, "value: expected u32, found number 1.5"),
        (BOOL, "x", "value: expected bool, found string 'x'"),
        (STRING, "\ud800", "value: expected string, found a text with a lone surrogate"),
        (ListType(U32), [1, "x"], "value[1]: expected u32, found string 'x'"),
        (BYTES, [1, 256], "value[1]: expected u8 (0 to 255), found 256"),
        (BYTES, [True], "value[0]: expected u8, found boolean True"),
        (record(a=U32), {"b": 1}, "value: expected record with the field a, found key 'a' not found"),
        (record(a=record(b=U32)), {"a": {"b": "x"}}, "value.a.b: expected u32, found string 'x'"),
        (TupleType((U32, U32)), [1], "value: expected tuple (a list of 2), found list [1]"),
        (EnumType(("red", "green")), "blue", "value: expected one of red, green, found string 'blue'"),
        (ResultType(U32, None), {"okay": 1}, "value: expected a case of ok, err, found key 'okay'"),
        (CHAR, 0xD800, "value: expected char (a Unicode scalar value), found 55296"),
    ],
)
def test_a_wrong_value_says_where_and_why(type, json, text):
    with pytest.raises(ValueMismatch) as caught:
        value_from_json(type, json)

    assert str(caught.value) == text


def test_a_missing_option_is_none():
    assert value_from_json(record(a=OptionType(U32), b=U32), {"b": 1, "unknown": 2}) == {"a": None, "b": 1}


@pytest.mark.parametrize(
    ("json", "typed"),
    [
        (None, None),
        (5, TypedValue(None, 5)),
        ({"typ": {"type": "U32"}, "value": 5}, TypedValue(U32, 5)),
        ({"typ": {"type": "Tuple", "items": [{"type": "U32"}]}, "value": [5]}, TypedValue(U32, 5)),
        ({"typ": {"type": "Tuple", "items": []}, "value": []}, None),
    ],
)
def test_results_of_every_release_are_read(json, typed):
    assert typed_from_json(json) == typed


@pytest.mark.parametrize("typ", [5, {}, {"type": "U128"}, {"type": "List"}, {"type": "Record", "fields": 5}])
def test_a_wrong_typ_is_refused(typ):
    with pytest.raises(ValueMismatch):
        type_from_json(typ)
