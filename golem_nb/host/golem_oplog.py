"""golem:api/oplog 1.1: a component reads and searches oplogs, its own and others'. Source: SEMANTICS 5.2.

Not recorded: an oplog that grows reads differently in replay. Versions of the interface differ in records and in names
of cases, so an entry is described once, with the fields and names of all, and fitted to the component's type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from golem_nb.errors import GolemError
from golem_nb.host.clocks import datetime_value
from golem_nb.host.context import HostContext
from golem_nb.host.declare import Resource, Trap, Value, deterministic
from golem_nb.host.golem_host import persistence_level_value, uuid_value, worker_from_value, worker_value
from golem_nb.model import LogLevel, OplogIndex, WorkerId
from golem_nb.oplog.entries import (
    ActivatePlugin,
    BeginAtomicRegion,
    BeginRemoteTransaction,
    BeginRemoteWrite,
    CancelPendingInvocation,
    ChangePersistenceLevel,
    ChangeRetryPolicy,
    CommittedRemoteTransaction,
    Create,
    CreateResource,
    DeactivatePlugin,
    DescribeResource,
    DropResource,
    EndAtomicRegion,
    EndRemoteWrite,
    Error,
    Exited,
    ExportedFunctionCompleted,
    ExportedFunctionInvoked,
    FailedUpdate,
    FinishSpan,
    GrowMemory,
    ImportedFunctionInvoked,
    Interrupted,
    Jump,
    Log,
    NoOp,
    OplogEntry,
    PendingUpdate,
    PendingWorkerInvocation,
    PreCommitRemoteTransaction,
    PreRollbackRemoteTransaction,
    Recorded,
    Restart,
    Revert,
    RolledBackRemoteTransaction,
    SetSpanAttribute,
    StartSpan,
    SuccessfulUpdate,
    Suspend,
)
from golem_nb.oplog.query import parse_query
from golem_nb.oplog.search import matching
from golem_nb.oplog.spans import Span, span_of_caller, span_of_invocation
from golem_nb.values.nodes import nodes_from_type, nodes_from_value
from golem_nb.values.types import (
    ListType,
    OptionType,
    RecordType,
    TupleType,
    VariantType,
    WitType,
)

PAGE = 100  # entries. Source: SEMANTICS 11
_EFFECTS = {
    "ReadLocal": "read-local",
    "WriteLocal": "write-local",
    "ReadRemote": "read-remote",
    "WriteRemote": "write-remote",
    "WriteRemoteBatched": "write-remote-batched",
    "WriteRemoteTransaction": "write-remote-transaction",
}
_HAVE_BEGIN = ("WriteRemoteBatched", "WriteRemoteTransaction")


@dataclass(frozen=True, slots=True)
class Case:
    """A value of a variant whose case has one of these names."""

    names: tuple[str, ...]
    payload: Any = None


# Entries as values with the fields of all versions. Recorded values stay what they are until they are fitted.


def _create(entry: Create, worker: WorkerId) -> Value:
    return {
        **_ids(WorkerId(entry.component_id, entry.worker_name)),
        "component-version": entry.component_version,
        "args": list(entry.args),
        "env": list(entry.env.items()),
        "account-id": {"value": "local"},
        "created-by": {"value": "local"},
        "project-id": {"uuid": uuid_value(entry.environment_id or UUID(int=0))},
        "wasi-config-vars": list(entry.config.items()),
        "parent": None if entry.parent is None else _worker(entry.parent),
        "component-size": entry.component_size,
        "initial-total-linear-memory-size": 0,
        "initial-active-plugins": [],
    }


def _ids(worker: WorkerId) -> dict[str, Value]:
    return {"worker-id": worker_value(worker), "agent-id": worker_value(worker)}


def _worker(text: str) -> Value:
    return worker_value(WorkerId.parse(text))


def _imported(entry: ImportedFunctionInvoked, worker: WorkerId) -> Value:
    effect = Case((_EFFECTS[entry.effect],), entry.begin if entry.effect in _HAVE_BEGIN else None)
    return {
        "function-name": entry.function_name,
        "request": entry.request,
        "response": entry.response,
        "wrapped-function-type": effect,
        "durable-function-type": effect,
    }


def _invoked(entry: ExportedFunctionInvoked, worker: WorkerId) -> Value:
    span = span_of_invocation(entry, str(worker)) if entry.trace_id else None
    return {
        "function-name": entry.function_name,
        "request": list(entry.request),
        "idempotency-key": entry.idempotency_key,
        **_context(entry.trace_id, entry.trace_states, span),
    }


def _context(trace_id: str, trace_states: Sequence[str], innermost: Span | None) -> dict[str, Value]:
    return {
        "trace-id": trace_id,
        "trace-states": list(trace_states),
        "invocation-context": [] if innermost is None else [[_span(span) for span in innermost.chain()]],
    }


def _span(span: Span) -> Case:
    return Case(
        ("local-span",),
        {
            "span-id": span.span_id,
            "start": datetime_value(span.start_us * 1000),
            "parent": None if span.parent is None else span.parent.span_id,
            "linked-context": None,
            "attributes": _attributes(span.attributes),
            "inherited": span.is_inherited,
        },
    )


def _attributes(attributes: Mapping[str, str]) -> list[Value]:
    return [{"key": key, "value": Case(("string",), value)} for key, value in attributes.items()]


def _pending(entry: PendingWorkerInvocation, worker: WorkerId) -> Value:
    if entry.target_version is not None:
        return {"invocation": Case(("manual-update",), entry.target_version)}
    return {
        "invocation": Case(
            ("exported-function",),
            {
                "idempotency-key": entry.idempotency_key,
                "function-name": entry.function_name,
                "input": list(entry.input),
                **_context(entry.trace_id, entry.trace_states, span_of_caller(entry)),
            },
        )
    }


def _retry_policy(entry: ChangeRetryPolicy, worker: WorkerId) -> Value:
    policy = {
        "max-attempts": entry.max_attempts,
        "min-delay": entry.min_delay_ns,
        "max-delay": entry.max_delay_ns,
        "multiplier": entry.multiplier,
        "max-jitter-factor": entry.max_jitter_factor,
    }
    return {"retry-policy": policy, "new-policy": policy}


def _update(entry: PendingUpdate, worker: WorkerId) -> Value:
    kind = Case(("auto-update",)) if entry.snapshot is None else Case(("snapshot-based",), entry.snapshot)
    return {"target-version": entry.target_version, "update-description": kind}


def _region(name: str) -> Callable[[Any, WorkerId], Value]:
    return lambda entry, worker: {
        name: {"start": entry.start, "end": entry.end},
        "start": entry.start,
        "end": entry.end,
    }


def _resource(entry: Any, worker: WorkerId) -> Value:
    return {"resource-id": entry.id, "id": entry.id, "name": entry.name, "owner": entry.owner}


def _plugin(entry: Any, worker: WorkerId) -> Value:
    none = {"high-bits": 0, "low-bits": 0}
    return {"plugin": {"installation-id": none, "name": entry.installation_id, "version": "", "parameters": []}}


def _begin_index(entry: Any, worker: WorkerId) -> Value:
    return {"begin-index": entry.begin_index}


def _level(level: LogLevel) -> str:
    return level.value.lower()


Describe = Callable[[Any, WorkerId], Value]
# The names of an entry's case, and its fields besides its time; entries that are nothing but a time have none.
_ENTRIES: dict[type[OplogEntry], tuple[tuple[str, ...], Describe | None]] = {
    Create: (("create",), _create),
    ImportedFunctionInvoked: (("imported-function-invoked",), _imported),
    ExportedFunctionInvoked: (("exported-function-invoked",), _invoked),
    ExportedFunctionCompleted: (
        ("exported-function-completed",),
        lambda e, w: {"response": e.response, "consumed-fuel": e.consumed_fuel},
    ),
    Suspend: (("suspend",), None),
    Error: (("error",), lambda e, w: {"error": e.message, "retry-from": e.retry_from}),
    NoOp: (("no-op",), None),
    Jump: (("jump",), _region("jump")),
    Interrupted: (("interrupted",), None),
    Exited: (("exited",), None),
    ChangeRetryPolicy: (("change-retry-policy",), _retry_policy),
    BeginAtomicRegion: (("begin-atomic-region",), None),
    EndAtomicRegion: (("end-atomic-region",), _begin_index),
    BeginRemoteWrite: (("begin-remote-write",), None),
    EndRemoteWrite: (("end-remote-write",), _begin_index),
    PendingWorkerInvocation: (("pending-worker-invocation", "pending-agent-invocation"), _pending),
    PendingUpdate: (("pending-update",), _update),
    SuccessfulUpdate: (
        ("successful-update",),
        lambda e, w: {
            "target-version": e.target_version,
            "new-component-size": e.new_component_size,
            "new-active-plugins": [],
        },
    ),
    FailedUpdate: (("failed-update",), lambda e, w: {"target-version": e.target_version, "details": e.details}),
    GrowMemory: (("grow-memory",), lambda e, w: {"delta": e.delta}),
    CreateResource: (("create-resource",), _resource),
    DropResource: (("drop-resource",), _resource),
    DescribeResource: (
        ("describe-resource",),
        lambda e, w: {
            "resource-id": e.id,
            "resource-name": e.resource_name,
            "resource-params": list(e.resource_params),
        },
    ),
    Log: (("log",), lambda e, w: {"level": _level(e.level), "context": e.context, "message": e.message}),
    Restart: (("restart",), None),
    ActivatePlugin: (("activate-plugin",), _plugin),
    DeactivatePlugin: (("deactivate-plugin",), _plugin),
    Revert: (("revert",), _region("dropped-region")),
    CancelPendingInvocation: (
        ("cancel-invocation", "cancel-pending-invocation"),
        lambda e, w: {"idempotency-key": e.idempotency_key},
    ),
    StartSpan: (
        ("start-span",),
        lambda e, w: {
            "span-id": e.span_id,
            "parent": e.parent_id,
            "parent-id": e.parent_id,
            "linked-context": None,
            "linked-context-id": None,
            "attributes": _attributes(e.attributes),
        },
    ),
    FinishSpan: (("finish-span",), lambda e, w: {"span-id": e.span_id}),
    SetSpanAttribute: (
        ("set-span-attribute",),
        lambda e, w: {"span-id": e.span_id, "key": e.key, "value": Case(("string",), e.value)},
    ),
    ChangePersistenceLevel: (
        ("change-persistence-level",),
        lambda e, w: {"persistence-level": Case((persistence_level_value(e.level)[0],))},
    ),
    BeginRemoteTransaction: (("begin-remote-transaction",), lambda e, w: {"transaction-id": e.transaction_id}),
    PreCommitRemoteTransaction: (("pre-commit-remote-transaction",), _begin_index),
    PreRollbackRemoteTransaction: (("pre-rollback-remote-transaction",), _begin_index),
    CommittedRemoteTransaction: (("committed-remote-transaction",), _begin_index),
    RolledBackRemoteTransaction: (("rolled-back-remote-transaction",), _begin_index),
}


def described(entry: OplogEntry, worker: WorkerId) -> Case:
    """Return an entry of a worker's as a value of all versions. What none of them has is a `no-op`."""
    names, describe = _ENTRIES.get(type(entry), (("no-op",), None))
    timestamp = datetime_value(entry.timestamp_us * 1000)
    if describe is None:
        return Case(names, timestamp)
    return Case(names, {"timestamp": timestamp, **describe(entry, worker)})


def fitted(type: WitType, value: Any) -> Value:
    """Return a described value as one of the component's type."""
    match type:
        case RecordType() if isinstance(value, Recorded):
            return recorded_value(type, value)
        case RecordType(fields):
            return {field.name: fitted(field.type, value[field.name]) for field in fields}
        case VariantType(cases):
            known = {case.name: case.type for case in cases}
            name = next((name for name in value.names if name in known), None)
            if name is None:  # the component's version has no such entry
                return fitted(type, Case(("no-op",), value.payload["timestamp"]))
            payload = known[name]
            return name, None if payload is None else fitted(payload, value.payload)
        case ListType(element) if not isinstance(value, bytes):
            return [fitted(element, item) for item in value]
        case TupleType(items):
            return tuple(fitted(item, part) for item, part in zip(items, value, strict=True))
        case OptionType(payload):
            return None if value is None else fitted(payload, value)
        case _:
            return value


def recorded_value(type: RecordType, recorded: Recorded) -> Value:
    """Return a recorded value as a `wit-value`, or with its type where the component's version has that."""
    typed = recorded.typed()
    assert typed.type is not None, "what is recorded has a type"
    if any(field.name == "nodes" for field in type.fields):
        return nodes_from_value(typed.type, typed.value)
    node = _element(next(field.type for field in type.fields if field.name == "typ"))
    return {
        "value": nodes_from_value(typed.type, typed.value),
        "typ": nodes_from_type(typed.type, are_named=isinstance(node, RecordType)),
    }


def _element(wit_type: WitType) -> WitType:
    """Return the type of a `wit-type`'s nodes."""
    assert isinstance(wit_type, RecordType)
    nodes = wit_type.fields[0].type
    assert isinstance(nodes, ListType)
    return nodes.element


class _Pages:
    """Reads a worker's oplog a page at a time."""

    def __init__(self, worker: HostContext, of: Value, start: OplogIndex, text: str = "") -> None:
        self._worker, self._of = worker, worker_from_value(of)
        self._next: OplogIndex | None = max(1, start)
        try:
            self._matches = matching(parse_query(text))
        except GolemError as error:
            raise Trap(str(error)) from error

    def next(self) -> list[tuple[OplogIndex, OplogEntry]] | None:
        """Return the entries of the next page; None at the end."""
        if self._next is None:
            return None
        start = self._next
        peers, of, matches = self._worker.peers, self._of, self._matches
        try:
            found, self._next = self._worker.run_apart(lambda: peers.oplog(of, start, PAGE, matches))
        except GolemError as error:
            raise Trap(str(error)) from error
        return found or None

    def described(self, found: list[tuple[OplogIndex, OplogEntry]]) -> list[tuple[OplogIndex, Case]]:
        return [(index, described(entry, self._of)) for index, entry in found]


class GetOplog(Resource, wit="golem:api/oplog#get-oplog"):
    def __init__(self, worker: HostContext, of: Value, start: OplogIndex) -> None:
        self.worker, self._pages = worker, _Pages(worker, of, start)

    @deterministic(static=True)
    def constructor(worker: HostContext, worker_id: Value, start: int) -> GetOplog:
        return GetOplog(worker, worker_id, start)

    @deterministic(with_result_type=True)
    def get_next(self, result_type: WitType) -> Value:
        found = self._pages.next()
        if found is None:
            return None
        return fitted(result_type, [entry for _, entry in self._pages.described(found)])


class SearchOplog(Resource, wit="golem:api/oplog#search-oplog"):
    def __init__(self, worker: HostContext, of: Value, text: str) -> None:
        self.worker, self._pages = worker, _Pages(worker, of, 1, text)

    @deterministic(static=True)
    def constructor(worker: HostContext, worker_id: Value, text: str) -> SearchOplog:
        return SearchOplog(worker, worker_id, text)

    @deterministic(with_result_type=True)
    def get_next(self, result_type: WitType) -> Value:
        found = self._pages.next()
        return None if found is None else fitted(result_type, self._pages.described(found))
