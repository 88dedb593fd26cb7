"""The ASGI application: routes from the tables of operations, one adapter, one place where failures become answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from golem_nb.engine.engine import Engine
from golem_nb.errors import BadInput, GolemError, NotFound, NotSupported
from golem_nb.server.access import Access
from golem_nb.server.answers import (
    BINARY,
    JSON,
    NDJSON,
    Download,
    Lines,
    PiecesAnswer,
    Text,
    failure_answer,
    json_answer,
    pieces_of,
)
from golem_nb.server.bodies import close_body, read_body
from golem_nb.server.connect import stream_events
from golem_nb.server.guard import Activity, Guard
from golem_nb.server.handlers import HANDLERS, PUBLIC, Call, Handler, Later
from golem_nb.server.lanes import Lanes
from golem_nb.server.limits import Limits
from golem_nb.server.streams import Channels
from golem_nb.server.targets import decoded
from golem_nb.wire.operations import DOCUMENTS, EXTENSIONS, FILE_PATH, MORE_QUERY, OPERATIONS, REPEATABLE, Op

UPGRADE_REQUIRED, METHOD_NOT_ALLOWED = 426, 405

log = logging.getLogger("golem_nb.server")


class Server:
    """The adapter between ASGI and the handlers."""

    def __init__(self, engine: Engine, access: Access, limits: Limits, activity: Activity) -> None:
        self._engine, self._access, self._limits, self._activity = engine, access, limits, activity
        self._channels = Channels()
        self._lanes = Lanes()

    def app(self) -> ASGIApp:
        by_path: dict[str, dict[str, Op]] = {}
        for op in (*OPERATIONS, *EXTENSIONS, *DOCUMENTS):
            by_path.setdefault(op.path, {})[op.method] = op
        routes: list[BaseRoute] = []
        for path, methods, fixed in _in_order(by_path):
            if any(op.id == "connectWorker" for op in methods.values()):
                routes.append(WebSocketRoute(path, self._connect))
            # No list of methods: a wrong one is answered here, with all that are right.
            routes.append(Route(_route_path(path), _Endpoint(self._adapter(methods, fixed))))
        routes.append(WebSocketRoute("/{path:path}", _no_socket))
        app = Starlette(routes=routes, exception_handlers={404: _no_route})
        app.router.redirect_slashes = False
        open_paths = frozenset(op.path for op in (*EXTENSIONS, *DOCUMENTS) if op.id in PUBLIC)
        return Guard(app, self._access, self._limits, self._activity, open_paths)

    def _adapter(self, methods: dict[str, Op], fixed: dict[str, str]) -> Callable[[Request], Awaitable[Response]]:
        allowed = ", ".join(methods)

        async def adapt(request: Request) -> Response:
            op = methods.get(request.method)
            if op is None:
                text = f"{request.method} is not allowed here; allowed: {allowed}"
                return json_answer({"error": text}, METHOD_NOT_ALLOWED, {"Allow": allowed})
            try:
                return await self._answer(op, request, fixed)
            except GolemError as failure:
                return failure_answer(failure)
            except Exception as bug:
                log.exception("%s %s failed", request.method, request.url.path)
                return failure_answer(GolemError(f"a bug of golem_nb: {type(bug).__name__}; the server's log has more"))

        return adapt

    async def _answer(self, op: Op, request: Request, fixed: dict[str, str]) -> Response:
        if op.id == "connectWorker":
            text = "this is a WebSocket: connect to it"
            return json_answer({"error": text}, UPGRADE_REQUIRED, {"Upgrade": "websocket"})
        handler = HANDLERS.get(op.id)
        if handler is None:
            raise NotSupported(f"{op.id} is not served by this version of golem_nb yet")
        _check_query(op, request)
        in_thread = partial(self._lanes.run, op.id)
        body = None if op.body is None else await read_body(request, op.body, self._limits, in_thread)
        try:
            call = Call({**fixed, **decoded(request.path_params)}, request.query_params, request.headers, body)
            found = await in_thread(partial(_handled, handler, self._engine, call))
        except RecursionError:
            raise BadInput("what was sent is nested too deeply") from None
        finally:
            await close_body(body)
        if isinstance(found, Later):
            found = found.encode(await asyncio.wrap_future(found.future))
        return _response(found, in_thread)

    async def _connect(self, socket: WebSocket) -> None:
        socket.scope["path_params"] = decoded(socket.path_params)
        try:
            await stream_events(self._engine, self._channels, socket)
        except GolemError as failure:
            await socket.send_denial_response(failure_answer(failure))


def _handled(handler: Handler, engine: Engine, call: Call) -> Any:
    """Return what a handler returns; JSON is encoded here, in its thread, since there may be much of it."""
    found = handler(engine, call)
    if isinstance(found, Later | bytes | Text | Download | Lines):
        return found
    return Response(msgspec.json.encode(found), media_type=JSON)


def _response(found: Any, in_thread: Callable[[Callable[[], Any]], Awaitable[Any]]) -> Response:
    match found:
        case Response():
            return found
        case bytes():
            return Response(found, media_type=BINARY)
        case Text(text, media_type, headers):
            return Response(text, 200, headers, media_type)
        case Download(file, size, name):
            headers = {"content-length": str(size), "content-disposition": f'attachment; filename="{name}"'}
            return PiecesAnswer(pieces_of(file), in_thread, BINARY, headers, file.close)
        case Lines(pieces, headers):
            return PiecesAnswer(pieces, in_thread, NDJSON, headers)
    return Response(msgspec.json.encode(found), media_type=JSON)


def _check_query(op: Op, request: Request) -> None:
    for name in (*op.query, *MORE_QUERY.get(op.id, ())):
        if name not in REPEATABLE and len(request.query_params.getlist(name)) > 1:
            raise BadInput(f"the query parameter `{name}` is given more than once")


def _in_order(by_path: dict[str, dict[str, Op]]) -> list[tuple[str, dict[str, Op], dict[str, str]]]:
    """Return the paths in the order in which they are tried, each with its operations and parameters known beforehand.

    A path without parameters where another has one (`workers/find`, `workers/{agent_name}`) comes first, and has the
    operations of the other one, too: a worker may have such a name.
    """
    rows = []
    for path in sorted(by_path, key=lambda path: [part.startswith("{") for part in path.split("/")]):
        methods, fixed = dict(by_path[path]), {}
        for other in by_path:
            parameters = _parameters_for(other, path)
            if parameters:
                methods, fixed = {**by_path[other], **methods}, parameters
        rows.append((path, methods, fixed))
    return rows


def _parameters_for(template: str, path: str) -> dict[str, str]:
    """Return what parameters of a template are literally so in another template; none where they differ elsewhere."""
    pairs = list(zip(template.split("/"), path.split("/"), strict=False))
    differing = {a: b for a, b in pairs if a != b}
    if template.count("/") != path.count("/") or any(
        not a.startswith("{") or b.startswith("{") for a, b in differing.items()
    ):
        return {}
    return {a[1:-1]: b for a, b in differing.items()}


def _route_path(path: str) -> str:
    """Return a path as Starlette spells it. A key, and a file's path, may have slashes; a worker's name has none."""
    for parameter in ("idempotency_key", FILE_PATH):
        path = path.replace(f"{{{parameter}}}", f"{{{parameter}:path}}")
    return path


class _Endpoint:
    """An ASGI application, by being no function: to a function Starlette would add methods of its own."""

    def __init__(self, adapt: Callable[[Request], Awaitable[Response]]) -> None:
        self._adapt = adapt

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._adapt(Request(scope, receive))
        await response(scope, receive, send)


async def _no_route(request: Request, error: Exception) -> Response:
    return failure_answer(NotFound(f"there is no {request.url.path[:200]} here; see /docs"))


async def _no_socket(socket: WebSocket) -> None:
    await socket.send_denial_response(
        failure_answer(NotFound(f"there is no WebSocket at {socket.url.path[:200]}; see /docs"))
    )


def make_app(
    engine: Engine, access: Access | None = None, limits: Limits | None = None, activity: Activity | None = None
) -> ASGIApp:
    return Server(engine, access or Access(), limits or Limits(), activity or Activity()).app()
