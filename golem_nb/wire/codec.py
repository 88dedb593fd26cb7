"""The nouns of `model` <-> the JSON of the contract. camelCase lives in this folder only.

Reading is lenient where Golem's releases differ from the contract (CONTRACT, dialects): unknown keys are ignored, keys
may be snake_case (Golem 1.2), lists may be wrapped in `values` (1.4), a cursor may be an object. Writing is the
contract's form, with our additions `exports` and `sha256` of a component (ARCHITECTURE, decision 16).
Everything that reads raises `BadInput` for what it cannot read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from golem_nb.errors import BadInput
from golem_nb.model import (
    Component,
    OplogIndex,
    OplogPage,
    PublicEntry,
    WorkerId,
    WorkerMetadata,
    WorkersPage,
    WorkerStatus,
    parse_uuid,
)
from golem_nb.values.json import json_from_type, json_from_typed, type_from_json, typed_from_json
from golem_nb.values.types import FunctionType, Parameter, TypedValue

Json = dict[str, Any]


def text_from_timestamp(moment: datetime) -> str:
    """Return the moment as Golem writes it: ISO-8601, UTC, milliseconds, `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def timestamp_from_text(text: Any) -> datetime:
    """Return the moment that an ISO-8601 text spells; without an offset it is UTC.

    Digits behind the microseconds are cut off.
    """
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise BadInput(f"not a timestamp: {text!r}") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


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
        json["exports"] = [json_from_function(function) for function in component.exports]
    if component.sha256 is not None:
        json["sha256"] = component.sha256
    return json


def component_from_json(json: Any) -> Component:
    with _reading("a component"):
        exports = json.get("exports")
        return Component(
            id=parse_uuid(json["componentId"], "componentId"),
            name=_text(json["componentName"]),
            version=_number(json["componentVersion"]),
            size_bytes=_number(json.get("componentSize", 0)),
            created_at=timestamp_from_text(json["createdAt"]),
            exports=None if exports is None else tuple(function_from_json(function) for function in exports),
            sha256=json.get("sha256"),
        )


def json_from_function(function: FunctionType) -> Json:
    return {
        "name": function.name,
        "parameters": [{"name": p.name, "typ": json_from_type(p.type)} for p in function.parameters],
        "result": None if function.result is None else json_from_type(function.result),
        "docs": function.docs,
    }


def function_from_json(json: Any) -> FunctionType:
    with _reading("an exported function"):
        return FunctionType(
            name=_text(json["name"]),
            parameters=tuple(Parameter(_text(p["name"]), type_from_json(p["typ"])) for p in json["parameters"]),
            result=None if json.get("result") is None else type_from_json(json["result"]),
            docs=_text(json.get("docs", "")),
        )


def components_from_json(json: Any) -> list[Component]:
    """Read the list of components, bare (the contract) or as `{"values": [...]}` (Golem 1.4)."""
    with _reading("a list of components"):
        return [component_from_json(item) for item in (json["values"] if isinstance(json, Mapping) else json)]


# Workers.


def json_from_creation(name: str, args: Sequence[str], env: Mapping[str, str]) -> Json:
    """Return the contract's WorkerCreationRequest. All three are always there: Golem 1.2 and 1.3 ask for them."""
    return {"name": name, "args": list(args), "env": dict(env)}


def json_from_worker_id(worker: WorkerId) -> Json:
    return {"componentId": str(worker.component_id), "workerName": worker.name}


def worker_id_from_json(json: Any) -> WorkerId:
    with _reading("a WorkerId"):
        json = json.get("workerId", json)  # Golem 1.2 and 1.3 answer a launch with {workerId, componentVersion}
        return WorkerId(parse_uuid(json["componentId"], "componentId"), _text(json["workerName"]))


def json_from_worker_metadata(worker: WorkerMetadata) -> Json:
    json: Json = {
        "workerId": json_from_worker_id(worker.worker_id),
        "status": str(worker.status),
        "componentVersion": worker.component_version,
        "createdAt": text_from_timestamp(worker.created_at),
        "args": list(worker.args),
        "env": dict(worker.env),
        "pendingInvocationCount": worker.pending_invocation_count,
        "retryCount": worker.retry_count,
        "componentSize": worker.component_size_bytes,
        "lastOplogIndex": worker.last_index,
        "skippedRegions": [_json_from_region(region) for region in worker.skipped_regions],
        "deletedRegions": [_json_from_region(region) for region in worker.deleted_regions],
    }
    # Left out, not null: the contract's document knows no null.
    if worker.last_error is not None:
        json["lastError"] = worker.last_error
    if worker.entries_replayed is not None:
        json["entriesReplayed"] = worker.entries_replayed
    return json


def worker_metadata_from_json(json: Any) -> WorkerMetadata:
    with _reading("a WorkerMetadata"):
        return WorkerMetadata(
            worker_id=worker_id_from_json(json["workerId"]),
            status=WorkerStatus(json["status"]),
            component_version=_number(json["componentVersion"]),
            created_at=timestamp_from_text(json["createdAt"]),
            args=tuple(json.get("args") or ()),
            env=dict(json.get("env") or {}),
            pending_invocation_count=_number(json.get("pendingInvocationCount", 0)),
            retry_count=_number(json.get("retryCount", 0)),
            last_error=json.get("lastError"),
            component_size_bytes=_number(json.get("componentSize", 0)),
            last_index=_number(json.get("lastOplogIndex", 0)),
            entries_replayed=json.get("entriesReplayed"),
            skipped_regions=tuple(_region_from_json(region) for region in json.get("skippedRegions") or ()),
            deleted_regions=tuple(_region_from_json(region) for region in json.get("deletedRegions") or ()),
        )


def _json_from_region(region: tuple[OplogIndex, OplogIndex]) -> Json:
    return {"start": region[0], "end": region[1]}


def _region_from_json(json: Any) -> tuple[OplogIndex, OplogIndex]:
    return _number(json["start"]), _number(json["end"])


def json_from_workers_page(page: WorkersPage) -> Json:
    """Return the page; the key `cursor` is left out at the end."""
    cursor = {} if page.cursor is None else {"cursor": page.cursor}
    return {"workers": [json_from_worker_metadata(worker) for worker in page.workers], **cursor}


def workers_page_from_json(json: Any) -> WorkersPage:
    with _reading("a page of workers"):
        cursor = json.get("cursor")
        if isinstance(cursor, Mapping):  # Golem: it comes as an object and goes back as a text
            cursor = f"{cursor['layer']}/{cursor['cursor']}"
        return WorkersPage(tuple(worker_metadata_from_json(worker) for worker in _list(json["workers"])), cursor)


# Invocations.


def json_from_params(params: Sequence[Any]) -> Json:
    """Return the body of an invocation. Values are bare JSON and travel as `{"value": v}`, which every Golem reads."""
    return {"params": [{"value": value} for value in params]}


def json_from_result(result: TypedValue | None) -> Json:
    return {"result": None if result is None else json_from_typed(result)}


def result_from_json(json: Any) -> TypedValue | None:
    with _reading("an InvokeResult"):
        return typed_from_json(json.get("result"))


# The oplog.


def json_from_entry(entry: PublicEntry) -> Json:
    return {"type": entry.kind, "timestamp": text_from_timestamp(entry.timestamp), **entry.fields}


def entry_from_json(index: OplogIndex, json: Any) -> PublicEntry:
    with _reading("an oplog entry"):
        fields = {_camel_from_snake(key): value for key, value in json.items() if key not in ("type", "timestamp")}
        return PublicEntry(_number(index), _text(json["type"]), timestamp_from_text(json["timestamp"]), fields)


def json_from_oplog_page(page: OplogPage, component_version: int) -> Json:
    """Return the page in Golem's form; `next` is left out at the end. Source: SEMANTICS 4.4."""
    json: Json = {
        "entries": [{"oplogIndex": entry.index, "entry": json_from_entry(entry)} for entry in page.entries],
        "firstIndexInChunk": page.first_index,
        "lastIndex": page.last_index,
    }
    if page.next_index is not None:
        json["next"] = {"nextOplogIndex": page.next_index, "currentComponentVersion": component_version}
    return json


def oplog_page_from_json(json: Any) -> OplogPage:
    """Read a page; its items are `{oplogIndex, entry}` or, in newer Golems, pairs `[index, entry]`."""
    with _reading("a page of an oplog"):
        following = json.get("next") or {}
        pairs = (item if isinstance(item, list) else (item["oplogIndex"], item["entry"]) for item in json["entries"])
        return OplogPage(
            entries=tuple(entry_from_json(index, entry) for index, entry in pairs),
            next_index=following.get("nextOplogIndex", following.get("next_oplog_index")),
            first_index=_number(json.get("firstIndexInChunk", 0)),
            last_index=_number(json.get("lastIndex", 0)),
        )


def _camel_from_snake(key: str) -> str:
    first, *rest = key.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


# Reading what others wrote.


@contextmanager
def _reading(what: str) -> Iterator[None]:
    """Turn every way in which JSON can be of another shape into BadInput."""
    try:
        yield
    except KeyError as error:
        raise BadInput(f"{what} must have the key {error.args[0]!r}") from None
    except (TypeError, ValueError, AttributeError) as error:
        raise BadInput(f"this is not {what}: {error}") from None


def _text(json: Any) -> str:
    if not isinstance(json, str):
        raise TypeError(f"expected a string, found {json!r:.80}")
    return json


def _number(json: Any) -> int:
    if type(json) is not int:  # true and 1.0 are no numbers of anything here
        raise TypeError(f"expected a whole number, found {json!r:.80}")
    return json


def _list(json: Any) -> list[Any]:
    if not isinstance(json, list):
        raise TypeError(f"expected a list, found {json!r:.80}")
    return json
