import socket

import pytest

from golem_nb.host import sockets
from golem_nb.host.network_policy import NetworkPolicy, pattern_from_text
from golem_nb.host.socket_base import KnownNames, check_allowed
from golem_nb.host.sockets import InstanceNetwork, IpNameLookup, ascii_name
from tests.host.context import call
from tests.host.socket_peers import address, refused


def lookup(worker, name):
    network = call(InstanceNetwork(worker), "instance_network")
    stream = call(IpNameLookup(worker), "resolve_addresses", network=network, name=name)
    found = []
    while (one := call(stream, "resolve_next_address")) is not None:
        found.append(one)
    assert call(call(stream, "subscribe"), "ready")
    return found


def test_a_name_is_looked_up(worker):
    assert address(1)[1]["address"] in [parts for case, parts in lookup(worker, "localhost") if case == "ipv4"]


def test_an_address_is_its_own_name(worker, monkeypatch):
    monkeypatch.setattr(sockets, "looked_up", None)

    assert lookup(worker, "127.0.0.1") == [("ipv4", (127, 0, 0, 1))]
    assert lookup(worker, "::1") == [("ipv6", (0, 0, 0, 0, 0, 0, 0, 1))]


@pytest.mark.parametrize("name", ["", "a b", "-x.org", "http://x", "x..org", "1.2.3", "a" * 64, "[::1]", "ü" * 70])
def test_what_is_no_name_is_an_invalid_argument(worker, name):
    refused("invalid-argument", IpNameLookup(worker), "resolve_addresses", network=None, name=name)


def test_names_of_all_languages_are_asked_for_in_ascii():
    assert ascii_name("Bücher.example") == "xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("number", "code", "is_retried"),
    [
        (socket.EAI_AGAIN, "temporary-resolver-failure", True),
        (socket.EAI_FAIL, "permanent-resolver-failure", False),
        (socket.EAI_NONAME, "name-unresolvable", False),
    ],
)
def test_a_failure_that_may_pass_is_retried(worker, monkeypatch, number, code, is_retried):
    def failing(name):
        raise socket.gaierror(number, "")

    monkeypatch.setattr(sockets, "looked_up", failing)

    refused(code, IpNameLookup(worker), "resolve_addresses", network=None, name="nowhere.example")

    assert bool(IpNameLookup.resolve_addresses.failure_in(("err", code))) is is_retried


def test_the_policy_decides_what_is_looked_up(worker):
    worker.network.policy = NetworkPolicy(allowed=(pattern_from_text("localhost:1"),))

    assert lookup(worker, "LOCALHOST")

    refused("access-denied", IpNameLookup(worker), "resolve_addresses", network=None, name="example.org")
    refused("access-denied", IpNameLookup(worker), "resolve_addresses", network=None, name="127.0.0.1")


def test_sockets_reach_the_addresses_of_a_name_that_is_allowed(worker):
    worker.network.policy = NetworkPolicy(allowed=(pattern_from_text("localhost:1"),))
    loopback = sockets.ip_address("127.0.0.1")
    with pytest.raises(sockets.WitError):
        check_allowed(worker, loopback, 1)

    lookup(worker, "localhost")

    check_allowed(worker, loopback, 1)
    with pytest.raises(sockets.WitError):
        check_allowed(worker, loopback, 2)
    assert worker.shared(KnownNames).of(loopback) == (None, "localhost")
