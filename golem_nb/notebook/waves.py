"""`--wave`: arguments and results in WAVE, the text form of WIT values that Golem's own command line speaks."""

from __future__ import annotations

from json import loads
from typing import Any

from golem_nb.errors import UsageError
from golem_nb.notebook.large import beginning
from golem_nb.values.json import json_from_value
from golem_nb.values.python import python_from_value
from golem_nb.values.types import (
    EnumType,
    FlagsType,
    FunctionType,
    HandleType,
    ListType,
    OptionType,
    PrimitiveType,
    RecordType,
    ResultType,
    TupleType,
    TypedValue,
    VariantType,
    WitType,
)
from golem_nb.values.wave import text_from_value
from golem_nb.values.wave_reader import arguments_from_text


class Wave(str):
    """A result as WAVE spells it, which is shown without quotes; `value` has it as Python."""

    value: Any = None

    def __repr__(self) -> str:
        return beginning(str(self))


def wave_from_result(result: TypedValue | None) -> Any:
    """Return a result in WAVE; None where the function has none, and JSON where the server does not tell its type."""
    if result is None or result.type is None:
        return None if result is None else result.value
    wave = Wave(text_from_value(result.type, result.value))
    wave.value = python_from_value(result.type, result.value)
    return wave


def wave_parameters(function: FunctionType | None, text: str) -> list[Any]:
    """Return the parameters as the API takes them, of the arguments that `text` spells.

    Raises:
        UsageError: The function's types are not known, and WAVE cannot be read without.
        ValueMismatch: An argument is not of its type; the text has where.
    """
    if function is None:
        raise UsageError("WAVE is read by the types of the function, which are not known here: leave --wave out")
    values = arguments_from_text(function.parameters, text)
    params = []
    for parameter in function.parameters:
        if parameter.name not in values:
            params.append(loads(parameter.default or "null"))
        elif parameter.is_json:
            params.append(_from_json(parameter.name, values[parameter.name]))
        else:
            params.append(json_from_value(parameter.type, values[parameter.name]))
    return params


def wave_sample(function: FunctionType) -> str:
    """Return arguments that fit a function, to be written over."""
    return ", ".join('"null"' if p.is_json else text_from_value(p.type, _sample(p.type)) for p in function.parameters)


def _sample(type: WitType) -> Any:
    """Return some value of a type; of a handle, which has no literal, its name."""
    match type:
        case PrimitiveType("bool"):
            return False
        case PrimitiveType("string" | "char"):
            return "a"
        case ListType(element):
            return [_sample(element)]
        case TupleType(items):
            return tuple(map(_sample, items))
        case RecordType(fields):
            return {field.name: _sample(field.type) for field in fields}
        case VariantType((first, *_)):
            return first.name, None if first.type is None else _sample(first.type)
        case ResultType(ok):
            return "ok", None if ok is None else _sample(ok)
        case EnumType((first, *_)):
            return first
        case FlagsType(names):
            return frozenset(names[:1])
        case OptionType():
            return None
        case HandleType(resource):
            return resource
    return 0


def _from_json(name: str, text: str) -> Any:
    """Return what a parameter's text says whose WIT type is a string of JSON."""
    try:
        return loads(text)
    except ValueError as error:
        raise UsageError(f"{name} is a string of JSON: {error}") from None
