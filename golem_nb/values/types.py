"""WIT types as data, and the values that stand for them inside the engine.

How values look (one form everywhere below the JSON, WAVE and plain-Python codecs):

    bool, s8 … u64, f32, f64   bool, int, float
    char, string               str
    list<u8>                   bytes
    list<T>, tuple<…>          list, tuple
    record                     dict, keyed by the WIT (kebab-case) names
    variant, result            (case, payload); payload is None where the case has none
    enum                       str
    flags                      frozenset of str
    option<T>                  None or the value; where T is itself an option: None or Some(value)
    own<r>, borrow<r>          whatever the table of handles gives (a host object, or a Handle)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class WitType:
    """A type of the component model."""


@dataclass(frozen=True, slots=True)
class PrimitiveType(WitType):
    """`bool`, an integer, a float, `char` or `string`."""

    name: str


BOOL, CHAR, STRING, F32, F64 = (PrimitiveType(name) for name in ("bool", "char", "string", "f32", "f64"))
S8, S16, S32, S64 = (PrimitiveType(f"s{bits}") for bits in (8, 16, 32, 64))
U8, U16, U32, U64 = (PrimitiveType(f"u{bits}") for bits in (8, 16, 32, 64))

PRIMITIVES = {t.name: t for t in (BOOL, S8, S16, S32, S64, U8, U16, U32, U64, F32, F64, CHAR, STRING)}

INTEGER_RANGES = {
    **{f"u{bits}": range(0, 1 << bits) for bits in (8, 16, 32, 64)},
    **{f"s{bits}": range(-(1 << bits - 1), 1 << bits - 1) for bits in (8, 16, 32, 64)},
}


@dataclass(frozen=True, slots=True)
class ListType(WitType):
    element: WitType


@dataclass(frozen=True, slots=True)
class OptionType(WitType):
    payload: WitType


@dataclass(frozen=True, slots=True)
class ResultType(WitType):
    ok: WitType | None = None
    err: WitType | None = None


@dataclass(frozen=True, slots=True)
class TupleType(WitType):
    items: tuple[WitType, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record."""

    name: str
    type: WitType


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    type: WitType | None = None


@dataclass(frozen=True, slots=True)
class RecordType(WitType):
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class VariantType(WitType):
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class EnumType(WitType):
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FlagsType(WitType):
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HandleType(WitType):
    """`own<resource>` or `borrow<resource>`.

    `resource` names the resource where it is defined: `wasi:io/streams#output-stream`, `shop:cart/api#cart`.
    """

    resource: str
    owned: bool


BYTES = ListType(U8)


def record(**fields: WitType) -> RecordType:
    """Return a record type from Python names: `record(data_access=U64)` has the field `data-access`."""
    return RecordType(tuple(Field(name.replace("_", "-"), type) for name, type in fields.items()))


@dataclass(frozen=True, slots=True)
class Some:
    """A present option whose payload is itself an option."""

    value: Any


@dataclass(frozen=True, slots=True)
class TypedValue:
    """A value with its type. `type` is None for values of servers that send none."""

    type: WitType | None
    value: Any


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    type: WitType
    is_json: bool = False
    """Is it a text of JSON, so that callers may give any value for it?"""
    default: str | None = None
    """What it is where a caller leaves it out, as JSON; None where it must be given."""


@dataclass(frozen=True, slots=True)
class FunctionType:
    """An exported function: `name` is what the API calls it, `inc` or `ns:pkg/iface@1.0.0.{inc}`."""

    name: str
    parameters: tuple[Parameter, ...]
    result: WitType | None
    docs: str = ""


def parts_of(type: WitType) -> Iterator[WitType]:
    """Yield the types directly inside `type`."""
    match type:
        case ListType(inner) | OptionType(inner):
            yield inner
        case ResultType(ok, err):
            yield from (t for t in (ok, err) if t is not None)
        case TupleType(items):
            yield from items
        case RecordType(fields):
            yield from (f.type for f in fields)
        case VariantType(cases):
            yield from (c.type for c in cases if c.type is not None)


def has_handles(type: WitType) -> bool:
    """Is there a handle anywhere in `type`?"""
    return isinstance(type, HandleType) or any(has_handles(part) for part in parts_of(type))


@dataclass(frozen=True, slots=True)
class Handle:
    """A resource of a worker as the API shows it: the worker's URN and the handle's number there."""

    uri: str
    id: int

    def __str__(self) -> str:
        return f"{self.uri}/{self.id}"
