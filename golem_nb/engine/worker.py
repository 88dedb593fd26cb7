"""One worker: its journal, its queue, its callers, and at most one instance of its component at a time.

How this works: the queue is the fold's `pending`, so it is as durable as the oplog. While there is work, one thread of
the engine's runs `_run`: it recovers an instance where there is none (a fresh one meets all recorded invocations again,
and goes on live with the one that was cut off), then takes invocations in order. Every way out of a running invocation
is an exception, and each has one method that writes its entry and decides what comes next:

    it returned           ExportedFunctionCompleted          the next one
    Interrupt             Interrupted                        wait for resume, or another invocation
    Suspended             Suspend                            wait for the time, or the promise
    Restart, Jumped       nothing (a Jump is there)          replay at once
    Collapse              nothing                            replay when it is next asked for anything
    Unload                nothing                            the worker object is let go
    Exit                  Exited                             no more
    anything else         Error                              after a delay replay, or no more

An update is an attempt to recover in another way (`recovery`): what fails before replay is over fails the update, not
the worker, which then recovers as it was.

This is one long file because all of it turns on the same few fields (what runs, what was asked of it, the lock): spread
over several, none could be read alone. What needs none of them has gone out.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from typing import Any

from golem_nb.engine import checks, execution, recovery
from golem_nb.engine.callers import Callers, Result, Waiter, answer_again, done, own
from golem_nb.engine.events import EventHub, Subscription
from golem_nb.engine.execution import CannotStart, Execution
from golem_nb.engine.invocation import Invocation, begun
from golem_nb.engine.journal import Journal
from golem_nb.engine.metadata import metadata_of
from golem_nb.engine.output import WorkerOutput
from golem_nb.engine.reads import Read, answer_reads
from golem_nb.engine.recovery import Plan
from golem_nb.engine.services import Services
from golem_nb.engine.stopping import Collapse, Interrupt, Jumped, Restart, Stop, Suspended, Unload
from golem_nb.engine.updates import Updates
from golem_nb.errors import (
    BadInput,
    EngineStopped,
    GolemError,
    InvocationFailed,
    InvocationInterrupted,
    InvocationNotFound,
    NotResumable,
    PreviousInvocationFailed,
    StoreFailed,
    WorkerExited,
)
from golem_nb.host.declare import Exit, Trap
from golem_nb.model import (
    EventType,
    IdempotencyKey,
    UpdateMode,
    WorkerId,
    WorkerMetadata,
    WorkerStatus,
)
from golem_nb.oplog import entries
from golem_nb.oplog.entries import (
    CancelPendingInvocation,
    Error,
    Exited,
    ExportedFunctionInvoked,
    Interrupted,
    OplogEntry,
    PendingWorkerInvocation,
    Suspend,
)
from golem_nb.oplog.fold import NEVER
from golem_nb.wasm.instance import GuestTrap

START_AGAIN_NS = 100_000_000  # after the system had no thread or memory for it; doubled up to 30 times that
STARTS_BEFORE_CALLERS_ARE_TOLD = 5
_ENDED = (WorkerStatus.FAILED, WorkerStatus.EXITED)
_WAITING = (WorkerStatus.INTERRUPTED, WorkerStatus.SUSPENDED, WorkerStatus.RETRYING)

log = logging.getLogger("golem_nb.engine")


class Evicted(Exception):
    """This object is out of use, because its worker was idle; the engine has, or makes, another one for it."""


class Worker:
    def __init__(self, id: WorkerId, number: int, journal: Journal, events: EventHub, services: Services) -> None:
        self.id, self.number, self.journal, self.events = id, number, journal, events
        self._services = services
        self._lock = threading.Condition(threading.RLock())
        self._wake = threading.Event()
        self._callers = Callers()
        self._live: Execution | None = None
        self._is_running = False
        self._is_paused = journal.state.status in _WAITING
        self._must_recover = False
        self._stop: Stop | None = None
        self._gone_because: GolemError | Evicted | None = None
        self._timer: int | None = None
        self._failed_starts, self._must_start = 0, False
        self._updates = Updates(id, journal, services)
        self._output = WorkerOutput(journal, self.events)

    # What the engine asks for, from any thread.

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Have the lock of an object that is of use. Raises why it is not."""
        with self._lock:
            if self._gone_because is not None:
                raise self._gone_because
            yield

    def accept(self, invocation: Invocation, waiter: Waiter | None) -> Future[None]:
        """Take an invocation; the future resolves when it is durably accepted. `waiter` gets its result.

        A key that is known joins the invocation it belongs to: function and parameters are not compared.

        Raises:
            PreviousInvocationFailed, WorkerExited: The worker takes no new invocations.
        """
        with self._held():
            state = self.journal.state
            with self.journal.lock:  # an invocation passes from one to the next while its thread runs
                invocation = invocation.told_apart(state)
                key = invocation.key
                outcome = state.outcomes.get(key)
                is_known = key in state.pending or (state.current is not None and state.current.idempotency_key == key)
            if outcome is not None:
                return answer_again(self.journal, outcome, waiter)
            if not is_known:
                checks.check_takes_invocations(self.journal.state)
                self.journal.append(invocation.pending)
            if waiter is not None:
                self._callers.join(key, waiter)
            if not is_known and state.status in (WorkerStatus.INTERRUPTED, WorkerStatus.SUSPENDED):
                self._unpause()
            # An awaited caller learns of the acceptance by its answer: its entry may share that commit.
            accepted = done() if waiter is not None else own(self.journal.commit())
            self._start()
            return accepted

    def read_files(self, read: Read) -> Future[Any]:
        """Look at the worker's files when the invocations accepted before are over. Raises what `accept` does."""
        with self._held():
            checks.check_takes_invocations(self.journal.state)
            with self.journal.lock:
                answer = self._callers.reads.add(self.journal.state.pending, read)
            if self.journal.state.status in (WorkerStatus.INTERRUPTED, WorkerStatus.SUSPENDED):
                self._unpause()
                self.journal.commit()
            self._start()
            return answer

    def interrupt(self, recover_immediately: bool) -> None:
        """End what runs now; return when that is so, and stored. Nothing happens to a worker that does nothing."""
        with self._held():
            if self._is_running:
                self._ask(Restart() if recover_immediately else Interrupt(), wait=not recover_immediately)
            elif self._is_waiting and not recover_immediately:
                # Golem writes nothing here; with the entry the status says what happened (ADVICE of SEMANTICS 1.5).
                self._interrupted()
            stored = self.journal.commit()
        stored.result()

    @property
    def _is_waiting(self) -> bool:
        """Does work wait for its time, its promise or its next attempt, or lie where it crashed, if only queued?"""
        state, is_halted = self.journal.state, self._is_paused or self._is_down
        return is_halted and state.is_unfinished and state.status is not WorkerStatus.INTERRUPTED

    def resume(self) -> None:
        """Go on with what was interrupted or suspended.

        Raises:
            NotResumable, PreviousInvocationFailed, WorkerExited: There is nothing to go on with.
        """
        with self._held():
            checks.check_takes_invocations(self.journal.state)
            if self._status is WorkerStatus.RUNNING and self._is_running and not self._is_down:
                raise NotResumable(f"Worker {self.id} is not suspended, interrupted or idle")
            self._unpause()
            stored = self.journal.commit()
            self._start()
        stored.result()

    def crash(self, recover: bool = True) -> None:
        """Lose the instance, as in a crash of the engine, and write nothing; replay at once, or when asked for next."""
        with self._held():
            if self.journal.state.status in _ENDED or self._is_paused:
                self._unload_idle()
                return
            self._must_recover = recover or self._is_running  # one that is about to rest would not be stopped
            self._unload_idle()
            if self._is_running:
                self._ask(Restart() if recover else Collapse(), wait=True)  # who asks next meets the old one no more
            if recover:
                self._start()

    def update(self, target_version: int, mode: UpdateMode) -> None:
        """Accept an update; what becomes of it, the oplog and the metadata say. Source: SEMANTICS 6.1, 6.2.

        Raises:
            UpdateRefused: The worker is on that version, or the same update is under way.
        """
        with self._held():
            self._updates.accept(target_version, mode)
            if mode is UpdateMode.AUTOMATIC and self.journal.state.status is not WorkerStatus.EXITED:
                self._unpause()
                self._ask(Restart())
            stored = self.journal.commit()
            self._start()
        stored.result()

    def cancel(self, key: IdempotencyKey) -> bool:
        """Take an invocation out of the queue; return False where it has begun. Source: SEMANTICS 1.5.

        Raises:
            InvocationNotFound: There is none with this key.
        """

        def cancelled(now: int) -> OplogEntry:
            checks.check_pending(self.journal.state, key)  # until the entry is there, it may begin
            return CancelPendingInvocation(now, key)

        with self._held():
            try:
                self.journal.append(cancelled)
            except InvocationNotFound:
                state = self.journal.state
                if key in state.outcomes or (state.current is not None and state.current.idempotency_key == key):
                    return False
                raise
            stored = self.journal.commit()
            self._callers.settle(key, InvocationNotFound(f"the invocation {key} was cancelled"), stored)
        stored.result()
        return True

    def promise_completed(self) -> None:
        """Go on, if this is what the worker waits for, or it was interrupted. Source: SEMANTICS 1.5."""
        with self._held():
            self._wake.set()
            is_asleep = self.journal.state.status in (WorkerStatus.SUSPENDED, WorkerStatus.INTERRUPTED)
            if is_asleep and not self._is_down:
                self._unpause()
                self._start()

    def wake_up(self) -> None:
        """The time has come that the worker waits for."""
        with self._held():
            state = self.journal.state
            is_due = self._is_paused and not self._is_down and not state.is_early(self._now_ns())
            if not (is_due or self._must_start):
                return  # a timer that an object of this worker left over, which was let go of
            self._timer, self._must_start = None, False
            if state.status is not WorkerStatus.INTERRUPTED:
                self._is_paused = False
                self._start()

    def start_as_reverted(self) -> None:
        """Do nothing but what the oplog now ends in the middle of: the pause before an attempt, or a sleep."""
        with self._held():
            self._services.left_down.discard(self.number)
            state = self.journal.state
            if state.status is WorkerStatus.RETRYING:
                self._is_paused = False
                self._start()
            elif state.status is WorkerStatus.SUSPENDED:
                self._wake_up_at(state.due_ns)

    def start_after_crash(self) -> None:
        """Go on with what was cut off, and look whether what was waited for is there."""
        with self._held():
            self._is_paused = self.journal.state.status is WorkerStatus.INTERRUPTED
            self._start()

    def start_as_forked(self) -> None:
        """Go on from where the history was cut, whatever the source did then. Source: SEMANTICS 5.9."""
        with self._held():
            self._unpause()
            self._start()

    def subscribe(self) -> Subscription:
        """Return the worker's events; raise what keeps it from having any. Source: SEMANTICS 9.3."""
        with self._held():
            if self.journal.state.status is WorkerStatus.INTERRUPTED:
                raise InvocationInterrupted()
            if self.journal.state.status in _ENDED:
                checks.check_takes_invocations(self.journal.state)
            return self.events.subscribe()

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

    def _ask(self, stop: Stop, *, wait: bool = False) -> None:
        """Have what runs end in this way, unless it was asked for one that goes further; wait a little until it has."""
        if self._stop is None or stop.rank > self._stop.rank:
            self._stop = stop
        self._wake.set()
        self._services.surroundings.slots.wake()
        if wait:
            self._lock.wait_for(lambda: not self._is_running or self._stop is None, timeout=2.0)

    def _unpause(self) -> None:
        """Let a paused worker run again; that it does not stay Interrupted must outlive a crash."""
        self._is_paused = False
        if self.journal.state.status is WorkerStatus.INTERRUPTED:
            self.journal.append(entries.Restart)

    def unload_if_idle(self) -> bool:
        """Drop the instance of a worker that does nothing, to free its memory."""
        with self._lock:
            self._unload_idle()
            return not self._is_running

    def evict(self) -> bool:
        """Be of no more use, if nothing runs and nobody waits or watches: all that counts is stored."""
        with self._lock:
            is_used = self._is_running or self._must_start or bool(self._callers) or self.events.is_watched
            if is_used or self.journal.crash_point or self.journal.is_broken or not self.journal.commit().done():
                return False
            self._unload_idle()
            self._gone_because = self._gone_because or Evicted()
            return True

    @property
    def has_instance(self) -> bool:
        return self._live is not None

    @property
    def is_busy(self) -> bool:
        return self._is_running

    @property
    def is_beyond_use(self) -> bool:
        """Must the worker be loaded anew? (While it runs, its thread sees to that.)"""
        is_given_up = self.journal.is_broken or isinstance(self._gone_because, StoreFailed)
        return is_given_up and not self._is_running

    @property
    def _status(self) -> WorkerStatus:
        """The oplog's word; but one that was resumed, and has not come to its next entry, runs."""
        state = self.journal.state
        is_resumed = state.status is WorkerStatus.IDLE and state.current is not None and self._is_running
        return WorkerStatus.RUNNING if is_resumed else state.status

    def metadata(self, component_size: int) -> WorkerMetadata:
        with self._lock, self.journal.lock:
            replayed = self._live.durability.entries_replayed if self._live else None
            return metadata_of(
                self.id, self.journal.state, component_size, status=self._status, entries_replayed=replayed
            )

    @property
    def _is_down(self) -> bool:
        """Does it lie where it crashed until it is wanted? The engine knows: this object may be let go of meanwhile."""
        return self.number in self._services.left_down

    # The thread that runs.

    def _start(self) -> None:
        self._services.left_down.discard(self.number)
        if isinstance(self._stop, Collapse):
            self._stop = Restart()
        if self._is_running or self._gone_because is not None or not self._has_work():
            return
        self._is_running = True
        try:
            self._services.threads.run(self._run)
        except RuntimeError as error:
            self._is_running = False
            log.warning("worker %s: the system gives no thread (%s); it is started later", self.id, error)
            self._must_start = True
            self._services.timers.call_at(self._now_ns() + START_AGAIN_NS, partial(self._services.wake, self.id))

    def _has_work(self) -> bool:
        state = self.journal.state
        if self._is_paused or self._is_down or state.status in _ENDED:
            return False
        return state.is_unfinished or self._must_recover or bool(self._callers.reads)

    def _run(self) -> None:
        has_more = True
        while has_more:
            with self._services.surroundings.slots.taken(lambda: self._stop is not None):
                has_more = self._step()
        self._services.note_idle(self)

    def _step(self) -> bool:
        """Do one thing: recover, or one invocation. Return False, and be idle, when there is nothing to do."""
        with self._lock:
            if self.journal.is_broken:
                self._give_up()
                return False
            if isinstance(self._stop, Interrupt) and self._is_waiting:
                self._interrupted()  # it came while the invocation suspended itself, or failed
            if isinstance(self._stop, Unload) or not self._has_work():
                self._rest()
                return False
        try:
            self._advance_and_record()
        except StoreFailed as error:
            log.warning("worker %s: %s", self.id, error)  # the next step gives up
        except Exception:  # a bug of ours, on the way out of another failure: what is in memory cannot be trusted
            log.exception("worker %s", self.id)
            with self._lock:
                self._give_up()
            return False
        return True

    def _advance_and_record(self) -> None:
        try:
            if self._stop is not None:
                raise self._stop
            self._advance()
        except Stop as stop:
            self._stopped(stop)
        except CannotStart as error:
            self._try_again_later(error)
        except BaseException as error:  # a trap, a mismatch, or a bug of ours: in any case this invocation's failure
            if self.journal.is_broken:
                return
            if self._updates.attempted is not None:
                self._update_failed(self._updates.attempted, error)
            elif isinstance(error, Exit):
                self._exited(error)
            elif isinstance(error, EngineStopped):  # what it asked the engine for is to be had later
                self._stopped(Restart())
            else:
                self._failed(error)

    def _rest(self) -> None:
        self._is_running = False
        if not isinstance(self._stop, Unload):
            self._stop = None
        self._lock.notify_all()

    def _give_up(self) -> None:
        """Let go of everything in memory: the store did not take what it says."""
        log.error("worker %s: its oplog is not stored as it is in memory; it is loaded anew when next needed", self.id)
        reason = StoreFailed("the oplog could not be stored; try again with the same key")
        self._gone_because = self._gone_because or reason
        self._is_running = False
        self._drop_instance()
        self._callers.fail_all(lambda key: reason)
        self._services.note_broken(self)
        self._lock.notify_all()

    def _advance(self) -> None:
        if self._live is not None and self.journal.state.pending_updates:
            self._drop_instance()
        if self._live is None:
            self._recover()
            return
        with self._lock, self.journal.lock:
            pending = next(iter(self.journal.state.pending.values()), None)
            due = self._callers.reads.take_due(self.journal.state.pending)
        answer_reads(due, self._live.host.files, self.journal.commit)
        if pending is None:
            return
        if pending.target_version is not None:
            self._updates.save_for(pending.target_version, self._live)
            self._drop_instance()
        else:
            self._begin(self._live, pending)

    def _recover(self) -> None:
        """Make an instance and let it meet everything recorded; it ends live, between two invocations."""
        self._must_recover = False
        self.journal.commit().result()
        for plan in recovery.plans(self.journal.state, is_ephemeral=self._updates.is_ephemeral):
            self._updates.attempted = plan if plan.update is not None else None
            live = self._live = self._execution(plan)
            try:
                if plan.snapshot:
                    _, entry = next(self.journal.stored_entries(plan.snapshot))
                    live.load(*recovery.snapshot_in(entry))
                live.durability.note_live()
                while (invoked := live.durability.next_invocation()) is not None:
                    self._execute(live, invoked)
                recovery.note_recovered(self.journal)
                return
            except (GolemError, GuestTrap, Trap, Exit) as error:
                # A snapshot may leave out what the invocations behind it need: the whole history has it.
                if not plan.is_shortcut or live.durability.is_replay_over or self.journal.is_broken:
                    raise
                log.warning("worker %s: its snapshot of entry %d cannot be used: %s", self.id, plan.snapshot, error)
                self._drop_instance()

    def _execution(self, plan: Plan) -> Execution:
        live = execution.begin(
            plan,
            self.id,
            self.number,
            self.journal,
            self._services,
            became_live=self._became_live,
            output=self._output,
            wake=self._wake,
            stop=lambda: self._stop,
        )
        self._failed_starts = 0
        return live

    def _begin(self, live: Execution, pending: PendingWorkerInvocation) -> None:
        key = pending.idempotency_key
        try:
            checks.check_types(live.linked.compiled.export(pending.function_name).type, pending.input)
            checks.check_handles(live.instance, pending.input)
        except BadInput as error:
            self.journal.append(lambda now: CancelPendingInvocation(now, key))
            self._settle(key, error)
            return
        invoked: list[ExportedFunctionInvoked] = []

        def make(now: int) -> OplogEntry:
            checks.check_pending(self.journal.state, key)
            invoked.append(begun(now, pending))
            return invoked[0]

        try:
            self.journal.append(make)
        except InvocationNotFound:
            return  # it was cancelled just now
        self._output.invocation(EventType.INVOCATION_START, invoked[0])
        self._execute(live, invoked[0])

    def _execute(self, live: Execution, invoked: ExportedFunctionInvoked) -> None:
        """Run an invocation, recorded or new, to its end; a recorded one may turn live on its way."""
        self._output.forget_stderr()
        ended_live, result = live.run(invoked, lambda: self._output.stderr)
        if ended_live:
            self._output.invocation(EventType.INVOCATION_FINISHED, invoked)
            self._settle(invoked.idempotency_key, result)
            self._updates.snapshot_if_due(live, self._drop_instance)
            if self._updates.is_ephemeral:
                self._drop_instance()

    def _became_live(self) -> None:
        """Replay is over, and with it the attempt of an update; the next one has its turn at once."""
        if self._updates.succeed(self._live.instance.lost if self._live else ()):
            with self._lock:
                self._ask(Restart())

    def _update_failed(self, plan: Plan, error: BaseException) -> None:
        with self._lock:
            self._drop_instance()
            self._updates.fail(plan, error)
            self._must_recover = True

    # The ways out of a running invocation.

    def _stopped(self, stop: Stop) -> None:
        current = self.journal.state.current
        with self._lock:
            self._drop_instance()
            before = self._stop
            self._stop = None if before is stop else before
            match stop:
                case Collapse() if before is stop or before is None:  # else it was asked for something meanwhile
                    self._services.left_down.add(self.number)
                case Interrupt():
                    self._output.invocation(EventType.INVOCATION_FINISHED, current)
                    self._interrupted()
                case Suspended():
                    self._suspend(stop)
                case Jumped():
                    self._settle_undone()
                case Unload():
                    self._stop = stop
            self._stop = Unload() if isinstance(self._gone_because, EngineStopped) else self._stop
            self._lock.notify_all()

    def _suspend(self, reason: Suspended) -> None:
        self._is_paused = True
        self.journal.append(lambda now: Suspend(now, reason.due_ns))
        self.journal.commit()
        self._wake_up_at(reason.due_ns)
        if reason.is_over():  # a promise was completed just now, and found nobody asleep
            self._is_paused = False

    def _settle_undone(self) -> None:
        """A jump may have undone whole invocations: who waits for one of them is told."""
        state = self.journal.state
        current = None if state.current is None else state.current.idempotency_key
        for key in self._callers.keys():
            if key != current and key not in state.pending and key not in state.outcomes:
                self._callers.settle(key, InvocationNotFound(f"a jump undid the invocation {key}"), done())

    def _interrupted(self) -> None:
        self._is_paused = True
        self._services.left_down.discard(self.number)  # now it lies where it was interrupted
        self.journal.append(Interrupted)
        stored = self.journal.commit()
        self._callers.fail_all(lambda key: InvocationInterrupted(), stored)
        self.events.end_all()

    def _now_ns(self) -> int:
        return self._services.surroundings.clock.now_ns()

    def _wake_up_at(self, due_ns: int | None) -> None:
        if self._timer is not None:
            self._services.timers.cancel(self._timer)
        self._timer = None
        if due_ns is not None:
            # Not `self`: this object may be let go of meanwhile.
            self._timer = self._services.timers.call_at(due_ns, partial(self._services.wake, self.id))

    def _exited(self, exit: Exit) -> None:
        current = self.journal.state.current
        with self._lock:
            self._drop_instance()
            self.journal.append(lambda now: Exited(now, exit.code))
            stored = self.journal.commit()
            self._output.invocation(EventType.INVOCATION_FINISHED, current)
            self._callers.fail_all(lambda key: WorkerExited(f"Process exited with code {exit.code}"), stored)

    def _failed(self, error: BaseException) -> None:
        current, live = self.journal.state.current, self._live
        retry_from = live.durability.retry_point() if live else self.journal.state.last_step
        kind, cause, stderr = checks.kind_of(error), checks.cause_of(error), self._output.stderr
        if not isinstance(error, GuestTrap | GolemError | Trap):
            log.warning("worker %s: an invocation failed", self.id, exc_info=error)
        with self._lock:
            self._drop_instance()
            delay_ns = self.journal.state.delay_after_failure_ns(retry_from, self._services.draw)
            due_ns = None if delay_ns is None else min(self._now_ns() + delay_ns, NEVER)
            self.journal.append(lambda now: Error(now, kind, cause, stderr, retry_from, due_ns))
            stored = self.journal.commit()
            self._output.invocation(EventType.INVOCATION_FINISHED, current)
            state = self.journal.state
            if state.status is WorkerStatus.FAILED:
                failed = None if current is None else current.idempotency_key
                self._callers.fail_all(
                    lambda key: (InvocationFailed if key == failed else PreviousInvocationFailed)(cause, stderr), stored
                )
                return
            self._is_paused = True
            self._wake_up_at(due_ns)

    def _try_again_later(self, error: CannotStart) -> None:
        """There is no room for an instance now: that is no failure of the invocation, which stays accepted."""
        self._failed_starts += 1
        log.warning("worker %s cannot be started: %s (attempt %d)", self.id, error, self._failed_starts)
        with self._lock:
            if self._failed_starts >= STARTS_BEFORE_CALLERS_ARE_TOLD:
                self._callers.fail_all(
                    lambda key: EngineStopped(f"the worker cannot be started now: {error}; the invocation stays queued")
                )
            self._must_recover = True
            self._is_paused = self._must_start = True  # holds no thread
            pause_ns = min(START_AGAIN_NS * 2**self._failed_starts, 30 * START_AGAIN_NS)
            self._wake_up_at(self._now_ns() + pause_ns)

    def _drop_instance(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            live.close()

    def _unload_idle(self) -> None:
        if not self._is_running:
            self._drop_instance()

    def _settle(self, key: IdempotencyKey, result: Result | GolemError) -> None:
        """Give the callers of an invocation its result, or refusal, as soon as that is stored."""
        with self._lock:
            self._callers.settle(key, result, self.journal.commit())
