import socket
import threading
import time

import pytest

from golem_nb.host.socket_watch import READ, WRITE, Watcher, is_ready


@pytest.fixture
def watcher():
    made = Watcher()
    yield made
    made.close()


@pytest.fixture
def pair():
    first, second = socket.socketpair()
    for one in (first, second):
        one.setblocking(False)
    yield first, second
    first.close()
    second.close()


def watch(watcher, watched, event):
    called = threading.Event()
    watcher.call_when(watched, event, called.set)
    return called


def test_readiness_is_that_of_the_moment(pair):
    first, second = pair
    assert (is_ready(first, READ), is_ready(first, WRITE)) == (False, True)

    second.send(b"x")

    assert is_ready(first, READ)
    first.close()
    assert is_ready(first, READ)


def test_who_waits_is_called_when_it_is_ready_and_not_before(watcher, pair):
    first, second = pair
    called = watch(watcher, first, READ)
    assert not called.wait(0.02)

    second.send(b"x")

    assert called.wait(5)


def test_both_events_of_a_socket_are_told_apart(watcher, pair):
    first, second = pair
    readable, writable = watch(watcher, first, READ), watch(watcher, first, WRITE)
    assert writable.wait(5)
    assert not readable.wait(0.02)

    second.send(b"x")

    assert readable.wait(5)


def test_one_call_for_one_asking(watcher, pair):
    calls = []
    pair[1].send(b"x")

    def wake():
        calls.append(1)

    watcher.call_when(pair[0], READ, wake)
    watcher.call_when(pair[0], READ, wake)
    watch(watcher, pair[0], WRITE).wait(5)
    time.sleep(0.02)

    assert len(calls) <= 2


def test_a_number_that_is_used_again_is_another_socket(watcher):
    for _ in range(50):
        first, second = socket.socketpair()
        called = watch(watcher, first, READ)
        second.send(b"x")
        assert called.wait(5)
        watch(watcher, second, READ)
        for one in (first, second):
            watcher.forget(one)
            one.close()


def test_many_sockets_are_one_thread(watcher):
    pairs = [socket.socketpair() for _ in range(20)]
    called = [watch(watcher, first, READ) for first, _ in pairs]
    assert sum(thread.name == "sockets" for thread in threading.enumerate()) == 1

    for _, second in pairs:
        second.send(b"x")

    assert all(one.wait(5) for one in called)
    for one in [one for pair in pairs for one in pair]:
        watcher.forget(one)
        one.close()


def test_a_closed_socket_is_told_at_once(watcher, pair):
    pair[0].close()

    assert watch(watcher, pair[0], READ).is_set()


def test_a_failing_call_does_not_end_the_others(watcher, pair, caplog):
    watcher.call_when(pair[0], WRITE, lambda: 1 / 0)

    assert watch(watcher, pair[1], WRITE).wait(5)
    assert watch(watcher, pair[0], WRITE).wait(5)
    assert "could not be told" in caplog.text


def test_a_closed_watcher_has_no_thread(pair):
    watcher = Watcher()
    watch(watcher, pair[0], READ)

    watcher.close()

    assert not any(thread.name == "sockets" and thread is watcher._thread for thread in threading.enumerate())
    watcher.call_when(pair[0], READ, lambda: None)
