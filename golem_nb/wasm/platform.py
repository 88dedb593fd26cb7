"""Everything of wasm that an engine has one of: wasmtime's engine, the value codec, the compiler and its cache."""

from __future__ import annotations

from pathlib import Path

from wasmtime import WasmtimeError

import golem_nb.host  # noqa: F401  fills the table of host functions
from golem_nb.errors import ComponentRejected
from golem_nb.wasm.abi import choose
from golem_nb.wasm.components import Compiler
from golem_nb.wasm.link import NO_CLIENTS, DynamicLinking, LinkedComponent
from golem_nb.wasm.programs import described_component
from golem_nb.wasm.settings import make_engine


class Platform:
    def __init__(self, cache: Path, shared: Path | None = None) -> None:
        """`cache` keeps compiled code; `shared` may have some that was made ahead."""
        self._engine = make_engine()
        self._compiler = Compiler(self._engine, cache, shared)
        self.backend = choose(self._engine)

    def link(self, wasm: bytes, clients: DynamicLinking = NO_CLIENTS) -> LinkedComponent:
        """Compile (or load from the cache) and link a component; see `LinkedComponent` for `clients`.

        Raises:
            ComponentRejected: It is none, or cannot run here.
        """
        compiled = described_component(wasm, self._compiler.compile(wasm))
        try:
            return LinkedComponent(self._engine, self.backend, compiled, clients)
        except WasmtimeError as error:
            raise ComponentRejected(f"the imports of this component cannot be provided here: {error}") from None

    def tick(self) -> None:
        """Advance the epoch: running components ask whether to stop. To be called every 10 ms (SEMANTICS 11)."""
        self._engine.increment_epoch()
