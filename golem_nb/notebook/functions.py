"""Functions of workers as functions of Python: `worker.add(5)`, with a signature, checked before anything is sent."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from inspect import Parameter as Argument
from inspect import Signature
from json import loads
from typing import Any
from uuid import uuid4

from golem_nb.client.client import Client
from golem_nb.errors import WorkerNotFound
from golem_nb.model import Component, IdempotencyKey, WorkerId
from golem_nb.notebook.magics.arguments import find_function, json_parameters, short_name
from golem_nb.values.python import python_from_value, snake_from_kebab
from golem_nb.values.types import FunctionType, OptionType, Parameter
from golem_nb.values.wave import text_from_type


@dataclass(frozen=True, slots=True)
class Callee:
    """The worker that functions are called on; its client is asked for at each call, since engines are restarted."""

    client: Callable[[], Client]
    component: Component
    worker: WorkerId


class WitText(str):
    """A type in a signature, which shows it as WIT spells it, without quotes."""

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True, slots=True)
class Options:
    key: IdempotencyKey | None = None
    timeout_s: float | None = None


class Function:
    """One function of one worker. Arguments are plain Python; so is the result."""

    def __init__(self, callee: Callee, name: str, options: Options | None = None) -> None:
        """Raises:
        FunctionNotFound: The component exports none of this name.
        """
        self._callee, self._options = callee, options or Options()
        self._name, self._type = find_function(callee.component.exports, name)
        self.__name__ = snake_from_kebab(short_name(self._name))
        if self._type is not None:
            self.__doc__ = self._type.docs or f"The function {self._name} of {callee.component.name}."
            self.__signature__ = signature_of(self._type)

    def __call__(self, *positional: Any, **named: Any) -> Any:
        """Invoke, and return the result; None where the function has none.

        Raises:
            UsageError, ValueMismatch: The arguments do not fit; nothing was sent.
            InvocationError: The invocation failed.
            WaitTimeout: The time is over; the worker goes on.
        """
        client, params = self._prepared(positional, named)
        options = self._options
        result = client.invoke_and_await(
            self._callee.worker, self._name, params, key=options.key, timeout_s=options.timeout_s
        )
        return None if result is None else python_from_value(result.type, result.value)

    def trigger(self, *positional: Any, **named: Any) -> IdempotencyKey:
        """Invoke, and return the call's key as soon as it is accepted."""
        client, params = self._prepared(positional, named)
        key = self._options.key or str(uuid4())
        client.invoke(self._callee.worker, self._name, params, key=key)
        return key

    def options(self, *, key: IdempotencyKey | None = None, timeout_s: float | None = None) -> Function:
        """Return the same function, called with an idempotency key (which runs once), or waited for so long at most."""
        given = {name: value for name, value in (("key", key), ("timeout_s", timeout_s)) if value is not None}
        return Function(self._callee, self._name, replace(self._options, **given))  # type: ignore[arg-type]

    def _prepared(self, positional: Sequence[Any], named: dict[str, Any]) -> tuple[Client, list[Any]]:
        client = self._callee.client()
        type = self._type if self._is_current(client) else None
        return client, json_parameters(type, (list(positional), named))

    def _is_current(self, client: Client) -> bool:
        """Is the worker on the version whose functions we know? On another one the server checks what they take."""
        try:
            return client.worker(self._callee.worker).component_version == self._callee.component.version
        except WorkerNotFound:
            return True  # the call makes it

    def __repr__(self) -> str:
        shown = str(getattr(self, "__signature__", "(…)"))
        return f"{self.__name__}{shown} of {self._callee.component.name}/{self._callee.worker.name}"


def function_names(exports: Sequence[FunctionType] | None) -> dict[str, str]:
    """Return what the functions are called in Python, and their full names.

    What two interfaces have by the same name, and functions of resources, are called by their full names only.
    """
    names: dict[str, str] = {}
    twice = set()
    for function in exports or ():
        name = snake_from_kebab(short_name(function.name))
        if name in names:
            twice.add(name)
        names[name] = function.name
    return {name: full for name, full in names.items() if name.isidentifier() and name not in twice}


def signature_of(function: FunctionType) -> Signature:
    """Return the signature that Python's tools show: names, types as WIT spells them, and what may be left out."""
    result = Signature.empty if function.result is None else WitText(text_from_type(function.result))
    arguments: list[Argument] = []
    is_optional = False
    for parameter in function.parameters:
        argument = _argument(parameter)
        is_optional = is_optional or argument.default is not Argument.empty
        if is_optional and argument.default is Argument.empty:  # Python has none without a default behind one with
            argument = argument.replace(kind=Argument.KEYWORD_ONLY)
        elif arguments and arguments[-1].kind is Argument.KEYWORD_ONLY:
            argument = argument.replace(kind=Argument.KEYWORD_ONLY)
        arguments.append(argument)
    return Signature(arguments, return_annotation=result)


def _argument(parameter: Parameter) -> Argument:
    name = snake_from_kebab(parameter.name)
    make = partial(Argument, f"{name}_" if keyword.iskeyword(name) else name, Argument.POSITIONAL_OR_KEYWORD)
    annotation = WitText("json" if parameter.is_json else text_from_type(parameter.type))
    if parameter.default is not None:
        return make(annotation=annotation, default=loads(parameter.default))
    if isinstance(parameter.type, OptionType):
        return make(annotation=annotation, default=None)
    return make(annotation=annotation)
