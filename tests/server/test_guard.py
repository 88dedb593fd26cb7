import asyncio
import base64
import os
import threading

import pytest

from golem_nb.model import WorkerId
from golem_nb.server.access import Access
from golem_nb.server.guard import Activity, Guard
from golem_nb.server.limits import Limits
from tests.engine.conftest import until
from tests.server.conftest import TOKEN, Running
from tests.server.raw import Raw, request

JSON = b"Content-Type: application/json"
WORKERS = "/v1/components/00000000-0000-0000-0000-000000000001/workers"


@pytest.fixture(scope="module")
def strict():
    """A server with room for little."""
    server = Running(limits=Limits(json_bytes=1000, upload_bytes=2000, requests=2, sockets=1, silence_s=0.5))
    yield server
    server.close()


def handshake(path):
    key = base64.b64encode(os.urandom(16))
    upgrade = (b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13")
    return request("GET", path, *upgrade, b"Sec-WebSocket-Key: " + key)


# Bodies that nobody wants.


@pytest.mark.parametrize("framing", ["length", "chunks"])
@pytest.mark.parametrize("headers", [(), (b"Connection: close",)])
def test_who_is_still_sending_100_mb_gets_the_answer(running, framing, headers):
    piece, count = bytes(1 << 20), 100
    with Raw(running.port, timeout=60) as client:
        if framing == "length":
            client.send(request("POST", WORKERS, JSON, b"Content-Length: %d" % (count << 20), *headers))
            for _ in range(count):
                client.send(piece)
        else:
            client.send(request("POST", WORKERS, JSON, b"Transfer-Encoding: chunked", *headers))
            for _ in range(count):
                client.send(b"100000\r\n" + piece + b"\r\n")
            client.send(b"0\r\n\r\n")
        status, told, body = client.answer()

    assert (status, told["connection"]) == (413, "close")
    assert "the limit" in body["error"]


def test_a_client_that_waits_for_a_go_ahead_gets_the_answer_instead(running):
    with Raw(running.port) as client:
        client.send(request("POST", WORKERS, JSON, b"Content-Length: 100000000", b"Expect: 100-continue"))
        status, headers, _ = client.answer()

        assert (status, headers["connection"]) == (413, "close")
        assert client.is_closed()


def test_a_client_that_waits_for_a_go_ahead_gets_it_where_the_body_is_wanted(running):
    body = b'{"name": "w"}'
    with Raw(running.port) as client:
        client.send(request("POST", WORKERS, JSON, b"Content-Length: %d" % len(body), b"Expect: 100-continue"))
        assert client.socket.recv(100).startswith(b"HTTP/1.1 100 ")

        assert client.send(body).answer()[0] == 404  # there is no such component


def test_a_small_body_that_is_not_wanted_costs_no_connection(running):
    with Raw(running.port) as client:
        for _ in range(2):
            status, headers, _ = client.send(
                request("POST", "/v1/nothing", JSON, b"Content-Length: 2", body=b"{}")
            ).answer()

            assert (status, "connection" in headers) == (404, False)


def test_a_body_that_stops_coming_is_408(strict):
    with Raw(strict.port) as client:
        client.send(request("POST", WORKERS, JSON, b"Content-Length: 100", body=b"{"))
        status, headers, body = client.answer()

        assert (status, headers["connection"], body["error"]) == (408, "close", "nothing came of the body for 0.5 s")
        assert client.is_closed()


def test_a_body_that_stops_coming_and_is_not_wanted_ends_too(strict):
    with Raw(strict.port) as client:
        client.send(request("POST", WORKERS, JSON, b"Content-Length: 1001", body=b"{"))

        assert client.answer()[0] == 413
        assert client.is_closed()


def test_a_body_that_breaks_off_disturbs_nobody(strict):
    with Raw(strict.port) as client:
        client.send(request("POST", WORKERS, JSON, b"Content-Length: 100", body=b"{"))

    assert strict.http.get("/healthcheck").status_code == 200


# How much at once.


def test_requests_beyond_the_limit_are_told_to_come_later(strict):
    worker = WorkerId(strict.deploy("busy"), "w")
    url = f"/v1/components/{worker.component_id}/workers/w"
    waiting = [
        threading.Thread(
            target=lambda: strict.http.post(f"{url}/invoke-and-await?function=spin", json={"params": []}), daemon=True
        )
        for _ in range(2)
    ]
    for thread in waiting:
        thread.start()
    until(lambda: strict.engine._workers.number(worker) is not None)
    until(lambda: strict.engine.worker(worker).pending_invocation_count == 1)  # behind the one that runs

    answer = strict.http.get(url)

    assert (answer.headers["retry-after"], answer.json()["kind"]) == ("1", "Overloaded")
    assert "2 requests are in flight, the limit" in answer.json()["error"]
    assert strict.http.get("/healthcheck").status_code == 200
    strict.engine.delete_worker(worker)
    for thread in waiting:
        thread.join(10)
    assert strict.http.get(url).status_code == 404


def test_sockets_beyond_the_limit_are_refused_before_the_upgrade(strict):
    strict.engine.launch_worker(component := strict.deploy("watched"), "w")
    path = f"/v1/components/{component}/workers/w/connect"
    with Raw(strict.port) as first:
        assert first.send(handshake(path)).socket.recv(12) == b"HTTP/1.1 101"
        with Raw(strict.port) as second:
            status, headers, body = second.send(handshake(path)).answer()

            assert (status, headers["retry-after"]) == (503, "1")
            assert body["error"] == "1 WebSockets are open, the limit; close some, or come later"

    def is_upgraded():
        with Raw(strict.port) as client:
            return client.send(handshake(path)).socket.recv(12) == b"HTTP/1.1 101"

    until(is_upgraded)  # the server has seen that the first one has gone


@pytest.mark.parametrize("path", ["/healthcheck", "/nothing", f"{WORKERS}/w"])
def test_a_socket_where_there_is_none_is_404_in_json(running, path):
    with Raw(running.port) as client:
        status, headers, body = client.send(handshake(path)).answer()

    assert (status, headers["content-type"]) == (404, "application/json")
    assert "no WebSocket at" in body["error"]


# Who asks.


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/nothing"),
        ("PUT", WORKERS),
        ("GET", "/v1/components/x/workers"),
        ("GET", "/v1/components/%ff"),
        ("POST", f"{WORKERS}/w/activate-plugin"),
        ("GET", f"{WORKERS}/w/connect"),
    ],
)
def test_without_a_token_nothing_else_is_looked_at(guarded, method, path):
    with Raw(guarded.port) as client:
        status, headers, body = client.send(request(method, path, b"Content-Length: 0")).answer()

    assert (status, headers["www-authenticate"]) == (401, "Bearer")
    assert "Unauthorized" in body["error"]


def test_a_body_beyond_the_limit_is_401_without_a_token(guarded):
    with Raw(guarded.port) as client:
        head = request("POST", WORKERS, JSON, b"Content-Length: 200000")

        assert client.send(head + bytes(200_000)).answer()[0] == 401


def test_a_socket_without_a_token_is_401_in_json(guarded):
    with Raw(guarded.port) as client:
        status, headers, _ = client.send(handshake(f"{WORKERS}/w/connect")).answer()

    assert (status, headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("token", [b"\xff\xfe", "tökén".encode(), b"a-token\x80", b"\xc3"])
def test_odd_tokens_are_wrong_and_no_bug(guarded, token):
    with Raw(guarded.port) as client:
        assert client.send(request("GET", WORKERS, b"Authorization: Bearer " + token)).answer()[0] == 401
    with Raw(guarded.port) as client:
        assert client.send(request("GET", WORKERS, b"Cookie: GOLEM_SESSION=" + token)).answer()[0] == 401


def test_a_token_beyond_ascii_is_known():
    server = Running(Access(("tökén", os.fsdecode(b"raw\xff"))))
    server.http.close()
    try:
        for token in ("tökén".encode(), b"raw\xff"):
            with Raw(server.port) as client:
                given = b"Authorization: Bearer " + token
                assert client.send(request("GET", WORKERS, given)).answer()[0] == 404
    finally:
        server.close()


def test_activity_is_what_goes_on():
    assert not Activity().is_busy
    assert Activity(requests=1).is_busy
    assert Activity(sockets=1).is_busy


def test_a_request_is_over_when_its_answer_is_whatever_becomes_of_it():
    activity, touched = Activity(), []
    activity.touch = lambda: touched.append(activity.requests)

    async def fail(scope, receive, send):
        raise KeyError

    guard = Guard(fail, Access(), Limits(), activity, frozenset())
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"host", b"localhost")], "query_string": b""}
    with pytest.raises(KeyError):
        asyncio.run(guard(scope, None, None))

    assert touched == [0]


def test_the_token_is_never_told(guarded):
    answer = guarded.http.get("/v1/nothing", headers={"Authorization": f"Bearer {TOKEN}x"})

    assert TOKEN not in answer.text


def test_a_worker_with_any_name_can_be_watched(running):
    running.engine.launch_worker(component := running.deploy("named"), "wé%2")
    with Raw(running.port) as client:
        path = f"/v1/components/{component}/workers/w%C3%A9%252/connect"

        assert client.send(handshake(path)).socket.recv(12) == b"HTTP/1.1 101"


def test_open_paths_open_nothing_else(guarded):
    """However they are spelled."""
    for path in (
        "/healthcheck/../v1/nothing",
        "/healthcheck%2F..%2Fv1",
        "/%64ocs%2F",
        "/v1/components/%2Fdocs",
        "//docs",
    ):
        with Raw(guarded.port) as client:
            assert client.send(request("GET", path)).answer()[0] == 401
