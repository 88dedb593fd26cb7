import json
from uuid import UUID

import pytest

from golem_nb.errors import FunctionNotFound
from golem_nb.host.declare import WitError
from golem_nb.host.python_calls import Calls
from golem_nb.model import WorkerId
from golem_nb.values.types import S64, STRING, FunctionType, Parameter
from tests.host.context import FakeWorker, call

COMPONENT = UUID(int=(7 << 64) + 9)


class Peers:
    def function_type(self, worker, function):
        assert worker == WorkerId(COMPONENT, "w")
        if function != "add":
            raise FunctionNotFound(function, ["add"])
        return FunctionType("nb:shop/api.{add}", (Parameter("by", S64), Parameter("why", STRING, True, "null")), S64)


@pytest.fixture
def calls():
    worker = FakeWorker()
    worker.peers = Peers()
    return Calls(worker)


def signature(calls, name):
    return call(calls, "signature", component_high_bits=7, component_low_bits=9, worker="w", name=name)


def test_the_types_of_anothers_function_are_told(calls):
    assert json.loads(signature(calls, "add")) == {
        "name": "nb:shop/api.{add}",
        "parameters": [
            {"name": "by", "typ": {"type": "S64"}, "isJson": False},
            {"name": "why", "typ": {"type": "Str"}, "isJson": True, "default": None},
        ],
        "result": {"type": "S64"},
    }


def test_a_function_that_is_not_there_is_an_error(calls):
    with pytest.raises(WitError) as caught:
        signature(calls, "sub")

    assert "did you mean add" in caught.value.payload
