"""What an oplog says of its worker: pure folds, never stored as a truth of their own. Source: SEMANTICS 1.1.

`WorkerState` folds entry by entry as they are appended; `state_of` folds a whole oplog. A column of the store may cache
a part of it, and a test recomputes and compares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum

from golem_nb.model import IdempotencyKey, OplogIndex, WorkerStatus
from golem_nb.oplog.entries import (
    CancelPendingInvocation,
    ChangeRetryPolicy,
    Create,
    Error,
    ErrorKind,
    Exited,
    ExportedFunctionCompleted,
    ExportedFunctionInvoked,
    Jump,
    OplogEntry,
    PendingWorkerInvocation,
    Revert,
    SuccessfulUpdate,
)
from golem_nb.oplog.regions import Regions


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long apart a failing invocation is tried. Source: SEMANTICS 4.6."""

    max_attempts: int = 3
    min_delay_ns: int = 100_000_000
    max_delay_ns: int = 1_000_000_000
    multiplier: float = 3.0
    max_jitter_factor: float | None = 0.15

    def delay_ns(self, attempts: int, draw: Callable[[], float]) -> int | None:
        """Return the pause after the `attempts`-th failure; None when there is no further attempt.

        `draw` gives a number from 0 to 1, exclusive.
        """
        if attempts >= self.max_attempts:
            return None
        delay: int = self.min_delay_ns * int(self.multiplier) ** max(0, attempts - 1)
        if self.max_jitter_factor:
            delay += int(delay * draw() * self.max_jitter_factor)
        return min(delay, self.max_delay_ns)


class Ending(Enum):
    """How an invocation that has an end came to it."""

    COMPLETED = "completed"
    FAILED = "failed"
    EXITED = "exited"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where the oplog has the end of an invocation."""

    ending: Ending
    index: OplogIndex


@dataclass(slots=True)
class WorkerState:
    """The fold of an oplog up to `last_index`."""

    last_index: OplogIndex = 0
    last_step: OplogIndex = 0
    """The last entry that is no hint."""
    status: WorkerStatus = WorkerStatus.IDLE
    create: Create | None = None
    component_version: int = 0
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    retry_counts: dict[OplogIndex, int] = field(default_factory=dict)
    pending: dict[IdempotencyKey, PendingWorkerInvocation] = field(default_factory=dict)
    """Accepted invocations that have not begun, in order."""
    outcomes: dict[IdempotencyKey, Outcome] = field(default_factory=dict)
    current: ExportedFunctionInvoked | None = None
    """The invocation that has begun and not ended."""
    last_error: Error | None = None
    """The error since the last boundary of an invocation."""
    skipped: Regions = field(default_factory=Regions)
    deleted: Regions = field(default_factory=Regions)

    def apply(self, entry: OplogEntry) -> None:
        """Fold in the entry that follows `last_index`."""
        self.last_index += 1
        match entry:
            case Create():
                self.create, self.component_version = entry, entry.component_version
            case PendingWorkerInvocation(idempotency_key=key):
                self.pending[key] = entry
            case CancelPendingInvocation(idempotency_key=key):
                self.pending.pop(key, None)
            case ExportedFunctionInvoked(idempotency_key=key):
                self.pending.pop(key, None)
                self.current = entry
                self._pass_boundary()
            case ExportedFunctionCompleted():
                self._end_current(Ending.COMPLETED)
                self._pass_boundary()
            case Error():
                self._count(entry)
            case Exited():
                self._end_current(Ending.EXITED)
            case Jump(start=start, end=end):
                self.skipped = self.skipped.adding(start, end)
            case Revert(start=start, end=end):
                self.skipped, self.deleted = self.skipped.adding(start, end), self.deleted.adding(start, end)
            case ChangeRetryPolicy():
                self.retry_policy = RetryPolicy(
                    entry.max_attempts,
                    entry.min_delay_ns,
                    entry.max_delay_ns,
                    entry.multiplier,
                    entry.max_jitter_factor,
                )
            case SuccessfulUpdate(target_version=version):
                self.component_version = version
        if not entry.hint:
            self.last_step = self.last_index
        if entry.status is not None:
            self.status = entry.status

    def _pass_boundary(self) -> None:
        self.retry_counts.clear()
        self.last_error = None

    def _end_current(self, ending: Ending) -> None:
        if self.current is not None:
            self.outcomes[self.current.idempotency_key] = Outcome(ending, self.last_index)
            self.current = None

    def _count(self, error: Error) -> None:
        self.last_error = error
        self.retry_counts[error.retry_from] = self.retry_counts.get(error.retry_from, 0) + 1
        if is_retriable(error, self.retry_counts[error.retry_from], self.retry_policy):
            self.status = WorkerStatus.RETRYING
            return
        self.status = WorkerStatus.FAILED
        if self.current is not None:  # kept as current: a revert or an update may yet take it up again
            self.outcomes[self.current.idempotency_key] = Outcome(Ending.FAILED, self.last_index)

    @property
    def attempts(self) -> int:
        """Failures of the current invocation since the last progress."""
        return 0 if self.last_error is None else self.retry_counts.get(self.last_error.retry_from, 0)

    @property
    def wants_to_run(self) -> bool:
        """Should an engine that finds this worker at its start run it? Source: SEMANTICS 1.3."""
        if self.status in (WorkerStatus.FAILED, WorkerStatus.EXITED, WorkerStatus.INTERRUPTED):
            return False
        return self.current is not None or bool(self.pending)


_ALWAYS, _NEVER = (
    {ErrorKind.OUT_OF_MEMORY},
    {
        ErrorKind.INVALID_REQUEST,
        ErrorKind.STACK_OVERFLOW,
        ErrorKind.EXCEEDED_MEMORY_LIMIT,
    },
)


def is_retriable(error: Error, count: int, policy: RetryPolicy) -> bool:
    """May the invocation be tried again after its `count`-th error from the same point?"""
    if error.kind in _ALWAYS:
        return True
    return error.kind not in _NEVER and count < policy.max_attempts


def state_of(entries: Iterable[OplogEntry]) -> WorkerState:
    """Return the fold of a whole oplog."""
    state = WorkerState()
    for entry in entries:
        state.apply(entry)
    return state
