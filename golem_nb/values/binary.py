"""Values <-> bytes for the oplog: MessagePack, in a form that depends on the value only.

Records and tuples are arrays in the order of the type, flags arrays in the order of their names, so that equal values
have equal bytes and replay can compare results without decoding them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from golem_nb.values.types import (
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

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode

Convert = Callable[[Any], Any]


def bytes_from_value(type: WitType, value: Any) -> bytes:
    convert = _to_plain(type)
    return _encode(value if convert is None else convert(value))


def encoder(type: WitType) -> Callable[[Any], bytes]:
    """Return `bytes_from_value` for one type: it need not be looked up for each value."""
    convert = _to_plain(type)
    if convert is None:
        return _encode
    return lambda value: _encode(convert(value))


def value_from_bytes(type: WitType, data: bytes) -> Any:
    return decoder(type)(data)


def decoder(type: WitType) -> Callable[[bytes], Any]:
    """Return `value_from_bytes` for one type: it need not be looked up for each value."""
    convert = _from_plain(type)
    if convert is None:
        return _decode
    return lambda data: convert(_decode(data))


@lru_cache(maxsize=4096)
def _to_plain(type: WitType) -> Convert | None:
    """Return the function that makes a value plain; None where it is so already."""
    match type:
        case PrimitiveType() | EnumType():
            return None
        case ListType(element):
            inner = None if element == U8 else _to_plain(element)
            return None if inner is None else lambda value: [inner(v) for v in value]
        case TupleType(items):
            parts = [_to_plain(t) or _same for t in items]
            return lambda value: [part(v) for part, v in zip(parts, value, strict=True)]
        case RecordType(fields):
            named = [(f.name, _to_plain(f.type) or _same) for f in fields]
            return lambda value: [part(value[name]) for name, part in named]
        case VariantType() | ResultType():
            cases = {case: (number, _to_plain(t) if t else None) for number, (case, t) in enumerate(_cases(type))}
            return lambda value: _plain_case(*cases[value[0]], value[1])
        case FlagsType(names):
            return lambda value: [name for name in names if name in value]
        case OptionType(payload):
            some = _to_plain(payload) or _same
            if isinstance(payload, OptionType):
                return lambda value: None if value is None else [some(value.value)]
            return None if some is _same else lambda value: None if value is None else some(value)
        case HandleType():
            return lambda value: [value.uri, value.id]
    raise TypeError(type)


@lru_cache(maxsize=4096)
def _from_plain(type: WitType) -> Convert | None:
    match type:
        case PrimitiveType("f32" | "f64"):
            return float
        case PrimitiveType() | EnumType():
            return None
        case ListType(element):
            inner = None if element == U8 else _from_plain(element)
            return None if inner is None else lambda plain: [inner(v) for v in plain]
        case TupleType(items):
            parts = [_from_plain(t) or _same for t in items]
            return lambda plain: tuple(part(v) for part, v in zip(parts, plain, strict=True))
        case RecordType(fields):
            named = [(f.name, _from_plain(f.type) or _same) for f in fields]
            return lambda plain: {name: part(v) for (name, part), v in zip(named, plain, strict=True)}
        case VariantType() | ResultType():
            cases = [(case, _from_plain(t) or _same if t else _same) for case, t in _cases(type)]
            return lambda plain: (cases[plain[0]][0], cases[plain[0]][1](plain[1]))
        case FlagsType():
            return frozenset
        case OptionType(payload):
            some = _from_plain(payload) or _same
            if isinstance(payload, OptionType):
                return lambda plain: None if plain is None else Some(some(plain[0]))
            return None if some is _same else lambda plain: None if plain is None else some(plain)
        case HandleType():
            return lambda plain: Handle(*plain)
    raise TypeError(type)


def _cases(type: VariantType | ResultType) -> list[tuple[str, WitType | None]]:
    if isinstance(type, ResultType):
        return [("ok", type.ok), ("err", type.err)]
    return [(case.name, case.type) for case in type.cases]


def _plain_case(number: int, convert: Convert | None, payload: Any) -> list[Any]:
    return [number, payload if convert is None else convert(payload)]


def _same(value: Any) -> Any:
    return value
