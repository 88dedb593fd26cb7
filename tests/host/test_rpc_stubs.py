import pytest

from golem_nb.errors import ComponentRejected
from golem_nb.host.rpc_stubs import Client
from golem_nb.model import LinkTarget
from golem_nb.values.types import STRING, U64, FunctionType, HandleType, OptionType, Parameter

API = LinkTarget("rpc:counters-exports/api", "rpc:counters")


def own(resource):
    return HandleType(f"c:c/client#{resource}", True)


def function(name, *parameters, result=None):
    return name, FunctionType(name, tuple(Parameter(f"p{n}", type) for n, type in enumerate(parameters)), result)


FUNCTIONS = [
    function("[constructor]api", STRING, result=own("api")),
    function("[method]api.blocking-add", own("api"), U64, result=U64),
    function("[method]future-add-result.subscribe", own("future-add-result"), result=own("pollable")),
    function("[method]future-add-result.get", own("future-add-result"), result=OptionType(U64)),
    function("[method]pollable.block", own("pollable")),
]


def answers(targets, name):
    return Client("c:c/client", targets, FUNCTIONS).function(name, dict(FUNCTIONS)[name])


def test_functions_of_stubs_and_futures_are_answered_and_those_of_pollables_are_the_hosts():
    assert [answers({"api": API}, name) is not None for name, _ in FUNCTIONS] == [True, True, True, True, False]


def test_a_resource_without_a_target_is_refused():
    with pytest.raises(ComponentRejected, match="of c:c/client names no target for its resource api; it has none"):
        answers({}, "[constructor]api")
