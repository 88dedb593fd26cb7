"""Oplog entries as the API shows them: Golem 1.3's kinds and fields. Source: SEMANTICS 4.3."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from golem_nb.model import LOCAL_ACCOUNT, OplogIndex, OplogPage, PublicEntry, WorkerId, text_from_timestamp
from golem_nb.oplog.entries import (
    ActivatePlugin,
    BeginRemoteTransaction,
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
    Jump,
    Log,
    OplogEntry,
    PendingUpdate,
    PendingWorkerInvocation,
    PreCommitRemoteTransaction,
    PreRollbackRemoteTransaction,
    Recorded,
    Revert,
    RolledBackRemoteTransaction,
    SetSpanAttribute,
    Snapshot,
    StartSpan,
    SuccessfulUpdate,
)
from golem_nb.oplog.search import kind_name
from golem_nb.oplog.spans import Span, span_of_caller, span_of_invocation
from golem_nb.values.binary import decoder
from golem_nb.values.json import json_converter, json_from_type
from golem_nb.values.wave import type_from_text
from golem_nb.wire.codec import json_from_config, text_from_cursor

Fields = dict[str, Any]


def public_entry(index: OplogIndex, entry: OplogEntry, worker: WorkerId) -> PublicEntry:
    """Return an entry of a worker's as the API shows it."""
    kind = type(entry)
    fields = _FIELDS[kind](entry) if kind in _FIELDS else {}
    if isinstance(entry, ExportedFunctionInvoked):
        fields["invocationContext"] = _spans(span_of_invocation(entry, str(worker)) if entry.trace_id else None)
    return PublicEntry(index, kind_name(kind), _moment(entry.timestamp_us), fields)


def _moment(timestamp_us: int) -> datetime:
    return datetime.fromtimestamp(timestamp_us / 1e6, UTC)


def following_index(entries: Sequence[tuple[OplogIndex, OplogEntry]], last_index: OplogIndex) -> OplogIndex | None:
    """Return where an oplog goes on behind consecutive entries; None at its end."""
    return entries[-1][0] + 1 if entries and entries[-1][0] < last_index else None


def public_page(
    entries: Iterable[tuple[OplogIndex, OplogEntry]],
    *,
    worker: WorkerId,
    from_index: OplogIndex,
    next_index: OplogIndex | None,
    last_index: OplogIndex,
    component_version: int,
) -> OplogPage:
    """Return entries of the engine's as a page. `from_index` is where they were asked from, `next_index` None = end."""
    found = tuple(public_entry(index, entry, worker) for index, entry in entries)
    first_index = found[0].index if found else max(1, from_index)
    cursor = None if next_index is None else text_from_cursor(next_index, component_version)
    return OplogPage(found, next_index, first_index, last_index, cursor)


def _value(recorded: Recorded) -> Fields:
    """Return what `json_from_typed` makes of a value; oplogs have many of few types, whose `typ` objects are shared."""
    typ, read, converted = _of_type(recorded.type)
    return {"typ": typ, "value": converted(read(recorded.data))}


@lru_cache(maxsize=4096)
def _of_type(text: str) -> tuple[Fields, Callable[[bytes], Any], Callable[[Any], Any]]:
    type = type_from_text(text)
    return json_from_type(type), decoder(type), json_converter(type)


def _create(entry: Create) -> Fields:
    """The size of its memory is 0: wasmtime's Python package does not tell it."""
    return {
        "workerId": {"componentId": str(entry.component_id), "workerName": entry.worker_name},
        "componentVersion": entry.component_version,
        "args": list(entry.args),
        "env": entry.env,
        **({} if entry.environment_id is None else {"projectId": str(entry.environment_id)}),
        "createdBy": LOCAL_ACCOUNT,
        "wasiConfigVars": json_from_config(entry.config),
        **_parent(entry.parent),
        "componentSize": entry.component_size,
        "initialTotalLinearMemorySize": 0,
        "initialActivePlugins": [],
        **({"forkedFrom": list(entry.forked_from)} if entry.forked_from else {}),
    }


def _parent(parent: str | None) -> Fields:
    if parent is None:
        return {}
    worker = WorkerId.parse(parent)
    return {"parent": {"componentId": str(worker.component_id), "workerName": worker.name}}


def _imported(entry: ImportedFunctionInvoked) -> Fields:
    effect: Fields = {"type": entry.effect}
    if entry.begin is not None:
        effect["index"] = entry.begin
    return {
        "functionName": entry.function_name,
        "request": _value(entry.request),
        "response": _value(entry.response),
        "durableFunctionType": effect,
    }


def _invoked(entry: ExportedFunctionInvoked) -> Fields:
    return {
        "functionName": entry.function_name,
        "request": [_value(r) for r in entry.request],
        "idempotencyKey": entry.idempotency_key,
        "traceId": entry.trace_id,
        "traceStates": list(entry.trace_states),
    }


def _spans(innermost: Span | None) -> list[list[Fields]]:
    """Return stacks of spans, innermost first; there is one, as no span is linked to another context."""
    if innermost is None:
        return []
    return [[_span(span) for span in innermost.chain()]]


def _span(span: Span) -> Fields:
    return {
        "type": "LocalSpan",
        "spanId": span.span_id,
        "start": text_from_timestamp(_moment(span.start_us)),
        **({} if span.parent is None else {"parentId": span.parent.span_id}),
        "attributes": _attributes(span.attributes),
        "inherited": span.is_inherited,
    }


def _attributes(attributes: Mapping[str, str]) -> list[Fields]:
    return [{"key": key, "value": {"type": "String", "value": value}} for key, value in attributes.items()]


def _completed(entry: ExportedFunctionCompleted) -> Fields:
    """A program's exception has no place in Golem's entry; where there is one, `error` says it as in Error."""
    response = {} if entry.response is None else {"response": _value(entry.response)}
    return {**response, **({"error": entry.failure} if entry.failure else {}), "consumedFuel": entry.consumed_fuel}


def _pending(entry: PendingWorkerInvocation) -> Fields:
    if entry.target_version is not None:
        return {"invocation": {"type": "ManualUpdate", "targetVersion": entry.target_version}}
    return {
        "invocation": {
            "type": "ExportedFunction",
            "idempotencyKey": entry.idempotency_key,
            "fullFunctionName": entry.function_name,
            "functionInput": [_value(r) for r in entry.input],
            "traceId": entry.trace_id,
            "traceStates": list(entry.trace_states),
            "invocationContext": _spans(span_of_caller(entry)),
        }
    }


def _retry_policy(entry: ChangeRetryPolicy) -> Fields:
    policy: Fields = {
        "maxAttempts": entry.max_attempts,
        "minDelay": human_time(entry.min_delay_ns),
        "maxDelay": human_time(entry.max_delay_ns),
        "multiplier": entry.multiplier,
    }
    if entry.max_jitter_factor is not None:
        policy["maxJitterFactor"] = entry.max_jitter_factor
    return {"newPolicy": policy}


def human_time(duration_ns: int) -> str:
    """Return a duration as Golem writes it: `1s`, `100ms`, `1s 500ms`."""
    parts = []
    for unit, size in (("h", 3_600 * 10**9), ("m", 60 * 10**9), ("s", 10**9), ("ms", 10**6), ("us", 10**3), ("ns", 1)):
        count, duration_ns = divmod(duration_ns, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts) or "0s"


def _pending_update(entry: PendingUpdate) -> Fields:
    snapshot = entry.snapshot
    kind = {"type": "Automatic"} if snapshot is None else {"type": "SnapshotBased", "payload": list(snapshot)}
    return {"targetVersion": entry.target_version, "description": kind}


def _start_span(entry: StartSpan) -> Fields:
    parent = {} if entry.parent_id is None else {"parentId": entry.parent_id}
    return {"spanId": entry.span_id, **parent, "attributes": _attributes(entry.attributes)}


def _begin_index(entry: Any) -> Fields:
    return {"beginIndex": entry.begin_index}


def _resource(entry: Any) -> Fields:
    return {"id": entry.id, "name": entry.name, "owner": entry.owner}


def _plugin(entry: Any) -> Fields:
    return {"plugin": {"installationId": entry.installation_id}}


# Kinds without fields of their own are not named.
_FIELDS: dict[type[OplogEntry], Callable[[Any], Fields]] = {
    Create: _create,
    ImportedFunctionInvoked: _imported,
    ExportedFunctionInvoked: _invoked,
    ExportedFunctionCompleted: _completed,
    PendingWorkerInvocation: _pending,
    Error: lambda e: {"error": e.message, "retryFrom": e.retry_from},
    Jump: lambda e: {"jump": {"start": e.start, "end": e.end}, **({"isAskedFor": True} if e.is_asked_for else {})},
    Exited: lambda e: {"code": e.code},
    ChangeRetryPolicy: _retry_policy,
    EndAtomicRegion: _begin_index,
    EndRemoteWrite: _begin_index,
    PendingUpdate: _pending_update,
    SuccessfulUpdate: lambda e: {
        "targetVersion": e.target_version,
        "newComponentSize": e.new_component_size,
        "newActivePlugins": [],
        **({"details": e.details} if e.details else {}),
    },
    FailedUpdate: lambda e: {"targetVersion": e.target_version, **({"details": e.details} if e.details else {})},
    GrowMemory: lambda e: {"delta": e.delta},
    CreateResource: _resource,
    DropResource: _resource,
    DescribeResource: lambda e: {
        "id": e.id,
        "resourceName": e.resource_name,
        "resourceParams": [_value(p) for p in e.resource_params],
    },
    Log: lambda e: {"level": e.level.value, "context": e.context, "message": e.message},
    ActivatePlugin: _plugin,
    DeactivatePlugin: _plugin,
    Revert: lambda e: {"droppedRegion": {"start": e.start, "end": e.end}},
    CancelPendingInvocation: lambda e: {"idempotencyKey": e.idempotency_key},
    StartSpan: _start_span,
    FinishSpan: lambda e: {"spanId": e.span_id},
    SetSpanAttribute: lambda e: {
        "spanId": e.span_id,
        "key": e.key,
        "value": {"type": "String", "value": e.value},
    },
    ChangePersistenceLevel: lambda e: {"persistenceLevel": e.level},
    BeginRemoteTransaction: lambda e: {"transactionId": e.transaction_id},
    PreCommitRemoteTransaction: _begin_index,
    PreRollbackRemoteTransaction: _begin_index,
    CommittedRemoteTransaction: _begin_index,
    RolledBackRemoteTransaction: _begin_index,
    Snapshot: lambda e: {"componentVersion": e.component_version, "data": list(e.data)},
}
