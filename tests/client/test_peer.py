"""Which server a client faces; all of it against stand-ins is in test_stand_ins.py."""

from uuid import UUID

import httpx
import pytest

from golem_nb.client.http import Retries
from golem_nb.client.remote import RemoteClient
from golem_nb.errors import NotFound, NotSupported, ServerError, ServerUnreachable, Unauthorized
from golem_nb.model import LOCAL_ENVIRONMENT, WorkerId


def client_of(**answers):
    """A client of a server that answers by path; anything else is 404."""

    def handle(request):
        return answers.get(request.url.path.strip("/").replace("/", "_"), httpx.Response(404, text="Not Found"))

    http = httpx.Client(transport=httpx.MockTransport(handle))
    return RemoteClient("http://golem.example", "t", http=http, retries=Retries(sleep=lambda seconds: None))


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_server_without_versions_is_the_contract(status):
    client = client_of(version=httpx.Response(status, json={"error": "no"}))

    assert client.speaks() == "contract"
    assert client.environment_id == LOCAL_ENVIRONMENT


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>hello"),
        httpx.Response(200, json=[5]),
        httpx.Response(200, json={"version": 5}),
        httpx.Response(200, json={"name": "another"}),
        httpx.Response(500, text="oops"),
    ],
)
def test_what_is_no_golem_is_told(answer):
    with pytest.raises(ServerError) as caught:
        client_of(version=answer).components()
    assert answer.status_code == 500 or "is http://golem.example a Golem server?" in str(caught.value)


def test_a_token_that_is_refused_is_told_at_once():
    with pytest.raises(Unauthorized):
        client_of(version=httpx.Response(401, json={"error": "Unauthorized"})).components()


@pytest.mark.parametrize("version", ["1.2.5", "0.9.0", "something"])
def test_an_older_golem_or_another_server_is_refused(version):
    with pytest.raises(NotSupported, match=f"is Golem {version}; known are"):
        client_of(version=httpx.Response(200, json={"version": version})).components()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(404, text="Not Found"), NotSupported),
        (httpx.Response(405), NotSupported),
        (httpx.Response(404, json={"error": "Nothing there"}), NotFound),
    ],
)
def test_a_path_that_a_golem_does_not_know_is_told_from_a_thing_that_is_missing(answer, kind):
    http = httpx.Client(transport=httpx.MockTransport(lambda request: answer))
    client = RemoteClient("http://golem.example", http=http, dialect="1.4")

    with pytest.raises(kind):
        client.revert_worker(WorkerId(UUID(int=1), "w"), invocations=1)


def test_a_server_that_fails_at_all_paths_is_not_taken_for_a_golem():
    def handle(request):
        is_version = request.url.path == "/version"
        return httpx.Response(200, json={"version": "x"}) if is_version else httpx.Response(500)

    client = RemoteClient("http://golem.example", http=httpx.Client(transport=httpx.MockTransport(handle)))
    with pytest.raises(NotSupported):
        client.speaks()


def test_a_failed_look_is_taken_again():
    answers = {"version": httpx.Response(500, text="starting")}

    def handle(request):
        return answers.get(request.url.path[1:], httpx.Response(200, json=[]))

    client = RemoteClient("http://golem.example", http=httpx.Client(transport=httpx.MockTransport(handle)))
    with pytest.raises(ServerError):
        client.components()
    answers["version"] = httpx.Response(200, json={"version": "golem_nb 0.1.0"})
    assert client.components() == []


def test_https_of_a_server_without_it_says_so():
    def handle(request):
        raise httpx.ConnectError("[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)")

    http = httpx.Client(transport=httpx.MockTransport(handle))
    client = RemoteClient("https://golem.example", "t", http=http, retries=Retries(sleep=lambda seconds: None))

    with pytest.raises(ServerUnreachable, match="does it speak http:// without s"):
        client.components()
