"""One worker: its journal, its queue, its callers, and at most one instance of its component at a time.

How this works: the queue is the fold's `pending`, so it is as durable as the oplog. While there is work, one thread of
the engine's runs `_run`: it recovers an instance where there is none (a fresh one meets all recorded invocations again,
and goes on live with the one that was cut off), then takes invocations in order. Every way out of a running invocation
is an exception, and each has one method that writes its entry and decides what comes next:

    it returned           ExportedFunctionCompleted          the next one
    Interrupt             Interrupted                        wait for resume, or another invocation
    Suspended             Suspend                            wait for the time
    Restart               nothing                            replay at once
    Unload                nothing                            the worker object is let go
    Exit                  Exited                             no more
    anything else         Error                              after a delay replay, or no more

This is one long file because all of it turns on the same few fields (what runs, what was asked of it, the lock): spread
over several, none could be read alone. What needs none of them has gone out: callers, durability, scheduling, events.

Callers wait on futures, which `callers` resolves when the entries that they speak of are stored.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from golem_nb.engine.callers import Callers, Result, Waiter, answer, done, own
from golem_nb.engine.durability import Durability
from golem_nb.engine.events import EventHub
from golem_nb.engine.host_context import Surroundings, WorkerHost
from golem_nb.engine.journal import Journal
from golem_nb.engine.replay import ReplayCursor
from golem_nb.engine.scheduler import Threads, Timers
from golem_nb.engine.stopping import Interrupt, Restart, Stop, Suspended, Unload
from golem_nb.errors import (
    BadInput,
    EngineStopped,
    GolemError,
    InvocationFailed,
    InvocationInterrupted,
    NotResumable,
    PreviousInvocationFailed,
    StoreFailed,
    WorkerExited,
)
from golem_nb.host.declare import Exit
from golem_nb.model import (
    ComponentId,
    EventType,
    IdempotencyKey,
    LogLevel,
    WorkerEvent,
    WorkerId,
    WorkerMetadata,
    WorkerStatus,
)
from golem_nb.oplog import entries
from golem_nb.oplog.entries import (
    CancelPendingInvocation,
    Error,
    ErrorKind,
    Exited,
    ExportedFunctionCompleted,
    ExportedFunctionInvoked,
    Interrupted,
    Log,
    OplogEntry,
    PendingWorkerInvocation,
    Recorded,
    Suspend,
)
from golem_nb.oplog.fold import Outcome
from golem_nb.values.check import handles_in
from golem_nb.values.types import Handle, TypedValue
from golem_nb.wasm.instance import GuestTrap, Instance, TrapKind
from golem_nb.wasm.link import LinkedComponent

STDERR_LINES = 128  # of the last invocation, for error reports. Source: SEMANTICS 3.9
_STDERR_LEVELS = {LogLevel.STDERR, LogLevel.WARN, LogLevel.ERROR, LogLevel.CRITICAL}
START_AGAIN_NS = 100_000_000  # after the system had no thread or memory for it; doubled up to 30 times that
STARTS_BEFORE_CALLERS_ARE_TOLD = 5
_RANK: dict[type[Stop], int] = {Suspended: 0, Restart: 0, Interrupt: 1, Unload: 2}
_ENDED = (WorkerStatus.FAILED, WorkerStatus.EXITED)

log = logging.getLogger("golem_nb.engine")


class _CannotStart(Exception):
    """There is no instance now, for want of memory, files or the like; later there may be."""


class Services(Protocol):
    """What a worker asks of its engine."""

    surroundings: Surroundings
    threads: Threads
    timers: Timers
    memory_limit_bytes: int | None

    def linked(self, component_id: ComponentId, version: int) -> LinkedComponent: ...

    def draw(self) -> float:
        """Return a number from 0 to 1, exclusive, for the jitter of retries."""

    def note_idle(self, worker: Worker) -> None:
        """A worker with a loaded instance has nothing to do."""

    def note_broken(self, worker: Worker) -> None:
        """A worker's journal is ahead of what is stored: it must be loaded anew."""


@dataclass(frozen=True, slots=True)
class _Live:
    """An instance and its way through the oplog."""

    instance: Instance
    host: WorkerHost
    durability: Durability
    linked: LinkedComponent


class Worker:
    def __init__(self, id: WorkerId, number: int, journal: Journal, services: Services) -> None:
        self.id, self.number, self.journal = id, number, journal
        self.events = EventHub()
        self._services = services
        self._lock = threading.Condition(threading.RLock())
        self._wake = threading.Event()
        self._callers = Callers()
        self._live: _Live | None = None
        self._is_running = False
        self._is_paused = journal.state.status is WorkerStatus.INTERRUPTED
        self._must_recover = False
        self._stop: Stop | None = None
        self._gone_because: GolemError | None = None
        self._timer: int | None = None
        self._failed_starts = 0
        self._stderr: deque[str] = deque(maxlen=STDERR_LINES)

    # What the engine asks for, from any thread.

    def accept(
        self, function: str, request: Sequence[Recorded], key: IdempotencyKey, waiter: Waiter | None
    ) -> Future[None]:
        """Take an invocation; the future resolves when it is durably accepted. `waiter` gets its result.

        A key that is known joins the invocation it belongs to: function and parameters are not compared.

        Raises:
            PreviousInvocationFailed, WorkerExited: The worker takes no new invocations.
        """
        with self._lock:
            self._check_not_gone()
            state = self.journal.state
            with self.journal.lock:  # an invocation passes from one to the next while its thread runs
                outcome = state.outcomes.get(key)
                is_known = key in state.pending or (state.current is not None and state.current.idempotency_key == key)
            if outcome is not None:
                return self._answer_again(outcome, waiter)
            if not is_known:
                self._check_takes_invocations()
                self.journal.append(lambda now: PendingWorkerInvocation(now, key, function, tuple(request)))
            if waiter is not None:
                self._callers.join(key, waiter)
            if not is_known or state.status is not WorkerStatus.INTERRUPTED:
                self._unpause()
            # An awaited caller learns of the acceptance by its answer: its entry may share that commit.
            accepted = done() if waiter is not None else own(self.journal.commit())
            self._start()
            return accepted

    def interrupt(self, recover_immediately: bool) -> None:
        """End what runs now; return when that is so. Nothing happens to a worker that does nothing."""
        with self._lock:
            self._check_not_gone()
            if self._is_running:
                self._ask(Restart() if recover_immediately else Interrupt())
                if not recover_immediately:
                    self._lock.wait_for(lambda: not self._is_running or self._stop is None, timeout=2.0)
            elif self.journal.state.status is WorkerStatus.SUSPENDED and not recover_immediately:
                # Golem writes nothing here; with the entry the status says what happened (ADVICE of SEMANTICS 1.5).
                self._interrupted()

    def resume(self) -> None:
        """Go on with what was interrupted or suspended.

        Raises:
            NotResumable: The worker runs, or is being retried.
            PreviousInvocationFailed, WorkerExited: It takes no more invocations.
        """
        with self._lock:
            self._check_not_gone()
            self._check_takes_invocations()
            if self._status is WorkerStatus.RUNNING and self._is_running:
                raise NotResumable(f"Worker {self.id} is not suspended, interrupted or idle")
            self._unpause()
            stored = self.journal.commit()
            self._start()
        stored.result()

    def crash(self) -> None:
        """Lose the instance, as in a crash of the engine: write nothing, replay at once."""
        with self._lock:
            self._check_not_gone()
            if self.journal.state.status in _ENDED or self._is_paused:
                self._unload_idle()
                return
            self._must_recover = True
            if self._is_running:
                self._ask(Restart())
            else:
                self._unload_idle()
                self._start()

    def start_if_wanted(self) -> None:
        """Run if the oplog says that something is unfinished."""
        with self._lock:
            self._start()

    def refuse(self, reason: GolemError) -> None:
        """Take nothing more from now on: whoever asks is told the reason."""
        with self._lock:
            self._gone_because = self._gone_because or reason

    def wait_until_idle(self, timeout_s: float) -> None:
        with self._lock:
            self._lock.wait_for(lambda: not self._is_running, timeout_s)

    def unload(self, reason: GolemError) -> None:
        """Tell what runs to stop, without a trace in the oplog; return at once."""
        with self._lock:
            self.refuse(reason)
            self._ask(Unload())

    def let_go(self, reason: GolemError) -> None:
        """`unload`; return when nothing runs any more. Callers that still wait get the reason."""
        with self._lock:
            self.unload(reason)
            self._lock.wait_for(lambda: not self._is_running)
            self._unload_idle()
            if self._timer is not None:
                self._services.timers.cancel(self._timer)
            self._callers.fail_all(lambda key: reason)
        self.events.end_all()

    def _ask(self, stop: Stop) -> None:
        """Have what runs end in this way, unless it was asked for one that goes further."""
        if self._stop is None or _RANK[type(stop)] > _RANK[type(self._stop)]:
            self._stop = stop
        self._wake.set()
        self._services.surroundings.slots.wake()

    def _unpause(self) -> None:
        """Let a paused worker run again; that it does not stay Interrupted must outlive a crash."""
        self._is_paused = False
        if self.journal.state.status is WorkerStatus.INTERRUPTED:
            self.journal.append(entries.Restart)

    def unload_if_idle(self) -> bool:
        """Drop the instance of a worker that does nothing, to free its memory."""
        with self._lock:
            if self._is_running:
                return False
            self._unload_idle()
            return True

    @property
    def is_busy(self) -> bool:
        return self._is_running

    @property
    def is_beyond_use(self) -> bool:
        """Must the worker be loaded anew? (While it runs, its thread sees to that.)"""
        return self.journal.is_broken and not self._is_running

    @property
    def _status(self) -> WorkerStatus:
        """The oplog's word; but one that was resumed, and has not come to its next entry, runs."""
        state = self.journal.state
        is_resumed = state.status is WorkerStatus.IDLE and state.current is not None and self._is_running
        return WorkerStatus.RUNNING if is_resumed else state.status

    def metadata(self, component_size: int) -> WorkerMetadata:
        with self._lock, self.journal.lock:
            state = self.journal.state
            assert state.create is not None, "entry 1 is Create"
            return WorkerMetadata(
                worker_id=self.id,
                status=self._status,
                component_version=state.component_version,
                created_at=_datetime(state.create.timestamp_us),
                args=state.create.args,
                env=dict(state.create.env),
                pending_invocation_count=len(state.pending),
                retry_count=state.attempts,
                last_error=None if state.last_error is None else _with_stderr(state.last_error),
                component_size_bytes=component_size,
                last_index=state.last_index,
                entries_replayed=self._live.durability.entries_replayed if self._live else None,
                skipped_regions=state.skipped.ranges,
                deleted_regions=state.deleted.ranges,
            )

    # The thread that runs.

    def _start(self) -> None:
        if self._is_running or self._gone_because is not None or not self._has_work():
            return
        self._is_running = True
        try:
            self._services.threads.run(self._run)
        except RuntimeError as error:
            self._is_running = False
            log.warning("worker %s: the system gives no thread (%s); it is started later", self.id, error)
            due_ns = self._services.surroundings.clock.now_ns() + START_AGAIN_NS
            self._services.timers.call_at(due_ns, self.start_if_wanted)

    def _has_work(self) -> bool:
        state = self.journal.state
        if self._is_paused or state.status in _ENDED:
            return False
        is_retried = state.status is WorkerStatus.RETRYING  # perhaps of a recovery, with no invocation to take up
        return state.current is not None or bool(state.pending) or self._must_recover or is_retried

    def _run(self) -> None:
        has_more = True
        while has_more:
            with self._services.surroundings.slots.taken(lambda: self._stop is not None):
                has_more = self._step()
        if self._live is not None:
            self._services.note_idle(self)

    def _step(self) -> bool:
        """Do one thing: recover, or one invocation. Return False, and be idle, when there is nothing to do."""
        with self._lock:
            if self.journal.is_broken:
                self._give_up()
                return False
            if isinstance(self._stop, Interrupt) and self.journal.state.status is WorkerStatus.SUSPENDED:
                self._interrupted()  # it came while the invocation suspended itself
            if isinstance(self._stop, Unload) or not self._has_work():
                self._rest()
                return False
        try:
            self._advance_and_record()
        except StoreFailed as error:
            log.warning("worker %s: %s", self.id, error)  # the next step gives up
        return True

    def _advance_and_record(self) -> None:
        try:
            if self._stop is not None:
                raise self._stop
            self._advance()
        except Stop as stop:
            self._stopped(stop)
        except Exit as exit:
            self._exited(exit)
        except _CannotStart as error:
            self._try_again_later(error)
        except BaseException as error:  # a trap, a mismatch, or a bug of ours: in any case this invocation's failure
            if not self.journal.is_broken:
                self._failed(error)

    def _rest(self) -> None:
        self._is_running = False
        if not isinstance(self._stop, Unload):
            self._stop = None
        self._lock.notify_all()

    def _give_up(self) -> None:
        """Let go of everything in memory: the store did not take what it says."""
        log.error("worker %s: its oplog could not be stored; it is loaded anew when it is next needed", self.id)
        reason = StoreFailed("the oplog could not be stored; try again with the same key")
        self._gone_because = self._gone_because or reason
        self._is_running = False
        self._drop_instance()
        self._callers.fail_all(lambda key: reason)
        self._services.note_broken(self)
        self._lock.notify_all()

    def _advance(self) -> None:
        if self._live is None:
            self._recover()
            return
        with self.journal.lock:
            pending = next(iter(self.journal.state.pending.values()), None)
        if pending is not None:
            self._begin(pending)

    def _recover(self) -> None:
        """Make an instance and let it meet everything recorded; it ends live, between two invocations."""
        self._must_recover = False
        self.journal.commit().result()
        state = self.journal.state
        assert state.create is not None, "entry 1 is Create"
        cursor = ReplayCursor(self.journal.stored_entries(), state.skipped)
        durability = Durability(self.journal, cursor)
        try:
            linked = self._services.linked(self.id.component_id, state.component_version)
        except Exception as error:
            raise _CannotStart(str(error)) from error
        host = WorkerHost(
            self._services.surroundings,
            self.journal,
            durability,
            urn=f"urn:worker:{self.id}",
            args=state.create.args,
            env=tuple(self._environment(state.create.env, state.component_version).items()),
            output=self._output,
            wake=self._wake,
            stop=lambda: self._stop,
        )
        try:
            instance = Instance(linked, host, memory_limit_bytes=self._services.memory_limit_bytes)
        except GuestTrap as trap:
            if trap.kind is not TrapKind.NO_ROOM:
                raise
            raise _CannotStart(str(trap)) from trap
        except (MemoryError, OSError) as error:
            raise _CannotStart(str(error)) from error
        self._failed_starts = 0
        self._live = _Live(instance, host, durability, linked)
        while (invoked := durability.next_invocation()) is not None:
            self._execute(self._live, invoked)

    def _environment(self, env: dict[str, str], version: int) -> dict[str, str]:
        """Return what the component sees. Source: SEMANTICS 1.4."""
        own = {
            "GOLEM_AGENT_ID": self.id.name,
            "GOLEM_WORKER_NAME": self.id.name,
            "GOLEM_COMPONENT_ID": str(self.id.component_id),
            "GOLEM_COMPONENT_VERSION": str(version),
        }
        return {**env, **own}

    def _begin(self, pending: PendingWorkerInvocation) -> None:
        live, key = self._live, pending.idempotency_key
        assert live is not None, "recovered before"
        try:
            _check_handles(live.instance, pending.input)
        except BadInput as error:
            self.journal.append(lambda now: CancelPendingInvocation(now, key))
            self._settle(key, error)
            return
        invoked: list[ExportedFunctionInvoked] = []

        def make(now: int) -> OplogEntry:
            trace, span = secrets.token_hex(16), secrets.token_hex(8)  # W3C's sizes
            invoked.append(ExportedFunctionInvoked(now, pending.function_name, pending.input, key, trace, span))
            return invoked[0]

        self.journal.append(make)
        self._publish_invocation(EventType.INVOCATION_START, invoked[0])
        self._execute(live, invoked[0])

    def _execute(self, live: _Live, invoked: ExportedFunctionInvoked) -> None:
        """Run an invocation, recorded or new, to its end; a recorded one may turn live on its way."""
        live.durability.invocation_key = invoked.idempotency_key
        self._stderr.clear()
        export = live.linked.compiled.export(invoked.function_name)
        value = live.instance.call(export, [r.typed().value for r in invoked.request])
        type = export.type.result
        ends_live = live.durability.is_live
        live.durability.complete(None if type is None else Recorded.of(type, value))
        if ends_live:
            self._publish_invocation(EventType.INVOCATION_FINISHED, invoked)
            self._settle(invoked.idempotency_key, None if type is None else TypedValue(type, value))

    # The ways out of a running invocation.

    def _stopped(self, stop: Stop) -> None:
        current = self.journal.state.current
        with self._lock:
            self._drop_instance()
            if self._stop is stop:
                self._stop = None
            match stop:
                case Interrupt():
                    self._finished_without_result(current)
                    self._interrupted()
                case Suspended(due_ns=due_ns):
                    self._is_paused = True
                    self.journal.append(Suspend)
                    self.journal.commit()
                    self._wake_up_at(due_ns)
                case Unload():
                    self._stop = stop
            self._lock.notify_all()

    def _interrupted(self) -> None:
        self._is_paused = True
        self.journal.append(Interrupted)
        stored = self.journal.commit()
        self._callers.fail_all(lambda key: InvocationInterrupted(), stored)
        self.events.end_all()

    def _wake_up_at(self, due_ns: int) -> None:
        if self._timer is not None:
            self._services.timers.cancel(self._timer)
        self._timer = self._services.timers.call_at(due_ns, self._wake_up)

    def _wake_up(self) -> None:
        with self._lock:
            self._timer = None
            if self.journal.state.status is WorkerStatus.SUSPENDED:
                self._is_paused = False
                self._start()

    def _exited(self, exit: Exit) -> None:
        current = self.journal.state.current
        with self._lock:
            self._drop_instance()
            self.journal.append(lambda now: Exited(now, exit.code))
            stored = self.journal.commit()
            self._finished_without_result(current)
            self._callers.fail_all(lambda key: WorkerExited(f"Process exited with code {exit.code}"), stored)

    def _failed(self, error: BaseException) -> None:
        current, live = self.journal.state.current, self._live
        retry_from = live.durability.retry_point() if live else self.journal.state.last_step
        kind, cause, stderr = _error_kind(error), _cause(error), "".join(self._stderr)
        if not isinstance(error, GuestTrap | GolemError):
            log.warning("worker %s: an invocation failed", self.id, exc_info=error)
        with self._lock:
            self._drop_instance()
            self.journal.append(lambda now: Error(now, kind, cause, stderr, retry_from))
            stored = self.journal.commit()
            self._finished_without_result(current)
            state = self.journal.state
            if state.status is WorkerStatus.FAILED:
                failed = None if current is None else current.idempotency_key
                self._callers.fail_all(
                    lambda key: (InvocationFailed if key == failed else PreviousInvocationFailed)(cause, stderr), stored
                )
                return
            delay_ns = state.retry_policy.delay_ns(state.attempts, self._services.draw) or 0
        self._pause_before_retry(delay_ns)

    def _try_again_later(self, error: _CannotStart) -> None:
        """There is no room for an instance now: that is no failure of the invocation, which stays accepted."""
        self._failed_starts += 1
        log.warning("worker %s cannot be started: %s (attempt %d)", self.id, error, self._failed_starts)
        if self._failed_starts >= STARTS_BEFORE_CALLERS_ARE_TOLD:
            with self._lock:
                self._callers.fail_all(
                    lambda key: EngineStopped(f"the worker cannot be started now: {error}; the invocation stays queued")
                )
        self._pause_before_retry(min(START_AGAIN_NS * 2**self._failed_starts, 30 * START_AGAIN_NS))

    def _pause_before_retry(self, delay_ns: int) -> None:
        clock = self._services.surroundings.clock
        due_ns = clock.now_ns() + delay_ns
        with self._services.surroundings.slots.given_back(lambda: self._stop is not None):
            while self._stop is None and (left_ns := due_ns - clock.now_ns()) > 0:
                self._wake.clear()
                if self._stop is None:
                    self._wake.wait(left_ns / 1e9)

    def _finished_without_result(self, current: ExportedFunctionInvoked | None) -> None:
        if current is not None:
            self._publish_invocation(EventType.INVOCATION_FINISHED, current)

    def _drop_instance(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            live.instance.close()
            live.host.close()

    def _unload_idle(self) -> None:
        if not self._is_running:
            self._drop_instance()

    # Callers.

    def _check_not_gone(self) -> None:
        if self._gone_because is not None:
            raise self._gone_because

    def _check_takes_invocations(self) -> None:
        """Source: SEMANTICS 1.5, note on `ensure_not_failed`."""
        state = self.journal.state
        if state.status is WorkerStatus.EXITED:
            raise WorkerExited()
        if state.last_error is not None:
            raise PreviousInvocationFailed(state.last_error.message, state.last_error.stderr)

    def _answer_again(self, outcome: Outcome, waiter: Waiter | None) -> Future[None]:
        """Give the stored result of an invocation that has ended."""
        stored = own(self.journal.commit())
        if waiter is not None:
            answer(waiter, stored, lambda: self._result_at(outcome))
        return stored

    def _result_at(self, outcome: Outcome) -> Result:
        _, entry = next(self.journal.stored_entries(outcome.index))
        match entry:
            case ExportedFunctionCompleted(response=response):
                return None if response is None else response.typed()
            case Error(message=cause, stderr=stderr):
                raise InvocationFailed(cause, stderr)
        raise WorkerExited("Process exited")

    def _settle(self, key: IdempotencyKey, result: Result | GolemError) -> None:
        """Give the callers of an invocation its result, or refusal, as soon as that is stored."""
        with self._lock:
            self._callers.settle(key, result, self.journal.commit())

    # Events.

    def _output(self, level: LogLevel, context: str, message: str, is_new: bool) -> None:
        if level in _STDERR_LEVELS:
            self._stderr.append(message if level is LogLevel.STDERR else f"[{level.upper()}] [{context}] {message}\n")
        if not is_new:
            return
        self.journal.append(lambda now: Log(now, level, context, message))
        kinds = {LogLevel.STDOUT: EventType.STDOUT, LogLevel.STDERR: EventType.STDERR}
        kind = kinds.get(level, EventType.LOG)
        fields = {"context": context} if context else {}
        shown = level.value if kind is EventType.LOG else None
        self.events.publish(WorkerEvent(kind, _datetime(self.journal.last_timestamp_us), message, shown, fields))

    def _publish_invocation(self, kind: EventType, invoked: ExportedFunctionInvoked) -> None:
        context = {"function": invoked.function_name, "idempotencyKey": invoked.idempotency_key}
        at = _datetime(self.journal.last_timestamp_us)
        self.events.publish(WorkerEvent(kind, at, invoked.function_name, None, context))


def _check_handles(instance: Instance, request: Sequence[Recorded]) -> None:
    """Check the handles among the parameters before anything is recorded.

    Raises:
        BadInput: One belongs to another worker, was dropped, or is given away twice.
    """
    given_away: set[Handle] = set()
    for recorded in request:
        if "<" not in recorded.type:  # as cheap as can be for what has no handles
            continue
        typed = recorded.typed()
        assert typed.type is not None, "only results have none"
        for type, handle in handles_in(typed.type, typed.value):
            instance.guest_handles.lower(handle)
            if handle in given_away:
                raise BadInput(f"the handle {handle} is given away, so it cannot be passed a second time")
            if type.owned:
                given_away.add(handle)


def _error_kind(error: BaseException) -> ErrorKind:
    if isinstance(error, GuestTrap) and error.kind is TrapKind.STACK_OVERFLOW:
        return ErrorKind.STACK_OVERFLOW
    return ErrorKind.UNKNOWN


def _cause(error: BaseException) -> str:
    if isinstance(error, GuestTrap) and error.kind is TrapKind.STACK_OVERFLOW:
        return "Stack overflow"
    return str(error) or type(error).__name__


def _with_stderr(error: Error) -> str:
    return f"{error.message}\n\n{error.stderr}" if error.stderr else error.message


def _datetime(timestamp_us: int) -> datetime:
    return datetime.fromtimestamp(timestamp_us / 1e6, UTC)
