import pytest

from golem_nb.host import http, http_request
from golem_nb.host.declare import Trap, WitError
from tests.host.context import call
from tests.host.http_requests import code, fields, request, static
from tests.host.raw_server import RawServer


def handle(worker, made, options=None):
    return call(http.OutgoingHandler(worker), "handle", request=made, options=options)


def response_of(future):
    call(call(future, "subscribe"), "block")
    case, result = call(future, "get")
    assert case == "ok"
    return result


def read_all(stream):
    data = b""
    while True:
        try:
            data += call(stream, "blocking_read", len=1000)
        except WitError as error:
            assert error.payload == ("closed", None)
            return data


def test_a_request_without_authority_is_not_sent(worker):
    made = static(http_request.OutgoingRequest, "constructor", worker, headers=fields(worker))

    assert code(lambda: handle(worker, made)) == ("HTTP-request-URI-invalid", None)
    assert worker.begun == []


def test_a_request_is_sent_with_a_key_and_answered(online, http_server):
    made = request(online, http_server.authority, "/echo?x=1", ("post", None), [("X-Mine", b"1")])
    body = call(made, "body")
    call(call(body, "write"), "blocking_write_and_flush", contents=b"hello")
    future = handle(online, made)
    static(http_request.OutgoingBody, "finish", online, this=body, trailers=None)

    case, response = response_of(future)

    assert (case, call(response, "status")) == ("ok", 200)
    assert call(call(response, "headers"), "get", name="x-twice") == [b"1", b"2"]
    assert read_all(call(call(response, "consume"), "stream")) == b"hello"
    method, path, headers, sent = http_server.requests[-1]
    assert (method, path, sent, headers["idempotency-key"], headers["X-Mine"]) == (
        "POST",
        "/echo?x=1",
        b"hello",
        "key-1",
        "1",
    )
    assert (online.begun, online.ended) == ([1], [1])
    assert online.spans[0]["request.method"] == "POST"


def test_a_key_of_the_components_own_is_kept(online, http_server):
    response_of(handle(online, request(online, http_server.authority, "/echo", headers=[("Idempotency-Key", b"mine")])))

    assert http_server.requests[-1][2]["Idempotency-Key"] == "mine"


def test_a_response_is_got_once(online, http_server):
    future = handle(online, request(online, http_server.authority, "/404"))
    _, response = response_of(future)

    assert call(response, "status") == 404
    assert call(future, "get") == ("err", None)


def test_a_failure_is_a_case_of_wit_and_ends_the_request(online):
    future = handle(online, request(online, "127.0.0.1:1", "/"))

    assert response_of(future) == ("err", ("connection-refused", None))
    assert online.ended == [1]


@pytest.mark.parametrize("last", ["future", "response", "body", "stream"])
def test_dropping_the_last_owner_ends_the_request_once(online, http_server, last):
    future = handle(online, request(online, http_server.authority, "/echo"))
    owners = {"future": future}
    if last != "future":
        owners["response"] = response_of(future)[1]
        future.dropped()
        assert online.ended == []
    if last in ("body", "stream"):
        owners["body"] = call(owners["response"], "consume")
        owners["response"].dropped()
    if last == "stream":
        owners["stream"] = call(owners["body"], "stream")
        assert online.ended == []

    owners[last].dropped()
    owners[last].dropped()

    assert online.ended == [1]


def test_what_is_given_out_once_is_refused_the_second_time(online, http_server):
    made = request(online, http_server.authority, "/echo")
    body = call(made, "body")
    call(body, "write")
    assert code(lambda: call(made, "body")) is None
    assert code(lambda: call(body, "write")) is None
    static(http_request.OutgoingBody, "finish", online, this=body, trailers=None)
    _, response = response_of(handle(online, made))
    incoming = call(response, "consume")
    call(incoming, "stream")
    assert code(lambda: call(response, "consume")) is None
    assert code(lambda: call(incoming, "stream")) is None


def test_there_are_no_trailers(online, http_server):
    _, response = response_of(handle(online, request(online, http_server.authority, "/echo")))
    trailers = static(http.IncomingBody, "finish", online, this=call(response, "consume"))

    assert call(call(trailers, "subscribe"), "ready")
    assert call(trailers, "get") == ("ok", ("ok", None))
    assert call(trailers, "get") == ("err", None)
    assert online.ended == [1]


def test_trailers_are_recorded_with_the_end_of_the_body(online):
    server = RawServer(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX-End: 1\r\n\r\n")
    _, response = response_of(handle(online, request(online, server.authority, "/")))
    body = call(response, "consume")
    assert read_all(call(body, "stream")) == b"body"

    trailers = static(http.IncomingBody, "finish", online, this=body)

    _, (_, fields) = call(trailers, "get")
    assert call(fields, "entries") == [("x-end", b"1")]
    with pytest.raises(WitError):
        call(fields, "delete", name="x-end")
    server.close()


@pytest.mark.parametrize("contents", [b"body", b""])
def test_trailers_of_a_request_are_sent(online, http_server, contents):
    made = request(online, http_server.authority, "/trailers", ("post", None))
    body, trailers = call(made, "body"), fields(online, ("x-end", b"1"), ("x-end", b"2"))
    if contents:
        call(call(body, "write"), "blocking_write_and_flush", contents=contents)
    static(http_request.OutgoingBody, "finish", online, this=body, trailers=trailers)

    _, response = response_of(handle(online, made))

    assert http_server.trailers[-1] == [("x-end", "1"), ("x-end", "2")]
    assert http_server.requests[-1][3] == contents
    assert call(response, "status") == 200


@pytest.mark.parametrize(
    ("headers", "trailer"), [([("content-length", b"0")], ("x-end", b"1")), ([], ("content-length", b"0"))]
)
def test_trailers_and_a_length_do_not_go_together(online, http_server, headers, trailer):
    made = request(online, http_server.authority, "/echo", ("post", None), headers)
    body, trailers = call(made, "body"), fields(online, trailer)

    error = code(lambda: static(http_request.OutgoingBody, "finish", online, this=body, trailers=trailers))

    assert error == ("internal-error", "trailers follow a body without a content-length, and have none")


def test_options_are_timeouts(online, http_server):
    options = static(http_request.RequestOptions, "constructor", online)
    call(options, "set_connect_timeout", duration=1)
    call(options, "set_first_byte_timeout", duration=50_000_000)
    call(options, "set_between_bytes_timeout", duration=None)
    assert call(options, "connect_timeout") == 1
    assert call(options, "first_byte_timeout") == 50_000_000
    assert call(options, "between_bytes_timeout") is None
    call(options, "set_connect_timeout", duration=None)

    future = handle(online, request(online, http_server.authority, "/slow"), options)

    assert response_of(future) == ("err", ("connection-read-timeout", None))


def drop_instance(worker):
    """Do what the engine does then."""
    for held in worker.held:
        held.close()


def test_an_open_request_of_an_instance_that_is_dropped_is_cut_off(online, http_server):
    future = handle(online, request(online, http_server.authority, "/slow"))

    drop_instance(online)

    assert future.owner.exchange.head.exception(5).code == ("connection-terminated", None)


@pytest.mark.parametrize("ended_by", ["component", "invocation"])
def test_an_ended_request_of_an_instance_that_is_dropped_is_sent(online, http_server, ended_by):
    future = handle(online, request(online, http_server.authority, "/slow"))
    if ended_by == "component":
        future.dropped()
    else:
        online.end_remote_write(online.begun[-1])

    drop_instance(online)

    assert future.owner.exchange.head.result(5).status == 200


def test_in_replay_nothing_is_sent(worker):
    worker.is_live = False

    future = handle(worker, request(worker, "127.0.0.1:1", "/"))
    recorded = ("headers-received", {"status": 200, "headers": [("a", b"1")]})
    _, (_, response) = http.FutureIncomingResponse.get.rebuild(future, recorded)

    assert call(response, "status") == 200
    assert call(call(future, "subscribe"), "ready")
    with pytest.raises(Trap, match="interrupted due to a restart"):
        call(call(call(response, "consume"), "stream"), "read", len=1)
