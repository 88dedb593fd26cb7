"""Who runs when: a few run slots, threads that wait for work, and timers.

At most `slots` guests run at once; a handler that blocks gives its slot back meanwhile, so sleeping workers cost a
thread, but no slot. Threads that run wasm have stacks of their own size and are never the main one.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import os
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TypeVar

# Wasm needs more than 768 KiB for a clean trap on deep recursion (ENGINE 2); the rest is for Python's own frames.
STACK_BYTES = 4 << 20
IDLE_THREAD_S = 10.0

T = TypeVar("T")

log = logging.getLogger("golem_nb.engine")


def default_slots() -> int:
    return min(4, (os.cpu_count() or 1) + 2)


class Slots:
    """A number of places; who runs has one. `note_taken` is called whenever one is taken.

    Who is told to stop does not wait for a place (`is_stopped`, asked again after each `wake`): it only unwinds, and
    whoever told it waits for that.
    """

    def __init__(self, count: int, note_taken: Callable[[], None] = lambda: None) -> None:
        self._count = count
        self._changed = threading.Condition(threading.Lock())
        self._note_taken = note_taken
        self.in_use = 0

    @contextmanager
    def taken(self, is_stopped: Callable[[], bool] = lambda: False) -> Iterator[None]:
        self._take(is_stopped)
        try:
            yield
        finally:
            self._give()

    @contextmanager
    def given_back(self, is_stopped: Callable[[], bool] = lambda: False) -> Iterator[None]:
        """Let another run while this one waits."""
        self._give()
        try:
            yield
        finally:
            self._take(is_stopped)

    def wake(self) -> None:
        """Have those that wait for a place ask again whether they are stopped."""
        with self._changed:
            self._changed.notify_all()

    def _take(self, is_stopped: Callable[[], bool]) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self.in_use < self._count or is_stopped())
            self.in_use += 1
        self._note_taken()

    def _give(self) -> None:
        with self._changed:
            self.in_use -= 1
            self._changed.notify()


_stack_size_lock = threading.Lock()  # threading.stack_size is one setting of the process


def start_thread(name: str, run: Callable[[], None]) -> threading.Thread:
    """Start a daemon thread whose stack is large enough for wasm."""
    thread = threading.Thread(target=run, name=name, daemon=True)
    with _stack_size_lock:
        before = threading.stack_size(STACK_BYTES)
        try:
            thread.start()
        finally:
            threading.stack_size(before)
    return thread


def run_on_large_stack(work: Callable[[], T]) -> T:
    """Return what `work` returns, run on a thread whose stack is large enough for wasm; raise what it raises."""
    result: Future[T] = Future()

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as error:
            result.set_exception(error)

    start_thread("wasm", run)
    return result.result()


class Threads:
    """Threads that are kept for a while after their work, as many as there is work at once."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._numbers = itertools.count(1)
        self._work: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._waiting = 0

    def run(self, work: Callable[[], None]) -> None:
        with self._lock:
            if self._waiting > 0:
                self._waiting -= 1  # one of those that wait will take it
                self._work.put(work)
                return
        start_thread(f"{self._name}-{next(self._numbers)}", lambda: self._serve(work))

    def _serve(self, work: Callable[[], None]) -> None:
        while True:
            work()
            with self._lock:
                self._waiting += 1
            try:
                work = self._work.get(timeout=IDLE_THREAD_S)
            except queue.Empty:
                with self._lock:
                    if self._waiting > 0:
                        self._waiting -= 1
                        return
                work = self._work.get()  # it was handed over just now


class Timers:
    """Calls functions at their time, by the engine's clock; never early. What one raises is logged."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._heap: list[tuple[int, int]] = []  # when, and the timer's number
        self._calls: dict[int, Callable[[], None]] = {}  # of timers that are neither called nor cancelled
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="timers", daemon=True)
        self._thread.start()

    def call_at(self, due_ns: int, call: Callable[[], None]) -> int:
        """Return the timer's number, to cancel it by."""
        with self._changed:
            number = next(self._numbers)
            self._calls[number] = call
            heapq.heappush(self._heap, (due_ns, number))
            self._changed.notify()
            return number

    def cancel(self, number: int) -> None:
        """Forget a timer; one that was called already is no error."""
        with self._changed:
            self._calls.pop(number, None)
            self._drop_cancelled()

    def next_due_ns(self) -> int | None:
        with self._changed:
            return self._heap[0][0] if self._heap else None

    def _drop_cancelled(self) -> None:
        if len(self._heap) > 2 * len(self._calls) + 64:
            self._heap = sorted(timer for timer in self._heap if timer[1] in self._calls)
        while self._heap and self._heap[0][1] not in self._calls:
            heapq.heappop(self._heap)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            with self._changed:
                if self._closed:
                    return
                wait_s = (self._heap[0][0] - self._now_ns()) / 1e9 if self._heap else None
                if wait_s is None or wait_s > 0:
                    # Waits of days overflow; a clock that was set is looked at again after a minute.
                    self._changed.wait(60 if wait_s is None else min(wait_s, 60))
                    continue
                call = self._calls.pop(heapq.heappop(self._heap)[1])
                self._drop_cancelled()
            try:
                call()
            except Exception:  # the other timers must go on
                log.exception("a timer failed")
