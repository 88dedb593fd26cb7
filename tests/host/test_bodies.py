import pytest

from golem_nb.host.bodies import Incoming, IncomingStream, Outgoing, OutgoingStream, TooLarge
from golem_nb.host.declare import WitError
from tests.host.context import call


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr("golem_nb.host.bodies.MOST_BYTES", 4)


def test_what_is_written_adds_up(worker):
    body = Outgoing()
    body.append(b"a")

    call(OutgoingStream(worker, body), "write", contents=b"bc")

    assert (bytes(body), len(body)) == (b"abc", 3)


def test_a_value_that_is_too_large_is_refused_and_stays_as_it_is(worker, small):
    body = Outgoing()
    body.append(b"abc")

    with pytest.raises(TooLarge, match="a value has 4 bytes at most"):
        body.append(b"de")
    with pytest.raises(WitError) as caught:
        call(OutgoingStream(worker, body), "blocking_write_and_flush", contents=b"de")

    case, error = caught.value.payload
    assert (case, call(error, "to_debug_string")) == ("last-operation-failed", "a value has 4 bytes at most")
    assert bytes(body) == b"abc"


def test_a_value_is_taken_once():
    body = Incoming(b"abc")

    assert (len(body), body.take(), body.take(), len(body)) == (3, b"abc", b"", 0)


def test_a_large_value_is_read_through_a_stream_only(monkeypatch):
    monkeypatch.setattr("golem_nb.host.bodies.MOST_AT_ONCE", 4)
    body = Incoming(b"abcde")

    with pytest.raises(TooLarge, match="a value of 5 bytes is read through a stream; up to 4 come at once"):
        body.take_at_once()

    assert body.take() == b"abcde"
    assert Incoming(b"abcd").take_at_once() == b"abcd"


def test_a_value_is_read_in_parts_and_then_the_stream_is_closed(worker):
    stream = IncomingStream(worker, b"abcde")

    assert [call(stream, "read", len=2), call(stream, "skip", len=2), call(stream, "read", len=9)] == [b"ab", 2, b"e"]
    assert call(stream, "read", len=0) == b""
    with pytest.raises(WitError) as caught:
        call(stream, "read", len=1)
    assert caught.value.payload == ("closed", None)
