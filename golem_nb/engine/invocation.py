"""A request for an invocation, on its way from whoever makes it to the worker's queue."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID, uuid5

from golem_nb.engine.tracing import new_span_id, new_trace_id
from golem_nb.model import IdempotencyKey
from golem_nb.oplog.entries import (
    ExportedFunctionInvoked,
    InvocationContext,
    PendingWorkerInvocation,
    Recorded,
)
from golem_nb.oplog.fold import WorkerState
from golem_nb.oplog.spans import caller_of


@dataclass(frozen=True, slots=True)
class Invocation:
    """`context` is what the caller hands on; None begins a trace."""

    function: str
    input: tuple[Recorded, ...]
    key: IdempotencyKey
    context: InvocationContext | None = None
    earlier_callers: tuple[str, ...] = ()
    """The workers that the caller's history was forked from."""

    def told_apart(self, state: WorkerState) -> Invocation:
        """Return the invocation with a key that no other caller's has.

        Keys of calls derive from those of the invocations that make them, which clients choose: those of two callers
        may be the same. A call then has another key, which derives from its caller, too. A fork goes on with the calls
        of its source.
        """
        caller = "" if self.context is None else caller_of(self.context.inherited)
        known = state.caller_of(self.key) if caller else None
        if known is None or known in ("", caller, *self.earlier_callers):
            return self
        return replace(self, key=str(uuid5(UUID(self.key), caller)))

    def pending(self, now_us: int) -> PendingWorkerInvocation:
        given = self.context or InvocationContext(new_trace_id())
        return PendingWorkerInvocation(
            now_us, self.key, self.function, self.input, None, given.trace_id, given.trace_states, given.inherited
        )


def begun(now_us: int, pending: PendingWorkerInvocation) -> ExportedFunctionInvoked:
    """Return the entry with which a pending invocation begins."""
    return ExportedFunctionInvoked(
        now_us,
        pending.function_name,
        pending.input,
        pending.idempotency_key,
        pending.trace_id or new_trace_id(),
        new_span_id(),
        pending.trace_states,
        pending.inherited,
    )
