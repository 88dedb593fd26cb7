"""uvicorn's WebSocket protocol; besides, it takes frames that are encoded already, and lets go of who does not read."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

FRAMES = "frames"  # the key of a `websocket.send` message whose value are whole frames: bytes for the connection itself
LAST_WORDS_S = 5.0


class EventSockets(WebSocketsSansIOProtocol):
    async def send(self, message: MutableMapping[str, Any]) -> None:  # type: ignore[override]
        frames = message.get(FRAMES)
        if frames is None:
            await super().send(message)  # type: ignore[arg-type]
            return
        await self.writable.wait()
        if self.disconnected or self.close_sent:
            raise ClientDisconnected
        self.transport.write(frames)

    def keepalive_timeout(self) -> None:
        """End a connection whose client has not answered a ping.

        The protocol waits for it to read what was sent, which may be never: after a while the rest is thrown away.
        """
        super().keepalive_timeout()
        self.loop.call_later(LAST_WORDS_S, self.transport.abort)
