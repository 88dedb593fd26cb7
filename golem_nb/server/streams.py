"""Event streams that many sockets read: each event is encoded once, and goes out to all of them as the same bytes.

A `Channel` has the last frames of one worker in one form; every socket remembers how far it has read, so a slow one
costs nothing but its own notice of what it has missed. All of this runs in the server's event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
from websockets.frames import Frame, Opcode

from golem_nb.engine.events import QUEUE, RING, Subscription, Window
from golem_nb.model import WorkerEvent
from golem_nb.wire.events import missed_event

BATCH_BYTES = 64 << 10  # sent at once: more would only wait in the socket's own buffer
AT_ONCE = 64  # sockets served before the loop looks for requests again
# The share of the loop's time that a channel may take: so requests are answered between its rounds, and the worker,
# which needs Python's lock for its host calls, goes on. A round with 1,000 sockets takes some 20 ms.
LOOP_SHARE = 1 / 3

Form = Callable[[WorkerEvent], Mapping[str, Any]]


class Channel:
    """The frames of one worker's events, in one form."""

    def __init__(self, subscription: Subscription, form: Form) -> None:
        self.subscription, self._form = subscription, form
        self._frames: Window[bytes] = Window(QUEUE)
        self.ended = False
        self.readers = 0
        self._changed = asyncio.Event()
        self._waiting: list[asyncio.Event] = []
        self._loop = asyncio.get_running_loop()
        subscription.call_when_changed(self._wake)
        self._take()
        self._pump = asyncio.create_task(self._follow())

    def close(self) -> None:
        self._pump.cancel()
        self.subscription.close()

    @property
    def history(self) -> int:
        """The number of the frame that a new reader begins with: the last 128 are its history."""
        return max(self._frames.begin, self._frames.end - RING)

    def after(self, number: int) -> tuple[bytes, int]:
        """Return frames from `number` on, as bytes to send, and where to go on. What is lost is told in the first."""
        parts: list[bytes] = []
        missed = self._frames.begin - number
        if missed > 0:
            number += missed
            parts.append(frame_of(self._form(missed_event(missed, datetime.now(UTC)))))
        size = 0
        for frame in self._frames.since(number):
            parts.append(frame)
            number += 1
            size += len(frame)
            if size > BATCH_BYTES:
                break
        return b"".join(parts), number

    async def changed(self) -> None:
        """Wait for more, or for the end."""
        event = asyncio.Event()
        self._waiting.append(event)
        await event.wait()

    async def _follow(self) -> None:
        try:
            while not self.ended:
                await self._changed.wait()
                begin = time.monotonic()
                self._take()
                waiting, self._waiting = self._waiting, []
                for first in range(0, len(waiting), AT_ONCE):
                    for event in waiting[first : first + AT_ONCE]:
                        event.set()
                    await asyncio.sleep(0)  # they run, and then what else has come in meanwhile
                await asyncio.sleep((time.monotonic() - begin) * (1 / LOOP_SHARE - 1))
        finally:
            self.ended = True
            for event in self._waiting:
                event.set()

    def _take(self) -> None:
        self._changed.clear()
        events, self.ended = self.subscription.take()
        for event in events:
            frame = frame_of(self._form(event))
            self._frames.append(frame, len(frame))

    def _wake(self) -> None:
        # From the worker's thread: what is set already wakes nobody, and costs it nothing.
        if not self._changed.is_set():
            with suppress(RuntimeError):  # the loop is closed: nobody listens any more
                self._loop.call_soon_threadsafe(self._changed.set)


class Channels:
    """The channels that have readers, by worker and form."""

    def __init__(self) -> None:
        self._by_key: dict[tuple[object, str], Channel] = {}

    def enter(self, key: tuple[object, str], subscription: Subscription, form: Form) -> Channel:
        """Return the channel of a worker: the one that is there, else a new one for the subscription."""
        channel = self._by_key.get(key)
        if channel is None or channel.ended or channel.subscription.hub is not subscription.hub:
            channel = self._by_key[key] = Channel(subscription, form)
        else:
            subscription.close()
        channel.readers += 1
        return channel

    def leave(self, key: tuple[object, str], channel: Channel) -> None:
        channel.readers -= 1
        if channel.readers == 0:
            channel.close()
            if self._by_key.get(key) is channel:
                del self._by_key[key]


def frame_of(message: Mapping[str, Any]) -> bytes:
    """Return a text message as the bytes of one WebSocket frame, which a server sends unmasked (RFC 6455, 5.2)."""
    return Frame(Opcode.TEXT, msgspec.json.encode(message)).serialize(mask=False)
