"""Filters of workers <-> Golem's tagged JSON. Source: SEMANTICS 0.3."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from golem_nb.model import text_from_timestamp
from golem_nb.oplog.filter_text import comparator_of, invalid, value_from_text
from golem_nb.oplog.filters import AllOf, AnyOf, Condition, Field, Not, WorkerFilter
from golem_nb.wire.reading import MOST, read_text, reading

Json = dict[str, Any]

MOST_DEPTH, MOST_CONDITIONS = 32, 1000  # of one filter: it is looked at for each worker


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
            raise invalid(f"at most {MOST_CONDITIONS} conditions, nested {MOST_DEPTH} deep")
        if not isinstance(json, Mapping):
            raise invalid(f"{at} must be an object with a `type`, found {json!r:.80}")
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
                raise invalid(f"{at}.type is one of {allowed}; found {type!r:.80}")

    def _parts(self, json: Mapping[str, Any], at: str, depth: int) -> tuple[WorkerFilter, ...]:
        filters = json.get("filters")
        if not isinstance(filters, list):
            raise invalid(f"{at}.filters must be a list, found {filters!r:.80}")
        return tuple(self.read(one, f"{at}.filters[{n}]", depth + 1) for n, one in enumerate(filters))


def _condition_from_json(field: Field, json: Mapping[str, Any], at: str) -> Condition:
    sign, value, key = json.get("comparator"), json.get("value"), json.get("name", "")
    if not isinstance(sign, str):
        raise invalid(f"{at}.comparator must be a text, found {sign!r:.80}")
    has_key = field in (Field.ENV, Field.CONFIG)
    if has_key and (not isinstance(key, str) or not key):
        raise invalid(f"{at}.name must name the variable, found {key!r:.80}")
    if field is Field.VERSION:
        if type(value) is not int:
            raise invalid(f"{at}.value must be a whole number, found {value!r:.80}")
        value = str(value)
    elif not isinstance(value, str):
        raise invalid(f"{at}.value must be a text, found {value!r:.80}")
    return Condition(field, comparator_of(field, sign), value_from_text(field, value), key if has_key else "")


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
