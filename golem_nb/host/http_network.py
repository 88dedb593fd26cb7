"""The engine's HTTP client: connections kept for reuse, any wait of which another thread can end.

How this works: an exchange runs on a thread of its own and blocks there: for its turn, a name, a connection, TLS, a
write, a read. Each such wait says beforehand how it is ended (`Cancellation.ending`): a socket is shut down, an event
is set. `Cancellation.cancel`, from any thread, ends the wait under way and refuses those to come. The sockets find the
cancellation of their thread in a context variable, so a connection that another exchange uses by now is never touched;
one whose wait was ended has an answer still to come, and is closed by httpcore.

httpcore's sockets are replaced by way of its `NetworkBackend`. httpx still chooses proxies and certificates.

The policy is asked twice: by the name before anything is looked up, and by the address that is connected to. A proxy
connects to addresses that nobody here sees, so there is none where the policy depends on them.

This is one long file because each part of it is a wait that a cancellation must end: places, names, sockets, TLS.
"""

from __future__ import annotations

import os
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, TypeVar

import httpcore
import httpx

from golem_nb.host.http_trailers import keep_trailers, with_trailers
from golem_nb.host.network_policy import EVERYTHING, NetworkPolicy, address_of

T = TypeVar("T")

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
EVERY_SCHEME = ("all://", "http://", "https://")  # each by itself, or a proxy for one of them would go before
DEFAULT_PORTS = {"http": 80, "https": 443}
# How long a cancellation may wait for a connection that is being made: not every system ends that by a shutdown.
CONNECT_SLICE_S = 0.05
# For the threads of cancelled exchanges to let go of their sockets before the client closes those.
CLOSE_GRACE_S = 1.0
TLS_READ_BYTES = 64 << 10
# Unlike select(), poll() takes descriptors above 1023; Windows has no poll().
_Selector: type[selectors.BaseSelector] = getattr(selectors, "PollSelector", selectors.SelectSelector)


class Cancelled(Exception):
    """Somebody ended what this thread waited for."""


class Refused(Exception):
    """The policy does not allow this host or address."""


_of_this_thread: ContextVar[Cancellation] = ContextVar("cancellation")


class Cancellation:
    """Ends whatever one thread waits for, now and later. Once is for ever."""

    def __init__(self) -> None:
        self.is_cancelled = False
        self._end_wait: Callable[[], None] | None = None
        self._lock = threading.Lock()

    def cancel(self) -> None:
        """From any thread; once more does no harm."""
        with self._lock:
            self.is_cancelled = True
            if self._end_wait is not None:
                self._end_wait()

    def check(self) -> None:
        """Raise Cancelled if it is so."""
        if self.is_cancelled:
            raise Cancelled()

    @contextmanager
    def ending(self, end_wait: Callable[[], None]) -> Iterator[None]:
        """Let the body wait; `end_wait` ends that from another thread, and is not under way when this returns.

        Raises:
            Cancelled: Before or during the wait; also in place of what `end_wait` made of it.
        """
        with self._lock:
            self.check()
            self._end_wait = end_wait
        try:
            yield
        finally:
            with self._lock:
                self._end_wait = None
                self.check()

    @contextmanager
    def of_this_thread(self) -> Iterator[None]:
        """Make this the one that the sockets used by the body obey."""
        token = _of_this_thread.set(self)
        try:
            yield
        finally:
            _of_this_thread.reset(token)


def _cancellation() -> Cancellation:
    return _of_this_thread.get(None) or Cancellation()


class Places:
    """As many exchanges at once as there may be connections.

    httpcore's pool has a limit, too, but nobody can end a wait for it.
    """

    def __init__(self, count: int) -> None:
        self._free = self._count = count
        self._changed = threading.Condition()
        self._present: set[Cancellation] = set()
        self._is_closed = False

    @contextmanager
    def taken(self, cancellation: Cancellation, timeout_s: float | None) -> Iterator[None]:
        """Hold a place while the body runs.

        Raises:
            Cancelled: While it waited for one, or the client is closed.
            httpx.PoolTimeout: There was none in time.
        """
        with self._changed:
            if self._is_closed:
                raise Cancelled()
            self._present.add(cancellation)
        try:
            self._take(cancellation, timeout_s)
            try:
                yield
            finally:
                self._give()
        finally:
            with self._changed:
                self._present.discard(cancellation)

    def close(self) -> None:
        """Cancel all who have a place or wait for one, and wait a moment until they have left."""
        with self._changed:
            self._is_closed = True
            present = list(self._present)
        for cancellation in present:
            cancellation.cancel()
        with self._changed:
            self._changed.wait_for(lambda: self._free == self._count, CLOSE_GRACE_S)

    def _take(self, cancellation: Cancellation, timeout_s: float | None) -> None:
        with cancellation.ending(self._wake), self._changed:
            self._changed.wait_for(lambda: self._free or cancellation.is_cancelled, timeout_s)
            if cancellation.is_cancelled:
                raise Cancelled()
            if not self._free:
                raise httpx.PoolTimeout(f"{self._count} requests are under way")
            self._free -= 1

    def _give(self) -> None:
        with self._changed:
            self._free += 1
            self._changed.notify_all()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()


class Client(httpx.Client):
    """For the requests of many workers: it keeps no cookies, and follows no redirects. See `make_client`."""

    def __init__(self, most_connections: int, timeout_s: float, policy: NetworkPolicy) -> None:
        self.places, self.policy = Places(most_connections), policy
        direct = EVERY_SCHEME if policy.needs_addresses else tuple(f"all://{host}" for host in LOOPBACK)
        super().__init__(
            timeout=timeout_s,
            # The places are the limit of those in use; this is the one of those kept.
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=most_connections),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            mounts=dict.fromkeys(direct),
        )
        _use_backend(self._transport, Backend(policy))
        for (
            transport
        ) in self._mounts.values():  # to proxies, which the user chose; `check` sees to what is asked of them
            _use_backend(transport, Backend())

    def check(self, url: httpx.URL) -> None:
        """Check that a request may be made, as far as its URL tells.

        Raises:
            Refused: The policy does not allow it.
        """
        host = url.raw_host.decode("ascii")  # as patterns and resolvers have it, whatever the language
        if not self.policy.allows_lookup(host, url.port or DEFAULT_PORTS.get(url.scheme)):
            raise Refused(f"requests to {host} are refused")

    def close(self) -> None:
        """End the exchanges under way, and close the connections that are kept."""
        self.places.close()
        super().close()


def make_client(most_connections: int, timeout_s: float, policy: NetworkPolicy = EVERYTHING) -> Client:
    """Return a client that has at most so many exchanges at once, and waits so long where a request says nothing.

    A proxy of the environment is used, but not for this machine's own addresses.
    """
    return Client(most_connections, timeout_s, policy)


def _use_backend(transport: httpx.BaseTransport | None, backend: Backend) -> None:
    """Have a transport of httpx make its connections by `backend`.

    httpcore takes a backend, but httpx has no way to hand one down. Where its insides have changed, waits can not be
    ended before their timeouts; a test tells.
    """
    pool = getattr(transport, "_pool", None)
    if isinstance(pool, httpcore.ConnectionPool):
        pool._network_backend = backend
        create = pool.create_connection
        pool.create_connection = lambda origin: _closed_on_failure(create(origin))  # type: ignore[method-assign]


def _closed_on_failure(connection: httpcore.ConnectionInterface) -> httpcore.ConnectionInterface:
    """Have a connection closed when a request over it fails, and trailers sent and kept.

    One that fails, or is cancelled, in the handshake behind a proxy would otherwise stay in the pool as one in use.
    """
    handle = connection.handle_request

    def handle_request(request: httpcore.Request) -> httpcore.Response:
        with_trailers(connection, request)
        try:
            response = handle(request)
        except httpcore.ConnectionNotAvailable:
            raise  # another request uses it
        except BaseException:
            connection.close()
            raise
        keep_trailers(getattr(response.stream, "_connection", None), request.extensions)
        return response

    connection.handle_request = handle_request  # type: ignore[method-assign]
    return connection


class Backend(httpcore.NetworkBackend):
    """Makes connections whose waits the cancellation of their thread ends."""

    def __init__(self, policy: NetworkPolicy = EVERYTHING) -> None:
        self._policy, self._names = policy, Names()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> Stream:
        """Connect to the first address that answers; `timeout` is for the name, and for each address again.

        Raises:
            Refused: The policy allows none of its addresses.
        """
        with _raising(httpcore.ConnectTimeout, httpcore.ConnectError):
            failure: Exception = OSError(f"no address for {host}")
            if not self._policy.allows_lookup(host, port):
                raise Refused(f"{host}:{port} is refused")
            for address in self._names.addresses(host, port, timeout):
                if not self._policy.allows(host, port, address_of(address[4][0])):
                    failure = Refused(f"{host}:{port} is {address[4][0]}, which is refused")
                    continue
                try:
                    return Stream(_connected(address, timeout, local_address, socket_options or ()))
                except OSError as error:
                    failure = error
            raise failure


def _connected(
    address: tuple[Any, ...],
    timeout_s: float | None,
    local_address: str | None,
    options: Iterable[httpcore.SOCKET_OPTION],
) -> socket.socket:
    """Return a socket connected to one of getaddrinfo's results.

    Raises:
        Cancelled, OSError: TimeoutError among them.
    """
    family, kind, protocol, _, target = address
    made = socket.socket(family, kind, protocol)
    try:
        for option in options:
            made.setsockopt(*option)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if local_address is not None:
            made.bind((local_address, 0))
        _connect(made, target, timeout_s)
    except BaseException:
        made.close()
        raise
    return made


def _connect(unconnected: socket.socket, target: Any, timeout_s: float | None) -> None:
    cancellation = _cancellation()
    cancellation.check()
    unconnected.setblocking(False)
    with suppress(BlockingIOError):
        unconnected.connect(target)
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    with _Selector() as selector:
        selector.register(unconnected, selectors.EVENT_WRITE)
        while not selector.select(CONNECT_SLICE_S):
            cancellation.check()
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError("timed out")
    error = unconnected.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        raise OSError(error, os.strerror(error))


class Names:
    """Looks names up, on threads: nothing can end a lookup before the system's resolver gives up.

    So a cancelled exchange leaves its lookup behind, which ends within the resolver's own limit. All who ask for the
    same name wait for the same lookup: there are never more of those threads than names.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[tuple[str, int], Future[list[Any]]] = {}

    def addresses(self, host: str, port: int, timeout_s: float | None) -> list[Any]:
        """Return what getaddrinfo does.

        Raises:
            Cancelled, OSError: TimeoutError and socket.gaierror among them.
        """
        with suppress(socket.gaierror):  # no number, but a name
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        found, changed = self._lookup(host, port), threading.Event()
        found.add_done_callback(lambda _: changed.set())
        with _cancellation().ending(changed.set):
            if not changed.wait(timeout_s):
                raise TimeoutError("timed out")
        return found.result()

    def _lookup(self, host: str, port: int) -> Future[list[Any]]:
        key = host, port
        with self._lock:
            if key not in self._under_way:
                future = self._under_way[key] = Future()
                threading.Thread(target=self._look_up, args=(key, future), name=f"name {host}", daemon=True).start()
            return self._under_way[key]

    def _look_up(self, key: tuple[str, int], future: Future[list[Any]]) -> None:
        try:
            found = socket.getaddrinfo(*key, type=socket.SOCK_STREAM)
        except BaseException as error:
            self._forget(key)
            future.set_exception(error)
            return
        self._forget(key)
        future.set_result(found)

    def _forget(self, key: tuple[str, int]) -> None:
        with self._lock:
            del self._under_way[key]


class Stream(httpcore.NetworkStream):
    """A connected socket."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with _raising(httpcore.ReadTimeout, httpcore.ReadError), self._ended_by_cancelling():
            self._socket.settimeout(timeout)
            return self._socket.recv(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of it; `timeout` is for each part that the system takes."""
        rest = memoryview(buffer)
        with _raising(httpcore.WriteTimeout, httpcore.WriteError), self._ended_by_cancelling():
            self._socket.settimeout(timeout)
            while rest:
                rest = rest[self._socket.send(rest) :]

    def close(self) -> None:
        self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> TlsStream:
        return TlsStream(self, ssl_context, server_hostname, timeout)

    def get_extra_info(self, info: str) -> Any:
        match info:
            case "client_addr":
                return self._socket.getsockname()
            case "server_addr":
                return self._socket.getpeername()
            case "socket":
                return self._socket
            case "is_readable":
                return _is_readable(self._socket)
        return None

    @contextmanager
    def _ended_by_cancelling(self) -> Iterator[None]:
        with _cancellation().ending(self._shut_down):
            yield

    def _shut_down(self) -> None:
        with suppress(OSError):  # it was never connected, or is closed
            self._socket.shutdown(socket.SHUT_RDWR)


def _is_readable(connected: socket.socket) -> bool:
    """Is there something to read, or has the other side closed? So httpcore learns what becomes of kept connections."""
    if connected.fileno() < 0:
        return True
    with _Selector() as selector:
        selector.register(connected, selectors.EVENT_READ)
        return bool(selector.select(0))


class TlsStream(httpcore.NetworkStream):
    """TLS over any stream, so also over TLS, as to a proxy that is itself reached by TLS.

    Not the `ssl` module's socket: its handshake waits on a socket of its own, which nobody else can end.
    """

    def __init__(
        self, inner: httpcore.NetworkStream, context: ssl.SSLContext, hostname: str | None, timeout_s: float | None
    ) -> None:
        self._inner = inner
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=hostname)
        try:
            with _raising(httpcore.ConnectTimeout, httpcore.ConnectError):
                self._perform(self._tls.do_handshake, timeout_s)
        except BaseException:
            inner.close()
            raise

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with _raising(httpcore.ReadTimeout, httpcore.ReadError):
            try:
                return self._perform(partial(self._tls.read, max_bytes), timeout)
            except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
                return b""  # many servers close without saying so in TLS; HTTP knows whether all has come

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        rest = memoryview(buffer)
        with _raising(httpcore.WriteTimeout, httpcore.WriteError):
            while rest:
                rest = rest[self._perform(partial(self._tls.write, rest), timeout) :]

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> TlsStream:
        return TlsStream(self, ssl_context, server_hostname, timeout)

    def get_extra_info(self, info: str) -> Any:
        return self._tls if info == "ssl_object" else self._inner.get_extra_info(info)

    def _perform(self, step: Callable[[], T], timeout_s: float | None) -> T:
        """Take a step of TLS, exchanging over the inner stream what it needs; `timeout_s` is for each exchange."""
        while True:
            try:
                done = step()
            except ssl.SSLWantReadError:
                self._send(timeout_s)
                self._receive(timeout_s)
            except ssl.SSLError:
                with suppress(httpcore.NetworkError, httpcore.TimeoutException):
                    self._send(timeout_s)  # the alert that tells the other side why
                raise
            else:
                self._send(timeout_s)
                return done

    def _send(self, timeout_s: float | None) -> None:
        data = self._outgoing.read()
        if data:
            self._inner.write(data, timeout_s)

    def _receive(self, timeout_s: float | None) -> None:
        data = self._inner.read(TLS_READ_BYTES, timeout_s)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()


@contextmanager
def _raising(timeout: type[Exception], failure: type[Exception]) -> Iterator[None]:
    """Raise httpcore's exceptions for those of the network, whatever an inner stream took them for."""
    try:
        yield
    except (TimeoutError, httpcore.TimeoutException) as error:
        raise timeout(str(error)) from error
    except (OSError, httpcore.NetworkError) as error:
        raise failure(str(error)) from error
