"""What a core module asks for and gives, read from its binary. Source: the binary format, 5.5."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from golem_nb.errors import ComponentRejected
from golem_nb.wasm.sections import HEAD_BYTES, number, sections

T = TypeVar("T")

TYPES, IMPORTS, EXPORTS = 1, 2, 7
CORE_HEAD = b"\0asm\x01\0\0\0"
_VALUE_TYPES = {0x7F: "i32", 0x7E: "i64", 0x7D: "f32", 0x7C: "f64"}
_FUNCTION, _TABLE, _MEMORY, _GLOBAL, _TAG = range(5)


@dataclass(frozen=True, slots=True)
class CoreFunction:
    """An imported function: from which module, its name, and its type."""

    module: str
    name: str
    parameters: tuple[str, ...]
    results: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CoreModule:
    imports: tuple[CoreFunction, ...]
    exports: frozenset[str]


def core_module(wasm: bytes) -> CoreModule:
    """Return what a core module imports and exports.

    Raises:
        ComponentRejected: It is broken, or imports what no component gives it: a memory, say.
    """
    parts = {id: _Reader(wasm[begin:end]) for id, begin, end in sections(wasm)}
    try:
        types = parts[TYPES].listed(lambda read: read.function_type()) if TYPES in parts else []
        imports = parts[IMPORTS].listed(lambda read: read.imported(types)) if IMPORTS in parts else []
        exports = parts[EXPORTS].listed(lambda read: read.exported()) if EXPORTS in parts else []
    except (IndexError, UnicodeDecodeError):
        raise ComponentRejected("this core module cannot be read: it is broken, or newer than the basics") from None
    return CoreModule(tuple(imports), frozenset(exports))


def is_core_module(wasm: bytes) -> bool:
    return wasm[:HEAD_BYTES] == CORE_HEAD


class _Reader:
    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 0

    def listed(self, item: Callable[[_Reader], T]) -> list[T]:
        return [item(self) for _ in range(self._number())]

    def function_type(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        if self._byte() != 0x60:
            raise IndexError
        parameters = self.listed(lambda read: read._value_type())
        return tuple(parameters), tuple(self.listed(lambda read: read._value_type()))

    def imported(self, types: list[tuple[tuple[str, ...], tuple[str, ...]]]) -> CoreFunction:
        module, name, kind = self._text(), self._text(), self._byte()
        if kind != _FUNCTION:
            what = {_TABLE: "table", _MEMORY: "memory", _GLOBAL: "global", _TAG: "tag"}.get(kind, "thing")
            raise ComponentRejected(
                f"this core module imports the {what} {module}.{name}; components give functions only"
            )
        return CoreFunction(module, name, *types[self._number()])

    def exported(self) -> str:
        name = self._text()
        self._byte()
        self._number()
        return name

    def _value_type(self) -> str:
        return _VALUE_TYPES.get(self._byte(), "externref")

    def _text(self) -> str:
        size = self._number()
        self._at += size
        return self._content[self._at - size : self._at].decode()

    def _byte(self) -> int:
        self._at += 1
        return self._content[self._at - 1]

    def _number(self) -> int:
        found, self._at = number(self._content, self._at)
        if found is None:
            raise IndexError
        return found
