"""JSON that others wrote, read part by part. Whatever is of another shape becomes `BadInput`."""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

from golem_nb.errors import BadInput

# Larger numbers are no index, version or count of any server.
MOST = (1 << 63) - 1


def reading(what: str) -> AbstractContextManager[None]:
    """Turn every way in which JSON can be of another shape into BadInput."""
    return _Reading(what)


class _Reading:
    """What `reading` returns; `contextmanager` would take three times as long, and oplogs have a million entries."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if isinstance(error, KeyError):
            raise BadInput(f"{self._what} must have the key {error.args[0]!r}") from None
        if isinstance(error, (TypeError, ValueError, AttributeError)):
            raise BadInput(f"this is not {self._what}: {error}") from None


def read_text(json: Any) -> str:
    if not isinstance(json, str):
        raise TypeError(f"expected a string, found {json!r:.80}")
    return json


def read_number(json: Any) -> int:
    if type(json) is not int:  # true and 1.0 are no numbers of anything here
        raise TypeError(f"expected a whole number, found {json!r:.80}")
    return json


def read_index(json: Any, name: str) -> int:
    """Read a number that a caller sends: an index, a version or a count."""
    if type(json) is not int or not 0 <= json <= MOST:
        raise ValueError(f"{name} must be a whole number from 0 to {MOST}, found {json!r:.80}")
    return json


def read_truth(json: Any) -> bool:
    if not isinstance(json, bool):
        raise TypeError(f"expected true or false, found {json!r:.80}")
    return json


def read_list(json: Any) -> list[Any]:
    if not isinstance(json, list):
        raise TypeError(f"expected a list, found {json!r:.80}")
    return json
