"""wasi:http 0.2: sending a request, and what comes back. Source of every rule on durability: SEMANTICS 3.6.

How a request is recorded: `handle` opens a remote write (BeginRemoteWrite, committed) and sends only when live; each
`get` of the response and each read of its body is one entry of that batch; when its last owner is dropped, or its body
has ended, EndRemoteWrite closes it. The owner moves along: future -> response -> body -> stream. In replay nothing is
sent; a request that has no end in the oplog is sent again, with the same idempotency key (`http_owner`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from golem_nb.host.context import HostContext, Source
from golem_nb.host.declare import (
    HostFunction,
    Interface,
    Resource,
    Value,
    WitError,
    deterministic,
    write_remote_batched,
)
from golem_nb.host.http_exchange import Failed, Head, Request, Timeouts
from golem_nb.host.http_incoming import GivenTrailers, RequestBody
from golem_nb.host.http_owner import Owner
from golem_nb.host.http_request import Fields, OutgoingRequest, RequestOptions
from golem_nb.host.io import CLOSED, MOST_READ, InputStream, IoError, Pollable
from golem_nb.values.types import (
    BOOL,
    BYTES,
    STRING,
    U16,
    U64,
    Case,
    ListType,
    OptionType,
    TupleType,
    VariantType,
    WitType,
    record,
)

HEADERS = ListType(TupleType((STRING, BYTES)))
REQUEST = record(uri=STRING, method=STRING, headers=ListType(TupleType((STRING, STRING))))

# What `future.get` records. A failure keeps its WIT case as text: payloads of error codes are for reading only.
RESPONSE = VariantType(
    (
        Case("pending"),
        Case("headers-received", record(status=U16, headers=HEADERS)),
        Case("http-error", record(code=STRING, detail=OptionType(STRING))),
        Case("taken"),
    )
)
# What a read of a body records besides its bytes: the WIT's stream-error. The end brings the trailers, if any.
STREAM_ERROR = VariantType((Case("closed"), Case("last-operation-failed", STRING), Case("closed-with", HEADERS)))

# Failures of the request itself, or of what the engine allows: the next attempt would fail as this one did.
WILL_NOT_PASS = frozenset({"HTTP-request-denied", "HTTP-request-URI-invalid", "HTTP-request-method-invalid"})

TRACE_HEADER = "traceparent"


class OutgoingHandler(Interface, wit="wasi:http/outgoing-handler"):
    @deterministic
    def handle(self, request: OutgoingRequest, options: RequestOptions | None) -> FutureIncomingResponse:
        url = request.url()
        worker = self.worker
        begin = worker.begin_remote_write()
        verb = request.verb_name()
        span = worker.start_span(
            {"name": "outgoing-http-request", "request.method": verb, "request.uri": url},
        )
        headers = list(request.fields.list)
        if worker.forwards_trace_headers and TRACE_HEADER not in {name.lower() for name, _ in headers}:
            headers += [(name, value.encode()) for name, value in worker.trace_headers(span)]
        shown = Request(verb, url, headers, options.timeouts() if options else Timeouts())
        owner = Owner(worker, begin, span, shown)
        owner.start(request.outgoing)
        future = FutureIncomingResponse(worker, owner)
        owner.pass_to(future)
        return future


class _HeadSource:
    """Ready when the head of a response is there, or the exchange has failed."""

    deadline_ns: int | None = None
    is_promise = False

    def __init__(self, owner: Owner) -> None:
        self._owner = owner

    def is_ready(self) -> bool:
        exchange = self._owner.exchange
        return exchange is None or exchange.head.done()

    def call_when_ready(self, wake: Callable[[], None]) -> None:
        exchange = self._owner.exchange
        if exchange is not None:
            exchange.call_when_headed(wake)


class FutureIncomingResponse(Resource, wit="wasi:http/types#future-incoming-response"):
    def __init__(self, worker: HostContext, owner: Owner) -> None:
        self.worker, self.owner = worker, owner
        self.is_taken = False

    @deterministic
    def subscribe(self) -> Pollable:
        return Pollable(self.worker, _HeadSource(self.owner))

    @write_remote_batched(
        label="http::types::future_incoming_response::get",
        request_type=REQUEST,
        request=lambda self: self.owner.request_value(),
        response=RESPONSE,
        begin=lambda self: self.owner.begin,
        failure=lambda case, value: _failure_of(value) if case == "ok" else None,
    )
    def get(self) -> Value:
        if self.is_taken:
            return "taken", None
        head = self.owner.live_exchange().head
        if not head.done():
            return "pending", None
        error = head.exception()
        if error is not None:
            if not isinstance(error, Failed):
                raise error
            detail = error.code[1]
            return "http-error", {"code": error.code[0], "detail": detail if isinstance(detail, str) else None}
        found: Head = head.result()
        return "headers-received", {"status": found.status, "headers": found.headers}

    @get.rebuilt
    def _get(self, recorded: tuple[str, Value]) -> Value:
        case, value = recorded
        if case == "pending":
            return None
        if case == "taken":
            return "err", None
        self.is_taken = True
        if case == "http-error":
            self.owner.end()
            return "ok", ("err", error_code_value(value["code"], value["detail"]))
        response = IncomingResponse(self.worker, self.owner, value["status"], value["headers"])
        self.owner.pass_to(response)
        return "ok", ("ok", response)

    def dropped(self) -> None:
        self.owner.dropped_by(self)


def _failure_of(response: tuple[str, Value]) -> str | None:
    case, value = response
    if case != "http-error" or value["code"] in WILL_NOT_PASS:
        return None
    return f"{value['code']}: {value['detail']}" if value["detail"] else str(value["code"])


# Cases of WIT's error-code with a payload, and what stands for it when it was not kept.
_PAYLOADS: dict[str, Callable[[str | None], Value]] = {
    "DNS-error": lambda detail: {"rcode": None, "info-code": None},
    "TLS-alert-received": lambda detail: {"alert-id": None, "alert-message": detail},
    "HTTP-request-header-size": lambda detail: None,
    "HTTP-request-header-section-size": lambda detail: None,
    "HTTP-request-body-size": lambda detail: None,
    "internal-error": lambda detail: detail,
}


def error_code_value(code: str, detail: str | None) -> Value:
    return code, _PAYLOADS[code](detail) if code in _PAYLOADS else None


class IncomingResponse(Resource, wit="wasi:http/types#incoming-response"):
    def __init__(self, worker: HostContext, owner: Owner, status: int, headers: Sequence[tuple[str, bytes]]) -> None:
        self.worker, self.owner, self.code = worker, owner, status
        self.fields = [(name, value) for name, value in headers]
        self.is_consumed = False

    @deterministic
    def status(self) -> int:
        return self.code

    @deterministic
    def headers(self) -> Fields:
        return Fields(self.worker, self.fields, is_immutable=True)

    @deterministic
    def consume(self) -> IncomingBody:
        if self.is_consumed:
            raise WitError()
        self.is_consumed = True
        body = IncomingBody(self.worker, self.owner)
        self.owner.pass_to(body)
        return body

    def dropped(self) -> None:
        self.owner.dropped_by(self)


class IncomingBody(Resource, wit="wasi:http/types#incoming-body"):
    def __init__(self, worker: HostContext, owner: Owner) -> None:
        self.worker, self.owner = worker, owner
        self.is_streamed = False

    @deterministic
    def stream(self) -> InputStream:
        if self.is_streamed:
            raise WitError()
        self.is_streamed = True
        stream = BodyInput(self.worker, self.owner)
        self.owner.pass_to(stream)
        return stream

    @deterministic(static=True)
    def finish(worker: HostContext, this: IncomingBody | RequestBody) -> FutureTrailers | GivenTrailers:
        return this.finished()

    def finished(self) -> FutureTrailers:
        trailers = FutureTrailers(self.worker, self.owner)
        self.owner.dropped_by(self)
        return trailers

    def dropped(self) -> None:
        self.owner.dropped_by(self)


class _BodySource:
    deadline_ns: int | None = None
    is_promise = False

    def __init__(self, owner: Owner) -> None:
        self._owner = owner

    def is_ready(self) -> bool:
        return self._owner.is_readable()

    def call_when_ready(self, wake: Callable[[], None]) -> None:
        self._owner.call_when_readable(wake)


def _body_read(name: str, response: WitType) -> Callable[[Callable[..., Any]], HostFunction]:
    """Return the mark of one kind of read. Source: SEMANTICS 3.4, row of the response's body stream."""
    mark = write_remote_batched(
        label=f"http::types::incoming_body_stream::{name}",
        request_type=REQUEST,
        request=lambda self, len: self.owner.request_value(),
        response=response,
        error=STREAM_ERROR,
        begin=lambda self: self.owner.begin,
        failure=lambda case, value: value[1] if case == "err" and value[0] == "last-operation-failed" else None,
    )
    return lambda body: mark(body).rebuilt(_given).failing(_end_of_body)


def _given(stream: BodyInput, found: bytes | int, len: int) -> bytes | int:
    stream.owner.given += found if isinstance(found, int) else _size(found)
    return found


def _end_of_body(stream: BodyInput, error: tuple[str, Value], len: int) -> Value:
    """End the request with its body, and return the stream-error that the component gets."""
    stream.owner.end()
    case, value = error
    if case == "closed-with":
        stream.owner.trailers = value
    if case != "last-operation-failed":
        return CLOSED
    return case, IoError(stream.worker, value, error_code_value(value, None))


class BodyInput(InputStream):
    """The stream of a response's body. Each read is recorded; the end of the stream ends the request."""

    def __init__(self, worker: HostContext, owner: Owner) -> None:
        super().__init__(worker)
        self.owner = owner

    def source(self) -> Source:
        return _BodySource(self.owner)

    @_body_read("read", BYTES)
    def read(self, len: int) -> bytes:
        return self._available(len)

    @_body_read("blocking_read", BYTES)
    def blocking_read(self, len: int) -> bytes:
        return self._awaited(len)

    @_body_read("skip", U64)
    def skip(self, len: int) -> int:
        return _size(self._available(len))

    @_body_read("blocking_skip", U64)
    def blocking_skip(self, len: int) -> int:
        return _size(self._awaited(len))

    def dropped(self) -> None:
        self.owner.dropped_by(self)

    def _available(self, most: int) -> bytes:
        if self.owner.is_ended:
            raise WitError(CLOSED)
        exchange = self.owner.live_exchange()
        try:
            data = self.owner.take(min(most, MOST_READ))
        except Failed as failed:
            raise WitError(("last-operation-failed", failed.code[0])) from None
        if data is None:
            raise WitError(("closed-with", exchange.trailers) if exchange.trailers else CLOSED)
        return data

    def _awaited(self, most: int) -> bytes:
        if most and not self.owner.is_ended:
            self.worker.wait_until_any([_BodySource(self.owner)])
        return self._available(most)


def _size(data: bytes) -> int:
    return len(data)


class FutureTrailers(Resource, wit="wasi:http/types#future-trailers"):
    """There are trailers where the body was read to its end: that read has recorded them."""

    def __init__(self, worker: HostContext, owner: Owner) -> None:
        self.worker, self.owner = worker, owner
        self.is_taken = False

    @deterministic
    def subscribe(self) -> Pollable:
        return Pollable(self.worker)

    @write_remote_batched(
        label="golem http::types::future_trailers::get",
        request_type=REQUEST,
        request=lambda self: self.owner.request_value(),
        response=BOOL,
        begin=lambda self: self.owner.begin,
    )
    def get(self) -> bool:
        return not self.is_taken

    @get.rebuilt
    def _get(self, is_first: bool) -> Value:
        self.is_taken = True
        if not is_first:
            return "err", None
        trailers = self.owner.trailers
        return "ok", ("ok", Fields(self.worker, trailers, is_immutable=True) if trailers else None)


class Types(Interface, wit="wasi:http/types"):
    @deterministic
    def http_error_code(self, err: IoError) -> Value:
        return err.http_code
