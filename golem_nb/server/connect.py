"""The WebSocket of one worker's events: history first, then live ones. Source: SEMANTICS 9.3; CONTRACT, part 1."""

from __future__ import annotations

import asyncio

from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket, WebSocketDisconnect

from golem_nb.engine.engine import Engine
from golem_nb.errors import BadInput
from golem_nb.model import WorkerId, parse_uuid
from golem_nb.server.sockets import FRAMES
from golem_nb.server.streams import Channel, Channels
from golem_nb.wire.events import FORMS


async def stream_events(engine: Engine, channels: Channels, socket: WebSocket) -> None:
    """Send events until either side closes, in the form that `?format=` names. What the client sends is ignored.

    Raises:
        WorkerNotFound, BadInput: Before the upgrade, so that the client gets an HTTP answer.
    """
    component_id = parse_uuid(socket.path_params["component_id"], "component_id")
    worker = WorkerId(component_id, socket.path_params["agent_name"])
    name = socket.query_params.get("format", "contract")
    if name not in FORMS:
        raise BadInput(f"format must be {' or '.join(FORMS)}, found {name[:80]!r}")
    subscription = await run_in_threadpool(engine.events, worker)
    key = (worker, name)
    channel = channels.enter(key, subscription, FORMS[name])
    try:
        await socket.accept()
        sending = asyncio.create_task(_send(channel, socket))
        receiving = asyncio.create_task(_wait_for_the_client_to_close(socket))
        done, pending = await asyncio.wait({sending, receiving}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        for task in done:
            task.result()  # raises what was no end
        if receiving in pending:
            await socket.close()
    except WebSocketDisconnect:
        return  # the client has gone, maybe in the middle of a message
    finally:
        channels.leave(key, channel)


async def _send(channel: Channel, socket: WebSocket) -> None:
    number = channel.history
    while True:
        frames, number = channel.after(number)
        if frames:
            await socket.send({"type": "websocket.send", FRAMES: frames})
        elif channel.ended:
            return
        else:
            await channel.changed()


async def _wait_for_the_client_to_close(socket: WebSocket) -> None:
    try:
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
    except (WebSocketDisconnect, RuntimeError):
        return  # it is closed already
