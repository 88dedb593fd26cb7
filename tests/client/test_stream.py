"""The event stream against a server that breaks, repeats, refuses and hangs as it is told to."""

import json
import socket
import ssl
import threading
from contextlib import closing
from uuid import UUID

import pytest
from websockets.sync.server import serve

from golem_nb.client.http import Retries
from golem_nb.client.remote import RemoteClient
from golem_nb.client.stream import Reconnecting
from golem_nb.errors import InvocationInterrupted, ServerUnreachable, WorkerNotFound
from golem_nb.model import WorkerId
from tests.host.http_server import CERTIFICATE

WORKER = WorkerId(UUID(int=1), "w")
CLOSE, BREAK, HANG, AWAY = "close", "break", "hang", "away"


def line(number):
    return json.dumps(
        {"type": "StdOut", "timestamp": f"2026-01-01T00:00:{number:02}.000Z", "message": f"line {number}"}
    )


def lines(*numbers):
    return [line(number) for number in numbers]


class Script:
    """A server that does, for each connection, what the next item says: send texts, close, break off, hang, or refuse
    with (status, body). The last item stays."""

    def __init__(self, *connections):
        self.connections, self.paths, self.hanging = list(connections), [], threading.Event()
        self.server = serve(self.handle, "127.0.0.1", 0, process_request=self.refuse, close_timeout=0.1)
        self.url = f"http://127.0.0.1:{self.server.socket.getsockname()[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def refuse(self, connection, request):
        self.paths.append(request.path)
        item = self.connections[0]
        if isinstance(item, tuple):
            self._next()
            response = connection.respond(item[0], item[1])
            return response
        return None

    def _next(self):
        return self.connections.pop(0) if len(self.connections) > 1 else self.connections[0]

    def handle(self, connection):
        for step in self._next():
            match step:
                case "away":
                    connection.close(1001)
                    return
                case "close":
                    return
                case "break":
                    connection.socket.shutdown(socket.SHUT_RDWR)
                    return
                case "hang":
                    self.hanging.set()
                    connection.recv(timeout=30)
                case text:
                    connection.send(text)

    def close(self):
        self.server.shutdown()


@pytest.fixture
def stream_of():
    opened = []

    def make(*connections, for_s=60.0, **options):
        script = Script(*connections)
        pauses = Retries(first_pause_s=0.001, longest_pause_s=0.01)
        client = RemoteClient(
            script.url, "t", dialect="contract", reconnecting=Reconnecting(for_s, retries=pauses, **options)
        )
        opened.extend([client, script])
        events = client.events(WORKER)
        opened.insert(0, events)
        events.script = script
        return events

    yield make
    for each in opened:
        each.close()


def shown(events):
    return [event.message if event.type == "StdOut" else event.level for event in events]


def test_a_normal_close_is_the_end(stream_of):
    assert shown(stream_of([*lines(1, 2), CLOSE])) == ["line 1", "line 2"]


def test_after_a_break_it_goes_on_and_says_what_it_may_have_missed(stream_of):
    events = list(stream_of([*lines(1, 2), BREAK], [*lines(4), CLOSE]))

    assert shown(events) == ["line 1", "line 2", "Warn", "line 4"]
    notice = events[2]
    assert "may be missing" in notice.message
    assert notice.context["missedFrom"] <= notice.context["missedTo"]


def test_a_server_that_goes_away_is_waited_for(stream_of):
    """So say proxies that are started again; what they stand before goes on."""
    assert shown(stream_of([*lines(1), AWAY], [*lines(2), CLOSE])) == ["line 1", "Warn", "line 2"]


def test_what_the_server_repeats_is_left_out(stream_of):
    events = stream_of([*lines(1, 2, 2), BREAK], [*lines(1, 2, 2, 3), BREAK], [*lines(2, 2, 3, 4, 4), CLOSE])

    assert shown(events) == ["line 1", "line 2", "line 2", "Warn", "line 3", "Warn", "line 4", "line 4"]


def test_a_line_that_comes_again_after_new_ones_is_no_repetition(stream_of):
    events = stream_of([*lines(1), BREAK], [*lines(1, 2, 1), CLOSE])

    assert shown(events) == ["line 1", "Warn", "line 2", "line 1"]


def test_half_a_character_of_a_repeated_message_is_completed_by_a_new_one(stream_of):
    first, second = (json.dumps({"StdOut": {"timestamp": "2026-01-01T00:00:00Z", "bytes": [b]}}) for b in "é".encode())
    events = stream_of([first, BREAK], [first, second, CLOSE])

    assert shown(events) == ["", "Warn", "é"]


def test_a_server_that_is_away_for_a_while_is_waited_for(stream_of):
    events = stream_of([*lines(1), BREAK], (503, "starting"), (502, "starting"), [*lines(2), CLOSE])

    assert shown(events) == ["line 1", "Warn", "line 2"]


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        ((404, '{"error": "Worker not found: c/w"}'), WorkerNotFound),
        ((500, '{"error": "Interrupted via the Golem API"}'), InvocationInterrupted),
    ],
)
def test_a_refusal_after_a_break_is_told(stream_of, refusal, kind):
    with pytest.raises(kind):
        list(stream_of([*lines(1), BREAK], refusal))


class Clock:
    """Time that passes by a second at each look."""

    now = 0.0

    def __call__(self):
        self.now += 1
        return self.now


def test_a_server_that_does_not_come_back_is_unreachable(stream_of):
    events = stream_of([*lines(1), BREAK], (503, "gone"), for_s=10.0, clock=Clock())

    with pytest.raises(ServerUnreachable, match="could not be made again within 10 s"):
        list(events)
    assert len(events.script.paths) < 15


def test_a_server_that_breaks_every_connection_is_unreachable_in_the_end(stream_of):
    events = stream_of([*lines(1), BREAK], for_s=20.0, clock=Clock())

    with pytest.raises(ServerUnreachable):
        list(events)


def test_who_does_not_want_to_connect_again_is_told_at_once(stream_of):
    events = stream_of([*lines(1), BREAK], for_s=0.0)

    with pytest.raises(ServerUnreachable, match=r"broke off$"):
        list(events)
    assert len(events.script.paths) == 1


def test_closing_ends_who_waits_for_a_message(stream_of):
    events = stream_of([*lines(1), HANG])
    found = []
    thread = threading.Thread(target=lambda: found.extend(events))
    thread.start()
    assert events.script.hanging.wait(5)

    events.close()
    thread.join(5)

    assert not thread.is_alive()
    assert shown(found) == ["line 1"]


def test_closing_ends_who_waits_for_the_server_to_come_back(stream_of):
    away = threading.Event()

    class Refusing(Script):
        def refuse(self, connection, request):
            if self.paths:
                away.set()
            return super().refuse(connection, request)

    script = Refusing([*lines(1), BREAK], (503, "gone"))
    client = RemoteClient(script.url, dialect="contract", reconnecting=Reconnecting(600.0))
    with closing(script), closing(client):
        events = client.events(WORKER)
        thread = threading.Thread(target=lambda: list(events))
        thread.start()
        assert away.wait(5)

        events.close()
        thread.join(5)

        assert not thread.is_alive()


def test_closing_ends_who_waits_for_a_connection_that_is_not_answered(stream_of):
    connecting, answered = threading.Event(), threading.Event()
    events = stream_of([*lines(1), BREAK])

    def opening():
        connecting.set()
        answered.wait(20)
        raise ServerUnreachable("nobody answers")

    events._opening = opening
    thread = threading.Thread(target=lambda: list(events))
    thread.start()
    assert connecting.wait(5)

    events.close()
    thread.join(5)

    assert not thread.is_alive()
    answered.set()


def test_requests_and_streams_trust_whom_the_environment_says(monkeypatch):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(CERTIFICATE)

    def answer(connection, request):
        return None if request.path.endswith("/connect") else connection.respond(200, "[]")

    def send(connection):
        connection.send(line(1))

    with serve(send, "127.0.0.1", 0, ssl=tls, process_request=answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"https://127.0.0.1:{server.socket.getsockname()[1]}"
        never = Retries(attempts=1)
        with closing(RemoteClient(url, dialect="contract", retries=never)) as stranger:
            with pytest.raises(ServerUnreachable, match="certificate"):
                stranger.components()
            with pytest.raises(ServerUnreachable, match="certificate"):
                stranger.events(WORKER)
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        with closing(RemoteClient(url, dialect="contract", retries=never)) as client:
            assert client.components() == []
            with client.events(WORKER) as events:
                assert shown(events) == ["line 1"]
        server.shutdown()


def test_a_proxy_of_the_environment_is_asked_for_a_tunnel(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        monkeypatch.delenv("no_proxy", raising=False)
        asked = []

        def answer():
            connection, _ = proxy.accept()
            with connection:
                asked.append(connection.recv(4096).decode())
                connection.sendall(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        client = RemoteClient("http://golem.example:9881", "very-secret", dialect="contract")
        with closing(client), pytest.raises(ServerUnreachable, match="no event stream"):
            client.events(WORKER)
        thread.join(5)

    assert asked[0].startswith("CONNECT golem.example:9881 ")
    assert "very-secret" not in asked[0]
