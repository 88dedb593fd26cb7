"""A request for an invocation, on its way from whoever makes it to the worker's queue."""

from __future__ import annotations

from dataclasses import dataclass

from golem_nb.engine.tracing import new_span_id, new_trace_id
from golem_nb.model import IdempotencyKey
from golem_nb.oplog.entries import (
    ExportedFunctionInvoked,
    InvocationContext,
    PendingWorkerInvocation,
    Recorded,
)


@dataclass(frozen=True, slots=True)
class Invocation:
    """`context` is what the caller hands on; None begins a trace."""

    function: str
    input: tuple[Recorded, ...]
    key: IdempotencyKey
    context: InvocationContext | None = None

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
