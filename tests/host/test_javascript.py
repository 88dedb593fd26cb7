from uuid import UUID

import pytest

from golem_nb.host import javascript
from golem_nb.host.declare import WitError
from golem_nb.host.javascript import JavaScriptHost
from golem_nb.model import WorkerId
from golem_nb.values.nodes import nodes_from_value
from golem_nb.values.types import S64, STRING, FunctionType, Parameter, TypedValue
from tests.host.context import FakeWorker, call
from tests.host.test_golem_host import FakePeers

ME = WorkerId(UUID(int=1), "me")


@pytest.fixture
def host():
    worker = FakeWorker()
    worker.peers, worker.id = FakePeers(), ME
    worker.next_index, worker.derived_key = (lambda: 7), (lambda index: f"key-{index}")
    return JavaScriptHost(worker)


def test_a_promise_is_made_named_completed_and_read(host):
    index = call(host, "create_promise")

    assert (index, call(host, "promise_name", index=index)) == (7, f"{UUID(int=1)}/me/7")
    assert call(host, "poll_promise", index=index) is None
    assert call(host, "complete_promise", index=index, data=b"x") is True
    assert call(host, "complete_promise", index=index, data=b"y") is False
    assert call(host, "poll_promise", index=index) == call(host, "await_promise", index=index) == b"x"


def test_keys_are_text(host):
    assert call(host, "idempotency_key") == "key-7"


@pytest.fixture
def called(host, monkeypatch):
    """Have calls of workers made by nobody; return them."""
    calls = []

    class Connection:
        def __init__(self, worker, target):
            self._target = target

        def invoke_and_await(self, function, params):
            calls.append((self._target, function, params))
            if function.endswith("{boom}"):
                raise WitError(("remote-internal-error", "it failed"))
            return TypedValue(S64, 7) if function.endswith("{add}") else None

        def invoke(self, function, params):
            calls.append((self._target, function, params))

        def close(self):
            calls.append("closed")

    monkeypatch.setattr(javascript, "Connection", Connection)
    host.worker.peers.function_type = lambda worker, name: FunctionType(
        f"nb:shop/api.{{{name}}}", (Parameter("by", S64), Parameter("why", STRING, True, '"no"')), S64
    )
    host.worker.peers.resolve_component = lambda name: UUID(int=2) if name == "shop" else None
    return calls


def invoke(host, target, function, arguments, is_awaited=True):
    return call(host, "invoke", target=target, function=function, arguments=arguments, is_awaited=is_awaited)


def test_other_workers_are_called_with_json(host, called):
    assert invoke(host, "shop/ann", "add", '[5, {"a": 1}]') == "7"
    assert invoke(host, "mine", "clear", "[5, null]") == "null"
    assert invoke(host, "mine", "add", "[5, null]", False) == "null"

    params = [nodes_from_value(S64, 5), nodes_from_value(STRING, '{"a": 1}')]
    assert called[:2] == [(WorkerId(UUID(int=2), "ann"), "nb:shop/api.{add}", params), "closed"]
    assert [of[0] for of in called[2::2]] == [WorkerId(UUID(int=1), "mine")] * 2


def test_what_has_a_default_may_be_left_out(host, called):
    assert invoke(host, "mine", "add", "[5]") == "7"

    assert called[0][2] == [nodes_from_value(S64, 5), nodes_from_value(STRING, '"no"')]


@pytest.mark.parametrize(
    ("target", "function", "arguments", "words"),
    [
        ("no/x", "add", "[]", "there is no component 'no'"),
        ("x", "add", "[]", r"nb:shop/api.{add} takes 2 arguments (by, why), not 1"),
        ("x", "add", "[1, 2, 3]", r"nb:shop/api.{add} takes 2 arguments (by, why), not 3"),
        ("x", "add", '["a", 1]', "nb:shop/api.{add}: by: expected"),
        ("x", "boom", "[1, 2]", "x: it failed"),
    ],
)
def test_calls_that_fail_are_told(host, called, target, function, arguments, words):
    with pytest.raises(WitError) as caught:
        invoke(host, target, function, arguments)

    assert words in caught.value.payload
