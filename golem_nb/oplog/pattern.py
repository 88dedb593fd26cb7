"""Regular expressions whose time grows with the text and the pattern, and never faster.

Python's `re` can take for ever over a short text and holds the interpreter meanwhile: one search would stop the whole
engine. Golem's regular expressions (Rust's) are of the linear kind, which knows no backreferences and no lookaround.

How this works. The pattern becomes a graph of nodes (Thompson's construction); a search keeps the set of nodes that it
can be at after each character. Sets met before lead on through a table, so most characters cost one look-up in it.

    pattern  = branch { "|" branch }
    branch   = { item [ ( "*" | "+" | "?" | "{" low [ "," [ high ] ] "}" ) [ "?" ] ] }
    item     = "(" [ "?:" | "?P<name>" | "?<name>" | "?" flags ":" ] pattern ")"  |  "(?" flags ")"
             | "[" class "]"  |  "."  |  "^"  |  "$"  |  "\\" escaped  |  character
    flags    = letters out of "i" (ignore case), "m" (^ and $ at lines), "s" (the dot takes newlines)

What stands for one character is given to `re`, which knows classes and escapes, and in one character cannot get lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from golem_nb.errors import BadInput

# Of a text, no more is looked at: a megabyte of output would take a second.
MOST_CHARACTERS = 10_000
# A search visits each of them at each character, at worst.
MOST_NODES = 1_000
MOST_LEVELS = 50
# The table is emptied when its sets have so many members: some 20 MB.
MOST_REMEMBERED = 200_000
END = 0
UNKNOWN = frozenset({-1})

Move = tuple[frozenset[int], str, str]
"""The nodes where a search is, the character before and the one behind."""


@dataclass(slots=True)
class Node:
    """One node. `takes` is asked of a character, `holds` of the characters before and behind ("" at the text's ends).

    A node with neither leads on for nothing.
    """

    after: list[int]
    takes: Callable[[str], object] | None = None
    holds: Callable[[str, str], bool] | None = None


class Pattern:
    """A compiled pattern. Used by one thread at a time."""

    def __init__(self, text: str) -> None:
        """Compile a pattern.

        Raises:
            BadInput: It is none, or too large; the text says where.
        """
        self.nodes = [Node([])]  # the end: the pattern is found
        self._start = _Parser(text, self.add).whole()(END)
        self._moves: dict[Move, frozenset[int] | None] = {}
        self._remembered = 0

    def add(self, node: Node) -> int:
        if len(self.nodes) >= MOST_NODES:
            raise BadInput(f"the regular expression is too large: it has more than {MOST_NODES} parts")
        self.nodes.append(node)
        return len(self.nodes) - 1

    def is_in(self, text: str) -> bool:
        """Is the pattern found in the first 10 000 characters of the text?"""
        nodes: frozenset[int] = frozenset()
        before = ""
        for character in (*text[:MOST_CHARACTERS], ""):
            key = (nodes, before, character)
            found = self._moves.get(key, UNKNOWN)
            if found is UNKNOWN:
                found = self._remember(key, self._moved(*key))
            if found is None:
                return True
            nodes, before = found, character
        return False

    def _remember(self, key: Move, found: frozenset[int] | None) -> frozenset[int] | None:
        self._remembered += 1 + len(found or ())
        if self._remembered > MOST_REMEMBERED:
            self._moves.clear()
            self._remembered = 0
        self._moves[key] = found
        return found

    def _moved(self, nodes: Iterable[int], before: str, behind: str) -> frozenset[int] | None:
        """Return the nodes that take the character `behind` leads to; None where the pattern is found before it."""
        reached: set[int] = set()
        left = [self._start, *nodes]
        while left:
            number = left.pop()
            node = self.nodes[number]
            if number in reached or (node.holds is not None and not node.holds(before, behind)):
                continue
            reached.add(number)
            if node.takes is None:
                left.extend(node.after)
        if END in reached:
            return None
        taking = [self.nodes[number] for number in reached] if behind else []
        return frozenset(after for node in taking if node.takes and node.takes(behind) for after in node.after)


Build = Callable[[int], int]
"""A part of a pattern: given the node behind it, adds its nodes and returns the first."""

_REPEAT = re.compile(r"\{(\d{1,4})(?:(,)(\d{1,4})?)?\}")
_SIMPLE_REPEATS: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_OPENING = re.compile(r"\((?:\?(?:P?<\w+>|(?P<flags>[ims]*)(?P<closing>[:)])))?")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
# Sets in sets, and operations on them: Rust has them, `re` has not.
_SETS = re.compile(r"\[|&&|--|~~|\|\|")
_ESCAPE = re.compile(r"\\(?:[dDwWsSnrtfva]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[^\w]|_)")
_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _is_edge(before: str, behind: str) -> bool:
    return _is_word(before) != _is_word(behind)


_PLACES: dict[str, Callable[[str, str], bool]] = {
    "\\A": lambda before, behind: not before,
    "\\z": lambda before, behind: not behind,
    "\\b": _is_edge,
    "\\B": lambda before, behind: not _is_edge(before, behind),
    "^": lambda before, behind: not before,
    "$": lambda before, behind: not behind,
}
_PLACES_OF_LINES: dict[str, Callable[[str, str], bool]] = {
    "^": lambda before, behind: before in ("", "\n"),
    "$": lambda before, behind: behind in ("", "\n"),
}


class _Parser:
    """Reads a pattern from left to right, one method for each production."""

    def __init__(self, text: str, add: Callable[[Node], int]) -> None:
        self.text, self.add = text, add
        self.position, self.levels, self.flags = 0, 0, re.NOFLAG

    def whole(self) -> Build:
        build = self.pattern()
        if self.position < len(self.text):
            raise self.wrong("an end, or ( before this )")
        return build

    def wrong(self, expected: str) -> BadInput:
        found = repr(self.text[self.position]) if self.position < len(self.text) else "its end"
        return BadInput(
            f"the regular expression /{self.text[:80]}/ is wrong at character {self.position + 1}: "
            f"expected {expected}, found {found}"
        )

    def next(self) -> str:
        return self.text[self.position : self.position + 1]

    def take(self, rule: re.Pattern[str], expected: str) -> re.Match[str]:
        match = rule.match(self.text, self.position)
        if match is None:
            raise self.wrong(expected)
        self.position = match.end()
        return match

    def pattern(self) -> Build:
        """pattern = branch { "|" branch }"""
        self.levels += 1
        if self.levels > MOST_LEVELS:
            raise self.wrong(f"no more than {MOST_LEVELS} groups inside each other")
        flags = self.flags
        branches = [self.branch()]
        while self.next() == "|":
            self.position += 1
            branches.append(self.branch())
        self.flags = flags
        self.levels -= 1
        return lambda after: self.add(Node([branch(after) for branch in branches]))

    def branch(self) -> Build:
        """branch = { item [ repeat ] }"""
        items: list[Build] = []
        while self.next() not in ("", "|", ")"):
            items.append(self.repeated(self.item()))

        def build(after: int) -> int:
            for item in reversed(items):
                after = item(after)
            return after

        return build

    def repeated(self, item: Build) -> Build:
        """repeat = ( "*" | "+" | "?" | "{" low [ "," [ high ] ] "}" ) [ "?" ]"""
        if self.next() in _SIMPLE_REPEATS:
            low, high = _SIMPLE_REPEATS[self.next()]
            self.position += 1
        elif self.next() == "{":
            match = self.take(_REPEAT, "{n}, {n,} or {n,m}")
            low = int(match[1])
            high = (int(match[3]) if match[3] else None) if match[2] else low
        else:
            return item
        if self.next() == "?":  # the lazy forms find the same
            self.position += 1
        if high is not None and high < low:
            raise self.wrong(f"at least {low} before this as the upper number")
        return lambda after: self.repeat(item, low, high, after)

    def repeat(self, item: Build, low: int, high: int | None, after: int) -> int:
        # A node even for no repeat at all: what is built is counted by its nodes.
        after = self.add(Node([after]))
        if high is None:
            loop = Node([after])
            after = self.add(loop)
            loop.after.append(item(after))
        for _ in range((high or low) - low):
            after = self.add(Node([item(after), after]))
        for _ in range(low):
            after = item(after)
        return after

    def item(self) -> Build:
        """item = group | class | place | escape | character"""
        match self.next():
            case "(":
                return self.group()
            case "*" | "+" | "?" | "{":
                raise self.wrong("something to repeat before this")
            case "[":
                return self.character(self.take(_CLASS, "a class that ends with ]")[0])
            case "\\" if self.text[self.position : self.position + 2] in _PLACES:
                self.position += 2
                return self.place(self.text[self.position - 2 : self.position])
            case "\\":
                return self.character(self.take(_ESCAPE, "an escape that is known (no backreference, no \\p)")[0])
            case "^" | "$" as place:
                self.position += 1
                return self.place(place)
            case character:
                self.position += 1
                return self.character(character if character == "." else re.escape(character))

    def group(self) -> Build:
        """group = "(" [ "?:" | name | flags ":" ] pattern ")"  |  "(?" flags ")" """
        opening = self.take(_OPENING, "(")
        if opening["closing"] is None and self.next() == "?":
            raise self.wrong("?:, ?<name> or flags out of i, m, s (there is no lookaround)")
        outer = self.flags
        for flag in opening["flags"] or "":
            self.flags |= _FLAGS[flag]
        if opening["closing"] == ")":  # flags for what follows
            return lambda after: self.add(Node([after]))
        build = self.pattern()
        self.flags = outer
        if self.next() != ")":
            raise self.wrong(")")
        self.position += 1
        return build

    def place(self, written: str) -> Build:
        holds = _PLACES[written]
        if self.flags & re.MULTILINE:
            holds = _PLACES_OF_LINES.get(written, holds)
        return lambda after: self.add(Node([after], holds=holds))

    def character(self, written: str) -> Build:
        if written[0] == "[" and _SETS.search(re.sub(r"\\.", "", written[1:])):
            raise self.wrong("no set inside the class before this")
        try:
            takes = re.compile(written, self.flags).fullmatch
        except re.error as error:
            raise self.wrong(f"a class that can be read before this ({error})") from None
        return lambda after: self.add(Node([after], takes=takes))
