"""Annotations as types of the component model, and values on their way through JSON.

A `Shape` says how the API shows a type, and how its values are read from JSON and written as JSON. Types are in the
form of Golem's `typ` objects; what is a class of the program's has its name. Pure Python, without anything of
WebAssembly: it is tested natively.

What has no annotation, or one without a counterpart, is any JSON at all: as a parameter it comes as JSON text, as a
result it has the type that its value has.
"""

import collections
import collections.abc
import dataclasses
import datetime
import decimal
import enum
import inspect
import json
import pathlib
import re
import types
import typing
import uuid
from collections.abc import Callable
from typing import Any

S64_LEAST, S64_MOST = -(1 << 63), (1 << 63) - 1
MOST_NESTED = 100  # types beyond would not be read outside


class NotExportable(Exception):
    """A name or a type that the component model has no room for; the text says what to write instead."""


@dataclasses.dataclass(frozen=True)
class Shape:
    """`typ` is None for what has no value; `is_json` says that values are JSON text."""

    typ: dict | None
    read: Callable[[Any], Any]
    write: Callable[[Any], Any]
    is_json: bool = False


def kebab(name: str) -> str:
    """Return a Python name as the component model spells it: `addItem` and `add_item` are `add-item`.

    Raises:
        NotExportable: It has other letters than those of English, or a word that begins with a digit.
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name).lower().replace("_", "-").strip("-")
    words = re.sub(r"-+", "-", words)
    words = re.sub(r"-(?=[0-9])", "", words)
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*", words):
        raise NotExportable(f"the name {name!r} cannot be exported: use the letters a to z, digits and underscores")
    return words


def shape_of(annotation: Any, outer: tuple = ()) -> Shape:
    """Return the shape of an annotation that is resolved; `outer` are the classes that it lies in.

    Raises:
        NotExportable: A class contains itself, or names a field that cannot be exported.
    """
    if isinstance(annotation, collections.abc.Hashable) and annotation in _PLAIN:
        return _PLAIN[annotation]
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if isinstance(annotation, typing.NewType):
        return shape_of(annotation.__supertype__, outer)
    if isinstance(annotation, getattr(typing, "TypeAliasType", ())):
        return shape_of(annotation.__value__, outer)
    if origin in (typing.Annotated, typing.Required, typing.NotRequired, typing.Final, typing.ClassVar):
        return shape_of(arguments[0], outer)
    if origin in (typing.Union, types.UnionType):
        return _union(arguments, outer)
    if origin is typing.Literal:
        return _literal(arguments)
    if origin in _COLLECTIONS and len(arguments) >= 1:
        return _list(_COLLECTIONS[origin], shape_of(arguments[0], outer))
    if origin in _MAPPINGS and len(arguments) == 2:
        return _mapping(shape_of(arguments[0], outer), shape_of(arguments[1], outer))
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is ...:
            return _list(tuple, shape_of(arguments[0], outer))
        return _tuple([shape_of(argument, outer) for argument in arguments])
    if isinstance(annotation, type):
        return _class(annotation, outer)
    return ANY


def _class(cls: type, outer: tuple) -> Shape:
    if cls in outer:
        raise NotExportable(f"{cls.__name__} contains itself, which its type cannot say; annotate that part with Any")
    outer = (*outer, cls)
    if issubclass(cls, enum.Enum):
        return _enum(cls)
    if dataclasses.is_dataclass(cls):
        needed = {field.name: _is_needed(field) for field in dataclasses.fields(cls) if field.init}
        return _record(cls, needed, outer, getattr, lambda values: cls(**values))
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        needed = {name: name not in cls._field_defaults for name in cls._fields}
        return _record(cls, needed, outer, getattr, lambda values: cls(**values))
    if typing.is_typeddict(cls):
        needed = {name: name in cls.__required_keys__ for name in cls.__annotations__}
        return _record(cls, needed, outer, dict.get, cls)
    return ANY


def _is_needed(field: dataclasses.Field) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _record(cls: type, needed: dict, outer: tuple, get: Callable, make: Callable) -> Shape:
    """A record of the fields whose names are in `needed`; those that are not needed are options, None for left out."""
    hints, is_dict = typing.get_type_hints(cls), typing.is_typeddict(cls)
    fields = [(name, kebab(name), shape_of(hints.get(name, Any), outer)) for name in needed]
    if not fields:
        raise NotExportable(f"{cls.__name__} has no fields, and the component model has no empty records")
    # What may be None by itself is an option already, and None is a value of it.
    left_out = {name for name, _, shape in fields if not needed[name] and not _may_be_none(shape)}
    _check_names([name for name, _, _ in fields], f"the fields {{}} of {cls.__name__}")
    fields = [(name, key, _option(shape) if name in left_out else shape) for name, key, shape in fields]

    def read(value: dict) -> Any:
        given = ((name, value.get(key), shape) for name, key, shape in fields)
        return make({name: shape.read(part) for name, part, shape in given if part is not None or name not in left_out})

    def write(value: Any) -> dict:
        _check(value, dict if is_dict else cls)
        absent = left_out - value.keys() if is_dict else ()
        return {key: None if name in absent else shape.write(get(value, name)) for name, key, shape in fields}

    typ = {
        "type": "Record",
        "name": cls.__name__,
        "fields": [{"name": k, "typ": s.typ} for _, k, s in fields],
    }
    return Shape(typ, read, write)


def _may_be_none(shape: Shape) -> bool:
    return shape.typ is None or shape.typ["type"] == "Option"


def _option(inner: Shape) -> Shape:
    return Shape(
        {"type": "Option", "inner": inner.typ},
        lambda value: None if value is None else inner.read(value),
        # A None that stands in JSON is a value, and not what is left out: a default would take its place.
        lambda value: None if value is None and not inner.is_json else inner.write(value),
    )


def _check_names(names: list, whose: str) -> None:
    """See that no two names are one outside, where one would hide the other; `whose` has a place for the two."""
    outside = {}
    for name in names:
        other = outside.setdefault(kebab(name), name)
        if other != name:
            raise NotExportable(f"{whose.format(f'{other} and {name}')} are one from outside: rename one")


def _enum(cls: type) -> Shape:
    _check_names([member.name for member in cls], f"the members {{}} of {cls.__name__}")
    by_case = {kebab(member.name): member for member in cls}
    cases = {member: case for case, member in by_case.items()}

    def write(value: Any) -> str:
        _check(value, cls)
        return cases[value]

    return Shape({"type": "Enum", "name": cls.__name__, "cases": list(by_case)}, by_case.__getitem__, write)


def _literal(values: tuple) -> Shape:
    """An enum, if its cases can be spelled; else the values as they are, of which no others are taken."""

    def known(value: Any) -> Any:
        if value not in values:
            raise TypeError(f"expected one of {', '.join(map(repr, values))}, found {value!r}")
        return value

    try:
        by_case = {kebab(value): value for value in values if isinstance(value, str)}
    except NotExportable:
        by_case = {}
    if len(by_case) < len(values):
        inner = shape_of(type(values[0])) if len(set(map(type, values))) == 1 else ANY
        return Shape(
            inner.typ, lambda value: known(inner.read(value)), lambda value: inner.write(known(value)), inner.is_json
        )

    def write(value: Any) -> str:
        known(value)
        return next(case for case, own in by_case.items() if own == value)

    return Shape({"type": "Enum", "cases": list(by_case)}, by_case.__getitem__, write)


def _union(parts: tuple, outer: tuple) -> Shape:
    """An option where None is one of two; else a variant, whose cases are named by the types."""
    some = tuple(part for part in parts if part not in (None, type(None)))
    if sorted(map(_side, some)) == ["Err", "Ok"]:
        return _result(*sorted(some, key=_side, reverse=True), outer)
    inner = shape_of(some[0], outer) if len(some) == 1 else _variant(some, outer)
    if len(some) == len(parts):
        return inner
    if inner.is_json:
        return inner  # null is JSON, too
    return _option(inner)


def _side(part: Any) -> str:
    return getattr(typing.get_origin(part) or part, "__name__", "")


def _result(ok: Any, err: Any, outer: tuple) -> Shape:
    """The two sides are known by their names: golem has them, and the bindings of componentize-py."""
    sides = {}
    for case, side in (("ok", ok), ("err", err)):
        arguments = typing.get_args(side)
        sides[case] = (typing.get_origin(side) or side, shape_of(arguments[0], outer) if arguments else NOTHING)

    def read(value: dict) -> Any:
        ((case, payload),) = value.items()
        make, shape = sides[case]
        return make(shape.read(payload))

    def write(value: Any) -> dict:
        case = type(value).__name__.lower()
        if case not in sides:
            case, payload = "ok", value  # what is neither is the good one itself
        else:
            payload = value.value
        return {case: sides[case][1].write(payload)}

    return Shape({"type": "Result", **{case: shape.typ for case, (_, shape) in sides.items()}}, read, write)


def is_result(shape: Shape) -> bool:
    return shape.typ is not None and shape.typ["type"] == "Result"


def _variant(parts: tuple, outer: tuple) -> Shape:
    if not all(isinstance(part, type) and shape_of(part, outer).typ != ANY.typ for part in parts if part is not str):
        return ANY
    cases = {kebab(part.__name__): (part, shape_of(part, outer)) for part in parts}

    def read(value: dict) -> Any:
        ((case, payload),) = value.items()
        return cases[case][1].read(payload)

    def write(value: Any) -> dict:
        for case, (part, shape) in cases.items():
            if type(value) is part or (isinstance(value, part) and type(value) not in parts):
                return {case: shape.write(value)}
        raise TypeError(f"expected {' or '.join(part.__name__ for part in parts)}, found {value!r}")

    return Shape({"type": "Variant", "cases": [{"name": c, "typ": s.typ} for c, (_, s) in cases.items()]}, read, write)


def _list(make: type, inner: Shape) -> Shape:
    def write(value: Any) -> list:
        if isinstance(value, str | bytes | collections.abc.Mapping) or not isinstance(value, collections.abc.Iterable):
            raise TypeError(f"expected a {make.__name__}, found {value!r}")
        items = sorted(value) if isinstance(value, set | frozenset) and _is_sortable(value) else value
        return [inner.write(item) for item in items]

    return Shape({"type": "List", "inner": inner.typ}, lambda value: make(map(inner.read, value)), write)


def _is_sortable(values: Any) -> bool:
    return len({type(value) for value in values}) == 1 and isinstance(next(iter(values)), int | float | str | bytes)


def _mapping(key: Shape, inner: Shape) -> Shape:
    def write(value: Any) -> list:
        _check(value, collections.abc.Mapping)
        return [[key.write(k), inner.write(v)] for k, v in value.items()]

    pair = {"type": "Tuple", "items": [key.typ, inner.typ]}
    return Shape({"type": "List", "inner": pair}, lambda value: {key.read(k): inner.read(v) for k, v in value}, write)


def _tuple(shapes: list) -> Shape:
    def write(value: Any) -> list:
        if not isinstance(value, tuple | list) or len(value) != len(shapes):
            raise TypeError(f"expected a tuple of {len(shapes)}, found {value!r}")
        return [shape.write(item) for shape, item in zip(shapes, value, strict=True)]

    typ = {"type": "Tuple", "items": [shape.typ for shape in shapes]}
    return Shape(typ, lambda value: tuple(s.read(v) for s, v in zip(shapes, value, strict=True)), write)


def _check(value: Any, cls: type) -> None:
    if not isinstance(value, cls):
        raise TypeError(f"expected {cls.__name__}, found {value!r}")


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"expected int, found {value!r}")
    if not S64_LEAST <= value <= S64_MOST:
        raise OverflowError(f"{value} has no room in 64 bits, which an int of the component model has")
    return int(value)


def _real(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"expected float, found {value!r}")
    return float(value)


def _of(cls: type) -> Callable[[Any], Any]:
    def checked(value: Any) -> Any:
        _check(value, cls)
        return value

    return checked


def _text(cls: type, read: Callable[[str], Any], write: Callable[[Any], str]) -> Shape:
    def checked(value: Any) -> str:
        _check(value, cls)
        return write(value)

    return Shape({"type": "Str"}, read, checked)


def plain(value: Any) -> Any:
    """Return a value as `json.dumps` takes it, as far as it goes."""
    match value:
        case enum.Enum():
            return kebab(value.name)
        case None | bool() | int() | float() | str():
            return value
        case bytes() | bytearray():
            return list(value)
        case datetime.datetime() | datetime.date() | datetime.time():
            return value.isoformat()
        case datetime.timedelta():
            return value.total_seconds()
        case collections.abc.Mapping():
            return {k if isinstance(k, str) else str(plain(k)): plain(v) for k, v in value.items()}
        case set() | frozenset():
            return [plain(item) for item in (sorted(value) if value and _is_sortable(value) else value)]
        case collections.abc.Iterable():
            return [plain(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return str(value)


def typed(value: Any) -> tuple[dict | None, Any]:
    """Return the type that a value has by itself, as `typ`, and the value as JSON; text of JSON where no type fits."""
    try:
        return _typed(value, 0)
    except _TooDeep:  # it need not be one that has a type: a linked list of pairs has none
        return STR.typ, json.dumps(plain(value))


class _TooDeep(Exception):
    """The value is nested deeper than a type may be."""


def _typed(value: Any, depth: int) -> tuple[dict | None, Any]:
    if depth > MOST_NESTED:
        raise _TooDeep
    match value:
        case None:
            return None, None
        case bool():
            return BOOL.typ, value
        case int() if S64_LEAST <= value <= S64_MOST:
            return INT.typ, value
        case float():
            return FLOAT.typ, value
        case str():
            return STR.typ, value
        case enum.Enum() | datetime.datetime() | datetime.date() | datetime.time() | uuid.UUID() | decimal.Decimal():
            return STR.typ, str(plain(value))
        case bytes() | bytearray():
            return BYTES.typ, list(value)
        case tuple() if value and not hasattr(value, "_fields"):
            parts = [_typed(item, depth + 1) for item in value]
            if all(typ is not None for typ, _ in parts):
                return {"type": "Tuple", "items": [typ for typ, _ in parts]}, [item for _, item in parts]
        case list() | set() | frozenset() if value:
            parts = [_typed(item, depth + 1) for item in (value if isinstance(value, list) else plain(value))]
            if parts[0][0] is not None and all(typ == parts[0][0] for typ, _ in parts):
                return {"type": "List", "inner": parts[0][0]}, [item for _, item in parts]
    return STR.typ, json.dumps(plain(value))


def _nothing(value: Any) -> None:
    if value is not None:
        raise TypeError(f"expected None, as the function is annotated, found {value!r}")


INT = Shape({"type": "S64"}, int, _whole)
FLOAT = Shape({"type": "F64"}, float, _real)
BOOL = Shape({"type": "Bool"}, bool, _of(bool))
STR = Shape({"type": "Str"}, str, _of(str))
BYTES = Shape({"type": "List", "inner": {"type": "U8"}}, bytes, lambda value: list(bytes(value)))
ANY = Shape({"type": "Str"}, json.loads, lambda value: json.dumps(plain(value)), is_json=True)
NOTHING = Shape(None, lambda value: None, _nothing)

_PLAIN = {
    int: INT,
    float: FLOAT,
    bool: BOOL,
    str: STR,
    bytes: BYTES,
    bytearray: dataclasses.replace(BYTES, read=bytearray),
    None: NOTHING,
    type(None): NOTHING,
    typing.NoReturn: NOTHING,
    Any: ANY,
    object: ANY,
    dict: ANY,
    list: ANY,
    inspect.Parameter.empty: ANY,
    datetime.datetime: _text(datetime.datetime, datetime.datetime.fromisoformat, datetime.datetime.isoformat),
    datetime.date: _text(datetime.date, datetime.date.fromisoformat, datetime.date.isoformat),
    datetime.time: _text(datetime.time, datetime.time.fromisoformat, datetime.time.isoformat),
    datetime.timedelta: Shape(
        FLOAT.typ, lambda seconds: datetime.timedelta(seconds=seconds), datetime.timedelta.total_seconds
    ),
    uuid.UUID: _text(uuid.UUID, uuid.UUID, str),
    decimal.Decimal: _text(decimal.Decimal, decimal.Decimal, str),
    pathlib.Path: _text(pathlib.PurePath, pathlib.Path, str),
}
_COLLECTIONS = {
    list: list,
    set: set,
    frozenset: frozenset,
    collections.deque: collections.deque,
    collections.abc.Sequence: list,
    collections.abc.Iterable: list,
    collections.abc.Iterator: list,
    collections.abc.Generator: list,
    collections.abc.AsyncIterator: list,
    collections.abc.AsyncGenerator: list,
    collections.abc.Collection: list,
    collections.abc.Set: set,
}
_MAPPINGS = {dict, collections.abc.Mapping, collections.abc.MutableMapping, collections.OrderedDict}
