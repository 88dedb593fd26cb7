import sys

import pytest

from golem_nb.authoring import javascript_runtime as runtime
from golem_nb.authoring.runtime import CACHE_VARIABLE
from golem_nb.errors import BuildFailed, ToolMissing

NODE = """#!{python}
import os, sys
assert os.path.exists("app.js") and os.path.exists("wit/world.wit")
assert os.path.exists("wit/deps/golem-nb-javascript/package.wit")
{then}
"""
BUILD = 'open(sys.argv[-1], "wb").write(b"runtime")'
NPM = """#!{python}
import os, sys
{then}
"""
FETCH = """
folder = os.path.join(sys.argv[sys.argv.index("--prefix") + 1], "node_modules", "componentize-qjs")
os.makedirs(folder)
open(os.path.join(folder, "cli.mjs"), "w").close()
"""


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """Return what puts programs in the place of Node and npm; None stands for one that is not there."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))

    def make(**thens):
        for name, text in (("node", NODE), ("npm", NPM)):
            if thens.get(name) is not None:
                (tmp_path / name).write_text(text.format(python=sys.executable, then=thens[name]))
                (tmp_path / name).chmod(0o755)
        monkeypatch.setattr(
            runtime.shutil, "which", lambda name: str(tmp_path / name) if thens.get(name) is not None else None
        )

    return make


def test_a_runtime_is_built_once_with_a_tool_that_is_fetched_once(tools, monkeypatch):
    tools(node=BUILD, npm=FETCH)
    assert runtime.cached_javascript_runtime() is None

    path = runtime.built_javascript_runtime()
    assert path.read_bytes() == b"runtime"
    tools()
    assert runtime.built_javascript_runtime() == runtime.cached_javascript_runtime() == path
    tools(node=BUILD)  # the tool is kept: npm is not needed again
    path.unlink()
    assert runtime.built_javascript_runtime() == path


@pytest.mark.parametrize("there", [{}, {"npm": FETCH}, {"node": BUILD}])
def test_without_node_or_npm_it_is_said_what_to_install(tools, there):
    tools(**there)

    with pytest.raises(ToolMissing, match=r"need Node and npm, once.*: install Node 20 or newer, then try again"):
        runtime.built_javascript_runtime()


def test_without_a_network_npms_last_words_are_told(tools):
    tools(node=BUILD, npm="sys.exit('npm error network')")

    with pytest.raises(ToolMissing, match=r"npm could not fetch componentize-qjs .*: npm error network"):
        runtime.built_javascript_runtime()


@pytest.mark.parametrize("then", ["sys.exit('the world is wrong')", "print('the world is wrong')"])
def test_a_build_that_fails_shows_its_last_words(tools, then):
    tools(node=then, npm=FETCH)

    with pytest.raises(BuildFailed, match="JavaScript workers could not be built: the world is wrong"):
        runtime.built_javascript_runtime()
    assert runtime.cached_javascript_runtime() is None
