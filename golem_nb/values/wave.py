"""Types in WIT's spelling and values in WAVE's, for people and for the oplog.

Types are written and read back (the oplog names its types this way); values are written, `wave_reader` reads them.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Any

from golem_nb.errors import BadInput
from golem_nb.values.types import (
    PRIMITIVES,
    Case,
    EnumType,
    Field,
    FlagsType,
    FunctionType,
    HandleType,
    ListType,
    OptionType,
    PrimitiveType,
    RecordType,
    ResultType,
    TupleType,
    VariantType,
    WitType,
)


@lru_cache(maxsize=4096)
def text_from_type(type: WitType) -> str:
    """Return the type as WIT spells it; records and the like, which WIT only names, are written out in place."""
    match type:
        case PrimitiveType(name):
            return name
        case ListType(inner):
            return f"list<{text_from_type(inner)}>"
        case OptionType(inner):
            return f"option<{text_from_type(inner)}>"
        case ResultType(None, None):
            return "result"
        case ResultType(ok, None):
            return f"result<{_text_or_blank(ok)}>"
        case ResultType(ok, err):
            return f"result<{_text_or_blank(ok)}, {_text_or_blank(err)}>"
        case TupleType(items):
            return f"tuple<{', '.join(map(text_from_type, items))}>"
        case RecordType(fields):
            return f"record {{{', '.join(f'{f.name}: {text_from_type(f.type)}' for f in fields)}}}"
        case VariantType(cases):
            return f"variant {{{', '.join(_text_from_case(c) for c in cases)}}}"
        case EnumType(names):
            return f"enum {{{', '.join(names)}}}"
        case FlagsType(names):
            return f"flags {{{', '.join(names)}}}"
        case HandleType(resource, owned):
            return f"{'own' if owned else 'borrow'}<{resource}>"
    raise TypeError(type)


def _text_or_blank(type: WitType | None) -> str:
    return "_" if type is None else text_from_type(type)


def _text_from_case(case: Case) -> str:
    return case.name if case.type is None else f"{case.name}({text_from_type(case.type)})"


def text_from_function(function: FunctionType) -> str:
    """Return the signature, `add-item: func(name: string, count: u32) -> bool`."""
    parameters = ", ".join(f"{p.name}: {text_from_type(p.type)}" for p in function.parameters)
    result = "" if function.result is None else f" -> {text_from_type(function.result)}"
    return f"{function.name}: func({parameters}){result}"


def text_from_value(type: WitType, value: Any) -> str:
    """Return the value as WAVE spells it."""
    match type:
        case PrimitiveType("bool"):
            return "true" if value else "false"
        case PrimitiveType("string"):
            return f'"{_escaped(value, chr(34))}"'
        case PrimitiveType("char"):
            return f"'{_escaped(value, chr(39))}'"
        case PrimitiveType("f32" | "f64"):
            return _text_from_float(value)
        case PrimitiveType() | HandleType():
            return str(value)
        case ListType(inner):
            return f"[{', '.join(text_from_value(inner, v) for v in value)}]"
        case TupleType(items):
            return f"({', '.join(text_from_value(t, v) for t, v in zip(items, value, strict=True))})"
        case RecordType(fields):
            return f"{{{', '.join(f'{_word(f.name)}: {text_from_value(f.type, value[f.name])}' for f in fields)}}}"
        case VariantType(cases):
            return _text_from_payload({c.name: c.type for c in cases}, value)
        case ResultType(ok, err):
            return _text_from_payload({"ok": ok, "err": err}, value)
        case EnumType():
            return _word(value)
        case FlagsType(names):
            return f"{{{', '.join(_word(name) for name in names if name in value)}}}"
        case OptionType(payload):
            inner = value.value if isinstance(payload, OptionType) and value is not None else value
            return "none" if value is None else f"some({text_from_value(payload, inner)})"
    raise TypeError(type)


def _text_from_payload(cases: dict[str, WitType | None], value: tuple[str, Any]) -> str:
    case, payload = value
    type = cases[case]
    word = case if set(cases) == {"ok", "err"} else _word(case)
    return word if type is None else f"{word}({text_from_value(type, payload)})"


def _text_from_float(value: float) -> str:
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return repr(float(value))


def _word(name: str) -> str:
    """Return a label; the words of WAVE's own get the `%` that WAVE asks for."""
    return f"%{name}" if name in ("true", "false", "some", "none", "ok", "err", "inf", "nan") else name


_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}


def _escaped(text: str, quote: str) -> str:
    parts = (
        f"\\{c}" if c == quote else _ESCAPES.get(c) or (c if c.isprintable() else f"\\u{{{ord(c):x}}}") for c in text
    )
    return "".join(parts)


@lru_cache(maxsize=4096)
def type_from_text(text: str) -> WitType:
    """Return the type that `text_from_type` wrote.

    Raises:
        BadInput: The text is not a type.
    """
    reader = _Reader(text)
    type = reader.type()
    if reader.next():
        raise BadInput(f"not a WIT type: {text!r}")
    return type


class _Reader:
    """Reads one type from left to right, one method for each production."""

    _TOKEN = re.compile(r"\s*(?:([<>{}(),:])|([^\s<>{}(),:]+))")

    def __init__(self, text: str) -> None:
        self.text, self.position = text, 0

    def next(self) -> str:
        match = self._TOKEN.match(self.text, self.position)
        return (match[1] or match[2]) if match else ""

    def take(self) -> str:
        match = self._TOKEN.match(self.text, self.position)
        if match is None:
            raise BadInput(f"a WIT type ends too early: {self.text!r}")
        self.position = match.end()
        return match[1] or match[2]

    def expect(self, token: str) -> None:
        found = self.take()
        if found != token:
            raise BadInput(f"expected {token!r}, found {found!r} in the WIT type {self.text!r}")

    def type(self) -> WitType:
        """type = primitive | word "<" type {"," type} ">" | word "{" member {"," member} "}" | "result" """
        word = self.take()
        if word in PRIMITIVES:
            return PRIMITIVES[word]
        match word:
            case "list" | "option":
                self.expect("<")
                inner = self.type()
                self.expect(">")
                return ListType(inner) if word == "list" else OptionType(inner)
            case "result":
                return self.result()
            case "tuple":
                return TupleType(tuple(self.types()))
            case "record":
                return RecordType(tuple(Field(name, _required(type)) for name, type in self.members()))
            case "variant":
                return VariantType(tuple(Case(name, type) for name, type in self.members()))
            case "enum":
                return EnumType(tuple(name for name, _ in self.members()))
            case "flags":
                return FlagsType(tuple(name for name, _ in self.members()))
            case "own" | "borrow":
                start = self.text.index("<", self.position) + 1
                self.position = self.text.index(">", start) + 1
                return HandleType(self.text[start : self.position - 1], word == "own")
        raise BadInput(f"unknown word {word!r} in the WIT type {self.text!r}")

    def result(self) -> WitType:
        """result = "result" ["<" (type | "_") ["," (type | "_")] ">"]"""
        if self.next() != "<":
            return ResultType()
        return ResultType(*self.types())

    def types(self) -> list[Any]:
        """types = "<" [(type | "_") {"," (type | "_")}] ">" """
        self.expect("<")
        found: list[WitType | None] = []
        while self.next() != ">":
            if self.next() == "_":
                self.take()
                found.append(None)
            else:
                found.append(self.type())
            if self.next() == ",":
                self.take()
        self.expect(">")
        return found

    def members(self) -> list[tuple[str, WitType | None]]:
        """members = "{" [name [":" type | "(" type ")"] {"," …}] "}" """
        self.expect("{")
        found = []
        while self.next() != "}":
            name, type = self.take(), None
            if self.next() == ":":
                self.take()
                type = self.type()
            elif self.next() == "(":
                self.take()
                type = self.type()
                self.expect(")")
            found.append((name, type))
            if self.next() == ",":
                self.take()
        self.expect("}")
        return found


def _required(type: WitType | None) -> WitType:
    if type is None:
        raise BadInput("a field of a record has no type")
    return type
