"""How host functions are declared: a WIT interface or resource is a class, a function a method, its effect a decorator.

    class WallClock(Interface, wit="wasi:clocks/wall-clock"):
        @read_local(label="wall_clock::now", response=DATETIME)
        def now(self) -> Value:
            return datetime_value(self.worker.now_ns())

Rules:
1. A recorded function returns plain values (numbers, text, bytes, tuples, lists, dicts keyed as in WIT). A handle is
   never recorded: the function under `@name.rebuilt` (its own name has an underscore in front) makes it, live and in
   replay, from the recorded value and the same arguments.
2. The `err` side of a WIT `result` is raised, `raise WitError("bad-descriptor")`; it is recorded and raised again.
   Any other exception traps the worker.
3. Arguments and results are typed by the component that imports the function; arguments go by their order. Handles
   arrive as the objects of this module's classes: a borrowed one stays in the worker's table, an owned one has left it.
4. Names are snake_case of the WIT name. `[constructor]x` is the method `constructor` and `[static]x.f` the method `f`,
   both decorated with `static=True`; their first argument is the worker's `HostContext` instead of an object.
5. Nothing reads a clock, a socket or a random source outside a recorded function.
"""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, overload

from golem_nb.oplog.entries import Recorded, Recorder
from golem_nb.values.types import STRING, OptionType, ResultType, TypedValue, WitType

if TYPE_CHECKING:
    from golem_nb.host.context import HostContext

Value = Any  # a WIT value as golem_nb.values.types describes it
Body = Callable[..., Any]


class Effect(enum.Enum):
    """What a host function does outside the worker. Values are Golem's durable function types (SEMANTICS 3.2)."""

    DETERMINISTIC = "Deterministic"  # never recorded: runs again in replay
    READ_LOCAL = "ReadLocal"
    WRITE_LOCAL = "WriteLocal"
    READ_REMOTE = "ReadRemote"
    WRITE_REMOTE = "WriteRemote"
    WRITE_REMOTE_BATCHED = "WriteRemoteBatched"
    WRITE_REMOTE_TRANSACTION = "WriteRemoteTransaction"


class WitError(Exception):
    """The `err` side of a WIT `result`, raised by the body of a host function."""

    def __init__(self, payload: Value = None) -> None:
        super().__init__(payload)
        self.payload = payload


class Trap(Exception):
    """Ends the invocation as a trap with this text (Golem: an error of kind Unknown)."""


class Exit(BaseException):
    """The component called `wasi:cli/exit`."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


# What the oplog shows as the request of a function without one. Source: SEMANTICS 3.4, below its table.
NO_REQUEST = Recorded.of(OptionType(STRING), None)


class HostFunction:
    """A method with its effect: one row of the table of host functions.

    `label` is the function's name in the oplog. `response` is the type of the recorded value (of the `ok` side where
    the WIT function returns a `result`), `error` that of a recorded WitError's payload. `request(target, **arguments)`
    gives what the oplog shows as the request, of type `request_type`. `begin(target)` gives the index of the Begin
    entry that a batched call belongs to. `commits` asks for a commit right after the entry. `failure(case, value)`
    finds in a response the failure of something outside, as text: it is tried again before the component hears of it.
    `with_types` gives the body its arguments as `TypedValue`, of the types that the component declares;
    `with_result_type` gives it, as its last argument, the type of the result that the component declares.

    Where types are known by the call only, `request` without a `request_type` gives a `TypedValue`, and with `is_typed`
    the body gives one (or None), which `rebuild` gets.
    """

    def __init__(
        self,
        effect: Effect,
        body: Body,
        *,
        label: str | None = None,
        response: WitType | None = None,
        error: WitType = STRING,
        request_type: WitType | None = None,
        request: Body | None = None,
        begin: Callable[[Any], int] | None = None,
        commits: bool = False,
        failure: Callable[[str, Value], str | None] | None = None,
        with_types: bool = False,
        with_result_type: bool = False,
        is_typed: bool = False,
        static: bool = False,
    ) -> None:
        self.__name__, self.__doc__ = body.__name__, body.__doc__
        self.effect, self.body = effect, body
        self.parameters = tuple(inspect.signature(body).parameters)[1:]
        self.with_result_type, self.is_typed = with_result_type, is_typed
        self.rebuild: Body | None = None
        self.rebuild_error: Body | None = None
        self.with_types = with_types
        self.label, self.error, self.begin, self.commits, self.static = label or "", error, begin, commits, static
        self.request_type, self.request, self._failure = request_type, request, failure
        self._responses = Recorder(ResultType(response, error))
        self._requests = Recorder(request_type) if request_type is not None else None

    def rebuilt(self, rebuild: Body) -> HostFunction:
        """Decorate `rebuild(target, recorded, **arguments)`, whose return value the component gets."""
        self.rebuild = rebuild
        return self

    def failing(self, rebuild_error: Body) -> HostFunction:
        """Set `rebuild_error(target, recorded payload, **arguments)`: it gives the payload that the component gets."""
        self.rebuild_error = rebuild_error
        return self

    def failure_in(self, response: tuple[str, Value]) -> str | None:
        """Return the text of the failure that a response is, if it is one that may pass. Source: SEMANTICS 3.5."""
        return self._failure(*response) if self._failure else None

    def request_for(self, target: Any, arguments: dict[str, Any]) -> Recorded:
        """Return what the oplog shows as the request of a call."""
        if self.request is None:
            return NO_REQUEST
        shown = self.request(target, **arguments)
        return Recorded.of(shown.type, shown.value) if self._requests is None else self._requests.of(shown)

    def recorded(self, response: tuple[str, Value]) -> Recorded:
        """Return a response as it is recorded."""
        case, value = response
        if case == "err" or not isinstance(value, TypedValue):
            return self._responses.of(response)
        return Recorded.of(ResultType(value.type, self.error), (case, value.value))

    def response_in(self, recorded: TypedValue) -> tuple[str, Value]:
        """Return the response that was recorded so."""
        case, value = recorded.value
        if not self.is_typed or case == "err" or not isinstance(recorded.type, ResultType):
            return case, value
        return case, None if recorded.type.ok is None else TypedValue(recorded.type.ok, value)


class _Mark:
    """A decorator for one effect, usable bare or with the options of `HostFunction`."""

    def __init__(self, effect: Effect) -> None:
        self._effect = effect

    @overload
    def __call__(self, body: Body, /) -> HostFunction: ...
    @overload
    def __call__(self, /, **options: Any) -> Callable[[Body], HostFunction]: ...
    def __call__(self, body: Body | None = None, /, **options: Any) -> Any:
        if body is not None:
            return HostFunction(self._effect, body)
        return lambda body: HostFunction(self._effect, body, **options)


deterministic = _Mark(Effect.DETERMINISTIC)
read_local = _Mark(Effect.READ_LOCAL)
write_local = _Mark(Effect.WRITE_LOCAL)
read_remote = _Mark(Effect.READ_REMOTE)
write_remote = _Mark(Effect.WRITE_REMOTE)
write_remote_batched = _Mark(Effect.WRITE_REMOTE_BATCHED)

INNER: dict[str, HostFunction] = {}  # label -> what is recorded on the way through other functions; filled at import
FUNCTIONS: dict[str, HostFunction] = {}  # "wasi:io/poll#[method]pollable.ready" -> its row; filled at import
INTERFACES: dict[str, type[Interface]] = {}  # "wasi:io/poll" -> the class of its free functions; filled at import


def inner(function: HostFunction) -> HostFunction:
    """Register a recorded step of other host functions, which call it by `HostContext.call`."""
    INNER[function.label] = function
    return function


class Interface:
    """The free functions of one WIT interface; one object per worker instance and interface."""

    def __init_subclass__(cls, wit: str) -> None:
        INTERFACES[wit] = cls
        for name, row in _rows(cls):
            _register(f"{wit}#{kebab(name)}", wit, name, row)

    def __init__(self, worker: HostContext) -> None:
        self.worker = worker


class Resource:
    """A WIT resource. Its objects live in the worker's table of handles; `worker` is the worker they belong to."""

    wit: ClassVar[str]  # "wasi:io/poll#pollable"
    worker: HostContext

    def __init_subclass__(cls, wit: str | None = None) -> None:
        if wit is None:  # a base class that several resources share, or a variant of one
            return
        cls.wit = wit
        interface, _, resource = wit.partition("#")
        for name, row in _rows(cls):
            if name == "constructor":
                _register(f"{interface}#[constructor]{resource}", interface, resource, row)
            else:
                kind = "static" if row.static else "method"
                _register(f"{interface}#[{kind}]{resource}.{kebab(name)}", interface, f"{resource}::{name}", row)

    def dropped(self) -> None:
        """Called when the component drops its own handle, live and in replay."""


def _rows(cls: type) -> Iterator[tuple[str, HostFunction]]:
    """Yield the rows of a class and of the bases that it shares them with, each name once."""
    seen: set[str] = set()
    rows: set[int] = set()
    for owner in cls.__mro__:
        for name, row in vars(owner).items():
            if isinstance(row, HostFunction) and name not in seen and id(row) not in rows:
                seen.add(name)
                rows.add(id(row))  # `rebuilt` gives its row a second name
                yield name, row


def _register(key: str, interface: str, function: str, row: HostFunction) -> None:
    row.label = row.label or f"{interface.rpartition('/')[2].replace('-', '_')}::{function}"
    FUNCTIONS[key] = row


def kebab(name: str) -> str:
    """Return the WIT spelling of a Python name; the one place where host names change form."""
    return name.rstrip("_").replace("_", "-")


class ResourceTable:
    """Handle -> object. Handles come from a counter, so that replay hands out the same ones."""

    def __init__(self) -> None:
        self._objects: dict[int, Any] = {}
        self._next = 1

    def push(self, obj: Any) -> int:
        handle, self._next = self._next, self._next + 1
        self._objects[handle] = obj
        return handle

    def get(self, handle: int) -> Any:
        return self._objects[handle]

    def take(self, handle: int) -> Any:
        """Return the object and forget the handle: its owner has given it away."""
        return self._objects.pop(handle)

    def drop(self, handle: int) -> None:
        """Forget the handle and tell its object."""
        obj = self._objects.pop(handle, None)
        if isinstance(obj, Resource):
            obj.dropped()

    def __len__(self) -> int:
        return len(self._objects)

    def clear(self) -> None:
        """Forget everything and tell nobody: the worker instance is gone."""
        self._objects.clear()
