"""Python source as the source of a worker: from a cell, and packages beside it, to a component."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

from golem_nb.authoring.program import Program, component_from_program
from golem_nb.errors import UsageError

MOST_PACKAGE_BYTES = 8 << 20


def component_from_source(source: str, name: str, packages: Iterable[str] = ()) -> bytes:
    """Return the component of a program; `name` is the component's, `packages` are pure Python ones of this machine.

    Whether the source is Python is the runtime's to say, which may be newer than the Python that asks.

    Raises:
        UsageError: A package is not installed, or has compiled parts.
    """
    modules = {name: of for package in packages for name, of in modules_of(package).items()}
    return component_from_program(Program(source, program_name(name), modules))


def program_name(name: str) -> str:
    """Return a component's name as the component model spells names: lower case words, joined by hyphens."""
    words = [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word]
    spelled = "-".join(word if word[0].isalpha() else f"n{word}" for word in words)
    return spelled or "worker"


def modules_of(package: str) -> dict[str, tuple[bool, str]]:
    """Return the sources of a package, or module, that is installed here: by dotted name, is it a package, its text.

    Raises:
        UsageError: It is not installed, or cannot come along.
    """
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        kind = "is compiled" if spec is not None and spec.origin is not None else "is not installed here"
        raise UsageError(f"--with {package}: {kind}; only pure Python packages that are installed here can come along")
    origin = Path(spec.origin)
    if origin.name != "__init__.py":
        return {package: (False, _text(origin))}
    root = origin.parent
    compiled = [path.name for path in root.rglob("*") if path.name.endswith(tuple(EXTENSION_SUFFIXES))]
    if compiled:
        raise UsageError(
            f"--with {package}: it has compiled parts ({', '.join(sorted(compiled)[:3])}), which do not run in a worker"
        )
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = (package, *path.relative_to(root).with_suffix("").parts)
        if "tests" in parts or not all(part.isidentifier() for part in package.split(".") + list(parts[1:])):
            continue
        is_package = parts[-1] == "__init__"
        found[".".join(parts[:-1] if is_package else parts)] = (is_package, _text(path))
    if sum(len(text) for _, text in found.values()) > MOST_PACKAGE_BYTES:
        raise UsageError(f"--with {package}: its sources have more than {MOST_PACKAGE_BYTES >> 20} MiB")
    return found


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
