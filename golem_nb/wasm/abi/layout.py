"""The C functions and structures that carry component values, as wasmtime 50 lays them out (x86-64 and aarch64 alike).

A value is 32 bytes: its kind in byte 0, its payload from byte 8.

    bool, integers, floats, char   in place
    string, enum                   size, pointer to bytes
    list, tuple, flags             size, pointer to the items (flags: to pairs size, pointer)
    record                         size, pointer to entries of 48 bytes: name (size, pointer), value
    variant                        name (size, pointer), pointer to the payload or 0
    option                         pointer to the value or 0
    result                         bool at byte 8, pointer to the payload or 0 at byte 16
    resource                       pointer

Rules of ownership: arguments of a host function are borrowed; its result is taken over by the caller, so it is built
from the `*_new` functions here, which all move their input; arguments of an export are copied by the call, delete them
afterwards; a call drops what its result slot held, so the slot's kind is zeroed before.
"""

from __future__ import annotations

import ctypes
import struct
import threading
from enum import IntEnum

from wasmtime import _ffi as ffi

POINTER, SIZE = ctypes.c_void_p, ctypes.c_size_t
VALUE_SIZE, ENTRY_SIZE = 32, 48


class Kind(IntEnum):
    BOOL, S8, U8, S16, U16, S32, U32, S64, U64, F32, F64 = range(11)
    CHAR, STRING, LIST, RECORD, TUPLE, VARIANT, ENUM, OPTION, RESULT, FLAGS, RESOURCE = range(11, 22)


def _function(name: str, result: type | None, *parameters: type) -> ctypes._CFunctionType:
    """Return a C function that takes and gives pointers as ints; wasmtime-py's own wrappers are objects each time."""
    return ctypes.CFUNCTYPE(result, *parameters)((name, ffi.dll))


# Given as c_char_p, a bytes object stays alive for the call; a cast pointer to it would not.
byte_vec_new = _function("wasm_byte_vec_new", None, POINTER, SIZE, ctypes.c_char_p)
list_new = _function("wasmtime_component_vallist_new", None, POINTER, SIZE, ctypes.c_char_p)
tuple_new = _function("wasmtime_component_valtuple_new", None, POINTER, SIZE, ctypes.c_char_p)
record_new = _function("wasmtime_component_valrecord_new", None, POINTER, SIZE, ctypes.c_char_p)
flags_new = _function("wasmtime_component_valflags_new", None, POINTER, SIZE, ctypes.c_char_p)
value_new = _function("wasmtime_component_val_new", POINTER, ctypes.c_char_p)
value_delete = _function("wasmtime_component_val_delete", None, POINTER)

any_to_host = _function("wasmtime_component_resource_any_to_host", POINTER, POINTER, POINTER, POINTER)
any_clone = _function("wasmtime_component_resource_any_clone", POINTER, POINTER)
any_drop = _function("wasmtime_component_resource_any_drop", POINTER, POINTER, POINTER)
any_delete = _function("wasmtime_component_resource_any_delete", None, POINTER)
host_to_any = _function("wasmtime_component_resource_host_to_any", POINTER, POINTER, POINTER, POINTER)
host_new = _function("wasmtime_component_resource_host_new", POINTER, ctypes.c_bool, ctypes.c_uint32, ctypes.c_uint32)
host_rep = _function("wasmtime_component_resource_host_rep", ctypes.c_uint32, POINTER)
host_delete = _function("wasmtime_component_resource_host_delete", None, POINTER)

error_new = _function("wasmtime_error_new", POINTER, ctypes.c_char_p)
func_call = _function("wasmtime_component_func_call", POINTER, POINTER, POINTER, POINTER, SIZE, POINTER, SIZE)

# env, context, function type, arguments, their number, results, their number -> error or 0
HOST_CALLBACK = ctypes.CFUNCTYPE(SIZE, POINTER, POINTER, POINTER, POINTER, SIZE, POINTER, SIZE)
# env, context, rep -> error or 0
DROP_CALLBACK = ctypes.CFUNCTYPE(SIZE, POINTER, POINTER, ctypes.c_uint32)

linker_add_func = _function(
    "wasmtime_component_linker_instance_add_func",
    POINTER,
    POINTER,
    ctypes.c_char_p,
    SIZE,
    HOST_CALLBACK,
    POINTER,
    POINTER,
)
linker_add_resource = _function(
    "wasmtime_component_linker_instance_add_resource",
    POINTER,
    POINTER,
    ctypes.c_char_p,
    SIZE,
    POINTER,
    DROP_CALLBACK,
    POINTER,
    POINTER,
)

SIZE_AND_POINTER = struct.Struct("<QQ")
WORD = struct.Struct("<Q")

# The raw function behind ctypes.string_at, without its Python wrapper; the wrapper where a Python has no such name.
read_memory = getattr(ctypes, "_string_at", ctypes.string_at)


class _Scratch(threading.local):
    """Sixteen bytes of each thread's own that the `*_new` functions write a size and a pointer to."""

    def __init__(self) -> None:
        self.buffer = ctypes.create_string_buffer(16)
        self.address = ctypes.addressof(self.buffer)


scratch = _Scratch()
