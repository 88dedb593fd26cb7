"""The ways in which a running invocation is ended from outside it, as exceptions that unwind the component.

They derive from BaseException, so that no host function takes one for its own; the shim of `wasm.abi` parks whatever a
host function raises, so they pass through wasm unharmed.
"""

from __future__ import annotations

from collections.abc import Callable


class Stop(BaseException):
    """The invocation ends here; its worker instance is dropped. Of two, the one of higher `rank` goes further."""

    rank = 0


class Restart(Stop):
    """A simulated crash, or recovery on demand: nothing is written, and the worker replays at once."""


class Collapse(Stop):
    """A simulated crash that is left as it is: nothing is written, and the worker replays when it is next wanted."""

    rank = 1


class Interrupt(Stop):
    """By the API: an Interrupted entry, and nothing more until the worker is resumed."""

    rank = 2


class Jumped(Restart):
    """The component went back in its oplog: the Jump entry is there, and the worker replays at once."""


class Suspended(Stop):
    """What is waited for is far off, or a promise: a Suspend entry; the worker replays at `due_ns`, if there is one.

    `is_over` looks again whether there is something to go on with.
    """

    def __init__(self, due_ns: int | None, is_over: Callable[[], bool] = lambda: False) -> None:
        super().__init__(due_ns)
        self.due_ns, self.is_over = due_ns, is_over


class Unload(Stop):
    """The engine closes, or the worker is deleted: nothing is written; the store has all that counts."""

    rank = 3
