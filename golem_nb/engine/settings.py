"""What can be chosen when an engine is opened, and the clock that it has unless another one is given."""

from __future__ import annotations

import time
from dataclasses import dataclass

from golem_nb.host.network_policy import EVERYTHING, NetworkPolicy
from golem_nb.model import MEMORY_LIMIT_MIB, TIME_LIMIT_S


class SystemClock:
    """The clock of the machine."""

    def now_ns(self) -> int:
        return time.time_ns()


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be chosen when an engine is opened."""

    durability: str = "power"
    """`power` survives a power cut, `process` the end of the process."""
    slots: int = 0
    """Guests that run at once; 0 = by the number of cores."""
    max_loaded: int = 2000
    """Idle workers that keep their instance."""
    memory_limit_bytes: int | None = MEMORY_LIMIT_MIB << 20
    """Of one worker, for ever from when it is made; None = no limit."""
    time_limit_s: float | None = TIME_LIMIT_S
    """Of one invocation: what it runs, without replay and without what it waits for; None = no limit."""
    network: NetworkPolicy = EVERYTHING
    """Which hosts components reach."""


DEFAULTS = Settings()
