"""The replay scrubber: a slider over an oplog. At each index it shows the entry, the worker's status, the invocation
that is open, what comes next, and the output so far.

All of it follows from the frame: nothing is run, and no server is asked. `on_index` is for whoever runs something: it
is told where the reader stops. Source: UX 5, replay scrubber.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from golem_nb.errors import UsageError
from golem_nb.model import WorkerStatus, output_text
from golem_nb.notebook.payloads import part_of
from golem_nb.notebook.pictures.picture import MOST_LIVE_ENTRIES, Picture, too_much_text
from golem_nb.notebook.pictures.timeline import entries_content, name_of, replayed_text
from golem_nb.notebook.views import CELL, MONO, QUIET, STATUSES, badge, badge_text, rows_html, rows_text
from golem_nb.oplog.entries import KINDS

AROUND = 4  # entries shown before and behind the one that was chosen
MOST_OUTPUT_LINES = 12
MOST_COLUMNS = 110  # of a line in a terminal
STATUS_OF_KIND = {kind.__name__: kind.status for kind in KINDS if kind.status is not None} | {
    "Error": WorkerStatus.RETRYING,  # that it gave up, the entry does not say
    "AgentInvocationStarted": WorkerStatus.RUNNING,
    "AgentInvocationFinished": WorkerStatus.IDLE,
    "HostCall": WorkerStatus.RUNNING,
}
NO_INVOCATION = -1
REPLAYED_WORDS = ("● live", "↺ replayed", "")


@dataclass(frozen=True, repr=False, eq=False)
class Scrubber(Picture):
    """A slider over a frame; `at` is the index that it begins at, the last where none is given."""

    form = "scrubber"

    frame: pd.DataFrame
    at: int | None = None
    on_index: Callable[[int], None] | None = None
    statuses: list[WorkerStatus] = field(init=False)
    _open: list[int] = field(init=False)
    _undone: dict[int, int] = field(init=False)

    def __post_init__(self) -> None:
        """Work out the status at each entry.

        Raises:
            UsageError: The frame has no such index.
        """
        if self.at is not None and self.at not in self.frame.index:
            has = f"it has {self.frame.index[0]} to {self.frame.index[-1]}" if len(self.frame) else "it is empty"
            raise UsageError(f"the oplog has no entry {self.at}: {has}")
        object.__setattr__(self, "statuses", statuses_of(self.frame))
        object.__setattr__(self, "_open", open_invocations_of(self.frame))
        object.__setattr__(self, "_undone", undone_output_of(self.frame))

    @property
    def title(self) -> str:
        return f"oplog of {name_of(self.frame)}"

    def text(self) -> str:
        if not len(self.frame):
            return f"{self.title}\n  no entries"
        row = self._row
        near = range(max(0, row - AROUND), min(len(self.frame), row + AROUND + 1))
        lines = [f"{'>' if at == row else ' '} {self.frame.index[at]:>6}  {self._short_line(at)}" for at in near]
        facts = [("status", badge_text(self.statuses[row])), *self._facts(row)]
        output = self.output(row)
        return "\n".join(
            [f"{self.title} at #{self.frame.index[row]}", *lines, rows_text(facts), "output so far:", *output]
        )

    def static_html(self) -> str:
        if not len(self.frame):
            return f"<div><b>{escape(self.title)}</b>: no entries</div>"
        row = self._row
        near = range(max(0, row - AROUND), min(len(self.frame), row + AROUND + 1))
        rows = "".join(self._row_html(at, is_chosen=at == row) for at in near)
        facts = [("status", badge(self.statuses[row])), *((name, escape(value)) for name, value in self._facts(row))]
        output = escape("\n".join(self.output(row))) or f'<span style="{QUIET}">none</span>'
        return (
            f"<div><b>{escape(self.title)}</b> "
            f'<span style="{QUIET}">at #{self.frame.index[row]} of {self.frame.index[-1]}; '
            f"{escape(replayed_text(self.frame))}</span></div>"
            f'<div style="{QUIET}">{escape(too_much_text(len(self.frame)))}</div>'
            f'<table style="border-collapse:collapse;margin:4px 0">{rows}</table>{rows_html(facts)}'
            f'<div style="{QUIET}">output so far</div><div style="{MONO};white-space:pre-wrap">{output}</div>'
        )

    def _row_html(self, row: int, *, is_chosen: bool) -> str:
        weight = "font-weight:600;border-left:3px solid #0072B2" if is_chosen else "border-left:3px solid transparent"
        name = f"{'▸' if is_chosen else '&nbsp;'} {self.frame.index[row]}"
        tds = (
            f'<td style="{CELL};{MONO};white-space:nowrap">{name}</td>'
            f'<td style="{CELL};{MONO};overflow-wrap:anywhere">{escape(self._line(row))}</td>'
        )
        return f'<tr style="background:none;{weight}">{tds}</tr>'

    @property
    def _row(self) -> int:
        return len(self.frame) - 1 if self.at is None else int(self.frame.index.get_indexer(pd.Index([self.at]))[0])

    def _line(self, row: int) -> str:
        entry = entries_content(self.frame.iloc[row : row + 1])
        parts = [entry[name][0] for name in ("kind", "function", "request", "message")]
        answer = f"→ {entry['response'][0]}" if entry["response"][0] else ""
        return " ".join(part for part in (*parts, answer, REPLAYED_WORDS[entry["replayed"][0]]) if part).rstrip("\n")

    def _short_line(self, row: int) -> str:
        text = self._line(row)
        return text if len(text) <= MOST_COLUMNS else f"{text[: MOST_COLUMNS - 1]}…"

    def _facts(self, row: int) -> list[tuple[str, str]]:
        begun, last = self._open[row], len(self.frame) - 1
        is_open = "none" if begun == NO_INVOCATION else f"{self._call(begun)} since #{self.frame.index[begun]}"
        return [
            ("invocation", is_open),
            ("next", self._line(row + 1) if row < last else "nothing: the oplog ends here"),
        ]

    def _call(self, row: int) -> str:
        entry = entries_content(self.frame.iloc[row : row + 1])
        return f"{entry['function'][0]}({entry['request'][0].removeprefix('[').removesuffix(']')})"

    def output(self, row: int) -> list[str]:
        """Return the last lines that the worker had printed or logged by then, and no revert had undone."""
        rows = np.flatnonzero((self.frame["kind"].iloc[: row + 1] == "Log").to_numpy()).tolist()
        left = [at for at in rows if self._undone.get(at, row + 1) > row]
        logs = self.frame.iloc[left[-MOST_OUTPUT_LINES * 4 :]]
        text = "".join(map(output_text, logs["level"].astype("object").map(str), logs["message"].map(str)))
        return text.splitlines()[-MOST_OUTPUT_LINES:]

    def content(self) -> dict[str, Any] | None:
        if not 0 < len(self.frame) <= MOST_LIVE_ENTRIES:
            return None
        words = list(WorkerStatus)
        return {
            "title": self.title,
            "summary": replayed_text(self.frame),
            "at": self._row,
            "statuses": [[str(status), *STATUSES[status]] for status in words],
            "status": [words.index(status) for status in self.statuses],
            "open": self._open,
            # Output is shown whole, whatever is cut elsewhere.
            "output": {
                int(row): output_text(str(self.frame["level"].iloc[row]), str(self.frame["message"].iloc[row]))
                for row in np.flatnonzero((self.frame["kind"] == "Log").to_numpy())
            },
            # Rows of output, each with the row of the revert that undid it.
            "undone": self._undone,
            **entries_content(self.frame),
        }

    def on_message(self) -> Callable[[Any], None] | None:
        tell = self.on_index
        if tell is None:
            return None
        return lambda message: tell(int(self.frame.index[message["row"]]))


def statuses_of(frame: pd.DataFrame) -> list[WorkerStatus]:
    """Return the worker's status after each entry, as the marks of the kinds have it; a revert brings one back."""
    found: list[WorkerStatus] = []
    status = WorkerStatus.IDLE
    indices = frame.index.tolist()
    for kind, raw in zip(frame["kind"], frame["raw"], strict=True):
        status = STATUS_OF_KIND.get(kind, status)
        if kind == "Revert" and found:
            status = found[max(0, _row_before(raw, indices, len(found)))]
        found.append(status)
    return found


def open_invocations_of(frame: pd.DataFrame) -> list[int]:
    """Return the row where the invocation that is open after each entry began; -1 for none."""
    found: list[int] = []
    begun = NO_INVOCATION
    indices = frame.index.tolist()
    for row, (kind, raw) in enumerate(zip(frame["kind"], frame["raw"], strict=True)):
        match kind:
            case "ExportedFunctionInvoked" | "AgentInvocationStarted":
                begun = row
            case "ExportedFunctionCompleted" | "AgentInvocationFinished":
                begun = NO_INVOCATION
            case "Revert" if found:
                begun = found[max(0, _row_before(raw, indices, len(found)))]
        found.append(begun)
    return found


def undone_output_of(frame: pd.DataFrame) -> dict[int, int]:
    """Return the rows of output that a revert undid, each with the row of that revert."""
    undone: dict[int, int] = {}
    left: list[int] = []
    indices = frame.index.tolist()
    is_log = (frame["kind"] == "Log").to_numpy()
    for row in np.flatnonzero(is_log | (frame["kind"] == "Revert").to_numpy()).tolist():
        if is_log[row]:
            left.append(row)
            continue
        last = _row_before(frame["raw"].iloc[row], indices, row)
        while left and left[-1] > last:
            undone[left.pop()] = row
    return undone


def _row_before(revert: Any, indices: list[int], behind: int) -> int:
    """Return the row of the last entry that a revert leaves, among the first `behind` rows."""
    start = part_of(revert, "droppedRegion").get("start", 1)
    return min(bisect_right(indices, start - 1), behind) - 1 if type(start) is int else behind - 1
