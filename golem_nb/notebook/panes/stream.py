"""The events of one worker, read in the background for as long as the notebook likes.

How this works. One thread reads a client's stream, numbers what it reads and keeps the last 10,000 events. Whoever
shows them asks for what is new since a number. When the connection breaks (the engine was killed) it is made again
for some minutes, without starting an engine; when the server ends the stream (the worker was deleted, or interrupted)
that is the end.

`async for` has a reader of its own for each loop: what comes while its body runs waits there, however much it is, and
no thread waits with it.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Any
from weakref import WeakSet

from golem_nb.client.client import EventStream as ClientStream
from golem_nb.errors import GolemError, ServerUnreachable
from golem_nb.model import WorkerEvent

KEPT = 10_000
RECONNECT_EVERY_S, RECONNECT_FOR_S = 0.25, 600.0

Opened = AbstractContextManager[ClientStream]


class StreamState(StrEnum):
    LIVE = "live"
    RECONNECTING = "reconnecting"
    CLOSED = "closed"


class EventStream:
    """What `%golem_connect` returns: the events of a worker, live until they are closed."""

    def __init__(self, worker: str, reopen: Callable[[], Opened]) -> None:
        """`reopen` connects again; it raises `ServerUnreachable` while nobody is there."""
        self.worker, self._reopen = worker, reopen
        self.workers: tuple[str, ...] = ()
        self.state, self.reason = StreamState.LIVE, ""
        self.breaks = 0
        self.is_shown = False
        self._events: deque[tuple[int, WorkerEvent]] = deque(maxlen=KEPT)
        self._last = 0
        self._readers: WeakSet[EventReader] = WeakSet()  # of loops that were left, nothing is kept
        self._changed = threading.Condition()
        self._open: ClientStream | None = None

    # For who looks.

    @property
    def last_seq(self) -> int:
        """The number of the last event; also how many there were."""
        return self._last

    @property
    def is_closed(self) -> bool:
        return self.state is StreamState.CLOSED

    @property
    def lock(self) -> threading.Condition:
        """What is held while something changes, and whose waiters are told."""
        return self._changed

    def since(self, seq: int) -> list[tuple[int, WorkerEvent]]:
        """Return the kept events behind number `seq`, in order."""
        with self._changed:
            new = self._last - seq
            return list(self._events)[-new:] if new > 0 else []

    @property
    def df(self) -> Any:
        """The kept events as a DataFrame."""
        from golem_nb.notebook.frames import events_frame

        return events_frame(self.since(0), self.worker)

    def wait(self, wanted: Callable[[WorkerEvent], bool] | None = None, timeout_s: float | None = None) -> bool:
        """Wait for an event that is `wanted`, those that are there already included; None waits for the end.

        False: the time is over, or the stream has ended without such an event.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        seen = 0
        while True:
            new = self.since(seen)
            if wanted is not None and any(wanted(event) for _, event in new):
                return True
            seen = new[-1][0] if new else seen
            if self.is_closed and self._last == seen:
                return wanted is None
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return False
            self.wait_for_change(seen, left)

    def __aiter__(self) -> AsyncIterator[WorkerEvent]:
        """Give the kept events, then each as it comes, until the stream has ended. Leaving the loop does not end it."""
        with self._changed:
            reader = EventReader(self, [event for _, event in self._events])
            self._readers.add(reader)
        return reader

    def wait_for_change(self, seq: int, timeout_s: float | None) -> None:
        """Return when there are events behind `seq`, the stream has ended, or the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._last > seq or self.is_closed, timeout_s)

    def wait_for_end(self, timeout_s: float) -> bool:
        """Wait until the stream has ended; False when the time is over before."""
        with self._changed:
            return self._changed.wait_for(lambda: self.is_closed, timeout_s)

    def close(self) -> None:
        """End the stream; what was read stays."""
        self._end("closed here")
        opened = self._open
        if opened is not None:
            opened.close()

    def __repr__(self) -> str:
        says_it = not self.reason or self.reason.startswith(self.state)  # "closed here" says closed
        state = (self.reason or self.state) if says_it else f"{self.state} ({self.reason})"
        return f"events of {self.worker}: {state}, {self._last} so far; .df has them, .close() ends it"

    def _ipython_display_(self) -> None:
        """Show nothing right after a pane was shown: the magic's own result would repeat it."""
        if not self.is_shown:
            print(repr(self))
        self.is_shown = False

    def forget_shown(self) -> bool:
        """Be shown by later cells, which ask for it by its name. Returns that this is done, for `after_cells`."""
        self.is_shown = False
        return False

    # The thread's part.

    def run(self, opened: Opened) -> None:
        """Read until the end."""
        while True:
            try:
                self._read(opened)
            except ServerUnreachable:
                self.breaks += 1
            except GolemError as error:
                self._end(str(error))
            else:
                self._end("the server ended it: the worker was interrupted, deleted, or the engine closed")
            if self.is_closed:
                return
            again = self._connect_again()
            if again is None:
                return
            opened = again

    def _read(self, opened: Opened) -> None:
        with opened as stream:
            self._open = stream
            for event in stream:
                self._push(event)
                if self.is_closed:
                    return

    def _connect_again(self) -> Opened | None:
        self._set(StreamState.RECONNECTING, "the connection broke")
        deadline = time.monotonic() + RECONNECT_FOR_S
        while time.monotonic() < deadline:
            with self._changed:
                if self._changed.wait_for(lambda: self.is_closed, RECONNECT_EVERY_S):
                    return None
            try:
                opened = self._reopen()
            except ServerUnreachable:
                continue
            except GolemError as error:
                self._end(str(error))
                return None
            self._set(StreamState.LIVE, "")
            return opened
        self._end("the server did not come back")
        return None

    def _push(self, event: WorkerEvent) -> None:
        with self._changed:
            self._last += 1
            self._events.append((self._last, event))
            for reader in self._readers:
                reader.put(event)
            self._changed.notify_all()

    def _set(self, state: StreamState, reason: str) -> None:
        with self._changed:
            if not self.is_closed:
                self.state, self.reason = state, reason
            for reader in self._readers:
                reader.wake()
            self._changed.notify_all()

    def _end(self, reason: str) -> None:
        self._set(StreamState.CLOSED, reason)


class EventReader(AsyncIterator[WorkerEvent]):
    """One `async for` over a stream. `put` and `wake` are the stream's, in whatever thread, under its lock."""

    def __init__(self, stream: EventStream, events: list[WorkerEvent]) -> None:
        self._stream, self._events = stream, deque(events)
        self._wanted: Future[None] | None = None

    def put(self, event: WorkerEvent) -> None:
        self._events.append(event)
        self.wake()

    def wake(self) -> None:
        """Tell who waits that there is something new. A loop that is closed by now is not told."""
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            wanted.set_result(None)

    async def __anext__(self) -> WorkerEvent:
        while True:
            with self._stream.lock:
                if self._events:
                    return self._events.popleft()
                if self._stream.is_closed:
                    raise StopAsyncIteration
                if self._wanted is None:
                    self._wanted = Future()
                    # A loop that is cancelled ends its own wait only.
                    self._wanted.set_running_or_notify_cancel()
                wanted = self._wanted
            await asyncio.wrap_future(wanted)
