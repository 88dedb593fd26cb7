"""Values and types <-> JSON as the REST API speaks it. Source: SEMANTICS 2.4 to 2.7 (Golem 1.3's mapping)."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from golem_nb.errors import ValueMismatch
from golem_nb.values.check import check_primitive, mismatch
from golem_nb.values.types import (
    INTEGER_RANGES,
    PRIMITIVES,
    U8,
    Case,
    EnumType,
    Field,
    FlagsType,
    Handle,
    HandleType,
    ListType,
    OptionType,
    PrimitiveType,
    RecordType,
    ResultType,
    Some,
    TupleType,
    TypedValue,
    VariantType,
    WitType,
)

Convert = Callable[[Any], Any]

_TAGS = {name: name.upper() for name in INTEGER_RANGES} | {
    "bool": "Bool",
    "f32": "F32",
    "f64": "F64",
    "char": "Chr",
    "string": "Str",
}
_PRIMITIVE_OF_TAG = {tag: PRIMITIVES[name] for name, tag in _TAGS.items()}


def json_from_type(type: WitType) -> dict[str, Any]:
    """Return the `typ` object of a type."""
    match type:
        case PrimitiveType(name):
            return {"type": _TAGS[name]}
        case ListType(element):
            return {"type": "List", "inner": json_from_type(element)}
        case OptionType(payload):
            return {"type": "Option", "inner": json_from_type(payload)}
        case TupleType(items):
            return {"type": "Tuple", "items": [json_from_type(t) for t in items]}
        case RecordType(fields):
            return {"type": "Record", "fields": [{"name": f.name, "typ": json_from_type(f.type)} for f in fields]}
        case VariantType(cases):
            return {"type": "Variant", "cases": [{"name": c.name, "typ": _typ_or_null(c.type)} for c in cases]}
        case EnumType(names):
            return {"type": "Enum", "cases": list(names)}
        case FlagsType(names):
            return {"type": "Flags", "names": list(names)}
        case ResultType(ok, err):
            return {"type": "Result", "ok": _typ_or_null(ok), "err": _typ_or_null(err)}
        case HandleType(resource, owned):
            mode = "Owned" if owned else "Borrowed"
            # Golem's ids number a component's resources; ours must only tell them apart.
            return {"type": "Handle", "resource_id": zlib.crc32(resource.encode()), "mode": mode, "name": resource}
    raise TypeError(type)


def _typ_or_null(type: WitType | None) -> dict[str, Any] | None:
    return None if type is None else json_from_type(type)


def type_from_json(typ: Any, path: str = "typ") -> WitType:
    """Return the type that a `typ` object names.

    Raises:
        ValueMismatch: It names none.
    """
    if not isinstance(typ, Mapping) or not isinstance(typ.get("type"), str):
        mismatch(path, 'an object with a "type"', typ)
    tag: str = typ["type"]
    if tag in _PRIMITIVE_OF_TAG:
        return _PRIMITIVE_OF_TAG[tag]
    match tag:
        case "List":
            return ListType(type_from_json(typ.get("inner"), f"{path}.inner"))
        case "Option":
            return OptionType(type_from_json(typ.get("inner"), f"{path}.inner"))
        case "Tuple":
            return TupleType(tuple(type_from_json(t, path) for t in _list(typ, "items", path)))
        case "Record":
            return RecordType(
                tuple(Field(_name(f, path), type_from_json(f.get("typ"), path)) for f in _list(typ, "fields", path))
            )
        case "Variant":
            return VariantType(
                tuple(Case(_name(c, path), _type_or_none(c.get("typ"), path)) for c in _list(typ, "cases", path))
            )
        case "Enum":
            return EnumType(tuple(_text(n, path) for n in _list(typ, "cases", path)))
        case "Flags":
            return FlagsType(tuple(_text(n, path) for n in _list(typ, "names", path)))
        case "Result":
            return ResultType(_type_or_none(typ.get("ok"), path), _type_or_none(typ.get("err"), path))
        case "Handle":
            name = typ.get("name") or f"resource-{typ.get('resource_id', 0)}"
            return HandleType(_text(name, path), typ.get("mode") != "Borrowed")
    mismatch(path, "a known type", tag)


def _type_or_none(typ: Any, path: str) -> WitType | None:
    return None if typ is None else type_from_json(typ, path)


def _list(typ: Mapping[str, Any], key: str, path: str) -> list[Any]:
    items = typ.get(key)
    if not isinstance(items, list):
        mismatch(f"{path}.{key}", "list", items)
    return items


def _name(part: Any, path: str) -> str:
    if not isinstance(part, Mapping):
        mismatch(path, "an object with a name", part)
    return _text(part.get("name"), path)


def _text(value: Any, path: str) -> str:
    if not isinstance(value, str):
        mismatch(path, "string", value)
    return value


def json_from_value(type: WitType, value: Any) -> Any:
    """Return the JSON of a value. Floats that JSON cannot express (NaN, infinities) become null."""
    return json_converter(type)(value)


@lru_cache(maxsize=4096)
def json_converter(type: WitType) -> Convert:
    """Return `json_from_value` for one type: it need not be looked up for each value."""
    match type:
        case PrimitiveType("char"):
            return ord
        case PrimitiveType("f32" | "f64"):
            return lambda value: value if math.isfinite(value) else None
        case PrimitiveType() | EnumType():
            return _same
        case ListType(element) if element == U8:
            return list
        case ListType(element):
            item = json_converter(element)
            return list if item is _same else lambda value: [item(v) for v in value]
        case TupleType(items):
            parts = [json_converter(t) for t in items]
            return lambda value: [part(v) for part, v in zip(parts, value, strict=True)]
        case RecordType(fields):
            named = [(f.name, json_converter(f.type)) for f in fields]
            return lambda value: {name: part(value[name]) for name, part in named}
        case VariantType(cases):
            return _case_converter({c.name: c.type for c in cases})
        case ResultType(ok, err):
            return _case_converter({"ok": ok, "err": err})
        case FlagsType(names):
            return lambda value: [name for name in names if name in value]
        case OptionType(payload):
            some = json_converter(payload)
            if isinstance(payload, OptionType):
                return lambda value: None if value is None else some(value.value)
            return some if some is _same else lambda value: None if value is None else some(value)
        case HandleType():
            return str
    raise TypeError(type)


def _case_converter(cases: Mapping[str, WitType | None]) -> Convert:
    parts = {name: _nothing if type is None else json_converter(type) for name, type in cases.items()}
    return lambda value: {value[0]: parts[value[0]](value[1])}


def _same(value: Any) -> Any:
    return value


def _nothing(value: Any) -> None:
    return None


def value_from_json(type: WitType, json: Any, path: str = "value") -> Any:
    """Return the value of `type` that `json` spells.

    A char may also be a text of one character, a case without payload its bare name.

    Raises:
        ValueMismatch: It spells none; the error's path leads to the wrong part.
    """
    match type:
        case PrimitiveType("char") if isinstance(json, int) and not isinstance(json, bool):
            if not 0 <= json < 0x110000 or 0xD800 <= json < 0xE000:
                raise ValueMismatch(path, "char (a Unicode scalar value)", str(json))
            return chr(json)
        case PrimitiveType():
            check_primitive(type, json, path)
            return _float(json, path) if type.name in ("f32", "f64") else json
        case ListType(element):
            if not isinstance(json, list):
                mismatch(path, "list", json)
            if element == U8 and set(map(_class, json)) <= {int} and (not json or (min(json) >= 0 and max(json) < 256)):
                return bytes(json)
            items = [value_from_json(element, v, f"{path}[{i}]") for i, v in enumerate(json)]
            return bytes(items) if element == U8 else items
        case TupleType(items):
            if not isinstance(json, list) or len(json) != len(items):
                mismatch(path, f"tuple (a list of {len(items)})", json)
            return tuple(value_from_json(t, v, f"{path}.{i}") for i, (t, v) in enumerate(zip(items, json, strict=True)))
        case RecordType(fields):
            if not isinstance(json, Mapping):
                mismatch(path, "record", json)
            return {f.name: _field_from_json(f, json, path) for f in fields}
        case VariantType(cases):
            return _case_from_json({c.name: c.type for c in cases}, json, path)
        case ResultType(ok, err):
            return _case_from_json({"ok": ok, "err": err}, json, path)
        case EnumType(names):
            if not isinstance(json, str) or json not in names:
                mismatch(path, f"one of {', '.join(names)}", json)
            return json
        case FlagsType(names):
            if not isinstance(json, list) or not all(isinstance(n, str) and n in names for n in json):
                mismatch(path, f"a list of flags out of {', '.join(names)}", json)
            return frozenset(json)
        case OptionType(OptionType() as payload):
            return None if json is None else Some(value_from_json(payload, json, path))
        case OptionType(payload):
            return None if json is None else value_from_json(payload, json, path)
        case HandleType():
            uri, slash, number = json.rpartition("/") if isinstance(json, str) else ("", "", "")
            if not slash or not number.isascii() or not number.isdigit():
                mismatch(path, "a handle (urn:worker:…/number)", json)
            return Handle(uri, int(number))
    raise TypeError(type)


def _class(value: object) -> type[object]:
    return value.__class__


def _float(value: int | float, path: str) -> float:
    try:
        return float(value)
    except OverflowError:
        raise ValueMismatch(path, "f64", "a number that is too large") from None


def _field_from_json(field: Field, json: Mapping[str, Any], path: str) -> Any:
    if field.name not in json:
        if isinstance(field.type, OptionType):
            return None
        raise ValueMismatch(path, f"record with the field {field.name}", f"key '{field.name}' not found")
    return value_from_json(field.type, json[field.name], f"{path}.{field.name}")


def _case_from_json(cases: dict[str, WitType | None], json: Any, path: str) -> tuple[str, Any]:
    if isinstance(json, str) and json in cases and cases[json] is None:
        return json, None
    if not isinstance(json, Mapping) or not json:
        mismatch(path, f"an object with one key out of {', '.join(cases)}", json)
    case, payload = next(iter(json.items()))
    if case not in cases:
        raise ValueMismatch(path, f"a case of {', '.join(cases)}", f"key {case!r}")
    type = cases[case]
    if type is None:
        if payload is not None:
            mismatch(f"{path}.{case}", "null (the case has no payload)", payload)
        return case, None
    return case, value_from_json(type, payload, f"{path}.{case}")


def json_from_typed(typed: TypedValue) -> dict[str, Any]:
    """Return `{"typ": …, "value": …}`."""
    if typed.type is None:
        return {"value": typed.value}
    return {"typ": json_from_type(typed.type), "value": json_from_value(typed.type, typed.value)}


def typed_from_json(json: Any) -> TypedValue | None:
    """Return what an API result spells: typed, wrapped in a tuple of one (Golem 1.2), or bare; None for no result."""
    if json is None:
        return None
    if not isinstance(json, Mapping) or set(json) != {"typ", "value"}:
        return TypedValue(None, json)
    typ = json["typ"]
    if isinstance(typ, Mapping) and typ.get("type") == "Tuple" and isinstance(json["value"], list):
        items = typ.get("items")
        if items == []:
            return None
        if isinstance(items, list) and len(items) == len(json["value"]) == 1:
            typ, json = items[0], {"typ": items[0], "value": json["value"][0]}
    type = type_from_json(typ)
    return TypedValue(type, value_from_json(type, json["value"]))
