"""The board of `%golem_workers --watch`: how many workers have which status, and which. Renewed in place.

It is plain HTML all the time (UX 5), so what was last shown is what is stored. A thread reads; it never prints.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime
from html import escape
from typing import Any
from uuid import uuid4

import pandas as pd

from golem_nb.errors import GolemError, NotFound
from golem_nb.model import WorkerStatus
from golem_nb.notebook.panes.pane import publish
from golem_nb.notebook.surroundings import Place, Surroundings
from golem_nb.notebook.views import QUIET, STATUSES, badge, badge_text

MOST_ROWS = 60
_COLUMNS = ("worker", "component", "version", "attempts", "pending", "last_error")
_TD = "text-align:left;vertical-align:top;padding:1px 10px 1px 0"

Read = Callable[[], tuple[pd.DataFrame, list[str]]]
"""Gives the workers, and what is to be said of them."""


class Board:
    """What `--watch` returns: `.df` is the last frame, `.close()` ends it."""

    def __init__(self, title: str, read: Read, every_s: float) -> None:
        self.title, self.every_s = title, every_s
        self.df, notes = read()
        self.reads, self.trouble = 1, ""
        self._read, self._notes = read, notes
        self._closed = threading.Event()
        self._shown = False
        # Where it goes on being renewed, a notebook may be stored meanwhile: its reader sees how old it is.
        self.shows_time = False
        self.changed_at = datetime.now()

    @property
    def is_closed(self) -> bool:
        return self._closed.is_set()

    def close(self) -> None:
        """End it; what was read stays."""
        self._closed.set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until it is closed; False when the time is over before."""
        return self._closed.wait(timeout_s)

    def renew(self) -> None:
        """Read again. A server that does not answer is asked again later; what is no longer there ends the board."""
        before = self.df
        try:
            self.df, self._notes = self._read()
        except NotFound as error:
            self.trouble = str(error)
            self.close()
        except GolemError as error:
            self.trouble = f"{error}; asked again"
        else:
            self.reads, self.trouble = self.reads + 1, ""
            if not self.df.equals(before):
                self.changed_at = datetime.now()

    def bundle(self) -> dict[str, str]:
        return {"text/plain": self.text(), "text/html": self.html()}

    def text(self) -> str:
        counts = self._counts()
        chips = "   ".join(f"{STATUSES[s][0]} {s} {n}" for s, n in counts.items() if n) or "none"
        rows = self.df.head(MOST_ROWS)
        wide = max((len(name) for name in rows["worker"]), default=0)
        lines = [
            f"  {row['worker']:<{wide}}  {badge_text(WorkerStatus(row['status'])):<13}  {_facts(row)}".rstrip()
            for row in rows.to_dict("records")
        ]
        return "\n".join([f"{self.title}: {len(self.df)}{self._state()}", f"  {chips}", *lines, *self._more()])

    def html(self) -> str:
        chips = "".join(_chip(status, count) for status, count in self._counts().items())
        both = len(set(self.df["component"])) > 1
        names = [name for name in _COLUMNS if (both if name == "component" else _is_filled(self.df[name]))]
        heads = "".join(f'<th style="{_TD}">{name}</th>' for name in ["", *(n.replace("_", " ") for n in names)])
        rows = "".join(_row(row, names) for row in self.df.head(MOST_ROWS).to_dict("records"))
        table = f'<table style="border-collapse:collapse"><tr style="background:none">{heads}</tr>{rows}</table>'
        more = "".join(f'<div style="{QUIET}">{escape(line)}</div>' for line in self._more())
        head = f'<b>{escape(self.title)}</b> <span style="{QUIET}">{len(self.df)}{escape(self._state())}</span>'
        return f'<div>{head}</div><div style="margin:4px 0">{chips}</div>{table if len(self.df) else ""}{more}'

    def _counts(self) -> dict[WorkerStatus, int]:
        found = self.df["status"].astype("object").value_counts()
        return {status: int(found.get(str(status), 0)) for status in STATUSES}

    def _state(self) -> str:
        if self.trouble:
            return f"; {self.trouble}"
        since = f", so since {self.changed_at:%H:%M:%S}" if self.shows_time else ""
        return f"; ■ closed{since}" if self.is_closed else f"; ● every {self.every_s:g} s{since}"

    def _more(self) -> list[str]:
        hidden = len(self.df) - MOST_ROWS
        return [*([f"{hidden} more; .df has them"] if hidden > 0 else []), *self._notes]

    def __repr__(self) -> str:
        return f"board of {self.title}: {len(self.df)}{self._state()}; .df has them, .close() ends it"

    def _ipython_display_(self) -> None:
        """Show nothing right after it was shown: the magic's own result would repeat it."""
        if not self._shown:
            print(repr(self))
        self._shown = False

    def mark_shown(self) -> None:
        self._shown = True

    def forget_shown(self) -> bool:
        """Be shown by later cells, which ask for it by its name. Returns that this is done, for `after_cells`."""
        self._shown = False
        return False


def _chip(status: WorkerStatus, count: int) -> str:
    glyph, colour = STATUSES[status]
    pale = "" if count else ";opacity:.5"
    style = f"display:inline-block;border:1px solid {colour};border-radius:3px;padding:1px 8px;margin:0 6px 2px 0{pale}"
    return f'<span style="{style}"><span style="color:{colour};font-weight:600">{glyph} {status}</span> {count}</span>'


def _row(row: dict[Any, Any], names: list[str]) -> str:
    mark = badge(WorkerStatus(row["status"]))
    texts = ("" if pd.isna(row[name]) else escape(str(row[name])) for name in names)
    cells = "".join(f'<td style="{_TD}">{text}</td>' for text in (mark, *texts))
    return f'<tr style="background:none">{cells}</tr>'


def _is_filled(column: pd.Series[Any]) -> bool:
    return bool((column.notna() & (column.astype("object") != 0)).any()) or column.name in ("worker", "version")


def _facts(row: Any) -> str:
    counts = [f"{name} {row[name]}" for name in ("attempts", "pending") if not pd.isna(row[name]) and row[name]]
    error = [] if pd.isna(row["last_error"]) else [row["last_error"]]
    return "  ".join([f"version {row['version']}", *counts, *error])


def show_board(board: Board, surroundings: Surroundings, for_s: float | None) -> None:
    """Show it and keep it up to date, in the way of the place that it is in."""
    match surroundings.place:
        case Place.LIVE:
            _live(board, surroundings, for_s)
        case Place.HEADLESS:
            _static(board, surroundings, for_s)
        case Place.TERMINAL:
            _print(board, for_s)
            return  # a terminal has a prompt for the result, and would leave it empty
    board.mark_shown()
    surroundings.after_cells(board.forget_shown)


def _live(board: Board, surroundings: Surroundings, for_s: float | None) -> None:
    display_id = uuid4().hex
    board.shows_time = True
    publish(board.bundle(), display_id)
    surroundings.keep_board(board)
    deadline = None if for_s is None else time.monotonic() + for_s

    def keep_up() -> None:
        shown = board.bundle()
        while not board.wait(board.every_s):
            board.renew()
            if deadline is not None and time.monotonic() >= deadline:
                board.close()
            if (bundle := board.bundle()) != shown:
                publish(bundle, display_id, update=True)
                shown = bundle
        if (bundle := board.bundle()) != shown:
            publish(bundle, display_id, update=True)

    surroundings.start_thread(keep_up, f"board of {board.title}")


def _static(board: Board, surroundings: Surroundings, for_s: float | None) -> None:
    """Show plain HTML: after `for_s` once, else at once and again after each later cell."""
    if for_s is not None:
        board.wait(for_s)
        board.renew()
        board.close()
        publish(board.bundle(), None)
        return
    display_id = uuid4().hex
    publish(board.bundle(), display_id)
    surroundings.keep_board(board)

    def renew() -> bool:
        if not board.is_closed:
            board.renew()
        publish(board.bundle(), display_id, update=True)
        return not board.is_closed

    surroundings.after_cells(renew)


def _print(board: Board, for_s: float | None) -> None:
    """Print it as often as it changes, until the time ends or the user interrupts."""
    deadline = None if for_s is None else time.monotonic() + for_s
    shown = ""
    try:
        while True:
            if (text := board.text()) != shown:
                print(text, file=sys.stdout, flush=True)
                shown = text
            if board.is_closed or (deadline is not None and time.monotonic() >= deadline):
                break
            board.wait(board.every_s if deadline is None else min(board.every_s, max(deadline - time.monotonic(), 0)))
            board.renew()
    except KeyboardInterrupt:
        print("left; the workers go on")
    board.close()
