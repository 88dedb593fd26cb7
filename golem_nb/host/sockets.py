"""wasi:sockets 0.2: the network, and the lookup of names. Sockets are in `socket_tcp` and `socket_udp`.

A lookup is recorded with the addresses it found (SEMANTICS 3.4), and waited for, so its stream never makes anybody
wait. A failure that may pass is retried by the policy before the component hears of it.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from ipaddress import ip_address

from golem_nb.host.context import HostContext
from golem_nb.host.declare import Interface, Resource, Value, WitError, deterministic, read_remote
from golem_nb.host.io import IoError, Pollable
from golem_nb.host.network_policy import Address
from golem_nb.host.socket_address import code_of, value_from_ip
from golem_nb.host.socket_base import KnownNames
from golem_nb.values.types import STRING, ListType

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\Z")
MOST_NAME = 253  # characters. Source: RFC 1035, 2.3.4, without the length octets


class Network(Resource, wit="wasi:sockets/network#network"):
    """There is one network, and this resource says nothing about it; what may be reached is the engine's policy."""

    def __init__(self, worker: HostContext) -> None:
        self.worker = worker


class NetworkErrors(Interface, wit="wasi:sockets/network"):
    @deterministic
    def network_error_code(self, err: IoError) -> str | None:
        return err.network_code


class InstanceNetwork(Interface, wit="wasi:sockets/instance-network"):
    @deterministic
    def instance_network(self) -> Network:
        return Network(self.worker)


class IpNameLookup(Interface, wit="wasi:sockets/ip-name-lookup"):
    @read_remote(
        label="sockets::ip_name_lookup::resolve_addresses",
        request_type=STRING,
        request=lambda self, network, name: name,
        response=ListType(STRING),
        failure=lambda case, value: value if (case, value) == ("err", "temporary-resolver-failure") else None,
    )
    def resolve_addresses(self, network: Network, name: str) -> list[str]:
        address = _number(name)
        if address is None:
            name = ascii_name(name)
        if not self.worker.network.policy.allows_lookup(name):
            raise WitError("access-denied")
        if address is not None:
            return [str(address)]
        try:
            return self.worker.run_apart(lambda: looked_up(name))
        except OSError as error:
            raise WitError(code_of(error)) from None

    @resolve_addresses.rebuilt
    def _resolve_addresses(self, found: Sequence[str], network: Network, name: str) -> ResolveAddressStream:
        if _number(name) is None:
            known = self.worker.shared(KnownNames)
            for text in found:
                known.note(ip_address(text), ascii_name(name))
        return ResolveAddressStream(self.worker, found)


class ResolveAddressStream(Resource, wit="wasi:sockets/ip-name-lookup#resolve-address-stream"):
    def __init__(self, worker: HostContext, found: Sequence[str]) -> None:
        self.worker, self._rest = worker, list(found)

    @deterministic
    def resolve_next_address(self) -> Value:
        return value_from_ip(ip_address(self._rest.pop(0))) if self._rest else None

    @deterministic
    def subscribe(self) -> Pollable:
        return Pollable(self.worker)


def _number(name: str) -> Address | None:
    try:
        return ip_address(name)
    except ValueError:
        return None


def ascii_name(name: str) -> str:
    """Return a host name as it is asked for.

    Raises:
        WitError: `invalid-argument`: it is none.
    """
    try:
        plain = name.encode("idna").decode().lower() if not name.isascii() else name.lower()
    except UnicodeError:
        raise WitError("invalid-argument") from None
    labels = plain.removesuffix(".").split(".")
    if len(plain) > MOST_NAME or not all(map(_LABEL.match, labels)) or labels[-1].isdigit():
        raise WitError("invalid-argument")
    return plain


def looked_up(name: str) -> list[str]:
    """Return the addresses of a name, as the system's resolver orders them, each once.

    Raises:
        OSError: There is none, or nobody can tell.
    """
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]).partition("%")[0] for *_, address in found))
