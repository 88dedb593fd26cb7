import errno
import socket
import ssl
import threading
import time
from contextlib import suppress

import httpx
import pytest

from golem_nb.host.http_exchange import (
    BUFFER_BYTES,
    Exchange,
    Failed,
    Head,
    Pipe,
    Request,
    Timeouts,
    error_code,
)
from golem_nb.host.http_network import Refused, make_client


def exchanged(client, authority, path, *, method="GET", headers=(), body=None, timeouts=None):
    exchange = Exchange(Request(method, f"http://{authority}{path}", list(headers), timeouts or Timeouts()), body)
    thread = threading.Thread(target=exchange.run, args=(client,), daemon=True)
    thread.start()
    return exchange


def connect_error(cause):
    error = httpx.ConnectError("")
    error.__cause__ = cause
    return error


def read_all(pipe):
    return b"".join(pipe.chunks())


def test_a_response_has_status_headers_and_body(http_client, http_server):
    body = Pipe()
    body.put(b"hel")
    body.put(b"lo")
    body.end()

    exchange = exchanged(http_client, http_server.authority, "/echo", method="POST", body=body)

    head = exchange.head.result(5)
    assert head.status == 200
    assert [value for name, value in head.headers if name == "x-twice"] == [b"1", b"2"]
    assert read_all(exchange.response_body) == b"hello"


def test_only_the_components_headers_are_sent(http_client, http_server):
    exchange = exchanged(http_client, http_server.authority, "/echo", headers=[("X-Mine", b"1")])
    exchange.head.result(5)

    sent = {name.lower() for name in http_server.requests[-1][2]}
    assert sent == {"host", "x-mine", "connection"} or sent == {"host", "x-mine"}


@pytest.mark.parametrize(
    ("path", "timeouts", "code"),
    [
        ("/slow", Timeouts(first_byte_s=0.05), "connection-read-timeout"),
        ("/drop", Timeouts(), "HTTP-response-incomplete"),
    ],
)
def test_failures_are_cases_of_wit(http_client, http_server, path, timeouts, code):
    exchange = exchanged(http_client, http_server.authority, path, timeouts=timeouts)

    with pytest.raises(Failed) as caught:
        exchange.head.result(5)
        while exchange.response_body.take(100) is not None:
            pass
    assert caught.value.code[0] == code


def test_nobody_listening_is_connection_refused(http_client):
    exchange = exchanged(http_client, "127.0.0.1:1", "/")

    assert exchange.head.exception(5).code == ("connection-refused", None)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (httpx.ConnectTimeout(""), "connection-timeout"),
        (httpx.WriteTimeout(""), "connection-write-timeout"),
        (httpx.UnsupportedProtocol(""), "HTTP-request-URI-invalid"),
        (connect_error(socket.gaierror(socket.EAI_NONAME, "")), "DNS-error"),
        (connect_error(socket.gaierror(socket.EAI_AGAIN, "")), "DNS-timeout"),
        (connect_error(ssl.SSLCertVerificationError()), "TLS-certificate-error"),
        (connect_error(ssl.SSLError()), "TLS-protocol-error"),
        (connect_error(OSError(errno.ENETUNREACH, "")), "destination-IP-unroutable"),
        (connect_error(OSError(errno.EHOSTUNREACH, "")), "destination-unavailable"),
        (connect_error(ConnectionRefusedError()), "connection-refused"),
        (connect_error(ConnectionResetError()), "connection-terminated"),
        (httpx.RemoteProtocolError("Server disconnected without sending a response."), "connection-terminated"),
        (httpx.RemoteProtocolError("illegal status line"), "HTTP-protocol-error"),
        (httpx.ProxyError("403"), "destination-unavailable"),
        (Refused(""), "HTTP-request-denied"),
        (ValueError("x"), "internal-error"),
    ],
)
def test_every_failure_has_a_case(error, code):
    assert error_code(error)[0] == code


def test_a_pipe_bounds_what_it_holds():
    pipe = Pipe()
    pipe.put(bytes(BUFFER_BYTES))
    assert not pipe.has_room
    writer = threading.Thread(target=pipe.put, args=(b"more",), daemon=True)
    writer.start()
    writer.join(0.05)
    assert writer.is_alive()

    assert len(pipe.take(BUFFER_BYTES)) == BUFFER_BYTES
    writer.join(5)

    assert pipe.take(100) == b"more"
    assert pipe.take(100) == b""
    pipe.end()
    assert pipe.take(100) is None


def test_an_abandoned_pipe_holds_nobody_up():
    pipe = Pipe()
    pipe.abandon()
    pipe.put(bytes(2 * BUFFER_BYTES))

    assert pipe.take(10) == b""
    with pytest.raises(Failed):
        next(pipe.chunks())


def test_a_failed_pipe_gives_what_came_before():
    pipe = Pipe()
    pipe.put(b"half")
    pipe.end(Failed(("connection-terminated", None)))

    assert pipe.take(10) == b"half"
    with pytest.raises(Failed):
        pipe.take(10)


def test_a_body_that_is_cut_off_is_not_sent_as_if_it_were_whole(http_client, http_server):
    body = Pipe()
    body.put(b"half of it")
    body.end(Failed(("connection-terminated", None)))
    answered = len(http_server.requests)

    exchange = exchanged(http_client, http_server.authority, "/echo", method="POST", body=body)

    assert exchange.head.exception(5).code == ("connection-terminated", None)
    assert len(http_server.requests) == answered


def test_an_empty_body_is_none(http_client, http_server):
    body = Pipe()
    body.end()

    exchanged(http_client, http_server.authority, "/echo", body=body).head.result(5)

    assert "transfer-encoding" not in {name.lower() for name in http_server.requests[-1][2]}


def test_a_body_for_a_request_that_failed_waits_for_nobody(http_client):
    body = Pipe()
    body.put(bytes(BUFFER_BYTES))

    exchanged(http_client, "127.0.0.1:1", "/", body=body).head.exception(5)

    body.put(b"more")
    assert body.has_room


def test_cookies_of_one_request_are_not_kept_for_another(http_server):
    with make_client(10, 5.0) as client:
        exchanged(client, http_server.authority, "/cookie").head.result(5)
        exchanged(client, http_server.authority, "/echo").head.result(5)

        assert "cookie" not in {name.lower() for name in http_server.requests[-1][2]}
        assert not client.cookies


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_proxy_is_not_asked_for_this_machine(http_server, monkeypatch, host):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    port = http_server.authority.rpartition(":")[2]

    with make_client(10, 5.0) as client:
        assert exchanged(client, f"{host}:{port}", "/echo").head.result(5).status == 200
        assert exchanged(client, "192.0.2.1", "/").head.exception(5).code == ("connection-refused", None)


@pytest.mark.parametrize("end", [Exchange.release, Exchange.cancel])
def test_a_body_that_is_being_sent_is_cut_off(http_client, http_server, end):
    body = Pipe()
    body.put(b"begin")
    exchange = exchanged(http_client, http_server.authority, "/echo", method="POST", body=body)

    end(exchange)

    assert exchange.head.exception(5).code == ("connection-terminated", None)


def test_a_whole_body_is_sent_even_if_nobody_waits_for_the_answer(http_client, http_server):
    body = Pipe()
    body.put(b"fire and forget")
    body.end()
    exchange = Exchange(Request("POST", f"http://{http_server.authority}/echo", []), body)

    exchange.release()
    exchange.run(http_client)

    assert http_server.requests[-1][3] == b"fire and forget"


def test_a_pipe_keeps_each_wake_once():
    pipe, woken = Pipe(), threading.Event()
    for _ in range(100):
        pipe.call_when_changed(woken.set)

    assert len(pipe._wakes) == 1
    woken.clear()
    pipe.put(b"x")
    assert woken.is_set()


def test_an_exchange_keeps_each_wake_once():
    exchange, woken = Exchange(Request("GET", "http://localhost/", []), None), []
    wakes = [lambda: woken.append(1), lambda: woken.append(2)]
    for _ in range(100):
        for wake in wakes:
            exchange.call_when_headed(wake)

    exchange.head.set_result(Head(200, []))

    assert woken == [1, 2]


class Scripted:
    """Answers each connection with parts, and pauses between them."""

    def __init__(self, *parts):
        self._parts = parts
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.authority = f"127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                taken, _ = self._listening.accept()
            except OSError:
                return
            with taken, suppress(OSError):  # who asked has gone
                for _ in range(2):  # the connection is used again
                    while (data := taken.recv(1 << 16)) and not data.endswith(b"\r\n\r\n"):
                        pass
                    for part in self._parts if data else ():
                        time.sleep(part) if isinstance(part, float) else taken.sendall(part)

    def close(self):
        self._listening.close()


@pytest.fixture
def scripted():
    made = []

    def scripted(*parts):
        made.append(Scripted(*parts))
        return made[-1].authority

    yield scripted
    for server in made:
        server.close()


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-End\r\n\r\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"


def test_trailers_come_with_the_end_of_the_body(http_client, scripted):
    authority = scripted(CHUNKED, b"4\r\nbody\r\n", b"0\r\nX-End: 1\r\nX-End: 2\r\n\r\n")

    for _ in range(2):
        exchange = exchanged(http_client, authority, "/")
        assert read_all(exchange.response_body) == b"body"
        assert exchange.trailers == [("x-end", b"1"), ("x-end", b"2")]


def test_trailers_of_one_response_are_not_those_of_the_next(http_client, scripted):
    authority = scripted(HEAD, b"body")

    for _ in range(2):
        exchange = exchanged(http_client, authority, "/")
        assert read_all(exchange.response_body) == b"body"
        assert exchange.trailers == []


@pytest.mark.parametrize(
    ("parts", "timeouts", "is_in_time"),
    [
        ((HEAD, 0.2, b"body"), Timeouts(first_byte_s=0.1), True),  # it was for the first byte only
        ((HEAD, b"bo", 0.2, b"dy"), Timeouts(first_byte_s=0.1, between_bytes_s=5), True),
        ((HEAD, b"bo", 0.3, b"dy"), Timeouts(between_bytes_s=0.05), False),
        ((0.2, HEAD, b"body"), Timeouts(between_bytes_s=0.05), True),
        ((0.3, HEAD, b"body"), Timeouts(first_byte_s=0.05), False),
    ],
)
def test_each_timeout_is_for_its_own_part(http_client, scripted, parts, timeouts, is_in_time):
    exchange = exchanged(http_client, scripted(*parts), "/", timeouts=timeouts)

    if is_in_time:
        assert read_all(exchange.response_body) == b"body"
    else:
        with pytest.raises(Failed, match="connection-read-timeout"):
            read_all(exchange.response_body)
