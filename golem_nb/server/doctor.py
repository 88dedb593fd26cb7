"""What golem_nb needs of a machine, examined."""

from __future__ import annotations

import platform
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

from golem_nb.authoring.preparing import prepare, prepare_javascript
from golem_nb.engine.engine import Engine
from golem_nb.errors import GolemError, ToolMissing


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    is_good: bool
    found: str


def examine() -> list[Finding]:
    return [
        Finding("Python", sys.version_info >= (3, 11), platform.python_version()),
        Finding("system", platform.system() in ("Linux", "Darwin"), f"{platform.system()} {platform.machine()}"),
        Finding("wasmtime", version("wasmtime").startswith("50."), version("wasmtime")),
        _tried("value codec", _codec),
        _tried("engine", _engine),
    ]


def examined_runtime(step: Callable[[str], None]) -> Finding:
    """Have the runtime of programs in Python ready; `step` is told what takes time."""

    def attempt() -> Finding:
        begin = time.monotonic()
        runtime = prepare(step)
        took_s = time.monotonic() - begin
        return Finding("Python workers", True, f"the runtime is there ({runtime}, {took_s:.0f} s)")

    return _tried("Python workers", attempt)


def examined_javascript(step: Callable[[str], None]) -> Finding:
    """Have the runtime of programs in JavaScript ready, where there are tools for it: it can be done without."""

    def attempt() -> Finding:
        try:
            return Finding("JavaScript workers", True, f"the runtime is there ({prepare_javascript(step)})")
        except ToolMissing as missing:
            return Finding("JavaScript workers", True, f"not on this machine: {missing}")

    return _tried("JavaScript workers", attempt)


def _tried(what: str, attempt: Callable[[], Finding]) -> Finding:
    try:
        return attempt()
    except GolemError as error:
        return Finding(what, False, str(error))


def _codec() -> Finding:
    with tempfile.TemporaryDirectory(prefix="golem-nb-doctor-") as folder:
        engine = Engine.open(folder)
        name = engine.codec_name
        engine.close()
    return Finding("value codec", name == "raw", f"{name}" if name == "raw" else f"{name}: slower than it could be")


def _engine() -> Finding:
    engine = Engine.open("memory:")
    engine.close()
    return Finding("engine", True, "opens and closes")
