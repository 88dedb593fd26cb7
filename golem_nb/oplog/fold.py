"""What an oplog says of its worker: pure folds, never stored as a truth of their own. Source: SEMANTICS 1.1.

How this works: `WorkerState` folds entry by entry as they are appended. An entry that makes earlier ones void (Jump,
Revert) cannot be folded like that: `is_stale` then says that the state must be made anew, by `refolded`, which knows
the regions beforehand. Entries in a deleted region (Revert) count for nothing; those in a skipped one (Jump) still
accept, cancel and end invocations, and count as errors, but leave no status.

A column of the store may cache a fold (`store.oplogs.Checkpoint`), and a test recomputes and compares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from golem_nb.model import IdempotencyKey, OplogIndex, UpdateState, WorkerStatus
from golem_nb.oplog.entries import (
    CancelPendingInvocation,
    ChangeRetryPolicy,
    Create,
    CreateResource,
    DropResource,
    Error,
    ErrorKind,
    Exited,
    ExportedFunctionCompleted,
    ExportedFunctionInvoked,
    FailedUpdate,
    Jump,
    OplogEntry,
    PendingUpdate,
    PendingWorkerInvocation,
    Revert,
    Snapshot,
    SuccessfulUpdate,
    Suspend,
)
from golem_nb.oplog.regions import Regions
from golem_nb.oplog.spans import caller_of


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
        # Beyond this the delay is the longest one for certain, and the power would be a number without end.
        exponent = min(max(0, attempts - 1), 64)
        factor = int(min(self.multiplier, 1e9)) if self.multiplier >= 0 else 0  # not a number: 0
        delay: int = self.min_delay_ns * factor**exponent
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
    caller: str = ""
    """The worker that made the invocation, if one did."""


@dataclass(frozen=True, slots=True)
class Update:
    """An update: where and when its last entry was made, and what became of it."""

    index: OplogIndex
    timestamp_us: int
    target_version: int
    state: UpdateState
    has_snapshot: bool = False
    details: str | None = None


@dataclass(frozen=True, slots=True)
class SnapshotAt:
    """Where a snapshot lies, and the component version that made it."""

    index: OplogIndex
    component_version: int


MOST_SNAPSHOTS = 8  # that are remembered: recovery takes the last one, and an earlier one where it fails


@dataclass(slots=True)
class WorkerState:
    """The fold of an oplog up to `last_index`."""

    last_index: OplogIndex = 0
    last_step: OplogIndex = 0
    """The last entry that is no hint."""
    last_timestamp_us: int = 0
    """The latest one of all entries."""
    status: WorkerStatus = WorkerStatus.IDLE
    create: Create | None = None
    component_version: int = 0
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    retry_counts: dict[OplogIndex, int] = field(default_factory=dict)
    pending: dict[IdempotencyKey, PendingWorkerInvocation] = field(default_factory=dict)
    """Accepted invocations and manual updates that have not begun, in order."""
    queued_updates: dict[IdempotencyKey, int] = field(default_factory=dict)
    """Of those, the manual updates: key -> version. Apart, because a queue may be long, and is asked at each accept."""
    outcomes: dict[IdempotencyKey, Outcome] = field(default_factory=dict)
    """In the order of their indices."""
    current: ExportedFunctionInvoked | None = None
    """The invocation that has begun and not ended."""
    current_index: OplogIndex = 0
    """Where it began; 0 where there is none."""
    last_key: IdempotencyKey = ""
    """Of the invocation that began last, also of one that a jump made void: its end is an end of that key."""
    last_caller: str = ""
    """The worker that made that one, if one did."""
    last_error: Error | None = None
    """The error since the last boundary of an invocation."""
    skipped: Regions = field(default_factory=Regions)
    deleted: Regions = field(default_factory=Regions)
    reprinted: Regions = field(default_factory=Regions)
    """What was undone on purpose, by the component's own jumps and by reverts: its output is printed again."""
    due_ns: int | None = None
    """When a suspended worker is to be woken; None where no timer does."""
    pending_updates: list[Update] = field(default_factory=list)
    finished_updates: list[Update] = field(default_factory=list)
    base: OplogIndex = 0
    """The PendingUpdate whose snapshot recovery starts from; 0 = from the beginning."""
    snapshots: list[SnapshotAt] = field(default_factory=list)
    resources: dict[int, str] = field(default_factory=dict)
    """Handles that were given out and not dropped: number -> name."""
    completed_since_snapshot: int = 0
    snapshot_us: int = 0
    """When the last snapshot was taken; at first, when the worker was created."""
    revert_keys: set[str] = field(default_factory=set)
    """Of the reverts that other workers asked for: one that a crash has them ask for again is made once."""
    is_stale: bool = False
    """An entry made earlier ones void: the fold must be made anew."""

    def apply(self, entry: OplogEntry) -> None:
        """Fold in the entry that follows `last_index`."""
        self.last_index += 1
        self.last_timestamp_us = max(self.last_timestamp_us, entry.timestamp_us)
        if self.last_index in self.deleted and not isinstance(entry, Revert):
            return
        is_skipped = self.last_index in self.skipped
        kind = type(entry)
        if (fold := _FOLDED_ALWAYS.get(kind)) is not None:
            fold(self, entry, is_skipped)
        if is_skipped:
            return
        if (fold_run := _FOLDED_UNLESS_SKIPPED.get(kind)) is not None:
            fold_run(self, entry)
        if not entry.hint:
            self.last_step = self.last_index
        if entry.status is not None:
            self.status = entry.status

    # Regions.

    def _jump(self, entry: Jump, is_skipped: bool) -> None:
        self._add_region(entry.start, entry.end)
        if entry.is_asked_for:
            self.reprinted = self.reprinted.adding(entry.start, entry.end)

    def _revert(self, entry: Revert, is_skipped: bool) -> None:
        if entry.key:
            self.revert_keys.add(entry.key)
        self._add_region(entry.start, entry.end)
        self.deleted = self.deleted.adding(entry.start, entry.end)
        self.reprinted = self.reprinted.adding(entry.start, entry.end)

    def _add_region(self, start: OplogIndex, end: OplogIndex) -> None:
        before = self.skipped
        self.skipped = before.adding(start, end)
        self.is_stale = self.is_stale or self.skipped != before

    # Invocations.

    def _create(self, entry: Create) -> None:
        self.create, self.component_version = entry, entry.component_version
        self.snapshot_us = entry.timestamp_us

    def _accept(self, entry: PendingWorkerInvocation, is_skipped: bool) -> None:
        self.pending[entry.idempotency_key] = entry
        if entry.target_version is not None:
            self.queued_updates[entry.idempotency_key] = entry.target_version

    def _cancel(self, entry: CancelPendingInvocation, is_skipped: bool) -> None:
        self.pending.pop(entry.idempotency_key, None)
        self.queued_updates.pop(entry.idempotency_key, None)

    def _take(self, entry: ExportedFunctionInvoked, is_skipped: bool) -> None:
        self.pending.pop(entry.idempotency_key, None)
        self.last_key = entry.idempotency_key
        self.last_caller = caller_of(entry.inherited) if entry.inherited else ""

    def _begin(self, entry: ExportedFunctionInvoked) -> None:
        self.current, self.current_index = entry, self.last_index
        self._pass_boundary()

    def _answer(self, entry: ExportedFunctionCompleted, is_skipped: bool) -> None:
        self._note_outcome(self.last_key, Ending.COMPLETED)

    def _complete(self, entry: ExportedFunctionCompleted) -> None:
        self.current, self.current_index = None, 0
        self._pass_boundary()
        self.completed_since_snapshot += 1

    def _end(self, entry: Exited, is_skipped: bool) -> None:
        if self.current is not None:
            self._note_outcome(self.current.idempotency_key, Ending.EXITED)

    def _exit(self, entry: Exited) -> None:
        self.current, self.current_index = None, 0

    def _pass_boundary(self) -> None:
        self.retry_counts.clear()
        self.last_error = None

    def caller_of(self, key: IdempotencyKey) -> str | None:
        """Return the worker that made the invocation with this key, "" where none did, None where there is none."""
        if key in self.outcomes:
            return self.outcomes[key].caller
        if self.current is not None and self.current.idempotency_key == key:
            return self.last_caller
        return caller_of(self.pending[key].inherited) if key in self.pending else None

    def _note_outcome(self, key: IdempotencyKey, ending: Ending) -> None:
        self.outcomes.pop(key, None)  # so that the order stays that of the indices
        self.outcomes[key] = Outcome(ending, self.last_index, self.last_caller)

    def _count(self, error: Error, is_skipped: bool) -> None:
        self.last_error = error
        self.retry_counts[error.retry_from] = self.retry_counts.get(error.retry_from, 0) + 1
        is_final = not is_retriable(error, self.retry_counts[error.retry_from], self.retry_policy)
        if not is_skipped:
            self.status = WorkerStatus.FAILED if is_final else WorkerStatus.RETRYING
        if is_final and self.current is not None:  # kept as current: a revert or an update may yet take it up again
            self._note_outcome(self.current.idempotency_key, Ending.FAILED)

    def _change_policy(self, entry: ChangeRetryPolicy) -> None:
        self.retry_policy = RetryPolicy(
            entry.max_attempts, entry.min_delay_ns, entry.max_delay_ns, entry.multiplier, entry.max_jitter_factor
        )

    def delay_after_failure_ns(self, retry_from: OplogIndex, draw: Callable[[], float]) -> int | None:
        """Return the pause behind a failure that is counted at `retry_from`; None where no attempt follows."""
        return self.retry_policy.delay_ns(self.retry_counts.get(retry_from, 0) + 1, draw)

    def is_early(self, now_ns: int) -> bool:
        """Is it not yet the time that the worker waits for?"""
        due_ns = self.wake_ns
        if self.status is WorkerStatus.RETRYING and self.last_error is not None:
            due_ns = self.last_error.due_ns
        return due_ns is not None and due_ns > now_ns

    def _suspend(self, entry: Suspend) -> None:
        self.due_ns = entry.due_ns

    def _give_handle(self, entry: CreateResource) -> None:
        self.resources[entry.id] = f"{entry.owner}#{entry.name}"

    def _take_handle(self, entry: DropResource) -> None:
        self.resources.pop(entry.id, None)

    # Updates and snapshots.

    def _snapshot(self, entry: Snapshot) -> None:
        self.snapshots = [*self.snapshots, SnapshotAt(self.last_index, entry.component_version)][-MOST_SNAPSHOTS:]
        self.completed_since_snapshot, self.snapshot_us = 0, entry.timestamp_us

    def _ask_update(self, entry: PendingUpdate, is_skipped: bool) -> None:
        version = entry.target_version
        has_snapshot = entry.snapshot is not None
        if has_snapshot:
            self._drop_manual_update(version)
        self.pending_updates.append(
            Update(self.last_index, entry.timestamp_us, version, UpdateState.PENDING, has_snapshot)
        )
        if self.status is WorkerStatus.FAILED:
            self.status = WorkerStatus.RETRYING
            if self.current is not None:  # it is tried again, and may come to another end
                self.outcomes.pop(self.current.idempotency_key, None)

    def _succeed(self, entry: SuccessfulUpdate, is_skipped: bool) -> None:
        version = entry.target_version
        front = self.pending_updates.pop(0) if self.pending_updates else None
        has_snapshot = front is not None and front.has_snapshot
        self.finished_updates.append(
            Update(self.last_index, entry.timestamp_us, version, UpdateState.SUCCESSFUL, has_snapshot, entry.details)
        )
        self.component_version = version
        if front is not None and has_snapshot:
            self.base = front.index
            self.skipped = self.skipped.adding(2, front.index)
            self.snapshots.clear()
            self.resources.clear()  # a snapshot carries no handles

    def _fail(self, entry: FailedUpdate, is_skipped: bool) -> None:
        version = entry.target_version
        if self.pending_updates and self.pending_updates[0].target_version == version:
            self.pending_updates.pop(0)
        else:
            self._drop_manual_update(version)
        self.finished_updates.append(
            Update(self.last_index, entry.timestamp_us, version, UpdateState.FAILED, details=entry.details)
        )

    def _drop_manual_update(self, version: int) -> None:
        for key, waiting in self.queued_updates.items():
            if waiting == version:
                del self.queued_updates[key]
                self.pending.pop(key, None)
                return

    # What follows from it.

    @property
    def attempts(self) -> int:
        """Failures of the current invocation since the last progress."""
        return 0 if self.last_error is None else self.retry_counts.get(self.last_error.retry_from, 0)

    @property
    def versions_ahead(self) -> list[int]:
        """The versions that the pending updates lead to, the last first; then the present one."""
        targets = [*(update.target_version for update in self.pending_updates), *self.queued_updates.values()]
        return [*reversed(targets), self.component_version]

    @property
    def is_unfinished(self) -> bool:
        """Is there something to do, once the worker may?"""
        is_retried = self.status is WorkerStatus.RETRYING  # perhaps of a recovery, with no invocation to take up
        return self.current is not None or bool(self.pending) or bool(self.pending_updates) or is_retried

    @property
    def wants_to_run(self) -> bool:
        """Should an engine that finds this worker at its start run it? Source: SEMANTICS 1.3."""
        if self.status in (WorkerStatus.FAILED, WorkerStatus.EXITED, WorkerStatus.INTERRUPTED):
            return False
        if self.pending_updates:
            return True
        # A suspended one has its time, or its promise.
        return self.status is not WorkerStatus.SUSPENDED and (self.current is not None or bool(self.pending))

    @property
    def wake_ns(self) -> int | None:
        """When a suspended worker is to be woken, NEVER where only a promise does; None for one that is not."""
        if self.status is not WorkerStatus.SUSPENDED:
            return None
        return NEVER if self.due_ns is None else min(self.due_ns, NEVER)


# What counts in skipped regions, too: what was accepted, and what came of it.
_FOLDED_ALWAYS: dict[type[OplogEntry], Callable[[WorkerState, Any, bool], None]] = {
    PendingWorkerInvocation: WorkerState._accept,
    CancelPendingInvocation: WorkerState._cancel,
    ExportedFunctionInvoked: WorkerState._take,
    ExportedFunctionCompleted: WorkerState._answer,
    Exited: WorkerState._end,
    Error: WorkerState._count,
    PendingUpdate: WorkerState._ask_update,
    SuccessfulUpdate: WorkerState._succeed,
    FailedUpdate: WorkerState._fail,
    Jump: WorkerState._jump,
    Revert: WorkerState._revert,
}
_FOLDED_UNLESS_SKIPPED: dict[type[OplogEntry], Callable[[WorkerState, Any], None]] = {
    Create: WorkerState._create,
    ExportedFunctionInvoked: WorkerState._begin,
    ExportedFunctionCompleted: WorkerState._complete,
    Exited: WorkerState._exit,
    ChangeRetryPolicy: WorkerState._change_policy,
    Suspend: WorkerState._suspend,
    CreateResource: WorkerState._give_handle,
    DropResource: WorkerState._take_handle,
    Snapshot: WorkerState._snapshot,
}

NEVER = (1 << 63) - 1

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
    kept = list(entries)
    return refolded(WorkerState, lambda: kept)


def refolded(start: Callable[[], WorkerState], entries: Callable[[], Iterable[OplogEntry]]) -> WorkerState:
    """Return the fold of `start()` and all that follows it, without what a later Jump or Revert makes void.

    `entries` is read once, and twice more where there is such an entry.
    """
    state = _folded(start(), entries())
    if not state.is_stale:
        return state
    known = start()
    for entry in entries():
        match entry:
            case Jump(start=first, end=last):
                known.skipped = known.skipped.adding(first, last)
            case Revert(start=first, end=last):
                known.skipped = known.skipped.adding(first, last)
                known.deleted = known.deleted.adding(first, last)
    return _folded(known, entries())


def _folded(state: WorkerState, entries: Iterable[OplogEntry]) -> WorkerState:
    for entry in entries:
        state.apply(entry)
    return state
