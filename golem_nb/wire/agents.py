"""Workers of Golem 1.5 are agents: their names spell a type and its parameters, and methods are invoked by JSON.

    name = type "(" [ value { "," value } ] ")" [ "[" phantom "]" ]

The values are WAVE. We have no types to read them by, so each is read as what its form says: a bare word is a case
without a payload, `some(x)` is x, and braces hold a record where there are colons, else flags.
Source: CONTRACT, part 2, dialects.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NoReturn
from uuid import UUID

from golem_nb.errors import BadInput
from golem_nb.model import IdempotencyKey, parse_uuid
from golem_nb.values.json import typed_from_json
from golem_nb.values.types import TypedValue
from golem_nb.wire.codec import Json
from golem_nb.wire.reading import read_list, reading

_NAME = re.compile(r"(?P<type>[^()\[\]]+)\((?P<parameters>.*)\)(?:\[(?P<phantom>[^\[\]]*)\])?", re.DOTALL)
MOST_LEVELS = 100
_BLANK = re.compile(r"\s*")
_WORD = re.compile(r"(%?)([A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*)")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"' + r"|'((?:[^'\\]|\\.)+)'", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u\{([0-9A-Fa-f]{1,6})\}|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}
_CONSTANTS = {"true": True, "false": False, "none": None}
_TUPLE, _ELEMENT = "Tuple", "ComponentModel"


@dataclass(frozen=True, slots=True)
class AgentName:
    """What the name of an agent spells; `parameters` are JSON."""

    type: str
    parameters: tuple[Any, ...]
    phantom: UUID | None = None


def agent_from_name(name: str) -> AgentName:
    """Read the name of an agent.

    Raises:
        BadInput: It is none.
    """
    found = _NAME.fullmatch(name)
    if found is None:
        raise BadInput(f'workers of Golem 1.5 are agents, named like counter(1,"a"); found {name[:80]!r}')
    phantom = found["phantom"]
    parameters = _Reader(found["parameters"]).parameters()
    return AgentName(found["type"].strip(), parameters, parse_uuid(phantom, "a phantom agent") if phantom else None)


def json_from_invocation(
    agent: AgentName, app: str, environment: str, method: str, params: Iterable[Any], key: IdempotencyKey, mode: str
) -> Json:
    """Return the body of `invoke-agent`; `mode` is await or schedule."""
    return {
        "appName": app,
        "envName": environment,
        "agentTypeName": agent.type,
        "parameters": json_from_values(agent.parameters),
        **({} if agent.phantom is None else {"phantomId": str(agent.phantom)}),
        "methodName": method,
        "methodParameters": json_from_values(params),
        "mode": mode,
        "idempotencyKey": key,
    }


def json_from_values(values: Iterable[Any]) -> Json:
    """Return bare JSON values as an UntypedJsonDataValue."""
    return {"type": _TUPLE, "elements": [{"type": _ELEMENT, "value": value} for value in values]}


def agent_result_from_json(json: Any) -> TypedValue | None:
    """Read the answer of `invoke-agent`; nothing, and a tuple of nothing, are no result.

    Texts in languages, pictures and other things that are no WIT values are given as the JSON that they come in:
    the method has run, and its result must not be lost.

    Raises:
        BadInput: It is of another shape.
    """
    with reading("an AgentInvocationResult"):
        result = json.get("result")
        if result is None:
            return None
        if "elements" not in result:
            return TypedValue(None, result["value"] if "value" in result else result)
        values = [element.get("value", element) for element in read_list(result["elements"])]
        return typed_from_json(values[0]) if len(values) == 1 else TypedValue(None, values) if values else None


class _Reader:
    """Reads values from left to right. `_at` is behind what was read."""

    def __init__(self, text: str) -> None:
        self._text, self._at, self._level = text, 0, 0

    def parameters(self) -> tuple[Any, ...]:
        values = [] if not self._text.strip() else self._items(self._value, "")
        return tuple(values)

    def _value(self) -> Any:
        match self._next():
            case "[":
                return self._within("]", self._value)
            case "(":
                return self._within(")", self._value)
            case "{":
                return self._braces()
            case '"' | "'":
                return self._quoted()
        if (number := self._matched(_NUMBER)) is not None:
            return float(number[0]) if number[1] or number[2] else int(number[0])
        if (word := self._matched(_WORD)) is not None:
            return self._case(word[2], is_constant=not word[1])
        self._fail("a value")

    def _case(self, word: str, *, is_constant: bool) -> Any:
        if self._next() != "(":
            return _CONSTANTS.get(word, word) if is_constant else word
        payload = self._within(")", self._value)
        if len(payload) != 1:
            self._fail(f"one payload of {word}")
        return payload[0] if word == "some" else {word: payload[0]}

    def _braces(self) -> Any:
        start = self._at
        fields = self._within("}", self._field)
        if fields and all(value is None for _, value in fields):
            return [name for name, _ in fields]
        if any(value is None for _, value in fields):
            self._at = start
            self._fail("either fields with values, or flags")
        return {name: value for name, (value,) in fields if name}

    def _field(self) -> tuple[str, tuple[Any] | None]:
        word = self._matched(_WORD)
        if self._next() != ":":
            return (word[2], None) if word else self._fail("a name")
        self._take(":")
        if word is None:  # `{:}`, a record without fields
            return "", (None,)
        return word[2], (self._value(),)

    def _within(self, closing: str, item: Callable[[], Any]) -> list[Any]:
        self._at += 1
        self._level += 1
        if self._level > MOST_LEVELS:
            self._fail(f"at most {MOST_LEVELS} levels")
        items = [] if self._next() == closing else self._items(item, closing)
        self._take(closing)
        self._level -= 1
        return items

    def _items(self, item: Callable[[], Any], closing: str) -> list[Any]:
        """Read up to `closing`, or to the end where that is empty; a comma may stand before it."""
        items = [item()]
        while self._next() == ",":
            self._take(",")
            if self._next() == closing:
                break
            items.append(item())
        if self._next() != closing:
            self._fail(f"{closing!r} or ','" if closing else "',' or the end")
        return items

    def _quoted(self) -> Any:
        found = self._matched(_QUOTED)
        if found is None:
            self._fail("the end of a quoted text")
        try:
            text = _ESCAPE.sub(_unescaped, found[1] if found[1] is not None else found[2])
            text.encode()
        except ValueError:  # beyond the last character there is, or half of one
            self._fail("characters")
        if found[1] is not None:
            return text
        return ord(text) if len(text) == 1 else self._fail("one character between single quotes")

    def _matched(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        self._next()
        found = pattern.match(self._text, self._at)
        if found is not None:
            self._at = found.end()
        return found

    def _next(self) -> str:
        """Skip blanks; return the character there, or "" at the end."""
        blank = _BLANK.match(self._text, self._at)
        self._at = blank.end() if blank else self._at
        return self._text[self._at : self._at + 1]

    def _take(self, character: str) -> None:
        if self._next() != character:
            self._fail(repr(character))
        self._at += 1

    def _fail(self, wanted: str) -> NoReturn:
        rest = self._text[self._at : self._at + 20]
        raise BadInput(f"the parameters of an agent, at {self._at}: expected {wanted}, found {rest!r}")


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else _ESCAPED.get(found[2], found[2])
