import socket
import threading
import time

import pytest

from golem_nb.host.declare import WitError
from golem_nb.host.io import CLOSED
from golem_nb.host.network_policy import NetworkPolicy, pattern_from_text
from golem_nb.host.socket_tcp import MOST_UNSENT_BYTES, TcpCreateSocket
from golem_nb.host.sockets import NetworkErrors
from tests.host.context import call
from tests.host.socket_peers import TcpServer, address, refused, wait


@pytest.fixture
def server():
    made = TcpServer()
    yield made
    made.close()


@pytest.fixture
def deaf():
    made = TcpServer(echoes=False)
    yield made
    made.close()


def created(worker, family="ipv4"):
    return call(TcpCreateSocket(worker), "create_tcp_socket", address_family=family)


def connected(worker, port):
    made = created(worker)
    call(made, "start_connect", network=None, remote_address=address(port))
    wait(made)
    return made, *call(made, "finish_connect")


def listening(worker):
    made = created(worker)
    call(made, "start_bind", network=None, local_address=address(0))
    call(made, "finish_bind")
    call(made, "start_listen")
    call(made, "finish_listen")
    return made, call(made, "local_address")[1]["port"]


def read(stream, count):
    data = b""
    while len(data) < count:
        data += call(stream, "blocking_read", len=count - len(data))
    return data


def test_a_connection_carries_bytes_both_ways_until_it_is_shut_down(worker, server):
    made, source, sink = connected(worker, server.port)
    assert call(source, "read", len=5) == b""

    call(sink, "write", contents=b"hello")
    wait(source)
    assert call(source, "read", len=100) == b"hello"

    assert call(made, "remote_address") == address(server.port)
    assert call(made, "local_address")[0] == "ipv4"
    call(made, "shutdown", shutdown_type="send")
    refused(CLOSED, sink, "check_write")
    refused(CLOSED, source, "blocking_read", len=1)


def test_a_shut_input_is_at_its_end(worker, server):
    made, source, sink = connected(worker, server.port)

    call(made, "shutdown", shutdown_type="both")

    refused(CLOSED, source, "read", len=1)
    refused(CLOSED, source, "blocking_read", len=1)
    refused(CLOSED, sink, "write", contents=b"x")
    assert call(source, "read", len=0) == b""


def test_connecting_has_a_start_and_a_finish(worker, server):
    made = created(worker)
    refused("not-in-progress", made, "finish_connect")
    refused("invalid-state", made, "remote_address")
    refused("invalid-state", made, "local_address")
    refused("invalid-state", made, "shutdown", shutdown_type="both")
    refused("invalid-state", made, "accept")

    call(made, "start_connect", network=None, remote_address=address(server.port))

    for name in ("start_connect", "start_bind"):
        target = "remote_address" if "connect" in name else "local_address"
        refused("concurrency-conflict", made, name, **{"network": None, target: address(server.port)})
    refused("concurrency-conflict", made, "start_listen")
    refused("concurrency-conflict", made, "remote_address")
    refused("not-in-progress", made, "finish_bind")
    refused("invalid-state", made, "set_listen_backlog_size", value=5)
    wait(made)
    call(made, "finish_connect")
    refused("not-in-progress", made, "finish_connect")
    refused("invalid-state", made, "start_connect", network=None, remote_address=address(server.port))
    refused("invalid-state", made, "start_listen")


def test_a_refused_connection_is_told_at_the_finish_and_closes_the_socket(worker):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    made = created(worker)
    call(made, "start_connect", network=None, remote_address=address(port))
    wait(made)

    refused("connection-refused", made, "finish_connect")

    refused("not-in-progress", made, "finish_connect")
    refused("invalid-state", made, "start_connect", network=None, remote_address=address(port))
    refused("invalid-state", made, "local_address")


@pytest.mark.parametrize(
    "remote", [address(80, "0.0.0.0"), address(0), address(80, "224.0.0.1"), address(80, "::1")], ids=str
)
def test_what_nobody_can_connect_to_is_an_invalid_argument(worker, remote):
    refused("invalid-argument", created(worker), "start_connect", network=None, remote_address=remote)


def test_listening_has_its_steps_in_order(worker):
    made = created(worker)
    refused("invalid-state", made, "start_listen")
    call(made, "start_bind", network=None, local_address=address(0))
    refused("concurrency-conflict", made, "start_listen")
    refused("concurrency-conflict", made, "local_address")
    call(made, "finish_bind")
    refused("invalid-state", made, "start_bind", network=None, local_address=address(0))
    assert call(made, "local_address")[1]["port"] > 0
    assert not call(made, "is_listening")

    call(made, "start_listen")
    refused("concurrency-conflict", made, "set_listen_backlog_size", value=5)
    call(made, "finish_listen")

    assert call(made, "is_listening")
    call(made, "set_listen_backlog_size", value=5)
    refused("invalid-argument", made, "set_listen_backlog_size", value=0)
    refused("would-block", made, "accept")
    refused("invalid-state", made, "start_listen")


def test_an_accepted_connection_is_one(worker):
    made, port = listening(worker)
    with socket.create_connection(("127.0.0.1", port)) as client:
        wait(made)
        accepted, source, sink = call(made, "accept")
        client.sendall(b"ping")

        assert read(source, 4) == b"ping"
        call(sink, "blocking_write_and_flush", contents=b"pong")
        assert client.recv(4) == b"pong"
        assert call(accepted, "remote_address") == address(client.getsockname()[1])
        assert not call(accepted, "is_listening")


def test_a_port_in_use_is_told_at_the_finish(worker):
    _, port = listening(worker)
    made = created(worker)
    call(made, "start_bind", network=None, local_address=address(port))

    refused("address-in-use", made, "finish_bind")

    call(made, "start_bind", network=None, local_address=address(0))
    call(made, "finish_bind")


def test_an_address_of_another_machine_cannot_be_bound(worker):
    made = created(worker)
    call(made, "start_bind", network=None, local_address=address(0, "203.0.113.1"))

    refused("address-not-bindable", made, "finish_bind")
    refused("not-in-progress", made, "finish_bind")


def test_options_are_those_of_the_system(worker):
    made = created(worker)

    for name, value in (
        ("keep_alive_enabled", True),
        ("keep_alive_idle_time", 7_000_000_000),
        ("keep_alive_interval", 3_000_000_000),
        ("keep_alive_count", 4),
        ("hop_limit", 33),
        ("receive_buffer_size", 20_000),
        ("send_buffer_size", 20_000),
    ):
        call(made, f"set_{name}", value=value)
        assert call(made, name) == value
    call(made, "set_keep_alive_idle_time", value=1)
    assert call(made, "keep_alive_idle_time") == 10**9
    assert call(made, "address_family") == "ipv4"


@pytest.mark.parametrize(
    "name",
    ["keep_alive_idle_time", "keep_alive_interval", "keep_alive_count", "hop_limit", "receive_buffer_size"],
)
def test_options_of_zero_are_invalid(worker, name):
    refused("invalid-argument", created(worker), f"set_{name}", value=0)


def test_a_writer_is_held_up_by_a_peer_that_reads_nothing(worker, deaf):
    _, _, sink = connected(worker, deaf.port)
    written = 0
    while permit := call(sink, "check_write"):
        call(sink, "write", contents=bytes(permit))
        written += permit
    assert written >= MOST_UNSENT_BYTES

    received = []

    def drain():
        while sum(received) < written:
            received.append(len(deaf.taken[0].recv(1 << 16)))
            time.sleep(0.002)  # so that it takes many wakes

    draining = threading.Thread(target=drain, daemon=True)
    draining.start()
    wait(sink)
    assert call(sink, "check_write") > 0
    call(sink, "blocking_flush")
    assert call(sink, "check_write") > 0
    draining.join(10)
    assert sum(received) == written


def test_in_replay_the_permit_is_always_the_same(worker, deaf):
    _, _, sink = connected(worker, deaf.port)
    while permit := call(sink, "check_write"):
        call(sink, "write", contents=bytes(permit))

    worker.is_live = False

    assert call(sink, "check_write") > 0


def test_what_is_written_arrives_even_if_everything_is_dropped(worker, server):
    made, source, sink = connected(worker, server.port)
    call(sink, "write", contents=bytes(60_000))

    for one in (source, sink, made):
        one.dropped()

    assert made.held.socket.fileno() < 0
    deadline = time.monotonic() + 5
    while len(server.received) < 60_000 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(server.received) == 60_000


def test_a_connection_lives_as_long_as_one_of_its_holders(worker, server):
    made, source, sink = connected(worker, server.port)

    made.dropped()
    call(sink, "write", contents=b"x")

    assert read(source, 1) == b"x"
    sink.dropped()
    source.dropped()
    assert made.held.socket.fileno() < 0


def test_a_reset_is_a_failure_with_a_code(worker, deaf):
    _, source, sink = connected(worker, deaf.port)
    call(sink, "blocking_write_and_flush", contents=b"unread")
    while not deaf.taken:
        time.sleep(0.01)
    deaf.taken[0].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    deaf.taken[0].close()
    wait(source)

    with pytest.raises(WitError) as failed:
        call(source, "read", len=1)

    case, error = failed.value.payload
    assert case == "last-operation-failed"
    assert call(NetworkErrors(worker), "network_error_code", err=error) == "connection-reset"
    assert "connection-reset" in call(error, "to_debug_string")


def test_what_a_recorded_poll_told_of_is_waited_for(worker, server):
    """In replay the poll is answered by the oplog; the socket may take longer this time."""
    made, source, sink = connected(worker, server.port)
    pollable, wait_until_any = call(source, "subscribe"), worker.wait_until_any
    worker.wait_until_any = lambda sources: wait_until_any(sources[:1])  # time does not pass here by itself
    call(sink, "write", contents=b"late")

    type(pollable).block.rebuild(pollable, [0])  # told ready, and perhaps it is not yet

    assert call(source, "read", len=4) == b"late"
    assert made.held.owed == 0


def test_the_policy_decides_on_addresses(worker, server):
    worker.network.policy = NetworkPolicy(allowed=(pattern_from_text(f"127.0.0.1:{server.port}"),))

    connected(worker, server.port)

    refused("access-denied", created(worker), "start_connect", network=None, remote_address=address(1))


def test_without_network_nothing_is_bound_nor_connected(worker, server):
    worker.network.policy = NetworkPolicy(is_on=False)
    made = created(worker)

    refused("access-denied", made, "start_bind", network=None, local_address=address(0))
    refused("access-denied", made, "start_connect", network=None, remote_address=address(server.port))


def test_listening_is_for_loopback_unless_it_is_allowed(worker):
    made = created(worker)
    call(made, "start_bind", network=None, local_address=address(0, "0.0.0.0"))
    call(made, "finish_bind")

    refused("access-denied", made, "start_listen")

    worker.network.policy = NetworkPolicy(listens_anywhere=True)
    call(made, "start_listen")
    call(made, "finish_listen")
