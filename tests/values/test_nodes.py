import pytest
from hypothesis import given

from golem_nb.errors import ValueMismatch
from golem_nb.values.nodes import nodes_from_type, nodes_from_value, type_from_nodes, value_from_nodes
from golem_nb.values.types import (
    BYTES,
    STRING,
    U8,
    U32,
    EnumType,
    Handle,
    HandleType,
    ListType,
    OptionType,
    ResultType,
    Some,
    TupleType,
    record,
)
from tests.values.strategies import TYPED

PAIR = TupleType((U32, STRING))


@given(TYPED)
def test_a_value_comes_back_as_it_was(typed):
    type, value = typed

    assert value_from_nodes(type, nodes_from_value(type, value)) == value


@pytest.mark.parametrize("are_named", [True, False])
@given(TYPED)
def test_a_type_comes_back_as_it_was(are_named, typed):
    type, _ = typed

    assert type_from_nodes(nodes_from_type(type, are_named=are_named)) == type


def test_parts_are_named_by_their_place():
    type = record(name=STRING, ages=ListType(U32))

    nodes = nodes_from_value(type, {"name": "ann", "ages": [3, 4]})["nodes"]

    assert nodes == [
        ("record-value", [1, 2]),
        ("prim-string", "ann"),
        ("list-value", [3, 4]),
        ("prim-u32", 3),
        ("prim-u32", 4),
    ]


def test_handles_carry_the_urn_of_their_worker():
    type, handle = HandleType("a:b/c#r", True), Handle("urn:worker:x/y", 3)

    assert nodes_from_value(type, handle) == {"nodes": [("handle", ({"value": "urn:worker:x/y"}, 3))]}
    assert value_from_nodes(type, nodes_from_value(type, handle)) == handle


def test_present_options_of_options_are_told_from_absent_ones():
    type = OptionType(OptionType(U8))

    assert [value_from_nodes(type, nodes_from_value(type, v)) for v in (None, Some(None), Some(3))] == [
        None,
        Some(None),
        Some(3),
    ]


def test_what_is_there_may_stand_for_an_option_of_it():
    nodes = {"nodes": [("prim-u8", 3)]}

    assert value_from_nodes(OptionType(U8), nodes) == 3
    assert value_from_nodes(OptionType(OptionType(U8)), nodes) == Some(3)
    with pytest.raises(ValueMismatch, match="expected a prim-string, found prim-u8"):
        value_from_nodes(OptionType(STRING), nodes)


@pytest.mark.parametrize(
    ("type", "nodes", "text"),
    [
        (U32, [], "v: expected a node from 0 to -1, found 0"),
        (U32, [("prim-string", "x")], "v: expected a prim-u32, found prim-string"),
        (PAIR, [("tuple-value", [1])], "v: expected 2 parts, found 1"),
        (PAIR, [("tuple-value", [1, 7]), ("prim-u32", 1)], "v: expected a node from 0 to 1, found 7"),
        (ListType(U32), [("list-value", [0])], "v[0]: expected a prim-u32, found list-value"),
        (EnumType(("a",)), [("enum-value", 3)], "v: expected an enum-value of its type, found 3"),
        (ResultType(U8, None), [("result-value", ("ok", None))], "v.ok: expected a payload, found none"),
        (BYTES, [("list-value", [1]), ("prim-string", "x")], "v: expected a prim-u8, found prim-string"),
    ],
)
def test_what_is_no_value_of_the_type_is_refused_with_its_place(type, nodes, text):
    with pytest.raises(ValueMismatch) as refused:
        value_from_nodes(type, {"nodes": nodes}, "v")

    assert str(refused.value) == text


def test_nodes_that_contain_themselves_end():
    type = TupleType((PAIR, PAIR))
    for _ in range(200):
        type = TupleType((type, type))

    with pytest.raises(ValueMismatch, match="deep"):
        value_from_nodes(type, {"nodes": [("tuple-value", [0, 0])]})
    with pytest.raises(ValueMismatch, match="deep"):
        type_from_nodes({"nodes": [("tuple-type", [0, 0])]})
