"""Filters of workers as Golem's lines of three words. Source: SEMANTICS 0.3.

line        ::= field " " comparator " " value
field       ::= "name" | "version" | "status" | "createdAt" | "created_at" | "env." NAME
comparator  ::= "=" | "!=" | ">=" | ">" | "<=" | "<" | "like" | "notlike" | "startswith" | …
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from golem_nb.errors import BadInput
from golem_nb.model import WorkerStatus, timestamp_from_text
from golem_nb.oplog.filters import COMPARATORS_OF, AllOf, Comparator, Condition, Field, WorkerFilter

MOST_VERSION = (1 << 63) - 1

_SIGNS: Mapping[Comparator, tuple[str, ...]] = {
    Comparator.EQUAL: ("=", "==", "eq", "equal"),
    Comparator.NOT_EQUAL: ("!=", "ne", "notequal"),
    Comparator.GREATER_EQUAL: (">=", "ge", "greaterequal"),
    Comparator.GREATER: (">", "gt", "greater"),
    Comparator.LESS_EQUAL: ("<=", "le", "lessequal"),
    Comparator.LESS: ("<", "lt", "less"),
    Comparator.LIKE: ("like",),
    Comparator.NOT_LIKE: ("notlike",),
    Comparator.STARTS_WITH: ("startswith",),
}
_BY_SIGN = {sign: comparator for comparator, signs in _SIGNS.items() for sign in signs}
_FIELDS = {
    "name": Field.NAME,
    "version": Field.VERSION,
    "status": Field.STATUS,
    "createdat": Field.CREATED_AT,
    "created_at": Field.CREATED_AT,
}
_STATUSES = {str(status).lower(): status for status in WorkerStatus}


def filter_from_texts(texts: Sequence[str]) -> WorkerFilter | None:
    """Read the parameters `filter`, all of which must hold; None where there are none.

    Raises:
        BadInput: One is not three words of these; the text says which, and what is allowed.
    """
    return AllOf(tuple(_condition_from_text(text) for text in texts)) if texts else None


def _condition_from_text(text: str) -> Condition:
    words = text.split()
    if len(words) != 3:
        raise invalid(f"{text[:80]!r} is not `field comparator value`, such as `name startswith shop-`")
    name, sign, value = words
    if name.lower().startswith("env."):
        field, key = Field.ENV, name[4:]
    elif name.lower() in _FIELDS:
        field, key = _FIELDS[name.lower()], ""
    else:
        raise invalid(f"unknown field {name[:80]!r}; allowed: name, version, status, createdAt, env.NAME")
    return Condition(field, comparator_of(field, sign), value_from_text(field, value), key)


def comparator_of(field: Field, sign: str) -> Comparator:
    found = _BY_SIGN.get(sign.lower())
    if found not in COMPARATORS_OF[field]:
        allowed = ", ".join(_SIGNS[comparator][0] for comparator in COMPARATORS_OF[field])
        raise invalid(f"{field} cannot be compared by {sign[:80]!r}; allowed: {allowed}")
    assert found is not None, "it is one of those"
    return found


def value_from_text(field: Field, text: str) -> str | int | WorkerStatus | datetime:
    match field:
        case Field.STATUS:
            if text.lower() not in _STATUSES:
                raise invalid(f"unknown status {text[:80]!r}; allowed: {', '.join(WorkerStatus)}")
            return _STATUSES[text.lower()]
        case Field.VERSION:
            if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= MOST_VERSION):
                raise invalid(f"a version is a whole number, found {text[:80]!r}")
            return int(text)
        case Field.CREATED_AT:
            try:
                return timestamp_from_text(text)
            except (BadInput, OverflowError):
                raise invalid(
                    f"createdAt is compared with a moment such as 2025-01-31T12:00:00Z, found {text[:80]!r}"
                ) from None
    return text


def invalid(text: str) -> BadInput:
    return BadInput(f"Invalid filter: {text}")
