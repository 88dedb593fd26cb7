"""Input widgets of a function's signature: one for each parameter, of its WIT type. Source: UX, section 4.

An `Input` is a widget and how its value is read. Values are those of `golem_nb.values.types`; what a user typed wrongly
is a UsageError with the parameter's name. Widgets are ipywidgets, since they have labels that screen readers know.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from html import escape
from io import StringIO
from typing import Any

import ipywidgets as ui

from golem_nb.errors import GolemError, UsageError
from golem_nb.model import WorkerStatus
from golem_nb.notebook.panel import Panel
from golem_nb.notebook.views import MONO, STATUSES, Text, signature
from golem_nb.values.json import json_from_value, value_from_json
from golem_nb.values.types import (
    BOOL,
    BYTES,
    INTEGER_RANGES,
    EnumType,
    FlagsType,
    FunctionType,
    ListType,
    OptionType,
    Parameter,
    PrimitiveType,
    RecordType,
    ResultType,
    TupleType,
    VariantType,
    WitType,
)
from golem_nb.values.wave import text_from_type

STYLE = {"description_width": "initial"}
WIDE = {"width": "28em"}
FITTING = {"width": "max-content"}
LINES = f"{MONO};white-space:pre-wrap;line-height:1.4"
# ipywidgets hands numbers to JavaScript, which has no larger whole ones.
EXACT = range(-(1 << 31), 1 << 32)
# Colours, which HTML has in another way.
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Input:
    """One input: its widget, and what reads its value."""

    widget: Any
    read: Callable[[], Any]


def input_for(type: WitType, name: str) -> Input:
    """Return the input of a type; `name` is its label, and its name in errors."""
    match type:
        case PrimitiveType():
            return _primitive(type, name)
        case EnumType(names):
            choice = ui.Dropdown(options=names, description=name, style=STYLE)
            return Input(choice, lambda: choice.value)
        case FlagsType(names):
            many = ui.SelectMultiple(options=names, description=name, style=STYLE, rows=min(6, len(names)))
            return Input(many, lambda: frozenset(many.value))
        case OptionType(payload):
            return _option(payload, name)
        case ListType() if type != BYTES:
            return _list(type.element, name)
        case RecordType(fields):
            parts = {field.name: input_for(field.type, field.name) for field in fields}
            return Input(_group(name, parts.values()), lambda: {key: part.read() for key, part in parts.items()})
        case TupleType(items):
            inputs = [input_for(item, f"{name}.{n}") for n, item in enumerate(items)]
            return Input(_group(name, inputs), lambda: tuple(part.read() for part in inputs))
        case VariantType(cases):
            return _cases({case.name: case.type for case in cases}, name)
        case ResultType(ok, err):
            return _cases({"ok": ok, "err": err}, name)
    return _json(type, name)


def _primitive(type: PrimitiveType, name: str) -> Input:
    if type == BOOL:
        box = ui.Checkbox(description=name, indent=False)
        return Input(box, lambda: box.value)
    limits = INTEGER_RANGES.get(type.name)
    if limits is not None and limits.start in EXACT and limits[-1] in EXACT:
        number = ui.BoundedIntText(
            value=0, min=limits.start, max=limits[-1], description=name, style=STYLE, layout={"width": "16em"}
        )
        return Input(number, lambda: number.value)
    if limits is not None:
        return _typed(name, "0", lambda text: _whole(text, limits, name))
    if type.name in ("f32", "f64"):
        real = ui.FloatText(value=0.0, description=name, style=STYLE, layout={"width": "16em"})
        return Input(real, lambda: real.value)
    if type.name == "char":
        return _typed(name, "", lambda text: _one(text, name))
    return _typed(name, "", lambda text: text)


def _typed(name: str, text: str, read: Callable[[str], Any]) -> Input:
    line = ui.Text(value=text, description=name, style=STYLE, layout=WIDE)
    return Input(line, lambda: read(line.value))


def _whole(text: str, limits: range, name: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise UsageError(f"{name}: a whole number, found {text!r:.40}") from None
    if number not in limits:
        raise UsageError(f"{name}: from {limits.start} to {limits[-1]}, found {number}")
    return number


def _one(text: str, name: str) -> str:
    if len(text) != 1:
        raise UsageError(f"{name}: one character, found {text!r:.40}")
    return text


def _option(payload: WitType, name: str) -> Input:
    inner = input_for(payload, name)
    given = ui.Checkbox(value=False, description=f"{name} is given", indent=False)
    inner.widget.layout.display = "none"

    def show(change: Any) -> None:
        inner.widget.layout.display = None if change["new"] else "none"

    given.observe(show, "value")
    return Input(ui.VBox([given, inner.widget]), lambda: inner.read() if given.value else None)


def _list(element: WitType, name: str) -> Input:
    items: list[Input] = []
    rows = ui.VBox([])
    more, less = ui.Button(description=f"add to {name}"), ui.Button(description="remove the last")

    def show() -> None:
        rows.children = [item.widget for item in items]
        less.disabled = not items

    def add(_: Any) -> None:
        items.append(input_for(element, f"{name}.{len(items)}"))
        show()

    def remove(_: Any) -> None:
        items.pop()
        show()

    more.on_click(add)
    less.on_click(remove)
    show()
    box = ui.VBox([ui.Label(name), rows, ui.HBox([more, less])])
    return Input(box, lambda: [item.read() for item in items])


def _cases(cases: dict[str, WitType | None], name: str) -> Input:
    choice = ui.Dropdown(options=list(cases), description=name, style=STYLE)
    payloads = {case: input_for(type, f"{name}.{case}") for case, type in cases.items() if type is not None}

    def show(_: Any = None) -> None:
        for case, payload in payloads.items():
            payload.widget.layout.display = None if case == choice.value else "none"

    def read() -> tuple[str, Any]:
        payload = payloads.get(choice.value)
        return choice.value, None if payload is None else payload.read()

    choice.observe(show, "value")
    show()
    return Input(ui.VBox([choice, *(payload.widget for payload in payloads.values())]), read)


def _json(type: WitType, name: str) -> Input:
    """Return an input of JSON: for bytes, handles, and whatever has no widget of its own."""
    area = ui.Textarea(placeholder=f"{text_from_type(type)}, as JSON", description=name, style=STYLE, layout=WIDE)

    def read() -> Any:
        try:
            return value_from_json(type, json.loads(area.value))
        except ValueError:
            raise UsageError(f"{name}: JSON of {text_from_type(type)}, found {area.value!r:.40}") from None

    return Input(area, read)


def _group(name: str, parts: Any) -> Any:
    return ui.VBox([ui.Label(name), *(part.widget for part in parts)], layout={"margin": "0 0 0 1em"})


class Form:
    """The inputs of a function, a button, and what came of the last call. `values` are what the API takes."""

    def __init__(self, function: FunctionType, call: Callable[[list[Any]], Any]) -> None:
        self._function, self._call = function, call
        self._inputs = [(parameter, _parameter(parameter)) for parameter in function.parameters]
        self.button = ui.Button(description=f"invoke {_short(function.name)}", button_style="primary", layout=FITTING)
        self.said = ui.HTML()
        self.result: Any = None
        self._printed = StringIO()
        self.button.on_click(lambda _: self.submit())
        docs = [ui.HTML(f"<div>{escape(function.docs)}</div>")] if function.docs else []
        parts = [*docs, *(part.widget for _, part in self._inputs), self.button, self.said]
        self.widget = Panel(parts, lambda: Text(signature(function)))

    @property
    def values(self) -> list[Any]:
        """The parameters as JSON.

        Raises:
            UsageError: One cannot be read.
        """
        return [_json_of(parameter, part.read()) for parameter, part in self._inputs]

    def submit(self) -> None:
        """Make the call; what it prints and what came of it is said below the button, also where it failed."""
        self.button.disabled, self._printed = True, StringIO()
        try:
            with redirect_stdout(self._printed):
                self.result = self._call(self.values)
        except GolemError as error:
            self._say("✕", str(error), WorkerStatus.FAILED)
        except KeyboardInterrupt:
            self._say("■", "stopped waiting; the worker goes on", WorkerStatus.INTERRUPTED)
        else:
            told = "done" if self._function.result is None else repr(self.result)
            self._say("✓", told, WorkerStatus.IDLE)
        finally:
            self.button.disabled = False

    def _say(self, glyph: str, text: str, status: WorkerStatus) -> None:
        mark = f'<span style="color:{STATUSES[status][1]};font-weight:600">{glyph}</span>'
        printed = escape(_ANSI.sub("", self._printed.getvalue()))
        self.said.value = f'<div style="{LINES}">{printed}{mark} {escape(text[:4000])}</div>'


def _parameter(parameter: Parameter) -> Input:
    if not parameter.is_json:
        return _typed_parameter(parameter.type, parameter.name, parameter.default)
    area = ui.Textarea(
        value=parameter.default or "null", description=f"{parameter.name} (JSON)", style=STYLE, layout=WIDE
    )

    def read() -> str:
        try:
            json.loads(area.value)
        except ValueError as error:
            raise UsageError(f"{parameter.name}: no JSON: {error}") from None
        return str(area.value)

    return Input(area, read)


def _typed_parameter(type: WitType, name: str, default: str | None) -> Input:
    if default is None or (isinstance(type, OptionType) and default == "null"):
        return input_for(type, name)
    if isinstance(type, PrimitiveType):
        part, value = input_for(type, name), json.loads(default)
        part.widget.value = str(value) if isinstance(part.widget, ui.Text) else value
        return part
    # Of what has several widgets, or none to begin with, the default is there as text, and not left out.
    area = _json(type, name)
    area.widget.value = default
    return area


def _json_of(parameter: Parameter, value: Any) -> Any:
    return json_from_value(parameter.type, value)


def _short(name: str) -> str:
    return name.rpartition("{")[2].rstrip("}") if name.endswith("}") else name
