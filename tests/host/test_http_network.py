"""Waits for the network that are ended from outside: the thread ends, the connection is closed, and others go on."""

import random
import socket
import threading
import time

import httpx
import pytest

from golem_nb.host.http_exchange import BUFFER_BYTES, Exchange, Pipe, Request
from golem_nb.host.http_network import Backend, Cancellation, Cancelled, Names, make_client
from golem_nb.host.network_policy import NetworkPolicy, pattern_from_text
from tests.host.http_server import CERTIFICATE, Server
from tests.host.raw_server import Proxy, RawServer, connections_to

# 100 ms are promised; a machine under load gets more. Without a cancellation it would be the client's 60 s.
ENDED_WITHIN_S = 1.0
HALF = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf of it"
ENDLESS = b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n" + bytes(4 * BUFFER_BYTES)


@pytest.fixture
def client():
    with make_client(20, 60.0) as made:
        yield made


@pytest.fixture
def raw_server():
    made = []

    def raw_server(*arguments, **options):
        made.append(RawServer(*arguments, **options))
        return made[-1]

    yield raw_server
    for server in made:
        server.close()


def started(client, url, body=None):
    exchange = Exchange(Request("GET" if body is None else "POST", url, []), body)
    thread = threading.Thread(target=exchange.run, args=(client,), daemon=True)
    thread.start()
    return exchange, thread


def until(condition):
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.002)


def in_use(client):
    transports = [client._transport, *filter(None, client._mounts.values())]
    return [c for transport in transports for c in transport._pool.connections if not c.is_idle()]


def whole_body(size):
    body = Pipe()
    body.put_at_once(bytes(size))
    body.end()
    return body


def begun_body():
    body = Pipe()
    body.put_at_once(b"begin")
    return body


# What hangs: the server, the scheme, the request's body, and what is so when it hangs.
PHASES = {
    "connecting": ({"accepts": False}, "http", None, lambda server, exchange: time.sleep(0.1) is None),
    "tls": ({}, "https", None, lambda server, exchange: server.taken),
    "first byte": ({}, "http", None, lambda server, exchange: server.taken),
    "response body": ({"answer": HALF}, "http", None, lambda server, exchange: exchange.head.done()),
    "response that nobody reads": (
        {"answer": ENDLESS},
        "http",
        None,
        lambda server, exchange: not exchange.response_body.has_room,
    ),
    "request body that is not read": (
        {"reads": False},
        "http",
        lambda: whole_body(64 << 20),
        lambda server, exchange: server.taken and time.sleep(0.2) is None,
    ),
    "request body that is not written": ({}, "http", begun_body, lambda server, exchange: server.taken),
    "request body that has not begun": ({}, "http", Pipe, lambda server, exchange: True),
}


def hanging(phase, client, raw_server):
    """Start an exchange, and return it with its thread and server when it hangs."""
    options, scheme, body, hangs = PHASES[phase]
    server = raw_server(**options)
    if not options.get("accepts", True):
        server.fill_queue()
    before = connections_to(server.port)
    exchange, thread = started(client, f"{scheme}://{server.authority}/", body and body())
    until(lambda: hangs(server, exchange))
    assert thread.is_alive()
    return exchange, thread, server, before


@pytest.mark.parametrize("phase", PHASES)
def test_cancelling_ends_thread_and_connection(phase, client, raw_server):
    exchange, thread, server, before = hanging(phase, client, raw_server)

    exchange.cancel()

    thread.join(ENDED_WITHIN_S)
    assert not thread.is_alive()
    assert connections_to(server.port) == before
    if phase not in ("response body", "response that nobody reads"):
        assert exchange.head.exception(0).code == ("connection-terminated", None)


@pytest.mark.parametrize("phase", ["connecting", "tls", "first byte", "response body"])
def test_closing_the_client_ends_what_is_under_way(phase, raw_server):
    client = make_client(20, 60.0)
    _, thread, server, before = hanging(phase, client, raw_server)

    client.close()

    thread.join(ENDED_WITHIN_S)
    assert not thread.is_alive()
    assert connections_to(server.port) == before


def test_a_closed_client_begins_nothing(http_server):
    client = make_client(20, 60.0)
    client.close()

    exchange, _ = started(client, f"http://{http_server.authority}/echo")

    assert exchange.head.exception(5).code == ("connection-terminated", None)


def test_waiting_for_a_place_can_be_cancelled(raw_server):
    server = raw_server()
    with make_client(1, 60.0) as client:
        started(client, f"http://{server.authority}/")
        until(lambda: server.taken)
        exchange, thread = started(client, f"http://{server.authority}/")
        time.sleep(0.05)
        assert not exchange.head.done()

        exchange.cancel()

        thread.join(ENDED_WITHIN_S)
        assert not thread.is_alive()


def test_no_place_in_time_is_connection_limit_reached(raw_server):
    server = raw_server()
    with make_client(1, 60.0) as client:
        client.timeout = httpx.Timeout(60.0, pool=0.1)
        started(client, f"http://{server.authority}/")
        until(lambda: server.taken)

        exchange, _ = started(client, f"http://{server.authority}/")

        assert exchange.head.exception(5).code == ("connection-limit-reached", None)


def test_a_place_that_is_given_back_is_taken(http_server):
    with make_client(2, 60.0) as client:
        exchanges = [started(client, f"http://{http_server.authority}/echo")[0] for _ in range(10)]

        assert [exchange.head.result(5).status for exchange in exchanges] == [200] * 10


@pytest.fixture
def slow_names(monkeypatch):
    """Lookups that end, in vain, when the event is set; and the names that were looked up."""
    ended, looked_up = threading.Event(), []

    def getaddrinfo(host, *arguments, **options):
        if options.get("flags") != socket.AI_NUMERICHOST:
            looked_up.append(host)
            ended.wait(10)
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield ended, looked_up
    ended.set()


def test_a_name_that_is_being_looked_up_keeps_no_exchange(client, slow_names):
    ended, looked_up = slow_names
    exchanges = [started(client, "http://slow.test/") for _ in range(10)]
    until(lambda: looked_up)

    for exchange, thread in exchanges[1:]:
        exchange.cancel()
        thread.join(ENDED_WITHIN_S)
        assert not thread.is_alive()

    ended.set()
    assert exchanges[0][0].head.exception(5).code == ("DNS-error", {"rcode": None, "info-code": None})
    assert looked_up == ["slow.test"]


def test_a_lookup_has_the_time_of_a_connection(slow_names):
    with pytest.raises(TimeoutError):
        Names().addresses("slow.test", 80, 0.01)


def test_the_next_address_is_tried(http_server, monkeypatch):
    port = int(http_server.authority.rpartition(":")[2])
    numbers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", n)) for n in (1, port)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **o: numbers)

    stream = Backend().connect_tcp("two.test", port, timeout=5)

    assert stream.get_extra_info("server_addr") == ("127.0.0.1", port)
    stream.close()


def test_connecting_times_out(raw_server):
    server = raw_server(accepts=False)
    server.fill_queue()
    with make_client(1, 60.0) as client:
        client.timeout = httpx.Timeout(60.0, connect=0.1)
        exchange, _ = started(client, f"http://{server.authority}/")

        assert exchange.head.exception(5).code == ("connection-timeout", None)


def test_a_handshake_times_out(raw_server):
    with make_client(1, 60.0) as client:
        client.timeout = httpx.Timeout(60.0, connect=0.1)
        exchange, _ = started(client, f"https://{raw_server().authority}/")

        assert exchange.head.exception(5).code == ("connection-timeout", None)


def test_connections_are_kept_for_the_next_exchange(client):
    server = Server()
    for _ in range(5):
        exchange, thread = started(client, f"http://{server.authority}/echo", whole_body(1000))
        assert b"".join(exchange.response_body.chunks()) == bytes(1000)
        thread.join(5)

    assert len(server.connections) == 1
    server.close()


def test_a_connection_of_an_exchange_that_is_over_is_not_touched(client, http_server):
    exchange, thread = started(client, f"http://{http_server.authority}/echo")
    assert b"".join(exchange.response_body.chunks()) == b""
    thread.join(5)
    following, _ = started(client, f"http://{http_server.authority}/slow")

    exchange.cancel()

    assert following.head.result(5).status == 200


def test_200_cancelled_exchanges_leave_the_client_usable(raw_server, http_server):
    chance = random.Random(1)
    servers = [raw_server(answer) for answer in (b"", HALF, ENDLESS)]
    addresses = [f"{scheme}://{server.authority}/" for server in servers for scheme in ("http", "https")]
    addresses += [f"http://{http_server.authority}/echo"]
    threads = threading.active_count()
    with make_client(20, 60.0) as client:
        for _ in range(10):
            exchanges = [
                started(client, chance.choice(addresses), chance.choice([lambda: None, begun_body])())
                for _ in range(20)
            ]
            time.sleep(chance.uniform(0, 0.05))
            for exchange, _ in exchanges:
                exchange.cancel()
            for _, thread in exchanges:
                thread.join(5)
                assert not thread.is_alive()

        assert started(client, f"http://{http_server.authority}/echo")[0].head.result(5).status == 200
        assert sum(connections_to(server.port) for server in servers) == 0
        assert in_use(client) == []
    for server in servers:
        server.close()
    until(lambda: threading.active_count() <= threads)


def test_a_released_exchange_is_sent_and_ends_with_the_head(client, raw_server):
    server = raw_server(HALF)
    exchange, thread = started(client, f"http://{server.authority}/")

    exchange.release()

    thread.join(5)
    assert not thread.is_alive()
    assert exchange.head.result(0).status == 200
    assert connections_to(server.port) == 0


def test_a_released_exchange_whose_answer_came_whole_leaves_its_connection(client, raw_server):
    server = raw_server(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
    for _ in range(3):
        exchange, thread = started(client, f"http://{server.authority}/")
        exchange.release()
        thread.join(5)
        assert exchange.head.result(0).status == 200

    assert len(server.taken) == 1


def test_a_wait_that_is_over_is_not_ended():
    cancellation, ended = Cancellation(), []
    with cancellation.ending(lambda: ended.append(1)):
        pass

    cancellation.cancel()

    assert ended == []
    with pytest.raises(Cancelled), cancellation.ending(lambda: None):
        raise AssertionError("not reached")


@pytest.fixture
def tls_server(monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    server = Server(tls=True)
    yield server
    server.close()


def test_certificates_of_the_environment_are_trusted(tls_server):
    port = tls_server.authority.rpartition(":")[2]
    with make_client(2, 5.0) as client:
        for _ in range(3):
            exchange, thread = started(client, f"https://localhost:{port}/echo", whole_body(1_000_000))
            assert b"".join(exchange.response_body.chunks()) == bytes(1_000_000)
            thread.join(5)

    assert len(tls_server.connections) == 1


def test_other_certificates_are_not_trusted(tls_server, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    with make_client(2, 5.0) as client:
        exchange, _ = started(client, f"https://{tls_server.authority}/echo")

        assert exchange.head.exception(5).code == ("TLS-certificate-error", None)


@pytest.fixture
def through_proxy(monkeypatch):
    proxies = []

    def through_proxy(port, tls):
        proxies.append(Proxy(port, tls))
        monkeypatch.setenv("https_proxy", proxies[-1].url)
        return make_client(2, 60.0)

    yield through_proxy
    for proxy in proxies:
        proxy.close()


@pytest.mark.parametrize("tls", [False, True])
def test_tls_goes_through_a_proxy_of_the_environment(tls_server, through_proxy, tls):
    with through_proxy(int(tls_server.authority.rpartition(":")[2]), tls) as client:
        exchange, _ = started(client, "https://service.test/echo", whole_body(100_000))

        assert b"".join(exchange.response_body.chunks()) == bytes(100_000)


@pytest.mark.parametrize("tls", [False, True])
def test_a_handshake_behind_a_proxy_can_be_cancelled(tls_server, through_proxy, tls, raw_server):
    silent = raw_server()
    with through_proxy(silent.port, tls) as client:
        for count in range(1, 4):
            exchange, thread = started(client, "https://service.test/echo")
            until(lambda count=count: len(silent.taken) == count)
            time.sleep(0.02)

            exchange.cancel()

            thread.join(ENDED_WITHIN_S)
            assert not thread.is_alive()
        assert in_use(client) == []


# What the policy allows.


def refused(client, url):
    exchange, thread = started(client, url)
    code = exchange.head.exception(5).code
    thread.join(5)
    return code == ("HTTP-request-denied", None)


def fenced(*allowed, **options):
    return make_client(2, 5.0, NetworkPolicy(allowed=tuple(map(pattern_from_text, allowed)), **options))


def test_what_is_refused_by_name_is_not_even_looked_up(monkeypatch):
    monkeypatch.setattr(Names, "addresses", None)
    with fenced("*.example.org") as client, make_client(2, 5.0, NetworkPolicy(is_on=False)) as off:
        assert refused(client, "http://example.com/")
        assert refused(off, "http://example.org/")


def test_only_addresses_that_are_allowed_are_connected_to(monkeypatch, http_server):
    """A name may have several addresses, and others at its next lookup."""
    host, port = http_server.authority.split(":")
    found = [[(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, int(port)))] for ip in ("127.0.0.2", host)]
    monkeypatch.setattr(Names, "addresses", lambda self, *_: [one for each in found for one in each])
    with fenced(host) as client, fenced(denies_private=True) as public:
        exchange, _ = started(client, f"http://rebound.example:{port}/echo")
        assert exchange.head.result(5).status == 200
        assert refused(public, f"http://rebound.example:{port}/echo")

    found.pop()
    with fenced(host) as client:
        assert refused(client, f"http://rebound.example:{port}/echo")


def test_names_of_all_languages_are_compared_in_ascii(monkeypatch, http_server):
    host, port = http_server.authority.split(":")
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, int(port)))]
    monkeypatch.setattr(Names, "addresses", lambda self, *_: found)
    with fenced("xn--bcher-kva.example") as client:
        assert started(client, f"http://bücher.example:{port}/echo")[0].head.result(5).status == 200


@pytest.mark.parametrize("url", ["http://[::1]:1/", "http://[::ffff:127.0.0.1]:1/", "http://127.1:1/", "http://0:1/"])
def test_other_spellings_of_a_private_address_are_refused_too(url):
    with fenced(denies_private=True) as client:
        assert refused(client, url)


def test_a_proxy_is_asked_for_what_is_allowed_by_name(tls_server, through_proxy, monkeypatch):
    through_proxy(int(tls_server.authority.rpartition(":")[2]), tls=False).close()
    with fenced("service.test:443") as client:
        assert started(client, "https://service.test/echo")[0].head.result(5).status == 200
        assert refused(client, "https://other.test/echo")


def test_no_proxy_is_asked_where_addresses_count(tls_server, through_proxy, monkeypatch):
    """It would connect to whatever it finds by the name."""
    through_proxy(int(tls_server.authority.rpartition(":")[2]), tls=False).close()
    nowhere = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 443))]
    monkeypatch.setattr(Names, "addresses", lambda self, *_: nowhere)
    with fenced(denies_private=True) as client:
        assert refused(client, "https://service.test/echo")
