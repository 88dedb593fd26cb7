"""What callers give for an invocation or a new worker, checked. Source: SEMANTICS 2.4; ARCHITECTURE, decision 13."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from golem_nb.errors import BadInput, ValueMismatch
from golem_nb.model import IdempotencyKey
from golem_nb.values.check import is_unicode
from golem_nb.values.json import type_from_json, value_from_json
from golem_nb.values.nodes import value_from_nodes
from golem_nb.values.types import FunctionType, Parameter


def parameters_from_json(function: FunctionType, params: Sequence[Any]) -> list[Any]:
    """Return the values of a function's parameters: each bare, `{"value": v}` or `{"typ": t, "value": v}`.

    Raises:
        BadInput: There are too many or too few, one has the wrong type, or only some of them are typed.
    """
    wanted = function.parameters
    left_out = _left_out(wanted[len(params) :])
    if len(params) + len(left_out) != len(wanted):
        names = ", ".join(p.name for p in wanted) or "none"
        raise BadInput(
            f"Parameter type mismatch: expected {len(wanted)}, got {len(params)} parameters; "
            f"{function.name} takes {names}"
        )
    typed = [_is_typed(p) for p in params]
    if any(typed) and not all(typed):
        raise BadInput(
            "Some parameters have types specified, while others don't. Give the type of all parameters or of none."
        )
    return [_value(parameter, given) for parameter, given in zip(wanted, params, strict=False)] + left_out


def _left_out(parameters: Sequence[Parameter]) -> list[Any]:
    """Return the values of parameters that nobody has given; none where one has no default."""
    defaults = [(p, p.default) for p in parameters if p.default is not None]
    if len(defaults) < len(parameters):
        return []
    return [text if p.is_json else value_from_json(p.type, json.loads(text), p.name) for p, text in defaults]


def parameters_from_nodes(function: FunctionType, params: Sequence[Any]) -> list[Any]:
    """Return the values of a function's parameters, each given as a `wit-value`.

    Raises:
        BadInput: There are too many or too few, or one is of another type.
    """
    wanted = function.parameters
    left_out = _left_out(wanted[len(params) :])
    if len(params) + len(left_out) != len(wanted):
        raise BadInput(f"Parameter type mismatch: expected {len(wanted)}, got {len(params)} parameters")
    return [value_from_nodes(p.type, given, p.name) for p, given in zip(wanted, params, strict=False)] + left_out


def checked_key(key: IdempotencyKey) -> IdempotencyKey:
    if not is_unicode(key):
        raise BadInput(f"an idempotency key is a Unicode text, found {key!r}, which has a lone surrogate")
    return key


def check_texts(*texts: Iterable[str]) -> None:
    """Check what a worker is made with.

    Raises:
        BadInput: A text could not be told to a component.
    """
    for text in chain(*texts):
        if not is_unicode(text):
            raise BadInput(
                f"what a worker is made with is Unicode text, found {text!r:.80}, which has a lone surrogate"
            )


def _is_typed(given: Any) -> bool:
    return isinstance(given, Mapping) and set(given) == {"typ", "value"} and given["typ"] is not None


def _value(parameter: Parameter, given: Any) -> Any:
    if _is_typed(given):
        type = type_from_json(given["typ"], f"{parameter.name}.typ")
        if type != parameter.type:
            raise ValueMismatch(parameter.name, "a value of the parameter's type", f"typ {given['typ']}")
        return value_from_json(type, given["value"], parameter.name)
    if parameter.is_json:
        # What is typed is the text itself. All else is the value, so that a dict of one's own that has only `value`
        # must be given in another one.
        return json.dumps(given["value"] if isinstance(given, Mapping) and set(given) == {"value"} else given)
    if isinstance(given, Mapping) and set(given) in ({"value"}, {"typ", "value"}):
        try:
            return value_from_json(parameter.type, given["value"], parameter.name)
        except ValueMismatch as mismatch:
            # A record may itself have a field `value`, and nothing else.
            try:
                return value_from_json(parameter.type, given, parameter.name)
            except ValueMismatch:
                raise mismatch from None
    return value_from_json(parameter.type, given, parameter.name)


def number_from_cursor(cursor: str | None) -> int:
    """Return the number that a cursor of a page of workers stands for; 0 where there is none."""
    if cursor is None:
        return 0
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 18:
        raise BadInput(f"cursor must be one that this server gave, found {cursor[:80]!r}")
    return int(cursor)
