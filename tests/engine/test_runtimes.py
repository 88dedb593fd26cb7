"""What needs no runtime; tests/toolchains has programs that run."""

import hashlib

import pytest

from golem_nb.authoring.program import Program
from golem_nb.engine import runtimes
from golem_nb.engine.runtimes import Runtimes
from golem_nb.errors import ComponentNotFound
from golem_nb.wasm.platform import Platform


@pytest.fixture
def made(tmp_path, monkeypatch):
    built = tmp_path / "runtime.wasm"
    built.write_bytes(b"a runtime")
    monkeypatch.setattr(runtimes, "built_runtime", lambda: built)
    return Runtimes(tmp_path / "data", Platform(tmp_path / "compiled"))


def test_the_runtime_is_copied_into_the_data_folder(made, tmp_path):
    sha256 = hashlib.sha256(b"a runtime").hexdigest()

    assert made.current() == sha256
    (tmp_path / "runtime.wasm").unlink()
    assert made.current() == sha256
    assert (tmp_path / "data" / sha256).read_bytes() == b"a runtime"


def test_a_runtime_that_is_gone_is_named(made):
    with pytest.raises(ComponentNotFound, match=r"the runtime of this program is gone: .* missing"):
        made.linked(Program("def f(): pass"), "0" * 64)
