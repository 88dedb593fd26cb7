"""WorkerEvents of one worker: a ring of the last ones, and subscribers who never slow the worker down.

Source: SEMANTICS 9.3: the ring holds 128 events; a subscriber's queue 1024, of which a slow one loses the oldest and is
told how many. Besides, none holds more than 8 MiB of text: a worker may log texts of any length.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Generic, TypeVar

from golem_nb.model import EventType, WorkerEvent

RING, QUEUE = 128, 1024
MOST_TEXT = 8 << 20  # characters in a ring or a queue, or bytes where it holds what is sent

T = TypeVar("T")


class Window(Generic[T]):
    """The last items of a sequence: at most `most`, and of `most_size` together, but always the very last one."""

    def __init__(self, most: int, most_size: int = MOST_TEXT) -> None:
        self._most, self._most_size = most, most_size
        self._items: deque[tuple[T, int]] = deque()
        self._size = 0
        self._begin = 0

    @property
    def begin(self) -> int:
        """The number of the first item that is still there; the sequence's first one has 0."""
        return self._begin

    @property
    def end(self) -> int:
        """The number that the next item will have."""
        return self._begin + len(self._items)

    def append(self, item: T, size: int) -> None:
        self._items.append((item, size))
        self._size += size
        while len(self._items) > self._most or (self._size > self._most_size and len(self._items) > 1):
            self._drop()

    def since(self, number: int) -> list[T]:
        """Return the items that are still there, from `number` on."""
        return [item for item, _ in islice(self._items, max(0, number - self._begin), None)]

    def clear(self) -> None:
        while self._items:
            self._drop()

    def _drop(self) -> None:
        self._size -= self._items.popleft()[1]
        self._begin += 1


class Subscription:
    """One reader of a worker's events: those of the ring first, then live ones. Iterating ends when it is closed."""

    def __init__(self, hub: EventHub, history: list[WorkerEvent]) -> None:
        self.hub = hub
        self._events: Window[WorkerEvent] = Window(QUEUE)
        self._next = 0  # the number of the first event that was not taken
        self._changed = threading.Condition()
        self._closed = False
        self._wake: Callable[[], None] | None = None
        for event in history:
            self.push(event)

    def push(self, event: WorkerEvent) -> None:
        with self._changed:
            self._events.append(event, _size(event))
            self._changed.notify()
            wake = self._wake
        if wake is not None:
            wake()

    def call_when_changed(self, wake: Callable[[], None]) -> None:
        """Call `wake`, from any thread, after each event and at the end: for readers that must not block."""
        with self._changed:
            self._wake = wake

    def take(self) -> tuple[list[WorkerEvent], bool]:
        """Return what is there without waiting, and whether the stream has ended."""
        with self._changed:
            return self._taken(), self._closed

    def close(self) -> None:
        self.hub.forget(self)
        self.end()

    def end(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            wake = self._wake
        if wake is not None:
            wake()

    def __iter__(self) -> Iterator[WorkerEvent]:
        while True:
            with self._changed:
                while self._events.end == self._next and not self._closed:
                    self._changed.wait()
                events = self._taken()
                if not events:
                    return
            yield from events

    def _taken(self) -> list[WorkerEvent]:
        events, missed = self._events.since(self._next), self._events.begin - self._next
        self._events.clear()
        self._next = self._events.end
        return [lag_notice(missed), *events] if missed > 0 else events


def _size(event: WorkerEvent) -> int:
    return len(event.message or "")


def lag_notice(missed: int) -> WorkerEvent:
    """Return the event that says how many were lost. Source: SEMANTICS 9.2, row "lag"."""
    text = f"{missed} messages missed"
    return WorkerEvent(EventType.LOG, datetime.now(UTC), text, "Warn", {"missedMessages": missed})


class EventHub:
    """All subscriptions of one worker."""

    def __init__(self) -> None:
        self._ring: Window[WorkerEvent] = Window(RING)
        self._subscriptions: list[Subscription] = []
        self._lock = threading.Lock()

    def publish(self, event: WorkerEvent) -> None:
        with self._lock:
            self._ring.append(event, _size(event))
            subscriptions = tuple(self._subscriptions)
            for subscription in subscriptions:
                subscription.push(event)

    def subscribe(self) -> Subscription:
        with self._lock:
            subscription = Subscription(self, self._ring.since(0))
            self._subscriptions.append(subscription)
            return subscription

    def end_all(self) -> None:
        """End every stream and forget the past, as when the worker is interrupted or deleted."""
        with self._lock:
            subscriptions, self._subscriptions = self._subscriptions, []
            self._ring.clear()
        for subscription in subscriptions:
            subscription.end()

    @property
    def is_watched(self) -> bool:
        return bool(self._subscriptions)

    def forget(self, subscription: Subscription) -> None:
        with self._lock:
            if subscription in self._subscriptions:
                self._subscriptions.remove(subscription)
