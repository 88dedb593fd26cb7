"""One thread that waits for all sockets of an engine's components.

How this works: `call_when` hands a socket over together with whom to call; the thread calls once, when the socket is
ready, and then knows it no more. What is asked of the thread goes through a queue, and a byte to itself ends its wait.
A call runs on that thread, so it must not block.
"""

from __future__ import annotations

import logging
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
Wake = Callable[[], None]
# Unlike select(), poll() takes descriptors above 1023.
_Selector: type[selectors.BaseSelector] = getattr(selectors, "PollSelector", selectors.SelectSelector)

log = logging.getLogger("golem_nb.engine")


def is_ready(watched: socket.socket, event: int) -> bool:
    """Is it readable, or writable, now? One that is closed is: whoever uses it will be told."""
    if watched.fileno() < 0:
        return True
    with _Selector() as selector:
        selector.register(watched, event)
        return bool(selector.select(0))


class Watcher:
    """See the module. Any method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: deque[Callable[[], None]] = deque()
        self._wakes: dict[int, dict[int, list[Wake]]] = {}
        """For a descriptor and an event: whom to call. Touched by the thread alone."""
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def call_when(self, watched: socket.socket, event: int, wake: Wake) -> None:
        """Call `wake` once, when the socket is ready for the event; the same one is kept once for both."""
        number = watched.fileno()
        if number < 0:
            wake()
        else:
            self._ask(lambda: self._add(number, event, wake))

    def forget(self, watched: socket.socket) -> None:
        """Call nobody for this socket any more; to be said before it is closed, since its number is used again."""
        number = watched.fileno()
        if number >= 0 and self._thread is not None:
            self._ask(lambda: self._remove(number))

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            thread = self._thread
        if thread is not None:
            self._interrupt()
            thread.join()

    def _ask(self, do: Callable[[], None]) -> None:
        with self._lock:
            if self._is_closed:
                return
            self._asked.append(do)
            if self._thread is None:
                self._selector = selectors.DefaultSelector()
                self._inside, self._outside = socket.socketpair()
                self._inside.setblocking(False)
                self._outside.setblocking(False)
                self._selector.register(self._inside, READ)
                self._thread = threading.Thread(target=self._serve, name="sockets", daemon=True)
                self._thread.start()
        self._interrupt()

    def _interrupt(self) -> None:
        with suppress(BlockingIOError, OSError):  # it has enough to wake it, or is closed
            self._outside.send(b"\0")

    def _serve(self) -> None:
        while not self._is_closed:
            while self._asked:
                self._asked.popleft()()
            for key, events in self._selector.select():
                if key.fd == self._inside.fileno():
                    with suppress(BlockingIOError):
                        self._inside.recv(4096)
                else:
                    self._call(key.fd, events)
        self._selector.close()
        self._inside.close()
        self._outside.close()

    def _add(self, number: int, event: int, wake: Wake) -> None:
        known = self._wakes.setdefault(number, {})
        wakes = known.setdefault(event, [])
        if wake not in wakes:
            wakes.append(wake)
        self._watch(number)

    def _remove(self, number: int) -> None:
        if self._wakes.pop(number, None) is not None:
            self._watch(number)

    def _call(self, number: int, events: int) -> None:
        known = self._wakes.get(number, {})
        wakes = [wake for event in tuple(known) if event & events for wake in known.pop(event)]
        self._watch(number)
        for wake in wakes:
            try:
                wake()
            except Exception:  # the other sockets must be served
                log.exception("a socket's change could not be told")

    def _watch(self, number: int) -> None:
        """Watch a descriptor for what somebody waits for."""
        events = 0
        for event in self._wakes.get(number, {}):
            events |= event
        is_known = number in self._selector.get_map()
        try:
            if is_known and not events:
                self._selector.unregister(number)
            elif is_known:
                self._selector.modify(number, events)
            elif events:
                self._selector.register(number, events)
        except (OSError, ValueError, KeyError):
            # It was closed meanwhile. Who waited for it is called, and finds that out.
            with suppress(OSError, ValueError, KeyError):
                self._selector.unregister(number)
            for wakes in self._wakes.pop(number, {}).values():
                for wake in wakes:
                    wake()
        if not events:
            self._wakes.pop(number, None)
