"""What a program exports, as WIT text: the world that `--typed` makes a component for.

One interface for each class, with the types that its functions use. Names of types are not part of a component's
signatures, so they are chosen to be read: those of the program's classes, else of the parameter or field.
A parameter with a default is an option, as the component model has no defaults.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from golem_nb.errors import ComponentRejected

OUTCOMES = "golem-nb:python/outcomes@1.0.0"  # see guest/typed_world.wit
SNAPSHOTS = ("golem:api/save-snapshot@1.1.7", "golem:api/load-snapshot@1.1.7")
HTTP = ("wasi:http/outgoing-handler@0.2.0",)
# What the module `golem` asks for.
GOLEM = (
    "golem:api/context@1.1.7",
    "golem:api/host@1.1.7",
    "golem:rpc/types@0.2.2",
    "wasi:blobstore/blobstore",
    "wasi:config/store@0.2.0-draft",
    "wasi:keyvalue/eventual@0.1.0",
    "wasi:keyvalue/eventual-batch@0.1.0",
    "wasi:logging/logging",
)
_KEYWORDS = frozenset(
    "as async bool borrow char constructor enum export f32 f64 flags float32 float64 from func future import include "
    "interface list map option own package record resource result s16 s32 s64 s8 static stream string tuple type u16 "
    "u32 u64 u8 use variant with world".split()
)
_PRIMITIVES = {"Str": "string", "Chr": "char", "Bool": "bool"} | {
    f"{letter}{bits}": f"{letter.lower()}{bits}" for letter in "SU" for bits in (8, 16, 32, 64)
}
_PRIMITIVES |= {"F32": "f32", "F64": "f64"}


@dataclass(frozen=True, slots=True)
class TypedWorld:
    """`text` is the WIT. `functions` are those of the description, for the guest: types have a `wit` name each that is
    no primitive of its own, and the function its interface and its name there.
    """

    name: str
    text: str
    functions: tuple[dict[str, Any], ...]


def world_from_description(package: str, description: Sequence[Mapping[str, Any]], uses_golem: bool) -> TypedWorld:
    """Return the world of a program's functions.

    Raises:
        ComponentRejected: One has a type that WIT has no room for.
    """
    interfaces: dict[str, _Interface] = {}
    for function in description:
        site, _, name = function["name"].rpartition("/")[2].removesuffix("}").partition(".{")
        interfaces.setdefault(site, _Interface(site)).functions[name] = function
    named = [function for interface in interfaces.values() for function in interface.named()]
    world = "program"
    while world in interfaces:
        world += "-world"
    imports = [f"  import {name};" for name in (*(GOLEM if uses_golem else ()), *HTTP)]
    exports = [f"  export {name};" for name in (*map(spelled, interfaces), OUTCOMES, *SNAPSHOTS)]
    parts = [
        f"package nb:{spelled(package)};",
        *("\n".join(interface.lines) for interface in interfaces.values()),
        "\n".join([f"world {world} {{", *imports, *exports, "}"]),
    ]
    return TypedWorld(world, "\n\n".join(parts) + "\n", tuple(named))


def spelled(name: str) -> str:
    """Return an identifier as WIT text has it: words of the language have a sign before them."""
    return f"%{name}" if name in _KEYWORDS else name


def words(name: str) -> str:
    """Return a name as the component model spells names, whatever it has in it."""
    cut = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name).lower()
    found = [word if word[0].isalpha() else f"n{word}" for word in re.split(r"[^a-z0-9]+", cut) if word]
    return "-".join(found) or "value"


@dataclass
class _Interface:
    name: str
    functions: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    """Names by types, which are told apart by their JSON."""
    lines: list[str] = field(default_factory=list)
    _definitions: list[str] = field(default_factory=list)

    def named(self) -> Iterator[dict[str, Any]]:
        """Yield the functions, and fill `lines`."""
        signatures = []
        for name, function in self.functions.items():
            parameters = [self._parameter(p) for p in function["parameters"]]
            given = ", ".join(f"{spelled(p['name'])}: {p['text']}" for p in parameters)
            result = self._result(name, function)
            arrow = "" if result is None else f" -> {self._text(result)}"
            signatures += [*_docs(function["docs"]), f"  {spelled(name)}: func({given}){arrow};"]
            yield {
                "key": function["name"],
                "interface": self.name,
                "name": name,
                "parameters": parameters,
                "result": result,
                "isDynamic": function["is_dynamic"],
            }
        blank = [""] if self._definitions else []
        self.lines += [f"interface {spelled(self.name)} {{", *self._definitions, *blank, *signatures, "}"]

    def _parameter(self, parameter: Mapping[str, Any]) -> dict[str, Any]:
        typ = self._named(parameter["typ"], parameter["name"])
        found = {"name": parameter["name"], "typ": typ, "isJson": parameter["is_json"]}
        if "default" in parameter:
            found["default"] = parameter["default"]
            if typ["type"] != "Option":
                found["typ"] = typ = {"type": "Option", "inner": typ}
        return {**found, "text": self._text(typ)}

    def _result(self, name: str, function: Mapping[str, Any]) -> Any:
        if function["is_dynamic"]:
            return {"type": "Str"}  # of JSON
        return None if function["result"] is None else self._named(function["result"], f"{name}-result")

    def _named(self, typ: Any, context: str) -> Any:
        """Return a type whose parts have names; `context` is where it stands, for those that have none themselves."""
        if typ is None:
            return None
        match typ["type"]:
            case "List" | "Option":
                return {**typ, "inner": self._named(typ["inner"], context)}
            case "Tuple" if not typ["items"]:
                raise ComponentRejected(f"{self.name}: {context} is an empty tuple, for which WIT has no type")
            case "Tuple":
                return {**typ, "items": [self._named(item, context) for item in typ["items"]]}
            case "Result":
                return {**typ, **{side: self._named(typ[side], context) for side in ("ok", "err")}}
            case "Record":
                fields = [{**f, "typ": self._named(f["typ"], f["name"])} for f in typ["fields"]]
                lines = [f"    {spelled(f['name'])}: {self._text(f['typ'])}," for f in fields]
                return self._defined({**typ, "fields": fields}, "record", words(typ["name"]), lines)
            case "Variant":
                cases = [{**c, "typ": self._named(c["typ"], c["name"])} for c in typ["cases"]]
                own = [c["name"] for c in cases]
                lines = [f"    {spelled(c['name'])}({self._text(c['typ'])})," for c in cases]
                return self._defined({**typ, "cases": cases}, "variant", "-or-".join(own), lines)
            case "Enum":
                lines = [f"    {spelled(case)}," for case in typ["cases"]]
                return self._defined(dict(typ), "enum", words(typ.get("name", context)), lines)
        return typ

    def _defined(self, typ: dict[str, Any], kind: str, wanted: str, lines: list[str]) -> dict[str, Any]:
        key = json.dumps(typ)
        if key not in self.types:
            # An interface has one list of names for types and functions: `state()` may give a `State`.
            taken = {*self.types.values(), *self.functions}
            free = (n for n in _candidates(wanted, kind) if n not in taken)
            name = self.types[key] = next(free)
            self._definitions += [f"  {kind} {spelled(name)} {{", *lines, "  }"]
        return {**typ, "wit": self.types[key]}

    def _text(self, typ: Mapping[str, Any]) -> str:
        match typ["type"]:
            case "List":
                return f"list<{self._text(typ['inner'])}>"
            case "Option":
                return f"option<{self._text(typ['inner'])}>"
            case "Tuple":
                return f"tuple<{', '.join(map(self._text, typ['items']))}>"
            case "Result":
                ok, err = ("_" if typ[side] is None else self._text(typ[side]) for side in ("ok", "err"))
                return (
                    "result" if (ok, err) == ("_", "_") else f"result<{ok}>" if err == "_" else f"result<{ok}, {err}>"
                )
        return spelled(typ["wit"]) if "wit" in typ else _PRIMITIVES[typ["type"]]


def _candidates(wanted: str, kind: str) -> Iterator[str]:
    yield wanted
    yield f"{wanted}-{kind}"
    yield from (f"{wanted}-{kind}{number}" for number in range(2, 1000))


def _docs(text: str) -> list[str]:
    return [f"  /// {line}".rstrip() for line in text.splitlines()]
