"""The runtimes of programs that an engine has: kept in its data folder, by SHA-256, as long as the folder is.

So no oplog depends on a cache, nor on what a newer golem_nb would build. Source: ARCHITECTURE, decision 18.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from golem_nb.authoring.javascript_runtime import built_javascript_runtime
from golem_nb.authoring.program import PYTHON, Program
from golem_nb.authoring.runtime import built_runtime
from golem_nb.engine.scheduler import Slots, run_on_large_stack
from golem_nb.errors import ComponentNotFound
from golem_nb.store.contents import Contents
from golem_nb.wasm.describing import description_of
from golem_nb.wasm.link import LinkedComponent
from golem_nb.wasm.platform import Platform
from golem_nb.wasm.programs import LinkedProgram

PROGRAMS_AT_ONCE = 2  # are described


class Runtimes:
    def __init__(self, folder: Path, platform: Platform, note_taken: Callable[[], None] = lambda: None) -> None:
        """`note_taken` is called when a program begins to run; then ticks are needed, until `slots` are free."""
        self._contents, self._platform = Contents(folder), platform
        # Of their own: a worker that has a place may need its program described, and must not wait for another place.
        self.slots = Slots(PROGRAMS_AT_ONCE, note_taken)
        self._linked: dict[str, LinkedComponent] = {}
        self._current: dict[str, str] = {}
        # Building one takes half a minute, in which workers of others go on.
        self._building, self._linking = threading.Lock(), threading.Lock()

    def current(self, language: str) -> str:
        """Return the SHA-256 of the runtime that new programs in a language get.

        It is built now, if this machine has none.

        Raises:
            ToolMissing, BuildFailed: It cannot be.
        """
        with self._building:
            if language not in self._current:
                built = built_runtime() if language == PYTHON else built_javascript_runtime()
                self._current[language] = self._contents.keep(built.read_bytes())
            return self._current[language]

    def linked(self, program: Program, sha256: str) -> LinkedProgram:
        """Return a program, ready to be instantiated on a runtime.

        Raises:
            ComponentRejected: It is no program that can be run; the text has its own lines.
            ComponentNotFound: The runtime is not in the data folder.
        """
        runtime = self._runtime(sha256)
        with self.slots.taken():
            description = run_on_large_stack(lambda: description_of(runtime, program.text))
        return LinkedProgram(runtime, program.text, description)

    def _runtime(self, sha256: str) -> LinkedComponent:
        with self._linking:
            if sha256 not in self._linked:
                try:
                    wasm = self._contents.read(sha256)
                except ComponentNotFound as error:
                    raise ComponentNotFound(f"the runtime of this program is gone: {error}") from None
                self._linked[sha256] = self._platform.link(wasm)
            return self._linked[sha256]
