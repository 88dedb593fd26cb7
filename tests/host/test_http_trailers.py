"""Trailers on connections that are kept, where httpcore has what they hang on to. See also test_http.py."""

from golem_nb.host.http_exchange import Exchange, Pipe, Request
from golem_nb.host.http_network import make_client
from tests.host.http_server import CERTIFICATE, Server
from tests.host.test_http_exchange import exchanged, read_all


def body_with(*trailers):
    body = Pipe()
    body.put_at_once(b"body")
    body.trailers = list(trailers)
    body.end()
    return body


def test_trailers_go_over_tls(monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    server = Server(tls=True)
    with make_client(1, 5.0) as client:
        url = f"https://localhost:{server.authority.rpartition(':')[2]}/trailers"
        exchange = Exchange(Request("POST", url, []), body_with(("x-a", b"1")))
        exchange.run(client)

    assert exchange.head.result(5).status == 200
    assert server.trailers == [[("x-a", "1")]]
    server.close()


def test_trailers_of_one_request_are_not_those_of_the_next(http_client, http_server):
    seen = len(http_server.trailers)

    for trailers in ([("x-a", b"1")], [], [("x-b", b"2")]):
        exchange = exchanged(http_client, http_server.authority, "/trailers", method="POST", body=body_with(*trailers))
        assert read_all(exchange.response_body) == b"body"
        assert exchange.trailers == trailers

    assert http_server.trailers[seen:] == [[("x-a", "1")], [], [("x-b", "2")]]
