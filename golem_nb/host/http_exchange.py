"""One HTTP request on the network, on threads of the engine's, with bounded buffers both ways.

Not a host module: `http` asks it, and only when the worker is live. Nothing here is recorded. How its waits are ended
from other threads is told in `http_network`.
"""

from __future__ import annotations

import errno
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import httpx

from golem_nb.host.http_network import Cancellation, Cancelled, Client, Refused
from golem_nb.host.http_trailers import RECEIVED, TO_SEND

Headers = list[tuple[str, bytes]]
# Of bodies, in each direction, between the worker and the network.
BUFFER_BYTES = 256 << 10
# Components take out the body of every request and end it empty where there is none. So long its first byte, or its
# end, is waited for: a GET that announces a chunked body is refused by some servers.
EMPTY_BODY_WAIT_S = 0.1


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds; None = as long as it takes, within the engine's own limit."""

    connect_s: float | None = None
    first_byte_s: float | None = None
    between_bytes_s: float | None = None


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    url: str
    headers: Headers
    timeouts: Timeouts = field(default_factory=Timeouts)


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of a response."""

    status: int
    headers: Headers


class Failed(Exception):
    """The exchange failed; `code` is a case of WIT's error-code with its payload."""

    def __init__(self, code: tuple[str, Any]) -> None:
        super().__init__(code[0])
        self.code = code


class Pipe:
    """Bytes from one thread to another: bounded, with an end, and with somebody to wake."""

    def __init__(self) -> None:
        self.trailers: Headers = []
        """Of a request, from its end on."""
        self._parts: deque[bytes] = deque()
        self._size = 0
        self._ended = False
        self._failure: Failed | None = None
        self._abandoned = False
        self._changed = threading.Condition()
        self._wakes: list[Callable[[], None]] = []

    def put_at_once(self, data: bytes) -> None:
        """Append whatever room there is: for a writer that looked before, or has no reader yet."""
        with self._changed:
            if not self._abandoned and data:
                self._parts.append(data)
                self._size += len(data)
        self._wake()

    def put(self, data: bytes) -> None:
        """Append; waits while the buffer is full and somebody still reads."""
        with self._changed:
            self._changed.wait_for(lambda: self.has_room)
        self.put_at_once(data)

    def end(self, failure: Failed | None = None) -> None:
        with self._changed:
            self._ended, self._failure = True, failure
        self._wake()

    def abandon(self) -> None:
        """Nobody reads any more: writers do not wait, and what they write is dropped."""
        with self._changed:
            self._abandoned = True
            self._parts.clear()
            self._size = 0
        self._wake()

    def take(self, most: int) -> bytes | None:
        """Return what is there, up to `most` bytes, without waiting; None at the end.

        Raises:
            Failed: The exchange failed, and everything before was taken.
        """
        with self._changed:
            if not self._parts:
                if self._failure is not None:
                    raise self._failure
                return None if self._ended else b""
            first = self._parts.popleft()
            if len(first) > most:
                self._parts.appendleft(first[most:])
                first = first[:most]
            self._size -= len(first)
        self._wake()
        return first

    def chunks(self) -> Iterator[bytes]:
        """Yield until the end, waiting as need be.

        Raises:
            Failed: What was put is not the whole: whoever sends it must not end it as if it were.
        """
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._parts or self._ended or self._abandoned)
                if self._abandoned:
                    raise Failed(("connection-terminated", None))
            data = self.take(BUFFER_BYTES)
            if data is None:
                return
            if data:
                yield data

    def all(self) -> bytes:
        """Take all that is there: for what nobody waits for."""
        with self._changed:
            data = b"".join(self._parts)
            self._parts.clear()
            self._size = 0
        return data

    def is_empty_within(self, timeout_s: float) -> bool:
        """Has it ended, after at most this time, without having held anything?"""
        with self._changed:
            self._changed.wait_for(lambda: self._parts or self._ended or self._abandoned, timeout_s)
            is_empty = self._ended and not self._parts and not self.trailers
            return is_empty and self._failure is None and not self._abandoned

    @property
    def has_room(self) -> bool:
        return self._size < BUFFER_BYTES or self._abandoned

    @property
    def is_whole(self) -> bool:
        """Has everything been put?"""
        return self._ended and self._failure is None

    @property
    def is_readable(self) -> bool:
        return bool(self._parts) or self._ended

    def call_when_changed(self, wake: Callable[[], None]) -> None:
        """Call `wake` now and at every change; the same one is kept once, however often it is given."""
        with self._changed:
            if wake not in self._wakes:
                self._wakes.append(wake)
        wake()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
            wakes = tuple(self._wakes)
        for wake in wakes:
            wake()


class Exchange:
    """A request under way: its outgoing body, the head of its response, the response's body and trailers."""

    def __init__(self, request: Request, body: Pipe | None) -> None:
        self.request, self.request_body = request, body
        self.head: Future[Head] = Future()
        self.sent: Future[None] = Future()
        """Done when the network has all of the request, or will not get it."""
        self.response_body = Pipe()
        self.trailers: Headers = []
        """Of the response, when its body has ended."""
        self._cancellation = Cancellation()
        self._is_released = False
        self._lock = threading.Lock()
        self._wakes: list[Callable[[], None]] = []

    def call_when_headed(self, wake: Callable[[], None]) -> None:
        """Call `wake` when `head` is done, perhaps at once; the same one is kept once, however often it is given."""
        with self._lock:
            if wake in self._wakes:
                return  # it was, or will be, called: `head` is done once
            self._wakes.append(wake)
        self.head.add_done_callback(lambda _: wake())

    def run(self, client: Client) -> None:
        """Do it, on a thread of its own, until the response's body is read or nobody wants it."""
        try:
            request = self._http_request(client.timeout)
            client.check(request.url)
            with (
                self._cancellation.of_this_thread(),
                client.places.taken(self._cancellation, request.extensions["timeout"]["pool"]),
            ):
                self._run(client, request)
        except Exception as error:
            failed = Failed(error_code(error))
            if not self.head.done():
                self.head.set_exception(failed)
            self.response_body.end(failed)
        finally:
            self._note_sent()
            if self.request_body is not None:
                self.request_body.abandon()  # a component that still writes must not wait for us

    def _run(self, client: Client, request: httpx.Request) -> None:
        response = client.send(request, stream=True)
        try:
            self.head.set_result(Head(response.status_code, _headers(response.headers.raw)))
            if self._is_released:
                self._cancellation.cancel()  # it was sent; what has come of the answer by now may be all of it
            # Until now it was the one for the first byte; httpcore looks again.
            request.extensions["timeout"]["read"] = self.request.timeouts.between_bytes_s or client.timeout.read
            for data in response.iter_raw():
                self.response_body.put(data)
            self.trailers = _headers(request.extensions.get(RECEIVED, ()))
            self.response_body.end()
        finally:
            response.close()

    def _trace(self, event: str, info: Any) -> None:
        if event.endswith("send_request_body.complete"):
            self._note_sent()

    def _note_sent(self) -> None:
        if not self.sent.done():  # both come from the exchange's own thread
            self.sent.set_result(None)

    def _http_request(self, most: httpx.Timeout) -> httpx.Request:
        wanted, body = self.request.timeouts, self.request_body
        if body is not None and body.is_empty_within(EMPTY_BODY_WAIT_S):
            body = None
        trailers = {} if body is None else {TO_SEND: lambda: _raw(body.trailers)}
        timeout = httpx.Timeout(
            connect=wanted.connect_s or most.connect,
            read=wanted.first_byte_s or most.read,
            write=most.write,
            pool=most.pool,
        )
        # Not made by the client: it would add headers of its own, and cookies that other workers were given.
        return httpx.Request(
            self.request.method,
            self.request.url,
            headers=_raw(self.request.headers),
            content=None if body is None else body.chunks(),
            extensions={"timeout": timeout.as_dict(), "trace": self._trace, **trailers},
        )

    def release(self) -> None:
        """Nobody wants more of it, but what was asked for counts as done.

        So a body that is whole is sent even if its sending has not begun; one that is not is cut off.
        """
        self._is_released = True
        self.response_body.abandon()
        if self.head.done() or not self._is_whole:
            self.cancel()

    @property
    def will_be_sent(self) -> bool:
        """Is some of it still to be sent, and all of it there?"""
        return not self.sent.done() and self._is_whole

    @property
    def _is_whole(self) -> bool:
        return self.request_body is None or self.request_body.is_whole

    def cancel(self) -> None:
        """End the exchange's thread, and close its connection, whatever it waits for."""
        self.response_body.abandon()
        if self.request_body is not None:
            self.request_body.abandon()
        self._cancellation.cancel()


def _raw(headers: Headers) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value) for name, value in headers]


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> Headers:
    return [(name.decode("latin-1").lower(), value) for name, value in raw]


# The first that fits: subclasses stand before their bases.
_ERROR_CODES: tuple[tuple[type[Exception], tuple[str, Any]], ...] = (
    (Cancelled, ("connection-terminated", None)),
    (Refused, ("HTTP-request-denied", None)),
    (httpx.ConnectTimeout, ("connection-timeout", None)),
    (httpx.ReadTimeout, ("connection-read-timeout", None)),
    (httpx.WriteTimeout, ("connection-write-timeout", None)),
    (httpx.PoolTimeout, ("connection-limit-reached", None)),
    (httpx.LocalProtocolError, ("HTTP-protocol-error", None)),
    (httpx.DecodingError, ("HTTP-response-content-coding", None)),
    (httpx.UnsupportedProtocol, ("HTTP-request-URI-invalid", None)),
    (httpx.InvalidURL, ("HTTP-request-URI-invalid", None)),
    (httpx.ReadError, ("connection-terminated", None)),
    (httpx.WriteError, ("connection-terminated", None)),
    (httpx.CloseError, ("connection-terminated", None)),
    (httpx.ProxyError, ("destination-unavailable", None)),
)


def error_code(error: Exception) -> tuple[str, Any]:
    """Return the case of WIT's error-code for a failure of the network."""
    if isinstance(error, Failed):
        return error.code
    if isinstance(error, httpx.ConnectError):
        return _connect_error_code(error)
    if isinstance(error, httpx.RemoteProtocolError):
        return _protocol_error_code(str(error))
    for kind, code in _ERROR_CODES:
        if isinstance(error, kind):
            return code
    return "internal-error", f"{type(error).__name__}: {error}"


# httpcore tells these apart in its texts only: h11's, and its own.
_PROTOCOL_ERRORS = {
    "incomplete": "HTTP-response-incomplete",
    "without sending complete": "HTTP-response-incomplete",
    "disconnected without": "connection-terminated",
    "too big": "HTTP-response-header-section-size",
    "transfer-encoding": "HTTP-response-transfer-coding",
}


def _protocol_error_code(text: str) -> tuple[str, Any]:
    found = (code for words, code in _PROTOCOL_ERRORS.items() if words in text.lower())
    return next(found, "HTTP-protocol-error"), None


_UNREACHABLE = {errno.ENETUNREACH, errno.ENETDOWN}
_UNAVAILABLE = {errno.EHOSTUNREACH, errno.EHOSTDOWN, errno.EADDRNOTAVAIL}


def _connect_error_code(error: httpx.ConnectError) -> tuple[str, Any]:
    for cause in _causes(error):
        match cause:
            case socket.gaierror(errno=socket.EAI_AGAIN):
                return "DNS-timeout", None
            case socket.gaierror():
                return "DNS-error", {"rcode": None, "info-code": None}
            case ssl.SSLCertVerificationError():
                return "TLS-certificate-error", None
            case ssl.SSLError():
                return "TLS-protocol-error", None
            case OSError(errno=number) if number in _UNREACHABLE:
                return "destination-IP-unroutable", None
            case OSError(errno=number) if number in _UNAVAILABLE:
                return "destination-unavailable", None
            case ConnectionResetError():
                return "connection-terminated", None
    return "connection-refused", None


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__
