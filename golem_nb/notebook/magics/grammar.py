"""How the line of a magic is read.

    line    = [ name "<<" ] { option } { word } { option } [ ";" ] [ "#" comment ]
    word    = characters without blanks; inside brackets and quotes blanks are part of it
    option  = "--" name [ ( "=" | blank ) word ]  |  "-" letter [ blank word ]
    target  = component [ "/" worker ]            split at the first "/" outside brackets and quotes; a word that is
                                                wholly in quotes is what they hold
    call    = name "(" [ arguments ] ")"          name = everything before the first "(" outside braces

Free text never goes through argparse: it would see options in `add(-5)` and quotes in JSON. Options stand before the
target or behind the call, never inside it. The arguments of a call are Python.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from golem_nb.errors import UsageError

_CLOSING = {"(": ")", "[": "]", "{": "}"}
_QUOTES = "\"'"


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a magic. Without `value` it is a switch; with `many` it may be given again and collects a list.

    `choices` are the values that it may have; none named = any. With `default` the value is a number that may be left
    out: the word behind it is taken only where it is a number.
    """

    name: str
    help: str
    value: str | None = None
    short: str | None = None
    many: bool = False
    choices: tuple[str, ...] = ()
    default: str | None = None

    @property
    def usage(self) -> str:
        names = f"-{self.short}/--{self.name}" if self.short else f"--{self.name}"
        value = f"[{self.value}]" if self.default is not None else self.value
        return f"{names} {value}" if value else names


@dataclass(frozen=True, slots=True)
class Line:
    """A line, read. `options` has values by long name: a text, True, or a list of texts.

    `written` has the words before variables were put in: what is Python is evaluated from there.
    """

    words: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    is_quiet: bool = False
    written: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """What a magic is about; either part may be missing."""

    component: str | None = None
    worker: str | None = None

    def __str__(self) -> str:
        return "/".join(part for part in (self.component, self.worker) if part is not None)


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its arguments, as written."""

    name: str
    arguments: str

    def __str__(self) -> str:
        return f"{self.name}({self.arguments})"


def read_line(text: str, options: Sequence[Option]) -> Line:
    """Read a line by the options that its magic has.

    Raises:
        UsageError: An option is unknown, repeated or without its value; a bracket or quote is not closed.
    """
    words = split_words(text)
    bound = words.pop(0) if words[1:2] == ["<<"] else None
    is_quiet = bool(words) and words[-1].endswith(";")
    if is_quiet:
        words[-1:] = [words[-1].rstrip(";")] if words[-1].rstrip(";") else []
    plain: list[str] = []
    found: dict[str, Any] = {}
    if bound is not None:
        del words[0]
        _add(found, _option_of("--out", options)[0], bound)
    rest = deque(words)
    while rest:
        word = rest.popleft()
        if not is_option(word):
            plain.append(word)
            continue
        name, given = _option_of(word, options)
        _add(found, name, _value(name, given, rest))
    return Line(tuple(plain), found, is_quiet, tuple(plain))


def check_choices(line: Line, options: Sequence[Option]) -> None:
    """See that options have values that they may have.

    Raises:
        UsageError: One has not; the text has a near value, or all.
    """
    for option in options:
        value = line.options.get(option.name)
        if option.choices and value is not None and value not in option.choices:
            raise UsageError(f"--{option.name} {value} is not known; {near_or_all(value, option.choices)}")


def near_or_all(word: str, known: Sequence[str]) -> str:
    """Return the hint behind a word that is not known."""
    near = get_close_matches(word, known, 1)
    return f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"


def is_option(word: str) -> bool:
    """Is the word an option? `-5` and a lone `-` are not."""
    return re.match(r"--?[A-Za-z]", word) is not None


def split_words(text: str) -> list[str]:
    """Split at blanks outside brackets and quotes; `name (` counts as `name(`. A word `#…` begins a comment.

    Raises:
        UsageError: A bracket or quote is not closed, or closed without being open.
    """
    words: list[str] = []
    begin: int | None = None
    for position, char, depth in scan(text):
        if char == "#" and depth == 0 and begin is None:
            return _joined(words)  # the rest is a comment, whatever quotes it has
        if char.isspace() and depth == 0:
            if begin is not None:
                words.append(text[begin:position])
            begin = None
        elif begin is None:
            begin = position
    if begin is not None:
        words.append(text[begin:].rstrip())
    return _joined(words)


def _joined(words: list[str]) -> list[str]:
    joined: list[str] = []
    for word in words:
        if word.startswith("(") and joined and not is_option(joined[-1]):
            joined[-1] += word
        else:
            joined.append(word)
    return joined


def scan(text: str) -> Iterator[tuple[int, str, int]]:
    """Yield (position, character, depth); the depth counts the brackets and the quote that are open there.

    Opening characters have the depth outside, closing ones too. A quote inside a word (`don't`) opens none, nor does
    one in a comment that ends while a bracket is open.
    """
    open_brackets: list[tuple[str, int]] = []
    quote, quoted_at, previous = "", 0, " "
    escaped = is_comment = False
    for position, char in enumerate(text):
        is_comment = char != "\n" and (
            is_comment or (char == "#" and not quote and bool(open_brackets) and "\n" in text[position:])
        )
        if is_comment:
            yield position, char, len(open_brackets)
        elif quote:
            depth = len(open_brackets) + 1
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == quote:
                quote, depth = "", len(open_brackets)
            yield position, char, depth
        else:
            if char in ")]}":
                _close(open_brackets, char, position, text)
            yield position, char, len(open_brackets)
            if char in _CLOSING:
                open_brackets.append((char, position))
            elif char in _QUOTES and not (previous.isalnum() and not open_brackets and char == "'"):
                quote, quoted_at = char, position
        previous = char
    if quote:
        raise UsageError(f"the quote {quote} at column {quoted_at + 1} is not closed in: {text}")
    if open_brackets:
        bracket, opened_at = open_brackets[-1]
        raise UsageError(f"the bracket {bracket} at column {opened_at + 1} is not closed in: {text}")


def _close(open_brackets: list[tuple[str, int]], char: str, position: int, text: str) -> None:
    if not open_brackets or _CLOSING[open_brackets[-1][0]] != char:
        raise UsageError(f"the bracket {char} at column {position + 1} closes nothing in: {text}")
    open_brackets.pop()


def read_target(word: str) -> Target:
    """Read `component/worker`; a word without "/" is a component.

    Raises:
        UsageError: One of the two is empty.
    """
    slash = next((position for position, char, depth in scan(word) if char == "/" and depth == 0), None)
    if slash is None:
        return Target(component=unquoted(word))
    component, worker = unquoted(word[:slash]), unquoted(word[slash + 1 :])
    if not component or not worker:
        raise UsageError(f"{word!r} names no worker; a target looks like component/worker")
    return Target(component, worker)


def read_call(word: str) -> Call:
    """Read `name(arguments)`; the name may have brackets itself, `counter(10).add(5)`.

    Raises:
        UsageError: It is none.
    """
    opening = max((position for position, char, depth in scan(word) if char == "(" and depth == 0), default=None)
    if not word.endswith(")") or not opening:
        raise UsageError(f"{word!r} is not a call; it looks like add(5)")
    return Call(word[:opening], word[opening + 1 : -1])


def unquoted(text: str) -> str:
    """Return what the quotes hold that are around the whole text: none are around `"a/b"/"c"`."""
    if len(text) < 2 or text[0] not in _QUOTES or text[0] != text[-1]:
        return text
    return text[1:-1] if all(depth for position, _, depth in scan(text) if 0 < position < len(text) - 1) else text


def _option_of(word: str, options: Sequence[Option]) -> tuple[Option, str | None]:
    """Find the option that a word names, and the value behind its "="."""
    name, equals, value = word.lstrip("-").partition("=")
    for option in options:
        if name == (option.name if word.startswith("--") else option.short):
            return option, value if equals else None
    near = get_close_matches(name, [option.name for option in options], 1)
    known = f"; did you mean --{near[0]}?" if near else f"; there are {', '.join(o.usage for o in options) or 'none'}"
    raise UsageError(f"unknown option {word.partition('=')[0]}{known}")


_NUMBER = re.compile(r"[0-9]*\.?[0-9]+")


def _value(option: Option, given: str | None, rest: deque[str]) -> Any:
    if option.value is None:
        if given is not None:
            raise UsageError(f"--{option.name} takes no value")
        return True
    if given is not None:
        return unquoted(given)
    if option.default is not None and not (rest and _NUMBER.fullmatch(rest[0])):
        return option.default
    if not rest or is_option(rest[0]):
        raise UsageError(f"--{option.name} needs a value: {option.usage}")
    return unquoted(rest.popleft())


def _add(found: dict[str, Any], option: Option, value: Any) -> None:
    if option.many:
        found.setdefault(option.name, []).append(value)
        return
    if option.name in found:
        raise UsageError(f"--{option.name} is given twice")
    found[option.name] = value
