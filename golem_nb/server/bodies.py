"""Bodies of requests, read up to their limits: JSON, multipart, and files."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import IO, Any

import msgspec
from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from golem_nb.errors import BadInput, TooLarge, UnsupportedBody
from golem_nb.server.answers import BINARY, JSON
from golem_nb.server.limits import Limits
from golem_nb.wire.operations import Body

MULTIPART = "multipart/form-data"
MOST_FILES, MOST_FIELDS = 10, 100  # of a multipart body
IN_MEMORY_BYTES = 1 << 20  # of an uploaded file; what is beyond lies on disk
LARGE_JSON_BYTES = 64 << 10  # decoded in a thread: the event loop has others to serve

InThread = Callable[[Callable[[], Any]], Awaitable[Any]]

_KINDS: dict[Body, str] = {"json": JSON, "multipart": MULTIPART, "binary": BINARY}


async def read_body(request: Request, body: Body, limits: Limits, in_thread: InThread) -> Any:
    """Return decoded JSON, a form, or an open file at its beginning; `close_body` frees it.

    Raises:
        UnsupportedBody: It is of another kind, or compressed.
        TooLarge: It is over the limit.
        BadInput: It cannot be read, or breaks off.
        SlowClient: Nothing came of it for too long.
    """
    wanted = _KINDS[body]
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != wanted and not (kind == "" and body != "multipart"):
        raise UnsupportedBody(f"the body must be {wanted}, found {kind[:80] or 'no Content-Type'}")
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise UnsupportedBody(f"the body must not be compressed, found Content-Encoding: {encoding[:80]}")
    limit = limits.json_bytes if body == "json" else limits.upload_bytes
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and (len(length) > 18 or int(length) > limit):
        raise TooLarge(f"the body has {length[:20]} bytes; the limit is {limit}")
    request = _limited(request, limit)
    match body:
        case "json":
            data = b"".join([part async for part in _parts(request)])
            return _decoded(data) if len(data) < LARGE_JSON_BYTES else await in_thread(lambda: _decoded(data))
        case "binary":
            return await _file(request, in_thread)
        case "multipart":
            return await _form(request)


async def close_body(body: Any) -> None:
    """Free what an uploaded body holds: temporary files."""
    if isinstance(body, FormData):
        await body.close()
    elif hasattr(body, "close"):
        body.close()


class _Parts(MultiPartParser):
    """Starlette's parser, but stricter: it takes any bytes for text, and a body that breaks off for a whole one."""

    is_whole = False

    def on_part_end(self) -> None:
        name = self._current_part.field_name
        if any(name == other for other, _ in self.items):
            raise MultiPartException(f"the part `{name[:80]}` is there more than once")
        if self._current_part.file is None and not _is_utf8(self._current_part.data):
            raise MultiPartException(f"the part `{name[:80]}` is not UTF-8 text")
        super().on_part_end()

    def on_end(self) -> None:
        self.is_whole = True

    def close_files(self) -> None:
        for file in self._files_to_close_on_error:
            file.close()


def _is_utf8(data: bytes | bytearray) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


async def _form(request: Request) -> FormData:
    parser = _Parts(request.headers, request.stream(), max_files=MOST_FILES, max_fields=MOST_FIELDS)
    try:
        form = await parser.parse()
    except (MultiPartException, ValueError) as error:  # ValueError: a charset that cannot be
        raise BadInput(f"the multipart body cannot be read: {error}") from None
    except ClientDisconnect:
        raise BadInput("the body ends too early") from None
    if not parser.is_whole:
        parser.close_files()
        raise BadInput("the multipart body cannot be read: it ends before its last boundary")
    return form


async def _file(request: Request, in_thread: InThread) -> IO[bytes]:
    file: IO[bytes] = tempfile.TemporaryFile()  # `close_body` closes it
    try:
        async for part in _parts(request):
            await in_thread(lambda part=part: file.write(part))  # type: ignore[misc]
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def _limited(request: Request, limit: int) -> Request:
    """Return the same request, whose body raises TooLarge where it goes beyond the limit: not all say their length."""
    size = 0

    async def receive() -> Message:
        nonlocal size
        message = await request.receive()
        size += len(message.get("body", b""))
        if size > limit:
            raise TooLarge(f"the body has more than {limit} bytes, the limit")
        return message

    return Request(request.scope, receive)


async def _parts(request: Request) -> AsyncIterator[bytes]:
    try:
        async for part in request.stream():
            yield part
    except ClientDisconnect:
        raise BadInput("the body ends too early") from None


def _decoded(body: bytes) -> Any:
    if not body:
        raise BadInput("the body is empty; it must be JSON")
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadInput(f"the body is not JSON: {error}") from None
    except RecursionError:
        raise BadInput("the body is nested too deeply") from None
