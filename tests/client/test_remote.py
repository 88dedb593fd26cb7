import traceback
from uuid import uuid4

import httpx
import pytest

from golem_nb.client.http import Retries
from golem_nb.client.remote import RemoteClient
from golem_nb.errors import (
    BadInput,
    NotFound,
    NotSupported,
    ServerError,
    ServerUnreachable,
    Unauthorized,
    WaitTimeout,
    WorkerNotFound,
)
from golem_nb.model import CrashPoint, WorkerId

WORKER = WorkerId(uuid4(), "w/x y")
TOKEN = "very-secret"


def client_of(answer, token=TOKEN, dialect="contract"):
    """A client whose server is the function `answer`; the requests it saw are in `.seen`."""
    seen = []

    def handle(request):
        seen.append(request)
        return answer(request) if callable(answer) else answer

    client = RemoteClient(
        "http://golem.example:9881/",
        token,
        http=httpx.Client(transport=httpx.MockTransport(handle)),
        dialect=dialect,
        retries=Retries(sleep=lambda seconds: None),
    )
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
        lambda c: c.update_worker(WORKER, 1),
        lambda c: c.fork_worker(WORKER, WORKER, 2),
        lambda c: c.revert_worker(WORKER, invocations=1),
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


@pytest.mark.parametrize("status", [404, 405])
@pytest.mark.parametrize(
    ("action", "id"),
    [
        (lambda c: c.crash_worker(WORKER), "simulateCrash"),
        (lambda c: c.revert_worker(WORKER, invocations=1), "revertWorker"),
        (lambda c: c.fork_worker(WORKER, WORKER, 2), "forkWorker"),
        (lambda c: c.cancel_invocation(WORKER, "k"), "cancelInvocation"),
        (lambda c: c.complete_promise(WORKER, 2, b""), "completePromise"),
        (lambda c: c.snapshot_policy(WORKER.component_id), "getSnapshotPolicy"),
        (lambda c: c.set_snapshot_policy(WORKER.component_id, None), "setSnapshotPolicy"),
    ],
)
def test_an_extension_that_a_server_lacks_is_one_clear_error(status, action, id):
    client = client_of(httpx.Response(status, text="Not Found"))

    with pytest.raises(NotSupported, match=f"does not know {id}; golem_nb's own engine does"):
        action(client)


def test_a_thing_that_is_missing_is_no_missing_extension():
    client = client_of(httpx.Response(404, json={"error": "Worker not found: c/w"}))

    with pytest.raises(WorkerNotFound):
        client.revert_worker(WORKER, invocations=1)


def test_where_and_how_to_crash_is_in_the_query():
    client = client_of(httpx.Response(200, json={}))

    client.crash_worker(WORKER, CrashPoint(at_call="now", count=2), recover=False)
    client.crash_worker(WORKER)

    assert [dict(request.url.params) for request in client.seen] == [
        {"at-call": "now", "count": "2", "recover": "false"},
        {},
    ]


PAGE = {"entries": [], "next": {"nextOplogIndex": 7, "currentComponentVersion": 2}, "lastIndex": 9}


def test_a_search_goes_on_by_the_cursor_of_the_page_before():
    client = client_of(httpx.Response(200, json=PAGE))

    page = client.oplog(WORKER, query="a b", count=5)
    client.oplog(WORKER, query="a b", count=5, cursor=page.cursor)

    assert [dict(request.url.params) for request in client.seen] == [
        {"query": "a b", "count": "5"},
        {"query": "a b", "count": "5", "cursor": "7-2"},
    ]


def test_an_index_beside_a_query_is_left_to_the_server_to_refuse():
    client = client_of(httpx.Response(400, json={"errors": ["Cannot specify both"]}))

    with pytest.raises(BadInput, match="Cannot specify both"):
        client.oplog(WORKER, from_index=3, query="a")


CREATE = {"entries": [{"oplogIndex": 1, "entry": {"type": "Create", "timestamp": "2025-01-31T12:34:56.789Z"}}]}


def test_a_server_that_does_not_search_is_told_by_the_entry_that_nobody_asked_for():
    client = client_of(httpx.Response(200, json=CREATE))

    with pytest.raises(NotSupported, match="does not search oplogs"):
        client.oplog(WORKER, query="G1002")
    assert len(client.oplog(WORKER, query="create").entries) == 1


def test_names_and_keys_are_encoded_in_a_cancellation():
    client = client_of(httpx.Response(200, json={"canceled": True}))

    assert client.cancel_invocation(WORKER, "a/b c") is True
    assert client.seen[0].url.raw_path.endswith(b"/workers/w%2Fx%20y/invocations/a%2Fb%20c")


@pytest.mark.parametrize("json", [5, "true", None, {"canceled": "yes"}])
def test_an_odd_answer_is_the_servers_fault(json):
    client = client_of(httpx.Response(200, json=json))

    with pytest.raises(ServerError):
        client.cancel_invocation(WORKER, "k")
    with pytest.raises(ServerError):
        client.complete_promise(WORKER, 2, b"")


def test_health_is_a_question_without_exceptions():
    assert client_of(httpx.Response(200, json={})).is_healthy()
    assert not client_of(httpx.Response(500)).is_healthy()
    assert not RemoteClient("http://127.0.0.1:1").is_healthy()


def test_a_servers_version_is_what_it_calls_itself():
    assert client_of(httpx.Response(200, json={"version": "golem_nb 0.1.0"})).server_version() == "golem_nb 0.1.0"
