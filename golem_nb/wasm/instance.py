"""One instance of a component: its store, its handles, its exports; and how it ends.

How this works: an instance is used by one thread at a time, never the main one. Around each call into wasm it is the
`current` frame of its thread. After a trap, or an exception of a host function, its store is unusable: the instance is
dropped and another one made, which replays. Each tick of the epoch asks `host.stop()` whether to go on.
"""

from __future__ import annotations

import ctypes
import enum
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from wasmtime import Store, WasmtimeError
from wasmtime import _ffi as ffi

from golem_nb.errors import BadInput
from golem_nb.values.types import Handle
from golem_nb.wasm.abi.backend import Call, current
from golem_nb.wasm.abi.codec import GuestHandles
from golem_nb.wasm.components import Export, Indexed
from golem_nb.wasm.link import Host, LinkedComponent


class StoppableHost(Host, Protocol):
    worker_urn: str
    """Names the worker in the handles that the API shows."""
    earlier_urns: Sequence[str]
    """Names of workers whose handles are this one's, too: it was forked from them."""

    def stop(self) -> BaseException | None:
        """Return the exception to end the running call with; None to go on. Called from the instance's thread."""


class TrapKind(enum.Enum):
    STACK_OVERFLOW = "stack overflow"
    NO_ROOM = "no room"
    """The system had no memory for an instance: later it may."""
    GIVEN_UP = "given up"
    """The component asked for the end of the worker, without another attempt."""
    OUT_OF_TIME = "out of time"
    """It was ended from outside, since it would not end."""
    OTHER = "other"


class GuestTrap(Exception):
    """Wasm trapped; `str` is wasmtime's report."""

    def __init__(self, kind: TrapKind, report: str) -> None:
        super().__init__(report)
        self.kind = kind


def _guest_trap(error: WasmtimeError) -> GuestTrap:
    # Traps of components have no code, only this text; a test holds each of them per release of wasmtime.
    report = str(error)
    kinds = {"call stack exhausted": TrapKind.STACK_OVERFLOW, "mmap failed": TrapKind.NO_ROOM}
    return GuestTrap(next((kind for text, kind in kinds.items() if text in report), TrapKind.OTHER), report)


class GuestHandleTable:
    """Handles of the component's own resources. They count from 0 in the order that they were given out."""

    def __init__(self, urn: str, earlier_urns: Sequence[str] = ()) -> None:
        self._urn, self._urns, self._pointers = urn, {urn, *earlier_urns}, dict[int, Any]()
        self.next = 0
        """The number of the next handle."""
        self.given: list[tuple[int, str]] = []
        """Handles given out since the list was emptied: number and resource."""
        self.taken: list[tuple[int, str]] = []
        """Handles that came back, or were dropped, since the list was emptied."""
        self._names: dict[int, str] = {}

    def lift(self, pointer: Any, resource: str) -> Handle:
        number, self.next = self.next, self.next + 1
        self._pointers[number], self._names[number] = pointer, resource
        self.given.append((number, resource))
        return Handle(self._urn, number)

    def lower(self, handle: Handle) -> Any:
        return self._pointers[self._known(handle)]

    def take(self, handle: Handle) -> Any:
        number = self._known(handle)
        self.taken.append((number, self._names.pop(number)))
        return self._pointers.pop(number)

    def has(self, handle: Handle) -> bool:
        return handle.id in self._pointers

    def check(self, handle: Handle) -> None:
        """Check that the handle is of this worker and not dropped.

        Raises:
            BadInput: It is not.
        """
        self._known(handle)

    def _known(self, handle: Handle) -> int:
        if handle.uri not in self._urns:
            raise BadInput(f"the handle {handle} belongs to another worker than {self._urn}")
        if handle.id not in self._pointers:
            raise BadInput(f"the worker has no handle {handle.id}; it was dropped, or never given out")
        return handle.id


_STOP_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_size_t,
    ctypes.POINTER(ffi.wasmtime_context_t),
    ctypes.c_void_p,
    ctypes.POINTER(ctypes.c_uint64),
    ctypes.POINTER(ffi.wasmtime_update_deadline_kind_t),
)
_NO_FINALIZER = ctypes.CFUNCTYPE(None, ctypes.c_void_p)()


class Instance:
    """A running component. Also the frame that its host functions find."""

    def __init__(self, linked: LinkedComponent, host: StoppableHost, *, memory_limit_bytes: int | None = None) -> None:
        """Instantiate; this may run code of the component.

        Raises:
            GuestTrap: That code trapped.
        """
        self.host, self.table = host, host.context.table
        self.handles = GuestHandleTable(host.worker_urn, host.earlier_urns)
        self.guest_handles: GuestHandles = self.handles
        self.pending: BaseException | None = None
        self.context = 0
        self._linked = linked
        self._exports: dict[str, Call] = {}
        self._indexed: dict[tuple[str, str, str], Handle] = {}
        self.described: list[tuple[int, Indexed]] = []
        """Resources that were made because they were named, since the list was emptied: handle, and what named it."""
        self.lost: list[str] = []
        """What a snapshot that was loaded could not bring back."""
        self._store = Store(linked.engine)
        if memory_limit_bytes is not None:
            self._store.set_limits(memory_size=memory_limit_bytes)
        self._stop_callback = _STOP_CALLBACK(self._on_tick)  # kept as long as the store
        ffi.wasmtime_store_epoch_deadline_callback(self._store.ptr(), self._stop_callback, None, _NO_FINALIZER)
        self._store.set_epoch_deadline(1)  # before instantiating: the deadline of a new store is past
        with self._entered():
            self._instance = linked.linker.instantiate(self._store, linked.compiled.component)

    def call(self, export: Export, arguments: Sequence[Any]) -> Any:
        """Call an exported function.

        Raises:
            GuestTrap: It trapped.
            BaseException: What one of its host functions, or `host.stop()`, raised.
        """
        with self._entered():
            if export.of is not None:
                return self._call_indexed(export.of, arguments)
            if not export.path:  # the drop of a resource
                pointer = self.guest_handles.take(arguments[0])
                return self._linked.backend.drop_guest_handle(self._store, self, pointer)
            return self._callable(export)(arguments)

    def _call_indexed(self, of: Indexed, arguments: Sequence[Any]) -> Any:
        """Call a function of a resource that is made when it is first named."""
        key = (of.name.site, of.name.resource, of.name.arguments)
        handle = self._indexed.get(key)
        if handle is None or not self.handles.has(handle):
            handle = self._indexed[key] = self._callable(of.constructor)(of.arguments)
            self.described.append((handle.id, of))
        if of.function is None:
            return handle
        if of.name.member != "drop":
            return self._callable(of.function)([handle, *arguments])
        del self._indexed[key]
        return self._linked.backend.drop_guest_handle(self._store, self, self.guest_handles.take(handle))

    def close(self) -> None:
        """Free the store. Runs no code of the component."""
        self._exports.clear()
        self.table.clear()
        self._store.close()

    def _callable(self, export: Export) -> Call:
        name = export.type.name
        call = self._exports.get(name)
        if call is None:
            component, (first, *more) = self._linked.compiled.component, export.path
            index = component.get_export_index(first)
            for step in more:
                index = component.get_export_index(step, index)
            assert index is not None, "introspection named it"
            function = self._instance.get_func(self._store, index)
            assert function is not None, "introspection named it"
            resources = self._linked.compiled.resource_ids
            call = self._linked.backend.export(self._store, function, export.type, resources, self)
            self._exports[name] = call
        return call

    @contextmanager
    def _entered(self) -> Iterator[None]:
        outer = getattr(current, "frame", None)
        current.frame = self
        try:
            yield
        except WasmtimeError as error:
            parked, self.pending = self.pending, None
            raise parked or _guest_trap(error) from (error if parked else None)
        finally:
            if outer is None:
                del current.frame
            else:
                current.frame = outer

    def _on_tick(self, context: Any, data: int | None, more_ticks: Any, kind: Any) -> int:
        """Called by wasmtime at each tick of the epoch while wasm runs; returns an error's address to end it."""
        try:
            reason = self.host.stop()
        except BaseException as error:  # may not pass through wasm
            reason = error
        if reason is None:
            more_ticks[0] = 1
            return 0
        self.pending = reason
        return ctypes.cast(WasmtimeError("stopped")._consume(), ctypes.c_void_p).value or 0
