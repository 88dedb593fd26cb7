"""What can be chosen when an engine is opened, and the clock that it has unless another one is given."""

from __future__ import annotations

import time
from dataclasses import dataclass

from golem_nb.host.network_policy import EVERYTHING, NetworkPolicy


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
    memory_limit_bytes: int | None = None
    """Of one worker."""
    network: NetworkPolicy = EVERYTHING
    """Which hosts components reach."""
