"""The sections of a WebAssembly binary: found, made, and put in the place of others. Source: the binary format, 5.5."""

from __future__ import annotations

from collections.abc import Iterator

HEAD_BYTES = 8
CUSTOM, CORE_MODULE = 0, 1  # in components


def sections(wasm: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield the id of each section, and where its content begins and ends.

    Ends early where the bytes are none.
    """
    at = HEAD_BYTES
    while at < len(wasm):
        id = wasm[at]
        size, begin = number(wasm, at + 1)
        if size is None or begin + size > len(wasm):
            return
        yield id, begin, begin + size
        at = begin + size


def section(id: int, content: bytes) -> bytes:
    return bytes([id]) + length(len(content)) + content


def custom_section(name: bytes, content: bytes) -> bytes:
    return section(CUSTOM, length(len(name)) + name + content)


def custom_content(wasm: bytes, name: bytes) -> bytes | None:
    """Return what the last custom section of a name holds; None where there is none."""
    found = None
    for id, begin, end in sections(wasm):
        if id == CUSTOM:
            size, at = number(wasm, begin)
            if size is not None and wasm[at : at + size] == name and at + size <= end:
                found = wasm[at + size : end]
    return found


def length(count: int) -> bytes:
    """Return a number in LEB128, as WebAssembly has them."""
    parts = bytearray()
    while count >= 0x80:
        parts.append(count & 0x7F | 0x80)
        count >>= 7
    return bytes([*parts, count])


def number(wasm: bytes, at: int) -> tuple[int | None, int]:
    """Return the number in LEB128 at a place, and where it ends; None where there is none."""
    found = 0
    for step, byte in enumerate(wasm[at : at + 5]):
        found |= (byte & 0x7F) << (7 * step)
        if byte < 0x80:
            return found, at + step + 1
    return None, at
