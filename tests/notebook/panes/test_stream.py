import asyncio
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from queue import SimpleQueue

import pytest

from golem_nb.errors import GolemError, ServerUnreachable, WorkerNotFound
from golem_nb.model import EventType, WorkerEvent
from golem_nb.notebook.panes import stream as module
from golem_nb.notebook.panes.stream import EventStream, StreamState

AT = datetime(2026, 1, 1, tzinfo=UTC)
END = object()


def event(text):
    return WorkerEvent(EventType.STDOUT, AT, text)


class Source:
    """A server's stream, fed by the test: events, an error to raise, or END."""

    def __init__(self, *items):
        self._queue = SimpleQueue()
        for item in items:
            self._queue.put(item)

    def push(self, item):
        self._queue.put(item)

    def __iter__(self):
        while (item := self._queue.get()) is not END:
            if isinstance(item, GolemError):
                raise item
            yield item

    def close(self):
        self.push(END)


@contextmanager
def opened(source):
    yield source


@pytest.fixture
def start():
    """Start a stream over sources: the first is open, the others are what connecting again gives."""
    threads = []

    def start(source, *others):
        again = iter(others)

        def reopen():
            following = next(again)
            if isinstance(following, GolemError):
                raise following
            return opened(following)

        stream = EventStream("w", reopen)
        threads.append(threading.Thread(target=stream.run, args=(opened(source),)))
        threads[-1].start()
        return stream

    yield start
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def test_events_are_numbered_and_kept(start):
    stream = start(Source(event("a"), event("b"), event("c"), END))

    assert stream.wait(timeout_s=5)
    assert [(seq, e.message) for seq, e in stream.since(1)] == [(2, "b"), (3, "c")]
    assert stream.last_seq == 3
    assert stream.df["message"].tolist() == ["a", "b", "c"]


def test_only_the_last_events_are_kept(start, monkeypatch):
    monkeypatch.setattr(module, "KEPT", 2)
    stream = start(Source(event("a"), event("b"), event("c"), END))
    stream.wait(timeout_s=5)

    assert [seq for seq, _ in stream.since(0)] == [2, 3]


def test_the_end_of_the_server_is_the_end(start):
    stream = start(Source(END))
    stream.wait(timeout_s=5)

    assert stream.is_closed
    assert "the server ended it" in stream.reason


def test_waiting_finds_an_event_that_is_there_or_comes(start):
    source = Source(event("a"))
    stream = start(source)

    assert stream.wait(lambda e: e.message == "a", 5)
    assert not stream.wait(lambda e: e.message == "b", 0.05)
    source.push(event("b"))
    assert stream.wait(lambda e: e.message == "b", 5)
    stream.close()
    assert not stream.wait(lambda e: e.message == "c", 5)


def test_a_broken_connection_is_made_again(start, monkeypatch):
    monkeypatch.setattr(module, "RECONNECT_EVERY_S", 0.01)
    gone, second = ServerUnreachable("gone"), Source(event("b"))
    stream = start(Source(event("a"), gone), gone, gone, second)

    assert stream.wait(lambda e: e.message == "b", 5)
    assert (stream.state, stream.breaks) == (StreamState.LIVE, 1)
    assert [e.message for _, e in stream.since(0)] == ["a", "b"]
    stream.close()


def test_a_worker_that_is_gone_when_the_server_is_back_ends_the_stream(start, monkeypatch):
    monkeypatch.setattr(module, "RECONNECT_EVERY_S", 0.01)
    stream = start(Source(ServerUnreachable("gone")), WorkerNotFound("w"))
    stream.wait(timeout_s=5)

    assert "Worker not found" in stream.reason


def test_a_server_that_does_not_come_back_is_given_up(start, monkeypatch):
    monkeypatch.setattr(module, "RECONNECT_FOR_S", 0.0)
    stream = start(Source(ServerUnreachable("gone")))
    stream.wait(timeout_s=5)

    assert stream.reason == "the server did not come back"


def test_closing_while_reconnecting_ends_it(start):
    stream = start(Source(ServerUnreachable("gone")), *[ServerUnreachable("gone")] * 100)
    stream.close()

    assert stream.is_closed
    assert stream.reason == "closed here"
    assert ": closed here, " in repr(stream)


def test_the_text_says_how_it_stands(start, capsys):
    stream = start(Source(event("a"), END))
    stream.wait(timeout_s=5)
    stream.is_shown = True

    stream._ipython_display_()
    nothing = capsys.readouterr().out
    stream._ipython_display_()

    assert nothing == ""
    assert "events of w: closed" in capsys.readouterr().out


async def read(stream, count):
    """The texts of the first events, `count` of them."""
    found = []
    async for event in stream:
        found.append(event.message)
        if len(found) == count:
            break
    return found


def test_a_loop_reads_what_is_there_and_what_comes_until_the_end(start):
    source = Source(event("a"))
    stream = start(source)
    stream.wait(lambda e: e.message == "a", 5)

    async def loop():
        reading = asyncio.create_task(read(stream, 99))
        await asyncio.sleep(0)
        source.push(event("b"))
        source.push(END)
        return await reading

    assert asyncio.run(loop()) == ["a", "b"]


def test_a_loop_loses_nothing_however_much_comes_while_its_body_runs(start, monkeypatch):
    monkeypatch.setattr(module, "KEPT", 2)
    source = Source(event("0"))
    stream = start(source)
    stream.wait(lambda e: e.message == "0", 5)

    async def loop():
        found = []
        async for each in stream:
            found.append(each.message)
            if each.message == "0":
                for number in range(1, 50):
                    source.push(event(str(number)))
                assert stream.wait(lambda e: e.message == "49", 5)
                stream.close()
        return found

    assert asyncio.run(loop()) == [str(number) for number in range(50)]


def test_closing_ends_a_loop_that_waits(start):
    stream = start(Source())

    async def loop():
        reading = asyncio.create_task(read(stream, 1))
        await asyncio.sleep(0)
        stream.close()
        return await reading

    assert asyncio.run(loop()) == []


def test_two_loops_have_all_events_each_and_a_loop_that_was_left_ends_nothing(start):
    source = Source()
    stream = start(source)

    async def loops():
        reading = [asyncio.create_task(read(stream, count)) for count in (1, 2)]
        left = asyncio.create_task(read(stream, 1))
        await asyncio.sleep(0)
        left.cancel()
        source.push(event("a"))
        source.push(event("b"))
        return await asyncio.gather(*reading)

    assert asyncio.run(loops()) == [["a"], ["a", "b"]]
    source.push(event("c"))
    assert stream.wait(lambda e: e.message == "c", 5)
    assert not stream.is_closed
    stream.close()
