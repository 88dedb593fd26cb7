import socket
import threading

import pytest

from golem_nb.host.declare import Trap
from golem_nb.host.network_policy import NetworkPolicy, pattern_from_text
from golem_nb.host.socket_udp import UdpCreateSocket
from tests.host.context import call
from tests.host.socket_peers import address, refused, wait


@pytest.fixture
def peer():
    """A socket that gives datagrams back; its port."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))

    def serve():
        try:
            while True:
                data, sender = made.recvfrom(1 << 16)
                if data == b"stop":
                    return
                made.sendto(data, sender)
        except OSError:
            return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    port = made.getsockname()[1]
    yield port
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ending:
        ending.sendto(b"stop", ("127.0.0.1", port))
    thread.join(5)
    made.close()


def bound(worker):
    made = call(UdpCreateSocket(worker), "create_udp_socket", address_family="ipv4")
    call(made, "start_bind", network=None, local_address=address(0))
    call(made, "finish_bind")
    return made


def datagram(data, remote=None):
    return {"data": data, "remote-address": remote}


def sent(outgoing, *datagrams):
    call(outgoing, "check_send")
    return call(outgoing, "send", datagrams=list(datagrams))


def received(incoming):
    wait(incoming)
    return [(one["data"], one["remote-address"]) for one in call(incoming, "receive", max_results=10)]


def test_datagrams_go_there_and_back(worker, peer):
    incoming, outgoing = call(bound(worker), "stream", remote_address=None)
    assert call(incoming, "receive", max_results=10) == []

    assert sent(outgoing, datagram(b"one", address(peer))) == 1

    assert received(incoming) == [(b"one", address(peer))]


def test_a_socket_for_one_remote_address_takes_no_other(worker, peer):
    made = bound(worker)
    refused("invalid-state", made, "remote_address")
    incoming, outgoing = call(made, "stream", remote_address=address(peer))
    assert call(made, "remote_address") == address(peer)

    assert sent(outgoing, datagram(b"one"), datagram(b"two", address(peer))) == 2

    got = received(incoming)
    got += received(incoming) if len(got) == 1 else []
    assert got == [(b"one", address(peer)), (b"two", address(peer))]
    call(outgoing, "check_send")
    refused("invalid-argument", outgoing, "send", datagrams=[datagram(b"x", address(1))])


def test_only_the_last_pair_of_streams_works(worker, peer):
    made = bound(worker)
    local = call(made, "local_address")
    call(made, "set_unicast_hop_limit", value=9)
    first = call(made, "stream", remote_address=address(peer))
    incoming, outgoing = call(made, "stream", remote_address=None)

    refused("invalid-state", first[0], "receive", max_results=1)
    refused("invalid-state", first[1], "check_send")
    refused("invalid-state", made, "remote_address")
    assert call(made, "local_address") == local
    assert call(made, "unicast_hop_limit") == 9
    assert sent(outgoing, datagram(b"one", address(peer))) == 1
    assert received(incoming) == [(b"one", address(peer))]


def test_binding_has_a_start_and_a_finish(worker):
    made = call(UdpCreateSocket(worker), "create_udp_socket", address_family="ipv4")
    refused("not-in-progress", made, "finish_bind")
    refused("invalid-state", made, "stream", remote_address=None)
    refused("invalid-state", made, "local_address")
    refused("invalid-argument", made, "start_bind", network=None, local_address=address(0, "::1"))

    call(made, "start_bind", network=None, local_address=address(0))

    refused("concurrency-conflict", made, "start_bind", network=None, local_address=address(0))
    refused("concurrency-conflict", made, "local_address")
    call(made, "finish_bind")
    refused("invalid-state", made, "start_bind", network=None, local_address=address(0))


def test_a_bind_that_failed_can_be_tried_again(worker):
    taken = call(bound(worker), "local_address")
    made = call(UdpCreateSocket(worker), "create_udp_socket", address_family="ipv4")
    call(made, "start_bind", network=None, local_address=taken)

    refused("address-in-use", made, "finish_bind")

    call(made, "start_bind", network=None, local_address=address(0))
    call(made, "finish_bind")


def test_more_than_was_permitted_traps(worker, peer):
    _, outgoing = call(bound(worker), "stream", remote_address=None)
    assert call(outgoing, "send", datagrams=[]) == 0

    with pytest.raises(Trap, match="check-send permits 0"):
        call(outgoing, "send", datagrams=[datagram(b"x", address(peer))])


def test_what_fails_after_the_first_is_told_by_the_next_call(worker, peer):
    _, outgoing = call(bound(worker), "stream", remote_address=None)
    too_large = datagram(bytes(70_000), address(peer))

    assert sent(outgoing, datagram(b"x", address(peer)), too_large) == 1

    call(outgoing, "check_send")
    refused("datagram-too-large", outgoing, "send", datagrams=[too_large])
    refused("invalid-argument", outgoing, "send", datagrams=[datagram(b"x")])


def test_the_policy_decides_on_each_target(worker, peer):
    worker.network.policy = NetworkPolicy(allowed=(pattern_from_text(f"127.0.0.1:{peer}"),))
    made = bound(worker)
    refused("access-denied", made, "stream", remote_address=address(1))
    _, outgoing = call(made, "stream", remote_address=None)

    assert sent(outgoing, datagram(b"x", address(peer))) == 1

    call(outgoing, "check_send")
    refused("access-denied", outgoing, "send", datagrams=[datagram(b"x", address(1))])


def test_a_port_of_ones_own_choice_is_for_loopback(worker):
    made = call(UdpCreateSocket(worker), "create_udp_socket", address_family="ipv4")

    refused("access-denied", made, "start_bind", network=None, local_address=address(4242, "0.0.0.0"))
    call(made, "start_bind", network=None, local_address=address(0, "0.0.0.0"))
    call(made, "finish_bind")


def test_without_network_nothing_is_bound(worker):
    worker.network.policy = NetworkPolicy(is_on=False)
    made = call(UdpCreateSocket(worker), "create_udp_socket", address_family="ipv4")

    refused("access-denied", made, "start_bind", network=None, local_address=address(0))


def test_a_socket_is_closed_with_the_last_that_holds_it(worker):
    made = bound(worker)
    streams = call(made, "stream", remote_address=None)

    made.dropped()
    streams[0].dropped()
    assert made.held.socket.fileno() >= 0

    streams[1].dropped()
    assert made.held.socket.fileno() < 0
