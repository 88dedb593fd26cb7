import errno
import socket
from ipaddress import ip_address

import pytest

from golem_nb.host.declare import WitError
from golem_nb.host.socket_address import (
    check_datagram_target,
    check_local,
    check_remote,
    code_of,
    ip_from_value,
    system_from_value,
    value_from_ip,
    value_from_system,
)


def v4(text, port=1):
    return "ipv4", {"port": port, "address": tuple(ip_address(text).packed)}


def v6(text, port=1, flow=0, scope=0):
    return "ipv6", {"port": port, "flow-info": flow, "address": value_from_ip(ip_address(text))[1], "scope-id": scope}


@pytest.mark.parametrize("text", ["127.0.0.1", "255.0.1.2", "::1", "2001:db8::ff00:42:8329"])
def test_addresses_go_there_and_back(text):
    assert ip_from_value(value_from_ip(ip_address(text))) == ip_address(text)


@pytest.mark.parametrize("value", [v4("1.2.3.4", 80), v6("fe80::1", 443, 7, 3)])
def test_socket_addresses_go_there_and_back(value):
    assert value_from_system(system_from_value(value)) == value


def test_a_scope_in_the_text_of_an_address_is_in_its_number_anyway():
    assert value_from_system(("fe80::1%lo", 1, 0, 1)) == v6("fe80::1", 1, 0, 1)


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (check_local, v6("::1")),
        (check_local, v4("224.0.0.1")),
        (check_local, v4("255.255.255.255")),
        (check_remote, v4("0.0.0.0")),
        (check_remote, v4("127.0.0.1", 0)),
        (check_remote, v4("224.0.0.1")),
        (check_datagram_target, v4("0.0.0.0")),
        (check_datagram_target, v4("127.0.0.1", 0)),
        (check_datagram_target, v6("::1")),
    ],
)
def test_what_cannot_be_an_address_of_that_use_is_refused(check, value):
    with pytest.raises(WitError) as refused:
        check("ipv4", value)

    assert refused.value.payload == "invalid-argument"


def test_ipv4_in_disguise_is_refused():
    for check in (check_local, check_remote, check_datagram_target):
        with pytest.raises(WitError):
            check("ipv6", v6("::ffff:127.0.0.1"))


def test_datagrams_may_go_to_many():
    assert check_datagram_target("ipv4", v4("224.0.0.1")).is_multicast


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, ""), "connection-refused"),
        (OSError(errno.ENETUNREACH, ""), "remote-unreachable"),
        (OSError(errno.EADDRINUSE, ""), "address-in-use"),
        (OSError(errno.EMFILE, ""), "new-socket-limit"),
        (OSError(errno.ENOTDIR, ""), "unknown"),
        (OSError("no number"), "unknown"),
        (socket.gaierror(socket.EAI_NONAME, ""), "name-unresolvable"),
        (socket.gaierror(socket.EAI_AGAIN, ""), "temporary-resolver-failure"),
        (socket.gaierror(socket.EAI_FAIL, ""), "permanent-resolver-failure"),
    ],
)
def test_failures_have_codes_of_wit(error, code):
    assert code_of(error) == code
