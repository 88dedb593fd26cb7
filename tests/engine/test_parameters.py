import pytest

from golem_nb.engine.parameters import parameters_from_json, parameters_from_nodes
from golem_nb.errors import BadInput
from golem_nb.values.nodes import nodes_from_value
from golem_nb.values.types import STRING, U32, FunctionType, OptionType, Parameter, record

ONE = FunctionType("f", (Parameter("n", U32),), None)
TWO = FunctionType("f", (Parameter("a", U32), Parameter("b", U32)), None)
SOME = FunctionType(
    "f", (Parameter("a", U32), Parameter("b", U32, default="7"), Parameter("c", U32, default="8")), None
)
ANY = FunctionType("f", (Parameter("any", STRING, is_json=True),), None)
BOX = FunctionType("f", (Parameter("box", record(value=U32)),), None)


@pytest.mark.parametrize(
    ("function", "params", "values"),
    [
        (ONE, [5], [5]),
        (ONE, [{"value": 5}], [5]),
        (ONE, [{"typ": {"type": "U32"}, "value": 5}], [5]),
        (ONE, [{"typ": None, "value": 5}], [5]),
        (TWO, [1, {"value": 2}], [1, 2]),
        (SOME, [1], [1, 7, 8]),
        (SOME, [1, {"value": 2}], [1, 2, 8]),
        (ANY, [{"a": [1, None]}], ['{"a": [1, null]}']),
        (ANY, ["text"], ['"text"']),
        (ANY, [{"value": 5}], ["5"]),
        (ANY, [{"typ": {"type": "Str"}, "value": "[5]"}], ["[5]"]),
        (BOX, [{"value": 5}], [{"value": 5}]),
        (BOX, [{"value": {"value": 5}}], [{"value": 5}]),
    ],
)
def test_a_parameter_is_bare_wrapped_or_typed(function, params, values):
    assert parameters_from_json(function, params) == values


@pytest.mark.parametrize(
    ("function", "params", "text"),
    [
        (ONE, [], "expected 1, got 0 parameters; f takes n"),
        (ONE, [1, 2], "expected 1, got 2 parameters"),
        (SOME, [], "expected 3, got 0 parameters; f takes a, b, c"),
        (SOME, [1, 2, 3, 4], "expected 3, got 4 parameters"),
        (ONE, ["x"], "n: expected u32, found string 'x'"),
        (ONE, [{"typ": {"type": "U64"}, "value": 5}], "n: expected a value of the parameter's type"),
        (ONE, [{"typ": {"type": "Nope"}, "value": 5}], "n.typ: expected a known type"),
        (TWO, [1, {"typ": {"type": "U32"}, "value": 5}], "Some parameters have types"),
    ],
)
def test_wrong_parameters_say_which_and_why(function, params, text):
    with pytest.raises(BadInput) as caught:
        parameters_from_json(function, params)

    assert text in str(caught.value)


def test_parameters_with_defaults_may_be_left_out_of_nodes_too():
    parameters = (Parameter("a", U32), Parameter("b", OptionType(U32), False, "7"), Parameter("c", STRING, True, "[1]"))
    function = FunctionType("f", parameters, None)

    assert parameters_from_nodes(function, [nodes_from_value(U32, 1)]) == [1, 7, "[1]"]
    assert parameters_from_nodes(function, [nodes_from_value(U32, 1), nodes_from_value(U32, 2)]) == [1, 2, "[1]"]
    with pytest.raises(BadInput, match="expected 3, got 0 parameters"):
        parameters_from_nodes(function, [])
    with pytest.raises(BadInput, match="expected 3, got 4 parameters"):
        parameters_from_nodes(function, [nodes_from_value(U32, 1)] * 4)


def test_a_default_is_taken_as_it_is_and_has_the_type_of_its_parameter():
    function = FunctionType("f", (Parameter("n", U32), Parameter("x", STRING, True, '{"value": 3}')), None)

    assert parameters_from_json(function, [{"typ": {"type": "U32"}, "value": 1}]) == [1, '{"value": 3}']
    assert parameters_from_nodes(function, [nodes_from_value(U32, 1)]) == [1, '{"value": 3}']
