"""The ways in which a running invocation is ended from outside it, as exceptions that unwind the component.

They derive from BaseException, so that no host function takes one for its own; the shim of `wasm.abi` parks whatever a
host function raises, so they pass through wasm unharmed.
"""

from __future__ import annotations


class Stop(BaseException):
    """The invocation ends here; its worker instance is dropped."""


class Interrupt(Stop):
    """By the API: an Interrupted entry, and nothing more until the worker is resumed."""


class Restart(Stop):
    """A simulated crash, or recovery on demand: nothing is written, and the worker replays at once."""


class Suspended(Stop):
    """Every wait is for a clock, and long: a Suspend entry; the worker replays at `due_ns`."""

    def __init__(self, due_ns: int) -> None:
        super().__init__(due_ns)
        self.due_ns = due_ns


class Unload(Stop):
    """The engine closes, or the worker is deleted: nothing is written; the store has all that counts."""
