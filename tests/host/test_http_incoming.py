import pytest

from golem_nb.host import http, http_incoming, http_request
from golem_nb.host.declare import Trap, WitError
from golem_nb.host.http_incoming import (
    RESPONSE,
    GivenTrailers,
    IncomingRequest,
    OutgoingResponse,
    RequestBody,
    ResponseOutparam,
)
from golem_nb.host.io import CLOSED
from golem_nb.values.check import check_value
from tests.host.context import call

REQUEST = {
    "method": ("POST", None),
    "scheme": ("HTTPS", None),
    "authority": "a.example",
    "path-and-query": "/x?y",
    "headers": [("accept", b"*/*")],
    "body-and-trailers": {"content": b"0123456789", "trailers": [("x-end", b"1")]},
}


def static(kind, name, worker, **arguments):
    return worker.call(getattr(kind, name), worker, arguments)


def request(worker, **fields):
    return IncomingRequest(worker, REQUEST | fields)


def fields(worker, *entries):
    return static(http_request.Fields, "from_list", worker, entries=entries)


def answered(worker, *headers, writes=(), trailers=None, is_finished=True):
    """Return the outparam with a response that has a body."""
    outparam, response = ResponseOutparam(worker), OutgoingResponse(worker, fields(worker, *headers))
    body = call(response, "body")
    static(ResponseOutparam, "set", worker, param=outparam, response=("ok", response))
    stream = call(body, "write")
    for contents in writes:
        call(stream, "write", contents=contents)
    if is_finished:
        static(http_request.OutgoingBody, "finish", worker, this=body, trailers=trailers)
    else:
        body.dropped()
    return outparam


def test_a_request_is_what_the_record_says(worker):
    made = request(worker)

    assert call(made, "method") == ("post", None)
    assert call(made, "scheme") == ("HTTPS", None)
    assert (call(made, "authority"), call(made, "path_with_query")) == ("a.example", "/x?y")
    headers = call(made, "headers")
    assert call(headers, "entries") == [("accept", b"*/*")]
    with pytest.raises(WitError) as refused:
        call(headers, "append", name="x", value=b"")
    assert refused.value.payload == ("immutable", None)


def test_what_is_custom_in_the_record_is_other_in_wasi(worker):
    made = request(worker, method=("custom", "PURGE"), scheme=("custom", "gopher"), authority="")

    assert call(made, "method") == ("other", "PURGE")
    assert call(made, "scheme") == ("other", "gopher")
    assert call(made, "authority") is None


def test_a_body_is_read_to_its_end_and_has_its_trailers(worker):
    made = request(worker)
    body = call(made, "consume")
    stream = call(body, "stream")
    for again in (lambda: call(made, "consume"), lambda: call(body, "stream")):
        with pytest.raises(WitError):
            again()

    assert [call(stream, "read", len=4), call(stream, "blocking_skip", len=4)] == [b"0123", 4]
    assert call(stream, "blocking_read", len=4) == b"89"
    with pytest.raises(WitError) as ended:
        call(stream, "read", len=1)
    assert ended.value.payload == CLOSED

    trailers = static(http.IncomingBody, "finish", worker, this=body)
    assert call(call(trailers, "subscribe"), "ready")
    case, (ok, found) = call(trailers, "get")
    assert (case, ok, call(found, "entries")) == ("ok", "ok", [("x-end", b"1")])
    assert call(trailers, "get") == ("err", None)


def test_no_body_is_an_empty_one(worker):
    body = call(request(worker, **{"body-and-trailers": None}), "consume")

    with pytest.raises(WitError):
        call(call(body, "stream"), "blocking_read", len=1)
    assert call(body.finished(), "get") == ("ok", ("ok", None))


def test_a_response_becomes_a_record(worker):
    trailers = fields(worker, ("x-end", b"1"))

    made = answered(worker, ("x-a", b"1"), writes=[b"one", b"two"], trailers=trailers).response()

    assert made == {
        "status": 200,
        "headers": [("x-a", b"1")],
        "body-and-trailers": {"content": b"onetwo", "trailers": [("x-end", b"1")]},
    }
    check_value(RESPONSE, made)


def test_a_response_need_not_have_a_body(worker):
    outparam, response = ResponseOutparam(worker), OutgoingResponse(worker, fields(worker))
    call(response, "set_status_code", status_code=404)
    static(ResponseOutparam, "set", worker, param=outparam, response=("ok", response))

    assert outparam.response() == {"status": 404, "headers": [], "body-and-trailers": None}


def test_a_response_has_one_body_a_status_and_headers_that_stay(worker):
    made = OutgoingResponse(worker, fields(worker, ("x-a", b"1")))
    call(made, "body")

    with pytest.raises(WitError):
        call(made, "body")
    for status in (99, 1000):
        with pytest.raises(WitError):
            call(made, "set_status_code", status_code=status)
    assert call(made, "status_code") == 200
    with pytest.raises(WitError):
        call(call(made, "headers"), "delete", name="x-a")


def test_no_answer_an_error_and_half_an_answer_end_the_invocation(worker):
    error = ResponseOutparam(worker)
    static(ResponseOutparam, "set", worker, param=error, response=("err", ("connection-refused", None)))

    with pytest.raises(Trap, match="without a response"):
        ResponseOutparam(worker).response()
    with pytest.raises(Trap, match="with the error connection-refused"):
        error.response()
    with pytest.raises(Trap, match="without finishing the body"):
        answered(worker, writes=[b"half"], is_finished=False).response()


def test_a_body_of_another_length_than_announced_is_refused(worker):
    with pytest.raises(WitError) as refused:
        answered(worker, ("content-length", b"5"), writes=[b"four"])

    assert refused.value.payload == ("HTTP-response-body-size", 4)


def test_informational_responses_have_no_place(worker):
    with pytest.raises(WitError, match="internal-error"):
        call(ResponseOutparam(worker), "send_informational", status=103, headers=fields(worker))


def test_variants_of_a_resource_answer_to_all_of_its_functions():
    """Calls are dispatched on the class of the object."""
    for variant, kind in ((RequestBody, http.IncomingBody), (GivenTrailers, http.FutureTrailers)):
        rows = {name for name, row in vars(kind).items() if isinstance(row, http_incoming.deterministic(id).__class__)}
        assert {name for name in rows if not name.startswith("_")} - {"finish"} <= set(vars(variant))
