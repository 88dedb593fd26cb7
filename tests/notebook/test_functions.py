from inspect import signature

import pytest

from golem_nb.errors import FunctionNotFound, UsageError, ValueMismatch
from golem_nb.notebook.functions import Callee, Function, function_names, signature_of
from golem_nb.values.types import STRING, U32, FunctionType, OptionType, Parameter, TypedValue
from tests.notebook.fake import ALICE, SHOP, FakeClient, metadata

ADD = FunctionType("add-item", (Parameter("item-name", STRING), Parameter("count", OptionType(U32))), U32, "Adds.")


class Named:
    """A component with exports, in the version that the worker has."""

    id, name, version = SHOP.id, SHOP.name, 2

    def __init__(self, *exports):
        self.exports = exports


def add(client, version=2):
    component = Named(ADD)
    component.version = version
    return Function(Callee(lambda: client, component, ALICE), "add_item")


def test_a_call_sends_json_and_returns_plain_python():
    client = FakeClient(invoke_and_await=TypedValue(U32, 7))

    value = add(client)("tea", count=3)

    assert value == 7
    assert client.asked == [
        ("invoke_and_await", ALICE, "add-item", ["tea", 3], ("key", None), ("timeout_s", None)),
    ]


def test_options_go_with_one_function_only():
    client = FakeClient(invoke_and_await=None)
    plain = add(client)

    plain.options(key="k").options(timeout_s=2.0)("tea")
    plain("tea")

    assert [asked[-2:] for asked in client.asked] == [
        (("key", "k"), ("timeout_s", 2.0)),
        (("key", None), ("timeout_s", None)),
    ]


def test_a_trigger_returns_its_key():
    client = FakeClient()

    key = add(client).trigger("tea")

    assert client.asked == [("invoke", ALICE, "add-item", ["tea", None], ("key", key))]


@pytest.mark.parametrize(
    ("positional", "named", "error"),
    [((), {}, UsageError), ((5,), {}, ValueMismatch), (("tea",), {"coutn": 1}, UsageError)],
)
def test_arguments_that_do_not_fit_are_refused_before_anything_is_sent(positional, named, error):
    client = FakeClient()
    with pytest.raises(error):
        add(client)(*positional, **named)

    assert client.asked == []


def test_a_worker_on_another_version_is_checked_by_the_server():
    client = FakeClient(metadata(component_version=1), invoke_and_await=None)

    add(client)(5)

    assert client.asked[0][3] == [5]


def test_python_sees_a_signature_with_types_of_wit():
    function = add(FakeClient())

    assert str(signature(function)) == "(item_name: string, count: option<u32> = None) -> u32"
    assert (function.__name__, function.__doc__) == ("add_item", "Adds.")
    assert repr(function) == "add_item(item_name: string, count: option<u32> = None) -> u32 of shop/alice"


def test_names_and_orders_that_python_does_not_have_are_made_up_for():
    parameters = (Parameter("from", U32, default="1"), Parameter("to", U32), Parameter("data", STRING, is_json=True))

    assert str(signature_of(FunctionType("f", parameters, None))) == "(from_: u32 = 1, *, to: u32, data: json)"


def test_what_two_interfaces_have_is_called_by_its_full_name_only():
    names = ["a:b/x.{run}", "a:b/y.{run}", "a:b/x.{stop}", "a:b/x.{[method]cart.add}"]

    assert function_names([FunctionType(name, (), None) for name in names]) == {"stop": "a:b/x.{stop}"}


def test_a_function_that_is_not_there_is_told_with_near_names():
    with pytest.raises(FunctionNotFound, match="did you mean add-item"):
        Function(Callee(FakeClient, Named(ADD), ALICE), "ad_item")
