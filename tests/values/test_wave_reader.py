import pytest
from hypothesis import given

from golem_nb.errors import ValueMismatch
from golem_nb.values.types import (
    BOOL,
    BYTES,
    CHAR,
    F64,
    STRING,
    U8,
    U32,
    Case,
    EnumType,
    FlagsType,
    HandleType,
    ListType,
    OptionType,
    Parameter,
    ResultType,
    Some,
    TupleType,
    VariantType,
    record,
)
from golem_nb.values.wave import text_from_value
from golem_nb.values.wave_reader import arguments_from_text, value_from_text, values_from_text
from tests.values.strategies import TYPED

SHAPE = VariantType((Case("dot"), Case("circle", U32)))
MAYBE = OptionType(U32)


@given(TYPED)
def test_what_is_written_is_read_back(typed):
    type, value = typed

    assert value_from_text(type, text_from_value(type, value)) == value


@pytest.mark.parametrize(
    ("type", "text", "value"),
    [
        (BOOL, " true ", True),
        (U32, "7", 7),
        (F64, "-1.5e3", -1500.0),
        (F64, "-inf", float("-inf")),
        (CHAR, r"'\''", "'"),
        (STRING, r'"a \"b\"\n\u{1F600}"', 'a "b"\n\U0001f600'),
        (STRING, '"  blanks  "', "  blanks  "),
        (BYTES, "[1, 255]", b"\1\xff"),
        (ListType(U32), "[1, 2,]", [1, 2]),
        (TupleType((U32, STRING)), '(1, "x")', (1, "x")),
        (record(a=U32, b=MAYBE), "{ a : 1 }", {"a": 1, "b": None}),
        (record(b=MAYBE), "{:}", {"b": None}),
        (SHAPE, "circle(3)", ("circle", 3)),
        (SHAPE, "dot", ("dot", None)),
        (EnumType(("true",)), "%true", "true"),
        (FlagsType(("read", "write")), "{write}", {"write"}),
        (MAYBE, "5", 5),
        (MAYBE, "some(5)", 5),
        (MAYBE, "none", None),
        (OptionType(MAYBE), "some(none)", Some(None)),
        (ResultType(U32, STRING), "5", ("ok", 5)),
        (ResultType(U32, STRING), 'err("x")', ("err", "x")),
        (ResultType(None, None), "ok", ("ok", None)),
    ],
)
def test_shorter_forms_are_read(type, text, value):
    assert value_from_text(type, text) == value


@pytest.mark.parametrize(
    ("type", "text", "wanted"),
    [
        (BOOL, "yes", "expected true or false"),
        (U32, "1.5", "a whole number instead of 1.5"),
        (U8, "300", "u8"),
        (U32, "7 8", "expected the end at character 3, found 8"),
        (STRING, '"open', 'expected the closing " on the same line at character 6, found the end'),
        (STRING, r'"\q"', "an escape that WAVE has"),
        (BYTES, "[1, 300]", "numbers from 0 to 255"),
        (TupleType((U32, U32)), "(1)", "2 values instead of 1"),
        (TupleType((U32,)), "(1, 2)", "no more values"),
        (record(a=U32), "{b: 1}", "a field out of a instead of b"),
        (record(a=U32), "{}", "the field a"),
        (SHAPE, "square", "one of dot, circle instead of square"),
        (EnumType(("a",)), "b", "one of a"),
        (HandleType("a:b/c#d", True), "x", "no handle"),
    ],
)
def test_what_is_no_value_is_refused_with_its_place(type, text, wanted):
    with pytest.raises(ValueMismatch) as refused:
        value_from_text(type, text)

    assert wanted in str(refused.value)


def test_arguments_are_read_in_their_order():
    assert values_from_text([STRING, U32], '"user-1", 5') == ["user-1", 5]
    assert values_from_text([], "") == []
    with pytest.raises(ValueMismatch, match="arguments"):
        values_from_text([U32], "")


NAMED = (Parameter("name", STRING), Parameter("count", U32, default="1"), Parameter("note", MAYBE))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('"tea", 2, some(3)', {"name": "tea", "count": 2, "note": 3}),
        ('"tea", 2,', {"name": "tea", "count": 2, "note": None}),
        (' "tea" // just that', {"name": "tea", "note": None}),
    ],
)
def test_what_may_be_left_out_may_be_left_out_at_the_end(text, values):
    assert arguments_from_text(NAMED, text) == values


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "arguments: expected also name, found the end"),
        ('"tea", "two"', "count: expected a number at character 8"),
        ('"tea", -2', "count: expected u32"),
        (
            '"tea", 2, none, 5',
            "arguments: expected no more than the arguments name, count, note at character 17, found 5",
        ),
    ],
)
def test_arguments_that_do_not_fit_are_told_by_their_names(text, fault):
    with pytest.raises(ValueMismatch, match=fault):
        arguments_from_text(NAMED, text)


def test_depth_is_bounded():
    type = U32
    for _ in range(200):
        type = ListType(type)

    with pytest.raises(ValueMismatch, match="levels deep"):
        value_from_text(type, "[" * 200)
