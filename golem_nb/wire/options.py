"""What a component version has besides its wasm <-> JSON, and the parts of an upload. Source: SEMANTICS 5.8, 6.8."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from golem_nb.errors import BadInput
from golem_nb.model import ComponentOptions, ComponentType, InitialFile, LinkTarget
from golem_nb.values.check import is_unicode
from golem_nb.wire.files import READ_ONLY, permissions
from golem_nb.wire.reading import read_list, read_number, read_text, reading

Json = dict[str, Any]
TYPE, ENV, LINKS = "componentType", "env", "dynamicLinking"  # also the names of the parts
_WASM_RPC = "WasmRpc"


def json_from_options(options: ComponentOptions) -> Json:
    """Return the fields that a component shows of them."""
    return {
        TYPE: str(options.type),
        ENV: dict(options.env),
        "files": [_json_from_file(file) for file in options.files],
        LINKS: _json_from_links(options.dynamic_linking),
    }


def options_from_json(json: Mapping[str, Any]) -> ComponentOptions:
    """Read them from a component; what a server does not tell is what nobody chose."""
    with reading("a component's options"):
        return ComponentOptions(
            _type(json.get(TYPE) or ComponentType.DURABLE),
            _env(json.get(ENV) or {}),
            tuple(_file_from_json(file) for file in read_list(json.get("files") or [])),
            _links(json.get(LINKS) or {}),
        )


def parts_from_options(options: ComponentOptions) -> dict[str, str]:
    """Return the text parts of an upload; files have parts of their own."""
    links = {LINKS: _json_from_links(options.dynamic_linking)}
    return {TYPE: str(options.type), ENV: json.dumps(dict(options.env)), LINKS: json.dumps(links)}


def options_from_parts(parts: Mapping[str, Any], before: ComponentOptions) -> ComponentOptions:
    """Read the text parts of an upload; for what is left out, what was there before holds.

    Raises:
        BadInput: A part is not what it should be; the text says which.
    """
    with reading("an upload of a component"):
        if TYPE in parts:
            before = replace(before, type=_type(read_text(parts[TYPE]).strip('"')))
        if ENV in parts:
            env = _decoded(parts, ENV)
            before = replace(before, env=_env(env.get("keyValues", env)))
        if LINKS in parts:
            links = _decoded(parts, LINKS)
            before = replace(before, dynamic_linking=_links(links.get(LINKS, links)))
    return before


def _decoded(parts: Mapping[str, Any], name: str) -> Json:
    text = parts[name]
    if not isinstance(text, str):
        raise BadInput(f"the part `{name}` must be a text field with a JSON object, not a file")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"the part `{name}` is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise BadInput(f"the part `{name}` must be a JSON object, found {text[:80]}")
    return found


def _type(text: str) -> ComponentType:
    known = {str(type).lower(): type for type in ComponentType}
    if text.lower() not in known:
        raise ValueError(f"{TYPE} must be {' or '.join(ComponentType)}, found {text!r:.80}")
    return known[text.lower()]


def _env(given: Any) -> dict[str, str]:
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise ValueError(f"{ENV} must be an object whose values are strings")
    for name, value in given.items():
        if not is_unicode(name + value) or "\0" in name + value or "=" in name or not name:
            raise ValueError(f"{ENV} has a name or value that no variable can have: {name!r:.80}")
    return given


def _json_from_file(file: InitialFile) -> Json:
    shown = permissions(file.is_read_only)
    return {"path": file.path, "key": file.sha256, "permissions": shown, "size": file.size_bytes}


def _file_from_json(json: Any) -> InitialFile:
    is_read_only = json["permissions"] == READ_ONLY
    return InitialFile(read_text(json["path"]), read_text(json["key"]), read_number(json.get("size", 0)), is_read_only)


def _json_from_links(links: Mapping[str, Mapping[str, LinkTarget]]) -> Json:
    return {
        instance: {"type": _WASM_RPC, "targets": {name: _json_from_target(target) for name, target in targets.items()}}
        for instance, targets in links.items()
    }


def _json_from_target(target: LinkTarget) -> Json:
    return {"interfaceName": target.interface, "componentName": target.component, TYPE: str(target.type)}


def _links(given: Mapping[str, Any]) -> dict[str, dict[str, LinkTarget]]:
    return {instance: _targets(instance, link) for instance, link in given.items()}


def _targets(instance: str, link: Any) -> dict[str, LinkTarget]:
    if link.get("type", _WASM_RPC) != _WASM_RPC:
        raise ValueError(f"{LINKS} of {instance} has the type {link['type']!r:.80}; there is only {_WASM_RPC}")
    return {
        name: LinkTarget(
            read_text(target["interfaceName"]),
            read_text(target["componentName"]),
            _type(target.get(TYPE) or ComponentType.DURABLE),
        )
        for name, target in link["targets"].items()
    }
