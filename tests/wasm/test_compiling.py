from types import SimpleNamespace

import pytest

from golem_nb.errors import BuildFailed, ComponentRejected
from golem_nb.wasm import compiling, components
from golem_nb.wasm.compiling import compile_apart
from golem_nb.wasm.components import Compiler, keep_code
from golem_nb.wasm.settings import fingerprint, make_engine
from golem_nb.wasm.text import wasm_from_text

WASM = wasm_from_text(
    '(component (core module $m (func (export "f"))) (core instance $i (instantiate $m)) \
  (func (export "f") (canon lift (core func $i "f"))))'
)


@pytest.fixture
def big(monkeypatch):
    """Whatever is compiled counts as big."""
    monkeypatch.setattr(components, "APART_BYTES", 0)


def test_a_big_component_is_compiled_in_a_process_of_its_own(tmp_path, big):
    compiled = Compiler(make_engine(), tmp_path).compile(WASM)

    assert [f.name for f in compiled.exports] == ["f"]
    assert len(list(tmp_path.glob("*.cwasm"))) == 1


def test_what_cannot_be_compiled_is_refused_with_the_reason(tmp_path, big):
    with pytest.raises(ComponentRejected, match="cannot run here: failed to parse"):
        Compiler(make_engine(), tmp_path).compile(WASM[:-4])


def test_code_that_was_made_ahead_is_taken(tmp_path, big, monkeypatch):
    shared, folder = tmp_path / "shared", tmp_path / "own"
    Compiler(make_engine(), shared).compile(WASM)
    monkeypatch.setattr(components, "compile_apart", lambda wasm: pytest.fail("it was compiled again"))

    assert Compiler(make_engine(), folder, shared).compile(WASM).exports
    assert len(list(folder.glob("*.cwasm"))) == 1


def test_code_of_another_configuration_is_not(tmp_path):
    import hashlib

    name = f"{hashlib.sha256(WASM).hexdigest()}-{fingerprint()}.cwasm"
    (tmp_path / "shared").mkdir()
    keep_code(tmp_path / "shared" / name, b"of another wasmtime")

    assert Compiler(make_engine(), tmp_path / "own", tmp_path / "shared").compile(WASM).exports


def test_a_compiler_that_fails_is_no_fault_of_the_component(monkeypatch):
    monkeypatch.setattr(compiling, "sys", SimpleNamespace(executable="false"))

    with pytest.raises(BuildFailed, match="compiling ended with exit code 1; is there memory"):
        compile_apart(WASM)


def test_the_code_is_wasmtimes():
    assert compile_apart(WASM)[:4] == b"\x7fELF"
