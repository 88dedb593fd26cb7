"""JavaScript as the source of a worker: a cell, read as a module, to a script that the runtime evaluates.

QuickJS, the engine in the runtime, runs no jobs inside of a call, so promises would never settle. So async functions
become generators here, which promises of our own drive (guest_js/promises.js), and an `await` the `yield` of one; at
the top of a cell it waits there and then. `export` and `import` go, as a script has none; its value are the exports.
Lines stay where they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from golem_nb.authoring.program import JAVASCRIPT, Program, component_from_program
from golem_nb.authoring.python import program_name
from golem_nb.errors import ComponentRejected

_TOKEN = re.compile(
    r"(?P<space>\s+|//[^\n]*)|(?P<comment>/\*.*?\*/)|(?P<word>[#@]?(?:[^\W\d]|\$)[\w$]*)"
    r"|(?P<number>\.?\d[\w.]*)|(?P<string>\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')"
    r"|(?P<sign>=>|\?\.(?!\d)|\.\.\.|\+\+|--|/(?!\*)|[-+*%&|^<>=!~?:;,.(){}\[\]])",
    re.DOTALL,
)
_REGEX = re.compile(r"/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\[\n])+/[a-z]*")
_CHUNK = re.compile(r"(?:\\.|\$(?!\{)|[^`\\$])*(`|\$\{)", re.DOTALL)  # of a template, to its end or to an expression
# Behind these words comes an operand.
_OPERATORS = frozenset("return typeof case in of delete void throw new else do await yield instanceof".split())
_PREFIXES = frozenset(("!", "~", "+", "-", "++", "--", "typeof", "void", "delete", "new", "await"))
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_MODULE = "golem"


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    at: int
    is_on_new_line: bool = False
    comment: str = ""
    """The last comment before it."""

    @property
    def end(self) -> int:
        return self.at + len(self.text)

    @property
    def opens(self) -> bool:
        return (self.kind == "sign" and self.text in _CLOSING) or (self.kind == "template" and self.text.endswith("${"))

    @property
    def closes(self) -> bool:
        is_sign = self.kind == "sign" and self.text in (")", "]", "}")
        return is_sign or (self.kind == "template" and self.text.startswith("}"))


@dataclass(frozen=True, slots=True)
class Script:
    """`exports` are the exported names, `docs` the comments before functions and methods, by name."""

    source: str
    exports: tuple[str, ...]
    docs: dict[str, str]


def component_from_javascript(source: str, name: str) -> bytes:
    """Return the component of a program in JavaScript; `name` is the component's.

    Raises:
        ComponentRejected: It has what is not there in workers, or no end. All else the runtime says.
    """
    script = script_from_module(source)
    return component_from_program(Program(script.source, program_name(name), language=JAVASCRIPT, docs=script.docs))


def script_from_module(source: str) -> Script:
    """Return the script of a module.

    Raises:
        ComponentRejected: It has what is not there in workers; the text has the line.
    """
    try:
        return _Reader(source).script()
    except IndexError:  # it ends in the midst of something
        raise ComponentRejected("this is no whole JavaScript: it ends in the midst of something") from None


class _Reader:
    def __init__(self, source: str) -> None:
        self._source = source
        self._tokens = list(_Scanner(source).tokens())
        self._partner, self._depth = self._matched()
        self._edits: list[tuple[int, int, int, int, str]] = []  # place, kind, order, what is left out, text
        self._bodies: list[tuple[int, int]] = []  # of async functions

    def script(self) -> Script:
        self._async_functions()
        self._awaits()
        exports = self._module()
        made, at = [], 0
        for place, _, _, length, text in sorted(self._edits):
            made += [self._source[at:place], text]
            at = place + length
        named = ", ".join(f"{json.dumps(out)}: {own}" for out, own in exports.items())
        source = '"use strict";' + "".join([*made, self._source[at:]]) + f"\n;({{{named}}})"
        return Script(source, tuple(exports), self._docs())

    # Async functions. In an edit's place come the ends of awaits, those of functions, their beginnings, then words.

    def _async_functions(self) -> None:
        for place, token in enumerate(self._tokens):
            if token.text != "async" or self._text(place - 1) in (".", "?."):
                continue
            head = place + 1
            if self._text(head) == "*" or (self._text(head) == "function" and self._text(head + 1) == "*"):
                self._fail(token, "async generators are not there in workers; return a list")
            is_function = self._text(head) == "function"
            if is_function:
                head += 1 if self._text(head + 1) == "(" else 2
            arrow = self._arrow(head)
            if arrow is not None:
                self._arrow_function(token, arrow)
            elif is_function or self._kind(head) == "word" or self._text(head) == "[":
                self._function(token, head, is_function)

    def _arrow(self, head: int) -> int | None:
        """Return the place of the arrow of a function whose parameters begin at `head`."""
        behind = self._partner[head] + 1 if self._text(head) == "(" else head + 1
        return behind if self._text(behind) == "=>" else None

    def _arrow_function(self, token: Token, arrow: int) -> None:
        begin = arrow + 1
        if self._text(begin) == "{":
            self._body(token, begin, "this")
            return
        end = self._end_of_expression(begin)
        self._drop(token)
        self._bodies.append((self._tokens[begin].at, end))
        self._edit(self._tokens[begin].at, 2, token.at, "$run(function*(){return (")
        self._edit(end, 1, -token.at, ")}.call(this))")

    def _function(self, token: Token, head: int, is_function: bool) -> None:
        if not is_function:  # a method: its name, maybe computed
            head = self._partner[head] + 1 if self._text(head) == "[" else head + 1
        if self._text(head) != "(" or self._text(self._partner[head] + 1) != "{":
            return  # something that is called async
        self._body(token, self._partner[head] + 1, "this, arguments")

    def _body(self, token: Token, opening: int, given: str) -> None:
        begin, end = self._tokens[opening].end, self._tokens[self._partner[opening]].at
        self._drop(token)
        self._bodies.append((begin, end))
        self._edit(begin, 2, token.at, "return $run(function*(){")
        self._edit(end, 1, -token.at, f"}}.{'apply' if ',' in given else 'call'}({given}));")

    def _awaits(self) -> None:
        for place, token in enumerate(self._tokens):
            if token.text != "await" or token.kind != "word" or self._text(place - 1) in (".", "?."):
                continue
            if self._text(place + 1) == ":":  # the name of a property
                continue
            if self._text(place - 1) == "for":
                self._fail(token, "for await is not there in workers; await the list: for (const x of await ...)")
            is_inside = any(begin <= token.at < end for begin, end in self._bodies)
            self._edit(token.at, 3, 0, "(yield " if is_inside else "$settled(", len(token.text))
            self._edit(self._end_of_unary(place + 1), 0, 0, ")")

    def _end_of_unary(self, place: int) -> int:
        """Return where an operand ends, with all that is called on it."""
        while self._text(place) in _PREFIXES:
            place += 1
        if place >= len(self._tokens):
            self._fail(self._tokens[-1], "something is awaited, but nothing follows")
        if self._text(place) in ("function", "class"):
            while place < len(self._tokens) and self._text(place) != "{":
                place = self._partner.get(place, place) + 1
            if place >= len(self._tokens):
                self._fail(self._tokens[-1], "a body { … } is missing")
        last = self._partner.get(place, place)
        while True:
            behind = last + 1
            text, kind = self._text(behind), self._kind(behind)
            if text in (".", "?."):
                last = behind + 1 if self._kind(behind + 1) == "word" else self._partner.get(behind + 1, behind + 1)
            elif text in ("(", "[") or (kind == "template" and self._tokens[behind].text.startswith("`")):
                last = self._partner.get(behind, behind)
            else:
                return self._tokens[last].end

    def _end_of_expression(self, place: int) -> int:
        """Return where the body of an arrow function ends that is an expression."""
        begin, last = place, place
        while place < len(self._tokens):
            token = self._tokens[place]
            if token.closes or token.text in (",", ";"):
                break
            is_operand = token.kind in ("word", "number", "string") and token.text not in ("in", "instanceof", "of")
            before = self._tokens[last]
            if place > begin and token.is_on_new_line and is_operand and before.kind != "sign":
                break
            if place > begin and token.is_on_new_line and is_operand and before.closes:
                break
            last = place = self._partner.get(place, place)
            place += 1
        return self._tokens[last].end

    # What a module has besides.

    def _module(self) -> dict[str, str]:
        """Take `export` and `import` out; return what is exported: names outside and inside."""
        exported: dict[str, str] = {}
        declared: dict[str, str] = {}
        for place, token in enumerate(self._tokens):
            if self._depth[place] or token.kind != "word" or self._text(place - 1) in (".", "?."):
                continue
            if token.text == "import" and self._text(place + 1) not in ("(", "."):
                self._import(place)
            elif token.text == "export":
                exported |= self._export(place)
            elif name := self._declared(place):
                declared[name] = name
        return exported or declared

    def _export(self, place: int) -> dict[str, str]:
        token, head = self._tokens[place], place + 1
        self._drop(token)
        if self._text(head) == "default":
            self._drop(self._tokens[head])
            head += 1
        if self._text(head) == "{":
            end = self._partner[head]
            if self._text(end + 1) == "from":
                self._fail(token, "a cell exports its own functions only")
            self._blank(self._tokens[head].at, self._tokens[end].end)
            words = [t.text for t in self._tokens[head + 1 : end] if t.text != ","]
            found = dict[str, str]()
            while words:
                own = words.pop(0)
                found[words[1] if words[:1] == ["as"] else own] = own
                words = words[2:] if words[:1] == ["as"] else words
            return found
        name = self._declared(head) or (self._text(head + 1) if self._text(head) in ("const", "let", "var") else "")
        if not name:
            self._fail(
                token, "what is exported needs a name: export function NAME, export class NAME, export const NAME"
            )
        return {name: name}

    def _declared(self, place: int) -> str:
        """Return the name of the function or class that is declared at a place; nothing where it is none."""
        if self._text(place) == "async":
            place += 1
        match self._text(place):
            case "function" | "class":
                name = place + (2 if self._text(place + 1) == "*" else 1)
                return self._text(name) if self._kind(name) == "word" else ""
            case "const" | "let" | "var" if self._text(place + 2) == "=":
                value = place + (4 if self._text(place + 3) == "async" else 3)
                is_function = self._text(value) in ("function", "class") or self._arrow(value) is not None
                return self._text(place + 1) if is_function else ""
        return ""

    def _import(self, place: int) -> None:
        token, end = self._tokens[place], place + 1
        while self._kind(end) not in ("string", ""):
            end += 1
        module = self._text(end)[1:-1]
        if module != _MODULE:
            self._fail(token, f"there is no module {module!r}; a cell is one module, and imports only {_MODULE!r}")
        what = self._source[self._tokens[place + 1].at : self._tokens[end - 1].at].strip()
        if self._kind(place + 1) == "string":
            what = ""
        elif self._text(place + 1) == "{":
            what = f"const {_renamed(what)} = $golem"
        else:
            what = f"const {what.removeprefix('*').strip().removeprefix('as').strip()} = $golem"
        self._edit(token.at, 3, 0, what, self._tokens[end].end - token.at)

    def _docs(self) -> dict[str, str]:
        found = {}
        for place, token in enumerate(self._tokens):
            if not token.comment.startswith("/**"):
                continue
            while self._text(place) in ("export", "default", "async", "function", "class", "const", "let", "get", "*"):
                place += 1
            if self._kind(place) == "word":
                found[self._text(place)] = _doc(token.comment)
        return {name: text for name, text in found.items() if text}

    # Tokens and edits.

    def _matched(self) -> tuple[dict[int, int], list[int]]:
        """Return for each bracket the place of its partner (of templates, of the end), and how deep each token lies."""
        partner: dict[int, int] = {}
        depths: list[int] = []
        open_places: list[int] = []
        for place, token in enumerate(self._tokens):
            if token.closes:
                if not open_places:
                    self._fail(token, f"the bracket {token.text[:1]} closes nothing")
                opening = open_places.pop()
                wanted = _CLOSING.get(self._tokens[opening].text[-1:], "}")
                if token.text[:1] != wanted:
                    self._fail(token, f"{wanted} is missing before {token.text[:1]}")
                partner[opening] = place
            depths.append(len(open_places))
            if token.opens:
                open_places.append(place)
        if open_places:
            self._fail(self._tokens[open_places[-1]], "this bracket is not closed")
        for place in sorted(partner, reverse=True):  # a template's parts lead to its end
            if self._tokens[place].kind == "template":
                partner[place] = partner.get(partner[place], partner[place])
        return partner, depths

    def _text(self, place: int) -> str:
        return self._tokens[place].text if 0 <= place < len(self._tokens) else ""

    def _kind(self, place: int) -> str:
        return self._tokens[place].kind if 0 <= place < len(self._tokens) else ""

    def _edit(self, place: int, kind: int, order: int, text: str, length: int = 0) -> None:
        self._edits.append((place, kind, order, length, text))

    def _drop(self, token: Token) -> None:
        self._blank(token.at, token.end)

    def _blank(self, begin: int, end: int) -> None:
        kept = re.sub(r"[^\n]", " ", self._source[begin:end])
        self._edit(begin, 3, 0, kept, end - begin)

    def _fail(self, token: Token, why: str) -> NoReturn:
        raise ComponentRejected(f"line {self._source.count(chr(10), 0, token.at) + 1} of the cell: {why}")


@dataclass
class _Scanner:
    source: str
    _templates: list[int] = field(default_factory=list)  # how many brackets are open in the expressions of templates

    def tokens(self) -> Iterator[Token]:
        at, is_on_new_line, comment = 0, False, ""
        previous: Token | None = None
        while at < len(self.source):
            token = self._next(at, previous)
            if token.kind in ("space", "comment"):
                is_on_new_line |= "\n" in token.text
                comment = token.text if token.kind == "comment" else comment
            else:
                previous = Token(token.kind, token.text, at, is_on_new_line, comment)
                yield previous
                is_on_new_line, comment = False, ""
            at = token.end

    def _next(self, at: int, previous: Token | None) -> Token:
        letter = self.source[at]
        if letter == "`" or (letter == "}" and self._templates and self._templates[-1] == 0):
            return self._chunk(at)
        if letter == "/" and self.source[at + 1 : at + 2] not in ("/", "*") and _may_begin_regex(previous):
            match = _REGEX.match(self.source, at)
            if match:
                return Token("regex", match[0], at)
        match = _TOKEN.match(self.source, at)
        if match is None:
            line = self.source.count("\n", 0, at) + 1
            what = "a text or comment that is not closed" if letter in "\"'/" else f"{letter!r}, which is no JavaScript"
            raise ComponentRejected(f"line {line} of the cell has {what}")
        if self._templates and match[0] in ("{", "}"):
            self._templates[-1] += 1 if match[0] == "{" else -1
        return Token(str(match.lastgroup), match[0], at)

    def _chunk(self, at: int) -> Token:
        match = _CHUNK.match(self.source, at + 1)
        if match is None:
            raise ComponentRejected(
                f"line {self.source.count(chr(10), 0, at) + 1} of the cell: the template is not closed"
            )
        if self.source[at] == "}":
            self._templates.pop()
        if match[1] == "${":
            self._templates.append(0)
        return Token("template", self.source[at : match.end()], at)


def _may_begin_regex(previous: Token | None) -> bool:
    if previous is None or (previous.kind == "word" and previous.text in _OPERATORS):
        return True
    return previous.kind == "sign" and previous.text not in (")", "]", "}", "++", "--")


def _renamed(names: str) -> str:
    """Return the names of an import as a pattern has them."""
    return re.sub(r"\s+as\s+", ": ", names)


def _doc(comment: str) -> str:
    lines: Sequence[str] = [line.strip().removeprefix("*").strip() for line in comment[3:-2].splitlines()]
    return "\n".join(line for line in lines if not line.startswith("@")).strip()
