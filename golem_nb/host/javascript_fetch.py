"""golem-nb:javascript/http, our own: a whole HTTP request at once, for workers in JavaScript.

The tool that builds their runtime cannot have the resources of wasi:http. Each step goes through the door as if a
component took it, so that it is recorded, repeated and refused as anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

from golem_nb.host.declare import Interface, Value, WitError, deterministic
from golem_nb.host.http import BodyInput, FutureIncomingResponse, IncomingBody, IncomingResponse, OutgoingHandler
from golem_nb.host.http_request import BodyOutput, Fields, OutgoingBody, OutgoingRequest
from golem_nb.host.io import CLOSED, MOST_READ, Pollable

METHODS = frozenset(("get", "head", "post", "put", "delete", "connect", "options", "trace", "patch"))
CHUNK_BYTES = 4096  # a stream takes no more at once


class JavaScriptHttp(Interface, wit="golem-nb:javascript/http"):
    @deterministic
    def fetch(self, method: str, url: str, headers: Sequence[tuple[str, str]], body: bytes) -> Value:
        """Send a request, and return what came back: a record of status, headers and body."""
        with ExitStack() as held:
            future = self._sent(method.lower(), url, headers, body, held)
            call = self.worker.call
            call(Pollable.block, call(FutureIncomingResponse.subscribe, future, {}), {})
            _, (case, response) = call(FutureIncomingResponse.get, future, {})
            if case == "err":
                raise WitError(f"{url}: {response[0]}{f': {response[1]}' if isinstance(response[1], str) else ''}")
            held.callback(response.dropped)
            fields = call(IncomingResponse.headers, response, {})
            return {
                "status": call(IncomingResponse.status, response, {}),
                "headers": [(name, value.decode("latin-1")) for name, value in call(Fields.entries, fields, {})],
                "body": self._received(response, url, held),
            }

    def _sent(self, method: str, url: str, headers: Sequence[tuple[str, str]], body: bytes, held: ExitStack) -> Any:
        call, parts = self.worker.call, urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise WitError(f"{url!r} is no URL that can be fetched: write http://... or https://...")
        length = [("content-length", str(len(body)))] if body else []
        entries = [(name, value.encode()) for name, value in (*headers, *length)]
        try:
            fields = call(Fields.from_list, self.worker, {"entries": entries})
        except WitError as error:
            raise WitError(f"a header that cannot be sent: {error.payload[0]}") from None
        request = call(OutgoingRequest.constructor, self.worker, {"headers": fields})
        path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        try:
            for function, argument in (
                (OutgoingRequest.set_method, {"method": (method, None) if method in METHODS else ("other", method)}),
                (OutgoingRequest.set_scheme, {"scheme": (parts.scheme.upper(), None)}),
                (OutgoingRequest.set_authority, {"authority": parts.netloc.rpartition("@")[2]}),
                (OutgoingRequest.set_path_with_query, {"path_with_query": path}),
            ):
                call(function, request, argument)
            outgoing = call(OutgoingRequest.body, request, {})
            future = call(
                OutgoingHandler.handle, self.worker.shared(OutgoingHandler), {"request": request, "options": None}
            )
            held.callback(future.dropped)
            stream = call(OutgoingBody.write, outgoing, {})
            for begin in range(0, len(body), CHUNK_BYTES):
                call(BodyOutput.blocking_write_and_flush, stream, {"contents": body[begin : begin + CHUNK_BYTES]})
            call(OutgoingBody.finish, self.worker, {"this": outgoing, "trailers": None})
        except WitError as error:
            why = error.payload[0] if isinstance(error.payload, tuple) else "it is no request that can be sent"
            raise WitError(f"{method.upper()} {url}: {why}") from None
        return future

    def _received(self, response: IncomingResponse, url: str, held: ExitStack) -> bytes:
        call, parts = self.worker.call, []
        body = call(IncomingResponse.consume, response, {})
        held.callback(body.dropped)
        stream = call(IncomingBody.stream, body, {})
        held.callback(stream.dropped)
        while True:
            try:
                parts.append(call(BodyInput.blocking_read, stream, {"len": MOST_READ}))
            except WitError as error:
                if error.payload == CLOSED:
                    return b"".join(parts)
                raise WitError(f"{url}: the answer broke off") from None
