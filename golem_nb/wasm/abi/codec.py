"""Values of every WIT type over wasmtime's C structures: one decoder and one encoder for each type, made once.

A decoder reads 32 bytes at an address, an encoder returns 32 bytes that whoever takes them owns: always new ones, since
the `*_new` functions leave nothing where they took a value from. Both get the `Frame` of the instance that is running,
which knows its handles. Values look as `golem_nb.values.types` says.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from golem_nb.errors import ValueMismatch
from golem_nb.host.declare import ResourceTable
from golem_nb.values.check import check_value
from golem_nb.values.types import (
    INTEGER_RANGES,
    U8,
    EnumType,
    FlagsType,
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
from golem_nb.wasm.abi.layout import (
    ENTRY_SIZE,
    SIZE_AND_POINTER,
    VALUE_SIZE,
    WORD,
    Kind,
    any_clone,
    any_to_host,
    byte_vec_new,
    flags_new,
    host_delete,
    host_new,
    host_rep,
    host_to_any,
    list_new,
    read_memory,
    record_new,
    scratch,
    tuple_new,
    value_new,
)


class GuestHandles(Protocol):
    """The handles of resources that the component itself defines and has given out."""

    def lift(self, pointer: Any, resource: str) -> Any:
        """Take over a resource pointer; return what stands for it outside."""

    def lower(self, handle: Any) -> Any:
        """Return the pointer that `handle` stands for."""

    def take(self, handle: Any) -> Any:
        """Return the pointer and forget the handle."""


class Frame(Protocol):
    """What host callbacks find of the instance that is running on their thread."""

    context: int
    """Address of the store's context."""

    table: ResourceTable
    guest_handles: GuestHandles
    pending: BaseException | None
    """The exception of a host function, parked while wasm unwinds."""


Decode = Callable[[Frame, int], Any]
Encode = Callable[[Frame, Any], bytes]
ResourceIds = Mapping[str, int]  # host resources only: "wasi:io/poll#pollable" -> the number of its type

_FORMATS = {"bool": "?", "f32": "f", "f64": "d"} | {
    name: ("bhiq" if name[0] == "s" else "BHIQ")["8 16 32 64".split().index(name[1:])] for name in INTEGER_RANGES
}
_PAIR = struct.Struct("<8xQQ")
_TRIPLE = struct.Struct("<8xQQQ")
_WORD_AT_8 = struct.Struct("<8xQ")
_RESULT = struct.Struct("<8x?7xQ")
_WITH_PAIR = struct.Struct("<B7x16s8x")
_WITH_POINTER = struct.Struct("<B7xQ16x")
_WITH_NAME = struct.Struct("<B7x16sQ")
_WITH_FLAG = struct.Struct("<B7x?7xQ8x")


def decoder(type: WitType, resources: ResourceIds) -> Decode:
    """Return the decoder of a type."""
    match type:
        case PrimitiveType("string"):
            return _decode_text
        case PrimitiveType("char"):
            unpack_char = struct.Struct("<8xI").unpack
            return lambda frame, at: chr(unpack_char(read_memory(at, 12))[0])
        case PrimitiveType(name):
            layout = struct.Struct(f"<8x{_FORMATS[name]}")
            unpack, size = layout.unpack, layout.size
            return lambda frame, at: unpack(read_memory(at, size))[0]
        case EnumType():
            return _decode_text
        case ListType(element) if element == U8:
            return _decode_bytes
        case ListType(element):
            item = decoder(element, resources)
            return lambda frame, at: [item(frame, here) for here in _items(at)]
        case TupleType(items):
            parts = [decoder(t, resources) for t in items]
            return lambda frame, at: tuple([part(frame, here) for part, here in zip(parts, _items(at), strict=True)])
        case RecordType(fields):
            return _record_decoder([(f.name, decoder(f.type, resources)) for f in fields])
        case VariantType(cases):
            return _variant_decoder({c.name: decoder(c.type, resources) if c.type else None for c in cases})
        case OptionType(payload):
            return _option_decoder(decoder(payload, resources), isinstance(payload, OptionType))
        case ResultType(ok, err):
            return _result_decoder(*(decoder(t, resources) if t else None for t in (ok, err)))
        case FlagsType():
            return _decode_flags
        case HandleType(resource, owned):
            return _host_handle_decoder(owned) if resource in resources else _guest_handle_decoder(resource)
    raise TypeError(type)


def encoder(type: WitType, resources: ResourceIds) -> Encode:
    """Return the encoder of a type. It raises ValueMismatch for an integer out of range and the like."""
    match type:
        case PrimitiveType("string"):
            return lambda frame, value: _WITH_PAIR.pack(Kind.STRING, _text(value.encode()))
        case PrimitiveType("char"):
            pack_char = struct.Struct("<B7xI20x").pack
            return lambda frame, value: pack_char(Kind.CHAR, ord(value))
        case PrimitiveType():
            return _primitive_encoder(type)
        case EnumType(names):
            texts = {name: name.encode() for name in names}
            return lambda frame, value: _WITH_PAIR.pack(Kind.ENUM, _text(texts[value]))
        case ListType(element) if element == U8:
            return _encode_bytes
        case ListType(element):
            item = encoder(element, resources)
            return lambda frame, value: _WITH_PAIR.pack(
                Kind.LIST, _built(list_new, len(value), b"".join([item(frame, v) for v in value]))
            )
        case TupleType(items):
            return _tuple_encoder([encoder(t, resources) for t in items])
        case RecordType(fields):
            return _record_encoder([(f.name, encoder(f.type, resources)) for f in fields])
        case VariantType(cases):
            return _variant_encoder({c.name: encoder(c.type, resources) if c.type else None for c in cases})
        case OptionType(payload):
            return _option_encoder(encoder(payload, resources), isinstance(payload, OptionType))
        case ResultType(ok, err):
            return _result_encoder(*(encoder(t, resources) if t else None for t in (ok, err)))
        case FlagsType(names):
            return _flags_encoder(names)
        case HandleType(resource, owned):
            number = resources.get(resource)
            return _guest_handle_encoder(owned) if number is None else _host_handle_encoder(number, owned)
    raise TypeError(type)


# Reading.


def _items(at: int) -> range:
    """Return the addresses of the items of a list or tuple."""
    count, start = _PAIR.unpack(read_memory(at, 24))
    return range(start, start + count * VALUE_SIZE, VALUE_SIZE)


def _decode_text(frame: Frame, at: int) -> str:
    size, start = _PAIR.unpack(read_memory(at, 24))
    return str(read_memory(start, size), "utf-8") if size else ""


def _decode_bytes(frame: Frame, at: int) -> bytes:
    # Each byte is a value of 32 bytes; one slice with a stride takes them all.
    count, start = _PAIR.unpack(read_memory(at, 24))
    return bytes(read_memory(start, count * VALUE_SIZE)[8::VALUE_SIZE]) if count else b""


def _record_decoder(fields: Sequence[tuple[str, Decode]]) -> Decode:
    placed = [(name, decode, number * ENTRY_SIZE + 16) for number, (name, decode) in enumerate(fields)]

    def decode_record(frame: Frame, at: int) -> dict[str, Any]:
        start = _PAIR.unpack(read_memory(at, 24))[1]
        return {name: decode(frame, start + offset) for name, decode, offset in placed}

    return decode_record


def _variant_decoder(cases: Mapping[str, Decode | None]) -> Decode:
    def decode_variant(frame: Frame, at: int) -> tuple[str, Any]:
        size, start, payload = _TRIPLE.unpack(read_memory(at, 32))
        case = str(read_memory(start, size), "utf-8")
        decode = cases[case]
        return case, None if decode is None else decode(frame, payload)

    return decode_variant


def _option_decoder(decode: Decode, nested: bool) -> Decode:
    def decode_option(frame: Frame, at: int) -> Any:
        (payload,) = _WORD_AT_8.unpack(read_memory(at, 16))
        if not payload:
            return None
        value = decode(frame, payload)
        return Some(value) if nested else value

    return decode_option


def _result_decoder(ok: Decode | None, err: Decode | None) -> Decode:
    def decode_result(frame: Frame, at: int) -> tuple[str, Any]:
        is_ok, payload = _RESULT.unpack(read_memory(at, 24))
        case, decode = ("ok", ok) if is_ok else ("err", err)
        return case, None if decode is None else decode(frame, payload)

    return decode_result


def _decode_flags(frame: Frame, at: int) -> frozenset[str]:
    count, start = _PAIR.unpack(read_memory(at, 24))
    names = SIZE_AND_POINTER.iter_unpack(read_memory(start, 16 * count)) if count else ()
    return frozenset(str(read_memory(where, size), "utf-8") for size, where in names)


def _host_handle_decoder(owned: bool) -> Decode:
    def decode_handle(frame: Frame, at: int) -> Any:
        (pointer,) = _WORD_AT_8.unpack(read_memory(at, 16))
        # Also what releases a borrow: the call may not return while one is held.
        if any_to_host(frame.context, pointer, scratch.address):
            raise RuntimeError("a handle of the host is none")
        (host,) = WORD.unpack_from(scratch.buffer)
        rep = host_rep(host)
        host_delete(host)
        return frame.table.take(rep) if owned else frame.table.get(rep)

    return decode_handle


def _guest_handle_decoder(resource: str) -> Decode:
    def decode_handle(frame: Frame, at: int) -> Any:
        (pointer,) = _WORD_AT_8.unpack(read_memory(at, 16))
        return frame.guest_handles.lift(any_clone(pointer), resource)

    return decode_handle


# Writing.


def _built(build: Callable[..., Any], count: int, items: bytes) -> bytes:
    """Return size and pointer of what one of the `*_new` functions made of `items`."""
    own = scratch
    build(own.address, count, items)
    return own.buffer.raw


def _text(encoded: bytes) -> bytes:
    own = scratch
    byte_vec_new(own.address, len(encoded), encoded)
    return own.buffer.raw


def _primitive_encoder(type: PrimitiveType) -> Encode:
    code = _FORMATS[type.name]
    pack = struct.Struct(f"<B7x{code}{'x' * (24 - struct.calcsize(code))}").pack
    kind = Kind[type.name.upper()]
    if type.name == "bool":
        return lambda frame, value: pack(kind, value)

    def encode_number(frame: Frame, value: Any) -> bytes:
        try:
            return pack(kind, value)
        except (struct.error, OverflowError):
            check_value(type, value)
            raise ValueMismatch("value", type.name, repr(value)) from None

    return encode_number


def _encode_bytes(frame: Frame, value: bytes) -> bytes:
    count = len(value)
    items = bytearray(VALUE_SIZE * count)
    items[0::VALUE_SIZE] = bytes([Kind.U8]) * count
    items[8::VALUE_SIZE] = value
    return _WITH_PAIR.pack(Kind.LIST, _built(list_new, count, bytes(items)))


def _tuple_encoder(parts: Sequence[Encode]) -> Encode:
    count = len(parts)

    def encode_tuple(frame: Frame, value: Sequence[Any]) -> bytes:
        items = b"".join([part(frame, v) for part, v in zip(parts, value, strict=True)])
        return _WITH_PAIR.pack(Kind.TUPLE, _built(tuple_new, count, items))

    return encode_tuple


def _record_encoder(fields: Sequence[tuple[str, Encode]]) -> Encode:
    named = [(name, name.encode(), encode) for name, encode in fields]
    count = len(named)

    def encode_record(frame: Frame, value: Mapping[str, Any]) -> bytes:
        entries: list[bytes] = []
        for name, text, encode in named:
            payload = encode(frame, value[name])  # before the name: it may use the scratch, too
            entries += (_text(text), payload)
        return _WITH_PAIR.pack(Kind.RECORD, _built(record_new, count, b"".join(entries)))

    return encode_record


def _pointer_to(encode: Encode | None, frame: Frame, payload: Any) -> int:
    if encode is None:
        return 0
    pointer: int = value_new(encode(frame, payload))
    return pointer


def _variant_encoder(cases: Mapping[str, Encode | None]) -> Encode:
    texts = {name: name.encode() for name in cases}

    def encode_variant(frame: Frame, value: tuple[str, Any]) -> bytes:
        case, payload = value
        pointer = _pointer_to(cases[case], frame, payload)
        return _WITH_NAME.pack(Kind.VARIANT, _text(texts[case]), pointer)

    return encode_variant


def _option_encoder(encode: Encode, nested: bool) -> Encode:
    def encode_option(frame: Frame, value: Any) -> bytes:
        if value is None:
            return _WITH_POINTER.pack(Kind.OPTION, 0)
        return _WITH_POINTER.pack(Kind.OPTION, _pointer_to(encode, frame, value.value if nested else value))

    return encode_option


def _result_encoder(ok: Encode | None, err: Encode | None) -> Encode:
    def encode_result(frame: Frame, value: tuple[str, Any]) -> bytes:
        case, payload = value
        is_ok = case == "ok"
        return _WITH_FLAG.pack(Kind.RESULT, is_ok, _pointer_to(ok if is_ok else err, frame, payload))

    return encode_result


def _flags_encoder(names: Sequence[str]) -> Encode:
    texts = [(name, name.encode()) for name in names]

    def encode_flags(frame: Frame, value: frozenset[str]) -> bytes:
        items = [_text(text) for name, text in texts if name in value]
        return _WITH_PAIR.pack(Kind.FLAGS, _built(flags_new, len(items), b"".join(items)))

    return encode_flags


def _host_handle_encoder(number: int, owned: bool) -> Encode:
    def encode_handle(frame: Frame, value: Any) -> bytes:
        host = host_new(owned, frame.table.push(value), number)
        failed = host_to_any(frame.context, host, scratch.address)
        host_delete(host)
        if failed:
            raise RuntimeError("a handle cannot be made")
        return _WITH_POINTER.pack(Kind.RESOURCE, WORD.unpack_from(scratch.buffer)[0])

    return encode_handle


def _guest_handle_encoder(owned: bool) -> Encode:
    def encode_lent(frame: Frame, value: Any) -> bytes:
        return _WITH_POINTER.pack(Kind.RESOURCE, any_clone(frame.guest_handles.lower(value)))

    def encode_given(frame: Frame, value: Any) -> bytes:
        return _WITH_POINTER.pack(Kind.RESOURCE, frame.guest_handles.take(value))

    return encode_given if owned else encode_lent
