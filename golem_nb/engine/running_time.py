"""How long an invocation runs, and the end of one that never stops."""

from __future__ import annotations

from golem_nb.wasm.instance import GuestTrap, TrapKind

TICK_S = 0.01  # of the epoch: so often a running component is asked whether to stop. Source: SEMANTICS 11


class RunningTime:
    """Counts the ticks of the epoch that meet one invocation in wasm. What it waits for, and replay, do not count."""

    def __init__(self, limit_s: float | None) -> None:
        self._limit_s, self._ticks = limit_s, 0

    def begin(self) -> None:
        """An invocation begins."""
        self._ticks = 0

    def tick(self) -> GuestTrap | None:
        """Count a tick of a live invocation; return what ends it, if that was too many."""
        self._ticks += 1
        if self._limit_s is None or self._ticks * TICK_S <= self._limit_s:
            return None
        return GuestTrap(
            TrapKind.OUT_OF_TIME,
            f"the invocation ran for {self._limit_s:g} s without an end, the engine's --time-limit; take it back with "
            "revert, and let it do less at once or sleep",
        )
