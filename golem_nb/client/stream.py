"""The events of one worker over a WebSocket, which is made again when it breaks.

How this works. A server sends the last events first and then those that happen. So after a break it sends some that
were read before: each message that is among those read lately is left out, until the first that is not. What happened
in between may be lost where the server's memory is short, and a notice says so. A normal close is the end; a refusal
is an error; and a server that does not come back in time is unreachable.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

from websockets.exceptions import ConnectionClosed, ConnectionClosedOK
from websockets.frames import CloseCode
from websockets.sync.client import ClientConnection

from golem_nb.client.http import Retries
from golem_nb.errors import GolemError, ServerUnreachable
from golem_nb.model import WorkerEvent
from golem_nb.wire.events import EventReader, broken_event

# More than any server keeps for who connects (128).
REMEMBERED = 4096
# A connection that breaks sooner counts as one of the same series of failures.
STABLE_S = 5.0
# How often who waits for a connection looks whether the stream was closed meanwhile.
LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class Reconnecting:
    """For how long a connection that broke is tried to be made again, and with which pauses; 0 s = never."""

    for_s: float = 60.0
    retries: Retries = field(default_factory=lambda: Retries(first_pause_s=0.2, longest_pause_s=5.0))
    clock: Callable[[], float] = time.monotonic


class RemoteEvents:
    """A stream of events. `opening` connects; it raises `ServerUnreachable` where that may be tried again."""

    def __init__(self, opening: Callable[[], ClientConnection], url: str, reconnecting: Reconnecting) -> None:
        self._opening, self._url, self._reconnecting = opening, url, reconnecting
        self._closed = threading.Event()
        self._read = _Read()
        self._connection = opening()

    def __iter__(self) -> Iterator[WorkerEvent]:
        """Yield events until either side closes, and a Log of level Warn after each break.

        Raises:
            ServerUnreachable: The connection broke and could not be made again.
            GolemError: The server refused to go on, for the worker is gone, has failed or was interrupted.
        """
        failures, deadline = 0, 0.0
        while True:
            opened_at, read_before = self._reconnecting.clock(), self._read.count
            try:
                yield from self._messages()
                return
            except ConnectionClosed:
                broke_at = datetime.now(UTC)
            if self._closed.is_set():
                return
            now = self._reconnecting.clock()
            if not failures or self._read.count > read_before or now - opened_at >= STABLE_S:
                failures, deadline = 0, now + self._reconnecting.for_s
            failures = self._connect_again(failures, deadline)
            if self._closed.is_set():
                self._connection.close()  # it may be a new one, which `close` has not seen
                return
            yield broken_event(broke_at, datetime.now(UTC))

    def _messages(self) -> Iterator[WorkerEvent]:
        reader = EventReader()
        self._read.begin()
        try:
            while True:
                message = self._connection.recv()
                event = reader.read(message)  # also what is left out: it may hold the first half of a character
                if self._read.remember(message) and event is not None:
                    yield event
        except ConnectionClosedOK as closed:
            # A server, or what stands before it, that goes away to come back is no end of the events.
            if closed.rcvd is not None and closed.rcvd.code == CloseCode.GOING_AWAY:
                raise

    def _connect_again(self, failures: int, deadline: float) -> int:
        """Connect, or find that the stream was closed here; return how often it failed in this series.

        Raises:
            ServerUnreachable: The time is over.
        """
        while not self._closed.is_set():
            failures += 1
            pause_s = self._reconnecting.retries.pause_s(failures)
            if self._reconnecting.clock() + pause_s > deadline:
                tried = f" and could not be made again within {self._reconnecting.for_s:g} s"
                raise ServerUnreachable(
                    f"the event stream from {self._url} broke off{tried if self._reconnecting.for_s else ''}"
                )
            if self._closed.wait(pause_s):
                break
            try:
                self._open()
            except ServerUnreachable:
                continue
            break
        return failures

    def _open(self) -> None:
        """Connect in a thread of its own, which nobody waits for once the stream is closed."""
        opened: queue.SimpleQueue[ClientConnection | GolemError] = queue.SimpleQueue()

        def run() -> None:
            try:
                connection = self._opening()
            except GolemError as error:
                opened.put(error)
                return
            opened.put(connection)
            if self._closed.is_set():
                connection.close()

        threading.Thread(target=run, name="golem_nb events", daemon=True).start()
        while not self._closed.is_set():
            try:
                found = opened.get(timeout=LOOK_S)
            except queue.Empty:
                continue
            if isinstance(found, GolemError):
                raise found
            self._connection = found
            return

    def close(self) -> None:
        self._closed.set()
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Read:
    """Which messages were read lately, to know those that a server repeats. `count` is how many were new."""

    def __init__(self) -> None:
        self.count = 0
        self._lately: deque[int] = deque(maxlen=REMEMBERED)
        self._repeated: Counter[int] = Counter()

    def begin(self) -> None:
        """A connection begins: what was read before may come again."""
        self._repeated = Counter(self._lately)

    def remember(self, message: str | bytes) -> bool:
        """Note a message; False where it is one that was read before the connection began."""
        mark = hash(message)
        if self._repeated[mark] > 0:
            self._repeated[mark] -= 1
            return False
        self._repeated.clear()  # the server is done with what it had before
        self._lately.append(mark)
        self.count += 1
        return True
