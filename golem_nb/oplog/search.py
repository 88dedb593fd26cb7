"""A query, asked of the engine's own entries: it finds what it finds in their public form, which is not made for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from golem_nb.model import OplogIndex
from golem_nb.oplog.entries import (
    CancelPendingInvocation,
    ExportedFunctionCompleted,
    ExportedFunctionInvoked,
    OplogEntry,
    PendingWorkerInvocation,
    Recorded,
)
from golem_nb.oplog.query import Leaf, Query, leaves_of_kind, leaves_of_values
from golem_nb.values.json import json_from_typed

# Golem's public name where it is not the entry's own.
KIND_NAMES: dict[type[OplogEntry], str] = {CancelPendingInvocation: "CancelInvocation"}
_TEXTS = (
    "function_name",
    "idempotency_key",
    "message",
    "failure",
    "details",
    "context",
    "span_id",
    "parent_id",
    "key",
    "target_version",
)
_VALUES = ("request", "response", "input")


def matching(query: Query) -> Callable[[OplogIndex, OplogEntry], bool]:
    """Return a query as a question about entries."""
    return lambda index, entry: query.holds(tuple(leaves_of_entry(entry)), ())


def kind_name(kind: type[OplogEntry]) -> str:
    return KIND_NAMES.get(kind, kind.__name__)


def _hidden(entry: OplogEntry) -> tuple[str, ...]:
    """Return the fields that the public form does not have."""
    if isinstance(entry, PendingWorkerInvocation) and entry.target_version is not None:
        return "idempotency_key", "function_name"
    if isinstance(entry, ExportedFunctionCompleted) and not entry.failure:
        return ("failure",)
    return ("span_id",) if isinstance(entry, ExportedFunctionInvoked) else ()


def leaves_of_entry(entry: OplogEntry) -> Iterator[Leaf]:
    yield from leaves_of_kind(kind_name(type(entry)))
    texts = (getattr(entry, name, None) for name in _TEXTS if name not in _hidden(entry))
    yield from (((), str(text)) for text in texts if text is not None)
    for name in _VALUES:
        found = getattr(entry, name, None) or ()
        for recorded in (found,) if isinstance(found, Recorded) else found:
            yield from leaves_of_values(json_from_typed(recorded.typed()))
    if hasattr(entry, "key") and hasattr(entry, "value"):
        yield (entry.key.lower(),), entry.value
    for name, value in getattr(entry, "attributes", {}).items():
        yield (name.lower(),), value
