"""WorkerEvents of one worker: a ring of the last ones, and subscribers who never slow the worker down.

Source: SEMANTICS 9.3: the ring holds 128 events; a subscriber's queue 1024, of which a slow one loses the oldest and is
told how many.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from golem_nb.model import EventType, WorkerEvent

RING, QUEUE = 128, 1024


class Subscription:
    """One reader of a worker's events: those of the ring first, then live ones. Iterating ends when it is closed."""

    def __init__(self, history: list[WorkerEvent], forget: Callable[[Subscription], None]) -> None:
        self._events: deque[WorkerEvent] = deque(history)
        self._forget = forget
        self._changed = threading.Condition()
        self._missed = 0
        self._closed = False
        self._wake: Callable[[], None] | None = None

    def push(self, event: WorkerEvent) -> None:
        with self._changed:
            if len(self._events) >= QUEUE:
                self._events.popleft()
                self._missed += 1
            self._events.append(event)
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
        self._forget(self)
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
                while not self._events and not self._closed:
                    self._changed.wait()
                events = self._taken()
                if not events:
                    return
            yield from events

    def _taken(self) -> list[WorkerEvent]:
        events = list(self._events)
        self._events.clear()
        if self._missed:
            missed, self._missed = self._missed, 0
            events.insert(0, lag_notice(missed))
        return events


def lag_notice(missed: int) -> WorkerEvent:
    """Return the event that says how many were lost. Source: SEMANTICS 9.2, row "lag"."""
    text = f"{missed} messages missed"
    return WorkerEvent(EventType.LOG, datetime.now(UTC), text, "Warn", {"missedMessages": missed})


class EventHub:
    """All subscriptions of one worker."""

    def __init__(self) -> None:
        self._ring: deque[WorkerEvent] = deque(maxlen=RING)
        self._subscriptions: list[Subscription] = []
        self._lock = threading.Lock()

    def publish(self, event: WorkerEvent) -> None:
        with self._lock:
            self._ring.append(event)
            subscriptions = tuple(self._subscriptions)
            for subscription in subscriptions:
                subscription.push(event)

    def subscribe(self) -> Subscription:
        with self._lock:
            subscription = Subscription(list(self._ring), self._forget)
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

    def _forget(self, subscription: Subscription) -> None:
        with self._lock:
            if subscription in self._subscriptions:
                self._subscriptions.remove(subscription)
