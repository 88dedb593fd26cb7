"""golem:api/context 1.1: the spans that an invocation runs in. Source: SEMANTICS 5.3.

What the component starts, names and ends is in the oplog; what it asks follows from that.
"""

from __future__ import annotations

from collections.abc import Mapping

from golem_nb.host.clocks import datetime_value
from golem_nb.host.context import HostContext
from golem_nb.host.declare import Interface, Resource, Value, deterministic
from golem_nb.oplog.spans import Span as OpenSpan


def _text(value: str) -> Value:
    """Return an attribute's value; texts are the only kind that there is."""
    return "string", value


def _attributes(attributes: Mapping[str, str]) -> list[Value]:
    return [{"key": key, "value": _text(value)} for key, value in attributes.items()]


class Span(Resource, wit="golem:api/context#span"):
    def __init__(self, worker: HostContext, span: OpenSpan) -> None:
        self.worker, self.span, self._is_finished = worker, span, False

    @deterministic
    def started_at(self) -> Value:
        return datetime_value(self.span.start_us * 1000)

    @deterministic
    def set_attribute(self, name: str, value: Value) -> None:
        self.worker.set_span_attribute(self.span, name, value[1])

    @deterministic
    def set_attributes(self, attributes: list[Value]) -> None:
        for attribute in attributes:
            self.worker.set_span_attribute(self.span, attribute["key"], attribute["value"][1])

    @deterministic
    def finish(self) -> None:
        self._finish()

    def dropped(self) -> None:
        self._finish()

    def _finish(self) -> None:
        if not self._is_finished:
            self._is_finished = True
            self.worker.finish_span(self.span)


class InvocationContext(Resource, wit="golem:api/context#invocation-context"):
    """The spans as they were when the component asked for them."""

    def __init__(self, worker: HostContext, span: OpenSpan) -> None:
        self.worker, self.span, self._trace_id = worker, span, worker.trace_id

    @deterministic
    def trace_id(self) -> str:
        return self._trace_id

    @deterministic
    def span_id(self) -> str:
        return self.span.span_id

    @deterministic
    def parent(self) -> InvocationContext | None:
        return None if self.span.parent is None else InvocationContext(self.worker, self.span.parent)

    @deterministic
    def get_attribute(self, key: str, inherited: bool) -> Value:
        found = self.span.attribute(key, inherited)
        return None if found is None else _text(found)

    @deterministic
    def get_attributes(self, inherited: bool) -> list[Value]:
        return _attributes(self.span.merged(inherited))

    @deterministic
    def get_attribute_chain(self, key: str) -> list[Value]:
        return [_text(value) for value in self.span.values(key)]

    @deterministic
    def get_attribute_chains(self) -> list[Value]:
        keys = sorted(self.span.merged(inherited=True))
        return [{"key": key, "values": [_text(value) for value in self.span.values(key)]} for key in keys]

    @deterministic
    def trace_context_headers(self) -> list[tuple[str, str]]:
        return self.worker.trace_headers(self.span)


class GolemContext(Interface, wit="golem:api/context"):
    @deterministic
    def start_span(self, name: str) -> Span:
        span = self.worker.start_span({"name": name})
        self.worker.enter_span(span)
        return Span(self.worker, span)

    @deterministic
    def current_context(self) -> InvocationContext:
        return InvocationContext(self.worker, self.worker.span)

    @deterministic
    def allow_forwarding_trace_context_headers(self, allow: bool) -> bool:
        before, self.worker.forwards_trace_headers = self.worker.forwards_trace_headers, allow
        return before
