"""The codec's examination at start: one value of every kind out and back, and resources in every position.

A small component imports `echo` and resources from the host and exports them again, so that each value passes the
encoder and the decoder of both directions. Golem_nb is certified for one major of wasmtime; where a platform's C layout
differs, this finds it before a user's value is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wasmtime import Engine, Store
from wasmtime.component import Component, Linker, ResourceType

from golem_nb.host.declare import ResourceTable
from golem_nb.values.types import (
    BOOL,
    BYTES,
    CHAR,
    F32,
    F64,
    S8,
    S16,
    S32,
    S64,
    STRING,
    U8,
    U16,
    U32,
    U64,
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
    Some,
    TupleType,
    VariantType,
)
from golem_nb.wasm.abi.backend import Backend, Call, Handler, current
from golem_nb.wasm.abi.codec import Frame, GuestHandles

TEXT = """
(component
  (import "host" (instance $host
    (type $shape' (variant (case "point") (case "circle" f64)))
    (export "shape" (type $shape (eq $shape')))
    (type $colour' (enum "red" "dark-blue"))
    (export "colour" (type $colour (eq $colour')))
    (type $rights' (flags "read" "write" "run"))
    (export "rights" (type $rights (eq $rights')))
    (type $pair' (record (field "first-name" string) (field "age" u8)))
    (export "pair" (type $pair (eq $pair')))
    (type $every' (record
      (field "bool" bool) (field "s8" s8) (field "u8" u8) (field "s16" s16) (field "u16" u16) (field "s32" s32)
      (field "u32" u32) (field "s64" s64) (field "u64" u64) (field "f32" f32) (field "f64" f64) (field "char" char)
      (field "string" string) (field "bytes" (list u8)) (field "numbers" (list u16)) (field "texts" (list string))
      (field "tuple" (tuple u8 string)) (field "shape" $shape) (field "no-shape" $shape) (field "colour" $colour)
      (field "rights" $rights) (field "pair" $pair) (field "none" (option string)) (field "some" (option string))
      (field "nested" (option (option u32))) (field "ok" (result u32 (error string)))
      (field "err" (result u32 (error string))) (field "unit" (result)) (field "half" (result (error string)))))
    (export "every" (type $every (eq $every')))
    (export "echo" (func (param "value" $every) (result $every)))
    (export "thing" (type $thing (sub resource)))
    (export "make" (func (param "weight" u32) (result (own $thing))))
    (export "[method]thing.with" (func (param "self" (borrow $thing)) (param "other" (borrow $thing)) (result u32)))
    (export "all" (func (param "things" (list (borrow $thing))) (result u32)))
    (export "take" (func (param "thing" (own $thing)) (result u32)))))
  (alias export $host "every" (type $every))
  (alias export $host "thing" (type $thing))
  (core module $memory (memory (export "memory") 2 256)
    (global $next (mut i32) (i32.const 8192))
    (func (export "realloc") (param $old i32) (param $size i32) (param $align i32) (param $new i32) (result i32)
      (global.set $next (i32.and (i32.add (global.get $next) (i32.const 15)) (i32.const -16)))
      (global.get $next)
      (global.set $next (i32.add (global.get $next) (local.get $new)))
      (block $enough (loop $grow
        (br_if $enough (i32.le_u (global.get $next) (i32.shl (memory.size) (i32.const 16))))
        (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))
        (br $grow)))))
  (core instance $memory (instantiate $memory))
  (core func $echo (canon lower (func $host "echo")
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (core func $make (canon lower (func $host "make")))
  (core func $with (canon lower (func $host "[method]thing.with")))
  (core func $all (canon lower (func $host "all") (memory (core memory $memory "memory"))))
  (core func $take (canon lower (func $host "take")))
  (core func $drop (canon resource.drop $thing))
  (core module $main
    (import "memory" "memory" (memory 2 256))
    (import "host" "echo" (func $echo (param i32 i32)))
    (import "host" "make" (func $make (param i32) (result i32)))
    (import "host" "with" (func $with (param i32 i32) (result i32)))
    (import "host" "all" (func $all (param i32 i32) (result i32)))
    (import "host" "take" (func $take (param i32) (result i32)))
    (import "host" "drop" (func $drop (param i32)))
    (func (export "echo") (param $value i32) (result i32)
      (call $echo (local.get $value) (i32.const 1024))
      (i32.const 1024))
    (func (export "weigh") (result i32)
      (local $a i32) (local $b i32) (local $sum i32)
      (local.set $a (call $make (i32.const 1)))
      (local.set $b (call $make (i32.const 20)))
      (local.set $sum (call $with (local.get $a) (local.get $b)))
      (i32.store (i32.const 0) (local.get $a))
      (i32.store (i32.const 4) (local.get $b))
      (local.set $sum (i32.add (local.get $sum) (call $all (i32.const 0) (i32.const 2))))
      (local.set $sum (i32.add (local.get $sum) (call $take (local.get $a))))
      (call $drop (local.get $b))
      (local.get $sum)))
  (core instance $main (instantiate $main
    (with "memory" (instance $memory))
    (with "host" (instance
      (export "echo" (func $echo)) (export "make" (func $make)) (export "with" (func $with))
      (export "all" (func $all)) (export "take" (func $take)) (export "drop" (func $drop))))))
  (func (export "echo") (param "value" $every) (result $every)
    (canon lift (core func $main "echo")
      (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (func (export "weigh") (result u32) (canon lift (core func $main "weigh"))))
"""

SHAPE = VariantType((Case("point"), Case("circle", F64)))
EVERY = RecordType(
    tuple(
        Field(name, type)
        for name, type in {
            "bool": BOOL,
            "s8": S8,
            "u8": U8,
            "s16": S16,
            "u16": U16,
            "s32": S32,
            "u32": U32,
            "s64": S64,
            "u64": U64,
            "f32": F32,
            "f64": F64,
            "char": CHAR,
            "string": STRING,
            "bytes": BYTES,
            "numbers": ListType(U16),
            "texts": ListType(STRING),
            "tuple": TupleType((U8, STRING)),
            "shape": SHAPE,
            "no-shape": SHAPE,
            "colour": EnumType(("red", "dark-blue")),
            "rights": FlagsType(("read", "write", "run")),
            "pair": RecordType((Field("first-name", STRING), Field("age", U8))),
            "none": OptionType(STRING),
            "some": OptionType(STRING),
            "nested": OptionType(OptionType(U32)),
            "ok": ResultType(U32, STRING),
            "err": ResultType(U32, STRING),
            "unit": ResultType(),
            "half": ResultType(None, STRING),
        }.items()
    )
)
EVERY_VALUE: dict[str, Any] = {
    "bool": True,
    "s8": -128,
    "u8": 255,
    "s16": -32768,
    "u16": 65535,
    "s32": -(2**31),
    "u32": 2**32 - 1,
    "s64": -(2**63),
    "u64": 2**64 - 1,
    "f32": 0.5,
    "f64": 0.1,
    "char": "\U0001f980",
    "string": "Grüße",
    "bytes": bytes(range(256)),
    "numbers": [1, 65535],
    "texts": ["", "ß"],
    "tuple": (7, "seven"),
    "shape": ("circle", 2.5),
    "no-shape": ("point", None),
    "colour": "dark-blue",
    "rights": frozenset({"read", "run"}),
    "pair": {"first-name": "Ada", "age": 36},
    "none": None,
    "some": "",
    "nested": Some(None),
    "ok": ("ok", 5),
    "err": ("err", "boom"),
    "unit": ("err", None),
    "half": ("ok", None),
}
THING, BORROWED = HandleType("host#thing", True), HandleType("host#thing", False)
RESOURCES = {"host#thing": 1}
FUNCTIONS = {
    "echo": FunctionType("echo", (Parameter("value", EVERY),), EVERY),
    "make": FunctionType("make", (Parameter("weight", U32),), THING),
    "[method]thing.with": FunctionType("with", (Parameter("self", BORROWED), Parameter("other", BORROWED)), U32),
    "all": FunctionType("all", (Parameter("things", ListType(BORROWED)),), U32),
    "take": FunctionType("take", (Parameter("thing", THING),), U32),
}
HANDLERS: dict[str, Handler] = {
    "echo": lambda frame, args: args[0],
    "make": lambda frame, args: args[0] * 3,  # the object of a handle may be anything
    "[method]thing.with": lambda frame, args: args[0] + args[1],
    "all": lambda frame, args: sum(args[0]),
    "take": lambda frame, args: args[0] * 1000,
}
WEIGHT = 63 + 63 + 3000


class _NoGuestHandles:
    def lift(self, pointer: int, resource: str) -> Any:
        raise TypeError("the examination has no resources of the component's own")

    def lower(self, handle: Any) -> Any:
        raise TypeError("the examination has no resources of the component's own")

    take = lower


class _Frame:
    """The frame of the examination's one instance."""

    def __init__(self) -> None:
        self.context, self.table = 0, ResourceTable()
        self.guest_handles: GuestHandles = _NoGuestHandles()
        self.pending: BaseException | None = None


class Examination:
    """The component above, linked by a backend and instantiated. `handlers` replace some of the host's functions."""

    def __init__(
        self,
        backend: Backend,
        engine: Engine,
        handlers: Mapping[str, Handler] | None = None,
        component: Component | None = None,
    ) -> None:
        component, linker = component or Component(engine, TEXT), Linker(engine)
        self.frame = _Frame()
        self.dropped: list[Any] = []
        self._kept: list[object] = []
        with linker.root() as root, root.add_instance("host") as host:
            backend.define_resource(host, "thing", ResourceType.host(1), self._drop, self._kept.append)
            for name, signature in FUNCTIONS.items():
                handler = {**HANDLERS, **(handlers or {})}[name]
                backend.define_function(host, name, signature, handler, RESOURCES, self._kept.append)
        store = Store(engine)
        store.set_epoch_deadline(1_000_000)
        current.frame = self.frame
        instance = linker.instantiate(store, component)
        self._calls: dict[str, Call] = {}
        for signature in (FUNCTIONS["echo"], FunctionType("weigh", (), U32)):
            function = instance.get_func(store, signature.name)
            assert function is not None, "the text above exports it"
            self._calls[signature.name] = backend.export(store, function, signature, RESOURCES, self.frame)

    def call(self, name: str, *arguments: Any) -> Any:
        current.frame = self.frame
        return self._calls[name](arguments)

    def _drop(self, frame: Frame, rep: int) -> None:
        self.dropped.append(frame.table.take(rep))


def fault(backend: Backend, engine: Engine) -> str | None:
    """Return what is wrong with a backend on this platform; None where every value came back as it was."""
    try:
        examination = Examination(backend, engine)
        # Twice: what a call leaves behind must not harm the next.
        first, second = (examination.call("echo", EVERY_VALUE) for _ in range(2))
        return _difference(first) or _difference(second) or _leak(examination)
    except Exception as error:  # whatever the platform makes of it: the caller reports it and takes the other backend
        return f"{type(error).__name__}: {error}"


def _difference(came_back: dict[str, Any]) -> str | None:
    for name, value in EVERY_VALUE.items():
        if came_back[name] != value or type(came_back[name]) is not type(value):
            return f"{name}: {value!r} came back as {came_back[name]!r}"
    return None


def _leak(examination: Examination) -> str | None:
    weight, left = examination.call("weigh"), len(examination.frame.table)
    if weight != WEIGHT or examination.dropped != [60] or left:
        return f"resources: {weight}, {examination.dropped}, {left} left; expected {WEIGHT}, [60], 0 left"
    return None
