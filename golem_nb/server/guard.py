"""What every request passes before anything else is looked at: who asks, how much goes on, and how slowly.

How this works: `Guard` wraps the application. It refuses foreign hosts, wrong tokens, and what is beyond the limits. An
`Exchange` stands between a request and its client: it bounds the silence inside a body, and has an answer arrive that
is given before the body was read. Such a client is still sending: a connection closed at once would be reset, and the
answer lost with it. So the rest of the body is read and dropped, up to a bound, before the answer ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from golem_nb.errors import GolemError, Overloaded, SlowClient
from golem_nb.server.access import Access
from golem_nb.server.answers import failure_answer
from golem_nb.server.limits import Limits
from golem_nb.server.targets import with_segments

SMALL_BYTES = 64 << 10  # read before the answer, so that the connection can be used again
DROPPED_BYTES, DROPPED_S = 1 << 30, 30.0
CLOSE = (b"connection", b"close")


@dataclass(slots=True)
class Activity:
    """What goes on in the server; the idle exit looks at it."""

    requests: int = 0
    sockets: int = 0
    touch: Callable[[], None] = field(default=lambda: None)

    @property
    def is_busy(self) -> bool:
        return self.requests > 0 or self.sockets > 0


class Guard:
    """`open_paths` need no token and are always answered."""

    def __init__(
        self, app: ASGIApp, access: Access, limits: Limits, activity: Activity, open_paths: frozenset[str]
    ) -> None:
        self._app, self._access, self._limits, self._activity = app, access, limits, activity
        self._open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif scope["type"] == "http":
            exchange = Exchange(scope, receive, send, self._limits.silence_s)
            await self._request(scope, exchange.receive, exchange.send)
        else:
            await self._app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            is_open = self._admit(scope)
            scope = with_segments(scope)
            if not is_open and self._activity.requests >= self._limits.requests:
                raise Overloaded(f"{self._limits.requests} requests are in flight, the limit; ask again a little later")
        except GolemError as failure:
            await failure_answer(failure)(scope, receive, send)
            return
        self._activity.requests += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._activity.requests -= 1
            self._activity.touch()

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._admit(scope)
            scope = with_segments(scope)
            if self._activity.sockets >= self._limits.sockets:
                raise Overloaded(f"{self._limits.sockets} WebSockets are open, the limit; close some, or come later")
        except GolemError as failure:
            await WebSocket(scope, receive, send).send_denial_response(failure_answer(failure))
            return
        self._activity.sockets += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._activity.sockets -= 1
            self._activity.touch()

    def _admit(self, scope: Scope) -> bool:
        """Check who asks; return whether it is for something that is open to all.

        Raises:
            Forbidden, Unauthorized
        """
        connection = HTTPConnection(scope)
        self._access.check_host(connection.headers)
        if scope["path"] in self._open_paths:
            return True
        self._access.check_token(connection)
        return False


class Exchange:
    """The client's side of one request: `receive` and `send` for the application."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, silence_s: float) -> None:
        headers = Headers(scope=scope)
        self._receive, self._send, self._silence_s = receive, send, silence_s
        self._length = _length(headers)
        self._waits_for_go_ahead = headers.get("expect", "").lower() == "100-continue"
        self._is_read = self._length == 0
        self._has_given_up = False

    async def receive(self) -> Message:
        """Return the next part of the body, or, when it is over, that the client has gone.

        Raises:
            SlowClient: Nothing came for too long.
        """
        if self._is_read:
            return await self._receive()
        self._waits_for_go_ahead = False
        try:
            async with asyncio.timeout(self._silence_s):
                message = await self._receive()
        except TimeoutError:
            self._has_given_up = True
            raise SlowClient(f"nothing came of the body for {self._silence_s:g} s") from None
        self._note(message)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and not self._is_read:
            if self._length is not None and self._length <= SMALL_BYTES:
                await self._drop_rest()
            if not self._is_read:
                message = {**message, "headers": [*message.get("headers", ()), CLOSE]}
        elif not message.get("more_body", False) and not self._is_read:
            await self._send({**message, "more_body": True})
            await self._drop_rest()
            message = {"type": "http.response.body", "body": b""}
        await self._send(message)

    async def _drop_rest(self) -> None:
        if self._waits_for_go_ahead or self._has_given_up:
            return
        room = DROPPED_BYTES
        try:
            async with asyncio.timeout(DROPPED_S), asyncio.timeout(self._silence_s) as silence:
                while not self._is_read and room > 0:
                    message = await self._receive()
                    self._note(message)
                    room -= len(message.get("body", b""))
                    silence.reschedule(asyncio.get_running_loop().time() + self._silence_s)
        except TimeoutError:
            self._has_given_up = True  # who has not come to an end by then may not see the answer

    def _note(self, message: Message) -> None:
        self._is_read = message["type"] != "http.request" or not message.get("more_body", False)


def _length(headers: Headers) -> int | None:
    """Return how many bytes a body has; None where it does not say, and 0 where there is none."""
    if "transfer-encoding" in headers:
        return None
    length = headers.get("content-length", "0")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 20 else None
