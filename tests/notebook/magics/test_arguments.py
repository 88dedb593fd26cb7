from dataclasses import dataclass

import numpy
import pytest

from golem_nb.errors import FunctionNotFound, UsageError, ValueMismatch, WaitTimeout
from golem_nb.notebook.magics.arguments import evaluate, evaluate_body, find_function, json_parameters, plain_json
from golem_nb.values.types import (
    F64,
    STRING,
    U32,
    FunctionType,
    HandleType,
    ListType,
    OptionType,
    Parameter,
    Some,
    record,
)

ADD = FunctionType(
    "shop:cart/api@1.0.0.{add-item}",
    (Parameter("item", record(product_id=STRING)), Parameter("how-many", U32), Parameter("note", OptionType(STRING))),
    None,
)
GET, PLAIN = FunctionType("shop:cart/api@1.0.0.{get}", (), U32), FunctionType("get-all", (), U32)
EXPORTS = (ADD, GET, PLAIN)


def test_what_has_a_default_may_be_left_out_and_json_may_be_anything():
    function = FunctionType("f", (Parameter("any", STRING, is_json=True), Parameter("n", U32, default="7")), None)

    assert json_parameters(function, ([{"a": (1, None)}], {})) == [{"a": [1, None]}, 7]
    assert json_parameters(function, ([], {"any": 5, "n": 6})) == [5, 6]
    with pytest.raises(UsageError, match=r"f\(any, n\) also needs any"):
        json_parameters(function, ([], {"n": 6}))


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("", ([], {})),
        ("5, x", ([5, 7], {})),
        ('{"ok": true, "no": null}', ([{"ok": True, "no": None}], {})),
        ("*[1, 2], by=x  # why", ([1, 2], {"by": 7})),
        ("(lambda: x)()", ([7], {})),
    ],
)
def test_arguments_are_python_of_the_users(text, arguments):
    assert evaluate(text, {"x": 7}) == arguments


def test_a_variable_of_the_users_goes_before_the_words_of_json():
    assert evaluate("null", {"null": 3}) == ([3], {})


@pytest.mark.parametrize(
    ("text", "fault"), [("1 +", "no Python"), ("nope", "name 'nope' is not defined"), ("a b", "no Python")]
)
def test_what_is_no_python_is_said_in_a_line(text, fault):
    with pytest.raises(UsageError, match=fault):
        evaluate(text, {})


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("{}['k']", "KeyError: 'k'"),
        ("'a' + 1", "TypeError: can only concatenate str"),
        ("''.nope", "AttributeError: 'str' object has no attribute 'nope'"),
    ],
)
def test_what_arguments_raise_is_said_in_a_line_and_kept_as_its_cause(text, fault):
    with pytest.raises(UsageError, match=f"in the arguments: {fault}") as caught:
        evaluate(text, {})

    assert type(caught.value.__cause__).__name__ == fault.partition(":")[0]


def test_our_own_failures_go_through_arguments():
    def ask():
        raise WaitTimeout("no answer")

    with pytest.raises(WaitTimeout):
        evaluate("ask()", {"ask": ask})


@pytest.mark.parametrize(
    ("body", "arguments"),
    [
        ("a = 1\nb = x + 1\n", ([], {"a": 1, "b": 8})),
        ("[1, {'k': true}]", ([1, {"k": True}], {})),
        ("# nothing\n", ([], {})),
        ("(1,\n 2)", ([1, 2], {})),
    ],
)
def test_a_body_is_names_or_one_list(body, arguments):
    assert evaluate_body(body, {"x": 7}) == arguments


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("a = 1\nimport os", "line 3 of the cell must be `name = expression`"),
        ("a = 1\na = 2", "line 3"),
        ("a = = 1", "line 2 of the cell is no Python"),
        ("5", "must be a list"),
    ],
)
def test_another_body_is_refused_with_its_line(body, fault):
    with pytest.raises(UsageError, match=fault):
        evaluate_body(body, {})


@pytest.mark.parametrize(
    ("name", "found"),
    [("add_item", ADD), ("add-item", ADD), ("shop:cart/api@1.0.0.{add-item}", ADD), ("get_all", PLAIN), ("get", GET)],
)
def test_a_function_is_found_by_its_python_name_its_last_part_or_in_full(name, found):
    assert find_function(EXPORTS, name) == (found.name, found)


def test_a_name_that_two_functions_end_in_is_asked_about():
    other = FunctionType("shop:cart/admin.{get}", (), None)

    with pytest.raises(UsageError, match=r"get could be .*api@1.0.0.\{get\} or .*admin"):
        find_function((GET, other), "get")


def test_a_missing_function_has_near_names():
    with pytest.raises(FunctionNotFound, match="did you mean add-item"):
        find_function(EXPORTS, "add_itm")


def test_without_exports_the_name_is_only_spelled_as_in_wit():
    assert find_function(None, "add_item") == ("add-item", None)
    assert find_function(None, "a:b/c.{d_e}") == ("a:b/c.{d_e}", None)


def test_parameters_go_by_position_and_name_and_options_may_be_left_out():
    json = json_parameters(ADD, ([{"product_id": "G1"}], {"how_many": 2}))

    assert json == [{"product-id": "G1"}, 2, None]


@pytest.mark.parametrize(
    ("arguments", "error", "fault"),
    [
        (([1, 2, 3, 4], {}), UsageError, "takes 3 arguments, found 4"),
        (([{"product_id": "x"}], {}), UsageError, "also needs how-many"),
        (([{"product_id": "x"}], {"how_mny": 1}), UsageError, "no parameter how_mny; did you mean how-many"),
        (([{"product_id": "x"}, 1], {"how_many": 1}), UsageError, "given twice"),
        (([{"product_id": 5}, 1], {}), ValueMismatch, "item.product_id: expected string"),
        (([{"product_id": "x"}, -1], {}), ValueMismatch, "how-many: expected u32"),
    ],
)
def test_parameters_that_do_not_fit_are_named(arguments, error, fault):
    with pytest.raises(error, match=fault):
        json_parameters(ADD, arguments)


@dataclass
class Point:
    x: int


@pytest.mark.parametrize(
    ("value", "json"),
    [
        ((1, [b"\x01"]), [1, [[1]]]),
        ({"a": None}, {"a": None}),
        (numpy.int64(3), 3),
        (Point(1), {"x": 1}),
    ],
)
def test_without_a_type_values_become_plain_json(value, json):
    assert plain_json(value) == json


def test_what_json_has_nothing_for_is_refused():
    with pytest.raises(UsageError, match="JSON has nothing for a object"):
        plain_json(object())


def test_names_need_a_function_that_is_known():
    with pytest.raises(UsageError, match="by position"):
        json_parameters(None, ([], {"a": 1}))


CART = HandleType("shop:cart/api#cart", True)
OF_CARTS = (
    FunctionType("shop:cart/api.{[constructor]cart}", (Parameter("name", STRING),), CART),
    FunctionType("shop:cart/api.{[method]cart.add-item}", (Parameter("self", CART), Parameter("n", U32)), U32),
    FunctionType("shop:cart/api.{[drop]cart}", (Parameter("self", CART),), None),
)


@pytest.mark.parametrize(
    ("name", "full", "parameters"),
    [
        ('cart("ann").add_item', 'shop:cart/api.{cart("ann").add-item}', ["n"]),
        ("shop:cart/api.{cart(1).add-item}", "shop:cart/api.{cart(1).add-item}", ["n"]),
        ("cart(1).drop", "shop:cart/api.{cart(1).drop}", []),
        ("cart(1).new", "shop:cart/api.{cart(1).new}", []),
    ],
)
def test_a_function_of_a_resource_that_is_named_by_what_it_is_made_of(name, full, parameters):
    found, type = find_function(OF_CARTS, name)

    assert (found, type.name, [p.name for p in type.parameters]) == (full, full, parameters)


def test_what_is_no_function_of_a_resource_is_refused():
    with pytest.raises(FunctionNotFound, match=r"\[method\]cart.fly"):
        find_function(OF_CARTS, "cart(1).fly")
    with pytest.raises(FunctionNotFound, match="basket"):
        find_function(OF_CARTS, "basket(1).get")


def test_without_exports_the_resource_is_named_in_full():
    assert find_function(None, "a:b/c.{d_e(1).f_g}") == ("a:b/c.{d-e(1).f-g}", None)
    with pytest.raises(UsageError, match="in full"):
        find_function(None, "cart(1).get")


def test_a_function_is_found_by_the_last_part_of_its_interface():
    own, other = (FunctionType(f"nb:shop/{site}.{{add-item}}", (), U32) for site in ("api", "cart"))

    assert find_function((own, other), "cart.add_item") == (other.name, other)
    assert find_function((own, other), "api.add-item") == (own.name, own)


def test_options_of_options_need_no_import():
    assert evaluate("Some(None)", {}) == ([Some(None)], {})


def test_what_json_does_not_have_is_said_before_it_is_sent():
    function = FunctionType("f", (Parameter("x", ListType(F64)),), None)

    with pytest.raises(ValueMismatch, match=r"x\[1\]: expected a finite f64, as JSON has no other, found"):
        json_parameters(function, ([[1.0, float("nan")]], {}))
