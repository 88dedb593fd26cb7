"""Where a worker is to crash: it is armed once, and met by the worker itself while it does something new."""

from __future__ import annotations

import re

from golem_nb.engine.stopping import Collapse, Restart, Stop
from golem_nb.errors import BadInput
from golem_nb.model import CrashPoint, OplogIndex, is_named

MOST_NAME = 200


class ArmedPoint:
    """Counts until a crash is due; then it is over."""

    def __init__(self, point: CrashPoint, recover: bool = True) -> None:
        """Arm it. `recover`: whether the worker comes back by itself.

        Raises:
            BadInput: It names neither an index nor a call, or both, or nothing that could come.
        """
        if (point.at_index is None) == (point.at_call is None):
            raise BadInput("a crash is at an index, or at a call of a host function: give one of them")
        if point.count < 1:
            raise BadInput(f"calls are counted from 1, found {point.count}")
        if point.at_call is not None and not (
            len(point.at_call) <= MOST_NAME and re.search(r"[A-Za-z0-9]", point.at_call)
        ):
            raise BadInput(f"the name of a host function has letters, and at most {MOST_NAME} characters")
        self._point, self._left = point, point.count
        self.crash: type[Stop] = Restart if recover else Collapse

    def is_met(self, function: str, last_index: OplogIndex) -> bool:
        """A host function was just answered, and what that recorded is in the oplog: is it time?"""
        if self._point.at_index is not None:
            return last_index >= self._point.at_index
        self._left -= is_named(function, self._point.at_call or "")
        return self._left == 0
