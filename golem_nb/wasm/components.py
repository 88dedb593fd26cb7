"""From bytes to a compiled component, with its imports and exports as our own types.

Compiled code is kept in files beside the store, named by what it was made of, and hashed before it is loaded: wasmtime
checks its own version and configuration, but not that the bytes are whole.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from wasmtime import Engine, WasmtimeError
from wasmtime import _ffi as ffi
from wasmtime import component as wit
from wasmtime.component._types import ComponentExtern

from golem_nb.errors import ComponentRejected, FunctionNotFound
from golem_nb.files import write_whole
from golem_nb.host.http_incoming import HANDLE
from golem_nb.values.types import (
    PRIMITIVES,
    Case,
    EnumType,
    Field,
    FlagsType,
    FunctionType,
    HandleType,
    ListType,
    OptionType,
    Parameter,
    RecordType,
    ResultType,
    TupleType,
    VariantType,
    WitType,
    parts_of,
)
from golem_nb.values.wave_reader import values_from_text
from golem_nb.wasm.compiling import compile_apart
from golem_nb.wasm.indexed import IndexedName, indexed_name
from golem_nb.wasm.settings import fingerprint, make_engine

APART_BYTES = 4 << 20  # beyond it, compiling takes seconds and hundreds of megabytes
_HTTP_HANDLER = re.compile(r"wasi:http/incoming-handler@0\.2\.\d+\.\{handle\}\Z")
_PRIMITIVE_CLASSES = {
    getattr(wit, {"bool": "Bool", "char": "Char", "string": "String"}.get(name, name.upper())): type
    for name, type in PRIMITIVES.items()
}


@dataclass(frozen=True, slots=True)
class ImportedInstance:
    """An interface that the component imports, under the very name that it uses."""

    name: str
    functions: tuple[tuple[str, FunctionType], ...]
    resources: tuple[tuple[str, str], ...]
    """Pairs: name in this interface, name where the resource is defined (`wasi:io/poll#pollable`)."""

    @property
    def interface(self) -> str:
        return self.name.partition("@")[0]


@dataclass(frozen=True, slots=True)
class Export:
    """An exported function and the way to it."""

    type: FunctionType
    path: tuple[str, ...]
    """Instance and function, or only the function; empty for the drop of a resource, which is no export."""
    of: Indexed | None = None
    """The resource that the function is called with, if its name names one."""
    handler: Export | None = None
    """For the function from a request to its response: the handler of wasi:http that it stands for."""


@dataclass(frozen=True, slots=True)
class Indexed:
    """A resource that is named by what it is made of."""

    name: IndexedName
    constructor: Export
    arguments: tuple[Any, ...]
    function: Export | None
    """What is called with the resource; None where only its handle is wanted."""


class CompiledComponent:
    """A component that can be linked. `resource_ids` numbers the host resources among its imports."""

    def __init__(self, engine: Engine, component: wit.Component) -> None:
        self.component = component
        names = _ResourceNames()
        self.imports = tuple(_imported_instances(component.type.imports(engine), engine, names))
        self.resource_ids = {name: number for number, name in enumerate(names.imported(), start=1)}
        self._exports = {e.type.name: e for e in _exported_functions(component.type.exports(engine), engine, names)}
        handler = next((e for e in self._exports.values() if _HTTP_HANDLER.match(e.type.name)), None)
        if handler is not None:
            self._exports[HANDLE.name] = Export(HANDLE, handler.path, handler=handler)
        self._aliases = {alias: name for name in self._exports for alias in _spellings(name)}

    @property
    def functions(self) -> tuple[FunctionType, ...]:
        """All functions that can be called, also those that only the engine calls."""
        return self.exports

    @property
    def exports(self) -> tuple[FunctionType, ...]:
        """The functions that can be invoked; those that take or give handles of the host's are not among them."""
        return tuple(e.type for e in self._exports.values() if not self._uses_host_handles(e.type))

    def export(self, name: str) -> Export:
        """Return the exported function that `name` spells.

        Raises:
            FunctionNotFound: It spells none.

        Source: SEMANTICS 2.3.
        """
        indexed = indexed_name(name)
        if indexed is not None:
            return self._indexed(indexed)
        spelled = name.replace(" ", "")
        export = self._exports.get(self._aliases.get(spelled, spelled))
        if export is None or self._uses_host_handles(export.type):
            raise FunctionNotFound(name, get_close_matches(name, [t.name for t in self.exports], 2))
        return export

    def _indexed(self, name: IndexedName) -> Export:
        constructor = self.export(name.constructor)
        wanted = [p.type for p in constructor.type.parameters]
        arguments = tuple(values_from_text(wanted, name.arguments, f"the arguments of {name.resource}"))
        if name.member == "new":
            made = FunctionType(str(name), (), constructor.type.result)
            return Export(made, (), Indexed(name, constructor, arguments, None))
        function = self.export(name.function)
        if "[static]" in function.type.name:
            raise FunctionNotFound(str(name), [function.type.name])
        type = FunctionType(str(name), function.type.parameters[1:], function.type.result, function.type.docs)
        return Export(type, (), Indexed(name, constructor, arguments, function))

    def with_package(self, name: str) -> str:
        """Return a function's name with the package of its interface, where it lacks that and one export fits.

        Source: SEMANTICS 5.6, last lines.
        """
        interface, brace, function = name.partition(".{")
        if not brace or ":" in interface or name in self._exports:
            return name
        wanted = interface.partition("@")[0]
        found = {
            site
            for site, _, _ in (export.partition(".{") for export in self._exports)
            if site.partition("/")[2].partition("@")[0] == wanted
        }
        return f"{found.pop()}.{{{function}" if len(found) == 1 else name

    def _uses_host_handles(self, function: FunctionType) -> bool:
        types = [p.type for p in function.parameters] + ([function.result] if function.result else [])
        return any(resource in self.resource_ids for type in types for resource in _resources_in(type))


def _resources_in(type: WitType) -> Iterator[str]:
    if isinstance(type, HandleType):
        yield type.resource
    for part in parts_of(type):
        yield from _resources_in(part)


def _spellings(name: str) -> Iterator[str]:
    """Yield the other spellings of a function of a resource. Source: SEMANTICS 2.3."""
    site, brace, inner = name.partition(".{")
    function = inner.removesuffix("}") if brace else name
    kind, bracket, rest = function.partition("]")
    if not bracket:
        return
    short = {"[constructor": f"{rest}.new", "[drop": f"{rest}.drop"}.get(kind, rest)
    long_method = {"[static": f"[method]{rest}"}.get(kind, function)
    for spelled in (short, long_method):
        yield f"{site}.{{{spelled}}}" if brace else spelled


class _ResourceNames:
    """Resources by identity: an alias of a resource that was seen before has its name."""

    def __init__(self) -> None:
        self._seen: list[tuple[wit.ResourceType, str]] = []
        self._imported = 0

    def name_of(self, type: wit.ResourceType, suggested: str) -> str:
        for seen, name in self._seen:
            if seen == type:
                return name
        self._seen.append((type, suggested))
        return suggested

    def end_of_imports(self) -> None:
        self._imported = len(self._seen)

    def imported(self) -> list[str]:
        return list(dict.fromkeys(name for _, name in self._seen[: self._imported]))


def _imported_instances(
    imports: dict[str, ComponentExtern], engine: Engine, names: _ResourceNames
) -> Iterator[ImportedInstance]:
    for name, extern in imports.items():
        if not isinstance(extern.ty, wit.ComponentInstanceType):
            continue  # a bare function or type: calling it traps with its name
        items = extern.ty.exports(engine)
        interface = name.partition("@")[0]
        resources = [
            (item, names.name_of(e.ty, f"{interface}#{item}"))
            for item, e in items.items()
            if isinstance(e.ty, wit.ResourceType)
        ]
        functions = [
            (item, _function_type(f"{name}#{item}", e.ty, names))
            for item, e in items.items()
            if isinstance(e.ty, wit.FuncType)
        ]
        yield ImportedInstance(name, tuple(functions), tuple(resources))
    names.end_of_imports()


def _exported_functions(exports: dict[str, ComponentExtern], engine: Engine, names: _ResourceNames) -> Iterator[Export]:
    for name, extern in exports.items():
        if isinstance(extern.ty, wit.FuncType):
            yield Export(_function_type(name, extern.ty, names), (name,))
        elif isinstance(extern.ty, wit.ComponentInstanceType):
            items = extern.ty.exports(engine)
            for item, e in items.items():
                if isinstance(e.ty, wit.ResourceType):
                    resource = names.name_of(e.ty, f"{name}#{item}")
                    dropped = (Parameter("self", HandleType(resource, True)),)
                    yield Export(FunctionType(f"{name}.{{[drop]{item}}}", dropped, None), ())
            for item, e in items.items():
                if isinstance(e.ty, wit.FuncType):
                    yield Export(_function_type(f"{name}.{{{item}}}", e.ty, names), (name, item))


def _function_type(name: str, type: wit.FuncType, names: _ResourceNames) -> FunctionType:
    if ffi.wasmtime_component_func_type_async(type.ptr()):
        raise ComponentRejected(f"{name} is an async function; components for WASI 0.3 cannot run here yet")
    parameters = tuple(Parameter(p, _wit_type(t, name, names)) for p, t in type.params)
    result = None if type.result is None else _wit_type(type.result, name, names)
    return FunctionType(name, parameters, result)


def _wit_type(type: wit.ValType, where: str, names: _ResourceNames) -> WitType:
    """Return our form of wasmtime's type. Names of records and the like are not in a component's signatures."""

    def convert(part: wit.ValType) -> WitType:
        return _wit_type(part, where, names)

    def maybe(part: wit.ValType | None) -> WitType | None:
        return None if part is None else convert(part)

    if type.__class__ in _PRIMITIVE_CLASSES:
        return _PRIMITIVE_CLASSES[type.__class__]
    match type:
        case wit.ListType():
            return ListType(convert(type.element))
        case wit.OptionType():
            return OptionType(convert(type.payload))
        case wit.ResultType():
            return ResultType(maybe(type.ok), maybe(type.err))
        case wit.TupleType():
            return TupleType(tuple(map(convert, type.elements)))
        case wit.RecordType():
            return RecordType(tuple(Field(n, convert(t)) for n, t in type.fields))
        case wit.VariantType():
            return VariantType(tuple(Case(n, maybe(t)) for n, t in type.cases))
        case wit.EnumType():
            return EnumType(tuple(type.names))
        case wit.FlagsType():
            return FlagsType(tuple(type.names))
        case wit.OwnType() | wit.BorrowType():
            return HandleType(names.name_of(type.ty, f"{where}#resource"), isinstance(type, wit.OwnType))
    kind = type.__class__.__name__.removesuffix("Type").lower()
    raise ComponentRejected(f"{where} uses the type {kind}, which cannot be passed to or from a component here yet")


class Compiler:
    """Compiles components once and keeps the code in `folder`; what it finds in `shared`, it need not compile."""

    def __init__(self, engine: Engine, folder: Path, shared: Path | None = None) -> None:
        self.engine, self._folder, self._shared = engine, folder, shared
        folder.mkdir(parents=True, exist_ok=True)

    def compile(self, wasm: bytes) -> CompiledComponent:
        """Return the compiled component, from the cache where it is whole.

        Raises:
            ComponentRejected: The bytes are not a component that can run here; the text says why.
        """
        check_is_component(wasm)
        name = _code_name(wasm)
        component = self._cached(self._folder / name)
        if component is None:
            code = None if self._shared is None else _whole(self._shared / name)
            try:
                component, code = self._made(wasm, code)
            except (WasmtimeError, ComponentRejected) as error:
                raise ComponentRejected(f"this component cannot run here: {_first_lines(str(error))}") from None
            keep_code(self._folder / name, code)
        return CompiledComponent(self.engine, component)

    def _made(self, wasm: bytes, code: bytes | None) -> tuple[wit.Component, bytes]:
        """Return a component and its code, which may be there already."""
        if code is None and len(wasm) > APART_BYTES:
            code = compile_apart(wasm)
        if code is not None:
            with suppress(WasmtimeError):  # what was found is of another configuration: compile
                return wit.Component.deserialize(self.engine, code), code
        component = wit.Component(self.engine, wasm)
        return component, bytes(component.serialize())

    def _cached(self, path: Path) -> wit.Component | None:
        if _whole(path) is None:
            return None
        try:
            return wit.Component.deserialize_file(self.engine, str(path))
        except WasmtimeError:
            return None  # made by another wasmtime: compile again


def compile_ahead(wasm: bytes, folder: Path) -> None:
    """Have a component's code in a folder that compilers share, made in a process of its own.

    Raises:
        ComponentRejected, BuildFailed: See `compile_apart`.
    """
    path = folder / _code_name(wasm)
    if _whole(path) is None:
        folder.mkdir(parents=True, exist_ok=True)
        keep_code(path, compile_apart(wasm))


def _code_name(wasm: bytes) -> str:
    return f"{hashlib.sha256(wasm).hexdigest()}-{fingerprint()}.cwasm"


def keep_code(path: Path, code: bytes) -> None:
    """Keep compiled code so that it is known whether it is whole."""
    for target, data in ((path, code), (path.with_suffix(".sha256"), hashlib.sha256(code).hexdigest().encode())):
        write_whole(target, data)


def _whole(path: Path) -> bytes | None:
    """Return compiled code that is kept; None where it is not there, or not whole."""
    try:
        wanted, code = path.with_suffix(".sha256").read_text(), path.read_bytes()
    except OSError:
        return None
    return code if hashlib.sha256(code).hexdigest() == wanted else None


def check_runs(wasm: bytes) -> None:
    """Check that wasmtime takes a small component: one that was made here, say.

    Raises:
        ComponentRejected: It does not.
    """
    if len(wasm) > APART_BYTES:
        return  # to compile it takes seconds: whoever runs it will say
    try:
        wit.Component(make_engine(), wasm)
    except WasmtimeError as error:
        cause = str(error).strip().splitlines()[-1].strip()
        raise ComponentRejected(f"the module does not fit its WIT: {cause}") from None


_LAYERS = {
    b"\x01\x00\x00\x00": "a core module, not a component; give its WIT (--wit FILE), or build for wasm32-wasip2",
    b"\x0d\x00\x01\x00": None,
}


def check_is_component(wasm: bytes) -> None:
    """Check the first eight bytes.

    Raises:
        ComponentRejected: They are not those of a component.
    """
    if not wasm:
        raise ComponentRejected("the component is empty")
    if wasm[:4] != b"\0asm":
        hint = "; component text is deployed as a .wat file or with --lang wat" if wasm.lstrip()[:1] == b"(" else ""
        raise ComponentRejected(f"not WebAssembly: the first bytes are {wasm[:4].hex(' ')}{hint}")
    what = _LAYERS.get(wasm[4:8], "of a component format from before the standard; build it anew with current tools")
    if what is not None:
        raise ComponentRejected(f"this WebAssembly is {what}")


def _first_lines(text: str) -> str:
    lines: Sequence[str] = [line.strip() for line in text.splitlines() if line.strip()]
    return "; ".join(lines[:3])
