"""The spans of an invocation: what it inherited from its caller, its own, and those that it starts.

Source: SEMANTICS 2.8. An invocation without a caller has a root span above its own; its id is the beginning of that of
its trace, so that it need not be recorded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from golem_nb.oplog.entries import (
    ExportedFunctionInvoked,
    InheritedSpan,
    InvocationContext,
    PendingWorkerInvocation,
)


@dataclass(slots=True, eq=False)
class Span:
    """A unit of work. `start_us` counts microseconds since the Unix epoch; `span_id` has 16 hex digits."""

    span_id: str
    start_us: int
    parent: Span | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    is_inherited: bool = False

    def chain(self) -> Iterator[Span]:
        """Yield this span and those above it, innermost first."""
        span: Span | None = self
        while span is not None:
            yield span
            span = span.parent

    def attribute(self, key: str, inherited: bool) -> str | None:
        for span in self.chain() if inherited else (self,):
            if key in span.attributes:
                return span.attributes[key]
        return None

    def values(self, key: str) -> list[str]:
        """Return all values of an attribute, innermost first."""
        return [span.attributes[key] for span in self.chain() if key in span.attributes]

    def merged(self, inherited: bool) -> dict[str, str]:
        """Return the attributes, each with its innermost value."""
        spans = list(self.chain()) if inherited else [self]
        return {key: value for span in reversed(spans) for key, value in span.attributes.items()}


def span_of_caller(invocation: PendingWorkerInvocation | ExportedFunctionInvoked) -> Span | None:
    """Return the span above an invocation's own; None in the oplogs of versions that recorded no trace."""
    if not invocation.trace_id:
        return None
    if not invocation.inherited:
        return Span(invocation.trace_id[:16], invocation.timestamp_us)
    return _linked(invocation.inherited)


def span_of_invocation(invocation: ExportedFunctionInvoked, worker: str) -> Span:
    """Return the own span of an invocation of a worker, `COMPONENT/NAME`."""
    attributes = {
        "name": "invoke-exported-function",
        "idempotency_key": invocation.idempotency_key,
        "function_name": invocation.function_name,
        "worker_id": worker,
    }
    return Span(invocation.span_id, invocation.timestamp_us, span_of_caller(invocation), attributes)


def caller_of(inherited: Sequence[InheritedSpan]) -> str:
    """Return the worker that made a call, `COMPONENT/NAME`; "" where no worker did."""
    return next((span.attributes["worker_id"] for span in inherited if "worker_id" in span.attributes), "")


def handed_on(trace_id: str, trace_states: Sequence[str], span: Span) -> InvocationContext:
    """Return what a call from inside a span hands on."""
    inherited = tuple(InheritedSpan(s.span_id, s.start_us, dict(s.attributes)) for s in span.chain())
    return InvocationContext(trace_id, tuple(trace_states), inherited)


def _linked(spans: Sequence[InheritedSpan]) -> Span | None:
    above: Span | None = None
    for span in reversed(spans):
        above = Span(span.span_id, span.start_us, above, dict(span.attributes), is_inherited=True)
    return above
