import subprocess

import pytest

from golem_nb.authoring import describing, runtime
from golem_nb.errors import BuildFailed, ComponentRejected


@pytest.fixture(autouse=True)
def built(tmp_path, monkeypatch):
    """Have a runtime that is none."""
    path = tmp_path / "runtime.wasm"
    path.write_bytes(b"no wasm")
    monkeypatch.setenv(runtime.CACHE_VARIABLE, str(tmp_path))
    monkeypatch.setattr(describing, "built_runtime", lambda: path)


def ended(monkeypatch, code, out="", err=""):
    done = subprocess.CompletedProcess([], code, out, err)
    monkeypatch.setattr(describing.subprocess, "run", lambda *args, **named: done)


def test_a_description_is_taken_from_the_process(monkeypatch):
    ended(monkeypatch, 0, '[{"name": "nb:a/api.{f}"}]\n')

    assert describing.described("{}") == [{"name": "nb:a/api.{f}"}]


def test_a_program_at_fault_is_refused_with_its_lines(monkeypatch):
    ended(monkeypatch, describing.REJECTED, "", 'File "<cell>", line 2\nSyntaxError: invalid syntax\n')

    with pytest.raises(ComponentRejected, match=r'^File "<cell>", line 2\nSyntaxError: invalid syntax$'):
        describing.described("{}")


def test_a_process_that_fails_says_so():
    with pytest.raises(BuildFailed, match=r"describing the program ended with exit code 1: .*not WebAssembly"):
        describing.described("{}")
