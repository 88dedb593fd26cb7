"""Input widgets of a function's signature: one for each parameter, of its WIT type. Source: UX, section 4.

An `Input` is a widget and how its value is read. Values are those of `golem_nb.values.types`; what a user typed wrongly
is an error with the parameter's name. Widgets are ipywidgets, since they have labels that screen readers know.

Numbers are texts: the boxes that ipywidgets has for them clamp what is out of range, cut fractions off, keep the last
number when they are emptied, and go through JavaScript, whose whole numbers end at 2^53. All of that is silent.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from html import escape
from io import StringIO
from typing import Any

import ipywidgets as ui

from golem_nb.errors import GolemError, UsageError
from golem_nb.model import WorkerStatus
from golem_nb.notebook.panel import Panel
from golem_nb.notebook.views import MONO, QUIET, STATUSES, Text, signature
from golem_nb.values.check import check_primitive
from golem_nb.values.json import json_from_value, value_from_json
from golem_nb.values.types import (
    BOOL,
    BYTES,
    CHAR,
    INTEGER_RANGES,
    STRING,
    EnumType,
    FlagsType,
    FunctionType,
    ListType,
    OptionType,
    Parameter,
    PrimitiveType,
    RecordType,
    ResultType,
    Some,
    TupleType,
    VariantType,
    WitType,
)
from golem_nb.values.wave import text_from_type

STYLE = {"description_width": "initial"}
WIDE = {"width": "28em"}
FITTING = {"width": "max-content"}
LINES = f"{MONO};white-space:pre-wrap;line-height:1.4"
_BAD = STATUSES[WorkerStatus.FAILED][1]
# Colours, which HTML has in another way.
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Input:
    """One input: its widget, and what reads its value. `write` puts a value of JSON there; not all can."""

    widget: Any
    read: Callable[[], Any]
    write: Callable[[Any], None] | None = None


def input_for(type: WitType, name: str) -> Input:
    """Return the input of a type; `name` is its label, and its name in errors."""
    match type:
        case PrimitiveType():
            return _primitive(type, name)
        case EnumType(names):
            return _choice(names, name)
        case FlagsType(names):
            many = ui.SelectMultiple(options=names, description=name, style=STYLE, rows=max(1, min(6, len(names))))
            return Input(many, lambda: frozenset(many.value))
        case OptionType(payload):
            return _option(payload, name)
        case ListType() if type != BYTES:
            return _list(type.element, name)
        case RecordType(fields):
            parts = {field.name: input_for(field.type, f"{name}.{field.name}") for field in fields}
            return Input(_group(name, parts.values()), lambda: {key: part.read() for key, part in parts.items()})
        case TupleType(items):
            inputs = [input_for(item, f"{name}.{n}") for n, item in enumerate(items)]
            return Input(_group(name, inputs), lambda: tuple(part.read() for part in inputs))
        case VariantType(cases):
            return _cases({case.name: case.type for case in cases}, name)
        case ResultType(ok, err):
            return _cases({"ok": ok, "err": err}, name)
    return _json(type, name)


def _choice(names: Sequence[str], name: str) -> Input:
    choice = ui.Dropdown(options=list(names), description=name, style=STYLE)

    def read() -> str:
        if choice.value is None:
            raise UsageError(f"{name}: its type has no values")
        return str(choice.value)

    return Input(choice, read)


def _primitive(type: PrimitiveType, name: str) -> Input:
    if type == BOOL:
        box = ui.Checkbox(description=name, indent=False)
        return Input(box, lambda: box.value, lambda value: setattr(box, "value", value))
    if type == STRING:  # in a single line, what is pasted would lose its line ends
        area = ui.Textarea(description=name, style=STYLE, layout=WIDE, rows=2)
        return Input(area, lambda: area.value, lambda value: setattr(area, "value", value))
    limits = INTEGER_RANGES.get(type.name)
    if limits is not None:
        return _checked(type, name, "0", f"{type.name}, {limits.start} to {limits[-1]}", _whole)
    if type == CHAR:
        return _checked(type, name, "", "char, one character", lambda text, _: text)
    return _checked(type, name, "0.0", type.name, _real)


def _checked(type: PrimitiveType, name: str, text: str, hint: str, parse: Callable[[str, str], Any]) -> Input:
    """Return an input of a line of text, with what the type takes beside it, or what is wrong with it now."""
    line = ui.Text(value=text, description=name, style=STYLE, layout=WIDE)
    beside = ui.HTML()

    def read() -> Any:
        value = parse(line.value, name)
        check_primitive(type, value, name)
        return value

    def say(_: Any = None) -> None:
        if not line.value:  # nothing yet
            beside.value = _hint(hint)
            return
        try:
            read()
            beside.value = _hint(hint)
        except GolemError as error:
            beside.value = f'<span style="color:{_BAD}" role="alert">✕ {escape(str(error))}</span>'

    line.observe(say, "value")
    say()
    return Input(ui.HBox([line, beside]), read, lambda value: setattr(line, "value", str(value)))


def _hint(text: str) -> str:
    return f'<span style="{QUIET}">{escape(text)}</span>'


def _whole(text: str, name: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"{name}: a whole number, found {text!r:.40}") from None


def _real(text: str, name: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise UsageError(f"{name}: a number, as in 1.5 or 2e10, found {text!r:.40}") from None
    if not math.isfinite(number):
        raise UsageError(f"{name}: {text!r:.40} cannot be sent: the API's JSON has numbers only")
    return number


def _option(payload: WitType, name: str) -> Input:
    inner = input_for(payload, name)
    given = ui.Checkbox(value=False, description=f"{name} is given", indent=False)
    inner.widget.layout.display = "none"

    def show(change: Any) -> None:
        inner.widget.layout.display = None if change["new"] else "none"

    def read() -> Any:
        value = inner.read() if given.value else None
        if not given.value or not isinstance(payload, OptionType):
            return value
        if value is None:
            raise UsageError(f"{name}: some(none) cannot be sent: in the API's JSON it is null, as none is")
        return Some(value)

    given.observe(show, "value")
    return Input(ui.VBox([given, inner.widget]), read)


def _list(element: WitType, name: str) -> Input:
    """Return an input that grows, or takes JSON: nobody clicks a thousand items together. What is seen is the value."""
    items: list[Input] = []
    rows, area = ui.VBox([]), _json(ListType(element), name)
    more, less = ui.Button(description=f"add to {name}"), ui.Button(description="remove the last")
    as_json = ui.ToggleButton(description="as JSON")
    area.widget.layout.display = "none"

    def show() -> None:
        rows.children = [item.widget for item in items]
        less.disabled = not items

    def add(_: Any) -> None:
        items.append(input_for(element, f"{name}.{len(items)}"))
        show()

    def remove(_: Any) -> None:
        items.pop()
        show()

    def turn(_: Any) -> None:
        rows.layout.display = more.layout.display = less.layout.display = "none" if as_json.value else None
        area.widget.layout.display = None if as_json.value else "none"

    def read() -> list[Any]:
        return list(area.read()) if as_json.value else [item.read() for item in items]

    more.on_click(add)
    less.on_click(remove)
    as_json.observe(turn, "value")
    show()
    return Input(ui.VBox([ui.Label(name), rows, area.widget, ui.HBox([more, less, as_json])]), read)


def _cases(cases: dict[str, WitType | None], name: str) -> Input:
    chosen = _choice(list(cases), name)
    choice = chosen.widget
    payloads = {case: input_for(type, f"{name}.{case}") for case, type in cases.items() if type is not None}

    def show(_: Any = None) -> None:
        for case, payload in payloads.items():
            payload.widget.layout.display = None if case == choice.value else "none"

    def read() -> tuple[str, Any]:
        case = chosen.read()
        return case, payloads[case].read() if case in payloads else None

    choice.observe(show, "value")
    show()
    return Input(ui.VBox([choice, *(payload.widget for payload in payloads.values())]), read)


def _json(type: WitType, name: str) -> Input:
    """Return an input of JSON: for bytes, handles, and whatever has no widget of its own."""
    area = ui.Textarea(placeholder=f"{text_from_type(type)}, as JSON", description=name, style=STYLE, layout=WIDE)

    def read() -> Any:
        try:
            found = json.loads(area.value, parse_float=_finite, parse_constant=_finite)
        except (ValueError, RecursionError) as error:
            wanted = f"{name}: JSON of {text_from_type(type)}, found {area.value!r:.40}"
            raise UsageError(f"{wanted} ({error})" if area.value else wanted) from None
        return value_from_json(type, found, name)

    return Input(area, read, lambda value: setattr(area, "value", json.dumps(value, ensure_ascii=False)))


def _finite(text: str) -> float:
    """Return a number of JSON; NaN and the infinities, which Python reads there, would be sent as null."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} cannot be sent")
    return number


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
    part = input_for(type, name)
    if default is None or (isinstance(type, OptionType) and default == "null"):
        return part
    if part.write is None:  # the default is there as text, and not left out
        part = _json(type, name)
        part.widget.value = default
        return part
    value = json.loads(default)
    part.write(value_from_json(type, value, name) if isinstance(type, PrimitiveType) else value)
    return part


def _json_of(parameter: Parameter, value: Any) -> Any:
    return json_from_value(parameter.type, value)


def _short(name: str) -> str:
    return name.rpartition("{")[2].rstrip("}") if name.endswith("}") else name
