"""What a worker shows while it runs: output as Log entries and events, events of invocations, its last stderr."""

from __future__ import annotations

from collections import deque

from golem_nb.engine.events import EventHub
from golem_nb.engine.journal import Journal
from golem_nb.engine.metadata import moment
from golem_nb.model import EventType, LogLevel, WorkerEvent
from golem_nb.oplog.entries import ExportedFunctionInvoked, Log

STDERR_LINES = 128  # of the last invocation, for error reports. Source: SEMANTICS 3.9
_STDERR_LEVELS = {LogLevel.STDERR, LogLevel.WARN, LogLevel.ERROR, LogLevel.CRITICAL}
_KINDS = {LogLevel.STDOUT: EventType.STDOUT, LogLevel.STDERR: EventType.STDERR}


class WorkerOutput:
    def __init__(self, journal: Journal, events: EventHub) -> None:
        self._journal, self._events = journal, events
        self._stderr: deque[str] = deque(maxlen=STDERR_LINES)

    @property
    def stderr(self) -> str:
        """What the invocation that runs has printed there, also in replay."""
        return "".join(self._stderr)

    def forget_stderr(self) -> None:
        self._stderr.clear()

    def __call__(self, level: LogLevel, context: str, message: str, is_new: bool, is_recorded: bool = True) -> None:
        """Take a line of output; `is_new` is false for one that is recorded, `is_recorded` where none is to be."""
        if level in _STDERR_LEVELS:
            self._stderr.append(message if level is LogLevel.STDERR else f"[{level.upper()}] [{context}] {message}\n")
        if not is_new:
            return
        if is_recorded:
            self._journal.append(lambda now: Log(now, level, context, message))
        kind = _KINDS.get(level, EventType.LOG)
        fields = {"context": context} if context else {}
        shown = level.value if kind is EventType.LOG else None
        self._events.publish(WorkerEvent(kind, moment(self._journal.last_timestamp_us), message, shown, fields))

    def invocation(self, kind: EventType, invoked: ExportedFunctionInvoked | None) -> None:
        """Tell that an invocation, if there is one, has started, or is over."""
        if invoked is None:
            return
        context = {"function": invoked.function_name, "idempotencyKey": invoked.idempotency_key}
        at = moment(self._journal.last_timestamp_us)
        self._events.publish(WorkerEvent(kind, at, invoked.function_name, None, context))
