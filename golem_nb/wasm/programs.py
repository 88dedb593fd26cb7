"""Programs: to the engine components like others, with the program's own exports.

The runtime is a component that takes source and gives JSON (see authoring/guest/world.wit); all programs share it,
compiled and linked. What a program exports is told when it is taken in.

A typed program has a component to itself (see authoring/typed.py), and in it the same description; its exports ask to
be called with what WIT can say, and an interface of their own tells the rest (see authoring/guest/typed_world.wit).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

from golem_nb.errors import ComponentRejected, FunctionNotFound, ValueMismatch
from golem_nb.model import LogLevel
from golem_nb.values.json import json_from_value, type_from_json, value_from_json
from golem_nb.values.types import BYTES, STRING, FunctionType, OptionType, Parameter, ResultType, TypedValue, WitType
from golem_nb.wasm.components import CompiledComponent, Export
from golem_nb.wasm.instance import GuestTrap, Instance, StoppableHost, TrapKind
from golem_nb.wasm.link import LinkedComponent
from golem_nb.wasm.sections import custom_content

RUNTIME = "golem-nb:python/program@1.0.0"
SAVE, LOAD = "golem:api/save-snapshot@1.1.7.{save}", "golem:api/load-snapshot@1.1.7.{load}"
OUTCOMES = "golem-nb:python/outcomes@1.0.0"
TYPED_SECTION = b"golem-nb:typed"
RESTORING = "golem_nb"  # the context of lines that tell what a program's memory has lost
# Every program can be saved and restored.
_SNAPSHOTS = (
    FunctionType(SAVE, (), BYTES),
    FunctionType(LOAD, (Parameter("bytes", BYTES),), ResultType(None, STRING)),
)


class Raised(Exception):
    """An exception came out of a program; `str` is what it shows, with the program's own lines."""


class ProgramComponent(CompiledComponent):
    """The exports of a program that is described, in a component whose own exports are others."""

    def __init__(self, own: CompiledComponent, description: Sequence[Mapping[str, Any]]) -> None:
        self.component, self.imports, self.resource_ids = own.component, own.imports, own.resource_ids
        types = [_function_type(function) for function in description]
        self._exports = {type.name: Export(type, ()) for type in (*types, *_SNAPSHOTS)}
        self._dynamic = {function["name"] for function in description if function["is_dynamic"]}
        self._aliases = _aliases([type.name for type in types])

    @property
    def functions(self) -> tuple[FunctionType, ...]:
        return (*self.exports, *_SNAPSHOTS)

    @property
    def exports(self) -> tuple[FunctionType, ...]:
        return tuple(export.type for export in self._exports.values() if export.type not in _SNAPSHOTS)

    def export(self, name: str) -> Export:
        spelled = name.replace(" ", "")
        # Python's `next_` is `next` here.
        kebab = re.sub(r"-+(?=\}?$)", "", spelled.replace("_", "-"))
        export = self._exports.get(self._aliases.get(kebab, spelled))
        if export is None:
            raise FunctionNotFound(name, get_close_matches(name, self._aliases, 2))
        return export

    def is_dynamic(self, name: str) -> bool:
        """Has the function's result the type of its value?"""
        return name in self._dynamic


class TypedComponent(ProgramComponent):
    """A typed program. `own` has its exports as WIT has them."""

    def __init__(self, own: CompiledComponent, description: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(own, description)
        self.own = own
        for function in ("attach", "take"):
            found = own.export(f"{OUTCOMES}.{{{function}}}").type
            if found.parameters or found.result != STRING:
                raise ComponentRejected(f"{found.name} is not a function without parameters that returns a string")
        for type in self.exports:
            self._check(type)

    def _check(self, type: FunctionType) -> None:
        """See that the component has a function that is described."""
        own = self.own.export(type.name).type
        result = STRING if self.is_dynamic(type.name) else type.result
        given = [p.type if p.default is None else _optional(p.type) for p in type.parameters]
        if [p.type for p in own.parameters] != given or own.result != result:
            raise ComponentRejected(f"{type.name} is not of the type that this component says it is of")


class LinkedProgram(LinkedComponent):
    """A program, with its runtime's imports defined."""

    compiled: ProgramComponent

    def __init__(self, runtime: LinkedComponent, text: str, description: Sequence[Mapping[str, Any]]) -> None:
        self.engine, self.backend, self.linker, self.unknown = (
            runtime.engine,
            runtime.backend,
            runtime.linker,
            runtime.unknown,
        )
        self.runtime, self.text = runtime, text
        self.compiled = ProgramComponent(runtime.compiled, description)


class ProgramInstance(Instance):
    """A runtime with a program in it."""

    def __init__(self, linked: LinkedProgram, host: StoppableHost, *, memory_limit_bytes: int | None = None) -> None:
        """Take the program in, which runs its module.

        Raises:
            GuestTrap: That raised an exception.
        """
        super().__init__(linked, host, memory_limit_bytes=memory_limit_bytes)
        self._program = linked
        try:
            self._runtime("load", linked.text)
        except Raised as error:
            self.close()
            raise GuestTrap(TrapKind.OTHER, str(error)) from None
        except BaseException:
            self.close()
            raise

    def call(self, export: Export, arguments: Sequence[Any]) -> Any:
        """Call a function of the program.

        Raises:
            Raised: An exception came out of it.
            GuestTrap: It asked for the end of the instance.
        """
        name = export.type.name
        if name == SAVE:
            return self._runtime("save")
        if name == LOAD:
            return self._restored(arguments[0])
        given = [json_from_value(p.type, v) for p, v in zip(export.type.parameters, arguments, strict=True)]
        answer = json.loads(self._runtime("call", name, json.dumps(given)))
        try:
            if self._program.compiled.is_dynamic(name):
                return _dynamic(answer)
            return None if export.type.result is None else value_from_json(export.type.result, answer)
        except ValueMismatch as error:  # what no answer can be, as a text with half a surrogate
            raise Raised(f"the result cannot be given: {error}") from None

    def _restored(self, data: bytes) -> tuple[str, Any]:
        try:
            lost: list[str] = json.loads(self._runtime("restore", data))
        except Raised as error:
            return "err", str(error)
        _tell_lost(self, lost)
        return "ok", None

    def _runtime(self, function: str, *arguments: Any) -> Any:
        """Call a function of the runtime."""
        export = self._program.runtime.compiled.export(f"{RUNTIME}.{{{function}}}")
        case, value = super().call(export, arguments)
        if case == "ok":
            return value
        _raise(value if isinstance(value, dict) else {"kind": "raised", "message": value})


class TypedInstance(Instance):
    """A typed program, taken in."""

    def __init__(self, linked: LinkedComponent, host: StoppableHost, *, memory_limit_bytes: int | None = None) -> None:
        """Take the program in, which runs its module.

        Raises:
            GuestTrap: That raised an exception.
        """
        assert isinstance(linked.compiled, TypedComponent)
        super().__init__(linked, host, memory_limit_bytes=memory_limit_bytes)
        self._program = linked.compiled
        try:
            failure = self._outcome("attach")
        except BaseException:
            self.close()
            raise
        if failure:
            self.close()
            raise GuestTrap(TrapKind.OTHER, failure["message"])

    def call(self, export: Export, arguments: Sequence[Any]) -> Any:
        """Call a function of the program.

        Raises:
            Raised: An exception came out of it.
            GuestTrap: It asked for the end of the instance.
        """
        name = export.type.name
        value = super().call(self._program.own.export(name), arguments)
        if name == SAVE:
            return value
        outcome = self._outcome("take")
        if name == LOAD:
            _tell_lost(self, outcome.get("lost", []))
            return value
        if "kind" in outcome:
            _raise(outcome)
        if not self._program.is_dynamic(name):
            return value
        return _dynamic(outcome)

    def _outcome(self, function: str) -> dict[str, Any]:
        text = super().call(self._program.own.export(f"{OUTCOMES}.{{{function}}}"), [])
        found: dict[str, Any] = json.loads(text) if text else {}
        return found


def new_instance(linked: LinkedComponent, host: StoppableHost, *, memory_limit_bytes: int | None = None) -> Instance:
    """Return an instance of a component, or of a program's runtime with the program in it; this may run their code.

    Raises:
        GuestTrap: That code trapped, or raised an exception.
    """
    if isinstance(linked, LinkedProgram):
        return ProgramInstance(linked, host, memory_limit_bytes=memory_limit_bytes)
    if isinstance(linked.compiled, TypedComponent):
        return TypedInstance(linked, host, memory_limit_bytes=memory_limit_bytes)
    return Instance(linked, host, memory_limit_bytes=memory_limit_bytes)


def describe(runtime: LinkedComponent, text: str, host: StoppableHost) -> list[dict[str, Any]]:
    """Take a program in, and return what it exports.

    Raises:
        Raised: It is none, or fails.
    """
    instance = Instance(runtime, host)
    try:
        case, value = instance.call(runtime.compiled.export(f"{RUNTIME}.{{load}}"), [text])
    finally:
        instance.close()
    if case == "err":
        raise Raised(value["message"])
    found: list[dict[str, Any]] = json.loads(value)
    return found


def described_component(wasm: bytes, compiled: CompiledComponent) -> CompiledComponent:
    """Return the exports of a typed program as they are described; of another component, its own.

    Raises:
        ComponentRejected: The description is not that of the component.
    """
    text = custom_content(wasm, TYPED_SECTION)
    if text is None:
        return compiled
    try:
        return TypedComponent(compiled, _checked(json.loads(text)))
    except (ValueError, KeyError, TypeError, AttributeError, FunctionNotFound) as error:
        raise ComponentRejected(f"the description in this component cannot be read: {error!r}") from None


def _tell_lost(instance: Instance, lost: Sequence[str]) -> None:
    """Tell what a program could not carry over from a snapshot."""
    instance.lost = [f"not carried over: {text}" for text in lost]
    for text in instance.lost:
        instance.host.context.emit(LogLevel.WARN, RESTORING, text)


def _optional(type: WitType) -> WitType:
    return type if isinstance(type, OptionType) else OptionType(type)


def _dynamic(answer: Mapping[str, Any]) -> TypedValue:
    """Return a result that comes with its type."""
    typ = answer["typ"]
    type = None if typ is None else type_from_json(typ)
    return TypedValue(type, None if type is None else value_from_json(type, answer["value"]))


def _raise(failure: Mapping[str, str]) -> NoReturn:
    if failure["kind"] == "raised":
        raise Raised(failure["message"])
    raise GuestTrap(TrapKind.GIVEN_UP if failure["kind"] == "fail" else TrapKind.OTHER, failure["message"])


def _checked(description: Any) -> list[Mapping[str, Any]]:
    """See that a description that came from outside has texts where texts are shown.

    Raises:
        TypeError, KeyError: It has not.
    """
    for function in description:
        texts = [function["name"], function["docs"], *(p["name"] for p in function["parameters"])]
        truths = [function["is_dynamic"], *(p["is_json"] for p in function["parameters"])]
        if not all(isinstance(text, str) for text in texts) or not all(isinstance(truth, bool) for truth in truths):
            raise TypeError(f"a name is no text, or a mark neither true nor false, in {function!r:.200}")
    found: list[Mapping[str, Any]] = description
    return found


def _function_type(function: Mapping[str, Any]) -> FunctionType:
    parameters = tuple(
        Parameter(
            p["name"], type_from_json(p["typ"]), p["is_json"], json.dumps(p["default"]) if "default" in p else None
        )
        for p in function["parameters"]
    )
    result = None if function["result"] is None else type_from_json(function["result"])
    return FunctionType(function["name"], parameters, result, function["docs"])


def _aliases(names: Sequence[str]) -> dict[str, str]:
    """Return the other spellings of functions: `counter.{add}`, `counter.add`, and `add` where one has that name."""
    found: dict[str, str] = {}
    short: dict[str, list[str]] = {}
    for name in names:
        site, _, function = name.rpartition("/")[2].removesuffix("}").partition(".{")
        found[f"{site}.{{{function}}}"] = found[f"{site}.{function}"] = name
        short.setdefault(function, []).append(name)
    return found | {function: of[0] for function, of in short.items() if len(of) == 1}
