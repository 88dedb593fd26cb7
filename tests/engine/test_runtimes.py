"""What needs no runtime; tests/toolchains has programs that run."""

import hashlib

import pytest

from golem_nb.authoring.program import JAVASCRIPT, PYTHON, Program
from golem_nb.engine import runtimes
from golem_nb.engine.runtimes import Runtimes
from golem_nb.errors import ComponentNotFound
from golem_nb.wasm.platform import Platform


@pytest.fixture
def made(tmp_path, monkeypatch):
    built = tmp_path / "runtime.wasm"
    built.write_bytes(b"a runtime")
    other = tmp_path / "other.wasm"
    other.write_bytes(b"another")
    monkeypatch.setattr(runtimes, "built_runtime", lambda: built)
    monkeypatch.setattr(runtimes, "built_javascript_runtime", lambda: other)
    return Runtimes(tmp_path / "data", Platform(tmp_path / "compiled"))


def test_the_runtime_is_copied_into_the_data_folder(made, tmp_path):
    sha256 = hashlib.sha256(b"a runtime").hexdigest()

    assert made.current(PYTHON) == sha256
    (tmp_path / "runtime.wasm").unlink()
    assert made.current(PYTHON) == sha256
    assert (tmp_path / "data" / sha256).read_bytes() == b"a runtime"


def test_each_language_has_its_runtime(made):
    assert made.current(JAVASCRIPT) == hashlib.sha256(b"another").hexdigest() != made.current(PYTHON)


def test_a_runtime_that_is_gone_is_named(made):
    with pytest.raises(ComponentNotFound, match=r"the runtime of this program is gone: .* missing"):
        made.linked(Program("def f(): pass"), "0" * 64)
