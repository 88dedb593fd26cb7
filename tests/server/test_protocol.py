import socket
import threading
import time

import pytest

from golem_nb.model import WorkerId
from golem_nb.server.limits import Limits
from golem_nb.server.protocol import LimitedProtocol
from tests.server.conftest import Running
from tests.server.raw import Raw, request


@pytest.fixture(scope="module")
def strict():
    """A server that waits for nobody longer than half a second."""
    server = Running(limits=Limits(head_s=0.5, silence_s=0.5, keep_alive_s=0.5))
    yield server
    server.close()


@pytest.fixture(scope="module")
def narrow():
    """A server with room for two connections."""
    server = Running(limits=Limits(connections=2))
    yield server
    server.close()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),  # TLS
        (b"GET / HTTP/1.1\r\n\r\n", 400),  # no Host
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 70_000, 431),
    ],
)
def test_what_is_no_request_is_answered_in_json(running, data, status):
    with Raw(running.port) as client:
        found, headers, body = client.send(data).answer()

        assert (found, headers["content-type"], headers["connection"]) == (status, "application/json", "close")
        assert body["error"].startswith("this is not an HTTP/1.1 request: ")


def test_a_bad_chunk_in_a_body_is_answered_in_json(running):
    path = "/v1/components/00000000-0000-0000-0000-000000000001/workers"
    head = request("POST", path, b"Content-Type: application/json", b"Transfer-Encoding: chunked")
    with Raw(running.port) as client:
        status, _, body = client.send(head + b"zz\r\n").answer()

    assert (status, "not an HTTP/1.1 request" in body["error"]) == (400, True)


def test_a_slow_head_is_dropped_at_the_deadline(strict):
    with Raw(strict.port) as client:
        status, headers, body = client.send(b"GET /healthcheck HTTP/1.1\r\nHost:").answer()

        assert (status, headers["connection"]) == (408, "close")
        assert body == {"error": "the head of the request was not complete after 0.5 s"}
        assert client.is_closed()


def test_dripping_does_not_extend_the_deadline(strict):
    """Each byte comes well before the deadline, which holds for all of them together."""
    with Raw(strict.port) as client:
        client.send(b"GET /healthcheck HTTP/1.1\r\nX: ")
        stop = threading.Event()

        def drip():
            while not stop.wait(0.05):
                try:
                    client.send(b"x")
                except OSError:
                    return

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            assert client.answer()[0] == 408
        finally:
            stop.set()
            dripping.join()


def test_a_head_that_came_while_the_server_was_busy_is_not_late(strict, monkeypatch):
    """It lies in the socket when the deadline passes, which the server finds out first."""
    watch = LimitedProtocol._watch_head

    def watch_and_be_busy(self):
        watch(self)
        monkeypatch.undo()
        time.sleep(2 * strict.limits.head_s)

    monkeypatch.setattr(LimitedProtocol, "_watch_head", watch_and_be_busy)
    with Raw(strict.port) as client:
        assert client.send(request()).answer()[0] == 200


def test_who_says_nothing_is_dropped_without_an_answer(strict):
    with Raw(strict.port) as client:
        assert client.socket.recv(1) == b""


def test_a_connection_is_kept_for_a_while_and_its_second_head_has_a_deadline_too(strict):
    with Raw(strict.port) as client:
        assert client.send(request()).answer()[0] == 200
        assert client.send(request()).answer()[0] == 200
        assert client.socket.recv(1) == b""
    with Raw(strict.port) as client:
        assert client.send(request()).answer()[0] == 200
        assert client.send(b"GET").answer()[0] == 408


def test_500_slow_clients_keep_nobody_waiting_and_are_dropped(strict):
    worker = WorkerId(strict.deploy("slowly"), "w")
    slow = [Raw(strict.port).send(b"GET /healthcheck HTTP/1.1\r\nHost: local") for _ in range(500)]
    url = f"/v1/components/{worker.component_id}/workers/w/invoke-and-await?function=inc"

    answers = [strict.http.post(url, json={"params": [1]}).json()["result"]["value"] for _ in range(5)]

    assert answers == [1, 2, 3, 4, 5]
    assert [client.answer()[0] for client in slow] == [408] * 500
    for client in slow:
        client.close()


def test_a_connection_beyond_the_limit_is_told_so(narrow):
    narrow.http.close()
    with Raw(narrow.port) as first, Raw(narrow.port) as second:
        assert first.send(request()).answer()[0] == 200
        assert second.send(request()).answer()[0] == 200
        with Raw(narrow.port) as third:
            status, headers, body = third.send(request()).answer()

            assert (status, headers["retry-after"]) == (503, "1")
            assert body["error"] == "2 connections are open, the limit; close some, or come later"
            assert third.is_closed()
        assert first.send(request()).answer()[0] == 200


def test_an_answer_that_nobody_takes_is_given_up(strict):
    """Many requests are sent, and no answer is read: the server's buffers fill."""
    with Raw(strict.port) as client:
        client.socket.settimeout(20)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            while True:
                client.send(request("GET", "/v1/nothing/" + "x" * 150) * 100)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET http://localhost/healthcheck HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET //healthcheck HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET /healthcheck/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET /%2Fhealthcheck HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET /healthcheck#x HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET /healthcheck?x HTTP/1.0\r\nHost: localhost\r\n\r\n", 200),
        (b"GET /healthcheck HTTP/1.1\r\nHost:\r\n\r\n", 403),
        (b"GET /healthcheck HTTP/1.0\r\n\r\n", 403),
    ],
)
def test_odd_targets_are_answered(running, data, status):
    with Raw(running.port) as client:
        found, headers, _ = client.send(data).answer()

        assert (found, headers["content-type"]) == (status, "application/json")


def test_requests_in_one_go_are_answered_in_order(running):
    body = b'{"name": "w"}'
    with Raw(running.port) as client:
        post = request("POST", "/v1/nothing", b"Content-Length: %d" % len(body), body=body)
        client.send(request() + post + request("GET", "/version") + request("GET", "/nothing"))
        with client.socket.makefile("rb") as file:
            answers = [client._answer(file, False) for _ in range(4)]

    assert [status for status, _, _ in answers] == [200, 404, 200, 404]
    assert "golem_nb" in answers[2][2]["version"]
