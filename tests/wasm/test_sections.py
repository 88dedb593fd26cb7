import pytest

from golem_nb.wasm.sections import CORE_MODULE, HEAD_BYTES, custom_content, custom_section, number, section, sections
from golem_nb.wasm.text import wasm_from_text

HEAD = b"\0asm\x0d\0\x01\0"


def test_sections_of_a_component_are_found():
    wasm = wasm_from_text("(component (core module) (core module (memory 1)))")

    found = [(id, wasm[begin:end][:4]) for id, begin, end in sections(wasm)]

    assert found == [(CORE_MODULE, b"\0asm"), (CORE_MODULE, b"\0asm")]


@pytest.mark.parametrize("size", [0, 1, 127, 128, 70_000])
def test_a_section_that_is_made_is_found(size):
    wasm = HEAD + section(7, bytes(size)) + custom_section(b"name", b"x" * size)

    assert next((id, end - begin) for id, begin, end in sections(wasm)) == (7, size)
    assert custom_content(wasm, b"name") == b"x" * size
    assert custom_content(wasm, b"other") is None


def test_the_last_section_of_a_name_counts():
    assert custom_content(HEAD + custom_section(b"n", b"1") + custom_section(b"n", b"2"), b"n") == b"2"


@pytest.mark.parametrize("wasm", [b"", HEAD, HEAD + b"\0", HEAD + b"\0\x05abc", HEAD + b"\0" + b"\xff" * 6])
def test_broken_bytes_have_no_sections(wasm):
    assert list(sections(wasm)) == []


def test_numbers_end_where_they_say():
    assert number(b"\xe5\x8e\x26rest", 0) == (624485, 3)
    assert HEAD_BYTES == len(HEAD)
