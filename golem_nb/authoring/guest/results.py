"""Words of the module `golem` that ask nothing of the engine, so that they are there on every server."""

import dataclasses
import typing

T, E = typing.TypeVar("T"), typing.TypeVar("E")


class Failure(Exception):
    """A call has no result. `kind`: raised, retry, fail."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind, self.message = kind, message


@dataclasses.dataclass(frozen=True)
class Ok(typing.Generic[T]):
    """The good side of a `Result`."""

    value: T


class Err(Exception, typing.Generic[E]):
    """The other side of a `Result`: to be returned, or raised in a function that has such a result."""

    def __init__(self, value):
        super().__init__(value)
        self.value = value

    def __eq__(self, other):
        return type(other) is Err and other.value == self.value

    def __hash__(self):
        return hash(("Err", self.value))

    def __repr__(self):
        return f"Err(value={self.value!r})"


Result = Ok[T] | Err[E]


def worker_class(cls):
    """Mark the class whose methods are exported, where a cell has several that could be meant."""
    cls.__golem_worker__ = True
    return cls


def retry(reason="the program asked for another attempt"):
    """Give this attempt up: the invocation is tried again, as the retry policy says, and at last the worker fails."""
    raise Failure("retry", str(reason))


def fail(reason="the program gave up"):
    """Give up: the worker is Failed, and takes no more invocations until it is reverted or updated."""
    raise Failure("fail", str(reason))
