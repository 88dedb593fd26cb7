"""wasi:logging: lines with a level and a context, by the log rule (SEMANTICS 3.9)."""

from __future__ import annotations

from golem_nb.host.declare import Interface, deterministic
from golem_nb.model import LogLevel

_LEVELS = {level.lower(): level for level in LogLevel}


class Logging(Interface, wit="wasi:logging/logging"):
    @deterministic
    def log(self, level: str, context: str, message: str) -> None:
        self.worker.emit(_LEVELS[level], context, message)
