import logging
import pickle
import threading
import traceback
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

import httpx
import pytest

from golem_nb.client.http import NEVER_AGAIN, Http, Retries, Token
from golem_nb.client.remote import RemoteClient
from golem_nb.errors import (
    BadInput,
    ClientError,
    GolemError,
    NotFound,
    ServerError,
    ServerUnreachable,
    Unauthorized,
)
from golem_nb.model import WorkerId

TOKEN = "5c832d93-very-secret"
WORKER = WorkerId(UUID(int=1), "w")


class Raw:
    """A server that answers with what it is told to, one after the other; the last stays. None breaks the connection.

    `seen` are (connection, method, path, headers).
    """

    def __init__(self, *answers):
        self.answers, self.seen = list(answers), []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                self.rfile.read(int(self.headers.get("content-length") or 0))
                outer.seen.append((self.client_address, self.command, self.path, dict(self.headers)))
                answer = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                if answer is None:
                    self.close_connection = True
                    return
                status, headers, body = answer
                self.send_response(status)
                for name, value in {**headers, "content-length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = answer

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


OK = (200, {}, b'{"result": null, "workers": []}')


def busy(status, **headers):
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, b"busy"


@pytest.fixture
def raw():
    made = []

    def make(*answers):
        made.append(Raw(*answers))
        return made[-1]

    yield make
    for server in made:
        server.close()


@pytest.fixture
def client_of():
    made = []

    def make(server, token=TOKEN, **options):
        slept = []
        retries = options.pop("retries", Retries(sleep=slept.append, chance=lambda: 1.0))
        client = RemoteClient(server.url, token, dialect="contract", retries=retries, **options)
        client.slept = slept
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


@pytest.mark.parametrize("first", [None, busy(502), busy(503), busy(504)])
@pytest.mark.parametrize(
    "ask", [lambda c: c.workers(WORKER.component_id), lambda c: c.invoke_and_await(WORKER, "f", [])]
)
def test_what_is_safe_is_sent_again_with_growing_pauses(raw, client_of, first, ask):
    server = raw(first, first, OK)
    client = client_of(server)

    ask(client)

    assert len(server.seen) == 3
    assert client.slept == [0.1, 0.2]
    assert len({headers.get("idempotency-key") for *_, headers in server.seen}) == 1


def test_it_is_sent_four_times_at_most(raw, client_of):
    server = raw(busy(503))

    with pytest.raises(GolemError):
        client_of(server).components()
    assert len(server.seen) == 4


@pytest.mark.parametrize("first", [None, busy(502), busy(503), busy(504)])
@pytest.mark.parametrize(
    "ask",
    [
        lambda c: c.launch_worker(WORKER.component_id, "w"),
        lambda c: c.create_component("x", b""),
        lambda c: c.delete_worker(WORKER),
        lambda c: c.update_worker(WORKER, 1),
    ],
)
def test_what_is_not_safe_is_sent_once(raw, client_of, first, ask):
    server = raw(first, OK)

    with pytest.raises(GolemError):
        ask(client_of(server))
    assert len(server.seen) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 409, 429, 500, 501])
def test_other_statuses_are_final(raw, client_of, status):
    server = raw((status, {}, b"{}"), OK)

    with pytest.raises(GolemError):
        client_of(server).components()
    assert len(server.seen) == 1


def test_a_server_says_how_long_to_wait(raw, client_of):
    soon = format_datetime(datetime.now(UTC) - timedelta(seconds=5), usegmt=True)
    server = raw(busy(503, retry_after="7"), busy(503, retry_after=soon), busy(503, retry_after="nonsense"), OK)
    client = client_of(server)

    client.workers(WORKER.component_id)

    assert client.slept == [7.0, 0.0, 0.4]


def test_a_wait_that_is_too_long_is_not_waited_for(raw, client_of):
    server = raw(busy(503, retry_after="3600"), OK)

    with pytest.raises(GolemError):
        client_of(server).workers(WORKER.component_id)
    assert len(server.seen) == 1


@pytest.mark.parametrize(("took_s", "sent"), [(0.5, 4), (7.0, 2), (11.0, 1)])
def test_a_time_out_is_for_all_that_is_sent_together(took_s, sent):
    """The time-out is 10 s; each answer takes so long, and asks for nothing."""
    now, asked = [0.0], []

    def answer(request):
        asked.append(request.extensions["timeout"]["read"])
        now[0] += took_s
        return httpx.Response(503)

    retries = Retries(first_pause_s=0.0, longest_pause_s=0.0, sleep=lambda s: None, clock=lambda: now[0])
    http = httpx.Client(transport=httpx.MockTransport(answer))
    client = RemoteClient("http://golem.example", http=http, dialect="1.3", retries=retries)
    with pytest.raises(GolemError):
        client.invoke_and_await(WORKER, "f", [], timeout_s=10.0)
    assert asked == [10.0 - attempt * took_s for attempt in range(sent)]


def test_a_server_that_is_not_there_is_tried_again_and_told():
    slept = []
    client = RemoteClient("http://127.0.0.1:1", dialect="contract", retries=Retries(sleep=slept.append))

    with closing(client):
        with pytest.raises(ServerUnreachable, match=r"nobody answers at http://127\.0\.0\.1:1"):
            client.components()
        assert len(slept) == 3
        assert not client.is_healthy()
        assert len(slept) == 3  # whether it is well is asked once


def test_pauses_vary_and_are_bounded():
    shortest, longest = Retries(chance=lambda: 0.0), Retries(chance=lambda: 1.0)

    assert [shortest.pause_s(n) for n in (1, 2, 9)] == [0.05, 0.1, 1.0]
    assert [longest.pause_s(n) for n in (1, 2, 9)] == [0.1, 0.2, 2.0]
    assert NEVER_AGAIN.attempts == 1


def test_connections_are_used_again(raw, client_of):
    server = raw(OK)
    client = client_of(server)
    for _ in range(3):
        client.workers(WORKER.component_id)

    assert len({connection for connection, *_ in server.seen}) == 1


def test_a_wait_without_limit_asks_again_with_the_same_key(monkeypatch):
    calls = []

    def answer(request):
        calls.append(request)
        if len(calls) < 3:
            raise httpx.ReadTimeout("")
        return httpx.Response(200, json={"result": None})

    http = httpx.Client(transport=httpx.MockTransport(answer))
    client = RemoteClient("http://golem.example", http=http, dialect="contract")

    assert client.invoke_and_await(WORKER, "f", []) is None
    assert len({request.headers["idempotency-key"] for request in calls}) == 1
    assert [request.extensions["timeout"]["read"] for request in calls] == [300.0] * 3


# Where it goes: proxies, certificates.


def test_a_proxy_of_the_environment_is_used_but_not_on_this_machine(raw, monkeypatch):
    proxy = raw(OK)
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)

    with closing(RemoteClient("http://golem.example:9881", TOKEN, dialect="contract")) as client:
        client.workers(WORKER.component_id)
    with closing(RemoteClient("http://127.0.0.1:1", TOKEN, dialect="contract")) as local:
        assert not local.is_healthy()

    assert [path.partition("?")[0] for _, _, path, _ in proxy.seen] == [
        f"http://golem.example:9881/v1/components/{WORKER.component_id}/workers"
    ]


def test_a_certificate_authority_of_the_environment_counts_for_https(monkeypatch, tmp_path):
    broken = tmp_path / "ca.pem"
    broken.write_text("no certificate")
    monkeypatch.setenv("SSL_CERT_FILE", str(broken))

    with pytest.raises(ClientError, match="SSL_CERT_FILE"):
        Http("https://golem.example", None, None, Retries())
    with closing(Http("http://127.0.0.1:1", None, None, Retries())) as plain:
        assert plain.tls is None


# The token.


def test_the_token_is_sent_and_nowhere_else(raw, client_of, caplog):
    caplog.set_level(logging.DEBUG)
    server = raw((401, {}, b'{"error": "Unauthorized"}'))
    client = client_of(server)

    with pytest.raises(Unauthorized) as caught:
        client.components()
    with pytest.raises(GolemError):
        client.events(WORKER)

    assert {headers.get("authorization") or headers.get("Authorization") for *_, headers in server.seen} == {
        f"Bearer {TOKEN}"
    }
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert TOKEN not in "".join(shown.format())
    assert TOKEN not in repr(client) + repr(vars(client)) + str(caught.value)
    assert TOKEN not in repr([vars(part) for part in vars(client).values() if hasattr(part, "__dict__")])
    assert caplog.records
    assert TOKEN not in caplog.text


def test_a_token_has_no_representation_and_no_pickle():
    token = Token(TOKEN)

    assert TOKEN not in repr(token) + str(token) + repr(token.headers()) + f"{token.headers()}"
    assert token.headers()["Authorization"] == f"Bearer {TOKEN}"
    assert (repr(Token(None)), dict(Token(None).headers())) == ("Token()", {})
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(token)


def test_the_token_does_not_follow_a_redirection(raw, client_of):
    other = raw(OK)
    server = raw((307, {"location": f"{other.url}/v1"}, b""))

    with pytest.raises(GolemError):
        client_of(server).components()
    assert other.seen == []


@pytest.mark.parametrize(
    "answer",
    [
        (401, {}, f'{{"error": "invalid token {TOKEN}"}}'.encode()),
        (400, {}, f"<pre>authorization: Bearer {TOKEN}</pre>".encode()),
        (200, {}, f"authorization: Bearer {TOKEN}".encode()),
        (302, {"location": f"https://login.example/?token={TOKEN}"}, b""),
    ],
)
def test_a_token_that_a_server_repeats_is_not_shown(raw, client_of, answer):
    """So does what shows a request that it could not read."""
    client = client_of(raw(answer))
    for ask in (client.components, lambda: client.events(WORKER)):
        with pytest.raises(GolemError) as caught:
            ask()
        assert TOKEN not in str(caught.value)
    with pytest.raises(GolemError, match="…"):
        client.components()


@pytest.mark.parametrize("token", ["very\nsecret", "very secret", "very\0secret", "véry-secret"])
def test_a_token_that_no_header_can_have_is_refused_and_not_shown(raw, token):
    """httpx and websockets tell of a header that cannot be sent with all that is in it."""
    with pytest.raises(BadInput, match="the token has a character") as caught:
        RemoteClient(raw(OK).url, token)
    shown = "".join(traceback.TracebackException.from_exception(caught.value).format())
    assert token not in shown
    assert "secret" not in str(caught.value)


def test_blanks_around_a_token_are_none_of_it(raw):
    """A file that holds it ends with a newline."""
    server = raw(OK)
    with closing(RemoteClient(server.url, f" {TOKEN}\n", dialect="contract")) as client:
        client.resume_worker(WORKER)
    assert server.seen[0][3]["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    "ask",
    [
        lambda c: c.invoke(WORKER, "f", [], key="k\n"),
        lambda c: c.invoke(WORKER, "f", [], key="ä"),
        lambda c: c.invoke(WORKER, "f" * 70_000, []),
        lambda c: c.invoke(WORKER, "f", [float("nan")]),
        lambda c: c.invoke(WORKER, "f", [{1}]),
        lambda c: c.invoke(WORKER, "f", ["\ud800"]),
        lambda c: c.worker(WorkerId(UUID(int=1), "\ud800")),
        lambda c: c.worker(WorkerId(UUID(int=1), "w" * 70_000)),
    ],
)
def test_what_no_request_can_say_is_refused_here(raw, client_of, ask):
    server = raw(OK)

    with pytest.raises(BadInput, match="cannot be asked for with"):
        ask(client_of(server))
    assert server.seen == []


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        ((200, {}, b"[" * 200_000), ServerError, "no JSON"),
        ((500, {}, b"[" * 200_000 + b"]" * 200_000), ServerError, r"^the server answered 500: \[+…$"),
        ((200, {"content-encoding": "gzip"}, b"nothing of the sort"), ServerUnreachable, "cannot be read"),
        (
            (404, {"content-type": "text/html"}, b"<title>404</title>" + b"x" * 9999),
            NotFound,
            "^404; that is a page in HTML",
        ),
        ((502, {}, b""), ServerError, "^the server answered 502: Bad Gateway$"),
        ((301, {"location": "https://golem.example/"}, b""), ServerError, "it is at https://golem.example/; connect"),
    ],
)
def test_whatever_is_answered_is_one_error_in_one_line(raw, client_of, answer, kind, text):
    with pytest.raises(kind, match=text) as caught:
        client_of(raw(answer)).components()
    assert len(str(caught.value)) < 500
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("proxy", ["socks5://u:very-secret@127.0.0.1:1", "nothing://u:very-secret@127.0.0.1:1"])
def test_a_proxy_that_cannot_be_used_is_told_without_its_password(monkeypatch, proxy):
    monkeypatch.setenv("HTTPS_PROXY", proxy)

    with pytest.raises(ClientError, match="HTTPS_PROXY") as caught:
        RemoteClient("https://golem.example")
    assert "very-secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["golem.example", "ftp://golem.example", "http://", "http://[::1", "http://golem.example:x", "http://\0"]
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(BadInput, match="not the address"):
        RemoteClient(url)


@pytest.mark.parametrize(
    "url", ["http://user:very-secret@golem.example", "user:very-secret@golem.example", "http://u:very-secret@[::1"]
)
def test_a_password_in_an_address_is_refused_and_not_shown(url):
    with pytest.raises(BadInput) as caught:
        RemoteClient(url)
    assert "very-secret" not in str(caught.value)
