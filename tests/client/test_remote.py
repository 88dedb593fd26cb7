import traceback
from uuid import uuid4

import httpx
import pytest

from golem_nb.client.remote import RemoteClient
from golem_nb.errors import (
    BadInput,
    NotFound,
    NotSupported,
    ServerError,
    ServerUnreachable,
    Unauthorized,
    WaitTimeout,
)
from golem_nb.model import WorkerId

WORKER = WorkerId(uuid4(), "w/x y")
TOKEN = "very-secret"


def client_of(answer, token=TOKEN):
    """A client whose server is the function `answer`; the requests it saw are in `.seen`."""
    seen = []

    def handle(request):
        seen.append(request)
        return answer(request) if callable(answer) else answer

    client = RemoteClient("http://golem.example:9881/", token, http=httpx.Client(transport=httpx.MockTransport(handle)))
    client.seen = seen
    return client


@pytest.mark.parametrize("url", ["golem.example", "ftp://golem.example", "http://", "http://user:pw@golem.example"])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(BadInput):
        RemoteClient(url)


def test_names_are_percent_encoded_as_one_segment():
    client = client_of(httpx.Response(200, json={"entries": []}))
    client.oplog(WORKER)

    assert client.seen[0].url.raw_path.startswith(
        f"/v1/components/{WORKER.component_id}/workers/w%2Fx%20y/oplog?".encode()
    )


def test_the_token_is_sent_and_shown_nowhere():
    client = client_of(httpx.Response(401, json={"error": "Unauthorized"}))

    with pytest.raises(Unauthorized) as caught:
        client.components()

    assert client.seen[0].headers["authorization"] == f"Bearer {TOKEN}"
    shown = repr(client) + str(caught.value) + "".join(traceback.format_exception(caught.value))
    assert TOKEN not in shown


def test_every_invocation_has_a_key():
    client = client_of(httpx.Response(200, json={"result": None}))
    assert client.invoke_and_await(WORKER, "f", []) is None
    client.invoke_and_await(WORKER, "f", [], key="mine")

    first, second = (request.headers["idempotency-key"] for request in client.seen)
    assert len(first) == 36
    assert second == "mine"


def broken_once():
    """A server whose connection breaks on the first request."""
    calls = []

    def answer(request):
        calls.append(request)
        if len(calls) == 1:
            raise httpx.RemoteProtocolError("closed")
        return httpx.Response(200, json={"result": None, "workers": []})

    return answer


@pytest.mark.parametrize(
    "action",
    [
        lambda c: c.workers(WORKER.component_id),
        lambda c: c.invoke_and_await(WORKER, "f", []),
        lambda c: c.invoke(WORKER, "f", []),
    ],
)
def test_what_is_safe_is_sent_again_when_the_connection_breaks(action):
    client = client_of(broken_once())
    action(client)

    assert len(client.seen) == 2
    keys = {request.headers.get("idempotency-key") for request in client.seen}
    assert len(keys) == 1


@pytest.mark.parametrize(
    "action",
    [
        lambda c: c.create_component("x", b""),
        lambda c: c.launch_worker(WORKER.component_id, "w"),
        lambda c: c.delete_worker(WORKER),
        lambda c: c.interrupt_worker(WORKER),
    ],
)
def test_what_is_not_safe_is_never_sent_twice(action):
    client = client_of(broken_once())

    with pytest.raises(ServerUnreachable):
        action(client)
    assert len(client.seen) == 1


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.ConnectError("refused"), ServerUnreachable),
        (httpx.ConnectTimeout(""), ServerUnreachable),
        (httpx.ReadTimeout(""), WaitTimeout),
    ],
)
def test_failures_of_the_network_have_our_names(error, kind):
    def answer(request):
        raise error

    with pytest.raises(kind):
        client_of(answer).components()


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (httpx.Response(200, text="<html>hello"), ServerError),
        (httpx.Response(200, json=[5]), ServerError),
        (httpx.Response(502, text="Bad Gateway"), ServerError),
        (httpx.Response(404, json={"error": "nothing"}), NotFound),
        (httpx.Response(400, json={"errors": ["a", "b"]}), BadInput),
    ],
)
def test_answers_that_are_no_golems_are_told_as_such(response, kind):
    with pytest.raises(kind):
        client_of(response).components()


def test_an_extension_that_a_server_lacks_is_one_clear_error():
    client = client_of(httpx.Response(404, text="Not Found"))

    with pytest.raises(NotSupported, match="does not know simulateCrash"):
        client.crash_worker(WORKER)


def test_health_is_a_question_without_exceptions():
    assert client_of(httpx.Response(200, json={})).is_healthy()
    assert not client_of(httpx.Response(500)).is_healthy()
    assert not RemoteClient("http://127.0.0.1:1").is_healthy()


def test_a_servers_version_is_what_it_calls_itself():
    assert client_of(httpx.Response(200, json={"version": "golem_nb 0.1.0"})).server_version() == "golem_nb 0.1.0"
