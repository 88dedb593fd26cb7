"""What a program is taken in by when it is deployed, to see what it exports: no worker, and nothing is kept."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

from golem_nb.errors import ComponentRejected
from golem_nb.host.context import HostContext
from golem_nb.host.declare import HostFunction, Interface, ResourceTable, Trap, WitError
from golem_nb.host.filetree import FileTree
from golem_nb.model import LogLevel
from golem_nb.wasm.instance import GuestTrap
from golem_nb.wasm.link import LinkedComponent
from golem_nb.wasm.programs import Raised, describe

T = TypeVar("T")

TIME_LIMIT_S = 10.0


def description_of(runtime: LinkedComponent, program_text: str) -> list[dict[str, Any]]:
    """Return what a program exports, as its runtime tells it. Not to be called from the main thread.

    Raises:
        ComponentRejected: It cannot be loaded; the text has its own lines.
    """
    try:
        return describe(runtime, program_text, DescribingHost())
    except (Raised, Trap, GuestTrap) as error:
        raise ComponentRejected(str(error)) from None


class _NeedsWorker(Exception):
    pass


class DescribingHost:
    """Answers what reads the clock or draws random numbers, and takes output; it has an empty file system."""

    worker_urn = ""

    def __init__(self) -> None:
        self.earlier_urns: Sequence[str] = ()
        self.args: Sequence[str] = ()
        self.env: Sequence[tuple[str, str]] = ()
        self.config: Mapping[str, str] = {}
        self.table, self.files = ResourceTable(), FileTree()
        self.context = cast(HostContext, self)
        self.is_live = True
        self._shared: dict[Any, Any] = {}
        self._deadline = time.monotonic() + TIME_LIMIT_S

    def call(self, function: HostFunction, target: Any, arguments: dict[str, Any]) -> Any:
        try:
            value = function.body(target, **arguments)
        except _NeedsWorker:
            text = f"{function.label} needs a worker: call it in a function, not while the cell is loaded"
            raise Trap(text) from None
        except WitError as error:
            if function.rebuild_error is None:
                raise
            raise WitError(function.rebuild_error(target, error.payload, **arguments)) from None
        return value if function.rebuild is None else function.rebuild(target, value, **arguments)

    def __getattr__(self, name: str) -> Any:
        raise _NeedsWorker(name)

    def interface(self, kind: type[Interface]) -> Interface:
        return self.shared(cast(Callable[[HostContext], Interface], kind))

    def shared(self, kind: Callable[[HostContext], T]) -> T:
        if kind not in self._shared:
            self._shared[kind] = kind(self.context)
        found: T = self._shared[kind]
        return found

    def stop(self) -> BaseException | None:
        return Trap(f"loading the program takes over {TIME_LIMIT_S:g} s") if time.monotonic() > self._deadline else None

    def now_ns(self) -> int:
        return time.time_ns()

    moment_ns = now_ns

    def random_bytes(self, count: int) -> bytes:
        return os.urandom(count)

    def emit(self, level: LogLevel, context: str, message: str) -> None:
        """Output of a module is shown when a worker loads it."""

    def wait_until_any(self, sources: Sequence[Any]) -> list[int]:
        return list(range(len(sources)))  # nobody waits for a program to be described
