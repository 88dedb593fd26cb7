import socket
import threading
import time

from golem_nb.host.socket_base import OWED_WAIT_NS, HeldSocket
from golem_nb.host.socket_watch import READ, WRITE
from tests.host.context import START_NS


def held(worker):
    first, second = socket.socketpair()
    return HeldSocket(worker, first), second


def test_a_socket_that_was_said_to_be_ready_is_waited_for_once(worker):
    made, other = held(worker)
    made.source(READ).note_told_ready()
    assert made.owed == READ

    waited = []
    worker.wait_until_any = waited.append
    made.settle(WRITE)
    made.settle(READ)
    made.settle(READ)

    ((source, worst),) = waited
    assert (source.is_ready(), worst.deadline_ns) == (False, START_NS + OWED_WAIT_NS)
    other.close()


def test_one_that_is_ready_owes_nothing(worker):
    made, other = held(worker)
    other.send(b"x")

    made.source(READ).note_told_ready()

    assert made.owed == 0
    other.close()


def test_a_wait_ends_when_the_socket_is_ready(worker):
    made, other = held(worker)
    threading.Timer(0.02, lambda: other.send(b"x")).start()
    begin = time.monotonic()

    made.wait(READ)

    assert time.monotonic() - begin < 2
    assert made.source(READ).is_ready()
    other.close()


def test_the_instance_closes_what_is_left(worker):
    made, other = held(worker)
    assert worker.held == [made]

    made.close()
    made.close()

    assert made.socket.fileno() < 0
    other.close()
