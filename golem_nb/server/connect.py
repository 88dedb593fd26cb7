"""The WebSocket of one worker's events: history first, then live ones. Source: SEMANTICS 9.3; CONTRACT, part 1."""

from __future__ import annotations

import asyncio

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket, WebSocketDisconnect

from golem_nb.engine.engine import Engine
from golem_nb.engine.events import Subscription
from golem_nb.model import WorkerId, parse_uuid
from golem_nb.wire.events import json_from_event


async def stream_events(engine: Engine, socket: WebSocket) -> None:
    """Send events until either side closes. What the client sends is ignored.

    Raises:
        WorkerNotFound, BadInput: Before the upgrade, so that the client gets an HTTP answer.
    """
    component_id = parse_uuid(socket.path_params["component_id"], "component_id")
    worker = WorkerId(component_id, socket.path_params["agent_name"])
    subscription = await run_in_threadpool(engine.events, worker)
    try:
        await socket.accept()
        sending = asyncio.create_task(_send(subscription, socket))
        receiving = asyncio.create_task(_wait_for_the_client_to_close(socket))
        _, pending = await asyncio.wait({sending, receiving}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        if receiving in pending:
            await socket.close()
    finally:
        subscription.close()


async def _send(subscription: Subscription, socket: WebSocket) -> None:
    loop, changed = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        loop.call_soon_threadsafe(changed.set)

    subscription.call_when_changed(wake)
    while True:
        changed.clear()
        events, ended = subscription.take()
        for event in events:
            await socket.send_text(msgspec.json.encode(json_from_event(event)).decode())
        if ended:
            return
        if not events:
            await changed.wait()


async def _wait_for_the_client_to_close(socket: WebSocket) -> None:
    try:
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
    except (WebSocketDisconnect, RuntimeError):
        return  # it is closed already
