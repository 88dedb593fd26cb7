"""Say what a program exports, in a process of its own: `python -m golem_nb.authoring.describing RUNTIME PROGRAM`.

The program is loaded on the runtime of Python workers, as an engine would: it is the Python that will run it. Answers
with JSON; what is wrong with the program is its last words.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from golem_nb.authoring.runtime import BUILD_TIMEOUT_S, built_runtime, compiled_folder
from golem_nb.errors import BuildFailed, ComponentRejected
from golem_nb.wasm.describing import description_of
from golem_nb.wasm.platform import Platform

REJECTED = 3  # the exit code where the program is at fault
TICK_S = 0.01
STACK_BYTES = 8 << 20  # wasm needs one, which the main thread may not have


def described(program_text: str) -> list[dict[str, Any]]:
    """Return the description of a program's functions, as the runtime tells it.

    Raises:
        ComponentRejected: It cannot be loaded; the text has its own lines.
        ToolMissing, BuildFailed: There is no runtime, or the process could not do its work.
    """
    runtime = built_runtime()
    with tempfile.TemporaryDirectory(prefix="golem-nb-describe-") as name:
        path = Path(name, "program.json")
        path.write_text(program_text)
        command = [sys.executable, "-P", "-m", "golem_nb.authoring.describing", str(runtime), str(path)]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BuildFailed(f"the program could not be described: {error}") from None
    if done.returncode == REJECTED:
        raise ComponentRejected(done.stderr.strip())
    if done.returncode != 0:
        last = done.stderr.strip().rpartition("\n")[2]
        raise BuildFailed(f"describing the program ended with exit code {done.returncode}: {last}")
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def main(runtime: str, program: str) -> int:
    platform = Platform(compiled_folder())
    linked = platform.link(Path(runtime).read_bytes())
    text, done, codes = Path(program).read_text(), threading.Event(), list[int]()

    def work() -> None:
        try:
            print(json.dumps(description_of(linked, text)))
            codes.append(0)
        except ComponentRejected as error:
            print(error, file=sys.stderr)
            codes.append(REJECTED)
        finally:
            done.set()

    threading.stack_size(STACK_BYTES)
    threading.Thread(target=work).start()
    while not done.wait(TICK_S):
        platform.tick()
    return codes[0] if codes else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
