"""Who waits for an answer of a worker. Futures are resolved only when the entries that they speak of are stored.

Not locked: a worker's callers belong to the worker's lock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial

from golem_nb.engine.journal import Journal
from golem_nb.engine.reads import Reads
from golem_nb.errors import GolemError, InvocationFailed, StoreFailed, WorkerExited
from golem_nb.model import IdempotencyKey
from golem_nb.oplog.entries import Error, ExportedFunctionCompleted, OplogEntry
from golem_nb.oplog.fold import Outcome
from golem_nb.values.types import TypedValue

Result = TypedValue | None
Waiter = Future[Result]


class Callers:
    """The waiters of invocations that have no end yet, by idempotency key; and those who look at the worker's files."""

    def __init__(self) -> None:
        self.reads = Reads()
        self._waiters: dict[IdempotencyKey, list[Waiter]] = {}

    def join(self, key: IdempotencyKey, waiter: Waiter) -> None:
        self._waiters.setdefault(key, []).append(waiter)

    def settle(self, key: IdempotencyKey, result: Result | GolemError, stored: Future[None]) -> None:
        """Give those who wait for an invocation its result, or refusal, as soon as `stored` is."""
        waiters = self._waiters.pop(key, [])
        if waiters:
            stored.add_done_callback(partial(_resolve_later, waiters, result))

    def __bool__(self) -> bool:
        return bool(self._waiters) or bool(self.reads)

    def keys(self) -> list[IdempotencyKey]:
        """Return the keys that somebody waits for."""
        return list(self._waiters)

    def fail_all(self, error: Callable[[IdempotencyKey], GolemError], stored: Future[None] | None = None) -> None:
        """Give everyone the error for its key (a read: an empty one), as soon as `stored` is, where given."""
        everyone, self._waiters = self._waiters, {}
        self.reads.fail_all(error(""), stored or done())
        for key, waiters in everyone.items():
            (stored or done()).add_done_callback(partial(_resolve_later, waiters, error(key)))


def answer_again(journal: Journal, outcome: Outcome, waiter: Waiter | None) -> Future[None]:
    """Give a caller the stored result of an invocation that has ended; the future resolves when all is stored."""
    stored = own(journal.commit())
    if waiter is not None:
        answer(waiter, stored, lambda: result_in(next(journal.stored_entries(outcome.index))[1]))
    return stored


def answer(waiter: Waiter, stored: Future[None], result: Callable[[], Result]) -> None:
    """Give one caller what `result` gives or raises, as soon as `stored` is."""
    stored.add_done_callback(lambda stored: _resolve([waiter], stored, result))


def result_in(end: OplogEntry) -> Result:
    """Return what the entry says that ended an invocation.

    Raises:
        InvocationFailed, WorkerExited: It had no result.
    """
    match end:
        case ExportedFunctionCompleted(failure=failure, stderr=stderr) if failure:
            raise InvocationFailed(failure, stderr)
        case ExportedFunctionCompleted(response=response):
            return None if response is None else response.typed()
        case Error(message=cause, stderr=stderr):
            raise InvocationFailed(cause, stderr)
    raise WorkerExited("Process exited")


def own(shared: Future[None]) -> Future[None]:
    """Return a future that follows one which others wait for too: whoever cancels it cancels nothing else."""
    mine: Future[None] = Future()

    def follow(shared: Future[None]) -> None:
        if not mine.set_running_or_notify_cancel():
            return
        failure = shared.exception()
        if failure is None:
            mine.set_result(None)
        else:
            mine.set_exception(failure)

    shared.add_done_callback(follow)
    return mine


def done() -> Future[None]:
    future: Future[None] = Future()
    future.set_result(None)
    return future


def _resolve_later(waiters: Sequence[Waiter], result: Result | GolemError, stored: Future[None]) -> None:
    _resolve(waiters, stored, lambda: _returned(result))


def _returned(result: Result | GolemError) -> Result:
    if isinstance(result, GolemError):
        raise result
    return result


def _resolve(waiters: Sequence[Waiter], stored: Future[None], result: Callable[[], Result]) -> None:
    """Resolve futures with what `result` gives or raises; with the store's failure where there was one."""
    failure = stored.exception()
    value: Result = None
    if failure is not None:
        failure = StoreFailed(f"the oplog could not be stored: {failure}; try again with the same key")
    else:
        try:
            value = result()
        except GolemError as error:
            failure = error
    for waiter in waiters:
        if not waiter.set_running_or_notify_cancel():
            continue  # whoever waited has left
        if failure is None:
            waiter.set_result(value)
        else:
            waiter.set_exception(failure)
