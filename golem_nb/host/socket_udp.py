"""wasi:sockets/udp 0.2: datagrams.

A socket has one pair of streams that works: the one that was taken out last, perhaps for one remote address only.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from ipaddress import ip_address

from golem_nb.host.context import HostContext
from golem_nb.host.declare import Interface, Resource, Trap, Value, WitError, deterministic
from golem_nb.host.io import MOST_READ, Pollable
from golem_nb.host.socket_address import (
    SystemAddress,
    check_datagram_target,
    check_local,
    code_of,
    ip_from_value,
    system_from_value,
    value_from_system,
)
from golem_nb.host.socket_base import HeldSocket, SocketOptions, check_allowed, new_socket, outcome_of
from golem_nb.host.socket_watch import READ, WRITE

MOST_DATAGRAM_BYTES = (1 << 16) - 1
MOST_RECEIVED = 64  # at once
SEND_PERMIT = 16  # the same every time, as that of streams (DESIGN.md)


class UdpSocket(SocketOptions, wit="wasi:sockets/udp#udp-socket"):
    def __init__(self, worker: HostContext, family: str, held: HeldSocket) -> None:
        self.worker, self.family, self.held = worker, family, held
        self._is_binding = self._is_bound = False
        self._outcome: OSError | None = None
        self._bound_to: SystemAddress = ()
        self.remote: SystemAddress | None = None
        self.generation = 0
        """Of the streams that work."""
        held.hold()

    @deterministic
    def start_bind(self, network: object, local_address: Value) -> None:
        if self._is_binding:
            raise WitError("concurrency-conflict")
        if self._is_bound:
            raise WitError("invalid-state")
        check_local(self.family, local_address)
        self._check_bindable(local_address)
        self._outcome = outcome_of(lambda: self.held.socket.bind(system_from_value(local_address)))
        self._is_binding = True

    def _check_bindable(self, local: Value) -> None:
        # A port that the system chooses is for answers to what the component sends.
        policy, is_for_answers = self.worker.network.policy, local[1]["port"] == 0
        if not policy.is_on or not (is_for_answers or policy.allows_listening(ip_from_value(local))):
            raise WitError("access-denied")

    @deterministic
    def finish_bind(self) -> None:
        if not self._is_binding:
            raise WitError("not-in-progress")
        self._is_binding = False
        if self._outcome is not None:
            raise WitError(code_of(self._outcome))
        self._is_bound = True
        self._bound_to = self.held.socket.getsockname()

    @deterministic
    def stream(self, remote_address: Value | None) -> tuple[IncomingDatagrams, OutgoingDatagrams]:
        if not self._is_bound:
            raise WitError("invalid-state")
        if remote_address is not None:
            address = check_datagram_target(self.family, remote_address)
            check_allowed(self.worker, address, remote_address[1]["port"])
        if self.remote is not None:
            self.remote = None
            self.asked(self._dissociate)
        if remote_address is not None:
            target = system_from_value(remote_address)
            self.asked(lambda: self.held.socket.connect(target))
            self.remote = target
        self.generation += 1
        return IncomingDatagrams(self), OutgoingDatagrams(self)

    def _dissociate(self) -> None:
        """Take another socket of the system in the old one's place: Python cannot take an association back."""
        old = self.held.socket
        made = new_socket(self.family, socket.SOCK_DGRAM)
        made.setblocking(False)
        self.copy_options(made)
        self.worker.network.watcher.forget(old)
        old.close()
        made.bind(self._bound_to)
        self.held.socket = made

    @deterministic
    def local_address(self) -> Value:
        if self._is_binding:
            raise WitError("concurrency-conflict")
        if not self._is_bound:
            raise WitError("invalid-state")
        return value_from_system(self.asked(self.held.socket.getsockname))

    @deterministic
    def remote_address(self) -> Value:
        if self.remote is None:
            raise WitError("invalid-state")
        return value_from_system(self.asked(self.held.socket.getpeername))

    @deterministic
    def unicast_hop_limit(self) -> int:
        return self.get_hop_limit()

    @deterministic
    def set_unicast_hop_limit(self, value: int) -> None:
        self.put_hop_limit(value)

    @deterministic
    def subscribe(self) -> Pollable:
        return Pollable(self.worker)  # nothing about it takes time


class _Datagrams(Resource):
    """Base of the two streams."""

    def __init__(self, owner: UdpSocket) -> None:
        self.worker, self._owner, self._held = owner.worker, owner, owner.held
        self._generation = owner.generation
        self._held.hold()

    def dropped(self) -> None:
        self._held.release()

    def check_current(self) -> None:
        if self._generation != self._owner.generation:
            raise WitError("invalid-state")


class IncomingDatagrams(_Datagrams, wit="wasi:sockets/udp#incoming-datagram-stream"):
    @deterministic
    def receive(self, max_results: int) -> list[Value]:
        self.check_current()
        if max_results == 0:
            return []
        self._held.settle(READ)
        found: list[Value] = []
        size = 0
        while len(found) < min(max_results, MOST_RECEIVED) and size < MOST_READ:
            try:
                data, sender = self._held.socket.recvfrom(MOST_DATAGRAM_BYTES)
            except BlockingIOError:
                break
            except OSError as error:
                if found:
                    break  # what came before it is worth more; datagrams get lost
                raise WitError(code_of(error)) from None
            found.append({"data": data, "remote-address": value_from_system(sender)})
            size += len(data)
        return found

    @deterministic
    def subscribe(self) -> Pollable:
        return Pollable(self.worker, self._held.source(READ))


class OutgoingDatagrams(_Datagrams, wit="wasi:sockets/udp#outgoing-datagram-stream"):
    def __init__(self, owner: UdpSocket) -> None:
        super().__init__(owner)
        self._permit = 0

    @deterministic
    def check_send(self) -> int:
        self.check_current()
        self._permit = SEND_PERMIT
        return SEND_PERMIT

    @deterministic
    def send(self, datagrams: Sequence[Value]) -> int:
        """Send in order; what fails after the first is told by the next call, which begins with it."""
        self.check_current()
        if len(datagrams) > self._permit:
            raise Trap(f"{len(datagrams)} datagrams were sent at once; check-send permits {self._permit}")
        self._permit -= len(datagrams)
        for count, datagram in enumerate(datagrams):
            try:
                self._send(datagram["data"], datagram["remote-address"])
            except WitError:
                if count:
                    return count
                raise
        return len(datagrams)

    def _send(self, data: bytes, remote: Value | None) -> None:
        target = self._target(remote)
        while True:
            try:
                if target is None:
                    self._held.socket.send(data)
                else:
                    self._held.socket.sendto(data, target)
                return
            except BlockingIOError:
                # Not recorded: it changes when the component goes on, not what it does.
                self._held.wait(WRITE)
            except OSError as error:
                raise WitError(code_of(error)) from None

    def _target(self, remote: Value | None) -> SystemAddress | None:
        """Return where to send to; None where the socket is for one remote address anyway."""
        associated = self._owner.remote
        if remote is None:
            if associated is None:
                raise WitError("invalid-argument")
            return None
        address = check_datagram_target(self._owner.family, remote)
        target = system_from_value(remote)
        if associated is not None:
            if (ip_address(associated[0]), *associated[1:2]) != (ip_address(target[0]), *target[1:2]):
                raise WitError("invalid-argument")
            return None
        check_allowed(self.worker, address, remote[1]["port"])
        return target

    @deterministic
    def subscribe(self) -> Pollable:
        return Pollable(self.worker)  # it can always be asked


class UdpCreateSocket(Interface, wit="wasi:sockets/udp-create-socket"):
    @deterministic
    def create_udp_socket(self, address_family: str) -> UdpSocket:
        return UdpSocket(self.worker, address_family, HeldSocket.of(self.worker, address_family, socket.SOCK_DGRAM))
