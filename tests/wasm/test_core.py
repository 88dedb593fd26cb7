import pytest

from golem_nb.errors import ComponentRejected
from golem_nb.wasm.core import CoreFunction, core_module, is_core_module
from golem_nb.wasm.text import wasm_from_text


def test_imports_and_exports_are_read():
    wasm = wasm_from_text(
        '(module (import "a:b/c" "f" (func (param i32 i64) (result f32))) (import "$root" "g" (func))'
        ' (memory (export "memory") 1) (func (export "h")))'
    )

    found = core_module(wasm)

    assert is_core_module(wasm)
    assert found.imports == (CoreFunction("a:b/c", "f", ("i32", "i64"), ("f32",)), CoreFunction("$root", "g", (), ()))
    assert found.exports == {"memory", "h"}


def test_an_empty_module_has_nothing():
    found = core_module(wasm_from_text("(module)"))

    assert (found.imports, found.exports) == ((), frozenset())


@pytest.mark.parametrize(
    ("what", "text"),
    [("memory", "(memory 1)"), ("table", "(table 1 funcref)"), ("global", "(global i32)")],
)
def test_what_no_component_gives_is_refused(what, text):
    with pytest.raises(ComponentRejected, match=f"imports the {what} env.x; components give functions only"):
        core_module(wasm_from_text(f'(module (import "env" "x" {text}))'))


def test_a_broken_module_is_refused():
    whole = wasm_from_text('(module (func (export "f")))')

    with pytest.raises(ComponentRejected, match="cannot be read"):
        core_module(whole[:8] + b"\x07\x02\x01\x09")


def test_a_component_is_no_core_module():
    assert not is_core_module(wasm_from_text("(component)"))
