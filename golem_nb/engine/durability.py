"""Record or replay: the one door between host functions and the oplog. Source: SEMANTICS 3.

How this works: a recorded host function is answered by running its body and appending an ImportedFunctionInvoked entry
when the worker is live, and by the next recorded entry when it replays. What is appended besides (Begin and End of
remote writes, spans, Exported…) is met in replay at the same place. An entry other than the one that the component now
does is a ReplayMismatch.

The body runs before its entry exists, so a crash between the two runs it again: harmless for reads; a write to outside
has a Begin entry, or an idempotency key that is the same again.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, TypeVar
from uuid import UUID, uuid5

from golem_nb.engine.journal import Journal
from golem_nb.engine.replay import ReplayCursor
from golem_nb.errors import ReplayMismatch
from golem_nb.host.declare import Effect, HostFunction, Trap, WitError
from golem_nb.model import OplogIndex
from golem_nb.oplog.entries import (
    BeginRemoteWrite,
    EndRemoteWrite,
    ExportedFunctionCompleted,
    ExportedFunctionInvoked,
    FinishSpan,
    ImportedFunctionInvoked,
    Jump,
    OplogEntry,
    Recorded,
    StartSpan,
)

E = TypeVar("E", bound=OplogEntry)

# A write to outside waits until everything before it is stored, and is stored itself without delay; an awaited answer
# is stored before it leaves. Source: ARCHITECTURE, decision 11; SEMANTICS 3.2.
_WAITS_BEFORE = {Effect.WRITE_REMOTE}
_COMMITS_AFTER = {Effect.WRITE_REMOTE, Effect.WRITE_REMOTE_BATCHED}

# The namespace of keys whose base is no UUID. Source: SEMANTICS 2.2.
_KEY_NAMESPACE = UUID("9c19b15a-c83d-46f7-9bc3-ead7923733f4")


class Durability:
    """One worker instance's way through its oplog."""

    def __init__(self, journal: Journal, cursor: ReplayCursor) -> None:
        self._journal, self._cursor = journal, cursor
        self.invocation_key = ""
        """The idempotency key of the invocation that runs."""
        self._open_writes: list[OplogIndex] = []

    @property
    def is_live(self) -> bool:
        return self._cursor.is_live

    @property
    def entries_replayed(self) -> int:
        return self._cursor.replayed

    @property
    def has_open_writes(self) -> bool:
        """Is there a remote write that has begun and not ended?"""
        return bool(self._open_writes)

    def retry_point(self) -> OplogIndex:
        """Return where the attempts of what runs now are counted. Source: SEMANTICS 3.5."""
        return self._open_writes[0] if self._open_writes else self._journal.state.last_step

    def moment_us(self) -> int:
        """The timestamp of the entry last passed."""
        return self._journal.last_timestamp_us if self.is_live else self._cursor.last_timestamp_us

    # Host functions.

    def call(self, function: HostFunction, target: Any, arguments: dict[str, Any]) -> Any:
        """Answer a call of a host function.

        Raises:
            WitError: The `err` side of its result, now or when it was recorded.
            ReplayMismatch: The oplog records something else.
        """
        if function.effect is Effect.DETERMINISTIC:
            return function.body(target, **arguments)
        case, value = self._record(function, target, arguments) if self._cursor.is_live else self._replay(function)
        if case == "err":
            raise WitError(function.rebuild_error(target, value, **arguments) if function.rebuild_error else value)
        return function.rebuild(target, value, **arguments) if function.rebuild else value

    def _record(self, function: HostFunction, target: Any, arguments: dict[str, Any]) -> tuple[str, Any]:
        begin = function.begin(target) if function.begin else None
        request = Recorded.of(*function.request_for(target, arguments))
        if function.effect in _WAITS_BEFORE:
            self._journal.commit().result()
        try:
            response = "ok", function.body(target, **arguments)
        except WitError as error:
            response = "err", error.payload
        self._journal.append(
            lambda now: ImportedFunctionInvoked(
                now,
                function.label,
                request,
                Recorded.of(function.response_type, response),
                function.effect.value,
                begin,
            )
        )
        if function.commits or function.effect in _COMMITS_AFTER:
            self._journal.commit()
        return response

    def _replay(self, function: HostFunction) -> tuple[str, Any]:
        index, entry = self._cursor.take()
        if not isinstance(entry, ImportedFunctionInvoked) or entry.function_name != function.label:
            raise ReplayMismatch(index, described(entry), f"a call of {function.label}")
        case, value = entry.response.typed().value
        return case, value

    # What else is appended, and met again.

    def _meet(self, kind: type[E], attempted: str) -> tuple[OplogIndex, E]:
        index, entry = self._cursor.take()
        if not isinstance(entry, kind):
            raise ReplayMismatch(index, described(entry), attempted)
        return index, entry

    def begin_remote_write(self) -> OplogIndex:
        if self.is_live:
            begin = self._journal.append(BeginRemoteWrite)
            self._journal.commit().result()
        else:
            begin, _ = self._meet(BeginRemoteWrite, "a remote write")
            if not self._cursor.has_ended(begin):
                self._redo_from(begin)
        self._open_writes.append(begin)
        return begin

    def _redo_from(self, begin: OplogIndex) -> None:
        """Make what was recorded after `begin` void: the write was cut off and is done again, live."""
        foreign = self._cursor.foreign_effect_after(begin)
        if foreign is not None:
            raise Trap(
                "Non-idempotent remote write operation was not completed, cannot retry: entry "
                f"{foreign} is another effect, made while the write of entry {begin} was open"
            )
        self._cursor.abandon()
        self._journal.append_indexed(lambda now, index: Jump(now, begin + 1, index))
        self._journal.commit().result()

    def is_open_write(self, begin: OplogIndex) -> bool:
        return begin in self._open_writes

    def end_remote_write(self, begin: OplogIndex) -> None:
        if begin not in self._open_writes:
            return  # the end of its invocation ended it
        self._open_writes.remove(begin)
        if self.is_live:
            self._journal.append(lambda now: EndRemoteWrite(now, begin))
            self._journal.commit()
        else:
            self._meet(EndRemoteWrite, f"the end of the remote write of entry {begin}")

    def start_span(self, attributes: Mapping[str, str]) -> str:
        if self.is_live:
            span_id = secrets.token_hex(8)
            self._journal.append(lambda now: StartSpan(now, span_id, None, dict(attributes)))
            return span_id
        return self._meet(StartSpan, "the start of a span")[1].span_id

    def finish_span(self, span_id: str) -> None:
        if self.is_live:
            self._journal.append(lambda now: FinishSpan(now, span_id))
        else:
            self._meet(FinishSpan, f"the end of the span {span_id}")

    def derived_key(self, index: OplogIndex) -> str:
        """Return the idempotency key of an effect at `index`. Source: SEMANTICS 2.2."""
        try:
            namespace = UUID(self.invocation_key)
        except ValueError:
            namespace = uuid5(_KEY_NAMESPACE, self.invocation_key)
        return str(uuid5(namespace, f"oplog-index-{index}"))

    def consume_log(self, level: str, context: str, message: str) -> bool:
        """Was this line recorded already (then it counts as met), or is it part of the replay?"""
        return self._cursor.consume_log((level, context, message)) or not self.is_live

    # Invocations.

    def next_invocation(self) -> ExportedFunctionInvoked | None:
        """Return the next recorded invocation; None when the worker is live."""
        if self.is_live:
            return None
        return self._meet(ExportedFunctionInvoked, "an invocation")[1]

    def complete(self, response: Recorded | None) -> None:
        """Append the result of the invocation that runs, or compare it with the recorded one.

        A remote write that is still open ends here: the component has what it wanted of it, and an open one would be
        done again, or refused (SEMANTICS 3.6), at the next recovery. Components that drop late are common.
        """
        for begin in list(self._open_writes):
            self.end_remote_write(begin)
        self._cursor.forget_logs()
        if self.is_live:
            self._journal.append(lambda now: ExportedFunctionCompleted(now, response))
            return
        index, entry = self._meet(ExportedFunctionCompleted, "the end of an invocation")
        if entry.response != response:
            raise ReplayMismatch(index, f"the result {_shown(entry.response)}", f"return {_shown(response)}")


def described(entry: OplogEntry) -> str:
    """Return the words for an entry in a ReplayMismatch."""
    match entry:
        case ImportedFunctionInvoked(function_name=name):
            return f"a call of {name}"
        case ExportedFunctionInvoked(function_name=name):
            return f"the invocation of {name}"
        case ExportedFunctionCompleted():
            return "the end of an invocation"
    return type(entry).__name__


def _shown(response: Recorded | None) -> str:
    return "nothing" if response is None else repr(response.typed().value)
