import sys

import pytest

from golem_nb.authoring.program import program_in
from golem_nb.authoring.python import component_from_source, modules_of, program_name
from golem_nb.errors import UsageError


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Return a folder whose packages are installed."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_source_becomes_a_program(installed):
    (installed / "extra.py").write_text("x = 1\n")

    made = program_in(component_from_source("def f(): pass", "My Shop 2", ["extra"]))

    assert (made.source, made.name, made.modules) == ("def f(): pass", "my-shop-n2", {"extra": (False, "x = 1\n")})


@pytest.mark.parametrize(("name", "spelled"), [("shop", "shop"), ("a_b", "a-b"), ("2nd", "n2nd"), ("é!", "worker")])
def test_names_are_spelled_as_the_component_model_does(name, spelled):
    assert program_name(name) == spelled


def test_a_package_comes_along_whole_but_for_its_tests(installed):
    folder = installed / "pack"
    for name in ("__init__.py", "part.py", "sub/__init__.py", "sub/deep.py", "tests/__init__.py", "tests/test_it.py"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name}")

    assert modules_of("pack") == {
        "pack": (True, "# __init__.py"),
        "pack.part": (False, "# part.py"),
        "pack.sub": (True, "# sub/__init__.py"),
        "pack.sub.deep": (False, "# sub/deep.py"),
    }


@pytest.mark.parametrize("name", ["no_such_package_here", "", "a..b", "math"])
def test_what_is_not_installed_as_source_is_refused(name):
    with pytest.raises(UsageError, match=f"--with {name}: .*only pure Python"):
        modules_of(name)


def test_a_package_with_compiled_parts_is_refused(installed):
    (installed / "half").mkdir()
    (installed / "half" / "__init__.py").write_text("")
    (installed / "half" / f"fast.{sys.implementation.cache_tag}-x86_64-linux-gnu.so").write_text("")
    (installed / "half" / "fast.abi3.so").write_text("")

    with pytest.raises(UsageError, match=r"--with half: it has compiled parts \(fast\.abi3\.so"):
        modules_of("half")
