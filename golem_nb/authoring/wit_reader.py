"""WIT text, read as far as making components of core modules needs it.

    file      = [ "package" id [ "@" version ] ";" ] { interface | world | use }
    interface = "interface" name "{" { type | use | function } "}"
    world     = "world" name "{" { ( "import" | "export" ) extern | type | use } "}"
    extern    = id ";" | name ":" ( function | "interface" "{" ... "}" )
    type      = "type" name "=" ty ";" | ( "record" | "variant" | "enum" | "flags" ) name "{" ... "}" | "resource" ...
    use       = "use" id ".{" name [ "as" name ] { "," name [ "as" name ] } "};"
    function  = [ name ":" ] "func" "(" [ name ":" ty { "," name ":" ty } ] ")" [ "->" ty ] ";"

Resources are read over, and refused where a function needs them. Source: the component model's WIT.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NoReturn, TypeVar

from golem_nb.errors import ComponentRejected


@dataclass(frozen=True, slots=True)
class Primitive:
    name: str


@dataclass(frozen=True, slots=True)
class Named:
    """A type of the interface's own, or one that it uses, by its name there."""

    name: str


@dataclass(frozen=True, slots=True)
class Of:
    """A type made of others: `kind` is list, option, tuple, result, own or borrow; a result has two parts."""

    kind: str
    parts: tuple[Type | None, ...]


@dataclass(frozen=True, slots=True)
class Members:
    """What a name stands for: `kind` is record, variant, enum, flags, or resource."""

    kind: str
    members: tuple[tuple[str, Type | None], ...]


T = TypeVar("T")
Type = Primitive | Named | Of | Members


@dataclass(frozen=True, slots=True)
class Function:
    parameters: tuple[tuple[str, Type], ...]
    result: Type | None


@dataclass
class Interface:
    """`name` is the whole, `ns:pkg/name@version`; of one that stands in a world, what it is called there."""

    name: str
    types: dict[str, Type] = field(default_factory=dict)
    uses: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Types of other interfaces: by the name here, the interface and the name there."""
    functions: dict[str, Function] = field(default_factory=dict)


@dataclass
class World:
    """Interfaces by their names; functions that stand in no interface are in one without a name."""

    name: str
    imports: dict[str, Interface] = field(default_factory=dict)
    exports: dict[str, Interface] = field(default_factory=dict)


PRIMITIVES = frozenset("bool s8 s16 s32 s64 u8 u16 u32 u64 f32 f64 char string".split())
_TOKEN = re.compile(
    r"\s+|//[^\n]*|/\*.*?\*/|(?P<id>%?[A-Za-z][A-Za-z0-9-]*)|(?P<sign>->|[{}()<>,;:=/.*_]|@(?!\d))"
    r"|(?P<number>\d[0-9A-Za-z.+-]*)|(?P<version>@\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]*[0-9A-Za-z])?)",
    re.DOTALL,
)
_OF = frozenset(("list", "option", "tuple", "result", "own", "borrow"))
_UNSTABLE = ("since", "unstable", "deprecated")  # gates of features, which say nothing of types


class Texts:
    """Interfaces of several packages, by their whole names."""

    def __init__(self) -> None:
        self.interfaces: dict[str, Interface] = {}
        self.worlds: list[World] = []
        self._wanted: list[tuple[World, str, str]] = []  # what worlds import and export by name

    def read(self, text: str, where: str, package: str | None = None, with_worlds: bool = False) -> str:
        """Take in a file; `package` is what the package's other files say. Return the package.

        Raises:
            ComponentRejected: It is no WIT; the text says where.
        """
        return _Reader(text, where, self).file(package, with_worlds)

    def world(self) -> World:
        """Return the one world, with its interfaces.

        Raises:
            ComponentRejected: There is none, or several, or it names what there is not.
        """
        if len(self.worlds) != 1:
            names = ", ".join(world.name for world in self.worlds)
            raise ComponentRejected(
                f"the WIT has several worlds: {names}; leave one" if names else "the WIT has no world that says exports"
            )
        (world,) = self.worlds
        for owner, side, name in self._wanted:
            if owner is world:
                getattr(world, side)[name] = self.interface(name)
        return world

    def interface(self, name: str) -> Interface:
        if name not in self.interfaces:
            raise ComponentRejected(
                f"the WIT names {name}, which is not in it; put its package beside it, in a folder deps"
            )
        return self.interfaces[name]

    def type(self, interface: Interface, name: str) -> tuple[Interface, str, Type]:
        """Return what a name of an interface stands for: where that is, its name there, and the type."""
        while name in interface.uses:
            other, name = interface.uses[name]
            interface = self.interface(other)
        if name not in interface.types:
            raise ComponentRejected(f"{interface.name or 'the world'} has no type {name}")
        return interface, name, interface.types[name]


class _Reader:
    def __init__(self, text: str, where: str, texts: Texts) -> None:
        self._text, self._where, self._texts = text, where, texts
        self._tokens = list(self._scan())
        self._at = 0
        self._package, self._version = "", ""

    def file(self, package: str | None, with_worlds: bool) -> str:
        own, _, version = (package or "").partition("@")
        self._package, self._version = own, f"@{version}" if version else ""
        while self._peek():
            match self._name_after_gates():
                case "package":
                    namespace = self._id()
                    self._expect(":")
                    self._package, self._version = f"{namespace}:{self._id()}", self._maybe_version()
                    self._expect(";")
                case "interface":
                    name = self._whole(self._id())
                    self._texts.interfaces[name] = self._interface(name)
                case "world":
                    self._world(with_worlds)
                case word:
                    self._fail(f"interface or world, found {word}")
        return f"{self._package}{self._version}"

    # Parts.

    def _interface(self, name: str) -> Interface:
        found = Interface(name)
        self._expect("{")
        while not self._takes("}"):
            word = self._name_after_gates()
            if not self._type_or_use(word, found):
                self._expect(":")
                found.functions[word] = self._function()
        return found

    def _world(self, is_wanted: bool) -> None:
        world = World(self._id())
        types = Interface(world.name)  # of the world's own
        self._expect("{")
        while not self._takes("}"):
            word = self._name_after_gates()
            if word in ("import", "export"):
                self._extern(world, f"{word}s", types)
            elif word == "include":
                self._fail("a world that is written out: include is not read here")
            elif not self._type_or_use(word, types):
                self._fail(f"import or export, found {word}")
        if is_wanted:
            self._texts.worlds.append(world)

    def _extern(self, world: World, side: str, types: Interface) -> None:
        name = self._id()
        own: dict[str, Interface] = getattr(world, side)
        if self._peek() == ":" and self._peek(1) in ("func", "async"):
            self._expect(":")
            plain = own.setdefault("", Interface("", types.types, types.uses))
            plain.functions[name] = self._function()
        elif self._peek() == ":" and self._peek(1) == "interface":
            self._at += 2
            own[name] = self._interface(name)
        else:
            self._texts._wanted.append((world, side, self._path(name)))
            self._expect(";")

    def _type_or_use(self, word: str, into: Interface) -> bool:
        if self._peek() == ":":  # a function that is called so
            return False
        match word:
            case "type":
                name = self._id()
                self._expect("=")
                into.types[name] = self._type()
                self._expect(";")
            case "record" | "flags" | "enum" | "variant":
                name = self._id()
                into.types[name] = Members(word, tuple(self._members(word)))
            case "resource":
                into.types[self._id()] = Members("resource", ())
                self._skip_resource()
            case "use":
                interface = self._path(self._id())
                self._expect(".")
                self._expect("{")
                for there, here in self._listed("}", self._renamed):
                    into.uses[here] = (interface, there)
                self._expect(";")
            case _:
                return False
        return True

    def _renamed(self) -> tuple[str, str]:
        there = self._id()
        return there, self._id() if self._takes("as") else there

    def _members(self, kind: str) -> list[tuple[str, Type | None]]:
        def member() -> tuple[str, Type | None]:
            name = self._name_after_gates()
            if kind == "record":
                self._expect(":")
                return name, self._type()
            if kind == "variant" and self._takes("("):
                type = self._type()
                self._expect(")")
                return name, type
            return name, None

        self._expect("{")
        return self._listed("}", member)

    def _skip_resource(self) -> None:
        if self._takes(";"):
            return
        self._expect("{")
        depth = 1
        while depth:
            depth += {"{": 1, "}": -1}.get(self._next(), 0)

    def _function(self) -> Function:
        if self._takes("async"):
            self._fail("a function that is not async; those of WASI 0.3 do not run here")
        self._expect("func")
        self._expect("(")

        def parameter() -> tuple[str, Type]:
            name = self._id()
            self._expect(":")
            return name, self._type()

        parameters = self._listed(")", parameter)
        result = self._type() if self._takes("->") else None
        self._expect(";")
        return Function(tuple(parameters), result)

    def _type(self) -> Type:
        word = self._id()
        if word in PRIMITIVES:
            return Primitive(word)
        if word in ("stream", "future", "map"):
            self._fail(f"a type without {word}, which is not made here")
        if word not in _OF:
            return Named(word)
        if word == "result" and not self._takes("<"):
            return Of("result", (None, None))
        if word != "result":
            self._expect("<")
        parts = self._listed(">", lambda: None if self._takes("_") else self._type())
        if word == "result":
            parts = [*parts, None][:2]
        if not parts or (word not in ("tuple", "result") and len(parts) != 1):
            self._fail(f"what {word}<> is of")
        return Of(word, tuple(parts))

    # Words.

    def _path(self, first: str) -> str:
        """Return the whole name of an interface that begins with a word."""
        if not self._takes(":"):
            return self._whole(first)
        package = f"{first}:{self._id()}"
        self._expect("/")
        return f"{package}/{self._id()}{self._maybe_version()}"

    def _whole(self, name: str) -> str:
        return f"{self._package}/{name}{self._version}"

    def _maybe_version(self) -> str:
        return self._next() if self._peek().startswith("@") and len(self._peek()) > 1 else ""

    def _listed(self, end: str, item: Callable[[], T]) -> list[T]:
        found = []
        while not self._takes(end):
            found.append(item())
            if not self._takes(","):
                self._expect(end)
                break
        return found

    def _name_after_gates(self) -> str:
        while self._takes("@"):
            if self._id() not in _UNSTABLE:
                self._fail("a gate")
            self._expect("(")
            while not self._takes(")"):
                self._next()
        return self._id()

    def _id(self) -> str:
        word = self._next()
        if not word or not word.removeprefix("%")[:1].isalpha():
            self._at -= 1
            self._fail("a name")
        return word.removeprefix("%")

    def _takes(self, sign: str) -> bool:
        if self._peek() != sign:
            return False
        self._at += 1
        return True

    def _expect(self, sign: str) -> None:
        if not self._takes(sign):
            self._fail(f"`{sign}`")

    def _next(self) -> str:
        word = self._peek()
        if not word:
            self._fail("more: the text ends here")
        self._at += 1
        return word

    def _peek(self, ahead: int = 0) -> str:
        place = self._at + ahead
        return self._tokens[place][0] if place < len(self._tokens) else ""

    def _scan(self) -> Iterator[tuple[str, int]]:
        at = 0
        while at < len(self._text):
            match = _TOKEN.match(self._text, at)
            if match is None:
                self._tokens = [(self._text[at], at)]
                self._at = 0
                self._fail("WIT")
            if match.lastgroup:
                yield match[0], at
            at = match.end()

    def _fail(self, wanted: str) -> NoReturn:
        place = self._tokens[self._at][1] if self._at < len(self._tokens) else len(self._text)
        line = self._text.count("\n", 0, place) + 1
        column = place - self._text.rfind("\n", 0, place)
        found = self._text[place:].split("\n", 1)[0].strip()[:30]
        raise ComponentRejected(f"{self._where}, line {line}, column {column}: expected {wanted}, at {found!r}")
