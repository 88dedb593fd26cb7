"""The value codec over wasmtime-py's own conversion: slower, and the fall-back where the raw one's self-test fails.

How this works: wasmtime-py gives a bare payload for a variant whose cases have different Python classes, and forgets
which case it was. So values are turned into its forms, and back, along its own types; it wraps integers, so they are
checked on the way in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wasmtime import Store, StoreContext, WasmtimeError
from wasmtime.component import Func, LinkerInstance, ResourceAny, ResourceHost, ResourceType, Variant
from wasmtime.component._types import Record

from golem_nb.values.check import check_value
from golem_nb.values.types import (
    U8,
    EnumType,
    FlagsType,
    FunctionType,
    HandleType,
    ListType,
    OptionType,
    PrimitiveType,
    RecordType,
    ResultType,
    Some,
    TupleType,
    VariantType,
    WitType,
)
from golem_nb.wasm.abi.backend import Call, Handler, Keep, current, raise_parked
from golem_nb.wasm.abi.codec import Frame, ResourceIds

Cases = Mapping[str, WitType | None]
Class = type[Any]


class HostTrap(Exception):
    """Stands in for the exception parked on the frame while wasm unwinds."""


class StockBackend:
    """See `golem_nb.wasm.abi.backend.Backend`."""

    name = "stock"

    def define_function(
        self,
        instance: LinkerInstance,
        name: str,
        signature: FunctionType,
        handler: Handler,
        resources: ResourceIds,
        keep: Keep,
    ) -> None:
        def callback(store: StoreContext, *arguments: Any) -> Any:
            frame = current.frame
            try:
                convert = _Conversion(frame, store, resources)
                pairs = zip(signature.parameters, arguments, strict=True)
                value = handler(frame, [convert.to_ours(p.type, a) for p, a in pairs])
                return None if signature.result is None else convert.to_theirs(signature.result, value)
            except BaseException as error:  # may not pass through wasm: the caller of the export raises it
                frame.pending = error
                raise HostTrap from None

        instance.add_func(name, callback)

    def define_resource(
        self, instance: LinkerInstance, name: str, type: ResourceType, dropped: Callable[[Frame, int], None], keep: Keep
    ) -> None:
        def callback(store: StoreContext, rep: int) -> None:
            frame = current.frame
            try:
                dropped(frame, rep)
            except BaseException as error:  # as above
                frame.pending = error
                raise HostTrap from None

        instance.add_resource(name, type, callback)

    def export(
        self, store: Store, function: Func, signature: FunctionType, resources: ResourceIds, frame: Frame
    ) -> Call:
        def call(arguments: Sequence[Any]) -> Any:
            convert = _Conversion(frame, store, resources)
            pairs = zip(signature.parameters, arguments, strict=True)
            theirs = [convert.to_theirs(p.type, a) for p, a in pairs]
            try:
                value = function(store, *theirs)
            except (WasmtimeError, HostTrap) as trap:
                raise_parked(frame, trap)
            return None if signature.result is None else convert.to_ours(signature.result, value)

        return call

    def drop_guest_handle(self, store: Store, frame: Frame, pointer: ResourceAny) -> None:
        try:
            pointer.drop(store)
        except (WasmtimeError, HostTrap) as trap:
            raise_parked(frame, trap)


class _Conversion:
    """Between our values and wasmtime-py's, for one call."""

    def __init__(self, frame: Frame, store: Any, resources: ResourceIds) -> None:
        self.frame, self.store, self.resources = frame, store, resources

    def to_ours(self, type: WitType, value: Any) -> Any:
        match type:
            case ListType(element) if element != U8:
                return [self.to_ours(element, v) for v in value]
            case TupleType(items):
                return tuple(self.to_ours(t, v) for t, v in zip(items, value, strict=True))
            case RecordType(fields):
                return {f.name: self.to_ours(f.type, getattr(value, f.name)) for f in fields}
            case VariantType(cases):
                return self._case({c.name: c.type for c in cases}, value)
            case ResultType(ok, err):
                return self._case({"ok": ok, "err": err}, value)
            case OptionType(payload):
                case, inner = self._case({"none": None, "some": payload}, value)
                return None if case == "none" else Some(inner) if isinstance(payload, OptionType) else inner
            case FlagsType():
                return frozenset(value)
            case HandleType(resource, owned):
                if resource not in self.resources:
                    return self.frame.guest_handles.lift(value, resource)
                rep = value.to_host(self.store).rep
                return self.frame.table.take(rep) if owned else self.frame.table.get(rep)
        return value

    def to_theirs(self, type: WitType, value: Any) -> Any:
        match type:
            case PrimitiveType(name):
                check_value(type, value)
                return float(value) if name in ("f32", "f64") else value
            case ListType(element) if element != U8:
                return [self.to_theirs(element, v) for v in value]
            case TupleType(items):
                return tuple(self.to_theirs(t, v) for t, v in zip(items, value, strict=True))
            case RecordType(fields):
                made = Record()
                for f in fields:
                    setattr(made, f.name, self.to_theirs(f.type, value[f.name]))
                return made
            case VariantType(cases):
                return self._their_case({c.name: c.type for c in cases}, value)
            case ResultType(ok, err):
                return self._their_case({"ok": ok, "err": err}, value)
            case OptionType(payload):
                inner = value.value if isinstance(value, Some) else value
                return self._their_case({"none": None, "some": payload}, ("none" if value is None else "some", inner))
            case FlagsType():
                return set(value)
            case HandleType(resource, owned):
                if resource not in self.resources:
                    handles = self.frame.guest_handles
                    return handles.take(value) if owned else handles.lower(value)
                rep, number = self.frame.table.push(value), self.resources[resource]
                return ResourceHost.own(rep, number) if owned else ResourceHost.borrow(rep, number)
        return value

    def _case(self, cases: Cases, value: Any) -> tuple[str, Any]:
        if _is_tagged(cases):
            case, payload = value.tag, value.payload
        else:  # bare: the classes of the cases differ, so one fits
            fits = (
                c for c, t in cases.items() if (value is None if t is None else isinstance(value, tuple(_classes(t))))
            )
            case, payload = next(fits), value
        type = cases[case]
        return case, None if type is None else self.to_ours(type, payload)

    def _their_case(self, cases: Cases, value: tuple[str, Any]) -> Any:
        case, payload = value
        type = cases[case]
        theirs = None if type is None else self.to_theirs(type, payload)
        return Variant(case, theirs) if _is_tagged(cases) else theirs


def _is_tagged(cases: Cases) -> bool:
    """Does wasmtime-py keep the name of the case? Only where the classes of two cases meet."""
    seen: set[Class] = set()
    for case in cases.values():
        classes = _classes(case)
        if classes & seen:
            return True
        seen |= classes
    return False


def _fits(type: WitType | None, value: Any) -> bool:
    return value is None if type is None else isinstance(value, tuple(_classes(type)))


def _classes(type: WitType | None) -> set[Class]:
    """Return the Python classes that wasmtime-py may make of a type."""
    match type:
        case None:
            return {object}
        case PrimitiveType("bool"):
            return {bool}
        case PrimitiveType("f32" | "f64"):
            return {float}
        case PrimitiveType("char" | "string") | EnumType():
            return {str}
        case PrimitiveType():
            return {int}
        case ListType(element):
            return {bytes} if element == U8 else {list}
        case TupleType():
            return {tuple}
        case RecordType():
            return {Record}
        case FlagsType():
            return {set}
        case HandleType():
            return {ResourceAny, ResourceHost}
        case VariantType(cases):
            return _classes_of_cases({c.name: c.type for c in cases})
        case ResultType(ok, err):
            return _classes_of_cases({"ok": ok, "err": err})
        case OptionType(payload):
            return _classes_of_cases({"none": None, "some": payload})
    raise TypeError(type)


def _classes_of_cases(cases: Cases) -> set[Class]:
    return {Variant} if _is_tagged(cases) else set().union(*map(_classes, cases.values()))
