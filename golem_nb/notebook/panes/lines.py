"""One event as a line: for the browser, for a terminal, and for a stored notebook."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from html import escape
from typing import Any, TypedDict

from golem_nb.errors import UsageError
from golem_nb.model import EventType, LogLevel, WorkerEvent
from golem_nb.notebook.views import MONO, QUIET, harmless

# What a file has of a widget: beside it is what reads without one.
NOTHING = {"text/plain": "", "text/html": ""}
STATIC_LINES = 60
STATIC_CHARACTERS = 20_000
# How serious a line is; a pane shows a level and all above. Output counts as what one would log it as.
SEVERITY = {
    LogLevel.TRACE: 0,
    LogLevel.DEBUG: 1,
    LogLevel.STDOUT: 2,
    LogLevel.INFO: 2,
    LogLevel.STDERR: 3,
    LogLevel.WARN: 3,
    LogLevel.ERROR: 4,
    LogLevel.CRITICAL: 5,
}
_BY_NAME = {str(level).lower(): level for level in LogLevel}


class Line(TypedDict):
    """What the browser gets of an event. `severity` -1 is a separator: an invocation began or ended."""

    seq: int
    time: str
    word: str
    severity: int
    text: str
    worker: str


# Where a stream of several workers says whose an event is.
WORKER = "worker"


def line_from_event(seq: int, event: WorkerEvent) -> Line:
    """Return the line of an event; `worker` is empty where a stream has one only."""
    word, severity, text = _parts(event)
    worker = str(event.context.get(WORKER, ""))
    return Line(seq=seq, time=_clock(event.timestamp), word=word, severity=severity, text=text, worker=worker)


def _parts(event: WorkerEvent) -> tuple[str, int, str]:
    text = (event.message or "").rstrip("\n")
    match event.type:
        case EventType.STDOUT:
            return "STDOUT", SEVERITY[LogLevel.STDOUT], text
        case EventType.STDERR:
            return "STDERR", SEVERITY[LogLevel.STDERR], text
        case EventType.INVOCATION_START:
            return "INVOKE", -1, f"STARTED  {event.context.get('function', text)} ({_key(event)})"
        case EventType.INVOCATION_FINISHED:
            return "INVOKE", -1, f"FINISHED {event.context.get('function', text)} ({_key(event)})"
        case EventType.LOG if "missedMessages" in event.context:
            return "STREAM", SEVERITY[LogLevel.WARN], f"fell behind, {event.context['missedMessages']} messages missed"
    context = event.context.get("context")
    level = _BY_NAME.get((event.level or "info").lower(), LogLevel.INFO)
    return str(level).upper(), SEVERITY[level], f"{context}: {text}" if context else text


def _key(event: WorkerEvent) -> str:
    return str(event.context.get("idempotencyKey", ""))


def _clock(moment: datetime) -> str:
    return moment.astimezone().strftime("%H:%M:%S.%f")[:-3]


def wanted_lines(level: str | None, pattern: str | None, with_invocations: bool) -> Callable[[Line], bool]:
    """Return which lines a user wants to see.

    Raises:
        UsageError: The level or the pattern is none.
    """
    if level is not None and level.lower() not in _BY_NAME:
        raise UsageError(f"--level {level} is not known; there are: {', '.join(LogLevel)}")
    try:
        regex = re.compile(pattern or "", re.IGNORECASE)
    except re.error as error:
        raise UsageError(f"--filter {pattern!r} is no regular expression: {error}") from None
    least = SEVERITY[_BY_NAME[level.lower()]] if level else 0

    def is_wanted(line: Line) -> bool:
        if line["severity"] < 0:
            return with_invocations
        return line["severity"] >= least and regex.search(line["text"]) is not None

    return is_wanted


def text_from_line(line: Line, *, with_time: bool = True) -> str:
    """Return the line as Golem's own command prints it: `[time] [LEVEL   ] message`."""
    time = f"[{line['time']}] " if with_time else ""
    worker = f"[{line['worker']}] " if line["worker"] else ""
    return f"{time}[{line['word']:<8}] {worker}{line['text']}"


def static_bundle(
    worker: str, lines: Sequence[Line], total: int, reason: str, *, is_open: bool = True
) -> dict[str, Any]:
    """Return what stays of a stream in a stored notebook: its last lines, as text and as HTML without widgets.

    Without times: runs of a notebook can then be compared. The times are in `.df`.
    """
    shown = list(_last(lines))
    some = f", the last {len(shown)} shown" if len(shown) < total else ""
    head = f"{total} {'event' if total == 1 else 'events'}{some}; {reason}"
    body = "\n".join(harmless(text_from_line(line, with_time=False)) for line in shown)
    rows = "".join(_row_html(line) for line in shown)
    html = (
        f'<details{" open" if is_open else ""}><summary style="cursor:pointer"><b>{escape(worker)}</b> '
        f'<span style="{QUIET}">{escape(head)}</span></summary>'
        f'<div style="{MONO};white-space:pre-wrap;max-height:24em;overflow:auto">{rows}</div></details>'
    )
    title = f"{worker}: {head}"
    return {"text/plain": f"{title}\n{body}" if body else title, "text/html": html}


_PLAIN = "padding-left:8px"
_SERIOUS = "font-weight:600;border-left:3px solid #D55E00;padding-left:5px"


def _row_html(line: Line) -> str:
    separator, serious = line["severity"] < 0, line["severity"] >= SEVERITY[LogLevel.WARN]
    style = f"{_PLAIN};{QUIET}" if separator else _SERIOUS if serious else _PLAIN
    return f'<div style="{style}">{escape(text_from_line(line, with_time=False))}</div>'


def _last(lines: Sequence[Line]) -> Iterable[Line]:
    """Return the last lines that fit into 60 lines and 20 kB."""
    kept: list[Line] = []
    characters = 0
    for line in reversed(lines[-STATIC_LINES:]):
        characters += len(line["text"])
        if kept and characters > STATIC_CHARACTERS:
            break
        kept.append(line)
    return reversed(kept)
