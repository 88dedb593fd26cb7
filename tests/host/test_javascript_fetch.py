import pytest

from golem_nb.host.declare import WitError
from golem_nb.host.javascript_fetch import JavaScriptHttp
from tests.host.context import call


def fetch(worker, url, method="GET", headers=(), body=b""):
    return call(JavaScriptHttp(worker), "fetch", method=method, url=url, headers=list(headers), body=body)


def test_a_request_is_sent_and_its_answer_read(online, http_server):
    sent = b"x" * 10_000

    answer = fetch(online, f"http://{http_server.authority}/echo?x=1", "POST", [("x-mine", "é")], sent)

    assert (answer["status"], answer["body"]) == (200, sent)
    assert [value for name, value in answer["headers"] if name == "x-twice"] == ["1", "2"]
    method, path, headers, received = http_server.requests[-1]
    assert (method, path, received, headers["content-length"]) == ("POST", "/echo?x=1", sent, "10000")
    assert online.begun == online.ended  # nothing stays open


def test_a_request_without_a_body_has_no_length(online, http_server):
    answer = fetch(online, f"http://{http_server.authority}/echo")

    assert (answer["status"], answer["body"]) == (200, b"")


@pytest.mark.parametrize(
    ("url", "more", "words"),
    [
        ("nowhere", {}, "'nowhere' is no URL that can be fetched"),
        ("ftp://a/b", {}, "'ftp://a/b' is no URL that can be fetched"),
        ("http://a/b", {"headers": [("x y", "1")]}, "a header that cannot be sent: invalid-syntax"),
        ("http://a/b", {"method": "x y"}, "X Y http://a/b: it is no request that can be sent"),
    ],
)
def test_what_cannot_be_sent_is_told(worker, url, more, words):
    with pytest.raises(WitError) as caught:
        fetch(worker, url, **more)

    assert words in caught.value.payload


def test_who_does_not_answer_is_told(online):
    with pytest.raises(WitError) as caught:
        fetch(online, "http://127.0.0.1:1/")

    assert caught.value.payload.startswith("http://127.0.0.1:1/: connection-refused")
