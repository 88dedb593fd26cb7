"""Dynamic linking: clients of other components that a component imports, and that are made here. Source: SEMANTICS 5.8.

How this works: an imported instance that the component's metadata declares as a client has resources that stand for an
interface of another component (stubs), for a resource there (resource stubs), and for results that are there later
(futures). Which is which follows from their functions; the functions' names say how the call is made. Nothing is
recorded here: every call goes by `golem_rpc`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from golem_nb.errors import ComponentRejected
from golem_nb.host.context import HostContext
from golem_nb.host.declare import Resource, Trap, Value, WitError
from golem_nb.host.golem_host import worker_from_value
from golem_nb.host.golem_rpc import CancellationToken, Connection, PendingResult, Result, unique_name
from golem_nb.host.io import Pollable
from golem_nb.model import ComponentType, LinkTarget, WorkerId
from golem_nb.values.nodes import nodes_from_value, value_from_nodes
from golem_nb.values.types import (
    FunctionType,
    Handle,
    HandleType,
    ListType,
    OptionType,
    RecordType,
    ResultType,
    Some,
    TupleType,
    VariantType,
    WitType,
    has_handles,
)

Stubbed = Callable[[HostContext, list[Any]], Any]
_NOBODY = WorkerId.parse("00000000-0000-0000-0000-000000000000/")


def _function(target: LinkTarget, name: str) -> str:
    """Return the spelling of a function there; without an interface, of one that the component itself exports."""
    return f"{target.interface}.{{{name}}}" if "/" in target.interface else name


class Stub(Resource):
    """A worker of another component, seen through one of its interfaces."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def dropped(self) -> None:
        self.connection.close()


class ResourceStub(Resource):
    """A resource of a worker's. `uri` and `id` are those of its handle there."""

    def __init__(self, connection: Connection, target: LinkTarget, resource: str, handle: Handle) -> None:
        self.connection, self._target, self._resource = connection, target, resource
        self.uri, self.id = handle.uri, handle.id

    def dropped(self) -> None:
        handle = nodes_from_value(HandleType(self._resource, True), self)
        _awaited(self.connection, _function(self._target, f"[drop]{self._resource}"), [handle])
        self.connection.close()


class Future(Resource):
    def __init__(self, worker: HostContext, pending: PendingResult) -> None:
        self.worker, self.pending = worker, pending

    def dropped(self) -> None:
        self.pending.abandon()


class Client:
    """One imported instance that is a client; `targets` says what its resources stand for."""

    def __init__(
        self,
        name: str,
        targets: Mapping[str, LinkTarget],
        functions: Iterable[tuple[str, FunctionType]],
    ) -> None:
        self._name, self._targets, self._functions = name, targets, dict(functions)

    def function(self, name: str, signature: FunctionType) -> Stubbed | None:
        """Return what answers an imported function; None where it is none of a client's.

        Raises:
            ComponentRejected: The metadata names no target for its resource.
        """
        kind, _, rest = name.removeprefix("[").partition("]")
        resource, _, method = rest.partition(".")
        if not rest or resource == "pollable":
            return None
        if self._is_future(resource):
            return self._future_function(method, signature)
        target = self._targets.get(resource)
        if target is None:
            raise ComponentRejected(
                f"the dynamic linking of {self._name} names no target for its resource {resource}; it has "
                f"{', '.join(sorted(self._targets)) or 'none'}"
            )
        types = [p.type for p in signature.parameters]
        if kind == "constructor":
            return self._constructor(target, resource, types)
        if kind == "static":
            return lambda worker, given: Stub(Connection(worker, worker_from_value(given[0])))
        return self._method(target, resource, method, signature)

    def _is_future(self, resource: str) -> bool:
        of_it = {name.partition(".")[2] for name in self._functions if name.startswith(f"[method]{resource}.")}
        is_made = f"[constructor]{resource}" in self._functions
        return resource.startswith("future-") and not is_made and of_it == {"subscribe", "get"}

    def _future_function(self, method: str, signature: FunctionType) -> Stubbed:
        if method == "subscribe":
            return lambda worker, given: Pollable(worker, given[0].pending)
        payload = signature.result.payload if isinstance(signature.result, OptionType) else None
        result = self._result

        def get(worker: HostContext, given: list[Any]) -> Value:
            case, outcome = given[0].pending.get()
            if case == "pending":
                return None
            side, value = outcome
            if side == "err":
                raise Trap(f"{value[0]}: {value[1]}")
            return None if payload is None else result(worker, payload, value)

        return get

    def _is_stub(self, resource: str, target: LinkTarget) -> bool:
        return "/" not in target.interface or target.interface.partition("@")[0].endswith(f"/{resource}")

    def _constructor(self, target: LinkTarget, resource: str, types: Sequence[WitType]) -> Stubbed:
        def connected(worker: HostContext, given: list[Any]) -> tuple[Connection, list[Any]]:
            if target.type is ComponentType.EPHEMERAL:
                return Connection(worker, _worker_of(worker, target, unique_name(worker))), given
            return Connection(worker, _worker_of(worker, target, given[0])), given[1:]

        if self._is_stub(resource, target):
            return lambda worker, given: Stub(connected(worker, given)[0])
        own = types if target.type is ComponentType.EPHEMERAL else types[1:]

        def construct(worker: HostContext, given: list[Any]) -> ResourceStub:
            connection, arguments = connected(worker, given)
            made = _awaited(connection, _function(target, f"[constructor]{resource}"), _nodes(own, arguments))
            if made is None or not isinstance(made.value, Handle):
                raise Trap(f"{_function(target, f'[constructor]{resource}')} gives no handle")
            return ResourceStub(connection, target, resource, made.value)

        return construct

    def _method(self, target: LinkTarget, resource: str, method: str, signature: FunctionType) -> Stubbed:
        types = [p.type for p in signature.parameters][1:]
        result, is_stub, converted = signature.result, self._is_stub(resource, target), self._result
        is_blocking = method.startswith("blocking-")
        is_scheduled = method.startswith("schedule-") and isinstance(result, HandleType) and "token" in result.resource
        name = method.removeprefix("blocking-") if is_blocking else method
        name = name.removeprefix("schedule-") if is_scheduled else name
        function = _function(target, name if is_stub else f"[method]{resource}.{name}")

        def arguments(on: Any, given: list[Any], count: int) -> list[Value]:
            own = _nodes(types[:count], given[:count])
            return own if is_stub else [nodes_from_value(HandleType(resource, False), on), *own]

        def call(worker: HostContext, given: list[Any]) -> Any:
            on, *rest = given
            connection: Connection = on.connection
            if is_scheduled:
                made = connection.schedule(function, arguments(on, rest, len(rest) - 1), rest[-1])
                return CancellationToken(worker, made)
            params = arguments(on, rest, len(rest))
            if is_blocking:
                found = _awaited(connection, function, params)
                return None if result is None else converted(worker, result, found)
            if result is not None:
                return Future(worker, connection.begin(function, params))
            try:
                connection.invoke(function, params)
            except WitError as error:
                raise Trap(f"{error.payload[0]}: {error.payload[1]}") from error
            return None

        return call

    def _result(self, worker: HostContext, type: WitType, found: Result) -> Value:
        """Return a result as a value of the type that the component declares."""
        if found is None or found.type is None:
            raise Trap("the function that was called gives no result, where the component expects one")
        if found.type == type:
            return found.value
        value = value_from_nodes(type, nodes_from_value(found.type, found.value), "result")
        return (
            _with_stubs(type, value, lambda t, handle: self._stub_of(worker, t, handle)) if has_handles(type) else value
        )

    def _stub_of(self, worker: HostContext, type: HandleType, handle: Handle) -> ResourceStub:
        name = type.resource.rpartition("#")[2]
        target = self._targets.get(name)
        if target is None:
            raise Trap(f"the dynamic linking of {self._name} names no target for its resource {name}")
        owner = WorkerId.parse(handle.uri.removeprefix("urn:worker:"))
        return ResourceStub(Connection(worker, owner), target, name, handle)


def _nodes(types: Sequence[WitType], values: Sequence[Any]) -> list[Value]:
    return [nodes_from_value(type, value) for type, value in zip(types, values, strict=True)]


def _worker_of(worker: HostContext, target: LinkTarget, name: str) -> WorkerId:
    component_id = worker.peers.resolve_component(target.component)
    if component_id is not None:
        return WorkerId(component_id, name)
    if worker.is_live:
        raise Trap(f"there is no component {target.component} in this environment, which is linked dynamically")
    return _NOBODY  # it is gone; what it answered is recorded


def _awaited(connection: Connection, function: str, params: Sequence[Value]) -> Result:
    try:
        return connection.invoke_and_await(function, params)
    except WitError as error:
        raise Trap(f"{function}: {error.payload[0]}: {error.payload[1]}") from error


def _with_stubs(type: WitType, value: Any, stub: Callable[[HandleType, Handle], ResourceStub]) -> Any:
    """Return a value with a stub in place of each handle."""

    def convert(part: WitType, of: Any) -> Any:
        return _with_stubs(part, of, stub)

    match type:
        case HandleType():
            return stub(type, value)
        case ListType(element):
            return [convert(element, item) for item in value]
        case TupleType(items):
            return tuple(convert(item, part) for item, part in zip(items, value, strict=True))
        case RecordType(fields):
            return {field.name: convert(field.type, value[field.name]) for field in fields}
        case OptionType(payload):
            if value is None:
                return None
            return Some(convert(payload, value.value)) if isinstance(value, Some) else convert(payload, value)
        case ResultType(ok, err):
            side = ok if value[0] == "ok" else err
            return value[0], None if side is None else convert(side, value[1])
        case VariantType(cases):
            of_case = next(case.type for case in cases if case.name == value[0])
            return value[0], None if of_case is None else convert(of_case, value[1])
        case _:
            return value
