"""wasi:sockets/tcp 0.2: connections and listeners.

How this works. A socket goes through the states of the WIT: it is bound, then connected or listening; each step is
started and finished. Binding and listening are over at once, but their outcome is told at the finish, as the WIT has
it. A connection is held by its socket and its two streams, and closed when the last of them is dropped.

What is written goes to the system as far as that takes it; the rest waits in the connection, from where the thread
behind all sockets sends it. `check-write` permits the same amount every time, as everywhere (DESIGN.md), except to a
live worker whose peer has taken nothing for long: what it wrote would otherwise pile up here.
"""

from __future__ import annotations

import enum
import errno
import socket
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address

from golem_nb.host.context import HostContext, Source
from golem_nb.host.declare import Interface, Value, WitError, deterministic
from golem_nb.host.io import CLOSED, WRITE_PERMIT, InputStream, OutputStream, Pollable
from golem_nb.host.network_policy import Address
from golem_nb.host.socket_address import check_local, check_remote, code_of, system_from_value, value_from_system
from golem_nb.host.socket_base import (
    HeldSocket,
    SocketOptions,
    SocketSource,
    check_allowed,
    outcome_of,
    shut_down,
    stream_failed,
)
from golem_nb.host.socket_watch import READ, WRITE

BACKLOG = 128  # unless the component says otherwise, as Rust's library has it
MOST_BACKLOG = 4096
MOST_UNSENT_BYTES = 1 << 20
# Linux takes no more, in seconds and in probes.
MOST_KEEP_ALIVE_S = 32767
MOST_KEEP_ALIVE_COUNT = 127
# Failures of one incoming connection, and not of the listener: the WIT has them skipped.
_OF_THE_OTHER_SIDE = {
    errno.ECONNABORTED,
    errno.EPROTO,
    errno.ENETDOWN,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.ENETUNREACH,
}
_KEEP_ALIVE_IDLE: int = getattr(socket, "TCP_KEEPIDLE", 0) or getattr(socket, "TCP_KEEPALIVE", 0)


class State(enum.Enum):
    UNBOUND = enum.auto()
    BINDING = enum.auto()
    BOUND = enum.auto()
    CONNECTING = enum.auto()
    CONNECTED = enum.auto()
    LISTEN_STARTED = enum.auto()
    LISTENING = enum.auto()
    CLOSED = enum.auto()
    """An attempt to connect has failed: the socket is of no more use."""


IN_PROGRESS = {State.BINDING, State.CONNECTING, State.LISTEN_STARTED}


class Connection(HeldSocket):
    """A TCP socket of the system, and what is yet to be sent over it."""

    def __init__(self, worker: HostContext, made: socket.socket) -> None:
        super().__init__(worker, made)
        with suppress(OSError):  # a matter of speed
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._lock = threading.Lock()  # the thread behind the sockets sends, too
        self._unsent: deque[bytes] = deque()
        self.unsent_bytes = 0
        self.failure: OSError | None = None
        self.is_input_shut = False
        self.is_output_shut = False
        self._is_let_go = False
        self._wakes: list[Callable[[], None]] = []

    @property
    def has_room(self) -> bool:
        return self.unsent_bytes < MOST_UNSENT_BYTES or self.failure is not None or self.is_output_shut

    @property
    def is_flushed(self) -> bool:
        return not self.unsent_bytes or self.failure is not None

    def put(self, contents: bytes) -> None:
        with self._lock:
            self._unsent.append(contents)
            self.unsent_bytes += len(contents)
            is_first = len(self._unsent) == 1
        if is_first:  # otherwise it is being sent
            self._send()

    def call_when_sent(self, wake: Callable[[], None]) -> None:
        """Call `wake` now, and whenever some of the rest was sent; the same one is kept once."""
        with self._lock:
            if wake not in self._wakes:
                self._wakes.append(wake)
        wake()

    def _send(self) -> None:
        """Send what the system takes, and be called again when it takes more."""
        with self._lock:
            try:
                while self._unsent:
                    sent = self.socket.send(self._unsent[0])
                    self.unsent_bytes -= sent
                    rest = self._unsent.popleft()[sent:]
                    if rest:
                        self._unsent.appendleft(rest)
            except BlockingIOError:
                self.worker.network.watcher.call_when(self.socket, WRITE, self._send)
            except OSError as error:
                self.failure = error
                self._unsent.clear()
            is_over = not self._unsent
            wakes = tuple(self._wakes)
        if is_over and self.is_output_shut:
            shut_down(self.socket, socket.SHUT_WR)
        if is_over and self._is_let_go:
            self.close()
        for wake in wakes:
            wake()

    def shut_output(self) -> None:
        """Send nothing more, after what is yet to be sent."""
        self.is_output_shut = True
        if self.is_flushed:
            shut_down(self.socket, socket.SHUT_WR)

    def let_go(self) -> None:
        self._is_let_go = True
        if self.is_flushed:
            self.close()


class _RoomSource(SocketSource):
    """Ready when a connection has sent enough: there is room for more, or nothing is left."""

    def __init__(self, connection: Connection, is_enough: Callable[[], bool]) -> None:
        super().__init__(connection, WRITE)
        self._connection, self._is_enough = connection, is_enough

    def is_ready(self) -> bool:
        return self._is_enough()

    def call_when_ready(self, wake: Callable[[], None]) -> None:
        self._connection.call_when_sent(wake)

    def note_told_ready(self) -> None:
        """In replay, too, a write waits for its room."""


class TcpInput(InputStream):
    def __init__(self, worker: HostContext, connection: Connection) -> None:
        super().__init__(worker)
        self._connection = connection
        connection.hold()

    def take(self, most: int) -> bytes:
        held = self._connection
        if not most:
            return b""
        if held.is_input_shut:
            raise WitError(CLOSED)
        held.settle(READ)
        try:
            data = held.socket.recv(most)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise stream_failed(self.worker, error) from None
        if not data:
            raise WitError(CLOSED)
        return data

    def wait_for_bytes(self) -> None:
        if not self._connection.is_input_shut:
            self._connection.wait(READ)

    def source(self) -> Source:
        return self._connection.source(READ)

    def dropped(self) -> None:
        self._connection.release()


class TcpOutput(OutputStream):
    def __init__(self, worker: HostContext, connection: Connection) -> None:
        super().__init__(worker)
        self._connection = connection
        connection.hold()

    def permit(self) -> int:
        self._check_open()
        # In replay the component has been told already whether it had to wait.
        return WRITE_PERMIT if self._connection.has_room or not self.worker.is_live else 0

    def put(self, contents: bytes) -> None:
        self._check_open()
        self.wait_for_permit()
        self._connection.put(contents)

    def wait_for_permit(self) -> None:
        if not self._connection.has_room:
            self.worker.wait_until_any([self.source()])

    def wait_until_flushed(self) -> None:
        held = self._connection
        if not held.is_flushed:
            self.worker.wait_until_any([_RoomSource(held, lambda: held.is_flushed)])
        self._check_open()

    def source(self) -> Source:
        held = self._connection
        return _RoomSource(held, lambda: held.has_room)

    def dropped(self) -> None:
        self._connection.release()

    def _check_open(self) -> None:
        failure = self._connection.failure
        if isinstance(failure, BrokenPipeError) or self._connection.is_output_shut:
            raise WitError(CLOSED)
        if failure is not None:
            raise stream_failed(self.worker, failure)


class _StateSource(SocketSource):
    """Ready when the operation under way can be finished, or a connection be accepted."""

    def __init__(self, owner: TcpSocket) -> None:
        event = READ if owner.state is State.LISTENING else WRITE
        super().__init__(owner.held, event)
        self._owner = owner

    def is_ready(self) -> bool:
        return not self._owner.is_waiting or super().is_ready()

    def call_when_ready(self, wake: Callable[[], None]) -> None:
        if self._owner.is_waiting:
            super().call_when_ready(wake)
        else:
            wake()


class TcpSocket(SocketOptions, wit="wasi:sockets/tcp#tcp-socket"):
    held: Connection

    def __init__(self, worker: HostContext, family: str, held: Connection, state: State = State.UNBOUND) -> None:
        self.worker, self.family, self.held, self.state = worker, family, held, state
        self._outcome: OSError | None = None
        """What has become of the operation under way, where that is known at its start."""
        self._backlog = BACKLOG
        held.hold()

    @property
    def is_waiting(self) -> bool:
        """Does it depend on the network whether there is something to finish, or to accept?"""
        return self.state is State.LISTENING or (self.state is State.CONNECTING and self._outcome is None)

    @deterministic
    def subscribe(self) -> Pollable:
        return Pollable(self.worker, _StateSource(self))

    # Binding.

    @deterministic
    def start_bind(self, network: object, local_address: Value) -> None:
        self._check_startable(State.UNBOUND)
        check_local(self.family, local_address)
        if not self.worker.network.policy.is_on:
            raise WitError("access-denied")
        # A port whose connections are not forgotten by the system yet can be bound again at once.
        self.set_option(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._outcome = outcome_of(lambda: self.held.socket.bind(system_from_value(local_address)))
        self.state = State.BINDING

    @deterministic
    def finish_bind(self) -> None:
        self._finish(State.BINDING, State.BOUND, State.UNBOUND)

    # Connecting.

    @deterministic
    def start_connect(self, network: object, remote_address: Value) -> None:
        self._check_startable(State.UNBOUND, State.BOUND)
        address = check_remote(self.family, remote_address)
        check_allowed(self.worker, address, remote_address[1]["port"])
        failure = outcome_of(lambda: self.held.socket.connect(system_from_value(remote_address)))
        self._outcome = None if isinstance(failure, BlockingIOError) else failure
        self.state = State.CONNECTING

    @deterministic
    def finish_connect(self) -> tuple[TcpInput, TcpOutput]:
        if self.state is not State.CONNECTING:
            raise WitError("not-in-progress")
        if self._outcome is None:
            self.held.settle(WRITE)
            if not self.held.source(WRITE).is_ready():
                raise WitError("would-block")
            number = self.option(socket.SOL_SOCKET, socket.SO_ERROR)
            self._outcome = OSError(number, "") if number else None
        self._finish(State.CONNECTING, State.CONNECTED, State.CLOSED)
        return TcpInput(self.worker, self.held), TcpOutput(self.worker, self.held)

    # Listening.

    @deterministic
    def start_listen(self) -> None:
        self._check_startable(State.BOUND)
        if not self.worker.network.policy.allows_listening(self._local_ip()):
            raise WitError("access-denied")
        self._outcome = outcome_of(lambda: self.held.socket.listen(self._backlog))
        self.state = State.LISTEN_STARTED

    @deterministic
    def finish_listen(self) -> None:
        self._finish(State.LISTEN_STARTED, State.LISTENING, State.CLOSED)

    @deterministic
    def accept(self) -> tuple[TcpSocket, TcpInput, TcpOutput]:
        if self.state is not State.LISTENING:
            raise WitError("invalid-state")
        self.held.settle(READ)
        held = Connection(self.worker, self._accepted())
        accepted = TcpSocket(self.worker, self.family, held, State.CONNECTED)
        return accepted, TcpInput(self.worker, held), TcpOutput(self.worker, held)

    def _accepted(self) -> socket.socket:
        while True:
            try:
                return self.held.socket.accept()[0]
            except OSError as error:
                if error.errno not in _OF_THE_OTHER_SIDE:
                    raise WitError(code_of(error)) from None

    @deterministic
    def is_listening(self) -> bool:
        return self.state is State.LISTENING

    @deterministic
    def set_listen_backlog_size(self, value: int) -> None:
        if value == 0:
            raise WitError("invalid-argument")
        if self.state not in (State.UNBOUND, State.BINDING, State.BOUND, State.LISTENING):
            raise WitError("concurrency-conflict" if self.state is State.LISTEN_STARTED else "invalid-state")
        self._backlog = min(value, MOST_BACKLOG)
        if self.state is State.LISTENING:
            self.asked(lambda: self.held.socket.listen(self._backlog))

    # Addresses.

    @deterministic
    def local_address(self) -> Value:
        if self.state is State.BINDING:
            raise WitError("concurrency-conflict")
        if self.state in (State.UNBOUND, State.CLOSED):
            raise WitError("invalid-state")
        return value_from_system(self.asked(self.held.socket.getsockname))

    @deterministic
    def remote_address(self) -> Value:
        if self.state is not State.CONNECTED:
            raise WitError("concurrency-conflict" if self.state is State.CONNECTING else "invalid-state")
        return value_from_system(self.asked(self.held.socket.getpeername))

    # Options of TCP.

    @deterministic
    def keep_alive_enabled(self) -> bool:
        return bool(self.option(socket.SOL_SOCKET, socket.SO_KEEPALIVE))

    @deterministic
    def set_keep_alive_enabled(self, value: bool) -> None:
        self.set_option(socket.SOL_SOCKET, socket.SO_KEEPALIVE, int(value))

    @deterministic
    def keep_alive_idle_time(self) -> int:
        return self.option(socket.IPPROTO_TCP, _KEEP_ALIVE_IDLE) * 10**9

    @deterministic
    def set_keep_alive_idle_time(self, value: int) -> None:
        self.set_option(socket.IPPROTO_TCP, _KEEP_ALIVE_IDLE, _seconds(value))

    @deterministic
    def keep_alive_interval(self) -> int:
        return self.option(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL) * 10**9

    @deterministic
    def set_keep_alive_interval(self, value: int) -> None:
        self.set_option(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _seconds(value))

    @deterministic
    def keep_alive_count(self) -> int:
        return self.option(socket.IPPROTO_TCP, socket.TCP_KEEPCNT)

    @deterministic
    def set_keep_alive_count(self, value: int) -> None:
        if value == 0:
            raise WitError("invalid-argument")
        self.set_option(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, min(value, MOST_KEEP_ALIVE_COUNT))

    @deterministic
    def hop_limit(self) -> int:
        return self.get_hop_limit()

    @deterministic
    def set_hop_limit(self, value: int) -> None:
        self.put_hop_limit(value)

    @deterministic
    def shutdown(self, shutdown_type: str) -> None:
        if self.state is not State.CONNECTED:
            raise WitError("invalid-state")
        if shutdown_type != "send":
            self.held.is_input_shut = True
            shut_down(self.held.socket, socket.SHUT_RD)
        if shutdown_type != "receive":
            self.held.shut_output()

    def _check_startable(self, *states: State) -> None:
        if self.state in IN_PROGRESS:
            raise WitError("concurrency-conflict")
        if self.state not in states:
            raise WitError("invalid-state")

    def _finish(self, begun: State, done: State, failed: State) -> None:
        if self.state is not begun:
            raise WitError("not-in-progress")
        outcome, self._outcome = self._outcome, None
        self.state = done if outcome is None else failed
        if outcome is not None:
            raise WitError(_code_of_outcome(outcome, begun))

    def _local_ip(self) -> Address:
        return ip_address(self.held.socket.getsockname()[0].partition("%")[0])


def _code_of_outcome(error: OSError, begun: State) -> str:
    # Linux says so where it has no port left for the connection's own end.
    if begun is State.CONNECTING and error.errno == errno.EADDRNOTAVAIL:
        return "address-in-use"
    return code_of(error)


def _seconds(duration_ns: int) -> int:
    """Return whole seconds, rounded up: the system knows no others.

    Raises:
        WitError: `invalid-argument`: it is none at all.
    """
    if duration_ns == 0:
        raise WitError("invalid-argument")
    return min(-(-duration_ns // 10**9), MOST_KEEP_ALIVE_S)


class TcpCreateSocket(Interface, wit="wasi:sockets/tcp-create-socket"):
    @deterministic
    def create_tcp_socket(self, address_family: str) -> TcpSocket:
        return TcpSocket(self.worker, address_family, Connection.of(self.worker, address_family, socket.SOCK_STREAM))
