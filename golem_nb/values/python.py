"""Values <-> plain Python, for people: records are dicts with snake_case keys, cases are {"case": payload}.

record            dict with snake_case keys; a dataclass instance is accepted
variant, result   {"case": payload}, or "case" where it has no payload; a pair (case, payload) is accepted
enum              str, in the WIT spelling; snake_case and members of Python enums are accepted
flags             set of str; any collection of names is accepted
list<u8>          bytes; bytearray and lists of numbers are accepted
option of option  None, Some(None), Some(value)
"""

from __future__ import annotations

import dataclasses
import enum
import math
import operator
from collections.abc import Iterable, Mapping
from typing import Any

from golem_nb.errors import ValueMismatch
from golem_nb.values.check import check_primitive, mismatch
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


def snake_from_kebab(name: str) -> str:
    return name.replace("-", "_")


def python_from_value(type: WitType | None, value: Any) -> Any:
    """Return the plain Python form of a value; a value without a type is returned as it is."""
    match type:
        case None | PrimitiveType() | EnumType() | HandleType():
            return value
        case ListType(element):
            return value if element == U8 else [python_from_value(element, v) for v in value]
        case TupleType(items):
            return tuple(python_from_value(t, v) for t, v in zip(items, value, strict=True))
        case RecordType(fields):
            return {snake_from_kebab(f.name): python_from_value(f.type, value[f.name]) for f in fields}
        case VariantType(cases):
            return _python_from_case({c.name: c.type for c in cases}, value)
        case ResultType(ok, err):
            return _python_from_case({"ok": ok, "err": err}, value)
        case FlagsType():
            return set(value)
        case OptionType(OptionType() as payload):
            return None if value is None else Some(python_from_value(payload, value.value))
        case OptionType(payload):
            return None if value is None else python_from_value(payload, value)
    raise TypeError(type)


def _python_from_case(cases: dict[str, WitType | None], value: tuple[str, Any]) -> Any:
    case, payload = value
    type = cases[case]
    return case if type is None else {case: python_from_value(type, payload)}


def value_from_python(type: WitType, obj: Any, path: str = "value") -> Any:
    """Return the value of `type` that a Python object stands for.

    Raises:
        ValueMismatch: It stands for none; the error's path leads to the wrong part.
    """
    match type:
        case PrimitiveType():
            return _primitive_from_python(type, obj, path)
        case ListType(element) if element == U8 and isinstance(obj, bytes | bytearray | memoryview):
            return bytes(obj)
        case ListType(element):
            if isinstance(obj, str | bytes | Mapping) or not isinstance(obj, Iterable):
                mismatch(path, "list", obj)
            items = [value_from_python(element, v, f"{path}[{i}]") for i, v in enumerate(obj)]
            return bytes(items) if element == U8 else items
        case TupleType(items):
            if isinstance(obj, str | bytes) or not isinstance(obj, list | tuple) or len(obj) != len(items):
                mismatch(path, f"tuple of {len(items)}", obj)
            pairs = zip(items, obj, strict=True)
            return tuple(value_from_python(t, v, f"{path}.{i}") for i, (t, v) in enumerate(pairs))
        case RecordType():
            return _record_from_python(type, obj, path)
        case VariantType(cases):
            return _case_from_python({c.name: c.type for c in cases}, obj, path)
        case ResultType(ok, err):
            return _case_from_python({"ok": ok, "err": err}, obj, path)
        case EnumType(names):
            return _name_from_python(names, obj, path)
        case FlagsType(names):
            if isinstance(obj, str) or not isinstance(obj, Iterable):
                mismatch(path, f"a set of flags out of {', '.join(names)}", obj)
            return frozenset(_name_from_python(names, flag, path) for flag in obj)
        case OptionType(OptionType() as payload):
            if obj is not None and not isinstance(obj, Some):
                mismatch(path, "None, Some(None) or Some(value), of golem_nb.values.types", obj)
            return None if obj is None else Some(value_from_python(payload, obj.value, path))
        case OptionType(payload):
            return None if obj is None else value_from_python(payload, obj, path)
        case HandleType():
            if not isinstance(obj, Handle):
                mismatch(path, "a handle", obj)
            return obj
    raise TypeError(type)


def _primitive_from_python(type: PrimitiveType, obj: Any, path: str) -> Any:
    if type.name in INTEGER_RANGES and not isinstance(obj, bool | float | str):
        try:
            obj = operator.index(obj)  # also numbers of NumPy and pandas
        except TypeError:
            mismatch(path, type.name, obj)
    elif type.name in ("f32", "f64") and not isinstance(obj, bool | str | bytes):
        try:
            obj = float(obj)
        except (TypeError, ValueError, OverflowError):
            mismatch(path, type.name, obj)
        if not math.isfinite(obj):  # the API's JSON would have null for it
            mismatch(path, f"a finite {type.name}, as JSON has no other", obj)
    elif type.name == "bool" and type_name(obj) == "bool_":
        obj = bool(obj)
    elif isinstance(obj, str):
        obj = str.__str__(obj)  # a class of one's own cannot be stored
    check_primitive(type, obj, path)
    return obj


def type_name(obj: Any) -> str:
    return type(obj).__name__


def _record_from_python(record: RecordType, obj: Any, path: str) -> dict[str, Any]:
    if dataclasses.is_dataclass(obj) and not isinstance(obj, type):
        obj = {f.name: getattr(obj, f.name) for f in dataclasses.fields(obj)}
    if not isinstance(obj, Mapping):
        mismatch(path, "record (a dict)", obj)
    given = {snake_from_kebab(str(key)): value for key, value in obj.items()}
    unknown = set(given) - {snake_from_kebab(f.name) for f in record.fields}
    if unknown:
        names = ", ".join(f.name for f in record.fields)
        raise ValueMismatch(path, f"record with the fields {names}", f"the field {sorted(unknown)[0]}")
    value = {}
    for field in record.fields:
        key = snake_from_kebab(field.name)
        if key not in given and not isinstance(field.type, OptionType):
            raise ValueMismatch(path, f"record with the field {key}", "none of this name")
        value[field.name] = value_from_python(field.type, given.get(key), f"{path}.{key}")
    return value


def _case_from_python(cases: dict[str, WitType | None], obj: Any, path: str) -> tuple[str, Any]:
    match obj:
        case str() | enum.Enum():
            case, payload = _name_from_python(tuple(cases), obj, path), None
        case (str() as name, payload):
            case = _name_from_python(tuple(cases), name, path)
        case Mapping() if len(obj) == 1:
            ((name, payload),) = obj.items()
            case = _name_from_python(tuple(cases), name, path)
        case _:
            mismatch(path, f'{{"case": payload}} with a case of {", ".join(cases)}', obj)
    type = cases[case]
    if type is not None:
        return case, value_from_python(type, payload, f"{path}.{case}")
    if payload is not None:
        mismatch(f"{path}.{case}", "no payload", payload)
    return case, None


def _name_from_python(names: tuple[str, ...], obj: Any, path: str) -> str:
    for spelled in (obj.value, obj.name) if isinstance(obj, enum.Enum) else (obj,):
        for name in names:
            if isinstance(spelled, str) and spelled.replace("_", "-").lower() in (name, name.lower()):
                return name
    mismatch(path, f"one of {', '.join(names)}", obj)
