"""The awaited twins: `await worker.aio.add(5)` is `worker.add(5)` in a thread of its own.

A thread for each call, and none of asyncio's pool: calls of workers wait for as long as workers like, and a few of them
would fill the pool. A call that is cancelled ends the wait only; the worker goes on.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Callable, Generator
from concurrent.futures import Future
from functools import wraps
from inspect import getattr_static, iscoroutinefunction
from typing import Any, TypeVar

T = TypeVar("T")


async def later(work: Callable[[], T]) -> T:
    """Run `work` in a thread of its own, and return what it returns."""
    promise: Future[T] = Future()
    promise.set_running_or_notify_cancel()  # from now on a cancellation ends the wait, not the work

    def run() -> None:
        try:
            value = work()
        except BaseException as error:
            promise.set_exception(error)
        else:
            promise.set_result(value)

    threading.Thread(target=contextvars.copy_context().run, args=(run,), name="awaited", daemon=True).start()
    return await asyncio.wrap_future(promise)


class Aio:
    """The attributes of an object, each to be awaited: properties, methods, and the functions of a worker."""

    def __init__(self, of: Any) -> None:
        self._of = of

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if isinstance(getattr_static(type(self._of), name, None), property):
            return LaterValue(lambda: getattr(self._of, name))
        found = getattr(self._of, name)
        if not callable(found) or iscoroutinefunction(found):
            return found
        return Later(found)

    def __dir__(self) -> list[str]:
        return [name for name in dir(self._of) if not name.startswith("_") and name != "aio"]

    def __repr__(self) -> str:
        return f"to be awaited: {self._of!r}"


class LaterValue:
    """A property that is awaited. Nothing is asked before: Tab and the like look at each attribute."""

    def __init__(self, read: Callable[[], Any]) -> None:
        self._read = read

    def __await__(self) -> Generator[Any, None, Any]:
        return later(self._read).__await__()

    def __repr__(self) -> str:
        return "to be awaited"


class Later:
    """A function that is awaited. Its own methods (`.trigger`, `.options`) are, too, but for what gives functions."""

    def __init__(self, function: Any) -> None:
        wraps(function)(self)
        self._function = function

    async def __call__(self, *positional: Any, **named: Any) -> Any:
        return await later(lambda: self._function(*positional, **named))

    def options(self, **options: Any) -> Later:
        return Later(self._function.options(**options))

    async def trigger(self, *positional: Any, **named: Any) -> Any:
        return await later(lambda: self._function.trigger(*positional, **named))


async def events_of(stream: Any) -> AsyncIterator[Any]:
    """Yield the events of a stream until it ends; it is closed when its reader goes."""
    try:
        async for event in stream:
            yield event
    finally:
        stream.close()
