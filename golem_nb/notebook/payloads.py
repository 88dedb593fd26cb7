"""What an entry carries, from the API's JSON to plain Python, quickly: an oplog has a million values of a few types.

A type is turned into a function once and known by its JSON text from then on; `values` would look at it again for each
value. What it makes is what `value_from_json` and `python_from_value` make of the same JSON.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec

from golem_nb.errors import ValueMismatch
from golem_nb.values.json import type_from_json, value_from_json
from golem_nb.values.python import python_from_value, snake_from_kebab
from golem_nb.values.types import (
    INTEGER_RANGES,
    U8,
    ListType,
    OptionType,
    PrimitiveType,
    RecordType,
    ResultType,
    TupleType,
    VariantType,
    WitType,
)

Read = Callable[[Any], Any]


class PayloadReader:
    """Gives the Python value of `{"typ": …, "value": …}`, or of a list of such; the JSON itself where it is none.

    Payloads of one type have one `typ` object afterwards, that of the first: it is most of what they take of memory.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[Any, Read]] = {}

    def __call__(self, json: Any) -> Any:
        if isinstance(json, list):
            return [self(item) for item in json]
        # Decoded JSON has plain dicts; asking for Mapping takes as long as all the rest.
        if json.__class__ is not dict or len(json) != 2 or "typ" not in json or "value" not in json:
            return json
        key = msgspec.json.encode(json["typ"])
        try:
            known = self._known.get(key)
            if known is None:
                known = self._known[key] = json["typ"], _read_of_result(json["typ"])
            typ, read = known
            json["typ"] = typ
            return read(json["value"])
        # A type of a newer server that we cannot read: the raw JSON is better than no frame. What is not of its type
        # shows in one of these ways.
        except (ValueMismatch, TypeError, ValueError, KeyError, AttributeError, OverflowError):
            return json


@contextmanager
def without_collection() -> Iterator[None]:
    """Put off the search for garbage in cycles: JSON has none, and the search goes over all of it again and again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def python_from_json(json: Any) -> Any:
    """Return the plain Python value of one payload."""
    return PayloadReader()(json)


def value_in_json(json: Any) -> Any:
    """Return a payload's value as JSON, without its type."""
    if isinstance(json, list):
        return [value_in_json(item) for item in json]
    return json["value"] if isinstance(json, Mapping) and json.keys() == {"typ", "value"} else json


def part_of(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return what an entry has in a field of fields; nothing where it has none, or something else."""
    found = fields.get(name)
    return found if isinstance(found, Mapping) else {}


def message_of(fields: Mapping[str, Any]) -> str | None:
    """Return what an entry says in words: its text, the version of an update, the entries that are skipped."""
    for name in ("message", "error", "details"):
        if fields.get(name) is not None:
            return str(fields[name])
    version = (part_of(fields, "invocation") or fields).get("targetVersion")
    if version is not None:
        return f"to version {version}"
    region = part_of(fields, "droppedRegion") or part_of(fields, "jump")
    return f"skips {region.get('start')} to {region.get('end')}" if region else None


def _read_of_result(typ: Any) -> Read:
    """Golem 1.2 wraps a result in a tuple of one, and has an empty one for none."""
    type = type_from_json(typ)
    if not isinstance(type, TupleType) or len(type.items) > 1:
        return _read(type)
    if not type.items:
        return lambda json: None
    only = _read(type.items[0])
    return lambda json: only(json[0]) if len(json) == 1 else _refuse(json)


def _read(type: WitType) -> Read:
    match type:
        case PrimitiveType("bool"):
            return _exactly(bool)
        case PrimitiveType("string"):
            return _exactly(str)
        case PrimitiveType(name) if name in INTEGER_RANGES:
            return _exactly(int)
        case ListType(element) if element != U8:
            return _read_list(_read(element))
        case TupleType(items):
            return _read_tuple([_read(item) for item in items])
        case RecordType(fields):
            return _read_record([(f.name, snake_from_kebab(f.name), _read(f.type), _may_lack(f.type)) for f in fields])
        case VariantType(cases):
            return _read_case({c.name: None if c.type is None else _read(c.type) for c in cases})
        case ResultType(ok, err):
            return _read_case({case: None if t is None else _read(t) for case, t in (("ok", ok), ("err", err))})
        case OptionType(payload) if not isinstance(payload, OptionType):
            return _read_option(_read(payload))
    return lambda json: python_from_value(type, value_from_json(type, json))


def _refuse(json: Any) -> Any:
    raise ValueMismatch("value", "a value of its type", f"{json!r:.60}")


def _may_lack(type: WitType) -> bool:
    return isinstance(type, OptionType)


def _exactly(cls: type) -> Read:
    return lambda json: json if json.__class__ is cls else _refuse(json)


def _read_list(read: Read) -> Read:
    return lambda json: [read(item) for item in json] if json.__class__ is list else _refuse(json)


def _read_tuple(reads: list[Read]) -> Read:
    return lambda json: tuple(read(item) for read, item in zip(reads, json, strict=True))


def _read_record(fields: list[tuple[str, str, Read, bool]]) -> Read:
    return lambda json: {
        snake: read(json[name]) if name in json or not may_lack else None for name, snake, read, may_lack in fields
    }


def _read_case(reads: dict[str, Read | None]) -> Read:
    def read(json: Any) -> Any:
        if json.__class__ is str:
            return json if reads[json] is None else _refuse(json)
        ((case, payload),) = json.items()
        inner = reads[case]
        if inner is not None:
            return {case: inner(payload)}
        return case if payload is None else _refuse(json)

    return read


def _read_option(read: Read) -> Read:
    return lambda json: None if json is None else read(json)
