"""Define a component's imports from the table of host functions, typed by the component itself.

One `LinkedComponent` serves all instances of a component version. Which instance is calling is found on the thread
(`abi.backend.current`). Nothing but a value may leave a host function towards wasm: exceptions are parked on the frame
(the backends see to it) and raised again by whoever called the export.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, cast

from wasmtime import Engine
from wasmtime.component import Linker, ResourceType

from golem_nb.host.context import HostContext
from golem_nb.host.declare import FUNCTIONS, INTERFACES, HostFunction, Interface, Trap, WitError
from golem_nb.host.rpc_stubs import Client
from golem_nb.model import LinkTarget
from golem_nb.values.types import FunctionType, ResultType, TypedValue, WitType
from golem_nb.wasm.abi.backend import Backend, Handler
from golem_nb.wasm.abi.codec import Frame
from golem_nb.wasm.components import CompiledComponent, ImportedInstance

DynamicLinking = Mapping[str, Mapping[str, LinkTarget]]
"""For an imported instance, by its name: what each of its resources stands for. Source: SEMANTICS 5.8."""
NO_CLIENTS: DynamicLinking = {}


class Host(Protocol):
    """Who answers an instance's imports."""

    context: HostContext

    def interface(self, kind: type[Interface]) -> Interface:
        """Return this instance's object for the free functions of an interface."""

    def call(self, function: HostFunction, target: Any, arguments: dict[str, Any]) -> Any:
        """Answer one call: run the function, or what the oplog says.

        Raises:
            WitError: The `err` side of the function's result.
        """


class HostFrame(Frame, Protocol):
    host: Host


class LinkedComponent:
    """A component version with its imports defined; shared by all its instances."""

    def __init__(
        self, engine: Engine, backend: Backend, compiled: CompiledComponent, clients: DynamicLinking = NO_CLIENTS
    ) -> None:
        """`clients` names the imported instances that are clients of other components, and what they stand for."""
        self.engine, self.backend, self.compiled = engine, backend, compiled
        self._clients = clients
        self.linker = Linker(engine)
        self.unknown: list[str] = []
        """Imported functions that we do not have; calling one traps with its name."""
        self._kept: list[object] = []
        self._define_imports()

    def _define_imports(self) -> None:
        resource_ids, keep = self.compiled.resource_ids, self._kept.append
        with self.linker.root() as root:
            for imported in self.compiled.imports:
                client = self._client(imported)
                with root.add_instance(imported.name) as instance:
                    for name, resource in imported.resources:
                        type = ResourceType.host(resource_ids[resource])
                        self.backend.define_resource(instance, name, type, _dropped, keep)
                    for name, signature in imported.functions:
                        handler = _client_handler(client, name, signature) if client else None
                        handler = handler or _handler(f"{imported.interface}#{name}", signature)
                        if handler is None:
                            self.unknown.append(signature.name)
                            handler = _missing(signature.name)
                        self.backend.define_function(instance, name, signature, handler, resource_ids, keep)
        self.linker.define_unknown_imports_as_traps(self.compiled.component)

    def _client(self, imported: ImportedInstance) -> Client | None:
        targets = self._clients.get(imported.name) or self._clients.get(imported.interface)
        if targets is None:
            return None
        return Client(imported.name, targets, imported.functions)


def _client_handler(client: Client, name: str, signature: FunctionType) -> Handler | None:
    answer = client.function(name, signature)
    return None if answer is None else lambda frame, arguments: answer(cast(HostFrame, frame).host.context, arguments)


def _dropped(frame: Frame, rep: int) -> None:
    frame.table.drop(rep)


# Why there will be none of these here, and what to do instead.
_ABSENT = {
    "golem:rdbms": "there are no databases here; keep data in the worker, in wasi:keyvalue, or behind an HTTP service",
    "golem:agent": "the agents of Golem 1.3 and later are not run here; export functions of your own",
}


def _missing(name: str) -> Handler:
    reason = next((f": {why}" for package, why in _ABSENT.items() if name.startswith(f"{package}/")), "")

    def missing(frame: Frame, arguments: list[Any]) -> Any:
        raise Trap(f"the component called {name}, which this engine does not have{reason}")

    return missing


def _handler(key: str, signature: FunctionType) -> Handler | None:
    row = FUNCTIONS.get(key)
    if row is None:
        return None
    call = _caller(key, row, len(signature.parameters) + row.with_result_type)
    if call is None:
        return None
    if row.with_result_type:
        call = _with_result_type(call, signature.result)
    if row.with_types:
        call = _with_types(call, [p.type for p in signature.parameters])
    if not isinstance(signature.result, ResultType):
        return call

    def with_result(frame: Any, arguments: list[Any]) -> tuple[str, Any]:
        try:
            return "ok", call(frame, arguments)
        except WitError as error:
            return "err", error.payload

    return with_result


def _with_types(call: Handler, types: Sequence[WitType]) -> Handler:
    def typed(frame: Frame, arguments: list[Any]) -> Any:
        return call(frame, [TypedValue(type, value) for type, value in zip(types, arguments, strict=True)])

    return typed


def _with_result_type(call: Handler, type: WitType | None) -> Handler:
    return lambda frame, arguments: call(frame, [*arguments, type])


def _caller(key: str, row: HostFunction, count: int) -> Callable[[Any, list[Any]], Any] | None:
    """Return what finds the target of a call: an object, the worker, or the interface.

    None where the component gives another number of arguments: it means another function of that name.
    """
    is_method, names = "[method]" in key, row.parameters
    if count != len(names) + is_method:
        return None
    if is_method:
        name = row.__name__
        # The object's own class decides: the stream of a file and that of the network are one WIT resource.
        return lambda frame, args: frame.host.call(
            getattr(type(args[0]), name), args[0], dict(zip(names, args[1:], strict=True))
        )
    if row.static:
        return lambda frame, args: frame.host.call(row, frame.host.context, dict(zip(names, args, strict=True)))
    kind = INTERFACES[key.partition("#")[0]]
    return lambda frame, args: frame.host.call(row, frame.host.interface(kind), dict(zip(names, args, strict=True)))
