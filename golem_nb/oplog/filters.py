"""Which workers a listing is asked for: conditions on their metadata, which their oplogs tell. Source: SEMANTICS 0.3.

Conditions are compared by Golem's rules: names of environment variables without regard to case, statuses in the order
in which Golem lists them, moments to the millisecond.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from golem_nb.model import WorkerMetadata, WorkerStatus


class Field(StrEnum):
    """What a condition looks at. Spelled as the `type` of Golem's JSON."""

    NAME = "Name"
    STATUS = "Status"
    VERSION = "Version"
    CREATED_AT = "CreatedAt"
    ENV = "Env"
    CONFIG = "WasiConfigVars"


class Comparator(StrEnum):
    """Spelled as in Golem's JSON. Texts know the first two and the last three, all else the first six."""

    EQUAL = "Equal"
    NOT_EQUAL = "NotEqual"
    GREATER_EQUAL = "GreaterEqual"
    GREATER = "Greater"
    LESS_EQUAL = "LessEqual"
    LESS = "Less"
    LIKE = "Like"
    NOT_LIKE = "NotLike"
    STARTS_WITH = "StartsWith"


_EQUALITIES = (Comparator.EQUAL, Comparator.NOT_EQUAL)
OF_ORDERED = (*_EQUALITIES, Comparator.GREATER_EQUAL, Comparator.GREATER, Comparator.LESS_EQUAL, Comparator.LESS)
OF_TEXTS = (*_EQUALITIES, Comparator.LIKE, Comparator.NOT_LIKE, Comparator.STARTS_WITH)
COMPARATORS_OF: Mapping[Field, tuple[Comparator, ...]] = {
    Field.NAME: OF_TEXTS,
    Field.STATUS: OF_ORDERED,
    Field.VERSION: OF_ORDERED,
    Field.CREATED_AT: OF_ORDERED,
    Field.ENV: OF_TEXTS,
    Field.CONFIG: OF_TEXTS,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """`value` is a text, a WorkerStatus, a version or an aware datetime, by the field. `key` names a variable."""

    field: Field
    comparator: Comparator
    value: str | int | WorkerStatus | datetime
    key: str = ""


@dataclass(frozen=True, slots=True)
class AllOf:
    filters: tuple[WorkerFilter, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """With no filters it matches everything, as in Golem."""

    filters: tuple[WorkerFilter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    filter: WorkerFilter


WorkerFilter = Condition | AllOf | AnyOf | Not

_HOLDS: Mapping[Comparator, Callable[[Any, Any], bool]] = {
    Comparator.EQUAL: operator.eq,
    Comparator.NOT_EQUAL: operator.ne,
    Comparator.GREATER_EQUAL: operator.ge,
    Comparator.GREATER: operator.gt,
    Comparator.LESS_EQUAL: operator.le,
    Comparator.LESS: operator.lt,
    Comparator.LIKE: lambda text, part: part in text,
    Comparator.NOT_LIKE: lambda text, part: part not in text,
    Comparator.STARTS_WITH: str.startswith,
}
_STATUSES = tuple(WorkerStatus)  # in Golem's order


def matches(filter: WorkerFilter, worker: WorkerMetadata) -> bool:
    """Does the worker pass the filter?"""
    return bool(_verdict(filter, lambda condition: _is_met(condition, worker)))


def verdict_by_name(filter: WorkerFilter, name: str) -> bool | None:
    """Return what the worker's name alone decides; None where its metadata must be looked at."""

    def of_name(condition: Condition) -> bool | None:
        if condition.field is not Field.NAME:
            return None
        return _HOLDS[condition.comparator](name, condition.value)

    return _verdict(filter, of_name)


def _verdict(filter: WorkerFilter, of: Callable[[Condition], bool | None]) -> bool | None:
    """Fold the conditions' verdicts, of which None stands for "not known"."""
    match filter:
        case Condition():
            return of(filter)
        case Not(inner):
            verdict = _verdict(inner, of)
            return None if verdict is None else not verdict
        case AllOf(filters):
            found = [_verdict(one, of) for one in filters]
            return False if False in found else None if None in found else True
        case AnyOf(filters):
            found = [_verdict(one, of) for one in filters]
            return True if True in found or not found else None if None in found else False


def _is_met(condition: Condition, worker: WorkerMetadata) -> bool:
    holds, wanted = _HOLDS[condition.comparator], condition.value
    match condition.field:
        case Field.NAME:
            return holds(worker.worker_id.name, wanted)
        case Field.STATUS:
            return holds(_STATUSES.index(worker.status), _STATUSES.index(WorkerStatus(str(wanted))))
        case Field.VERSION:
            return holds(worker.component_version, wanted)
        case Field.CREATED_AT:
            assert isinstance(wanted, datetime), "the value of CreatedAt is a moment"
            return holds(_milliseconds(worker.created_at), _milliseconds(wanted))
        case Field.ENV:
            key = condition.key.lower()
            given = next((value for name, value in worker.env.items() if name.lower() == key), None)
            return given is not None and holds(given, wanted)
        case Field.CONFIG:
            return condition.key in worker.config and holds(worker.config[condition.key], wanted)


_EPOCH = datetime.fromtimestamp(0, UTC)


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)  # exactly: floats are not
