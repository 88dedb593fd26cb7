"""Calls of other workers by one worker's host functions (`host.context.Remote`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from golem_nb.engine.calls import Calls
from golem_nb.engine.stopping import Restart
from golem_nb.errors import EngineStopped, GolemError, StoreFailed
from golem_nb.host.context import RemoteCall, Source, WorkerTemplate
from golem_nb.model import WorkerId
from golem_nb.values.types import TypedValue, WitType

T = TypeVar("T")
Result = TypedValue | None


class Done:
    """A source that is ready when a future has its result."""

    deadline_ns: int | None = None
    is_promise = False

    def __init__(self, future: Future[Any]) -> None:
        self._future = future

    def is_ready(self) -> bool:
        return self._future.done()

    def call_when_ready(self, wake: Callable[[], None]) -> None:
        self._future.add_done_callback(lambda _: wake())


class Waiting(Protocol):
    """What is needed of the worker that calls."""

    id: WorkerId

    def wait_until_any(self, sources: Sequence[Source]) -> list[int]: ...

    def run_apart(self, work: Callable[[], T]) -> T: ...

    def submit(self, work: Callable[[], None]) -> None: ...


class RemoteCalls:
    def __init__(self, calls: Calls, worker: Waiting) -> None:
        self._calls, self._worker = calls, worker

    def connect(self, target: WorkerId, template: WorkerTemplate) -> None:
        with _or_coming_back():
            self._without_waiting(target, lambda: self._calls.connect(target, template))

    def parameters(self, call: RemoteCall) -> Sequence[tuple[WitType, Any]]:
        try:
            with _or_coming_back():
                return self._without_waiting(call.target, lambda: self._calls.parameters(call))
        except GolemError:
            return ()  # who makes the call is told why it cannot be made

    def invoke_and_wait(self, call: RemoteCall) -> Result:
        with self._calls.waiting(self._worker.id, call.target):
            result: Future[Result] = Future()
            self._accept(call, result)
            self._worker.wait_until_any([Done(result)])
        return self.answer(result)

    def begin(self, call: RemoteCall) -> Future[Result]:
        try:
            self.enqueue(call)
        except GolemError as error:
            refused: Future[Result] = Future()
            refused.set_exception(error)
            return refused
        return self.ask(call)

    def ask(self, call: RemoteCall) -> Future[Result]:
        result: Future[Result] = Future()

        def make() -> None:
            try:
                self._calls.accept(call, result)
            except BaseException as error:
                result.set_exception(error)

        self._worker.submit(make)
        return result

    def enqueue(self, call: RemoteCall) -> None:
        accepted = self._accept(call, None)
        self._worker.wait_until_any([Done(accepted)])
        self.answer(accepted)

    def schedule(self, call: RemoteCall) -> None:
        with _or_coming_back():
            self._calls.schedule(call)

    def cancel(self, call: RemoteCall) -> None:
        with _or_coming_back():
            self._calls.cancel(call)

    def _accept(self, call: RemoteCall, waiter: Future[Result] | None) -> Future[None]:
        with _or_coming_back():
            return self._without_waiting(call.target, lambda: self._calls.accept(call, waiter))

    def _without_waiting(self, target: WorkerId, do: Callable[[], T]) -> T:
        """Do something about a worker: here, or where it must be loaded first, on a thread that may wait for that."""
        return do() if self._calls.is_at_hand(target) else self._worker.run_apart(do)

    def answer(self, result: Future[T]) -> T:
        """Return what came of a call."""
        with _or_coming_back():
            return result.result()


@contextmanager
def _or_coming_back() -> Iterator[None]:
    """That the engine is being closed, or could not store what the other worker did, is no answer.

    The worker does what led here again, and makes the call with the same key.
    """
    try:
        yield
    except (EngineStopped, StoreFailed) as error:
        raise Restart() from error
