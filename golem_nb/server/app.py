"""The ASGI application: routes from the tables of operations, one adapter, one place where failures become answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from golem_nb import __version__
from golem_nb.engine.engine import Engine
from golem_nb.errors import BadInput, GolemError, NotFound, NotSupported, TooLarge
from golem_nb.server.access import Access
from golem_nb.server.connect import stream_events
from golem_nb.server.handlers import DONE, HANDLERS, Call, Later
from golem_nb.server.streams import Channels
from golem_nb.wire.failures import answer_from_failure
from golem_nb.wire.operations import EXTENSIONS, FILE_PATH, OPERATIONS, Op

JSON = "application/json"
UPGRADE_REQUIRED, METHOD_NOT_ALLOWED = 426, 405
# Operations that need no token: they say only that, and what, this server is.
OPEN_OPERATIONS = {"healthcheck", "version"}

log = logging.getLogger("golem_nb.server")


@dataclass(frozen=True, slots=True)
class Limits:
    """Bodies beyond these are refused before they are read."""

    json_bytes: int = 8 << 20
    upload_bytes: int = 256 << 20


@dataclass(slots=True)
class Activity:
    """What goes on in the server; the idle exit looks at it."""

    requests: int = 0
    sockets: int = 0
    touch: Callable[[], None] = field(default=lambda: None)

    @property
    def is_busy(self) -> bool:
        return self.requests > 0 or self.sockets > 0


class Server:
    """The adapter between ASGI and the handlers."""

    def __init__(self, engine: Engine, access: Access, limits: Limits, activity: Activity) -> None:
        self._engine, self._access, self._limits, self._activity = engine, access, limits, activity
        self._channels = Channels()

    def app(self) -> ASGIApp:
        by_path: dict[str, dict[str, Op]] = {}
        for op in (*OPERATIONS, *EXTENSIONS):
            by_path.setdefault(op.path, {})[op.method] = op
        routes: list[BaseRoute] = []
        for path, methods in by_path.items():
            if any(op.id == "connectWorker" for op in methods.values()):
                routes.append(WebSocketRoute(path, self._connect))
            # No list of methods: a wrong one is answered here, with all that are right.
            routes.append(Route(_route_path(path), _Endpoint(self._adapter(methods))))
        app = Starlette(routes=routes, exception_handlers={404: _no_route})
        app.router.redirect_slashes = False
        return self._guarded(app)

    def _guarded(self, app: ASGIApp) -> ASGIApp:
        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                request = Request(scope, receive)
                try:
                    self._access.check_host(request.headers)
                except GolemError as failure:
                    await _failed(failure)(scope, receive, send)
                    return
                self._activity.requests += 1
                try:
                    await app(scope, receive, send)
                finally:
                    self._activity.requests -= 1
                    self._activity.touch()
                return
            await app(scope, receive, send)

        return guarded

    def _adapter(self, methods: dict[str, Op]) -> Callable[[Request], Awaitable[Response]]:
        allowed = ", ".join(methods)

        async def adapt(request: Request) -> Response:
            op = methods.get(request.method)
            try:
                if op is None or op.id not in OPEN_OPERATIONS:
                    self._access.check_token(request)
                if op is None:
                    text = f"{request.method} is not allowed here; allowed: {allowed}"
                    return _json({"error": text}, METHOD_NOT_ALLOWED, {"Allow": allowed})
                return await self._answer(op, request)
            except GolemError as failure:
                return _failed(failure)
            except Exception as bug:
                log.exception("%s %s failed", request.method, request.url.path)
                return _failed(GolemError(f"a bug of golem_nb: {type(bug).__name__}; the server's log has more"))

        return adapt

    async def _answer(self, op: Op, request: Request) -> Response:
        if op.id == "healthcheck":
            return _json(DONE)
        if op.id == "version":
            return _json({"version": f"golem_nb {__version__}"})
        if op.id == "connectWorker":
            return _json({"error": "this is a WebSocket: connect to it"}, UPGRADE_REQUIRED, {"Upgrade": "websocket"})
        handler = HANDLERS.get(op.id)
        if handler is None:
            raise NotSupported(f"{op.id} is not served by this version of golem_nb yet")
        body = await self._body(op, request)
        try:
            call = Call(request.path_params, request.query_params, request.headers, body)
            found = await run_in_threadpool(handler, self._engine, call)
        finally:
            if isinstance(body, FormData):
                await body.close()  # uploads lie in temporary files
        if isinstance(found, Later):
            found = found.encode(await asyncio.wrap_future(found.future))
        if isinstance(found, bytes):
            return Response(found, media_type="application/octet-stream")
        return _json(found)

    async def _body(self, op: Op, request: Request) -> Any:
        if op.body is None:
            return None
        is_json = op.body == "json"
        limit = self._limits.json_bytes if is_json else self._limits.upload_bytes
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        wanted = JSON if is_json else "multipart/form-data"
        if kind != wanted and not (is_json and kind == ""):
            raise BadInput(f"the body must be {wanted}, found {kind or 'no Content-Type'}")
        length = request.headers.get("content-length", "")
        if length.isdigit() and int(length) > limit:
            raise TooLarge(f"the body has {length} bytes; the limit is {limit}")
        request = _limited(request, limit)
        if is_json:
            return _decoded(await _read(request))
        try:
            return await request.form(max_files=10, max_fields=100)
        except HTTPException as error:  # what starlette makes of a MultiPartException
            raise BadInput(f"the multipart body cannot be read: {error.detail}") from None
        except ClientDisconnect:
            raise BadInput("the body ends too early") from None

    async def _connect(self, socket: WebSocket) -> None:
        self._activity.sockets += 1
        try:
            self._access.check_host(socket.headers)
            self._access.check_token(socket)
            await stream_events(self._engine, self._channels, socket)
        except GolemError as failure:
            status, body = answer_from_failure(failure)
            await socket.send_denial_response(_json(body, status))
        finally:
            self._activity.sockets -= 1
            self._activity.touch()


def _route_path(path: str) -> str:
    """Return a path as Starlette spells it. A key, and a file's path, may have slashes; a worker's name has none."""
    for parameter in ("idempotency_key", FILE_PATH):
        path = path.replace(f"{{{parameter}}}", f"{{{parameter}:path}}")
    return path


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


async def _read(request: Request) -> bytes:
    parts: list[bytes] = []
    try:
        async for part in request.stream():
            parts.append(part)
    except ClientDisconnect:
        raise BadInput("the body ends too early") from None
    return b"".join(parts)


def _decoded(body: bytes) -> Any:
    if not body:
        raise BadInput("the body is empty; it must be JSON")
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadInput(f"the body is not JSON: {error}") from None
    except RecursionError:
        raise BadInput("the body is nested too deeply") from None


class _Endpoint:
    """An ASGI application, by being no function: to a function Starlette would add methods of its own."""

    def __init__(self, adapt: Callable[[Request], Awaitable[Response]]) -> None:
        self._adapt = adapt

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._adapt(Request(scope, receive))
        await response(scope, receive, send)


def _json(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(body), status, headers, JSON)


def _failed(failure: GolemError) -> Response:
    status, body = answer_from_failure(failure)
    return _json(body, status)


async def _no_route(request: Request, error: Exception) -> Response:
    return _failed(NotFound(f"there is no {request.url.path} here; see the paths of the contract"))


def make_app(
    engine: Engine, access: Access | None = None, limits: Limits | None = None, activity: Activity | None = None
) -> ASGIApp:
    return Server(engine, access or Access(), limits or Limits(), activity or Activity()).app()
