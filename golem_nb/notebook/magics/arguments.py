"""The arguments of a call: Python expressions of the user's, checked against the function that they are for."""

from __future__ import annotations

import ast
import dataclasses
import enum
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from json import loads
from typing import Any

from golem_nb.errors import FunctionNotFound, GolemError, UsageError
from golem_nb.values.json import json_from_value
from golem_nb.values.python import value_from_python
from golem_nb.values.types import FunctionType, OptionType, Parameter, Some

# Bound where the user has no such names: so that pasted JSON is Python, and for options of options.
WORDS = {"true": True, "false": False, "null": None, "Some": Some}

MOST_NAMES = 8  # of functions, in an error

Arguments = tuple[list[Any], dict[str, Any]]


# [SITE.{]RESOURCE(ARGUMENTS).MEMBER[}]
_INDEXED = re.compile(r"(?:([^{}()]+)\.\{)?([A-Za-z0-9_-]+)\((.*)\)\.([A-Za-z0-9_-]+)\}?", re.DOTALL)


def evaluate(arguments: str, names: Mapping[str, Any]) -> Arguments:
    """Return the positional and the named arguments that a text spells.

    Raises:
        UsageError: It is no Python, names what there is not, or has raised something, which is the error's cause.
    """
    # A newline before the bracket, so that a comment at the end comments out nothing of ours.
    positional, named = _evaluated(
        f"_collect({arguments}\n)", {**names, "_collect": lambda *args, **named: (args, named)}, arguments
    )
    return list(positional), named


def evaluate_body(body: str, names: Mapping[str, Any]) -> Arguments:
    """Return the arguments that the body of a cell spells: lines `name = expression`, or one list.

    Raises:
        UsageError: It is neither.
    """
    try:
        statements = ast.parse(body).body
    except SyntaxError as error:
        raise UsageError(f"line {(error.lineno or 0) + 1} of the cell is no Python: {error.msg}") from None
    if not statements:
        return [], {}
    if len(statements) == 1 and isinstance(statements[0], ast.Expr):
        value = _evaluated(ast.unparse(statements[0].value), names)
        if not isinstance(value, list | tuple):
            raise UsageError(f"the body must be a list of arguments or lines `name = expression`, found {value!r:.60}")
        return list(value), {}
    named: dict[str, Any] = {}
    for statement in statements:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=expression) if name not in named:
                named[name] = _evaluated(ast.unparse(expression), names)
            case _:
                line = statement.lineno + 1  # the first line of the cell is the magic's
                raise UsageError(f"line {line} of the cell must be `name = expression`, each name once")
    return [], named


def _evaluated(source: str, names: Mapping[str, Any], shown: str = "") -> Any:
    try:
        code = compile(source, "<arguments>", "eval")
    except SyntaxError as error:
        text = shown or (error.text or source).strip()
        raise UsageError(f"the arguments are no Python: {error.msg}: {text}") from None
    try:
        return eval(code, {**WORDS, **names})
    except GolemError:
        raise
    except NameError as error:
        hint = f'; a field is written {{"{error.name}": …}}' if re.search(rf"[{{,]\s*{error.name}\s*:", source) else ""
        near = get_close_matches(error.name or "", [*names, *WORDS], 1)
        hint = hint or (f"; did you mean {near[0]}?" if near else "")
        raise UsageError(f"in the arguments: name {error.name!r} is not defined{hint}") from None
    except Exception as error:
        raise UsageError(f"in the arguments: {type(error).__name__}: {error}") from error


def find_function(exports: Sequence[FunctionType] | None, name: str) -> tuple[str, FunctionType | None]:
    """Return the name that the API takes, and the function where the exports are known.

    `add_item` finds `add-item`; `run` finds `golem:demo/steps@1.0.0.{run}` where no other export ends so, and
    `cart("ann").add_item` the method of the cart that is made of this text.

    Raises:
        FunctionNotFound: There is none; the text has near names.
        UsageError: Several could be meant.
    """
    if indexed := _INDEXED.fullmatch(name):
        return _find_of_resource(exports, *indexed.groups())
    kebab = name if "." in name else name.replace("_", "-").rstrip("-")  # no name in WIT ends so, but Python's `next_`
    if exports is None:
        return kebab, None
    for wanted in (name, kebab, name.replace("_", "-")):
        for function in exports:
            if wanted in (function.name, _site_name(function.name)):
                return function.name, function
    short = [function for function in exports if short_name(function.name) == kebab]
    if len(short) == 1:
        return short[0].name, short[0]
    if short:
        raise UsageError(f"{name} could be {' or '.join(function.name for function in short)}; write it in full")
    near = {short_name(function.name): function.name for function in exports}
    there = [*sorted(near)[:MOST_NAMES], *(["…"] if len(near) > MOST_NAMES else [])]
    raise FunctionNotFound(name, get_close_matches(kebab, near, 3), there)


def _find_of_resource(
    exports: Sequence[FunctionType] | None, site: str | None, resource: str, arguments: str, member: str
) -> tuple[str, FunctionType | None]:
    """Return the name of a function of a resource that is named by what it is made of. Source: SEMANTICS 2.3."""
    resource, member = resource.replace("_", "-"), member.replace("_", "-")
    if exports is None and site is None:
        raise UsageError("this server does not tell what a component exports: write the function's name in full")
    if exports is None:
        return f"{site}.{{{resource}({arguments}).{member}}}", None
    made = f"[constructor]{resource}"
    constructor, type = find_function(exports, f"{site}.{{{made}}}" if site else made)
    full = f"{constructor.partition('.{')[0]}.{{{resource}({arguments}).{member}}}"
    if type is None or member == "new":
        return full, None if type is None else FunctionType(full, (), type.result)
    kind = f"[drop]{resource}" if member == "drop" else f"[method]{resource}.{member}"
    _, method = find_function(exports, f"{constructor.partition('.{')[0]}.{{{kind}}}")
    return full, None if method is None else FunctionType(full, method.parameters[1:], method.result, method.docs)


def short_name(function: str) -> str:
    """Return the last part of a function's name: `run` of `golem:demo/steps@1.0.0.{run}`."""
    return function.rpartition("{")[2].rstrip("}") if function.endswith("}") else function


def _site_name(function: str) -> str:
    """Return a function's name with the last part of its interface's: `cart.add` of `nb:shop/cart.{add}`."""
    return function.rpartition("/")[2].replace(".{", ".").removesuffix("}") if "/" in function else function


def json_parameters(function: FunctionType | None, arguments: Arguments) -> list[Any]:
    """Return the parameters as the API takes them; checked where the function is known, as plain JSON where not.

    Raises:
        UsageError: There are too many, too few, or some of other names.
        ValueMismatch: One is not of its type.
    """
    positional, named = arguments
    if function is None:
        if named:
            raise UsageError("this server does not tell parameter names: give the arguments by position")
        return [plain_json(value) for value in positional]
    names = [parameter.name for parameter in function.parameters]
    given = _by_name(function, names, positional, named)
    return [
        _json_parameter(p, given[p.name]) if p.name in given else loads(p.default or "null")
        for p in function.parameters
    ]


def _json_parameter(parameter: Parameter, value: Any) -> Any:
    if parameter.is_json:
        return plain_json(value)
    return json_from_value(parameter.type, value_from_python(parameter.type, value, parameter.name))


def _by_name(
    function: FunctionType, names: list[str], positional: list[Any], named: Mapping[str, Any]
) -> dict[str, Any]:
    if len(positional) > len(names):
        taken = f"{len(names)} argument{'' if len(names) == 1 else 's'}"
        raise UsageError(f"{_called(function)} takes {taken}, found {len(positional)}")
    given = dict(zip(names, positional, strict=False))
    for name, value in named.items():
        kebab = name.rstrip("_").replace("_", "-")
        if kebab not in names:
            near = get_close_matches(kebab, names, 1)
            raise UsageError(f"{_called(function)} has no parameter {name}; {_hint(near, names)}")
        if kebab in given:
            raise UsageError(f"{_called(function)}: the parameter {name} is given twice")
        given[kebab] = value
    for parameter in function.parameters:
        if parameter.name not in given and isinstance(parameter.type, OptionType):
            given[parameter.name] = None
    missing = [p.name for p in function.parameters if p.name not in given and p.default is None]
    if missing:
        raise UsageError(f"{_called(function)} also needs {', '.join(missing)}")
    return given


def _called(function: FunctionType) -> str:
    return f"{short_name(function.name)}({', '.join(p.name for p in function.parameters)})"


def _hint(near: list[str], names: list[str]) -> str:
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(names) or 'none'}"


def plain_json(value: Any) -> Any:
    """Return the JSON of a Python value whose WIT type is not known.

    Raises:
        UsageError: JSON has nothing for it.
    """
    match value:
        case enum.Enum():
            return plain_json(value.value)
        case None | bool() | int() | float() | str():
            return value
        case bytes() | bytearray():
            return list(value)
        case Mapping():
            return {str(key): plain_json(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain_json(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if hasattr(value, "item"):  # a number of NumPy
        return plain_json(value.item())
    raise UsageError(f"JSON has nothing for a {type(value).__name__}: {value!r:.60}")
