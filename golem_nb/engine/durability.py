"""Record or replay: the one door between host functions and the oplog. Source: SEMANTICS 3.

How this works: a recorded host function is answered by running its body and appending an ImportedFunctionInvoked entry
when the worker is live, and by the next recorded entry when it replays. What is appended besides (Begin and End of
remote writes and of atomic regions, spans, Exported…) is met in replay at the same place. An entry other than the one
that the component now does is a ReplayMismatch.

The body runs before its entry exists, so a crash between the two runs it again: harmless for reads; a write to outside
has a Begin entry, or an idempotency key that is the same again.

What was cut off, and cannot be taken up where it stopped (a remote write, an atomic region, a zone without
persistence), is done again from its beginning: replay ends there, and a Jump makes the rest void. A remote write that
has other effects in its midst goes on instead when replay is over, if it can.

All of this is one file because all of it is one door: each rule asks the others (is there an open write, a region, a
zone?) before it appends or meets an entry.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import UUID, uuid4, uuid5

from golem_nb.engine.journal import Journal
from golem_nb.engine.replay import ReplayCursor, described, shown
from golem_nb.engine.stopping import Jumped
from golem_nb.engine.tracing import new_span_id
from golem_nb.errors import InvocationFailed, ReplayMismatch
from golem_nb.host.context import PersistedCall
from golem_nb.host.declare import Effect, HostFunction, Trap, WitError
from golem_nb.model import OplogIndex
from golem_nb.oplog import entries
from golem_nb.oplog.entries import (
    BeginAtomicRegion,
    BeginRemoteTransaction,
    BeginRemoteWrite,
    ChangePersistenceLevel,
    ChangeRetryPolicy,
    CommittedRemoteTransaction,
    EndAtomicRegion,
    EndRemoteWrite,
    ExportedFunctionCompleted,
    ExportedFunctionInvoked,
    FinishSpan,
    ImportedFunctionInvoked,
    InvocationContext,
    Jump,
    NoOp,
    OplogEntry,
    Recorded,
    RolledBackRemoteTransaction,
    SetSpanAttribute,
    StartSpan,
)
from golem_nb.oplog.fold import RetryPolicy, is_retriable
from golem_nb.oplog.spans import Span, handed_on, span_of_invocation

E = TypeVar("E", bound=OplogEntry)
_ENDS_OF_TRANSACTION = (CommittedRemoteTransaction, RolledBackRemoteTransaction)
Response = tuple[str, Any]  # a WIT result: ("ok", value) or ("err", payload)

# A write to outside waits until everything before it is stored, and is stored itself without delay; an awaited answer
# is stored before it leaves. Source: ARCHITECTURE, decision 11; SEMANTICS 3.2.
# (Tuples, because hashing a member of an enumeration costs more than to compare it with three others.)
_WAITS_BEFORE = (Effect.WRITE_REMOTE,)
_COMMITS_AFTER = (Effect.WRITE_REMOTE, Effect.WRITE_REMOTE_BATCHED, Effect.WRITE_REMOTE_TRANSACTION)
_REMOTE = (Effect.READ_REMOTE, Effect.WRITE_REMOTE, Effect.WRITE_REMOTE_BATCHED)

# The namespace of keys whose base is no UUID. Source: SEMANTICS 2.2.
_KEY_NAMESPACE = UUID("9c19b15a-c83d-46f7-9bc3-ead7923733f4")

SMART, PERSIST_NOTHING = "Smart", "PersistNothing"
_NOT_IDEMPOTENT = "Non-idempotent remote write operation was not completed, cannot retry"


class Durability:
    """One worker instance's way through its oplog."""

    def __init__(
        self,
        journal: Journal,
        cursor: ReplayCursor,
        became_live: Callable[[], None] = lambda: None,
        worker: str = "",
        *,
        is_ephemeral: bool = False,
    ) -> None:
        """`became_live` is called once, when replay is over; `worker` is `COMPONENT/NAME`."""
        self._is_ephemeral, self._keys_derived, self._effects_named = is_ephemeral, 0, 0
        self._journal, self._cursor, self._worker = journal, cursor, worker
        self._became_live: Callable[[], None] | None = became_live
        self._when_live: list[Callable[[], None]] = []
        self.invocation_key = ""
        """The idempotency key of the invocation that runs."""
        self.span: Span | None = None
        """The innermost span that the component is in; None outside of an invocation."""
        self._trace_id: str = ""
        self._trace_states: tuple[str, ...] = ()
        self.is_idempotent = True
        """May a remote write that was cut off be done again? The component's own setting. Source: SEMANTICS 3.11."""
        self.retry_policy = RetryPolicy()
        """What the component has set so far: in replay, the last one that its history sets may lie ahead."""
        self.persistence_level, self._zone = SMART, 0
        self.is_recording = True
        """False while the component saves or loads a snapshot: what it does then is its own affair."""
        self._open_writes: list[OplogIndex] = []
        self._going_on: set[OplogIndex] = set()
        """Those of the open writes that were cut off, and are taken up when replay is over."""
        self._open_transactions: set[OplogIndex] = set()
        """Those of the open writes that are transactions."""
        self._open_regions: list[OplogIndex] = []

    @property
    def is_live(self) -> bool:
        return self._cursor.is_live or not self.is_recording

    @property
    def is_replay_over(self) -> bool:
        """Has all that was recorded been met, and been found to be right?"""
        return self._became_live is None

    @property
    def entries_met(self) -> int:
        return self._cursor.replayed

    @property
    def last_met(self) -> OplogIndex:
        """The last entry that the component has met; 0 = none, live entries do not count."""
        return self._cursor.last_met

    @property
    def entries_replayed(self) -> int | None:
        """How many entries the component has met; None while it has not met the last one.

        What is not recorded, as when it takes up a snapshot, goes on as if live, with all of its replay ahead.
        """
        return self._cursor.replayed if self._cursor.is_live else None

    @property
    def is_between_effects(self) -> bool:
        """Is nothing open that a recovery would do again: no remote write, no atomic region, no unrecorded zone?"""
        is_plain = not self._open_regions and self.persistence_level != PERSIST_NOTHING
        return is_plain and not self._open_writes and not self._is_ephemeral

    def retry_point(self) -> OplogIndex:
        """Return where the attempts of what runs now are counted. Source: SEMANTICS 3.5."""
        if self._is_ephemeral:
            return self._journal.state.current_index
        redone = [*self._open_regions, *([self._zone] if self.persistence_level == PERSIST_NOTHING else [])]
        if redone:  # from there on each attempt has other indices
            return min(redone)
        return self._open_writes[0] if self._open_writes else self._journal.state.last_step

    def effect_key(self) -> str:
        """See `HostContext`. Hints may be appended between two attempts, so that only steps count."""
        if not self.is_recording:
            return str(uuid4())
        if self._is_ephemeral:
            self._effects_named += 1
            return f"{self.invocation_key}/{self._effects_named}"
        ranges = self._journal.state.skipped.ranges
        return f"{self._journal.state.last_step}/{ranges[-1][1] if ranges else 0}"

    def moment_us(self) -> int:
        """The timestamp of the entry last passed."""
        return self._journal.last_timestamp_us if self.is_live else self._cursor.last_timestamp_us

    @contextmanager
    def unrecorded(self) -> Iterator[None]:
        """Let the component do something that no replay will repeat. Source: SEMANTICS 6.2."""
        self.is_recording = False
        try:
            yield
        finally:
            self.is_recording = True

    # Host functions.

    def call(self, function: HostFunction, target: Any, arguments: dict[str, Any]) -> Any:
        """Answer a call of a host function.

        Raises:
            WitError: The `err` side of its result, now or when it was recorded.
            ReplayMismatch: The oplog records something else.
        """
        if function.effect is Effect.DETERMINISTIC:
            return function.body(target, **arguments)
        case, value = self._record(function, target, arguments) if self.is_live else self._replay(function)
        if case == "err":
            raise WitError(function.rebuild_error(target, value, **arguments) if function.rebuild_error else value)
        return function.rebuild(target, value, **arguments) if function.rebuild else value

    def _record(self, function: HostFunction, target: Any, arguments: dict[str, Any]) -> Response:
        if not self.is_recording:
            return _response(function, target, arguments)
        begin = function.begin(target) if function.begin else None
        request = function.request_for(target, arguments)
        bracket = self._begin_bracket() if self._is_bracketed(function) else None
        if bracket is None and function.effect in _WAITS_BEFORE:
            self._journal.commit().result()
        response = _response(function, target, arguments)
        self._retry_if_failed(function, response)
        self._append_call(function, request, response, begin)
        if bracket is not None:
            self._end_bracket(bracket)
        if function.commits or function.effect in _COMMITS_AFTER:
            self._journal.commit()
        return response

    def _append_call(
        self, function: HostFunction, request: Recorded, response: Response, begin: OplogIndex | None
    ) -> None:
        recorded = function.recorded(response)
        effect = function.effect.value
        self._journal.append(lambda now: ImportedFunctionInvoked(now, function.label, request, recorded, effect, begin))

    def answered(self, function: HostFunction, arguments: dict[str, Any], answer: Any) -> OplogEntry:
        """Return the entry of a call that was answered so, for another worker's oplog."""
        request = function.request_for(None, arguments)
        response = function.recorded(("ok", answer))
        now = self._journal.last_timestamp_us
        return ImportedFunctionInvoked(now, function.label, request, response, function.effect.value)

    def _replay(self, function: HostFunction) -> Response:
        self._check_replayable(f"a call of {function.label}")
        bracket = self._meet_bracket() if self._is_bracketed(function) else None
        index, entry = self._cursor.take()
        if not isinstance(entry, ImportedFunctionInvoked) or entry.function_name != function.label:
            raise ReplayMismatch(index, described(entry), f"a call of {function.label}")
        self.note_live()
        if bracket is not None:
            self._end_bracket(bracket)
        return function.response_in(entry.response.typed())

    # A single write to outside, where the component says that it must not be made twice. Source: SEMANTICS 3.2.

    def _is_bracketed(self, function: HostFunction) -> bool:
        return function.effect is Effect.WRITE_REMOTE and not self.is_idempotent

    def _begin_bracket(self) -> OplogIndex:
        begin = self._journal.append(BeginRemoteWrite)
        self._journal.commit().result()
        self._open_writes.append(begin)
        return begin

    def _meet_bracket(self) -> OplogIndex:
        begin, _ = self._meet(BeginRemoteWrite, "a remote write")
        self._open_writes.append(begin)
        if self.is_live or not isinstance(self._cursor.peek()[1], ImportedFunctionInvoked):
            raise Trap(f"{_NOT_IDEMPOTENT} (entry {begin})")
        return begin

    def _end_bracket(self, begin: OplogIndex) -> None:
        self._open_writes.remove(begin)
        self._append_or_meet(EndRemoteWrite, f"the end of the remote write of entry {begin}", begin)

    # Calls that the component makes durable itself. Source: SEMANTICS 3.2, 5.4.

    def begin_function(self, effect: Effect, begin: OplogIndex | None) -> OplogIndex:
        if begin is not None:
            return begin
        if effect is Effect.WRITE_REMOTE_BATCHED:
            return self._begin(BeginRemoteWrite, (EndRemoteWrite,), "a remote write")
        if effect is Effect.WRITE_REMOTE_TRANSACTION:
            return self._begin_transaction()
        if effect is Effect.WRITE_REMOTE and not self.is_idempotent:
            return self._begin_bracket() if self.is_live else self._meet_bracket()
        return self._journal.state.last_step if self.is_live else self._cursor.last_met

    def end_function(self, effect: Effect, begin: OplogIndex | None, index: OplogIndex) -> None:
        if begin is not None or index not in self._open_writes:
            return
        if index in self._open_transactions:
            self._end_transaction(index, CommittedRemoteTransaction)
        else:
            self.end_remote_write(index)

    def _end_transaction(
        self, begin: OplogIndex, kind: type[CommittedRemoteTransaction | RolledBackRemoteTransaction]
    ) -> None:
        self._open_writes.remove(begin)
        self._open_transactions.remove(begin)
        self._append_or_meet(kind, f"the end of the transaction of entry {begin}", begin)
        self.commit_soon()

    def _begin_transaction(self) -> OplogIndex:
        begin = self._begin(BeginRemoteTransaction, _ENDS_OF_TRANSACTION, "a transaction", str(uuid4()))
        self._open_transactions.add(begin)
        return begin

    def persist_call(
        self, name: str, request: Recorded, response: Recorded, effect: Effect, begin: OplogIndex | None
    ) -> None:
        if not self.is_live:
            raise Trap(f"the component persists a call of {name} in replay, where it must read it")
        if not self.is_recording:
            return
        self._journal.append(lambda now: ImportedFunctionInvoked(now, name, request, response, effect.value, begin))
        if effect in _COMMITS_AFTER:
            self._journal.commit()

    def persisted_call(self) -> PersistedCall:
        if self.is_live:
            raise Trap("the component reads a persisted call, but there is none: the worker is live")
        _, entry = self._meet(ImportedFunctionInvoked, "reading a persisted call")
        return PersistedCall(entry.timestamp_us, entry.function_name, entry.response, entry.effect, entry.begin)

    def commit_soon(self) -> None:
        """Store what is there, without waiting for it."""
        if self.is_live:
            self._journal.commit()

    # Failures of what lies outside are tried again before the component hears of them. Source: SEMANTICS 3.5.

    def _retry_if_failed(self, function: HostFunction, response: Response) -> None:
        if function.effect not in _REMOTE:
            return
        failure = function.failure_in(response)
        if failure is None:
            return
        state, point = self._journal.state, self.retry_point()
        error = entries.Error(0, entries.ErrorKind.UNKNOWN, failure, "", point)
        if is_retriable(error, state.retry_counts.get(point, 0) + 1, state.retry_policy):
            raise Trap(f"{function.label} failed: {failure}")

    # What else is appended, and met again.

    def note_live(self) -> None:
        """Say that replay is over, if it is. To be called when what was met last has been found to be right."""
        if self._cursor.is_live and self._became_live is not None:
            became_live, self._became_live = self._became_live, None
            became_live()
            for do in self._when_live:
                do()
            self._when_live.clear()

    def when_live(self, do: Callable[[], None]) -> None:
        """Call this when the worker is live: now, or at the end of replay."""
        if self.is_live:
            do()
        else:
            self._when_live.append(do)

    def _meet(self, kind: type[E], attempted: str) -> tuple[OplogIndex, E]:
        self._check_replayable(attempted)
        index, entry = self._cursor.take()
        if not isinstance(entry, kind):
            raise ReplayMismatch(index, described(entry), attempted)
        if kind is not ExportedFunctionInvoked:  # its function is yet to be found
            self.note_live()
        return index, entry

    def _append_or_meet(self, kind: type[E], attempted: str, *fields: Any) -> OplogIndex:
        """Append an entry of this kind, or meet the one that was appended here; return its index."""
        if not self.is_live:
            return self._meet(kind, attempted)[0]
        if not self.is_recording:
            return self._journal.state.last_index
        return self._journal.append(lambda now: kind(now, *fields))

    def _check_replayable(self, attempted: str) -> None:
        if self.persistence_level == PERSIST_NOTHING and not self.is_live:
            raise Trap(f"Trying to replay {attempted} in a PersistNothing block")

    def _do_again_from(self, begin: OplogIndex) -> None:
        """Be live from here: what was recorded after `begin` is void."""
        self._cursor.abandon()
        self._journal.append_void(begin + 1, lambda now, index: Jump(now, begin + 1, index)).result()
        self.note_live()

    # Remote writes of several calls.

    def begin_remote_write(self) -> OplogIndex:
        """Begin a write that is done again from here where it was cut off, or goes on where that would undo others."""
        return self._begin(BeginRemoteWrite, (EndRemoteWrite,), "a remote write", can_go_on=True)

    def goes_on(self, begin: OplogIndex) -> bool:
        return begin in self._going_on

    def _begin(
        self,
        kind: type[OplogEntry],
        ends: tuple[type[Any], ...],
        attempted: str,
        *fields: Any,
        can_go_on: bool = False,
    ) -> OplogIndex:
        """Append the beginning of what ends by one of `ends`, or meet it; what was cut off is done again from here."""
        if self.is_live:
            begin = self._append_or_meet(kind, attempted, *fields)
            self._journal.commit().result()
        else:
            begin, _ = self._meet(kind, attempted)
            if self._is_open(lambda e: isinstance(e, ends) and e.begin_index == begin):
                self._redo_write(begin, can_go_on)
        self._open_writes.append(begin)
        return begin

    def _is_open(self, is_end: Callable[[OplogEntry], bool]) -> bool:
        return self.is_live or not self._cursor.meets_in_this_invocation(is_end)

    def _redo_write(self, begin: OplogIndex, can_go_on: bool) -> None:
        if not self.is_idempotent:
            raise Trap(f"{_NOT_IDEMPOTENT} (entry {begin})")
        if can_go_on and not self.is_live and not self._cursor.is_alone(begin):
            self._going_on.add(begin)
            return
        foreign = None if self.is_live else self._cursor.foreign_effect_after(begin)
        if foreign is not None:
            raise Trap(
                f"{_NOT_IDEMPOTENT}: entry {foreign} is another effect, made while the write of entry {begin} was open"
            )
        self._do_again_from(begin)

    def is_open_write(self, begin: OplogIndex) -> bool:
        return begin in self._open_writes

    def end_remote_write(self, begin: OplogIndex) -> None:
        if begin not in self._open_writes:
            return  # the end of its invocation ended it
        self._end_bracket(begin)
        self.commit_soon()

    # Atomic regions and jumps. Source: SEMANTICS 3.10.

    def begin_atomic_region(self) -> OplogIndex:
        begin = self._append_or_meet(BeginAtomicRegion, "the beginning of an atomic region")
        if self._was_met(begin) and self._is_cut_off(
            lambda e: isinstance(e, EndAtomicRegion) and e.begin_index == begin
        ):
            self._do_again_from(begin)
        self._open_regions.append(begin)
        return begin

    def end_atomic_region(self, begin: OplogIndex) -> None:
        if begin in self._open_regions:
            self._open_regions.remove(begin)
        self._append_or_meet(EndAtomicRegion, f"the end of the atomic region of entry {begin}", begin)

    def _was_met(self, index: OplogIndex) -> bool:
        """Was the entry recorded before this instance came to be?"""
        return index <= self._cursor.last_index

    def _is_cut_off(self, is_end: Callable[[OplogEntry], bool]) -> bool:
        return self.is_live or self._cursor.is_cut_off(is_end)

    def oplog_index(self) -> OplogIndex:
        return self._append_or_meet(NoOp, "a question for the oplog index")

    def jump_to(self, index: OplogIndex) -> None:
        """Go back: `index` is the last entry that still counts.

        Raises:
            Jumped: Always, when live: the instance is made anew.
            Trap: The index lies ahead, or in a region that is skipped already.
        """
        if not self.is_live or not self.is_recording:
            return
        state = self._journal.state
        if not 1 <= index <= state.last_index:
            raise Trap(f"Attempted to jump forward in oplog to index {index} from {state.last_index}")
        if index + 1 in state.skipped:
            raise Trap(f"Attempted to jump to a deleted region in oplog to index {index} from {state.last_index}")
        self._journal.append_void(index + 1, lambda now, own: Jump(now, index + 1, own, True)).result()
        raise Jumped()

    def commit_oplog(self) -> None:
        if self.is_live and self.is_recording:
            self._journal.commit().result()

    # Settings.

    def set_persistence_level(self, level: str) -> None:
        """Source: SEMANTICS 3.11."""
        if level == self.persistence_level:
            return
        if not self.is_live and self.persistence_level == PERSIST_NOTHING:
            self._cursor.pass_until(_ends_zone)
            self.persistence_level = level  # from here on replay goes on
        index = self._append_or_meet(ChangePersistenceLevel, f"the persistence level {level}", level)
        self.persistence_level, self._zone = level, index
        if level == PERSIST_NOTHING and self._was_met(index) and self._is_cut_off(_ends_zone):
            self._do_again_from(index)
        elif self.is_live:
            self._journal.commit()

    def set_retry_policy(self, policy: RetryPolicy) -> None:
        self.retry_policy = policy
        self._append_or_meet(
            ChangeRetryPolicy,
            "a change of the retry policy",
            policy.max_attempts,
            policy.min_delay_ns,
            policy.max_delay_ns,
            policy.multiplier,
            policy.max_jitter_factor,
        )

    # Spans.

    # Golem commits them at once. Here nothing stays uncommitted for long anyway, and what goes outside waits for it.

    def start_span(self, attributes: Mapping[str, str], parent: Span | None = None) -> Span:
        """Start a span, below the innermost one unless another parent is given; the innermost stays what it is."""
        parent = parent or self.span
        if self.is_live:
            span_id = new_span_id()
            self._append_or_meet(StartSpan, "", span_id, parent.span_id if parent else None, dict(attributes))
            start_us = self._journal.last_timestamp_us
        else:
            _, started = self._meet(StartSpan, "the start of a span")
            span_id, start_us = started.span_id, started.timestamp_us
        return Span(span_id, start_us, parent, dict(attributes))

    def finish_span(self, span: Span) -> None:
        self._append_or_meet(FinishSpan, f"the end of the span {span.span_id}", span.span_id)
        if self.span is span:
            self.span = span.parent

    def set_span_attribute(self, span: Span, key: str, value: str) -> None:
        self._append_or_meet(SetSpanAttribute, f"an attribute of the span {span.span_id}", span.span_id, key, value)
        span.attributes[key] = value

    def trace_headers(self, span: Span) -> list[tuple[str, str]]:
        """Return W3C's headers for what is done in a span. Source: SEMANTICS 2.8."""
        headers = [("traceparent", f"00-{self._trace_id}-{span.span_id}-00")]
        return [*headers, ("tracestate", ",".join(self._trace_states))] if self._trace_states else headers

    @property
    def trace_id(self) -> str:
        return self._trace_id

    def handed_on(self, span: Span) -> InvocationContext:
        """Return what a call to another worker hands on from a span."""
        return handed_on(self._trace_id, self._trace_states, span)

    def derived_key(self, index: OplogIndex) -> str:
        """Return the idempotency key of an effect at `index`. Source: SEMANTICS 2.2.

        An ephemeral worker's invocation that was cut off begins anew, behind what it left: its effects have their keys
        by their order.
        """
        if self._is_ephemeral:
            self._keys_derived += 1
            index = self._keys_derived
        try:
            namespace = UUID(self.invocation_key)
        except ValueError:
            namespace = uuid5(_KEY_NAMESPACE, self.invocation_key)
        return str(uuid5(namespace, f"oplog-index-{index}"))

    def consume_log(self, level: str, context: str, message: str) -> bool:
        """Was this line recorded already (then it counts as met), or is it part of the replay?"""
        return self._cursor.consume_log((level, context, message)) or not self.is_live

    # Invocations.

    def begin_invocation(self, invoked: ExportedFunctionInvoked) -> None:
        self.invocation_key, self._keys_derived, self._effects_named = invoked.idempotency_key, 0, 0
        self._trace_id, self._trace_states = invoked.trace_id, invoked.trace_states
        self.span = span_of_invocation(invoked, self._worker)

    def next_invocation(self) -> ExportedFunctionInvoked | None:
        """Return the next recorded invocation; None when the worker is live."""
        if self.is_live:
            return None
        return self._meet(ExportedFunctionInvoked, "an invocation")[1]

    def complete(
        self,
        response: Recorded | None,
        is_same: Callable[[Recorded | None, Recorded | None], bool] = operator.eq,
        failure: InvocationFailed | None = None,
    ) -> None:
        """Append the result of the invocation that runs, or its failure, or compare it with the recorded one.

        What is still open ends here. The component has what it wanted of a remote write, and an open one would be
        done again, or refused (SEMANTICS 3.6), at the next recovery; components that drop late are common. An atomic
        region does not undo an invocation that was answered.
        """
        for begin in list(self._open_writes):
            if begin in self._open_transactions:
                self._end_transaction(begin, RolledBackRemoteTransaction)
            else:
                self.end_remote_write(begin)
        self._open_regions.clear()
        self._leave_zone()
        self._cursor.forget_logs()
        if self.is_live:
            told = () if failure is None else (0, failure.cause, failure.stderr)
            self._journal.append(lambda now: ExportedFunctionCompleted(now, response, *told))
            return
        index, entry = self._cursor.take()
        if not isinstance(entry, ExportedFunctionCompleted):
            raise ReplayMismatch(index, described(entry), "the end of an invocation")
        if entry.failure != (failure.cause if failure else ""):
            now = _ending(response, None if failure is None else failure.cause)
            raise ReplayMismatch(index, _ending(entry.response, entry.failure), now)
        if not is_same(entry.response, response):
            raise ReplayMismatch(index, f"the result {shown(entry.response)}", f"return {shown(response)}")
        self.note_live()

    def _leave_zone(self) -> None:
        """The end of an invocation ends a zone without persistence. Source: SEMANTICS 3.11."""
        if self.persistence_level == PERSIST_NOTHING:
            if not self.is_live:
                self._cursor.pass_until(_ends_zone)
            self.persistence_level = SMART


def _response(function: HostFunction, target: Any, arguments: dict[str, Any]) -> Response:
    try:
        return "ok", function.body(target, **arguments)
    except WitError as error:
        return "err", error.payload


def _ending(response: Recorded | None, failure: str | None) -> str:
    return f"the exception {failure.splitlines()[-1]}" if failure else f"the result {shown(response)}"


def _ends_zone(entry: OplogEntry) -> bool:
    return isinstance(entry, ExportedFunctionCompleted) or (
        isinstance(entry, ChangePersistenceLevel) and entry.level != PERSIST_NOTHING
    )
