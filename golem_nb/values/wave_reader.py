"""WAVE text -> values of a type: what `wave` writes, and the shorter forms that WAVE allows.

bool, numbers    true, -3, 1.5, nan, inf, -inf
char, string     'x', "x", with \\n \\t \\r \\\\ \\' \\" \\u{…}
list, tuple      [1, 2], (1, "a")
record           {a: 1, b: 2}; absent options are none; {:} where there is nothing to say
variant, enum    case, case(payload)
flags            {a, b}
option           none, some(x), or x
result           ok(x), err(x), ok, err, or x
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from golem_nb.errors import ValueMismatch
from golem_nb.values.check import check_value
from golem_nb.values.types import (
    BYTES,
    INTEGER_RANGES,
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

MOST_LEVELS = 100
_BLANK = re.compile(r"\s*")
_LABEL = re.compile(r"%?([A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*)")
_NUMBER = re.compile(r"-?(?:inf|nan|[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)")
_ESCAPE = re.compile(r"\\(?:u\{([0-9A-Fa-f]{1,6})\}|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"'}


def value_from_text(type: WitType, text: str, path: str = "value") -> Any:
    """Return the value that `text` spells.

    Raises:
        ValueMismatch: It spells none of this type.
    """
    reader = _Reader(text, path)
    value = reader.value(type, 0)
    reader.end()
    check_value(type, value, path)
    return value


def values_from_text(types: Sequence[WitType], text: str, path: str = "arguments") -> list[Any]:
    """Return the values that `text` spells, in order and with commas between them.

    Raises:
        ValueMismatch: There are more or fewer, or one is not of its type.
    """
    reader = _Reader(f"({text})", path)
    values = list(reader.value(TupleType(tuple(types)), 0))
    reader.end()
    check_value(TupleType(tuple(types)), values, path)
    return values


class _Reader:
    """Reads one value from left to right, one method for each form."""

    def __init__(self, text: str, path: str) -> None:
        self._text, self._path, self._at = text, path, 0

    def end(self) -> None:
        if self._peek():
            self._fail("the end")

    def value(self, type: WitType, level: int) -> Any:
        if level > MOST_LEVELS:
            self._fail(f"a value less than {MOST_LEVELS} levels deep")
        match type:
            case PrimitiveType():
                return self._primitive(type)
            case ListType(element):
                items = self._all("[", "]", lambda: self.value(element, level + 1))
                return self._bytes(items) if type == BYTES else items
            case TupleType(items):
                return self._tuple(items, level)
            case RecordType():
                return self._record(type, level)
            case FlagsType():
                return frozenset(self._all("{", "}", self._label))
            case EnumType():
                return self._label()
            case VariantType(cases):
                return self._case({case.name: case.type for case in cases}, level)
            case OptionType(payload):
                return self._option(payload, level)
            case ResultType(ok, err):
                return self._result(ok, err, level)
            case HandleType():
                self._fail("no handle, which has no literal")
        raise TypeError(type)

    def _primitive(self, type: PrimitiveType) -> Any:
        match type.name:
            case "bool":
                word = self._label()
                return word == "true" if word in ("true", "false") else self._fail("true or false")
            case "string":
                return self._quoted('"')
            case "char":
                return self._quoted("'")
            case _:
                return self._number(is_whole=type.name in INTEGER_RANGES)

    def _number(self, *, is_whole: bool) -> int | float:
        found = self._match(_NUMBER, "a number")[0]
        try:
            return int(found) if is_whole else float(found)
        except ValueError:
            self._fail(f"a whole number instead of {found}")

    def _bytes(self, items: list[Any]) -> bytes:
        try:
            return bytes(items)
        except ValueError:
            self._fail("numbers from 0 to 255")

    def _quoted(self, quote: str) -> str:
        self._expect(quote)
        closing = re.compile(rf"(?:[^\\{quote}]|\\.)*", re.DOTALL).match(self._text, self._at)
        assert closing is not None, "it matches nothing, too"
        self._at = closing.end()
        self._expect(quote)
        return _ESCAPE.sub(self._unescaped, closing[0])

    def _unescaped(self, found: re.Match[str]) -> str:
        if found[1] is not None:
            return chr(int(found[1], 16)) if int(found[1], 16) <= 0x10FFFF else self._fail("a Unicode scalar value")
        return _ESCAPED.get(found[2]) or self._fail(f"an escape that WAVE has, instead of \\{found[2]}")

    def _tuple(self, types: Sequence[WitType], level: int) -> tuple[Any, ...]:
        left = iter(types)
        items = self._all("(", ")", lambda: self.value(next(left, None) or self._fail("no more values"), level + 1))
        if len(items) != len(types):
            self._fail(f"{len(types)} values instead of {len(items)}")
        return tuple(items)

    def _record(self, type: RecordType, level: int) -> dict[str, Any]:
        types = {field.name: field.type for field in type.fields}

        def field() -> tuple[str, Any]:
            name = self._label()
            if name not in types:
                self._fail(f"a field out of {', '.join(types)} instead of {name}")
            self._expect(":")
            return name, self.value(types[name], level + 1)

        if self._text.startswith("{:}", self._skip()):
            self._at += 3
            given = {}
        else:
            given = dict(self._all("{", "}", field))
        return {**{name: None for name, t in types.items() if isinstance(t, OptionType)}, **given}

    def _case(self, cases: Mapping[str, WitType | None], level: int) -> tuple[str, Any]:
        name = self._label()
        if name not in cases:
            self._fail(f"one of {', '.join(cases)} instead of {name}")
        return name, self._payload(cases[name], level)

    def _payload(self, type: WitType | None, level: int) -> Any:
        if type is None:
            return None
        self._expect("(")
        value = self.value(type, level + 1)
        self._expect(")")
        return value

    def _option(self, payload: WitType, level: int) -> Any:
        word = self._word_ahead()
        if word == "none":
            self._label()
            return None
        if word == "some":
            self._label()
            value = self._payload(payload, level)
        else:
            value = self.value(payload, level + 1)
        return Some(value) if isinstance(payload, OptionType) else value

    def _result(self, ok: WitType | None, err: WitType | None, level: int) -> tuple[str, Any]:
        if self._word_ahead() in ("ok", "err"):
            side = self._label()
            return side, self._payload(ok if side == "ok" else err, level)
        if ok is None:
            self._fail("ok or err")
        return "ok", self.value(ok, level + 1)

    # Characters.

    def _all(self, opening: str, closing: str, item: Callable[[], Any]) -> list[Any]:
        """Read items between brackets; a comma may follow the last one."""
        self._expect(opening)
        items = []
        while self._peek() != closing:
            items.append(item())
            if self._peek() != ",":
                break
            self._expect(",")
        self._expect(closing)
        return items

    def _label(self) -> str:
        return self._match(_LABEL, "a word")[1]

    def _word_ahead(self) -> str | None:
        """Return the word that comes next, if it is one of WAVE's own (with a `%` it is a name)."""
        found = _LABEL.match(self._text, self._skip())
        return found[1] if found and not found[0].startswith("%") else None

    def _match(self, pattern: re.Pattern[str], wanted: str) -> re.Match[str]:
        found = pattern.match(self._text, self._skip())
        if found is None:
            self._fail(wanted)
        self._at = found.end()
        return found

    def _skip(self) -> int:
        blank = _BLANK.match(self._text, self._at)
        assert blank is not None, "it matches nothing, too"
        self._at = blank.end()
        return self._at

    def _peek(self) -> str:
        return self._text[self._skip() : self._at + 1]

    def _expect(self, character: str) -> None:
        # Inside a quote blanks count.
        if self._text[self._at : self._at + 1] != character and self._peek() != character:
            self._fail(f"'{character}'")
        self._at += 1

    def _fail(self, wanted: str) -> NoReturn:
        raise ValueMismatch(
            self._path, f"{wanted} at character {self._at + 1}", self._text[self._at :][:20] or "the end"
        )
