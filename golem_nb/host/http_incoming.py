"""wasi:http 0.2, the other side: a request that the component answers. Nothing here is recorded.

The request is the parameter of an invocation, whole, and the response its result (SEMANTICS 2.3, 8.8); what lies
between is the component's own doing, so replay does it again.
"""

from __future__ import annotations

from typing import Any

from golem_nb.host.context import HostContext
from golem_nb.host.declare import Resource, Trap, Value, WitError, deterministic
from golem_nb.host.http_request import Fields, OutgoingBody
from golem_nb.host.io import CLOSED, InputStream, Pollable
from golem_nb.values.types import (
    BYTES,
    STRING,
    U16,
    Case,
    FunctionType,
    ListType,
    OptionType,
    Parameter,
    TupleType,
    VariantType,
    record,
)

# The records of Golem's bridge, and its name. Source: Golem 1.3, its types for incoming HTTP.
HANDLER = "golem:http/incoming-handler.{handle}"
FIELDS = ListType(TupleType((STRING, BYTES)))
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
BODY = OptionType(record(content=BYTES, trailers=OptionType(FIELDS)))


def _record(**fields: Any) -> Any:
    return record(**{name.replace("_", "-"): type for name, type in fields.items()})


REQUEST = _record(
    method=VariantType((*map(Case, METHODS), Case("custom", STRING))),
    scheme=VariantType((Case("HTTP"), Case("HTTPS"), Case("custom", STRING))),
    authority=STRING,
    path_and_query=STRING,
    headers=FIELDS,
    body_and_trailers=BODY,
)
RESPONSE = _record(status=U16, headers=FIELDS, body_and_trailers=BODY)
HANDLE = FunctionType(HANDLER, (Parameter("request", REQUEST),), RESPONSE)


class IncomingRequest(Resource, wit="wasi:http/types#incoming-request"):
    """Made from a value of type `REQUEST`."""

    def __init__(self, worker: HostContext, request: Value) -> None:
        self.worker, self._request = worker, request
        self._is_consumed = False

    @deterministic
    def method(self) -> Value:
        case, name = self._request["method"]
        return ("other", name) if case == "custom" else (case.lower(), None)

    @deterministic
    def path_with_query(self) -> str | None:
        return self._request["path-and-query"] or None

    @deterministic
    def scheme(self) -> Value:
        case, name = self._request["scheme"]
        return ("other", name) if case == "custom" else (case, None)

    @deterministic
    def authority(self) -> str | None:
        return self._request["authority"] or None

    @deterministic
    def headers(self) -> Fields:
        return Fields(self.worker, self._request["headers"], is_immutable=True)

    @deterministic
    def consume(self) -> RequestBody:
        if self._is_consumed:
            raise WitError()
        self._is_consumed = True
        return RequestBody(self.worker, self._request["body-and-trailers"] or {"content": b"", "trailers": None})


class RequestBody(Resource):
    """An `incoming-body` that is here already."""

    def __init__(self, worker: HostContext, body: Value) -> None:
        self.worker, self._body = worker, body
        self._is_streamed = False

    @deterministic
    def stream(self) -> InputStream:
        if self._is_streamed:
            raise WitError()
        self._is_streamed = True
        return _BytesInput(self.worker, self._body["content"])

    def finished(self) -> GivenTrailers:
        return GivenTrailers(self.worker, self._body["trailers"])


class _BytesInput(InputStream):
    def __init__(self, worker: HostContext, content: bytes) -> None:
        super().__init__(worker)
        self._content, self._at = content, 0

    def take(self, most: int) -> bytes:
        if self._at == len(self._content):
            raise WitError(CLOSED)
        taken = self._content[self._at : self._at + most]
        self._at += len(taken)
        return taken


class GivenTrailers(Resource):
    """A `future-trailers` that is here already."""

    def __init__(self, worker: HostContext, trailers: Value) -> None:
        self.worker, self._trailers = worker, trailers
        self._is_taken = False

    @deterministic
    def subscribe(self) -> Pollable:
        return Pollable(self.worker)

    @deterministic
    def get(self) -> Value:
        if self._is_taken:
            return "err", None
        self._is_taken = True
        fields = None if self._trailers is None else Fields(self.worker, self._trailers, is_immutable=True)
        return "ok", ("ok", fields)


class OutgoingResponse(Resource, wit="wasi:http/types#outgoing-response"):
    def __init__(self, worker: HostContext, headers: Fields) -> None:
        self.worker, self.fields, self.status = worker, headers, 200
        headers.is_immutable = True
        self.outgoing: OutgoingBody | None = None

    @deterministic(static=True)
    def constructor(worker: HostContext, headers: Fields) -> OutgoingResponse:
        return OutgoingResponse(worker, headers)

    @deterministic
    def status_code(self) -> int:
        return self.status

    @deterministic
    def set_status_code(self, status_code: int) -> None:
        if not 100 <= status_code <= 999:
            raise WitError()
        self.status = status_code

    @deterministic
    def headers(self) -> Fields:
        return Fields(self.worker, self.fields.list, is_immutable=True)

    @deterministic
    def body(self) -> OutgoingBody:
        if self.outgoing is not None:
            raise WitError()
        self.outgoing = OutgoingBody(self.worker, self.fields.content_length(), "HTTP-response-body-size")
        return self.outgoing


class ResponseOutparam(Resource, wit="wasi:http/types#response-outparam"):
    """Where a component puts its answer."""

    def __init__(self, worker: HostContext) -> None:
        self.worker = worker
        self._answer: tuple[str, Any] | None = None

    @deterministic(static=True)
    def set(worker: HostContext, param: ResponseOutparam, response: tuple[str, Any]) -> None:
        param._answer = response

    @deterministic
    def send_informational(self, status: int, headers: Fields) -> None:
        raise WitError(("internal-error", "the result of an invocation has no room for informational responses"))

    def response(self) -> Value:
        """Return the answer as a value of type `RESPONSE`.

        Raises:
            Trap: There is none, or it is not whole.
        """
        if self._answer is None:
            raise Trap("the component returned from `handle` without a response")
        case, answer = self._answer
        if case == "err":
            raise Trap(f"the component answered the request with the error {answer[0]}")
        return {
            "status": answer.status,
            "headers": list(answer.fields.list),
            "body-and-trailers": None if answer.outgoing is None else _whole(answer.outgoing),
        }


def _whole(body: OutgoingBody) -> Value:
    if not body.pipe.is_whole:
        raise Trap("the component returned from `handle` without finishing the body of its response")
    return {"content": body.pipe.all(), "trailers": body.trailers}
