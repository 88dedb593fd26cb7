"""What TCP and UDP sockets have in common: a socket of the system that never blocks, its readiness, its options.

Sockets are not durable (SEMANTICS 3.4): they are used for real again in replay, while the answers of polls come from
the oplog. So a component may be told that a socket is ready that is not ready yet this time. Such a socket *owes*: its
next operation waits until it is ready, rather than say `would-block` where it did not when the poll was recorded.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

from golem_nb.host.clocks import Deadline
from golem_nb.host.context import HostContext
from golem_nb.host.declare import Resource, Value, WitError, deterministic
from golem_nb.host.io import IoError, Volatile
from golem_nb.host.network_policy import Address
from golem_nb.host.socket_address import FAMILIES, code_of
from golem_nb.host.socket_watch import is_ready

# How long an operation waits for what a recorded poll has promised. As long as a connection takes at most on Linux.
OWED_WAIT_NS = 130 * 10**9
MOST_BUFFER_BYTES = (1 << 31) - 1
# Linux doubles what it is told, for its own use, and tells the double.
_BUFFER_FACTOR = 2 if sys.platform == "linux" else 1


class SocketSource(Volatile):
    """Ready when the socket is, for reading or for writing."""

    deadline_ns: int | None = None
    is_promise = False

    def __init__(self, held: HeldSocket, event: int) -> None:
        self._held, self._event = held, event

    def is_ready(self) -> bool:
        return is_ready(self._held.socket, self._event)

    def call_when_ready(self, wake: Callable[[], None]) -> None:
        self._held.worker.network.watcher.call_when(self._held.socket, self._event, wake)

    def note_told_ready(self) -> None:
        if not self.is_ready():
            self._held.owed |= self._event


class HeldSocket:
    """A socket of the system, held by the resources that use it; closed with the last of them, or with the instance."""

    def __init__(self, worker: HostContext, made: socket.socket) -> None:
        made.setblocking(False)
        self.worker, self.socket = worker, made
        self.owed = 0
        """Events that a recorded poll told of and that are yet to come."""
        self._holders = 0
        worker.close_with_instance(self)

    @classmethod
    def of(cls, worker: HostContext, family: str, kind: socket.SocketKind) -> Self:
        """Make one.

        Raises:
            WitError: The system has none to give.
        """
        try:
            return cls(worker, new_socket(family, kind))
        except OSError as error:
            raise WitError(code_of(error)) from None

    def source(self, event: int) -> SocketSource:
        return SocketSource(self, event)

    def settle(self, event: int) -> None:
        """Wait for what is owed, if it is; not longer than `OWED_WAIT_NS`."""
        if self.owed & event:
            self.owed &= ~event
            # Not recorded: it changes when the component goes on, not what it does.
            worst = Deadline(self.worker, self.worker.now_ns() + OWED_WAIT_NS)
            self.worker.wait_until_any([self.source(event), worst])

    def wait(self, event: int) -> None:
        self.owed &= ~event
        self.worker.wait_until_any([self.source(event)])

    def hold(self) -> None:
        self._holders += 1

    def release(self) -> None:
        self._holders -= 1
        if self._holders == 0:
            self.let_go()

    def let_go(self) -> None:
        """Nobody holds it any more."""
        self.close()

    def close(self) -> None:
        self.worker.network.watcher.forget(self.socket)
        self.socket.close()


def new_socket(family: str, kind: socket.SocketKind) -> socket.socket:
    made = socket.socket(FAMILIES[family], kind)
    if family == "ipv6":
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return made


class KnownNames:
    """The names that led a worker to addresses: a policy may speak of names, and sockets know addresses only."""

    def __init__(self, worker: HostContext) -> None:
        self._names: dict[Address, set[str]] = {}

    def note(self, address: Address, name: str) -> None:
        self._names.setdefault(address, set()).add(name)

    def of(self, address: Address) -> tuple[str | None, ...]:
        return (None, *self._names.get(address, ()))


def check_allowed(worker: HostContext, address: Address, port: int) -> None:
    """Check that the policy allows to reach an address.

    Raises:
        WitError: `access-denied`.
    """
    names, policy = worker.shared(KnownNames).of(address), worker.network.policy
    if not any(policy.allows(name, port, address) for name in names):
        raise WitError("access-denied")


def stream_failed(worker: HostContext, error: OSError) -> WitError:
    """Return the stream-error for a failure of the system; `network-error-code` finds the code in it."""
    code = code_of(error)
    text = f"{code}: {error.strerror or error}"
    return WitError(("last-operation-failed", IoError(worker, text, network_code=code)))


class SocketOptions(Resource):
    """Base of the sockets: the options that TCP and UDP name alike."""

    worker: HostContext
    family: str
    held: HeldSocket

    @deterministic
    def address_family(self) -> str:
        return self.family

    @deterministic
    def receive_buffer_size(self) -> int:
        return self.option(socket.SOL_SOCKET, socket.SO_RCVBUF) // _BUFFER_FACTOR

    @deterministic
    def set_receive_buffer_size(self, value: int) -> None:
        self.set_buffer_size(socket.SO_RCVBUF, value)

    @deterministic
    def send_buffer_size(self) -> int:
        return self.option(socket.SOL_SOCKET, socket.SO_SNDBUF) // _BUFFER_FACTOR

    @deterministic
    def set_send_buffer_size(self, value: int) -> None:
        self.set_buffer_size(socket.SO_SNDBUF, value)

    def set_buffer_size(self, option: int, size: int) -> None:
        if size == 0:
            raise WitError("invalid-argument")
        self.set_option(socket.SOL_SOCKET, option, min(size, MOST_BUFFER_BYTES))

    def copy_options(self, made: socket.socket) -> None:
        """Set the options above on another socket of the system, as they are on this one."""
        sizes = [(socket.SOL_SOCKET, name, _BUFFER_FACTOR) for name in (socket.SO_RCVBUF, socket.SO_SNDBUF)]
        for level, name, factor in (*sizes, (*self._hop_option, 1)):
            made.setsockopt(level, name, self.held.socket.getsockopt(level, name) // factor)

    def get_hop_limit(self) -> int:
        return self.option(*self._hop_option)

    def put_hop_limit(self, value: int) -> None:
        if value == 0:
            raise WitError("invalid-argument")
        self.set_option(*self._hop_option, value)

    @property
    def _hop_option(self) -> tuple[int, int]:
        if self.family == "ipv4":
            return socket.IPPROTO_IP, socket.IP_TTL
        return socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS

    def option(self, level: int, name: int) -> int:
        return self.asked(lambda: self.held.socket.getsockopt(level, name))  # type: ignore[no-any-return]

    def set_option(self, level: int, name: int, value: int) -> None:
        self.asked(lambda: self.held.socket.setsockopt(level, name, value))

    def asked(self, ask: Callable[[], Any]) -> Any:
        """Ask the system.

        Raises:
            WitError: It refuses.
        """
        try:
            return ask()
        except OSError as error:
            raise WitError(code_of(error)) from None

    def dropped(self) -> None:
        self.held.release()


def outcome_of(do: Callable[[], Value]) -> OSError | None:
    """Do what the component will ask the outcome of; return the failure."""
    try:
        do()
    except OSError as error:
        return error
    return None


def shut_down(connected: socket.socket, how: int) -> None:
    with suppress(OSError):  # the other side has closed already
        connected.shutdown(how)
