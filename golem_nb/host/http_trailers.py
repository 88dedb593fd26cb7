"""Trailers over httpcore, which neither gives those of a response nor sends those of a request.

Both are put right at its connections, by events of h11 on their way. Where its insides have changed, there are no
trailers; a test tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, MutableMapping
from typing import Any

import httpcore

Pairs = list[tuple[bytes, bytes]]
RECEIVED = "trailers"  # a request's extension: `Pairs`, when its response has ended
TO_SEND = "request_trailers"  # a request's extension: gives `Pairs` when its body has ended


def with_trailers(connection: httpcore.ConnectionInterface, request: httpcore.Request) -> None:
    """Have the trailers of a request sent that this connection is about to send."""
    if TO_SEND in request.extensions and isinstance(request.stream, Iterable):
        request.stream = _Body(request.stream, connection, request.extensions[TO_SEND])


def keep_trailers(connection: Any, extensions: MutableMapping[str, Any]) -> None:
    """Have the trailers of the response under way put among its request's extensions."""
    receive = getattr(type(connection), "_receive_event", None)
    if receive is None:
        return

    def receive_event(timeout: float | None = None) -> Any:
        event = receive(connection, timeout=timeout)
        if type(event).__name__ == "EndOfMessage":
            extensions[RECEIVED] = list(event.headers)
        return event

    connection._receive_event = receive_event


class _Body:
    """A request's body. When it is asked for, its connection is made, and its head is sent."""

    def __init__(self, body: Iterable[bytes], connection: Any, trailers: Callable[[], Pairs]) -> None:
        self._body, self._connection, self._trailers = body, connection, trailers

    def __iter__(self) -> Iterator[bytes]:
        innermost = self._connection
        while (inner := getattr(innermost, "_connection", None)) is not None:
            innermost = inner
        yield from self._body
        trailers = self._trailers()
        if trailers:
            _end_with(innermost, trailers)

    def close(self) -> None:
        close = getattr(self._body, "close", None)
        if close is not None:
            close()


def _end_with(connection: Any, trailers: Pairs) -> None:
    """Have the next end of a message carry trailers."""
    send = getattr(type(connection), "_send_event", None)
    if send is None:
        return

    def send_event(event: Any, timeout: float | None = None) -> Any:
        if type(event).__name__ == "EndOfMessage":
            del connection._send_event
            event = type(event)(headers=trailers)
        return send(connection, event, timeout=timeout)

    connection._send_event = send_event
