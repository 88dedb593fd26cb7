"""Addresses and failures of wasi:sockets 0.2, to and from those of Python's `socket`. Pure."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from golem_nb.host.declare import Value, WitError
from golem_nb.host.network_policy import Address

FAMILIES = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}
SystemAddress = tuple[Any, ...]  # of Python's sockets: (host, port), and for IPv6 flow and scope

# Source: the errno names that the WIT gives with its error codes. What is not here is `unknown`.
_CODES = {
    errno.EACCES: "access-denied",
    errno.EPERM: "access-denied",
    errno.EOPNOTSUPP: "not-supported",
    errno.EAFNOSUPPORT: "not-supported",
    errno.EPROTONOSUPPORT: "not-supported",
    errno.ENOPROTOOPT: "not-supported",
    errno.EINVAL: "invalid-argument",
    errno.ENOMEM: "out-of-memory",
    errno.ENOBUFS: "out-of-memory",
    errno.ETIMEDOUT: "timeout",
    errno.EALREADY: "concurrency-conflict",
    errno.EAGAIN: "would-block",
    errno.EWOULDBLOCK: "would-block",
    errno.EINPROGRESS: "would-block",
    errno.EISCONN: "invalid-state",
    errno.ENOTCONN: "invalid-state",
    errno.EDESTADDRREQ: "invalid-state",
    errno.EMFILE: "new-socket-limit",
    errno.ENFILE: "new-socket-limit",
    errno.EADDRNOTAVAIL: "address-not-bindable",
    errno.EADDRINUSE: "address-in-use",
    errno.EHOSTUNREACH: "remote-unreachable",
    errno.EHOSTDOWN: "remote-unreachable",
    errno.ENETUNREACH: "remote-unreachable",
    errno.ENETDOWN: "remote-unreachable",
    errno.ECONNREFUSED: "connection-refused",
    errno.ECONNRESET: "connection-reset",
    errno.EPIPE: "connection-reset",
    errno.ECONNABORTED: "connection-aborted",
    errno.EMSGSIZE: "datagram-too-large",
}
_LOOKUP_CODES = {
    socket.EAI_AGAIN: "temporary-resolver-failure",
    socket.EAI_FAIL: "permanent-resolver-failure",
    socket.EAI_MEMORY: "out-of-memory",
}


def code_of(error: OSError) -> str:
    """Return the error-code for a failure of the system."""
    if isinstance(error, socket.gaierror):
        return _LOOKUP_CODES.get(error.errno or 0, "name-unresolvable")
    return _CODES.get(error.errno or 0, "unknown")


def ip_from_value(value: Value) -> Address:
    """Return the address of an `ip-address`, or of an `ip-socket-address`."""
    case, payload = value
    parts: Sequence[int] = payload["address"] if isinstance(payload, dict) else payload
    if case == "ipv4":
        return IPv4Address(bytes(parts))
    return IPv6Address(b"".join(part.to_bytes(2, "big") for part in parts))


def value_from_ip(address: Address) -> Value:
    packed = address.packed
    if isinstance(address, IPv4Address):
        return "ipv4", tuple(packed)
    return "ipv6", tuple(int.from_bytes(packed[at : at + 2], "big") for at in range(0, 16, 2))


def system_from_value(value: Value) -> SystemAddress:
    """Return an `ip-socket-address` as the system takes it."""
    case, payload = value
    host = str(ip_from_value(value))
    if case == "ipv4":
        return host, payload["port"]
    # Python refuses larger flows than the header of IPv6 has room for.
    return host, payload["port"], payload["flow-info"] & 0xFFFFF, payload["scope-id"]


def value_from_system(address: SystemAddress) -> Value:
    host, port, *more = address
    case, parts = value_from_ip(ip_address(host.partition("%")[0]))
    if case == "ipv4":
        return case, {"port": port, "address": parts}
    flow, scope = more
    return case, {"port": port, "flow-info": flow, "address": parts, "scope-id": scope}


def check_local(family: str, value: Value) -> Address:
    """Return the address of one to bind to.

    Raises:
        WitError: `invalid-argument`: it is of another family, multicast or broadcast, or IPv4 in disguise.
    """
    address = ip_from_value(value)
    is_broadcast = address == IPv4Address("255.255.255.255")
    is_disguised = isinstance(address, IPv6Address) and address.ipv4_mapped is not None
    if value[0] != family or address.is_multicast or is_broadcast or is_disguised:
        raise WitError("invalid-argument")
    return address


def check_remote(family: str, value: Value) -> Address:
    """Return the address of one to connect or send to.

    Raises:
        WitError: `invalid-argument`: it is as above, or no host, or has no port.
    """
    address = check_local(family, value)
    if address.is_unspecified or value[1]["port"] == 0:
        raise WitError("invalid-argument")
    return address


def check_datagram_target(family: str, value: Value) -> Address:
    """Return the address of one to send a datagram to: that may go to many.

    Raises:
        WitError: `invalid-argument`: it is of another family, no host, or has no port.
    """
    address = ip_from_value(value)
    is_disguised = isinstance(address, IPv6Address) and address.ipv4_mapped is not None
    if value[0] != family or address.is_unspecified or is_disguised or value[1]["port"] == 0:
        raise WitError("invalid-argument")
    return address
