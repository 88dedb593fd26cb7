"""Requests that were cut off and go on when replay is over. Everything else of an owner is in test_http.py."""

import pytest

from golem_nb.host import http, http_request
from golem_nb.host.declare import WitError
from tests.host.context import call
from tests.host.http_requests import request, static
from tests.host.raw_server import RawServer
from tests.host.test_http import handle, read_all

SENT = b"0123456789"


def cut_off(worker, authority, path="/echo"):
    """Return the stream of a response of which the first four bytes were recorded, and the end of replay."""
    worker.is_live, worker.going_on = False, {1}
    made = request(worker, authority, path, ("post", None))
    body = call(made, "body")
    future = handle(worker, made)
    call(call(body, "write"), "blocking_write_and_flush", contents=SENT)
    static(http_request.OutgoingBody, "finish", worker, this=body, trailers=None)
    recorded = ("headers-received", {"status": 200, "headers": []})
    _, (_, response) = http.FutureIncomingResponse.get.rebuild(future, recorded)
    stream = call(call(response, "consume"), "stream")
    assert http.BodyInput.blocking_read.rebuild(stream, SENT[:3], len=3) == SENT[:3]
    assert http.BodyInput.skip.rebuild(stream, 1, len=1) == 1
    return stream


def end_replay(worker):
    worker.is_live = True
    for do in worker.at_the_end_of_replay:
        do()


def test_it_is_sent_with_its_body_and_its_key_and_the_answer_goes_on_where_it_was(online, http_server):
    stream = cut_off(online, http_server.authority)
    seen = len(http_server.requests)

    end_replay(online)

    assert read_all(stream) == SENT[4:]
    ((_, _, headers, body),) = http_server.requests[seen:]
    assert (headers["idempotency-key"], body) == ("key-1", SENT)
    assert online.ended == [1]


def test_what_does_not_wait_gets_nothing_that_the_component_had(online, http_server):
    stream = cut_off(online, http_server.authority)
    end_replay(online)
    call(call(stream, "subscribe"), "block")

    assert call(stream, "read", len=2) == SENT[4:6]


def test_an_answer_that_is_shorter_than_before_is_incomplete(online, http_server):
    stream = cut_off(online, http_server.authority)
    stream.owner.given = len(SENT) + 1
    end_replay(online)

    with pytest.raises(WitError) as failed:
        call(stream, "blocking_read", len=10)

    assert failed.value.payload[1].text == "HTTP-response-incomplete"


def test_one_that_was_ended_meanwhile_is_not_sent(online, http_server):
    stream, seen = cut_off(online, http_server.authority), len(http_server.requests)
    stream.dropped()

    end_replay(online)

    assert (stream.owner.exchange, http_server.requests[seen:]) == (None, [])


def test_a_request_that_is_dropped_at_once_has_gone_out_before_it_counts_as_ended(online, http_server):
    sent_at_end = []
    end, online.end_remote_write = online.end_remote_write, lambda begin: sent_at_end.append(exchange.sent.done())
    future = handle(online, request(online, http_server.authority, "/slow"))
    exchange = future.owner.exchange
    wait = online.wait_until_any
    online.wait_until_any = lambda sources: wait(sources[:1])  # the other one is a deadline, which this clock jumps to

    future.dropped()

    assert sent_at_end == [True]
    assert exchange.head.result(5).status == 200
    end(1)


def test_one_that_nobody_takes_can_be_dropped(online, monkeypatch):
    monkeypatch.setattr("golem_nb.host.http_owner.SEND_WITHIN_NS", 0)
    server = RawServer(accepts=False)
    server.fill_queue()
    future = handle(online, request(online, server.authority, "/"))

    future.dropped()

    assert online.ended == [1]
    future.owner.exchange.cancel()
    server.close()
