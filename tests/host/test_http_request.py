import pytest

from golem_nb.host import http_request
from tests.host.context import call
from tests.host.http_requests import code, fields, request, static


def test_fields_compare_names_without_case(worker):
    made = fields(worker, ("A", b"1"), ("b", b"2"), ("a", b"3"))

    assert call(made, "get", name="a") == [b"1", b"3"]
    assert call(made, "has", name="B")
    call(made, "set", name="a", value=[b"4"])
    call(made, "append", name="c", value=b"5")
    call(made, "delete", name="b")
    assert call(made, "entries") == [("a", b"4"), ("c", b"5")]
    copy = call(made, "clone")
    call(copy, "delete", name="a")
    assert call(made, "has", name="a")


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("a b", b"1", "invalid-syntax"),
        ("", b"1", "invalid-syntax"),
        ("a", b"\n", "invalid-syntax"),
        ("Host", b"x", "forbidden"),
    ],
)
def test_bad_fields_are_refused(worker, name, value, error):
    assert code(lambda: fields(worker, (name, value))) == (error, None)


def test_headers_of_a_request_cannot_change(worker):
    headers = fields(worker, ("a", b"1"))
    made = static(http_request.OutgoingRequest, "constructor", worker, headers=headers)

    assert code(lambda: call(call(made, "headers"), "append", name="b", value=b"2")) == ("immutable", None)


@pytest.mark.parametrize(
    ("setter", "argument", "value"),
    [
        ("set_method", "method", ("other", "a b")),
        ("set_path_with_query", "path_with_query", "/a b"),
        ("set_scheme", "scheme", ("other", "no scheme")),
        ("set_authority", "authority", "a/b"),
        ("set_authority", "authority", ""),
    ],
)
def test_parts_of_a_request_are_checked(worker, setter, argument, value):
    made = static(http_request.OutgoingRequest, "constructor", worker, headers=fields(worker))

    assert code(lambda: call(made, setter, **{argument: value})) is None


def test_a_body_must_have_the_length_that_was_announced(online, http_server):
    made = request(online, http_server.authority, "/echo", ("post", None), [("content-length", b"3")])
    body = call(made, "body")
    stream = call(body, "write")
    assert code(lambda: call(stream, "write", contents=b"four"))[0] == "last-operation-failed"
    call(stream, "write", contents=b"tw")

    assert code(lambda: static(http_request.OutgoingBody, "finish", online, this=body, trailers=None)) == (
        "HTTP-request-body-size",
        2,
    )
