"""uvicorn's HTTP/1.1 with what it lacks: time-outs for slow clients, a bound for connections, and errors as JSON.

The application sees a request when its head is complete; before that, only this module can end a connection. Also it
alone sees that a client does not take what is sent.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import h11
import msgspec
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol
from websockets.datastructures import Headers
from websockets.exceptions import InvalidHandshake
from websockets.http11 import Request
from websockets.server import ServerProtocol

from golem_nb.errors import Overloaded
from golem_nb.server.answers import JSON, failure_answer
from golem_nb.server.limits import Limits

BAD_REQUEST, TIMEOUT = 400, 408
# Connections beyond the limit that are still told why; those beyond these are closed at once.
TOLD = 256
LATE_S = 0.05


def protocol_with(limits: Limits) -> type[H11Protocol]:
    """Return the protocol class for a server with these limits."""

    class Limited(LimitedProtocol):
        limits_of_server = limits

    return Limited


class LimitedProtocol(H11Protocol):
    limits_of_server = Limits()

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._head_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._is_refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        most = self.limits_of_server.connections
        if len(self.connections) > most + TOLD:
            transport.abort()
            return
        self._is_refused = len(self.connections) > most
        if self._is_refused:
            self.app = _refusal(most)
        self._watch_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self._watch_head()
        else:
            self._forget_head_timer()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._is_refused:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_timers()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._forget_timers()
        super().handle_websocket_upgrade(event)

    def _should_upgrade(self) -> bool:
        """A handshake that is none is a plain request, which the application answers in JSON; uvicorn would not."""
        return not self._is_refused and super()._should_upgrade() and self._is_handshake()

    def _is_handshake(self) -> bool:
        texts = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in self.headers)
        try:
            headers = Headers(texts)  # has no control characters; h11 lets some through
            ServerProtocol().process_request(Request(self.scope["path"], headers))
        except InvalidHandshake:
            return False
        return bool(self.scope["method"] == "GET")

    # Slow clients.

    def _watch_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self.limits_of_server.head_s, self._head_is_late)

    def _head_is_late(self) -> None:
        """Look once more a little later: the event loop may have been busy, and the head have come meanwhile."""
        self._head_timer = self.loop.call_later(LATE_S, self._drop_head)

    def _drop_head(self) -> None:
        if self.transport.is_closing():
            return
        if self.conn.trailing_data[0]:
            self._answer(TIMEOUT, f"the head of the request was not complete after {self.limits_of_server.head_s:g} s")
        else:
            self.transport.close()  # it has not begun to ask for anything

    def pause_writing(self) -> None:
        super().pause_writing()
        self._write_timer = self._write_timer or self.loop.call_later(
            self.limits_of_server.silence_s, self.transport.abort
        )

    def resume_writing(self) -> None:
        self._forget_write_timer()
        super().resume_writing()

    def _forget_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _forget_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _forget_timers(self) -> None:
        self._forget_head_timer()
        self._forget_write_timer()

    # Requests that are no HTTP.

    def send_400_response(self, msg: str) -> None:
        """Answer a request that cannot be read. uvicorn calls this where it handles h11's error."""
        error = sys.exc_info()[1]
        hint = getattr(error, "error_status_hint", BAD_REQUEST)
        self._answer(hint, f"this is not an HTTP/1.1 request: {error}" if error else msg)

    def _answer(self, status: int, text: str) -> None:
        """Answer in place of the application, and close."""
        self._forget_head_timer()
        body = msgspec.json.encode({"error": text, **({"errors": [text]} if status == BAD_REQUEST else {})})
        headers = [("content-type", JSON), ("content-length", str(len(body))), ("connection", "close")]
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            for event in (h11.Response(status_code=status, headers=headers), h11.Data(body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True  # its application has nobody to answer to any more
            self.cycle.message_event.set()
        self.transport.close()


def _refusal(most: int) -> ASGIApp:
    return failure_answer(Overloaded(f"{most} connections are open, the limit; close some, or come later"))
