"""Golem's language for searching oplogs: parsed, written back, and asked of an entry. Source: SEMANTICS 4.5.

    query    = { or }                              side by side = AND, which binds loosest; nothing matches everything
    or       = and { "OR" and }
    and      = not { "AND" not }
    not      = [ "NOT" ] primary
    primary  = "(" query ")" | field (":" | "=") primary | term | '"' phrase '"' | "/" regex "/"
    field    = name { "." name }                   path into the values of an entry
    term     = characters without blanks and + - ! ( ) : ^ < > = [ ] " { } ~ \\ / but + and - may stand inside

`\\` takes the next character as it is: any in a term and in a name (there also "."), `"` and `\\` in a phrase, `/` in a
regex. A term is found anywhere in a text, in upper or lower case; a phrase as it is written; a regex as `pattern` says,
in the first 10 000 characters of each text.

Unlike Golem 1.3, which forgets the path inside a record, a field is only found where its whole path leads (names of
fields and cases, `ok` and `err`, numbers of tuples; a list adds nothing). Upper and lower case are the same in paths.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from golem_nb.errors import BadInput
from golem_nb.model import PublicEntry
from golem_nb.oplog.pattern import Pattern

MOST_CHARACTERS = 10_000
MOST_LEVELS = 50

Path = tuple[str, ...]
Leaf = tuple[Path, str]
"""The path to a text of an entry, in lower case, and the text."""


class Query(ABC):
    """A parsed query; `str` writes it so that it is parsed back to the same."""

    def matches(self, entry: PublicEntry) -> bool:
        return self.holds(tuple(leaves(entry)), ())

    @abstractmethod
    def holds(self, found: Sequence[Leaf], path: Path) -> bool:
        """Does it hold for the texts of an entry, inside the field that `path` leads to? () = anywhere."""

    def primary(self) -> str:
        """Return its text where only a primary may stand."""
        return f"({self})"


@dataclass(frozen=True, slots=True)
class Or(Query):
    queries: tuple[Query, ...]

    def holds(self, found: Sequence[Leaf], path: Path) -> bool:
        return any(query.holds(found, path) for query in self.queries)

    def __str__(self) -> str:
        return " OR ".join(query.primary() for query in self.queries)


@dataclass(frozen=True, slots=True)
class And(Query):
    """All of them; none of them is the empty query, which matches everything."""

    queries: tuple[Query, ...]

    def holds(self, found: Sequence[Leaf], path: Path) -> bool:
        return all(query.holds(found, path) for query in self.queries)

    def __str__(self) -> str:
        return " AND ".join(str(query) if isinstance(query, Not) else query.primary() for query in self.queries)


@dataclass(frozen=True, slots=True)
class Not(Query):
    query: Query

    def holds(self, found: Sequence[Leaf], path: Path) -> bool:
        return not self.query.holds(found, path)

    def __str__(self) -> str:
        return f"NOT {self.query.primary()}"


@dataclass(frozen=True, slots=True)
class Field(Query):
    """`query`, asked inside a field; one inside another adds to its path."""

    path: Path
    query: Query

    def holds(self, found: Sequence[Leaf], path: Path) -> bool:
        return self.query.holds(found, path + tuple(name.lower() for name in self.path))

    def __str__(self) -> str:
        return f"{_word('.'.join(_escaped(name, '.') for name in self.path))}:{self.query.primary()}"

    def primary(self) -> str:
        return str(self)


class _LeafQuery(Query):
    """A query that is asked of single texts."""

    @abstractmethod
    def is_in(self, text: str) -> bool: ...

    def holds(self, found: Sequence[Leaf], path: Path) -> bool:
        return any(self.is_in(text) for leaf_path, text in found if not path or path == leaf_path)

    def primary(self) -> str:
        return str(self)


@dataclass(frozen=True, slots=True)
class Term(_LeafQuery):
    text: str

    def is_in(self, text: str) -> bool:
        return self.text.lower() in text.lower()

    def __str__(self) -> str:
        return _word(_escaped(self.text))


@dataclass(frozen=True, slots=True)
class Phrase(_LeafQuery):
    text: str

    def is_in(self, text: str) -> bool:
        return self.text in text

    def __str__(self) -> str:
        return '"' + re.sub(r'(["\\])', r"\\\1", self.text) + '"'


@dataclass(frozen=True, slots=True)
class Regex(_LeafQuery):
    """Raises BadInput where `text` is no regular expression."""

    text: str
    pattern: Pattern = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", Pattern(self.text))

    def is_in(self, text: str) -> bool:
        return self.pattern.is_in(text)

    def __str__(self) -> str:
        return "/" + re.sub(r"(\\.)|/", lambda match: match[1] or r"\/", self.text, flags=re.DOTALL) + "/"


# Writing and reading.

KEYWORDS = ("AND", "OR", "NOT")
_BLANKS = " \t\r\n\u3000"
_SPECIAL = _BLANKS + '!():^<>=[]"{}~\\/'


def _escaped(text: str, more: str = "") -> str:
    """Return a term or name; `+` and `-` are special only at its beginning."""
    first = f"\\{text[0]}" if text[0] in "+-" else ""
    rest = text[1:] if first else text
    return first + "".join(f"\\{c}" if c in _SPECIAL + more else c for c in rest)


def _word(escaped: str) -> str:
    return f"\\{escaped}" if escaped in KEYWORDS else escaped


def _unescaped(text: str, only: str | None = None) -> str:
    """Take away the backslashes; with `only`, those before its characters."""
    return re.sub(r"\\(.)", lambda m: m[1] if only is None or m[1] in only else m[0], text, flags=re.DOTALL)


_BLANK = re.compile(f"[{_BLANKS}]*")
_PLAIN = rf"[^{re.escape(_SPECIAL)}+\-]"
_TERM = re.compile(rf"(?:{_PLAIN}|\\.)(?:{_PLAIN}|[+\-]|\\.)*", re.DOTALL)
_OPERATOR = re.compile(f"[{_BLANKS}]*[:=][{_BLANKS}]*")
_PHRASE = re.compile(r'"((?:\\.|[^"\\])*)"', re.DOTALL)
_REGEX = re.compile(r"/((?:\\.|[^/\\])*)/", re.DOTALL)
_PRIMARY = 'a term, a "phrase", a /regex/, a field or ('


def parse_query(text: str) -> Query:
    """Read a query.

    Raises:
        BadInput: It is none; the text says where, and what was expected.
    """
    if len(text) > MOST_CHARACTERS:
        raise BadInput(f"the query is too long: {len(text)} characters; the limit is {MOST_CHARACTERS}")
    parser = _Parser(text)
    query = parser.query()
    if parser.position < len(text):
        raise parser.wrong("an end, or ( before this" if parser.next() == ")" else _PRIMARY)
    return query


class _Parser:
    """Reads a query from left to right, one method for each production."""

    def __init__(self, text: str) -> None:
        self.text, self.position, self.levels = text, 0, 0

    def wrong(self, expected: str) -> BadInput:
        found = repr(self.text[self.position]) if self.position < len(self.text) else "its end"
        return BadInput(f"the query is wrong at column {self.position + 1}: expected {expected}, found {found}")

    def next(self) -> str:
        return self.text[self.position : self.position + 1]

    def match(self, rule: re.Pattern[str]) -> re.Match[str] | None:
        """Step over what a rule matches here, or stay."""
        match = rule.match(self.text, self.position)
        if match is not None:
            self.position = match.end()
        return match

    def keyword(self, word: str) -> bool:
        """Step over a keyword and the blanks around it, or stay."""
        start = self.position
        self.match(_BLANK)
        term = self.match(_TERM)
        if term is not None and term[0] == word and self.match(_BLANK):
            return True
        self.position = start
        return False

    def query(self) -> Query:
        """query = { or }"""
        self.levels += 1
        if self.levels > MOST_LEVELS:
            raise self.wrong(f"no more than {MOST_LEVELS} levels inside each other")
        self.match(_BLANK)
        queries: list[Query] = []
        while self.next() not in ("", ")"):
            queries.append(self.any_of())
            blank = self.match(_BLANK)
            if not (blank and blank[0]) and self.next() not in ("", ")"):
                raise self.wrong("a blank")
        self.levels -= 1
        return queries[0] if len(queries) == 1 else And(tuple(queries))

    def any_of(self) -> Query:
        """or = and { "OR" and }"""
        queries = [self.all_of()]
        while self.keyword("OR"):
            queries.append(self.all_of())
        return queries[0] if len(queries) == 1 else Or(tuple(queries))

    def all_of(self) -> Query:
        """and = not { "AND" not }"""
        queries = [self.maybe_not()]
        while self.keyword("AND"):
            queries.append(self.maybe_not())
        return queries[0] if len(queries) == 1 else And(tuple(queries))

    def maybe_not(self) -> Query:
        """not = [ "NOT" ] primary"""
        return Not(self.primary()) if self.keyword("NOT") else self.primary()

    def primary(self) -> Query:
        """primary = "(" query ")" | field primary | term | phrase | regex"""
        match self.next():
            case "(":
                return self.group()
            case '"':
                return self.phrase()
            case "/":
                return self.regex()
        start = self.position
        term = self.match(_TERM)
        if term is None:
            raise self.wrong(_PRIMARY)
        if self.match(_OPERATOR):
            return self.field(term[0], start)
        if term[0] in KEYWORDS:
            self.position = start
            raise self.wrong(f"{_PRIMARY} instead of the keyword {term[0]}")
        return Term(_unescaped(term[0]))

    def group(self) -> Query:
        """group = "(" query ")" """
        self.position += 1
        query = self.query()
        if self.next() != ")":
            raise self.wrong(")")
        self.position += 1
        return query

    def field(self, written: str, start: int) -> Query:
        """field = name { "." name }, and the primary behind its operator"""
        names = [""]
        for part in re.findall(r"\\.|[^\\]", written, re.DOTALL):
            if part == ".":
                names.append("")
            else:
                names[-1] += part[-1]
        if "" in names:
            self.position = start
            raise self.wrong("a field: names with dots between")
        self.levels += 1
        if self.levels > MOST_LEVELS:
            raise self.wrong(f"no more than {MOST_LEVELS} levels inside each other")
        query = self.primary()
        self.levels -= 1
        return Field(tuple(names), query)

    def phrase(self) -> Query:
        match = self.match(_PHRASE)
        if match is None:
            raise self.wrong('a " at the end of the phrase that begins with this')
        return Phrase(_unescaped(match[1], '"\\'))

    def regex(self) -> Query:
        match = self.match(_REGEX)
        if match is None:
            raise self.wrong("a / at the end of the regex that begins with this")
        return Regex(_unescaped(match[1], "/"))


# What a leaf of a query is compared with.

# Words for a kind, besides its name joined and with hyphens.
_MORE_WORDS = {
    "ImportedFunctionInvoked": "imported-function",
    "ExportedFunctionInvoked": "exported-function",
    "ExportedFunctionCompleted": "exported-function",
    "PendingUpdate": "update",
    "SuccessfulUpdate": "update",
    "FailedUpdate": "update",
    "CancelInvocation": "cancel",
    "ChangePersistenceLevel": "persistence-level",
}
_TEXTS = (
    "functionName",
    "fullFunctionName",
    "idempotencyKey",
    "error",
    "details",
    "context",
    "message",
    "pluginName",
    "spanId",
    "parentId",
    "linkedContext",
    "key",
    "targetVersion",
)
_VALUES = ("request", "response", "functionInput")


def leaves(entry: PublicEntry) -> Iterator[Leaf]:
    """Yield the texts of an entry that are searched: its kind, names, keys and messages, and all values in it."""
    yield from leaves_of_kind(entry.kind)
    for fields in (entry.fields, entry.fields.get("invocation"), entry.fields.get("plugin")):
        if isinstance(fields, Mapping):
            yield from (((), str(fields[name])) for name in _TEXTS if fields.get(name) is not None)
            for name in _VALUES:
                yield from leaves_of_values(fields.get(name))
    if "key" in entry.fields:  # SetSpanAttribute
        yield from _leaves_of_attribute(entry.fields)
    for attribute in entry.fields.get("attributes") or ():
        yield from _leaves_of_attribute(attribute)


def _leaves_of_attribute(attribute: Any) -> Iterator[Leaf]:
    if isinstance(attribute, Mapping) and isinstance(attribute.get("value"), Mapping):
        yield (str(attribute.get("key")).lower(),), str(attribute["value"].get("value"))


def leaves_of_kind(kind: str) -> Iterator[Leaf]:
    """Yield the spellings of an entry's kind, given as the API has it."""
    hyphened = re.sub(r"(?<!^)(?=[A-Z])", "-", kind).lower()
    yield from (((), word) for word in {kind.lower(), hyphened, _MORE_WORDS.get(kind, hyphened)})


def leaves_of_values(json: Any) -> Iterator[Leaf]:
    """Yield the texts of `{"typ": …, "value": …}`, of a list of such, or of bare JSON."""
    for item in json if isinstance(json, list) else [json]:
        is_typed = isinstance(item, Mapping) and set(item) == {"typ", "value"}
        yield from _leaves_of(item["typ"], item["value"], ()) if is_typed else _leaves_of({}, item, ())


def _leaves_of(typ: Any, value: Any, path: Path) -> Iterator[Leaf]:
    """Yield the texts of a value; `typ` is its type's JSON, {} where it is not known."""
    while typ and typ["type"] == "Option":
        typ = typ["inner"]
    match (typ or {}).get("type"), value:
        case "Handle", _:
            return
        case "Chr", int():
            yield path, chr(value)
        case "Tuple", list():
            for number, (item_typ, item) in enumerate(zip(typ["items"], value, strict=False)):
                yield from _leaves_of(item_typ, item, (*path, str(number)))
        case _, str():
            yield path, value
        case _, bool():
            yield path, str(value).lower()
        case _, int():
            yield path, str(value)
        case _, float():
            # As JSON shows it, and as Golem compares it: 11.0 and 11.
            yield from ((path, text) for text in {repr(value), repr(value).removesuffix(".0")})
        case _, list():
            inner = (typ or {}).get("inner") or {}
            # Bytes: what they are made of says as much as all of them.
            for item in set(value) if inner.get("type") == "U8" else value:
                yield from _leaves_of(inner, item, path)
        case _, Mapping():
            types = _types_of_parts(typ or {})
            for name, part in value.items():
                yield from _leaves_of(types.get(name) or {}, part, (*path, str(name).lower()))


def _types_of_parts(typ: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the types of a record's fields or of a variant's or result's cases, by name."""
    if typ.get("type") == "Result":
        return typ
    return {part["name"]: part["typ"] for part in typ.get("fields") or typ.get("cases") or ()}
