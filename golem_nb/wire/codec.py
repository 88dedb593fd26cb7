"""The nouns <-> JSON of the contract. Reading is lenient: real servers leave keys out, and newer ones add some."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from golem_nb.errors import ServerError
from golem_nb.model import (
    Component,
    OplogPage,
    PublicEntry,
    WorkerId,
    WorkerMetadata,
    WorkersPage,
    WorkerStatus,
)
from golem_nb.values.json import json_from_type, json_from_typed, type_from_json, typed_from_json
from golem_nb.values.types import FunctionType, Parameter, TypedValue

Json = dict[str, Any]


def text_from_timestamp(at: datetime) -> str:
    """Return ISO 8601 in UTC with milliseconds. Source: SEMANTICS 4.3."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def timestamp_from_text(text: Any) -> datetime:
    """Return the time that a text spells; the Unix epoch where there is none."""
    if not isinstance(text, str):
        return datetime.fromtimestamp(0, UTC)
    return datetime.fromisoformat(text).astimezone(UTC)


# Components.


def json_from_component(component: Component) -> Json:
    json: Json = {
        "componentId": str(component.id),
        "componentName": component.name,
        "componentVersion": component.version,
        "componentSize": component.size_bytes,
        "createdAt": text_from_timestamp(component.created_at),
    }
    if component.exports is not None:
        json["exports"] = [json_from_function(f) for f in component.exports]
    if component.sha256 is not None:
        json["sha256"] = component.sha256
    return json


def component_from_json(json: Any) -> Component:
    fields = _object(json, "a component")
    exports = fields.get("exports")
    return Component(
        _uuid(fields, "componentId"),
        str(fields.get("componentName", "")),
        int(fields.get("componentVersion", 0)),
        int(fields.get("componentSize", 0)),
        timestamp_from_text(fields.get("createdAt")),
        None if exports is None else tuple(function_from_json(f) for f in exports),
        fields.get("sha256"),
    )


def json_from_function(function: FunctionType) -> Json:
    return {
        "name": function.name,
        "parameters": [{"name": p.name, "typ": json_from_type(p.type)} for p in function.parameters],
        "result": None if function.result is None else json_from_type(function.result),
        "docs": function.docs,
    }


def function_from_json(json: Json) -> FunctionType:
    parameters = tuple(Parameter(p["name"], type_from_json(p["typ"])) for p in json.get("parameters", ()))
    result = None if json.get("result") is None else type_from_json(json["result"])
    return FunctionType(json["name"], parameters, result, json.get("docs") or "")


# Workers.


def json_from_worker_id(worker: WorkerId) -> Json:
    return {"componentId": str(worker.component_id), "workerName": worker.name}


def worker_id_from_json(json: Any) -> WorkerId:
    fields = _object(json, "a worker's id")
    if isinstance(fields.get("workerId"), Mapping):  # Golem 1.3's answer to a launch
        fields = fields["workerId"]
    return WorkerId(_uuid(fields, "componentId"), str(fields.get("workerName", "")))


def json_from_worker_metadata(worker: WorkerMetadata) -> Json:
    json: Json = {
        "workerId": json_from_worker_id(worker.worker_id),
        "status": worker.status.value,
        "componentVersion": worker.component_version,
        "createdAt": text_from_timestamp(worker.created_at),
        "args": list(worker.args),
        "env": dict(worker.env),
        "pendingInvocationCount": worker.pending_invocation_count,
        "retryCount": worker.retry_count,
        "componentSize": worker.component_size_bytes,
        "lastOplogIndex": worker.last_index,
        "skippedRegions": _json_from_regions(worker.skipped_regions),
        "deletedRegions": _json_from_regions(worker.deleted_regions),
    }
    if worker.last_error is not None:
        json["lastError"] = worker.last_error
    if worker.entries_replayed is not None:
        json["entriesReplayed"] = worker.entries_replayed
    return json


def worker_metadata_from_json(json: Any) -> WorkerMetadata:
    fields = _object(json, "a worker's metadata")
    return WorkerMetadata(
        worker_id_from_json(fields.get("workerId")),
        WorkerStatus(fields.get("status", "Idle")),
        int(fields.get("componentVersion", 0)),
        timestamp_from_text(fields.get("createdAt")),
        tuple(fields.get("args") or ()),
        dict(fields.get("env") or {}),
        int(fields.get("pendingInvocationCount") or 0),
        int(fields.get("retryCount") or 0),
        fields.get("lastError"),
        int(fields.get("componentSize") or 0),
        int(fields.get("lastOplogIndex") or 0),
        fields.get("entriesReplayed"),
        _regions_from_json(fields.get("skippedRegions")),
        _regions_from_json(fields.get("deletedRegions")),
    )


def _json_from_regions(regions: tuple[tuple[int, int], ...]) -> list[Json]:
    return [{"start": start, "end": end} for start, end in regions]


def _regions_from_json(json: Any) -> tuple[tuple[int, int], ...]:
    return tuple((int(r["start"]), int(r["end"])) for r in json or ())


def json_from_workers_page(page: WorkersPage) -> Json:
    """The cursor's key is left out at the end: null would break the schema."""
    json: Json = {"workers": [json_from_worker_metadata(w) for w in page.workers]}
    return json if page.cursor is None else {**json, "cursor": page.cursor}


def workers_page_from_json(json: Any) -> WorkersPage:
    fields = _object(json, "a page of workers")
    workers = tuple(worker_metadata_from_json(w) for w in fields.get("workers") or ())
    cursor = fields.get("cursor")
    if isinstance(cursor, Mapping):  # Golem answers an object and wants `layer/cursor` back
        cursor = f"{cursor.get('layer', 0)}/{cursor.get('cursor', 0)}"
    return WorkersPage(workers, cursor)


# Oplogs.


def json_from_oplog_page(page: OplogPage, component_version: int) -> Json:
    json: Json = {
        "entries": [{"oplogIndex": e.index, "entry": _json_from_entry(e)} for e in page.entries],
        "firstIndexInChunk": page.first_index,
        "lastIndex": page.last_index,
    }
    if page.next_index is not None:
        json["next"] = {"nextOplogIndex": page.next_index, "currentComponentVersion": component_version}
    return json


def _json_from_entry(entry: PublicEntry) -> Json:
    return {"type": entry.kind, "timestamp": text_from_timestamp(entry.timestamp), **entry.fields}


def oplog_page_from_json(json: Any) -> OplogPage:
    fields = _object(json, "a page of an oplog")
    entries = tuple(_entry_from_json(e) for e in fields.get("entries") or ())
    following = fields.get("next") or {}
    next_index = following.get("nextOplogIndex", following.get("next_oplog_index"))
    last = entries[-1].index if entries else 0
    return OplogPage(
        entries,
        None if next_index is None else int(next_index),
        int(fields.get("firstIndexInChunk") or (entries[0].index if entries else 1)),
        int(fields.get("lastIndex") or last),
    )


def _entry_from_json(json: Any) -> PublicEntry:
    """Read the envelope of Golem 1.3, or the pair [index, entry]."""
    index, entry = (json[0], json[1]) if isinstance(json, list) else (json.get("oplogIndex"), json.get("entry"))
    fields = {camel_from_snake(k): v for k, v in _object(entry, "an oplog entry").items()}
    kind, timestamp = fields.pop("type", "Unknown"), fields.pop("timestamp", None)
    return PublicEntry(int(index), str(kind), timestamp_from_text(timestamp), fields)


def camel_from_snake(name: str) -> str:
    """Return a key as Golem 1.3 spells most of them; 1.2 has all in snake_case."""
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


# Results.


def json_from_result(result: TypedValue | None) -> Json:
    return {"result": None if result is None else json_from_typed(result)}


def result_from_json(json: Any) -> TypedValue | None:
    return typed_from_json(_object(json, "a result").get("result"))


def _object(json: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(json, Mapping):
        raise ServerError(200, f"expected {what}, found {str(json)[:80]!r}; is this a Golem server?")
    return json


def _uuid(fields: Mapping[str, Any], key: str) -> UUID:
    try:
        return UUID(str(fields[key]))
    except (KeyError, ValueError):
        raise ServerError(
            200, f"expected a UUID as {key}, found {fields.get(key)!r}; is this a Golem server?"
        ) from None
