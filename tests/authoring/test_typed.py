import sys

import pytest

from golem_nb.authoring import runtime, typed
from golem_nb.errors import BuildFailed, ComponentRejected, ToolMissing
from golem_nb.wasm.programs import TYPED_SECTION
from golem_nb.wasm.sections import custom_content
from tests.authoring.guest import guest

HEAD = b"\0asm\x0d\0\x01\0"
SOURCE = "def add(by: int) -> int: return by\n"


@pytest.fixture
def built(tmp_path, monkeypatch):
    """Have programs described by this Python, and components built by nothing; return the files of each build."""
    monkeypatch.setenv(runtime.CACHE_VARIABLE, str(tmp_path))
    monkeypatch.setattr(typed, "described", lambda text: guest("program").load(text).description)
    builds = []

    def build(files, world, app, what):
        builds.append(files)
        return HEAD

    monkeypatch.setattr(typed, "component_built", build)
    monkeypatch.setattr(typed, "is_prepared", lambda: True)
    return builds


def test_what_was_built_is_kept(built):
    steps = []
    first = typed.component_from_typed_source(SOURCE, "shop", step=steps.append)
    again = typed.component_from_typed_source(SOURCE, "shop", step=steps.append)

    assert first == again
    assert "add: func(by: s64) -> s64;" in first.wit
    assert b"nb:shop/api.{add}" in custom_content(first.wasm, TYPED_SECTION)
    assert len(built) == 1
    assert len(steps) == typed.BUILD_STEPS


def test_another_source_or_name_is_built_anew(built):
    for source, name in ((SOURCE, "shop"), (SOURCE + "\n", "shop"), (SOURCE, "other")):
        typed.component_from_typed_source(source, name)

    assert len(built) == 3


def test_the_oldest_are_forgotten(built, tmp_path):
    for number in range(typed.MOST_KEPT + 2):
        typed.component_from_typed_source(f"{SOURCE}# {number}", "shop")

    for kind in ("wasm", "wit"):
        assert len(list((tmp_path / "typed").glob(f"*.{kind}"))) == typed.MOST_KEPT


def test_the_build_has_the_program_and_its_world(built):
    typed.component_from_typed_source(SOURCE, "shop")

    (files,) = built
    cell = {}
    exec(files["typed_cell.py"], cell)
    assert (cell["FUNCTIONS"][0]["key"], cell["USES_GOLEM"]) == ("nb:shop/api.{add}", False)
    assert SOURCE in eval(cell["PROGRAM"], {"true": True, "false": False})["source"]
    assert b"package nb:shop;" in files["wit/world.wit"]
    assert b"interface outcomes" in files["wit/deps/golem-nb-python/package.wit"]
    assert "app.py" not in files


@pytest.mark.parametrize(
    ("source", "uses"),
    [
        ("x = 'golem'", False),
        ("from golem import Err, Ok, Result", False),
        ("import golem as g\ng.fail('no')", False),
        ("from golem import promise", True),
        ("import golem\ngolem.me()", True),
        ("def f():\n    import golem as g\n    g.promise()", True),
        ("import golem\ntype X[T] = ~~", True),  # Python that is not this one's
    ],
)
def test_golem_is_imported_where_it_is_asked_for_something(built, source, uses):
    assert typed._uses_golem(source) is uses


def test_a_program_without_golem_has_its_plain_words(built):
    typed.component_from_typed_source("def f(): pass", "a")

    assert built[0]["golem.py"] == runtime.guest_files()["plain_golem.py"]


def test_packages_that_use_golem_count(built, tmp_path, monkeypatch):
    (tmp_path / "waits.py").write_text("from golem import promise\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(typed, "described", lambda text: [])

    made = typed.component_from_typed_source(SOURCE, "shop", ["waits"])

    assert made.uses_golem
    assert "import golem:api/host@1.1.7;" in made.wit
    assert built[0]["golem.py"] == runtime.guest_files()["golem.py"]


def test_a_cell_that_is_no_program_is_refused_before_anything_is_built(built, monkeypatch):
    def described(text):
        raise ComponentRejected("line 2")

    monkeypatch.setattr(typed, "described", described)

    with pytest.raises(ComponentRejected, match="line 2"):
        typed.component_from_typed_source("def f(:", "shop")
    assert built == []


def test_without_the_tool_it_is_said_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv(runtime.CACHE_VARIABLE, str(tmp_path))
    monkeypatch.setattr(runtime.shutil, "which", lambda name, path: None)

    with pytest.raises(ToolMissing, match=r"pip install 'golem-nb\[python-workers\]'"):
        typed.component_from_typed_source(SOURCE, "shop")


def test_a_build_that_fails_says_what_failed(tmp_path, monkeypatch):
    monkeypatch.setenv(runtime.CACHE_VARIABLE, str(tmp_path))
    monkeypatch.setattr(typed, "described", lambda text: guest("program").load(text).description)
    monkeypatch.setattr(typed, "is_prepared", lambda: True)
    tool = tmp_path / "componentize-py"
    tool.write_text(f"#!{sys.executable}\nimport sys\nsys.exit('no room\\nStack backtrace:\\n  0: main')\n")
    tool.chmod(0o755)
    monkeypatch.setattr(runtime.shutil, "which", lambda name, path: str(tool))
    monkeypatch.setattr(runtime, "tool_version", lambda: "1.0")

    with pytest.raises(BuildFailed, match=r"the typed component could not be built: no room$"):
        typed.component_from_typed_source(SOURCE, "shop")
