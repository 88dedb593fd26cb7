"""Who may ask: tokens, and the hosts and origins that this server answers to. Source: ARCHITECTURE, decision 4.

A page of any site can send requests to an open port on loopback; it cannot choose their Host and Origin headers.
"""

from __future__ import annotations

import hmac
import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from golem_nb.errors import Forbidden, Unauthorized

COOKIE = "GOLEM_SESSION"  # for browsers, which cannot set the header of a WebSocket. Source: CONTRACT, part 1


@dataclass(frozen=True, slots=True)
class Access:
    """`tokens` empty: open to every local user. `hosts` are names without port, besides those of loopback."""

    tokens: tuple[str, ...] = ()
    hosts: frozenset[str] = frozenset()

    def check_host(self, headers: Headers) -> None:
        """Check the Host and Origin headers.

        Raises:
            Forbidden: One of them is foreign.
        """
        host = _name(headers.get("host", ""))
        if not self._is_ours(host):
            raise Forbidden(f"this server does not answer to the host {host!r}; allow it with --allowed-host")
        origin = headers.get("origin")
        if origin is not None and not self._is_ours(_name_in_origin(origin)):
            raise Forbidden(f"requests from pages of {origin!r} are refused; allow its host with --allowed-host")

    def check_token(self, connection: HTTPConnection) -> None:
        """Check the bearer token, or the cookie.

        Raises:
            Unauthorized: There is none, or a wrong one.
        """
        if not self.tokens:
            return
        given = self._given(connection)
        if not given:
            raise Unauthorized("Unauthorized: send `Authorization: Bearer <token>`")
        # All are compared, so that the time says nothing of which one nearly fits.
        if not any([hmac.compare_digest(_bytes(given), os.fsencode(token)) for token in self.tokens]):
            raise Unauthorized("Unauthorized: the token is not one of this server's")

    @staticmethod
    def _given(connection: HTTPConnection) -> str:
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return token.strip()
        return connection.cookies.get(COOKIE, "")

    def _is_ours(self, host: str) -> bool:
        return is_loopback(host) or host in self.hosts


def _bytes(given: str) -> bytes:
    """Return a token as it came over the wire: headers are read as Latin-1, cookies may be read as more."""
    try:
        return given.encode("latin-1")
    except UnicodeEncodeError:
        return given.encode("utf-8", "surrogatepass")


def is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _name(host: str) -> str:
    """Return the name in a Host header, without port and brackets, in lower case."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


def _name_in_origin(origin: str) -> str:
    """Return the name in an Origin header; nothing where it is none."""
    try:
        return urlsplit(origin).hostname or ""
    except ValueError:
        return ""


def allowed_hosts(bound: str, extra: Sequence[str]) -> frozenset[str]:
    return frozenset({_name(bound), *(name.lower() for name in extra)})
