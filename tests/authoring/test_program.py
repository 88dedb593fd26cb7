import json

import pytest

from golem_nb.authoring.program import HEAD, JAVASCRIPT, SECTION, Program, component_from_program, program_in
from golem_nb.errors import ComponentRejected
from golem_nb.wasm.components import check_is_component
from golem_nb.wasm.text import wasm_from_text

PROGRAM = Program("def f(): pass\n" + "# é\n" * 200, "shop", {"a": (True, "x = 1"), "a.b": (False, "")})


def with_body(body):
    section = bytes([len(SECTION)]) + SECTION + body
    return HEAD + b"\0" + bytes([len(section)]) + section


def test_a_program_is_a_component_and_comes_back():
    wasm = component_from_program(PROGRAM)

    check_is_component(wasm)
    assert program_in(wasm) == PROGRAM
    assert json.loads(PROGRAM.text) == {
        "source": PROGRAM.source,
        "name": "shop",
        "modules": {"a": [True, "x = 1"], "a.b": [False, ""]},
    }


@pytest.mark.parametrize(
    "wasm", [b"", b"\0asm", HEAD, wasm_from_text("(component)"), component_from_program(PROGRAM)[:-1], HEAD + b"\0\x05"]
)
def test_other_components_are_none(wasm):
    assert program_in(wasm) is None


@pytest.mark.parametrize("body", [b"", b"[]", b'{"language": "python"}', b"\xff"])
def test_a_program_that_is_broken_is_refused(body):
    with pytest.raises(ComponentRejected, match="cannot be read"):
        program_in(with_body(body))


def test_a_program_for_another_runtime_is_refused():
    later = component_from_program(Program("x", runtime_api=9))

    with pytest.raises(ComponentRejected, match="python for runtimes 9; here are those for python and javascript 1"):
        program_in(later)


def test_a_program_in_another_language_comes_back():
    program = Program("1", "shop", language=JAVASCRIPT, docs={"add": "Adds."})

    assert program_in(component_from_program(program)) == program
    assert json.loads(program.text)["docs"] == {"add": "Adds."}
