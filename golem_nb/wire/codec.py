"""The nouns of `model` <-> the JSON of the contract. camelCase lives in this folder only.

Reading is lenient where Golem's releases differ from the contract (CONTRACT, dialects): unknown keys are ignored, keys
may be snake_case (Golem 1.2), lists may be wrapped in `values` (1.4), a cursor may be an object. Writing is the
contract's form, with our additions `exports` and `sha256` of a component (ARCHITECTURE, decision 16).
Everything that reads raises `BadInput` for what it cannot read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from json import dumps, loads
from typing import Any
from uuid import UUID

from golem_nb.errors import BadInput
from golem_nb.model import (
    LOCAL_ACCOUNT,
    Component,
    OplogIndex,
    OplogPage,
    PublicEntry,
    UpdateRecord,
    UpdateState,
    WorkerId,
    WorkerMetadata,
    WorkersPage,
    WorkerStatus,
    parse_uuid,
    text_from_timestamp,
    timestamp_from_text,
)
from golem_nb.values.json import json_from_type, json_from_typed, type_from_json, typed_from_json
from golem_nb.values.types import FunctionType, Parameter, TypedValue
from golem_nb.wire.options import json_from_options, options_from_json
from golem_nb.wire.reading import read_list, read_number, read_text, reading

Json = dict[str, Any]


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
    json.update(json_from_options(component.options))
    return json


def component_from_json(json: Any) -> Component:
    with reading("a component"):
        exports = json.get("exports")
        return Component(
            id=parse_uuid(json["componentId"], "componentId"),
            name=read_text(json["componentName"]),
            version=read_number(json["componentVersion"]),
            size_bytes=read_number(json.get("componentSize", 0)),
            created_at=timestamp_from_text(json["createdAt"]),
            exports=None if exports is None else tuple(function_from_json(function) for function in exports),
            sha256=json.get("sha256"),
            options=options_from_json(json),
        )


def json_from_function(function: FunctionType) -> Json:
    return {
        "name": function.name,
        "parameters": [_json_from_parameter(parameter) for parameter in function.parameters],
        "result": None if function.result is None else json_from_type(function.result),
        "docs": function.docs,
    }


def _json_from_parameter(parameter: Parameter) -> Json:
    told: Json = {"name": parameter.name, "typ": json_from_type(parameter.type)}
    if parameter.is_json:
        told["isJson"] = True
    if parameter.default is not None:
        told["default"] = loads(parameter.default)
    return told


def _parameter_from_json(json: Any) -> Parameter:
    default = dumps(json["default"]) if "default" in json else None
    return Parameter(read_text(json["name"]), type_from_json(json["typ"]), bool(json.get("isJson", False)), default)


def function_from_json(json: Any) -> FunctionType:
    with reading("an exported function"):
        return FunctionType(
            name=read_text(json["name"]),
            parameters=tuple(map(_parameter_from_json, json["parameters"])),
            result=None if json.get("result") is None else type_from_json(json["result"]),
            docs=read_text(json.get("docs", "")),
        )


def components_from_json(json: Any) -> list[Component]:
    """Read the list of components, bare (the contract) or as `{"values": [...]}` (Golem 1.4)."""
    with reading("a list of components"):
        return [component_from_json(item) for item in (json["values"] if isinstance(json, Mapping) else json)]


# Workers.


def json_from_creation(
    name: str, args: Sequence[str], env: Mapping[str, str], config: Mapping[str, str] | None = None
) -> Json:
    """Return the contract's WorkerCreationRequest. The first three are always there: Golem 1.2 and 1.3 ask for them."""
    with_config = {"wasiConfigVars": json_from_config(config)} if config else {}
    return {"name": name, "args": list(args), "env": dict(env), **with_config}


def json_from_config(config: Mapping[str, str]) -> list[Json]:
    """Return what a worker is configured with, as Golem 1.3 writes it."""
    return [{"key": key, "value": value} for key, value in config.items()]


def config_from_json(json: Any) -> dict[str, str]:
    """Read what a worker is configured with: a list of `{key, value}`, or an object; null is nothing.

    Raises:
        BadInput: It is neither, or a key is there twice.
    """
    with reading("a list of {key, value}, or an object whose values are strings"):
        pairs = json.items() if isinstance(json, Mapping) else [(i["key"], i["value"]) for i in read_list(json or [])]
        config = {read_text(key): read_text(value) for key, value in pairs}
        if len(config) < len(pairs):
            raise ValueError("a key is there twice")
        return config


def json_from_worker_id(worker: WorkerId) -> Json:
    return {"componentId": str(worker.component_id), "workerName": worker.name}


def worker_id_from_json(json: Any) -> WorkerId:
    with reading("a WorkerId"):
        json = json.get("workerId", json)  # Golem 1.2 and 1.3 answer a launch with {workerId, componentVersion}
        return WorkerId(parse_uuid(json["componentId"], "componentId"), read_text(json["workerName"]))


def json_from_worker_metadata(worker: WorkerMetadata) -> Json:
    json: Json = {
        "workerId": json_from_worker_id(worker.worker_id),
        "status": str(worker.status),
        "componentVersion": worker.component_version,
        "createdAt": text_from_timestamp(worker.created_at),
        "args": list(worker.args),
        "env": dict(worker.env),
        "wasiConfigVars": json_from_config(worker.config),
        "pendingInvocationCount": worker.pending_invocation_count,
        "retryCount": worker.retry_count,
        "componentSize": worker.component_size_bytes,
        "lastOplogIndex": worker.last_index,
        "skippedRegions": [_json_from_region(region) for region in worker.skipped_regions],
        "deletedRegions": [_json_from_region(region) for region in worker.deleted_regions],
        "updates": [_json_from_update_record(record) for record in worker.updates],
        "exportedResourceInstances": [_json_from_resource(*item) for item in worker.owned_resources.items()],
        "createdBy": LOCAL_ACCOUNT,
        "activePlugins": [],
    }
    # Left out, not null: the contract's document knows no null.
    if worker.last_error is not None:
        json["lastError"] = worker.last_error
    if worker.entries_replayed is not None:
        json["entriesReplayed"] = worker.entries_replayed
    if worker.environment_id is not None:
        json["projectId"] = str(worker.environment_id)
    if worker.forked_from:
        json["forkedFrom"] = list(worker.forked_from)
    return json


def _environment_from(text: Any) -> UUID | None:
    return None if text is None else parse_uuid(read_text(text), "an environment's id")


def worker_metadata_from_json(json: Any) -> WorkerMetadata:
    with reading("a WorkerMetadata"):
        return WorkerMetadata(
            worker_id=worker_id_from_json(json["workerId"]),
            status=WorkerStatus(json["status"]),
            component_version=read_number(json["componentVersion"]),
            created_at=timestamp_from_text(json["createdAt"]),
            args=tuple(json.get("args") or ()),
            env=dict(json.get("env") or {}),
            config=config_from_json(json.get("wasiConfigVars")),
            pending_invocation_count=read_number(json.get("pendingInvocationCount", 0)),
            retry_count=read_number(json.get("retryCount", 0)),
            last_error=json.get("lastError"),
            component_size_bytes=read_number(json.get("componentSize", 0)),
            last_index=read_number(json.get("lastOplogIndex", 0)),
            entries_replayed=json.get("entriesReplayed"),
            skipped_regions=tuple(_region_from_json(region) for region in json.get("skippedRegions") or ()),
            deleted_regions=tuple(_region_from_json(region) for region in json.get("deletedRegions") or ()),
            updates=tuple(_update_records_from_json(json.get("updates") or ())),
            owned_resources=_resources_from_json(json),
            environment_id=_environment_from(json.get("projectId") or json.get("environmentId")),
            forked_from=tuple(json.get("forkedFrom") or ()),
        )


def _json_from_region(region: tuple[OplogIndex, OplogIndex]) -> Json:
    return {"start": region[0], "end": region[1]}


def _region_from_json(json: Any) -> tuple[OplogIndex, OplogIndex]:
    return read_number(json["start"]), read_number(json["end"])


def _json_from_update_record(record: UpdateRecord) -> Json:
    details = {} if record.details is None else {"details": record.details}
    timestamp = text_from_timestamp(record.timestamp)
    return {"type": str(record.state), "timestamp": timestamp, "targetVersion": record.target_version, **details}


def _update_records_from_json(json: Any) -> Iterator[UpdateRecord]:
    """Read the updates of a worker; those of a kind that we do not know are left out. Source: SEMANTICS 6.4."""
    states = {str(state).lower(): state for state in UpdateState}  # Golem 1.4 begins them with a capital
    for item in json:
        state = states.get(read_text(item["type"]).lower())
        versions = (item[key] for key in ("targetVersion", "targetRevision", "target_version") if key in item)
        if state is not None:
            moment = timestamp_from_text(item["timestamp"])
            yield UpdateRecord(state, moment, read_number(next(versions, None)), item.get("details"))


def _json_from_resource(number: int, resource: str) -> Json:
    owner, _, name = resource.rpartition("#")
    return {"key": number, "description": {"resourceOwner": owner, "resourceName": name}}


def _resources_from_json(json: Json) -> dict[int, str]:
    """Read the handles that a worker owns: the list of Golem 1.3, or the object `ownedResources` of Golem 1.2."""
    listed = [(item["key"], item["description"]) for item in json.get("exportedResourceInstances") or ()]
    older = [(key, item.get("indexed") or {}) for key, item in (json.get("ownedResources") or {}).items()]
    return {int(key): _resource_name(description) for key, description in (*listed, *older) if str(key).isdecimal()}


def _resource_name(json: Json) -> str:
    owner, name = json.get("resourceOwner"), read_text(json.get("resourceName", ""))
    return f"{owner}#{name}" if owner else name


def json_from_workers_page(page: WorkersPage) -> Json:
    """Return the page; the key `cursor` is left out at the end."""
    cursor = {} if page.cursor is None else {"cursor": page.cursor}
    return {"workers": [json_from_worker_metadata(worker) for worker in page.workers], **cursor}


def workers_page_from_json(json: Any) -> WorkersPage:
    with reading("a page of workers"):
        cursor = json.get("cursor")
        if isinstance(cursor, Mapping):  # Golem: it comes as an object and goes back as a text
            cursor = f"{cursor['layer']}/{cursor['cursor']}"
        if cursor == "0/0":  # there, the beginning of all, which nothing goes on at
            cursor = None
        return WorkersPage(tuple(worker_metadata_from_json(worker) for worker in read_list(json["workers"])), cursor)


# Invocations.


def json_from_params(params: Sequence[Any]) -> Json:
    """Return the body of an invocation. Values are bare JSON and travel as `{"value": v}`, which every Golem reads."""
    return {"params": [{"value": value} for value in params]}


def json_from_result(result: TypedValue | None) -> Json:
    return {"result": None if result is None else json_from_typed(result)}


def result_from_json(json: Any) -> TypedValue | None:
    with reading("an InvokeResult"):
        return typed_from_json(json.get("result"))


# The oplog.


# The kinds whose fields are snake_case in Golem 1.3. Source: SEMANTICS 4.3.
_SNAKE_CASE_KINDS = frozenset({"PendingUpdate", "SuccessfulUpdate"})


def json_from_entry(entry: PublicEntry) -> Json:
    fields = entry.fields
    if entry.kind in _SNAKE_CASE_KINDS:
        fields = {_snake_from_camel(key): value for key, value in fields.items()}
    return {"type": entry.kind, "timestamp": text_from_timestamp(entry.timestamp), **fields}


def entry_from_json(index: OplogIndex, json: Any) -> PublicEntry:
    with reading("an oplog entry"):
        fields = {_camel_from_snake(key): value for key, value in json.items() if key not in ("type", "timestamp")}
        return PublicEntry(read_number(index), read_text(json["type"]), timestamp_from_text(json["timestamp"]), fields)


def json_from_indexed_entry(entry: PublicEntry) -> Json:
    """Return an entry as pages of an oplog have it, and the lines of a stream."""
    return {"oplogIndex": entry.index, "entry": json_from_entry(entry)}


def entry_from_indexed_json(json: Any) -> PublicEntry:
    """Read an entry with its index; newer Golems have pairs `[index, entry]`."""
    with reading("an entry with its index"):
        return entry_from_json(*(json if isinstance(json, list) else (json["oplogIndex"], json["entry"])))


def json_from_oplog_page(page: OplogPage, component_version: int) -> Json:
    """Return the page in Golem's form; `next` is left out at the end. Source: SEMANTICS 4.4."""
    json: Json = {
        "entries": [json_from_indexed_entry(entry) for entry in page.entries],
        "firstIndexInChunk": page.first_index,
        "lastIndex": page.last_index,
    }
    if page.next_index is not None:
        json["next"] = {"nextOplogIndex": page.next_index, "currentComponentVersion": component_version}
    return json


def oplog_page_from_json(json: Any) -> OplogPage:
    with reading("a page of an oplog"):
        following = {_camel_from_snake(key): value for key, value in (json.get("next") or {}).items()}
        next_index = following.get("nextOplogIndex")
        version = following.get("currentComponentVersion", following.get("currentComponentRevision"))
        return OplogPage(
            entries=tuple(map(entry_from_indexed_json, read_list(json["entries"]))),
            next_index=next_index,
            first_index=read_number(json.get("firstIndexInChunk", 0)),
            last_index=read_number(json.get("lastIndex", 0)),
            cursor=None if next_index is None or version is None else text_from_cursor(next_index, version),
        )


def text_from_cursor(next_index: OplogIndex, component_version: int) -> str:
    """Return where an oplog goes on, as Golem spells it. Source: SEMANTICS 4.4."""
    return f"{next_index}-{component_version}"


def index_from_cursor(text: str) -> OplogIndex:
    """Return the index in a cursor. Its version is for servers whose entries do not carry their types.

    Raises:
        BadInput: It is no cursor.
    """
    match = re.fullmatch(r"([0-9]{1,18})-[0-9]{1,18}", text)
    if match is None:
        raise BadInput(f"cursor must be one that this server gave, found {text[:80]!r}")
    return int(match[1])


def _snake_from_camel(key: str) -> str:
    return re.sub(r"[A-Z]", lambda match: f"_{match[0].lower()}", key)


def _camel_from_snake(key: str) -> str:
    if "_" not in key:  # as nearly all: a whole oplog has some millions
        return key
    first, *rest = key.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)
