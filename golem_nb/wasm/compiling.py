"""Compile a component in a process of its own: `python -m golem_nb.wasm.compiling WASM CODE`.

The memory that it takes, half a gigabyte for a runtime of Python, goes back when the process ends, and nobody who works
meanwhile waits for it. What is wrong with the component is its last words.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from wasmtime import WasmtimeError
from wasmtime import component as wit

from golem_nb.errors import BuildFailed, ComponentRejected
from golem_nb.wasm.settings import make_engine

REJECTED = 3  # the exit code where the component is at fault


def compile_apart(wasm: bytes) -> bytes:
    """Return a component's compiled code.

    Raises:
        ComponentRejected: It cannot be compiled; the text says why.
        BuildFailed: The process could not do its work: no memory, no room.
    """
    with tempfile.TemporaryDirectory(prefix="golem-nb-compile-") as name:
        source, code = Path(name, "component.wasm"), Path(name, "code")
        source.write_bytes(wasm)
        # -P: a file json.py in the working directory must not stand in for Python's own.
        command = [sys.executable, "-P", "-m", "golem_nb.wasm.compiling", str(source), str(code)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode == REJECTED:
            raise ComponentRejected(done.stderr.strip())
        if done.returncode != 0:
            raise BuildFailed(
                f"compiling ended with exit code {done.returncode}; is there memory, and room in {name}? "
                f"{done.stderr.strip()[-500:]}"
            )
        return code.read_bytes()


def main(source: str, code: str) -> int:
    try:
        component = wit.Component(make_engine(), Path(source).read_bytes())
    except WasmtimeError as error:
        print(error, file=sys.stderr)
        return REJECTED
    Path(code).write_bytes(component.serialize())
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
