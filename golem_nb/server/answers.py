"""Answers: JSON, failures, bytes, files, and lines that are made while they are sent."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from golem_nb.errors import GolemError, Overloaded
from golem_nb.wire.failures import answer_from_failure

JSON, BINARY, NDJSON = "application/json", "application/octet-stream", "application/x-ndjson"
UNAUTHORIZED = 401
PIECE = 1 << 18  # of a file

log = logging.getLogger("golem_nb.server")


def json_answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(body), status, headers, JSON)


def failure_answer(failure: GolemError) -> Response:
    status, body = answer_from_failure(failure)
    headers: dict[str, str] = {}
    if status == UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(failure, Overloaded):
        headers["Retry-After"] = "1"
    return json_answer(body, status, headers)


@dataclass(frozen=True, slots=True)
class Text:
    """A text of some media type."""

    text: str
    media_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Download:
    """A file, open at its beginning, that is closed when it is sent. `name` is for who saves it."""

    file: IO[bytes]
    size_bytes: int
    name: str


@dataclass(frozen=True, slots=True)
class Lines:
    """Pieces of text, whole lines each, that are made while they are sent."""

    pieces: Iterator[bytes]
    headers: Mapping[str, str] = field(default_factory=dict)


InThread = Callable[[Callable[[], Any]], Awaitable[Any]]


class PiecesAnswer(Response):
    """An answer piece by piece, each taken in a thread, so that no more than one is in memory.

    The names of `headers` are in lower case.
    Where the making fails, the connection ends without the end of the body: no client takes that for the whole.
    """

    def __init__(
        self,
        pieces: Iterator[bytes],
        in_thread: InThread,
        media_type: str,
        headers: Mapping[str, str],
        close: Callable[[], None] = lambda: None,
    ) -> None:
        """`close` is called when the answer is over, however it ends."""
        super().__init__(None, 200, headers, media_type)
        if "content-length" not in headers:
            del self.headers["content-length"]  # of the empty body
        self._pieces, self._in_thread, self._close = pieces, in_thread, close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        leaving = asyncio.create_task(_wait_until_gone(receive))
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            while (piece := await self._in_thread(lambda: next(self._pieces, None))) is not None:
                if leaving.done():
                    return
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except GolemError as failure:
            log.warning("%s %s ends in the middle: %s", scope["method"], scope["path"], failure)
        finally:
            leaving.cancel()
            self._close()


async def _wait_until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def pieces_of(file: IO[bytes]) -> Iterator[bytes]:
    """Yield a file's content."""
    while piece := file.read(PIECE):
        yield piece
