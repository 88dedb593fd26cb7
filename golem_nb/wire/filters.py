"""Filters of workers <-> Golem's two spellings: a line of three words, and tagged JSON. Source: SEMANTICS 0.3.

line        ::= field " " comparator " " value
field       ::= "name" | "version" | "status" | "createdAt" | "created_at" | "env." NAME
comparator  ::= "=" | "!=" | ">=" | ">" | "<=" | "<" | "like" | "notlike" | "startswith" | …
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from golem_nb.errors import BadInput
from golem_nb.model import WorkerStatus
from golem_nb.oplog.filters import COMPARATORS_OF, AllOf, AnyOf, Comparator, Condition, Field, Not, WorkerFilter
from golem_nb.wire.codec import text_from_timestamp, timestamp_from_text
from golem_nb.wire.reading import MOST, read_text, reading

Json = dict[str, Any]

MOST_DEPTH, MOST_CONDITIONS = 32, 1000  # of one filter: it is looked at for each worker

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
        raise _invalid(f"{text[:80]!r} is not `field comparator value`, such as `name startswith shop-`")
    name, sign, value = words
    if name.lower().startswith("env."):
        field, key = Field.ENV, name[4:]
    elif name.lower() in _FIELDS:
        field, key = _FIELDS[name.lower()], ""
    else:
        raise _invalid(f"unknown field {name[:80]!r}; allowed: name, version, status, createdAt, env.NAME")
    return Condition(field, _comparator(field, sign), _value_from_text(field, value), key)


def _comparator(field: Field, sign: str) -> Comparator:
    found = _BY_SIGN.get(sign.lower())
    if found not in COMPARATORS_OF[field]:
        allowed = ", ".join(_SIGNS[comparator][0] for comparator in COMPARATORS_OF[field])
        raise _invalid(f"{field} cannot be compared by {sign[:80]!r}; allowed: {allowed}")
    assert found is not None, "it is one of those"
    return found


def _value_from_text(field: Field, text: str) -> str | int | WorkerStatus | datetime:
    match field:
        case Field.STATUS:
            if text.lower() not in _STATUSES:
                raise _invalid(f"unknown status {text[:80]!r}; allowed: {', '.join(WorkerStatus)}")
            return _STATUSES[text.lower()]
        case Field.VERSION:
            if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= MOST):
                raise _invalid(f"a version is a whole number, found {text[:80]!r}")
            return int(text)
        case Field.CREATED_AT:
            try:
                return timestamp_from_text(text)
            except (BadInput, OverflowError):
                raise _invalid(
                    f"createdAt is compared with a moment such as 2025-01-31T12:00:00Z, found {text[:80]!r}"
                ) from None
    return text


def filter_from_json(json: Any) -> WorkerFilter:
    """Read the filter of a search.

    Raises:
        BadInput: It is none; the text says where, and what is allowed.
    """
    return _Reader().read(json, "filter", 1)


class _Reader:
    """Reads one filter, and counts its parts."""

    def __init__(self) -> None:
        self._room = MOST_CONDITIONS

    def read(self, json: Any, at: str, depth: int) -> WorkerFilter:
        self._room -= 1
        if depth > MOST_DEPTH or self._room < 0:
            raise _invalid(f"at most {MOST_CONDITIONS} conditions, nested {MOST_DEPTH} deep")
        if not isinstance(json, Mapping):
            raise _invalid(f"{at} must be an object with a `type`, found {json!r:.80}")
        match json.get("type"):
            case "And" | "Or" as type:
                filters = self._parts(json, at, depth)
                return AllOf(filters) if type == "And" else AnyOf(filters)
            case "Not":
                return Not(self.read(json.get("filter"), f"{at}.filter", depth + 1))
            case type if isinstance(type, str) and type in list(Field):
                return _condition_from_json(Field(type), json, at)
            case type:
                allowed = ", ".join([*Field, "And", "Or", "Not"])
                raise _invalid(f"{at}.type is one of {allowed}; found {type!r:.80}")

    def _parts(self, json: Mapping[str, Any], at: str, depth: int) -> tuple[WorkerFilter, ...]:
        filters = json.get("filters")
        if not isinstance(filters, list):
            raise _invalid(f"{at}.filters must be a list, found {filters!r:.80}")
        return tuple(self.read(one, f"{at}.filters[{n}]", depth + 1) for n, one in enumerate(filters))


def _condition_from_json(field: Field, json: Mapping[str, Any], at: str) -> Condition:
    sign, value, key = json.get("comparator"), json.get("value"), json.get("name", "")
    if not isinstance(sign, str):
        raise _invalid(f"{at}.comparator must be a text, found {sign!r:.80}")
    has_key = field in (Field.ENV, Field.CONFIG)
    if has_key and (not isinstance(key, str) or not key):
        raise _invalid(f"{at}.name must name the variable, found {key!r:.80}")
    if field is Field.VERSION:
        if type(value) is not int:
            raise _invalid(f"{at}.value must be a whole number, found {value!r:.80}")
        value = str(value)
    elif not isinstance(value, str):
        raise _invalid(f"{at}.value must be a text, found {value!r:.80}")
    return Condition(field, _comparator(field, sign), _value_from_text(field, value), key if has_key else "")


def json_from_filter(filter: WorkerFilter) -> Json:
    """Return the filter as `filter_from_json` reads it."""
    match filter:
        case AllOf(filters):
            return {"type": "And", "filters": [json_from_filter(one) for one in filters]}
        case AnyOf(filters):
            return {"type": "Or", "filters": [json_from_filter(one) for one in filters]}
        case Not(inner):
            return {"type": "Not", "filter": json_from_filter(inner)}
        case Condition(field, comparator, value, key):
            written = text_from_timestamp(value) if isinstance(value, datetime) else value
            named = {"name": key} if key else {}
            return {"type": str(field), **named, "comparator": str(comparator), "value": written}


def find_from_json(json: Any) -> tuple[WorkerFilter | None, str | None, int | None, bool]:
    """Read the body of a search: filter, cursor, count and precise. What is left out or null is None, or false.

    A cursor is the text that a page gave, or that text inside Golem's object `{"cursor": …, "layer": …}`.
    """
    with reading("a search for workers"):
        filter, cursor, count, precise = (json.get(key) for key in ("filter", "cursor", "count", "precise"))
        if isinstance(cursor, Mapping):
            cursor = cursor["cursor"]
        if cursor is not None:
            cursor = read_text(str(cursor) if type(cursor) is int else cursor)
        if count is not None and (type(count) is not int or not 1 <= count <= MOST):
            raise ValueError(f"count must be a whole number from 1 to {MOST}, found {count!r:.80}")
        if precise is not None and not isinstance(precise, bool):
            raise TypeError(f"precise must be true or false, found {precise!r:.80}")
    return None if filter is None else filter_from_json(filter), cursor, count, bool(precise)


def json_from_find(filter: WorkerFilter | None, cursor: str | None = None, count: int | None = None) -> Json:
    given = {"filter": None if filter is None else json_from_filter(filter), "cursor": cursor, "count": count}
    return {key: value for key, value in given.items() if value is not None}


def _invalid(text: str) -> BadInput:
    return BadInput(f"Invalid filter: {text}")
