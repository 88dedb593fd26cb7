"""The value codec over wasmtime's C functions: the only place besides `layout` and `codec` with raw pointers."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

from wasmtime import Store, WasmtimeError
from wasmtime import _ffi as ffi
from wasmtime.component import Func, LinkerInstance, ResourceType

from golem_nb.values.types import FunctionType
from golem_nb.wasm.abi.backend import Call, Handler, Keep, current, raise_parked
from golem_nb.wasm.abi.codec import Frame, ResourceIds, decoder, encoder
from golem_nb.wasm.abi.layout import (
    DROP_CALLBACK,
    HOST_CALLBACK,
    POINTER,
    VALUE_SIZE,
    any_delete,
    any_drop,
    error_new,
    func_call,
    linker_add_func,
    linker_add_resource,
    value_delete,
)


class RawBackend:
    """See `golem_nb.wasm.abi.backend.Backend`."""

    name = "raw"

    def define_function(
        self,
        instance: LinkerInstance,
        name: str,
        signature: FunctionType,
        handler: Handler,
        resources: ResourceIds,
        keep: Keep,
    ) -> None:
        decoders = [decoder(p.type, resources) for p in signature.parameters]
        placed = [(decode, number * VALUE_SIZE) for number, decode in enumerate(decoders)]
        encode = None if signature.result is None else encoder(signature.result, resources)
        memmove = ctypes.memmove

        def callback(
            env: int, context: int, type: int, arguments: int, count: int, results: int, result_count: int
        ) -> int:
            frame = current.frame
            frame.context = context
            try:
                value = handler(frame, [decode(frame, arguments + offset) for decode, offset in placed])
                if encode is not None:
                    memmove(results, encode(frame, value), VALUE_SIZE)
            except BaseException as error:  # may not pass through wasm: the caller of the export raises it
                return _park(frame, error)
            return 0

        pinned = HOST_CALLBACK(callback)
        keep(pinned)
        encoded = name.encode()
        _check(linker_add_func(_address(instance), encoded, len(encoded), pinned, None, None))

    def define_resource(
        self, instance: LinkerInstance, name: str, type: ResourceType, dropped: Callable[[Frame, int], None], keep: Keep
    ) -> None:
        def callback(env: int, context: int, rep: int) -> int:
            frame = current.frame
            frame.context = context
            try:
                dropped(frame, rep)
            except BaseException as error:  # as above
                return _park(frame, error)
            return 0

        pinned = DROP_CALLBACK(callback)
        keep(pinned)
        encoded = name.encode()
        type_address = ctypes.cast(type.ptr(), POINTER).value
        _check(linker_add_resource(_address(instance), encoded, len(encoded), type_address, pinned, None, None))

    def export(
        self, store: Store, function: Func, signature: FunctionType, resources: ResourceIds, frame: Frame
    ) -> Call:
        return _Export(store, function, signature, resources, frame)

    def drop_guest_handle(self, store: Store, frame: Frame, pointer: int) -> None:
        error = any_drop(_context(store), pointer)
        any_delete(pointer)
        if error:
            raise_parked(frame, _error(error))


class _Export:
    def __init__(
        self, store: Store, function: Func, signature: FunctionType, resources: ResourceIds, frame: Frame
    ) -> None:
        self._keep = (store, function)  # the addresses below point into them
        self._frame, self._context = frame, _context(store)
        self._function = ctypes.addressof(function._func)
        self._encoders = [encoder(p.type, resources) for p in signature.parameters]
        self._decode = None if signature.result is None else decoder(signature.result, resources)
        self._arguments = ctypes.create_string_buffer(VALUE_SIZE * max(1, len(self._encoders)))
        self._result = ctypes.create_string_buffer(VALUE_SIZE)
        self._arguments_at = ctypes.addressof(self._arguments)
        self._result_at = ctypes.addressof(self._result)

    def __call__(self, arguments: Sequence[Any]) -> Any:
        frame, count = self._frame, len(self._encoders)
        frame.context = self._context
        if count:
            encoded = b"".join([encode(frame, a) for encode, a in zip(self._encoders, arguments, strict=True)])
            ctypes.memmove(self._arguments_at, encoded, count * VALUE_SIZE)
        self._result[0] = b"\0"  # the call drops what the slot held
        results = (self._result_at, 1) if self._decode else (None, 0)
        error = func_call(self._function, self._context, self._arguments_at, count, *results)
        for number in range(count):
            value_delete(self._arguments_at + number * VALUE_SIZE)
        if error:
            raise_parked(frame, _error(error))
        if self._decode is None:
            return None
        value = self._decode(frame, self._result_at)
        value_delete(self._result_at)
        return value


def _park(frame: Frame, error: BaseException) -> int:
    frame.pending = error
    address: int = error_new(b"a host function raised")
    return address


def _address(instance: LinkerInstance) -> int | None:
    return ctypes.cast(instance.ptr(), POINTER).value


def _context(store: Store) -> int:
    address = ctypes.cast(store._context(), POINTER).value
    assert address is not None, "a live store has a context"
    return address


def _error(address: int) -> WasmtimeError:
    return WasmtimeError._from_ptr(ctypes.cast(address, ctypes.POINTER(ffi.wasmtime_error_t)))


def _check(address: int | None) -> None:
    if address:
        raise _error(address)
