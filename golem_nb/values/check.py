"""Is this value of this type? If not, where and why."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NoReturn

from golem_nb.errors import ValueMismatch
from golem_nb.values.types import (
    INTEGER_RANGES,
    U8,
    EnumType,
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
    VariantType,
    WitType,
)

F32_MAX = 3.4028234663852886e38


def check_value(type: WitType, value: Any, path: str = "value") -> None:
    """Check that `value` has the form that `golem_nb.values.types` gives to values of `type`.

    Raises:
        ValueMismatch: It has not; `path` leads to the part that is wrong.
    """
    match type:
        case PrimitiveType():
            check_primitive(type, value, path)
        case ListType(element) if element == U8:
            if not isinstance(value, bytes):
                mismatch(path, "list<u8> (bytes)", value)
        case ListType(element):
            if not isinstance(value, list | tuple):
                mismatch(path, "list", value)
            for i, item in enumerate(value):
                check_value(element, item, f"{path}[{i}]")
        case TupleType(items):
            if not isinstance(value, list | tuple) or len(value) != len(items):
                mismatch(path, f"tuple of {len(items)}", value)
            for i, (item_type, item) in enumerate(zip(items, value, strict=True)):
                check_value(item_type, item, f"{path}.{i}")
        case RecordType(fields):
            if not isinstance(value, dict):
                mismatch(path, "record", value)
            for field in fields:
                if field.name not in value:
                    raise ValueMismatch(path, f"record with the field {field.name}", "none of this name")
                check_value(field.type, value[field.name], f"{path}.{field.name}")
        case VariantType(cases):
            check_case({case.name: case.type for case in cases}, value, path)
        case ResultType(ok, err):
            check_case({"ok": ok, "err": err}, value, path)
        case EnumType(names):
            if value not in names:
                mismatch(path, f"one of {', '.join(names)}", value)
        case FlagsType(names):
            if not isinstance(value, set | frozenset) or not value <= set(names):
                mismatch(path, f"flags out of {', '.join(names)}", value)
        case OptionType(OptionType() as payload):
            if value is not None:
                if not isinstance(value, Some):
                    mismatch(path, "Some(…) or none", value)
                check_value(payload, value.value, path)
        case OptionType(payload):
            if value is not None:
                check_value(payload, value, path)
        case HandleType():
            pass  # whether it exists is for the table of handles to say


def handles_in(type: WitType, value: Any) -> Iterator[tuple[HandleType, Handle]]:
    """Yield the handles of a value that `check_value` takes, each with its type, in order."""
    match type:
        case HandleType():
            yield type, value
        case ListType(element) if element != U8:
            for item in value:
                yield from handles_in(element, item)
        case TupleType(items):
            for item_type, item in zip(items, value, strict=True):
                yield from handles_in(item_type, item)
        case RecordType(fields):
            for field in fields:
                yield from handles_in(field.type, value[field.name])
        case VariantType(cases):
            yield from _handles_in_case({case.name: case.type for case in cases}, value)
        case ResultType(ok, err):
            yield from _handles_in_case({"ok": ok, "err": err}, value)
        case OptionType(payload):
            if value is not None:
                yield from handles_in(payload, value.value if isinstance(value, Some) else value)


def _handles_in_case(cases: dict[str, WitType | None], value: Any) -> Iterator[tuple[HandleType, Handle]]:
    case, payload = value
    type = cases[case]
    if type is not None:
        yield from handles_in(type, payload)


def check_primitive(type: PrimitiveType, value: Any, path: str) -> None:
    name = type.name
    if name in INTEGER_RANGES:
        if not isinstance(value, int) or isinstance(value, bool):
            mismatch(path, name, value)
        if value not in INTEGER_RANGES[name]:
            limits = INTEGER_RANGES[name]
            raise ValueMismatch(path, f"{name} ({limits.start} to {limits.stop - 1})", str(value))
    elif name == "bool":
        if not isinstance(value, bool):
            mismatch(path, name, value)
    elif name in ("f32", "f64"):
        if not isinstance(value, int | float) or isinstance(value, bool):
            mismatch(path, name, value)
        if name == "f32" and F32_MAX < abs(value) and not math.isinf(value):
            raise ValueMismatch(path, "f32", f"{value}, which is too large")
    elif not isinstance(value, str):
        mismatch(path, name, value)
    elif name == "char" and (len(value) != 1 or 0xD800 <= ord(value) < 0xE000):
        mismatch(path, "char (one character)", value)
    elif not is_unicode(value):
        raise ValueMismatch(path, name, "a text with a lone surrogate")


def check_case(cases: dict[str, WitType | None], value: Any, path: str) -> None:
    if not isinstance(value, list | tuple) or len(value) != 2 or value[0] not in cases:
        mismatch(path, f"a pair (case, payload) with a case of {', '.join(cases)}", value)
    case, payload = value
    type = cases[case]
    if type is not None:
        check_value(type, payload, f"{path}.{case}")
    elif payload is not None:
        mismatch(f"{path}.{case}", "no payload", payload)


def mismatch(path: str, wanted: str, value: Any) -> NoReturn:
    raise ValueMismatch(path, wanted, kind_of(value))


def kind_of(value: Any) -> str:
    """Return a word for the kind of a JSON or Python value, as Golem's errors name them (SEMANTICS 2.5)."""
    kinds = {
        type(None): "null",
        bool: "boolean",
        int: "number",
        float: "number",
        str: "string",
        bytes: "bytes",
        list: "list",
        tuple: "tuple",
        dict: "record",
    }
    kind = kinds.get(type(value), type(value).__name__)
    text = repr(value)
    return f"{kind} {text}" if len(text) <= 40 and kind not in ("null", "record") else kind


def is_unicode(text: str) -> bool:
    return text.isascii() or not any(0xD800 <= ord(c) < 0xE000 for c in text)
