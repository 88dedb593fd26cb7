"""What a server of another dialect says and wants to hear, in the contract's words: the tables of `dialects`, applied.

Answers become the contract's JSON first and are then read by `codec`, which knows nothing of dialects. Everything that
reads raises `BadInput` for what it cannot read; what a dialect cannot say raises `NotSupported`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from golem_nb.errors import BadInput, NotSupported
from golem_nb.model import (
    Component,
    OplogIndex,
    OplogPage,
    PublicEntry,
    UpdateMode,
    WorkerId,
    WorkerMetadata,
    WorkersPage,
    parse_uuid,
)
from golem_nb.oplog.filters import WorkerFilter
from golem_nb.values.types import TypedValue
from golem_nb.wire import codec, filters, requests
from golem_nb.wire.agents import agent_result_from_json
from golem_nb.wire.codec import Json
from golem_nb.wire.dialects import CONTRACT, Container, Dialect, Paths
from golem_nb.wire.reading import read_list, read_text, reading

_NOTHING = object()


@dataclass(frozen=True, slots=True)
class Place:
    """An environment or project that a token may see. `app` and `name` are empty where a server does not tell."""

    id: UUID
    app: str = ""
    name: str = ""

    def __str__(self) -> str:
        return f"{self.app}/{self.name} ({self.id})" if self.name else str(self.id)


# Reading.


# What a component has besides its name and version; in a form that we cannot read, it is as if it was not told.
_OPTIONAL = frozenset({"componentType", "env", "files", "dynamicLinking", "exports"})


def component_from(dialect: Dialect, json: Any) -> Component:
    picked = _picked(dialect.component, json)
    if dialect is CONTRACT:
        return codec.component_from_json(picked)
    try:
        return codec.component_from_json({**picked, **_told_files(dialect, picked), **_told_exports(dialect, json)})
    except BadInput:  # other releases spell options otherwise: a component without them is better than none
        return codec.component_from_json({key: value for key, value in picked.items() if key not in _OPTIONAL})


def _told_files(dialect: Dialect, picked: Json) -> Json:
    if dialect.file is None or not isinstance(picked.get("files"), list):
        return {}
    # The hash of a file goes by other names in some builds, and nothing here needs it.
    return {"files": [{"key": "", **_picked(dialect.file, file)} for file in picked["files"]]}


def _told_exports(dialect: Dialect, json: Any) -> Json:
    """Return the functions of Golem's analysed exports in our form: an instance's by `instance.{function}`."""
    found = _NOTHING if dialect.exports is None else _found(json, dialect.exports)
    if found is _NOTHING:
        return {}
    with reading("analysed exports"):
        functions: list[Json] = []
        for export in read_list(found):
            if "functions" in export:
                functions += [_function(f"{export['name']}.{{{f['name']}}}", f) for f in export["functions"]]
            else:
                functions.append(_function(export["name"], export))
        return {"exports": functions}


def _function(name: str, json: Any) -> Json:
    return {"name": name, "parameters": json["parameters"], "result": (json.get("result") or {}).get("typ")}


def components_from(dialect: Dialect, json: Any) -> list[Component]:
    """Read a list; where a server lists all versions of a component, only the latest of each is kept."""
    latest: dict[UUID, Component] = {}
    for item in _listed(dialect, json):
        component = component_from(dialect, item)
        known = latest.get(component.id)
        if known is None or known.version < component.version:
            latest[component.id] = component
    return list(latest.values())


def worker_from(dialect: Dialect, json: Any) -> WorkerMetadata:
    return codec.worker_metadata_from_json(_picked(dialect.worker, json))


def workers_page_from(dialect: Dialect, json: Any) -> WorkersPage:
    with reading("a page of workers"):
        workers = [_picked(dialect.worker, worker) for worker in read_list(json["workers"])]
        return codec.workers_page_from_json({**json, "workers": workers})


def worker_id_from(dialect: Dialect, json: Any) -> WorkerId:
    return codec.worker_id_from_json(_picked(dialect.launched, json))


def version_from_json(json: Any) -> str:
    """Read what a server calls itself."""
    with reading("a VersionInfo"):
        return read_text(json["version"])


def places_from(dialect: Dialect, container: Container, json: Any) -> list[Place]:
    """Read what containers there are."""
    with reading(f"a list of {container.word}s"):
        return [_place(container, item) for item in (_listed(dialect, json) if container.has_several else [json])]


def _place(container: Container, json: Any) -> Place:
    names = {"app": _found(json, "application.name"), "name": _found(json, "environment.name")}
    told = {key: name for key, name in names.items() if isinstance(name, str)}
    return Place(parse_uuid(read_text(_found(json, container.id)), container.id), **told)


def application_of(json: Any) -> str:
    """Read the id of the application that an environment belongs to."""
    with reading("an environment"):
        return read_text(json["applicationId"])


def name_from(json: Any) -> str:
    """Read the name of an environment, or of an application."""
    with reading("a name"):
        return read_text(json["name"])


def _listed(dialect: Dialect, json: Any) -> list[Any]:
    with reading("a list"):
        return read_list(json if dialect.envelope is None else json[dialect.envelope])


def _picked(paths: Paths | None, json: Any) -> Any:
    """Return JSON with the contract's keys, each from where this dialect has it; what is nowhere is left out."""
    if paths is None:
        return json
    picked: Json = {}
    for key, path in paths.items():
        value = _found(json, path)
        if value is not _NOTHING:
            *outer, last = key.split(".")
            inner = picked
            for name in outer:
                inner = inner.setdefault(name, {})
            inner[last] = value
    return picked


def _found(json: Any, path: str) -> Any:
    for name in path.split("."):
        if not isinstance(json, Mapping) or name not in json:
            return _NOTHING
        json = json[name]
    return json


def result_from(dialect: Dialect, json: Any) -> TypedValue | None:
    """Read the result of an invocation; a value that does not fit its type is given as it came, for nothing is lost."""
    if dialect.has_agents:
        return agent_result_from_json(json)
    try:
        return codec.result_from_json(json)
    except BadInput:
        if dialect is CONTRACT:
            raise
        told = _found(json, "result.value")
        if told is _NOTHING:
            raise
        return TypedValue(None, told)


# The oplog.


def oplog_page_from(dialect: Dialect, json: Any) -> OplogPage:
    """Read a page; its entries get the kinds and fields of Golem 1.3."""
    page = codec.oplog_page_from_json(json)
    entries = tuple(_entry(dialect, entry) for entry in page.entries)
    return OplogPage(entries, page.next_index, page.first_index, page.last_index, page.cursor)


def _entry(dialect: Dialect, entry: PublicEntry) -> PublicEntry:
    if not dialect.kinds and not dialect.entry_fields:
        return entry
    fields = dict(_renamed(dialect.entry_fields, entry.fields))
    if dialect.has_agents:
        fields = _fields_of_agent(entry.kind, fields)
    return PublicEntry(entry.index, dialect.kinds.get(entry.kind, entry.kind), entry.timestamp, fields)


def _renamed(names: Mapping[str, str], fields: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in fields.items():
        yield names.get(key, key), dict(_renamed(names, value)) if key == "invocation" else value


def _fields_of_agent(kind: str, fields: Json) -> Json:
    """Return what an entry of Golem 1.5 says of an agent's invocation, by the names of Golem 1.3."""
    for key in ("workerId", "parent"):
        worker = fields.get(key)
        if isinstance(worker, Mapping) and "agentId" in worker:
            fields = {**fields, key: {"componentId": worker.get("componentId"), "workerName": worker["agentId"]}}
    invocation, result = fields.get("invocation"), fields.get("result")
    if kind == "AgentInvocationStarted" and isinstance(invocation, Mapping):
        return {**_without(fields, "invocation"), **_invocation(invocation, "functionName", "request")}
    if kind == "PendingAgentInvocation" and isinstance(invocation, Mapping):
        if "targetVersion" not in invocation:  # what has one is an update in the queue
            known = _invocation(invocation, "fullFunctionName", "functionInput")
            invocation = {**known, "type": "ExportedFunction"}
        return {**fields, "invocation": invocation}
    if kind == "AgentInvocationFinished" and isinstance(result, Mapping):
        values = _values(result.get("output"))
        return {**_without(fields, "result"), **({"response": values[0]} if values else {})}
    return fields


# A method's name, and its parameters, of an invocation; the constructor of an agent has no name.
_METHODS = ("methodName", "fullFunctionName", "functionName")
_INPUTS = ("functionInput", "methodParameters", "constructorParameters", "request")


def _invocation(json: Mapping[str, Any], function: str, request: str) -> Json:
    named = next((json[key] for key in _METHODS if key in json), json.get("type"))
    values = next((_values(json[key]) for key in _INPUTS if key in json), [])
    rest = _without(dict(json), "type", *_METHODS, *_INPUTS)
    return {**rest, function: named, request: values}


def _without(fields: Json, *keys: str) -> Json:
    return {key: value for key, value in fields.items() if key not in keys}


def _values(json: Any) -> list[Any]:
    """Return the values in a list, or in the elements of a DataValue; each is `{typ, value}` where the server says so.

    What is of another shape is one value, as it is: better raw than not shown.
    """
    if json is None:
        return []
    elements = json.get("elements") if isinstance(json, Mapping) else json
    if not isinstance(elements, list):
        return [json]
    return [_value(element) for element in elements]


def _value(json: Any) -> Any:
    while isinstance(json, Mapping) and "typ" not in json and "value" in json:
        json = json["value"]
    return json


# Writing.


def json_from_launch(
    dialect: Dialect, name: str, args: Sequence[str], env: Mapping[str, str], config: Mapping[str, str] | None
) -> Json:
    """Return the body that makes a worker; what a server insists on is there, what it does not know is refused."""
    for word, given in (("args", args), ("config", config)):
        if given and word in dialect.launch_never:
            raise NotSupported(f"{dialect.title} takes no {word} for a new worker")
    told: Json = {"name": name}
    if "args" not in dialect.launch_never:
        told["args"] = list(args)
    told["env"] = dict(env)
    if config or dialect.launch_config in dialect.launch_always:
        told[dialect.launch_config] = codec.json_from_config(config or {})
    return told


def json_from_find(dialect: Dialect, filter: WorkerFilter | None, cursor: str | None, count: int) -> Json:
    """Return the body of a search for workers. Golem wants the cursor as the object that it gave."""
    json = filters.json_from_find(filter, cursor, count)
    if "filter" in json:
        json["filter"] = _renamed_filter(dialect.filters, json["filter"])
    layer, slash, place = (cursor or "").partition("/")
    if dialect is not CONTRACT and slash and layer.isdecimal() and place.isdecimal():
        json["cursor"] = {"cursor": int(place), "layer": int(layer)}
    return json


def _renamed_filter(names: Mapping[str, str], json: Json) -> Json:
    inner = {"filter": _renamed_filter(names, json["filter"])} if "filter" in json else {}
    parts = {"filters": [_renamed_filter(names, part) for part in json["filters"]]} if "filters" in json else {}
    return {**json, "type": names.get(json["type"], json["type"]), **inner, **parts}


def json_from_update(dialect: Dialect, target_version: int, mode: UpdateMode) -> Json:
    word = str(mode).lower() if dialect.update_in_lower_case else str(mode)
    return {"mode": word, dialect.update_version: target_version}


def json_from_revert(dialect: Dialect, last_index: OplogIndex | None, invocations: int | None) -> Json:
    json = requests.json_from_revert(last_index, invocations)
    type = json["type"]
    return {**json, "type": type[:1].upper() + type[1:]} if dialect.has_capital_types else json


def json_from_fork(dialect: Dialect, target: WorkerId, at_index: OplogIndex) -> Json:
    return dict(_renamed_deep(dialect.fork_target, requests.json_from_fork(target, at_index)))


def _renamed_deep(names: Mapping[str, str], json: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in json.items():
        yield names.get(key, key), dict(_renamed_deep(names, value)) if isinstance(value, Mapping) else value
