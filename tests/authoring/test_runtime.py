import sys
from pathlib import Path

import pytest

from golem_nb.authoring import runtime
from golem_nb.errors import BuildFailed, ToolMissing

MAKE = '#!{python}\nimport os, sys\nassert os.path.exists("wit/world.wit") and os.path.exists("app.py")\n{then}\n'
BUILD = 'open(sys.argv[-1], "wb").write(b"runtime")'


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """Return what puts a program in the place of componentize-py."""
    monkeypatch.setenv(runtime.CACHE_VARIABLE, str(tmp_path / "cache"))
    path = tmp_path / "componentize-py"

    def make(then, version="1.0"):
        path.write_text(MAKE.format(python=sys.executable, then=then))
        path.chmod(0o755)
        monkeypatch.setattr(runtime.shutil, "which", lambda name, path: str(tmp_path / name))
        monkeypatch.setattr(runtime, "tool_version", lambda: version)

    return make


def test_a_runtime_is_built_once(tool, tmp_path):
    tool(BUILD)
    assert runtime.cached_runtime() is None

    path = runtime.built_runtime()
    assert path.read_bytes() == b"runtime"
    assert path.is_relative_to(tmp_path / "cache")
    tool("sys.exit(1)")
    assert runtime.built_runtime() == runtime.cached_runtime() == path
    tool(BUILD, version="2.0")
    assert runtime.built_runtime() != path


def test_a_build_that_fails_shows_its_last_words(tool):
    tool('sys.exit("the world is wrong")')

    with pytest.raises(BuildFailed, match="could not be built: the world is wrong"):
        runtime.built_runtime()
    assert runtime.cached_runtime() is None


def test_without_the_tool_it_is_said_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv(runtime.CACHE_VARIABLE, str(tmp_path))
    monkeypatch.setattr(runtime.shutil, "which", lambda name, path: None)

    with pytest.raises(ToolMissing, match=r"pip install 'golem-nb\[python-workers\]'"):
        runtime.built_runtime()


def test_folders_lie_in_the_users_cache(monkeypatch):
    monkeypatch.delenv(runtime.CACHE_VARIABLE, raising=False)

    assert runtime.compiled_folder().parent == runtime.cache_folder() != Path.home()
