"""One magic as data: its name, its options, its help, and the function that does it. The registry builds on these."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from golem_nb.errors import UsageError
from golem_nb.notebook.magics.grammar import Line, Option, check_choices, read_line, unquoted
from golem_nb.notebook.session import Session
from golem_nb.notebook.surroundings import Surroundings

COMMON = (
    Option("out", "bind the result to VAR", "VAR", short="o"),
    Option("quiet", "show nothing but errors; a `;` at the end of the line does the same", short="q"),
    Option("timeout", "wait so many seconds at most for an answer", "S", short="t"),
    Option("json", "return the JSON that the server answered, as it was sent"),
    Option("env-id", "use this environment of the server, this once", "UUID"),
    Option("help", "show this help"),
)


@dataclass(frozen=True, slots=True)
class Request:
    """One use of a magic. `body` is None on a line; `names` are the user's variables, local ones first."""

    session: Session
    surroundings: Surroundings
    line: Line
    names: MutableMapping[str, Any]
    body: str | None = None

    @property
    def words(self) -> tuple[str, ...]:
        return self.line.words

    def option(self, name: str) -> Any:
        """Return the value of an option, or None."""
        return self.line.options.get(name)

    def number(self, name: str, default: float) -> float:
        """Return the value of an option that is a number.

        Raises:
            UsageError: It is none.
        """
        text = self.option(name)
        try:
            return default if text is None else float(text)
        except ValueError:
            raise UsageError(f"--{name} must be a number, found {text!r}") from None

    def seconds(self, name: str, default: float) -> float:
        """Return the value of an option that is a time, more than 0.

        Raises:
            UsageError: It is none.
        """
        text = self.option(name)
        return default if text is None else seconds(text, f"--{name}")

    def exclude(self, *names: str) -> None:
        """See that at most one of these options is given.

        Raises:
            UsageError: There are two.
        """
        given = [name for name in names if self.option(name)]
        if len(given) > 1:
            raise UsageError(f"--{given[0]} and --{given[1]} do not go together: give one of them")

    def whole_number(self, name: str) -> int | None:
        """Return the value of an option that is a whole number; None where it is not given.

        Raises:
            UsageError: It is none.
        """
        text = self.option(name)
        return None if text is None else whole_number(text, f"--{name}")

    def pairs(self, name: str, shown: str) -> dict[str, str]:
        """Return the pairs of an option that is repeated; `shown` is how the option was written.

        Raises:
            UsageError: One has no name, or no equals sign.
        """
        pairs = {}
        for pair in self.option(name) or ():
            key, equals, value = pair.partition("=")
            if not key or not equals:
                raise UsageError(f"{shown} {pair}: write NAME=VALUE")
            pairs[key] = value
        return pairs

    def only_words(self, most: int, usage: str) -> tuple[str, ...]:
        """Return the words.

        Raises:
            UsageError: There are more than `most`.
        """
        if len(self.words) > most:
            raise UsageError(f"what is {self.words[most]!r}? Write: {usage}")
        return self.words


@dataclass(frozen=True, slots=True)
class Verb:
    """A magic. `run` returns what is to be shown and bound. `takes_call`: words behind the first are Python."""

    name: str
    summary: str
    forms: tuple[str, ...]
    examples: tuple[str, ...]
    run: Callable[[Request], Any]
    options: tuple[Option, ...] = ()
    is_line: bool = True
    is_cell: bool = False
    takes_call: bool = False
    rules: str = ""
    all_options: tuple[Option, ...] = field(init=False)

    def __post_init__(self) -> None:
        own = {option.name for option in self.options}
        object.__setattr__(self, "all_options", (*self.options, *(o for o in COMMON if o.name not in own)))

    def has_own(self, option: str) -> bool:
        return any(own.name == option for own in self.options)

    def _is_call(self, place: int, words: Sequence[str]) -> bool:
        """Is a word Python? The first of several is a target, whatever brackets it has: `Counter("c 1") add(5)`."""
        return self.takes_call and (place > 0 or (len(words) == 1 and words[0].endswith(")")))

    def help(self) -> str:
        """Return what `%golem_x?` and `--help` show."""
        width = max(len(option.usage) for option in self.all_options)
        parts = [
            self.summary,
            "",
            *(f"    {form}" for form in self.forms),
            "",
            *(f"    {option.usage:<{width}}  {option.help}" for option in self.all_options),
            *(["", self.rules] if self.rules else []),
            "",
            "Examples:",
            *(f"    {example}" for example in self.examples),
        ]
        return "\n".join(parts)

    def read(self, text: str, names: Mapping[str, Any]) -> Line:
        """Read a line and put in the variables that its target and options name."""
        line = read_line(text, self.all_options)
        words = tuple(
            word if self._is_call(place, line.words) else expand(unquoted(word), names)
            for place, word in enumerate(line.words)
        )
        options = {name: _expanded(value, names) for name, value in line.options.items()}
        read = Line(words, options, line.is_quiet or "quiet" in options, line.written)
        check_choices(read, self.all_options)
        return read


def whole_number(text: str, what: str) -> int:
    """Return the number, 0 or more, that a word spells.

    Raises:
        UsageError: It spells none.
    """
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise UsageError(f"{what} must be a whole number, found {text!r}")
    return int(text)


def seconds(text: str, what: str) -> float:
    """Return the time, more than 0, that a word spells.

    Raises:
        UsageError: It spells none.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < 1e9:
        raise UsageError(f"{what} must be a number of seconds, found {text!r}")
    return value


_VARIABLE = re.compile(r"\{([A-Za-z_]\w*)\}|\$([A-Za-z_]\w*)")


def expand(word: str, names: Mapping[str, Any]) -> str:
    """Put the values of `{name}` and `$name` into a word, as IPython does on the line of a magic.

    IPython's own expansion is all or nothing and fails silently; here a name that is not there is named.

    Raises:
        UsageError: The user has no such variable.
    """

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name not in names:
            raise UsageError(f"{match[0]} in {word!r}: there is no variable {name}")
        if isinstance(names[name], bytes | bytearray | memoryview):
            if match[0] != word:
                raise UsageError(f"{match[0]} in {word!r} are bytes, which are no part of a word")
            return word  # the magic takes them by their name: see `bytes_of`
        return str(names[name])

    return _VARIABLE.sub(value, word)


def bytes_of(word: str, names: Mapping[str, Any]) -> bytes | None:
    """Return what a word names that is a variable with bytes; None where it is another word."""
    match = _VARIABLE.fullmatch(word)
    value = None if match is None else names.get(match[1] or match[2])
    return bytes(value) if isinstance(value, bytes | bytearray | memoryview) else None


def _expanded(value: Any, names: Mapping[str, Any]) -> Any:
    match value:
        case str():
            return expand(value, names)
        case list():
            return [expand(item, names) for item in value]
    return value


def one_target(request: Request, usage: str) -> str | None:
    """Return the one word that a magic takes, or None."""
    words: Sequence[str] = request.only_words(1, usage)
    return words[0] if words else None
