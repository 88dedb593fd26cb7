import pytest

from golem_nb.host.declare import Trap, WitError
from golem_nb.host.io import MOST_READ, WRITE_PERMIT, InputStream, LogStream, OutputStream, Poll, Pollable
from golem_nb.model import LogLevel
from tests.host.context import call


class Bytes(InputStream):
    def __init__(self, worker, data):
        super().__init__(worker)
        self.data = data

    def take(self, most):
        taken, self.data = self.data[:most], self.data[most:]
        if not taken and most:
            raise WitError(("closed", None))
        return taken


class Sink(OutputStream):
    def __init__(self, worker):
        super().__init__(worker)
        self.data = b""

    def put(self, contents):
        self.data += contents


class Never:
    deadline_ns = None

    def is_ready(self):
        return False

    def call_when_ready(self, wake):
        pass


def test_an_empty_poll_traps(worker):
    with pytest.raises(Trap, match="empty poll list"):
        call(Poll(worker), "poll", in_=[])


def test_poll_names_those_that_are_ready(worker):
    ready, never = Pollable(worker), Pollable(worker, Never())

    assert call(Poll(worker), "poll", in_=[never, ready, never, ready]) == [1, 3]
    assert call(ready, "ready")
    assert not call(never, "ready")
    assert call(ready, "block") is None


def test_reads_are_cut_to_a_bound(worker):
    stream = Bytes(worker, bytes(MOST_READ + 5))

    assert len(call(stream, "read", len=1 << 60)) == MOST_READ
    assert call(stream, "blocking_skip", len=100) == 5
    assert call(stream, "read", len=0) == b""
    with pytest.raises(WitError):
        call(stream, "blocking_read", len=1)


def test_everything_written_arrives(worker):
    sink = Sink(worker)
    assert call(sink, "check_write") > 0
    call(sink, "write", contents=b"a")
    call(sink, "blocking_write_and_flush", contents=b"b")
    call(sink, "write_zeroes", len=2)
    call(sink, "blocking_write_zeroes_and_flush", len=1)
    call(sink, "flush")
    call(sink, "blocking_flush")

    assert sink.data == b"ab\0\0\0"
    assert call(call(sink, "subscribe"), "ready")


@pytest.mark.parametrize("name", ["splice", "blocking_splice"])
def test_splice_moves_what_is_there_up_to_a_number(worker, name):
    sink, source = Sink(worker), Bytes(worker, b"hello")

    assert call(sink, name, src=source, len=3) == 3
    assert (sink.data, source.data) == (b"hel", b"lo")


def test_one_write_is_one_line_of_output(worker):
    stream = LogStream(worker, LogLevel.STDOUT)
    call(stream, "blocking_write_and_flush", contents=b"a\nb")
    call(LogStream(worker, LogLevel.STDERR), "write", contents=b"\xff")

    assert worker.output == [("Stdout", "a\nb"), ("Stderr", "\ufffd")]


def test_a_character_split_over_two_writes_is_not_lost(worker):
    first, second = "x\N{EURO SIGN}y".encode()[:2], "x\N{EURO SIGN}y".encode()[2:]
    call(LogStream(worker, LogLevel.STDOUT), "write", contents=first)
    call(LogStream(worker, LogLevel.STDOUT), "write", contents=second)

    assert "".join(text for _, text in worker.output) == "x\N{EURO SIGN}y"


@pytest.mark.parametrize("function", ["write_zeroes", "blocking_write_zeroes_and_flush"])
def test_more_zeroes_than_permitted_trap(worker, function):
    with pytest.raises(Trap, match="zeroes were written at once"):
        call(LogStream(worker, LogLevel.STDOUT), function, len=WRITE_PERMIT + 1)
