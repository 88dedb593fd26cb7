"""Have the runtimes of programs ready on this machine: built, and compiled ahead for all its engines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from golem_nb.authoring.javascript_runtime import built_javascript_runtime
from golem_nb.authoring.runtime import built_runtime, cached_runtime, compiled_folder
from golem_nb.wasm.components import compile_ahead
from golem_nb.wasm.settings import fingerprint

STEPS = 2


def is_prepared() -> bool:
    """Is there nothing left to do? It is asked before every deployment of a program, and so costs nothing."""
    runtime = cached_runtime()
    return runtime is not None and _mark(runtime).exists()


def prepare(step: Callable[[str], None] = lambda text: None) -> Path:
    """Return the runtime's file when all is there: a minute or so the first time, and 0.5 GB of memory meanwhile.

    `step` is told what begins.

    Raises:
        ToolMissing, BuildFailed: It cannot be built; the text says what to do.
    """
    step("building it from its sources")
    runtime = built_runtime()
    step("compiling it for this machine")
    compile_ahead(runtime.read_bytes(), compiled_folder())
    _mark(runtime).touch()
    return runtime


def prepare_javascript(step: Callable[[str], None] = lambda text: None) -> Path:
    """Return the file of JavaScript's runtime when all is there: some seconds the first time.

    Raises:
        ToolMissing, BuildFailed: It cannot be built; the text says what to do.
    """
    step("building it from its sources")
    runtime = built_javascript_runtime()
    step("compiling it for this machine")
    compile_ahead(runtime.read_bytes(), compiled_folder())
    return runtime


def _mark(runtime: Path) -> Path:
    return runtime.with_suffix(f".{fingerprint()}")
