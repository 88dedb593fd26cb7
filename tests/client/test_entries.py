"""The whole oplog, from servers that stream it, break off, or know pages only."""

import json

import httpx
import pytest

from golem_nb.client.remote import RemoteClient
from golem_nb.errors import ServerError, ServerUnreachable
from tests.client.test_remote import WORKER, client_of

AT = "2025-01-31T12:34:56.789Z"


def line(index):
    return json.dumps({"oplogIndex": index, "entry": {"type": "NoOp", "timestamp": AT}}).encode() + b"\n"


class Breaking(httpx.SyncByteStream):
    """These parts of an answer, and then the connection is gone."""

    def __init__(self, *parts):
        self.parts = parts

    def __iter__(self):
        yield from self.parts
        raise httpx.ReadError("gone")


def stream_of(*parts, last=5, breaks=False):
    content = Breaking(*parts) if breaks else b"".join(parts)
    options = {"stream": content} if breaks else {"content": content}
    return httpx.Response(200, headers={"golem-last-index": str(last)}, **options)


def indices(client, first=1):
    return [entry.index for entry in client.entries(WORKER, from_index=first)]


def test_lines_are_read_however_they_are_cut():
    parts = (line(1) + line(2)[:9], line(2)[9:20], line(2)[20:], b"".join(map(line, (3, 4, 5))))

    class Parts(httpx.SyncByteStream):
        def __iter__(self):
            return iter(parts)

    answer = httpx.Response(200, headers={"golem-last-index": "5"}, stream=Parts())
    assert indices(client_of(answer)) == [1, 2, 3, 4, 5]


def test_a_stream_that_breaks_goes_on_where_it_was_up_to_the_last_index_of_now():
    answers = iter([stream_of(line(1), line(2), breaks=True), stream_of(line(3), line(4), last=4)])
    client = client_of(lambda request: next(answers))

    assert indices(client) == [1, 2, 3, 4]
    assert [request.url.params["from"] for request in client.seen] == ["1", "3"]


def test_a_server_that_gives_nothing_again_and_again_is_unreachable():
    client = client_of(lambda request: stream_of(breaks=True))

    with pytest.raises(ServerUnreachable, match="gone"):
        indices(client)
    assert len(client.seen) == 3


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (stream_of(line(1)), "ends at 1, not at 5"),
        (stream_of(b"<html>\n"), "line 1 of the stream of entries: "),
        (stream_of(line(1) + b"{}\n"), "line 2 of the stream of entries: "),
        (httpx.Response(200, content=b""), "the header golem-last-index is ''"),
    ],
)
def test_a_stream_that_is_none_is_the_servers_fault(answer, fault):
    with pytest.raises(ServerError, match=fault):
        indices(client_of(answer))


@pytest.mark.parametrize("bad", [b"<html>\n", b"{}\n", b'{"oplogIndex": "\xff"}\n', b"[" * 100_000 + b"\n"])
def test_the_entries_before_a_bad_line_are_given_and_the_line_is_named(bad):
    given = []

    with pytest.raises(ServerError, match="line 4 of the stream of entries: "):
        for entry in client_of(stream_of(line(1), line(2) + line(3) + bad + line(4))).entries(WORKER):
            given.append(entry.index)

    assert given == [1, 2, 3]


@pytest.mark.parametrize("dialect", ["contract", "1.3"])
def test_where_there_is_no_stream_pages_are_read_up_to_the_last_index_of_the_first(dialect):
    def answer(request):
        if "/v1/x/" in request.url.path:
            return httpx.Response(404, text="not found")
        first = int(request.url.params["from"])
        entries = [{"oplogIndex": i, "entry": {"type": "NoOp", "timestamp": AT}} for i in range(first, first + 3)]
        following = {"nextOplogIndex": first + 3, "currentComponentVersion": 0}
        return httpx.Response(200, json={"entries": entries, "next": following, "lastIndex": 5 + first})

    assert indices(client_of(answer, dialect=dialect)) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(("last", "kind"), [(9, ServerError), (0, None)])
def test_a_server_whose_pages_do_not_go_on_is_not_asked_for_ever(last, kind):
    asked = []

    def page(request):
        asked.append(request.url.params["from"])
        assert len(asked) < 5
        entries = [{"oplogIndex": index, "entry": {"type": "NoOp", "timestamp": AT}} for index in (1, 2)]
        told = {"nextOplogIndex": 1, "currentComponentVersion": 0}
        return httpx.Response(200, json={"entries": entries, "next": told, "firstIndexInChunk": 1, "lastIndex": last})

    http = httpx.Client(transport=httpx.MockTransport(page))
    client = RemoteClient("http://golem.example", http=http, dialect="1.3")
    if kind is None:
        assert indices(client) == [1, 2]
    else:
        with pytest.raises(kind, match="goes on at 1"):
            indices(client)
    assert asked == ["1"]
