from uuid import UUID

import pytest

from golem_nb.errors import BadInput
from golem_nb.values.types import U32, TypedValue
from golem_nb.wire.agents import (
    AgentName,
    agent_from_name,
    agent_result_from_json,
    json_from_invocation,
    json_from_values,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-2.5e3", -2500.0),
        ("true", True),
        ("none", None),
        ("some(3)", 3),
        ("ok(1)", {"ok": 1}),
        ('err("no")', {"err": "no"}),
        ("blue", "blue"),
        ("%true", "true"),
        ("rgb((1, 2))", {"rgb": [1, 2]}),
        (r'"a\"\n\u{e9}, (b)"', 'a"\né, (b)'),
        ("'x'", 120),
        (r"'\n'", 10),
        ("[1, 2, ]", [1, 2]),
        ("[]", []),
        ('(1, "a")', [1, "a"]),
        ('{name: "x", at: {x: 1}}', {"name": "x", "at": {"x": 1}}),
        ("{read, write}", ["read", "write"]),
        ("{a: none}", {"a": None}),
        ("{:}", {}),
    ],
)
def test_parameters_are_read_by_their_form(text, value):
    assert agent_from_name(f"shop-cart({text})").parameters == (value,)


def test_a_name_has_a_type_parameters_and_perhaps_a_phantom():
    phantom = UUID(int=5)

    assert agent_from_name("counter()") == AgentName("counter", ())
    assert agent_from_name(f'Cart("a]b", 2)[{phantom}]') == AgentName("Cart", ("a]b", 2), phantom)


@pytest.mark.parametrize(
    "name",
    [
        "plain",
        "",
        "c(",
        "c(1 2)",
        "c([1)",
        "c(,)",
        'c("a)',
        "c({a: 1, b})",
        "c(a(1, 2))",
        "c(1)[x]",
        "c({1})",
        "c('ab')",
        "c(%)",
        r'c("\u{110000}")',
        r'c("\u{d800}")',
        f"c({'[' * 101}{']' * 101})",
    ],
)
def test_what_is_no_name_of_an_agent_is_refused(name):
    with pytest.raises(BadInput):
        agent_from_name(name)


def test_an_invocation_has_its_values_as_elements():
    body = json_from_invocation(agent_from_name('c("a")'), "shop", "prod", "inc", [1, None], "k", "await")

    assert body == {
        "appName": "shop",
        "envName": "prod",
        "agentTypeName": "c",
        "parameters": {"type": "Tuple", "elements": [{"type": "ComponentModel", "value": "a"}]},
        "methodName": "inc",
        "methodParameters": json_from_values([1, None]),
        "mode": "await",
        "idempotencyKey": "k",
    }
    phantom = agent_from_name(f"c()[{UUID(int=5)}]")
    assert json_from_invocation(phantom, "a", "e", "m", [], "k", "await")["phantomId"] == str(UUID(int=5))


@pytest.mark.parametrize(
    ("json", "value"),
    [
        ({}, None),
        ({"result": None}, None),
        ({"result": json_from_values([])}, None),
        ({"result": json_from_values([{"a": 1}])}, TypedValue(None, {"a": 1})),
        ({"result": json_from_values([1, 2])}, TypedValue(None, [1, 2])),
        ({"result": json_from_values([{"typ": {"type": "U32"}, "value": 1}])}, TypedValue(U32, 1)),
        (
            {"result": {"type": "Tuple", "elements": [{"type": "UnstructuredText", "value": {"data": "x"}}]}},
            TypedValue(None, {"data": "x"}),
        ),
        (
            {"result": {"graph": [], "value": {"kind": "u32", "value": 1}}},
            TypedValue(None, {"kind": "u32", "value": 1}),
        ),
    ],
)
def test_results_are_read(json, value):
    assert agent_result_from_json(json) == value


@pytest.mark.parametrize(
    "json",
    [
        [],
        {"result": 5},
        {"result": {"elements": 5}},
        {"result": {"elements": [5]}},
    ],
)
def test_other_results_are_refused(json):
    with pytest.raises(BadInput):
        agent_result_from_json(json)
