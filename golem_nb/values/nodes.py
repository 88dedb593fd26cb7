"""Values and types as golem:rpc passes them: flat lists of nodes, whose parts are named by their place in the list.

A `wit-value` is `{"nodes": [...]}`, its root node 0; fields of records, cases and flags go by their order, so that it
can be read only with its type at hand. A `wit-type` is built alike; from version 0.2.2 of golem:rpc on its nodes also
carry a name and an owner. Source: SEMANTICS 5.5.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from golem_nb.errors import ValueMismatch
from golem_nb.values.check import check_value
from golem_nb.values.types import (
    BYTES,
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
    VariantType,
    WitType,
)

Node = tuple[str, Any]
MOST_LEVELS = 100

_PRIMITIVE_VALUES = {name: f"prim-{name.replace('f32', 'float32').replace('f64', 'float64')}" for name in PRIMITIVES}
_PRIMITIVE_TYPES = {f"prim-{name}-type": type for name, type in PRIMITIVES.items()}


# Values.


def nodes_from_value(type: WitType, value: Any) -> dict[str, list[Node]]:
    """Return a value as a `wit-value`."""
    nodes: list[Node] = []
    _add(nodes, type, value)
    return {"nodes": nodes}


def _add(nodes: list[Node], type: WitType, value: Any) -> int:
    place = len(nodes)
    nodes.append(("", None))
    nodes[place] = _node(nodes, type, value)
    return place


def _add_option(nodes: list[Node], type: WitType | None, value: Any) -> int | None:
    return None if type is None else _add(nodes, type, value)


def _node(nodes: list[Node], type: WitType, value: Any) -> Node:
    match type:
        case PrimitiveType(name):
            return _PRIMITIVE_VALUES[name], value
        case ListType() if type == BYTES:
            first = len(nodes)
            nodes.extend(("prim-u8", byte) for byte in value)
            return "list-value", list(range(first, len(nodes)))
        case ListType(element):
            return "list-value", [_add(nodes, element, item) for item in value]
        case TupleType(items):
            return "tuple-value", [_add(nodes, item, part) for item, part in zip(items, value, strict=True)]
        case RecordType(fields):
            return "record-value", [_add(nodes, field.type, value[field.name]) for field in fields]
        case OptionType(payload):
            given = value.value if isinstance(value, Some) else value
            return "option-value", None if value is None else _add(nodes, payload, given)
        case ResultType(ok, err):
            side, payload = value
            return "result-value", (side, _add_option(nodes, ok if side == "ok" else err, payload))
        case VariantType(cases):
            number = next(number for number, case in enumerate(cases) if case.name == value[0])
            return "variant-value", (number, _add_option(nodes, cases[number].type, value[1]))
        case EnumType(names):
            return "enum-value", names.index(value)
        case FlagsType(names):
            return "flags-value", [name in value for name in names]
        case HandleType():
            return "handle", ({"value": value.uri}, value.id)
    raise TypeError(f"no nodes for {type}")


def value_from_nodes(type: WitType, given: Any, path: str = "value") -> Any:
    """Return the value that a `wit-value` stands for.

    Raises:
        ValueMismatch: It is no value of this type.
    """
    value = _Reader(given["nodes"], path).value(type, 0, path, 0)
    check_value(type, value, path)
    return value


class _Reader:
    """Reads the nodes of one value or type; every place in them may be wrong."""

    def __init__(self, nodes: Sequence[Any], path: str) -> None:
        self._nodes, self._path = nodes, path
        self._left = 10 * len(nodes) + 1000

    def node(self, place: int, level: int) -> Any:
        if not 0 <= place < len(self._nodes):
            raise ValueMismatch(self._path, f"a node from 0 to {len(self._nodes) - 1}", str(place))
        self._left -= 1
        if level > MOST_LEVELS or self._left < 0:  # parts may be shared, and even contain themselves
            raise ValueMismatch(self._path, f"nodes less than {MOST_LEVELS} deep, each used once", "others")
        return self._nodes[place]

    def value(self, type: WitType, place: int, path: str, level: int) -> Any:
        case, payload = self.node(place, level)
        wanted = _PRIMITIVE_VALUES[type.name] if isinstance(type, PrimitiveType) else _CASES[_kind(type)]
        if case != wanted:
            if isinstance(type, OptionType):  # a value that is there may stand for itself, as in JSON
                found = self.value(type.payload, place, path, level + 1)
                return Some(found) if isinstance(type.payload, OptionType) else found
            raise ValueMismatch(path, _a(wanted), case)
        try:
            return self._value(type, payload, path, level + 1)
        except (IndexError, TypeError) as error:
            raise ValueMismatch(path, f"{_a(wanted)} of its type", str(payload)[:80]) from error

    def _value(self, type: WitType, payload: Any, path: str, level: int) -> Any:
        match type:
            case PrimitiveType():
                return payload
            case ListType() if type == BYTES:
                return bytes(self.value(U8, at, path, level) for at in payload)
            case ListType(element):
                return [self.value(element, at, f"{path}[{n}]", level) for n, at in enumerate(payload)]
            case TupleType(types):
                self._check_count(path, len(types), payload)
                return tuple(
                    self.value(t, at, f"{path}.{n}", level)
                    for n, (t, at) in enumerate(zip(types, payload, strict=True))
                )
            case RecordType(fields):
                self._check_count(path, len(fields), payload)
                return {
                    f.name: self.value(f.type, at, f"{path}.{f.name}", level)
                    for f, at in zip(fields, payload, strict=True)
                }
            case OptionType(inner):
                if payload is None:
                    return None
                value = self.value(inner, payload, path, level)
                return Some(value) if isinstance(inner, OptionType) else value
            case ResultType(ok, err):
                side, at = payload
                return side, self._payload(ok if side == "ok" else err, at, f"{path}.{side}", level)
            case VariantType(cases):
                number, at = payload
                return cases[number].name, self._payload(cases[number].type, at, f"{path}.{cases[number].name}", level)
            case EnumType(names):
                return names[payload]
            case FlagsType(names):
                self._check_count(path, len(names), payload)
                return frozenset(name for name, is_set in zip(names, payload, strict=True) if is_set)
            case HandleType():
                uri, number = payload
                return Handle(uri["value"], number)
        raise TypeError(f"no value of {type}")

    def _payload(self, type: WitType | None, place: int | None, path: str, level: int) -> Any:
        if (type is None) != (place is None):
            raise ValueMismatch(path, "no payload" if type is None else "a payload", "one" if type is None else "none")
        return None if type is None or place is None else self.value(type, place, path, level)

    def _check_count(self, path: str, wanted: int, parts: Sequence[Any]) -> None:
        if len(parts) != wanted:
            raise ValueMismatch(path, f"{wanted} parts", str(len(parts)))


_CASES: dict[str, str] = {
    "List": "list-value",
    "Tuple": "tuple-value",
    "Record": "record-value",
    "Option": "option-value",
    "Result": "result-value",
    "Variant": "variant-value",
    "Enum": "enum-value",
    "Flags": "flags-value",
    "Handle": "handle",
}


def _kind(type: WitType) -> str:
    return type.__class__.__name__.removesuffix("Type")


# Types.


def nodes_from_type(type: WitType, *, are_named: bool) -> dict[str, list[Any]]:
    """Return a type as a `wit-type`; `are_named` says that its nodes have names and owners (left empty)."""
    nodes: list[Any] = []

    def add(part: WitType) -> int:
        place = len(nodes)
        nodes.append(None)
        node = _type_node(part, add)
        nodes[place] = {"name": None, "owner": None, "type": node} if are_named else node
        return place

    add(type)
    return {"nodes": nodes}


def _type_node(type: WitType, add: Callable[[WitType], int]) -> Node:
    match type:
        case PrimitiveType(name):
            return f"prim-{name}-type", None
        case ListType(element):
            return "list-type", add(element)
        case OptionType(payload):
            return "option-type", add(payload)
        case TupleType(items):
            return "tuple-type", [add(item) for item in items]
        case RecordType(fields):
            return "record-type", [(field.name, add(field.type)) for field in fields]
        case ResultType(ok, err):
            return "result-type", (None if ok is None else add(ok), None if err is None else add(err))
        case VariantType(cases):
            return "variant-type", [(case.name, None if case.type is None else add(case.type)) for case in cases]
        case EnumType(names):
            return "enum-type", list(names)
        case FlagsType(names):
            return "flags-type", list(names)
        case HandleType(_, owned):
            return "handle-type", (0, "owned" if owned else "borrowed")
    raise TypeError(f"no nodes for {type}")


def type_from_nodes(given: Any, path: str = "typ") -> WitType:
    """Return the type that a `wit-type` stands for, with or without names.

    Raises:
        ValueMismatch: It is none.
    """
    reader = _Reader(given["nodes"], path)

    def read(place: int, level: int) -> WitType:
        found = reader.node(place, level)
        case, payload = found["type"] if isinstance(found, dict) else found
        return _type(case, payload, lambda at: read(at, level + 1))

    return read(0, 0)


def _type(case: str, payload: Any, read: Callable[[int], WitType]) -> WitType:
    def optional(place: int | None) -> WitType | None:
        return None if place is None else read(place)

    if case in _PRIMITIVE_TYPES:
        return _PRIMITIVE_TYPES[case]
    match case:
        case "list-type":
            return ListType(read(payload))
        case "option-type":
            return OptionType(read(payload))
        case "tuple-type":
            return TupleType(tuple(read(place) for place in payload))
        case "record-type":
            return RecordType(tuple(Field(name, read(place)) for name, place in payload))
        case "result-type":
            return ResultType(optional(payload[0]), optional(payload[1]))
        case "variant-type":
            return VariantType(tuple(Case(name, optional(place)) for name, place in payload))
        case "enum-type":
            return EnumType(tuple(payload))
        case "flags-type":
            return FlagsType(tuple(payload))
        case "handle-type":
            return HandleType(f"#{payload[0]}", payload[1] == "owned")
    raise TypeError(f"{case} is no node of a type")


def _a(word: str) -> str:
    return f"{'an' if word[0] in 'eo' else 'a'} {word}"
