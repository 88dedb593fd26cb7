import json
from contextlib import ExitStack
from uuid import uuid4

import httpx
import pytest
from websockets.exceptions import ConnectionClosedOK, InvalidStatus
from websockets.sync.client import connect

from golem_nb.model import WorkerId
from tests.server.conftest import TOKEN


@pytest.fixture
def worker(running):
    worker = WorkerId(running.deploy(f"counter-{uuid4()}"), "w")
    running.engine.invoke_and_await(worker, "inc", [1]).result(5)
    return worker


def url(running, worker):
    return f"ws://127.0.0.1:{running.port}/v1/components/{worker.component_id}/workers/{worker.name}/connect"


def receive(socket):
    return json.loads(socket.recv(timeout=5))


def test_history_comes_first_then_what_happens(running, worker):
    with connect(url(running, worker)) as socket:
        assert [receive(socket)["type"] for _ in range(2)] == ["InvocationStart", "InvocationFinished"]
        running.engine.invoke_and_await(worker, "inc", [1], "k").result(5)

        start = receive(socket)

    assert (start["type"], start["context"]) == ("InvocationStart", {"function": "inc", "idempotencyKey": "k"})
    assert start["timestamp"].endswith("Z")


def test_what_the_client_says_is_ignored(running, worker):
    with connect(url(running, worker)) as socket:
        socket.send("hello")
        socket.send(b"\0")

        assert receive(socket)["type"] == "InvocationStart"


def test_an_interrupt_ends_the_stream_in_good_order(running, worker):
    with connect(url(running, worker)) as socket:
        running.engine.invoke(worker, "spin", []).result(5)
        while receive(socket).get("message") != "spin":
            pass
        running.engine.interrupt_worker(worker)

        with pytest.raises(ConnectionClosedOK):
            while True:
                socket.recv(timeout=5)


def test_connecting_does_not_start_the_worker(running, worker):
    running.engine.launch_worker(worker.component_id, "idle")
    idle = WorkerId(worker.component_id, "idle")

    with connect(url(running, idle)):
        assert running.engine.worker(idle).entries_replayed is None


def test_refusals_come_before_the_upgrade(running, guarded, worker):
    missing = WorkerId(worker.component_id, "missing")
    with pytest.raises(InvalidStatus) as caught, connect(url(running, missing)):
        pass
    assert caught.value.response.status_code == 404
    assert "Worker not found" in json.loads(caught.value.response.body)["error"]

    for origin in ("http://evil.example", "http://["):
        with pytest.raises(InvalidStatus) as caught, connect(url(running, worker), origin=origin):
            pass
        assert caught.value.response.status_code == 403

    with pytest.raises(InvalidStatus) as caught, connect(url(guarded, worker)):
        pass
    assert caught.value.response.status_code == 401
    cookie = {"Cookie": f"GOLEM_SESSION={TOKEN}"}
    with pytest.raises(InvalidStatus) as caught, connect(url(guarded, worker), additional_headers=cookie):
        pass
    assert caught.value.response.status_code == 404


def test_a_plain_request_is_told_what_this_is(running, worker):
    answer = running.http.get(url(running, worker).replace("ws://", "http://"))

    assert (answer.status_code, answer.headers["upgrade"]) == (426, "websocket")


@pytest.mark.parametrize(
    ("left_out", "given"),
    [
        ("Sec-WebSocket-Key", {}),
        ("", {"Sec-WebSocket-Key": "c2hvcnQ="}),
        ("", {"Sec-WebSocket-Version": "8"}),
        ("", {"X-Control": b"\x01"}),
    ],
)
def test_a_handshake_that_is_none_is_a_plain_request(running, guarded, worker, left_out, given):
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        **given,
    }
    headers.pop(left_out, None)
    for server, status in ((running, 426), (guarded, 401)):
        answer = httpx.get(url(server, worker).replace("ws://", "http://"), headers=headers)  # without a token
        assert (answer.status_code, "error" in answer.json()) == (status, True)


def test_many_streams_of_a_busy_worker_get_everything(running, worker):
    with ExitStack() as stack:
        sockets = [stack.enter_context(connect(url(running, worker))) for _ in range(20)]
        tagged = stack.enter_context(connect(url(running, worker) + "?format=golem"))
        for n in range(50):
            running.engine.invoke_and_await(worker, "inc", [1], f"many-{n}").result(5)

        for socket in sockets:
            keys = [receive(socket)["context"]["idempotencyKey"] for _ in range(102)]
            assert keys[2:] == [f"many-{n}" for n in range(50) for _ in range(2)]
        kinds = [next(iter(receive(tagged))) for _ in range(102)]
        assert kinds == ["InvocationStart", "InvocationFinished"] * 51


def test_golems_own_form_is_given_when_asked_for(running, worker):
    with connect(url(running, worker) + "?format=golem") as socket:
        start = receive(socket)["InvocationStart"]
        finished = receive(socket)["InvocationFinished"]

    assert start == {"timestamp": start["timestamp"], "function": "inc", "idempotency_key": start["idempotency_key"]}
    assert finished["idempotency_key"] == start["idempotency_key"] != ""


def test_a_form_that_is_not_known_is_refused_before_the_upgrade(running, worker):
    with pytest.raises(InvalidStatus) as caught, connect(url(running, worker) + "?format=xml"):
        pass

    assert caught.value.response.status_code == 400
    assert json.loads(caught.value.response.body)["error"] == "format must be contract or golem, found 'xml'"
