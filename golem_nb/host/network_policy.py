"""Which hosts the components of an engine may reach. Pure: nothing here touches the network.

A pattern of `--allow-host`, in EBNF:

    pattern = host [ ":" port ]
    host    = name | "*." name | IPv4 [ "/" bits ] | "[" IPv6 [ "/" bits ] "]" | IPv6 [ "/" bits ]

A name is compared with the name that the component gave, an address with the one that is connected to, whatever name
led to it. `*.example.org` is every name below example.org, and not example.org itself. A bare IPv6 has no port.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from golem_nb.errors import BadInput

Address = IPv4Address | IPv6Address

_NAME = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\Z")
# Public by number, and yet inside of a cloud: Azure's own services, and the metadata of Alibaba and Oracle.
_OF_CLOUDS = frozenset(map(ip_address, ("168.63.129.16", "100.100.100.200", "192.0.0.192")))
_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")


@dataclass(frozen=True, slots=True)
class Pattern:
    """One `--allow-host`: a name (perhaps with a star) or a network, and a port (None = any)."""

    text: str
    name: str | None
    first: int = 0
    """The first and the last address of the network, as numbers."""
    last: int = 0
    version: int = 0
    port: int | None = None

    def is_for_port(self, port: int | None) -> bool:
        return self.port is None or port is None or self.port == port

    def has_name(self, host: str) -> bool:
        if self.name is None:
            return False
        return host.endswith(self.name[1:]) if self.name.startswith("*") else host == self.name

    def has_address(self, address: Address) -> bool:
        return self.name is None and address.version == self.version and self.first <= int(address) <= self.last


@dataclass(frozen=True, slots=True)
class NetworkPolicy:
    """The rule for all of a component's traffic to outside: HTTP, sockets, and the lookup of names."""

    is_on: bool = True
    allowed: tuple[Pattern, ...] = ()
    """None of them = every host."""
    denies_private: bool = False
    """Refuse addresses that are not of the public internet, but those that a pattern allows by their number."""
    listens_anywhere: bool = False
    """May components listen on addresses that other machines reach?"""

    @property
    def needs_addresses(self) -> bool:
        """Does it depend on the address that is connected to? A proxy would connect to one that nobody here sees."""
        return self.denies_private or any(pattern.name is None for pattern in self.allowed)

    def allows(self, host: str | None, port: int | None, address: Address | None) -> bool:
        """May a connection be made to this address, which was found by this name?

        `host` is None for an address that no name led to, `address` where nobody here learns it, `port` where none is
        meant yet.
        """
        if not self.is_on:
            return False
        seen = None if address is None else plain(address)
        patterns = [pattern for pattern in self.allowed if pattern.is_for_port(port)]
        if seen is not None and any(pattern.has_address(seen) for pattern in patterns):
            return True
        if self.denies_private and seen is not None and is_private(seen):
            return False
        return not self.allowed or (host is not None and any(p.has_name(plain_name(host)) for p in patterns))

    def allows_lookup(self, host: str, port: int | None = None) -> bool:
        """Can a connection to this name be allowed? An address of a network that is allowed has any name."""
        address = address_of(host)
        if address is not None:
            return self.allows(None, port, address)
        return self.allows(host, port, None) or (
            self.is_on and any(p.name is None and p.is_for_port(port) for p in self.allowed)
        )

    def allows_listening(self, address: Address) -> bool:
        return self.is_on and (self.listens_anywhere or plain(address).is_loopback)


EVERYTHING = NetworkPolicy()


def pattern_from_text(text: str) -> Pattern:
    """Parse what `--allow-host` is given.

    Raises:
        BadInput: It is none of the forms above.
    """
    host, port = _parted(text)
    try:
        network = ip_network(host.removeprefix("[").removesuffix("]"), strict=False)
    except ValueError:
        name = plain_name(host)
        # A number that is no address would be a name that nobody has.
        if not _NAME.match(name) or re.fullmatch(r"[\d./]+", name):
            raise _bad_pattern(text) from None
        return Pattern(text, name, port=port)
    first, last = int(network.network_address), int(network.broadcast_address)
    return Pattern(text, None, first, last, network.version, port)


def _parted(text: str) -> tuple[str, int | None]:
    """Part a port from the end of a pattern."""
    host, colon, digits = text.rpartition(":")
    if not colon or (":" in host and not host.endswith("]")) or text.endswith("]"):
        return text, None
    if not digits.isascii() or not digits.isdigit() or not 0 < int(digits) < 1 << 16:
        raise _bad_pattern(text)
    return host, int(digits)


def _bad_pattern(text: str) -> BadInput:
    return BadInput(
        f"{text!r} names no host: write a name, *.NAME, an address or a network (10.0.0.0/8), perhaps with :PORT"
    )


def plain_name(host: str) -> str:
    """Return the form in which names are compared."""
    return host.removesuffix(".").lower()


def address_of(host: str) -> Address | None:
    """Return the address that a host is written as; None where it is a name."""
    try:
        return ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None


def plain(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for, if it stands for one."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    number = int(address)
    if address in _NAT64 or (address in _COMPATIBLE and number > 1):  # `::` and `::1` are themselves
        return IPv4Address(number & 0xFFFFFFFF)
    return address


def is_private(address: Address) -> bool:
    """Is it loopback, private, link-local, multicast, unspecified, reserved, or a cloud's own?"""
    seen = plain(address)
    is_special = seen.is_multicast or seen.is_reserved or seen.is_unspecified or not seen.is_global
    is_site_local = isinstance(seen, IPv6Address) and seen.is_site_local
    return is_special or is_site_local or seen in _OF_CLOUDS
