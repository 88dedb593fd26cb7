"""A worker's past, met again beside it: up to an index, on another version, with recorded answers changed.

How this works. The entries up to an index are an oplog in memory, which an instance meets as in a recovery. Where they
end in the midst of an invocation, the shadow ends there, too; functions can be called on it where they end between two.
It is live then, and reaches nothing: what would have an effect outside of its instance is refused.

Source: ARCHITECTURE, decision 15.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, cast
from uuid import uuid4

from msgspec.structs import replace as replaced

from golem_nb.engine import execution
from golem_nb.engine.calls import Calls
from golem_nb.engine.checks import cause_of
from golem_nb.engine.execution import Execution
from golem_nb.engine.histories import chunks_of
from golem_nb.engine.host_context import SUSPEND_AFTER_NS, Surroundings, WorkerHost
from golem_nb.engine.invocation import begun
from golem_nb.engine.journal import Journal
from golem_nb.engine.metadata import metadata_of
from golem_nb.engine.parameters import parameters_from_json
from golem_nb.engine.recovery import Plan, plans, snapshot_in
from golem_nb.engine.scheduler import Slots, run_on_large_stack
from golem_nb.engine.services import Services
from golem_nb.engine.stopping import Stop, Suspended
from golem_nb.errors import BadInput, GolemError, InvocationFailed, ReplayMismatch, ValueMismatch
from golem_nb.host.context import Peers, Source
from golem_nb.host.declare import Effect, Exit, HostFunction, Trap
from golem_nb.host.network import Network
from golem_nb.host.network_policy import NetworkPolicy
from golem_nb.model import (
    ComponentType,
    Difference,
    LogLevel,
    OplogIndex,
    Shadow,
    ShadowCall,
    ShadowResult,
    UpdateState,
    WorkerId,
    WorkerStatus,
    output_text,
)
from golem_nb.oplog.entries import (
    ExportedFunctionInvoked,
    ImportedFunctionInvoked,
    OplogEntry,
    PendingWorkerInvocation,
    Recorded,
)
from golem_nb.oplog.fold import Update, WorkerState, state_of
from golem_nb.store.oplogs import Checkpoint, Chunk, Oplogs, Start
from golem_nb.values.json import value_from_json
from golem_nb.values.python import value_from_python
from golem_nb.values.types import ResultType, TypedValue, WitType
from golem_nb.values.wave import text_from_type
from golem_nb.wasm.instance import GuestTrap

NOTHING = NetworkPolicy(is_on=False)
AT_ONCE, MOST_CALLS = 2, 1000
TOTAL_S = 300.0  # of one shadow, replay and calls together
CLOSE_S, POLL_S = 10.0, 0.005
REFUSED = "a shadow of a worker reaches nothing of"
_INSIDE = (Effect.DETERMINISTIC, Effect.READ_LOCAL, Effect.READ_REMOTE)


class _ReachedEnd(Stop):
    """The recorded entries are over in the midst of an invocation."""


class Stage:
    """Where the shadows of an engine perform: a few at once, in places of their own, until it closes."""

    def __init__(self, note_taken: Callable[[], None] = lambda: None) -> None:
        """`note_taken` is called when one begins; then ticks are needed, until `slots` are free."""
        self.slots, self._closing = Slots(AT_ONCE, note_taken), threading.Event()

    @property
    def is_closing(self) -> bool:
        return self._closing.is_set()

    def close(self) -> None:
        """End what performs: at the next tick, or where it waits. Ticks are needed until this returns."""
        self._closing.set()
        self.slots.wake()
        deadline = time.monotonic() + CLOSE_S
        while self.slots.in_use and time.monotonic() < deadline:
            time.sleep(POLL_S)


def shadow_of(
    worker: WorkerId, number: int, entries: Sequence[OplogEntry], asked: Shadow, services: Services
) -> ShadowResult:
    """Meet the entries of a worker as `asked`; return how far that went, and what its calls gave.

    Raises:
        BadInput: There is no such index, no answer to change there, or no such function; or there are too many calls.
        ComponentNotFound: There is no such version.
    """
    if len(asked.calls) > MOST_CALLS:
        raise BadInput(f"a shadow is asked at most {MOST_CALLS} times, found {len(asked.calls)}")
    last = len(entries) if asked.to_index is None else asked.to_index
    if not 1 <= last <= len(entries):
        raise BadInput(f"the index must be between 1 and {len(entries)}, found {last}")
    _check_answers(entries[:last], asked.answers)
    if asked.calls:
        last = boundary(entries, last)
    state = state_of(entries[:last])
    version = state.component_version if asked.version is None else asked.version
    # It raises where there is no such version.
    if services.component_options(worker.component_id, version).type is ComponentType.EPHEMERAL:
        raise BadInput(f"{worker.name} is ephemeral: each invocation has an instance of its own, and no history")
    chosen = list(_with_answers(entries[:last], asked.answers))
    performance = _Performance(worker, number, chosen, asked, services)
    return run_on_large_stack(performance.perform)


def boundary(entries: Sequence[OplogEntry], index: OplogIndex) -> OplogIndex:
    """Return the last index up to this one at which a function can be called: none runs, and none has exited."""
    state, found = WorkerState(), 1
    for place, entry in enumerate(entries[:index], start=1):
        state.apply(entry)
        if state.current is None and state.status is not WorkerStatus.EXITED:
            found = place
    return found


def _check_answers(entries: Sequence[OplogEntry], answers: Mapping[OplogIndex, Any]) -> None:
    beyond = [index for index in answers if not 1 <= index <= len(entries)]
    if beyond:
        raise BadInput(f"there is no entry {min(beyond)} among the {len(entries)} that are met")


def _with_answers(entries: Sequence[OplogEntry], answers: Mapping[OplogIndex, Any]) -> Iterator[OplogEntry]:
    """Yield the entries, some answered otherwise. Answers behind the last one are of an invocation that is not met."""
    for index, entry in enumerate(entries, start=1):
        if index not in answers:
            yield entry
            continue
        if not isinstance(entry, ImportedFunctionInvoked):
            raise BadInput(f"entry {index} is {type(entry).__name__}; only ImportedFunctionInvoked has an answer")
        type_ = entry.response.typed().type
        if type_ is None:
            raise BadInput(f"entry {index}, of {entry.function_name}, has no answer that could be another")
        answer = answers[index]
        if isinstance(type_, ResultType) and not (isinstance(answer, Mapping) and set(answer) in ({"ok"}, {"err"})):
            answer = {"ok": answer}
        try:
            value = value_of_answer(type_, answer)
        except ValueMismatch as error:
            told = f"entry {index}, of {entry.function_name}, is answered with {text_from_type(type_)}"
            raise BadInput(f"{told:.300}: {error}") from None
        yield replaced(entry, response=Recorded.of(type_, value))


def value_of_answer(type: WitType, answer: Any) -> Any:
    """Return the value of JSON, or of what frames show of values: fields in snake_case.

    Raises:
        ValueMismatch: It is neither.
    """
    try:
        return value_from_json(type, answer)
    except ValueMismatch as error:
        try:
            return value_from_python(type, answer)
        except ValueMismatch:
            raise error from None


class _Performance:
    def __init__(
        self, worker: WorkerId, number: int, entries: list[OplogEntry], asked: Shadow, services: Services
    ) -> None:
        self._worker, self._number, self._entries, self._asked = worker, number, entries, asked
        self._services, self._stage = _Secluded(services), services.stage
        self._deadline = time.monotonic() + TOTAL_S
        self._printed: list[str] = []
        self._is_over = False  # a call trapped: its instance is of no more use
        clock = services.surroundings.clock
        self._journal = Journal(
            cast(Oplogs, _MemoryOplogs(entries)), 0, lambda: clock.now_ns() // 1000, lambda journal: None
        )
        state = self._journal.state
        # The invocation in which a worker exits has no end, and no other one follows it.
        self._runs_on = state.current is not None or state.status is WorkerStatus.EXITED

    def perform(self) -> ShadowResult:
        state = state_of(self._entries)
        plan = self._plan(state)
        live: Execution | None = None
        difference, failure, is_whole = None, None, False
        calls: list[ShadowCall] = []
        try:
            with self._stage.slots.taken(lambda: self._stage.is_closing):
                try:
                    live = self._begin(plan)
                    self._meet(live, plan)
                    is_whole = True
                except ReplayMismatch as mismatch:
                    difference = Difference(mismatch.index, mismatch.recorded, mismatch.attempted)
                except _ReachedEnd:
                    is_whole = True
                except (Stop, Exit, Trap, GuestTrap, GolemError, execution.CannotStart) as error:
                    failure = cause_of(error)
                if live is not None and is_whole:
                    self._check_calls(live)
                    calls = [self._call(live, function, params) for function, params in self._asked.calls]
            replayed, last_met = (0, 0) if live is None else (live.durability.entries_met, live.durability.last_met)
        finally:
            if live is not None:
                live.close()
        metadata = metadata_of(self._worker, state, 0)
        running = None if state.current is None else state.current.function_name
        return ShadowResult(
            len(self._entries),
            plan.component_version,
            metadata.status,
            replayed,
            running,
            difference,
            failure,
            tuple(calls),
            last_met,
        )

    def _plan(self, state: WorkerState) -> Plan:
        """Return how the entries are met: as when they were all there were; another version as an automatic update."""
        plan = Plan(state.component_version, state.base, state.skipped)
        if self._is_in_update(state):
            plan = next(plans(state))
        version = self._asked.version
        if version in (None, plan.component_version):
            return plan
        update = Update(state.last_index, state.last_timestamp_us, version, UpdateState.PENDING)
        return replace(plan, component_version=update.target_version, update=update)

    def _is_in_update(self, state: WorkerState) -> bool:
        """Are the last steps those of an instance that takes a snapshot, which a manual update has not ended yet?"""
        update = state.pending_updates[0] if state.pending_updates else None
        return update is not None and update.has_snapshot and state.last_step > update.index

    def _begin(self, plan: Plan) -> Execution:
        return execution.begin(
            plan,
            self._worker,
            self._number,
            self._journal,
            self._services,
            became_live=self._became_live,
            output=self._print,
            wake=threading.Event(),
            stop=self._stop,
            host_class=_SecludedHost,
        )

    def _meet(self, live: Execution, plan: Plan) -> None:
        if plan.snapshot:
            _, entry = next(self._journal.stored_entries(plan.snapshot))
            live.load(*snapshot_in(entry))
        live.durability.note_live()
        while (invoked := live.durability.next_invocation()) is not None:
            live.run(invoked, lambda: "")

    def _became_live(self) -> None:
        if self._runs_on:
            raise _ReachedEnd

    def _print(self, level: LogLevel, context: str, message: str, is_new: bool, is_recorded: bool = True) -> None:
        if is_new:
            self._printed.append(output_text(level, message))

    def _stop(self) -> BaseException | None:
        if self._stage.is_closing:
            return Trap("the engine is closing")
        if time.monotonic() > self._deadline:
            return Trap(f"a shadow has {TOTAL_S:g} s, and this one was not at its end")
        return None

    def _check_calls(self, live: Execution) -> None:
        """See that all calls can be made before the first one is."""
        for function, params in self._asked.calls:
            parameters_from_json(live.linked.compiled.export(function).type, params)

    def _call(self, live: Execution, function: str, params: Sequence[Any]) -> ShadowCall:
        self._printed.clear()
        export = live.linked.compiled.export(function)
        if self._is_over:
            return ShadowCall(export.type.name, None, "not made: the call before it ended the shadow", "")
        values = parameters_from_json(export.type, params)
        recorded = tuple(Recorded.of(p.type, value) for p, value in zip(export.type.parameters, values, strict=True))
        pending = PendingWorkerInvocation(0, str(uuid4()), export.type.name, recorded)
        made: list[ExportedFunctionInvoked] = []

        def make(now: int) -> OplogEntry:
            made.append(begun(now, pending))
            return made[0]

        self._journal.append(make)
        result: TypedValue | None = None
        error = None
        try:
            _, given = live.run(made[0], lambda: "".join(self._printed))
            if isinstance(given, InvocationFailed):
                error = str(given)
            else:
                result = given
        except (Stop, Exit, Trap, GuestTrap, GolemError) as failure:
            error, self._is_over = _why(failure), True
        return ShadowCall(export.type.name, result, error, "".join(self._printed))


def _why(error: BaseException) -> str:
    match error:
        case Suspended():
            return "it would wait longer than 10 s, or for a promise, which a shadow does not"
        case Stop():
            return "it would go back in its own history, which a shadow does not"
    return cause_of(error)


class _Nobody:
    """Whom a shadow would meet outside: everything is refused."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __getattr__(self, name: str) -> Any:
        raise Trap(f"{name.replace('_', '-')}: {REFUSED} {self._what}")


class _SecludedHost(WorkerHost):
    def stop(self) -> BaseException | None:
        # Ticks count in replay, too: another version may never come to an end there.
        return self._stop() or self._running_time.tick()

    def wait_until_any(self, sources: Sequence[Source]) -> list[int]:
        """Wait for what is near; in a region as well, where a worker would not be suspended."""
        ready = any(source.is_ready() for source in sources)
        deadlines = [source.deadline_ns for source in sources if source.deadline_ns is not None]
        nearest = min(deadlines, default=None)
        if not ready and (nearest is None or nearest - self._surroundings.clock.now_ns() > SUSPEND_AFTER_NS):
            raise Suspended(nearest)
        return super().wait_until_any(sources)

    def call(self, function: HostFunction, target: Any, arguments: dict[str, Any]) -> Any:
        if self.is_live and function.effect not in _INSIDE:
            raise Trap(f"{function.label}: {REFUSED} the world outside")
        return super().call(function, target, arguments)


class _Secluded:
    """An engine's services, without a way to others."""

    def __init__(self, services: Services) -> None:
        of = services.surroundings
        self._services, self.threads, self.timers = services, services.threads, services.timers
        self.time_limit_s = services.time_limit_s
        self.stage, self.left_down = services.stage, services.left_down
        self.surroundings = Surroundings(
            of.clock, of.random_bytes, services.stage.slots, of.threads, Network(NOTHING), of.stores
        )
        self.calls = cast(Calls, _Nobody("workers"))
        self.linked, self.component_size = services.linked, services.component_size
        self.component_options, self.initial_files = services.component_options, services.initial_files
        self.file_content, self.snapshot_policy, self.draw = (
            services.file_content,
            services.snapshot_policy,
            services.draw,
        )
        self.wake, self.note_idle, self.note_broken = services.wake, services.note_idle, services.note_broken

    def peers(self, id: WorkerId, number: int) -> Peers:
        return cast(Peers, _Nobody("workers"))


class _MemoryOplogs:
    """What a Journal asks of a store, for one oplog that is nowhere else."""

    def __init__(self, entries: Iterable[OplogEntry]) -> None:
        self._chunks = list(chunks_of(list(entries)))

    def append(self, worker: int, chunk: Chunk, start: Start, **_: Any) -> Future[None]:
        self._chunks.append(chunk)
        done: Future[None] = Future()
        done.set_result(None)
        return done

    def read(self, worker: int, from_index: OplogIndex = 1) -> Iterator[Chunk]:
        return (chunk for chunk in self._chunks if chunk.first_index + chunk.count > from_index)

    def checkpoints(self, worker: int, before: OplogIndex | None = None) -> Sequence[Checkpoint]:
        return []
