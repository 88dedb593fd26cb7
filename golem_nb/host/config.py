"""wasi:config 0.2: what the worker was configured with when it was made. Not recorded: it never changes.

`store` was called `runtime` in earlier drafts; in later ones its functions have no error. Both are served.
"""

from __future__ import annotations

from golem_nb.host.declare import Interface, deterministic


class Store(Interface, wit="wasi:config/store"):
    @deterministic
    def get(self, key: str) -> str | None:
        return self.worker.config.get(key)

    @deterministic
    def get_all(self) -> list[tuple[str, str]]:
        return list(self.worker.config.items())


class Runtime(Interface, wit="wasi:config/runtime"):
    @deterministic
    def get(self, key: str) -> str | None:
        return self.worker.config.get(key)

    @deterministic
    def get_all(self) -> list[tuple[str, str]]:
        return list(self.worker.config.items())
