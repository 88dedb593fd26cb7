"""golem:durability 1.2: durable calls that libraries implement in the component. Source: SEMANTICS 5.4.

A library begins a call, and when live does it and persists what came of it, or in replay reads what was persisted; then
it ends the call. Values that it persists with their types are recorded as such, bytes as they are.
"""

from __future__ import annotations

from collections.abc import Callable

from golem_nb.errors import ValueMismatch
from golem_nb.host.clocks import datetime_value
from golem_nb.host.context import HostContext, PersistedCall, Source
from golem_nb.host.declare import Effect, Interface, Resource, Trap, Value, deterministic
from golem_nb.host.golem_host import persistence_level_value
from golem_nb.host.golem_oplog import recorded_value
from golem_nb.host.io import Pollable, Ready
from golem_nb.oplog.entries import Recorded
from golem_nb.values.nodes import type_from_nodes, value_from_nodes
from golem_nb.values.types import RecordType, TypedValue

_EFFECTS = {
    "read-local": Effect.READ_LOCAL,
    "write-local": Effect.WRITE_LOCAL,
    "read-remote": Effect.READ_REMOTE,
    "write-remote": Effect.WRITE_REMOTE,
    "write-remote-batched": Effect.WRITE_REMOTE_BATCHED,
    "write-remote-transaction": Effect.WRITE_REMOTE_TRANSACTION,
}
_CASES = {effect.value: case for case, effect in _EFFECTS.items()}


def _effect(function_type: Value) -> tuple[Effect, int | None]:
    """Return the effect and, of a batch or transaction, where it began."""
    case, begin = function_type
    return _EFFECTS[case], begin


class GolemDurability(Interface, wit="golem:durability/durability"):
    @deterministic
    def observe_function_call(self, iface: str, function: str) -> None:
        """Golem counts these calls; here nobody does."""

    @deterministic
    def current_durable_execution_state(self) -> Value:
        return {
            "is-live": self.worker.is_live,
            "persistence-level": persistence_level_value(self.worker.persistence_level),
        }

    @deterministic
    def begin_durable_function(self, function_type: Value) -> int:
        return self.worker.begin_function(*_effect(function_type))

    @deterministic
    def end_durable_function(self, function_type: Value, begin_index: int, forced_commit: bool) -> None:
        effect, begin = _effect(function_type)
        self.worker.end_function(effect, begin, begin_index)
        if forced_commit:
            self.worker.commit_oplog()

    @deterministic(with_types=True)
    def persist_durable_function_invocation(
        self, function_name: TypedValue, request: TypedValue, response: TypedValue, function_type: TypedValue
    ) -> None:
        self.worker.persist_call(
            function_name.value, _recorded(request), _recorded(response), *_effect(function_type.value)
        )

    @deterministic(with_types=True)
    def persist_typed_durable_function_invocation(
        self, function_name: TypedValue, request: TypedValue, response: TypedValue, function_type: TypedValue
    ) -> None:
        given, came = _typed(function_name.value, request.value), _typed(function_name.value, response.value)
        self.worker.persist_call(function_name.value, given, came, *_effect(function_type.value))

    @deterministic
    def read_persisted_durable_function_invocation(self) -> Value:
        found = self.worker.persisted_call()
        return _persisted(found, found.response.typed().value)

    @deterministic(with_result_type=True)
    def read_persisted_typed_durable_function_invocation(self, result_type: RecordType) -> Value:
        found = self.worker.persisted_call()
        type = next(field.type for field in result_type.fields if field.name == "response")
        assert isinstance(type, RecordType), "it is a value with its type"
        return _persisted(found, _with_type(type, found.response))


def _persisted(found: PersistedCall, response: Value) -> Value:
    case = _CASES[found.effect]
    has_begin = case in ("write-remote-batched", "write-remote-transaction")
    return {
        "timestamp": datetime_value(found.timestamp_us * 1000),
        "function-name": found.name,
        "response": response,
        "function-type": (case, found.begin if has_begin else None),
        "entry-version": "v2",
    }


def _typed(name: str, given: Value) -> Recorded:
    """Return what a `value-and-type` stands for."""
    try:
        type = type_from_nodes(given["typ"])
        return Recorded.of(type, value_from_nodes(type, given["value"]))
    except (ValueMismatch, TypeError) as error:
        raise Trap(f"what {name} persists is no value with its type: {error}") from error


def _with_type(type: RecordType, recorded: Recorded) -> Value:
    """Return a recorded value as a `value-and-type`."""
    typed = recorded.typed()
    if isinstance(typed.type, RecordType) and {"value", "typ"} == {field.name for field in typed.type.fields}:
        return typed.value  # an oplog of golem_nb 0.3 has the nodes themselves
    return recorded_value(type, recorded)


def _recorded(given: TypedValue) -> Recorded:
    assert given.type is not None, "parameters have types"
    return Recorded.of(given.type, given.value)


class _Lazy:
    """A source that is ready until it is given another one, and that one from then on."""

    def __init__(self) -> None:
        self.use(Ready())

    def use(self, source: Source) -> None:
        self._source = source
        self.deadline_ns, self.is_promise = source.deadline_ns, source.is_promise

    def is_ready(self) -> bool:
        return self._source.is_ready()

    def call_when_ready(self, wake: Callable[[], None]) -> None:
        self._source.call_when_ready(wake)


class LazyInitializedPollable(Resource, wit="golem:durability/durability#lazy-initialized-pollable"):
    def __init__(self, worker: HostContext) -> None:
        self.worker, self.source = worker, _Lazy()

    @deterministic(static=True)
    def constructor(worker: HostContext) -> LazyInitializedPollable:
        return LazyInitializedPollable(worker)

    @deterministic
    def set(self, pollable: Pollable) -> None:
        self.source.use(pollable.source)

    @deterministic
    def subscribe(self) -> Pollable:
        return Pollable(self.worker, self.source)
