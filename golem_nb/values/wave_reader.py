"""WAVE text -> values of a type: what `wave` writes, and the shorter forms that WAVE allows.

bool, numbers    true, -3, 1.5, nan, inf, -inf; numbers as in JSON
char, string     'x', "x", with \\n \\t \\r \\\\ \\' \\" \\u{…}; over lines \"\"\"…\"\"\", as far in as the last line
list, tuple      [1, 2], (1, "a")
record           {a: 1, b: 2}; absent options are none; {:} where there is nothing to say
variant, enum    case, case(payload); %ok where the case is a word of WAVE's own
flags            {a, b}
option           none, some(x), or x where that is no option or result itself
result           ok(x), err(x), ok, err, or x likewise

Blanks and comments (// to the end of the line) may stand between all of these.
Source: WAVE's grammar (bytecodealliance/wasm-tools, crates/wasm-wave, README and EBNF). More than there: a word behind
a hyphen may begin with a digit, as WIT allows by now.
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
    Parameter,
    PrimitiveType,
    RecordType,
    ResultType,
    Some,
    TupleType,
    VariantType,
    WitType,
)

MOST_LEVELS = 100
_BLANK = re.compile(r"(?:[ \t\r\n]|//[^\n]*)*")
_LABEL = re.compile(r"%?((?:[a-z][a-z0-9]*|[A-Z][A-Z0-9]*)(?:-(?:[a-z0-9]+|[A-Z0-9]+))*)(?![A-Za-z0-9])")
_NUMBER = re.compile(r"(?:nan|-?(?:inf|(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?))(?![A-Za-z0-9])")
_LINES = re.compile(r'"""\r?\n(.*?)"""', re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u\{([0-9A-Fa-f]{1,6})\}|(.))", re.DOTALL)
_NO_FIELDS = re.compile(rf"\{{{_BLANK.pattern}:{_BLANK.pattern}\}}")
_WORDS = frozenset({"true", "false", "some", "none", "ok", "err", "inf", "nan"})
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


def arguments_from_text(parameters: Sequence[Parameter], text: str) -> dict[str, Any]:
    """Return the values of parameters that `text` spells, in order and with commas between them, by name.

    What may be left out may be left out at the end: options are none, and what has a default is not among the values.

    Raises:
        ValueMismatch: There are more or fewer, or one is not of its type; the error has the parameter's name.
    """
    reader = _Reader(text, "arguments")
    values = reader.arguments(parameters)
    for parameter in parameters:
        if parameter.name not in values and isinstance(parameter.type, OptionType) and parameter.default is None:
            values[parameter.name] = None
    missing = [p.name for p in parameters if p.name not in values and p.default is None]
    if missing:
        raise ValueMismatch("arguments", f"also {', '.join(missing)}", "the end")
    for parameter in parameters:
        if parameter.name in values:
            check_value(parameter.type, values[parameter.name], parameter.name)
    return values


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

    def arguments(self, parameters: Sequence[Parameter]) -> dict[str, Any]:
        """arguments = [value {"," value} [","]]"""
        values: dict[str, Any] = {}
        path = self._path
        for parameter in parameters:
            if not self._peek():
                return values
            self._path = parameter.name
            values[parameter.name] = self.value(parameter.type, 0)
            self._path = path
            if self._peek() != ",":
                break
            self._expect(",")
        if self._peek():
            names = ", ".join(parameter.name for parameter in parameters)
            self._fail(f"no more than the arguments {names}" if names else "no arguments")
        return values

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
            case FlagsType(names):
                return self._flags(names)
            case EnumType(names):
                return self._case({name: None for name in names}, level)[0]
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
                if self._word_ahead() not in ("true", "false"):
                    self._fail("true or false")
                return self._label() == "true"
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
        if self._peek() == '"' and self._text.startswith('"""', self._at):
            return self._lines()
        self._expect(quote)
        closing = re.compile(rf"(?:[^\\\n{quote}]|\\[^\n])*").match(self._text, self._at)
        assert closing is not None, "it matches nothing, too"
        self._at = closing.end()
        if self._text[self._at : self._at + 1] != quote:
            self._fail(f"the closing {quote} on the same line")
        self._at += 1
        return _ESCAPE.sub(self._unescaped, closing[0])

    def _lines(self) -> str:
        """Read a string over lines. The blanks before the closing quotes are taken off each line."""
        found = _LINES.match(self._text, self._at)
        if found is None:
            self._fail('a string that begins on the line behind """ and is closed by """')
        *lines, margin = re.split(r"\r?\n", found[1])
        if not lines or margin.strip(" "):
            self._fail('closing """ on a line of their own')
        for line in lines:
            if not line.startswith(margin):
                self._fail(f"each line of the string to begin with {len(margin)} blanks")
        self._at = found.end()
        return _ESCAPE.sub(self._unescaped, "\n".join(line[len(margin) :] for line in lines))

    def _flags(self, names: Sequence[str]) -> frozenset[str]:
        found = self._all("{", "}", lambda: self._one_of(names, "a flag out of"))
        if len(set(found)) < len(found):
            self._fail("each flag once")
        return frozenset(found)

    def _one_of(self, names: Sequence[str], wanted: str) -> str:
        name = self._label()
        return name if name in names else self._fail(f"{wanted} {', '.join(names)} instead of {name}")

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
            name = self._one_of(tuple(types), "a field out of")
            self._expect(":")
            return name, self.value(types[name], level + 1)

        if empty := _NO_FIELDS.match(self._text, self._skip()):
            self._at = empty.end()
            fields: list[tuple[str, Any]] = []
        else:
            fields = self._all("{", "}", field)
        given = dict(fields)
        if len(given) < len(fields):
            self._fail("each field once")
        if not fields and not empty and all(isinstance(t, OptionType) for t in types.values()):
            self._fail("{:} instead of {}, which are no flags")
        return {**{name: None for name, t in types.items() if isinstance(t, OptionType)}, **given}

    def _case(self, cases: Mapping[str, WitType | None], level: int) -> tuple[str, Any]:
        if (word := self._word_ahead()) in _WORDS and word in cases:
            self._fail(f"%{word}, since {word} alone is a word of WAVE's own,")
        name = self._one_of(tuple(cases), "one of")
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
            value = self._flat(payload, level, "some(…) or none")
        return Some(value) if isinstance(payload, OptionType) else value

    def _result(self, ok: WitType | None, err: WitType | None, level: int) -> tuple[str, Any]:
        if self._word_ahead() in ("ok", "err"):
            side = self._label()
            return side, self._payload(ok if side == "ok" else err, level)
        return "ok", self._flat(ok, level, "ok or err")

    def _flat(self, payload: WitType | None, level: int, else_wanted: str) -> Any:
        """Read the payload of an option or result without the word around it."""
        if payload is None or isinstance(payload, OptionType | ResultType):
            self._fail(else_wanted)
        return self.value(payload, level + 1)

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
        if self._peek() != character:
            self._fail(f"'{character}'")
        self._at += 1

    def _fail(self, wanted: str) -> NoReturn:
        raise ValueMismatch(
            self._path, f"{wanted} at character {self._at + 1}", self._text[self._at :][:20] or "the end"
        )
