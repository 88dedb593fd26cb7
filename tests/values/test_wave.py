import pytest
from hypothesis import given

from golem_nb.errors import BadInput
from golem_nb.values.types import (
    F64,
    STRING,
    U32,
    FunctionType,
    HandleType,
    ListType,
    OptionType,
    Parameter,
    ResultType,
    Some,
    record,
)
from golem_nb.values.wave import text_from_function, text_from_type, text_from_value, type_from_text
from tests.values.strategies import TYPES


@given(TYPES)
def test_text_gives_the_type_back(type):
    assert type_from_text(text_from_type(type)) == type


def test_handles_keep_their_resource():
    type = ListType(HandleType("wasi:io/poll#pollable", False))

    assert type_from_text(text_from_type(type)) == type


@pytest.mark.parametrize("text", ["", "u33", "list<u8", "record {a}", "u8 u8", "list{u8}"])
def test_what_is_no_type_is_refused(text):
    with pytest.raises(BadInput):
        type_from_text(text)


def test_a_signature_reads_as_in_wit():
    function = FunctionType("add-item", (Parameter("name", STRING), Parameter("count", U32)), ListType(STRING))

    assert text_from_function(function) == "add-item: func(name: string, count: u32) -> list<string>"


@pytest.mark.parametrize(
    ("type", "value", "text"),
    [
        (STRING, 'say "hi"\n', r'"say \"hi\"\n"'),
        (F64, float("nan"), "nan"),
        (record(a=U32, b=OptionType(U32)), {"a": 1, "b": None}, "{a: 1, b: none}"),
        (OptionType(OptionType(U32)), Some(None), "some(none)"),
        (ResultType(U32, None), ("err", None), "err"),
    ],
)
def test_values_read_as_in_wave(type, value, text):
    assert text_from_value(type, value) == text
