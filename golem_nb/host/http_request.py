"""wasi:http 0.2, what a component sends: fields, options, the request and its body. Nothing here is recorded.

All of it is the component's own doing, so replay does it again. Sending is the affair of `http`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from golem_nb.host.context import HostContext
from golem_nb.host.declare import Resource, Value, WitError, deterministic
from golem_nb.host.http_exchange import Exchange, Failed, Pipe, Timeouts
from golem_nb.host.io import CLOSED, IoError, OutputStream

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*\Z")
_FORBIDDEN_VALUE = re.compile(rb"[\x00\r\n]")
# Set by the transport; a component that sets them is told so. Source: the WIT's header-error.
_FORBIDDEN_NAMES = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
    "host",
    "http2-settings",
}
_METHODS = {"get", "head", "post", "put", "delete", "connect", "options", "trace", "patch"}


class Fields(Resource, wit="wasi:http/types#fields"):
    """Headers or trailers: pairs in order; names compare without case."""

    def __init__(
        self, worker: HostContext, entries: Sequence[tuple[str, bytes]] = (), is_immutable: bool = False
    ) -> None:
        self.worker, self.list, self.is_immutable = worker, list(entries), is_immutable

    @deterministic(static=True)
    def constructor(worker: HostContext) -> Fields:
        return Fields(worker)

    @deterministic(static=True)
    def from_list(worker: HostContext, entries: Sequence[tuple[str, bytes]]) -> Fields:
        for name, value in entries:
            _check_field(name, [value])
        return Fields(worker, [(name, value) for name, value in entries])

    @deterministic
    def get(self, name: str) -> list[bytes]:
        return [value for known, value in self.list if known.lower() == name.lower()]

    @deterministic
    def has(self, name: str) -> bool:
        return any(known.lower() == name.lower() for known, _ in self.list)

    @deterministic
    def set(self, name: str, value: Sequence[bytes]) -> None:
        self._check_mutable()
        _check_field(name, value)
        self._remove(name)
        self.list += [(name, v) for v in value]

    @deterministic
    def delete(self, name: str) -> None:
        self._check_mutable()
        _check_field(name, [])
        self._remove(name)

    @deterministic
    def append(self, name: str, value: bytes) -> None:
        self._check_mutable()
        _check_field(name, [value])
        self.list.append((name, value))

    @deterministic
    def entries(self) -> list[tuple[str, bytes]]:
        return list(self.list)

    @deterministic
    def clone(self) -> Fields:
        return Fields(self.worker, self.list)

    def content_length(self) -> int | None:
        """Return the length that a body is announced to have."""
        lengths = [value for name, value in self.list if name.lower() == "content-length"]
        return int(lengths[0]) if lengths and lengths[0].isdigit() else None

    def _remove(self, name: str) -> None:
        self.list = [(known, v) for known, v in self.list if known.lower() != name.lower()]

    def _check_mutable(self) -> None:
        if self.is_immutable:
            raise WitError(("immutable", None))


def _check_field(name: str, values: Sequence[bytes]) -> None:
    if not _NAME.match(name) or any(_FORBIDDEN_VALUE.search(v) for v in values):
        raise WitError(("invalid-syntax", None))
    if name.lower() in _FORBIDDEN_NAMES:
        raise WitError(("forbidden", None))


class RequestOptions(Resource, wit="wasi:http/types#request-options"):
    """Timeouts in nanoseconds."""

    def __init__(self, worker: HostContext) -> None:
        self.worker = worker
        self.connect_ns: int | None = None
        self.first_byte_ns: int | None = None
        self.between_bytes_ns: int | None = None

    @deterministic(static=True)
    def constructor(worker: HostContext) -> RequestOptions:
        return RequestOptions(worker)

    @deterministic
    def connect_timeout(self) -> int | None:
        return self.connect_ns

    @deterministic
    def set_connect_timeout(self, duration: int | None) -> None:
        self.connect_ns = duration

    @deterministic
    def first_byte_timeout(self) -> int | None:
        return self.first_byte_ns

    @deterministic
    def set_first_byte_timeout(self, duration: int | None) -> None:
        self.first_byte_ns = duration

    @deterministic
    def between_bytes_timeout(self) -> int | None:
        return self.between_bytes_ns

    @deterministic
    def set_between_bytes_timeout(self, duration: int | None) -> None:
        self.between_bytes_ns = duration

    def timeouts(self) -> Timeouts:
        return Timeouts(*(_seconds(ns) for ns in (self.connect_ns, self.first_byte_ns, self.between_bytes_ns)))


def _seconds(ns: int | None) -> float | None:
    return None if ns is None else max(ns / 1e9, 0.001)


class OutgoingRequest(Resource, wit="wasi:http/types#outgoing-request"):
    def __init__(self, worker: HostContext, headers: Fields) -> None:
        self.worker, self.fields = worker, headers
        headers.is_immutable = True
        self.verb: tuple[str, Value] = ("get", None)
        self.path: str | None = None
        self.protocol: tuple[str, Value] | None = None
        self.host: str | None = None
        self.outgoing: OutgoingBody | None = None

    @deterministic(static=True)
    def constructor(worker: HostContext, headers: Fields) -> OutgoingRequest:
        return OutgoingRequest(worker, headers)

    @deterministic
    def body(self) -> OutgoingBody:
        if self.outgoing is not None:
            raise WitError()
        self.outgoing = OutgoingBody(self.worker, self.fields.content_length(), "HTTP-request-body-size", True)
        return self.outgoing

    @deterministic
    def method(self) -> tuple[str, Value]:
        return self.verb

    @deterministic
    def set_method(self, method: tuple[str, Value]) -> None:
        if method[0] == "other" and not _NAME.match(method[1]):
            raise WitError()
        self.verb = method

    @deterministic
    def path_with_query(self) -> str | None:
        return self.path

    @deterministic
    def set_path_with_query(self, path_with_query: str | None) -> None:
        if path_with_query is not None and re.search(r"[\s\x00-\x1f#]", path_with_query):
            raise WitError()
        self.path = path_with_query

    @deterministic
    def scheme(self) -> tuple[str, Value] | None:
        return self.protocol

    @deterministic
    def set_scheme(self, scheme: tuple[str, Value] | None) -> None:
        if scheme is not None and scheme[0] == "other" and not _SCHEME.match(scheme[1]):
            raise WitError()
        self.protocol = scheme

    @deterministic
    def authority(self) -> str | None:
        return self.host

    @deterministic
    def set_authority(self, authority: str | None) -> None:
        if authority is not None and (not authority or re.search(r"[\s/?#\x00-\x1f]", authority)):
            raise WitError()
        self.host = authority

    @deterministic
    def headers(self) -> Fields:
        return Fields(self.worker, self.fields.list, is_immutable=True)

    def url(self) -> str:
        """Return the request's URL.

        Raises:
            WitError: It has none, or an unknown scheme.
        """
        scheme = {"HTTP": "http", "HTTPS": "https"}.get(self.protocol[0]) if self.protocol else "https"
        if scheme is None or self.host is None:
            raise WitError(("HTTP-request-URI-invalid", None))
        path = self.path or "/"
        return f"{scheme}://{self.host}{path if path.startswith('/') else '/' + path}"

    def verb_name(self) -> str:
        name: str = self.verb[1] if self.verb[0] == "other" else self.verb[0]
        return name.upper() if name in _METHODS else name


class OutgoingBody(Resource, wit="wasi:http/types#outgoing-body"):
    def __init__(self, worker: HostContext, length: int | None, size_error: str, is_request: bool = False) -> None:
        self.worker, self.length, self.pipe = worker, length, Pipe()
        self._size_error, self._is_request = size_error, is_request
        self.trailers: list[tuple[str, bytes]] | None = None
        self.written = 0
        self.is_sent = False
        """Does a thread take what is written?"""
        self.stream: BodyOutput | None = None
        self.is_finished = False

    @deterministic
    def write(self) -> OutputStream:
        if self.stream is not None:
            raise WitError()
        self.stream = BodyOutput(self.worker, self)
        return self.stream

    @deterministic(static=True)
    def finish(worker: HostContext, this: OutgoingBody, trailers: Fields | None) -> None:
        failure = this.failure_with(trailers)
        this.trailers = None if trailers is None else list(trailers.list)
        this.pipe.trailers = this.trailers or []
        this.end(failure and Failed(failure))
        if failure is not None:
            raise WitError(failure)

    def failure_with(self, trailers: Fields | None) -> tuple[str, Value] | None:
        """Return the error-code if the body is not what was announced, or its trailers cannot be sent.

        HTTP/1.1 has trailers behind a body in chunks only, and none that say how long it was.
        """
        if self.length is not None and self.written != self.length:
            return self._size_error, self.written
        if trailers is None or not trailers.list or not self._is_request:
            return None
        if self.length is not None or trailers.content_length() is not None:
            return "internal-error", "trailers follow a body without a content-length, and have none"
        return None

    def dropped(self) -> None:
        if not self.is_finished:
            self.end(Failed(("connection-terminated", None)))

    def end(self, failure: Failed | None) -> None:
        self.is_finished = True
        self.pipe.end(failure)

    def put(self, contents: bytes) -> None:
        if self.length is not None and self.written + len(contents) > self.length:
            raise WitError(("last-operation-failed", IoError(self.worker, "more bytes than the content-length")))
        self.written += len(contents)
        if self.is_sent and not self.pipe.has_room:
            # Not recorded: it changes when the component goes on, not what it does.
            self.worker.wait_until_any([_RoomSource(self.pipe)])
        self.pipe.put_at_once(contents)

    def send_with(self, exchange: Exchange | None) -> None:
        """From now on a thread takes what is written; in replay (None) nobody does."""
        self.is_sent = exchange is not None
        if exchange is None:
            self.pipe.abandon()


class _RoomSource:
    """Ready when a body's buffer has room."""

    deadline_ns: int | None = None
    is_promise = False

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    def is_ready(self) -> bool:
        return self._pipe.has_room

    def call_when_ready(self, wake: Callable[[], None]) -> None:
        self._pipe.call_when_changed(wake)


class BodyOutput(OutputStream):
    def __init__(self, worker: HostContext, body: OutgoingBody) -> None:
        super().__init__(worker)
        self._body = body

    def put(self, contents: bytes) -> None:
        if self._body.is_finished:
            raise WitError(CLOSED)
        self._body.put(contents)
