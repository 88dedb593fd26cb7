import dataclasses
import enum

import numpy
import pytest
from hypothesis import given

from golem_nb.errors import ValueMismatch
from golem_nb.values.python import python_from_value, value_from_python
from golem_nb.values.types import (
    BYTES,
    F64,
    STRING,
    U8,
    U32,
    Case,
    EnumType,
    FlagsType,
    ListType,
    OptionType,
    ResultType,
    VariantType,
    record,
)
from tests.values.strategies import TYPED

ITEM = record(product_id=STRING, count=U32, note=OptionType(STRING))


@dataclasses.dataclass
class Item:
    product_id: str
    count: int
    note: str | None = None


class Colour(enum.Enum):
    DARK_RED = 1


@given(TYPED)
def test_python_gives_the_value_back(typed):
    type, value = typed

    assert value_from_python(type, python_from_value(type, value)) == value


@pytest.mark.parametrize(
    ("type", "obj", "value"),
    [
        (ITEM, Item("tea", 2), {"product-id": "tea", "count": 2, "note": None}),
        (ITEM, {"product-id": "tea", "count": 2}, {"product-id": "tea", "count": 2, "note": None}),
        (BYTES, [1, 2], b"\x01\x02"),
        (BYTES, bytearray(b"x"), b"x"),
        (U32, numpy.int64(7), 7),
        (F64, 7, 7.0),
        (ListType(U32), (1, 2), [1, 2]),
        (EnumType(("dark-red",)), Colour.DARK_RED, "dark-red"),
        (FlagsType(("read", "write")), ["read"], frozenset({"read"})),
        (VariantType((Case("point"), Case("circle", F64))), "point", ("point", None)),
        (VariantType((Case("point"), Case("circle", F64))), {"circle": 2}, ("circle", 2.0)),
        (ResultType(U32, STRING), ("err", "no"), ("err", "no")),
    ],
)
def test_python_objects_are_understood(type, obj, value):
    assert value_from_python(type, obj) == value


@pytest.mark.parametrize("obj", [numpy.str_("text"), type("Own", (str,), {"__str__": lambda self: "another"})("text")])
def test_a_text_of_a_class_of_its_own_is_a_text(obj):
    value = value_from_python(STRING, obj)

    assert (value, type(value)) == ("text", str)


@pytest.mark.parametrize(
    ("type", "obj", "text"),
    [
        (U8, 300, "value: expected u8 (0 to 255), found 300"),
        (U8, 1.0, "value: expected u8, found number 1.0"),
        (ITEM, {"product_id": "tea"}, "value: expected record with the field count, found none of this name"),
        (
            ITEM,
            {"product_id": "tea", "count": 1, "colour": "red"},
            "value: expected record with the fields product-id, count, note, found the field colour",
        ),
        (ListType(STRING), "abc", "value: expected list, found string 'abc'"),
    ],
)
def test_a_wrong_object_says_where_and_why(type, obj, text):
    with pytest.raises(ValueMismatch) as caught:
        value_from_python(type, obj)

    assert str(caught.value) == text
