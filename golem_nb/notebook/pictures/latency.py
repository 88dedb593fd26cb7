"""How long invocations or calls took: a strip of dots for each function on a common logarithmic axis. Source: UX 5."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from math import ceil, floor
from typing import Any

import numpy as np
import pandas as pd

from golem_nb.errors import UsageError
from golem_nb.notebook.invocations import invocations_of
from golem_nb.notebook.pictures.picture import MOST_LIVE_ENTRIES, Picture, too_much_text
from golem_nb.notebook.pictures.svg import Svg
from golem_nb.notebook.pictures.timeline import name_of, seconds_text
from golem_nb.notebook.views import CELL, QUIET

WIDTH, LEFT, STRIP, AXIS = 900, 56, 70, 18
MOST_STRIPS = 12
COLOURS = {"invocations": "#0072B2", "calls": "#008A5E"}


@dataclass(frozen=True, repr=False, eq=False)
class Latency(Picture):
    """Of "invocations", from begin to end, or of "calls" of host functions.

    A call's entry is written when it is answered; it took no longer than since the entry before. `df` has a row for
    each function: `function n p50 p95 max` in milliseconds, and how many were `replayed`.
    """

    form = "latency"

    frame: pd.DataFrame
    of: str = "invocations"
    points: pd.DataFrame = field(init=False)
    df: pd.DataFrame = field(init=False)
    least_ms: float = field(init=False)
    """What its clock can tell: servers send milliseconds, an engine in process has microseconds."""

    def __post_init__(self) -> None:
        """Gather the durations.

        Raises:
            UsageError: `of` is something else.
        """
        if self.of not in COLOURS:
            raise UsageError(f"latencies are of invocations or of calls, not of {self.of!r}")
        points = _of_invocations(self.frame) if self.of == "invocations" else _of_calls(self.frame)
        object.__setattr__(self, "points", points)
        object.__setattr__(self, "df", _summary(points))
        at_us = self.frame["timestamp"].dt.microsecond
        object.__setattr__(self, "least_ms", 1.0 if (at_us % 1000 == 0).all() else 1e-3)

    @property
    def title(self) -> str:
        return f"latency of the {self.of} of {name_of(self.frame)}"

    def _said(self, ms: float) -> str:
        return f"< {seconds_text(self.least_ms / 1e3)}" if ms < self.least_ms else seconds_text(ms / 1e3)

    def text(self) -> str:
        if not len(self.df):
            return f"{self.title}\n  none ended"
        rows = [
            f"  {function:<40.40} {n:>7} {p50:>9} {p95:>9} {most:>9}"
            for function, n, p50, p95, most in self._table(len(self.df))
        ]
        return "\n".join([self.title, f"  {'function':<40} {'n':>7} {'p50':>9} {'p95':>9} {'max':>9}", *rows])

    def static_html(self) -> str:
        head = f'<div><b>{escape(self.title)}</b> <span style="{QUIET}">{escape(self._note())}</span></div>'
        if not len(self.df):
            return f"{head}<div>none ended</div>"
        rows = [("function", "n", "p50", "p95", "max"), *self._table()]
        tags = ("th", *["td"] * (len(rows) - 1))
        cells = (
            "".join(f'<{tag} style="{CELL}">{escape(cell)}</{tag}>' for cell in row)
            for tag, row in zip(tags, rows, strict=True)
        )
        table = "".join(f'<tr style="background:none">{row}</tr>' for row in cells)
        alt = "; ".join(f"{function}: p50 {p50}, p95 {p95}" for function, _, p50, p95, _ in self._table())
        image = self.svg().img(f"{self.title}: {alt}")
        return f'{head}<div>{image}</div><table style="border-collapse:collapse">{table}</table>'

    def _table(self, most: int = MOST_STRIPS) -> list[tuple[str, ...]]:
        return [
            (row["function"], str(row["n"]), *(self._said(row[name]) for name in ("p50", "p95", "max")))
            for row in self.df.head(most).to_dict("records")
        ]

    def _note(self) -> str:
        more = f"; {len(self.df) - MOST_STRIPS} more functions in .df" if len(self.df) > MOST_STRIPS else ""
        replayed = "; rings: replayed" if (self.points["state"] == 1).any() else ""
        too_much = too_much_text(len(self.points))
        return f"x: oplog index, y: duration, logarithmic{replayed}{more}{f'; {too_much}' if too_much else ''}"

    def svg(self) -> Svg:
        strips = self.df["function"].head(MOST_STRIPS).tolist()
        svg = Svg(WIDTH, STRIP * len(strips) + AXIS)
        low, high = self._decades()
        first, last = self.frame.index[0], self.frame.index[-1]
        x_scale = (WIDTH - LEFT - 12) / max(last - first, 1)
        for at, function in enumerate(strips):
            top = at * STRIP
            height = STRIP - 22
            svg.text(LEFT, top + 11, function, bold=True)
            for decade in range(low, high + 1):
                y = top + 18 + height * (1 - (decade - low) / max(high - low, 1))
                svg.line(LEFT, y, WIDTH, y, opacity=0.25)
                if decade in (low, high) or high - low <= 3:
                    svg.text(LEFT - 6, y + 4, seconds_text(10.0**decade / 1e3), anchor="end")
            points = self.points[self.points["function"] == function]
            x = LEFT + 4 + (points["index"].to_numpy() - first) * x_scale
            y = (
                top
                + 18
                + height * (1 - (np.log10(points["ms"].to_numpy().clip(self._floor)) - low) / max(high - low, 1))
            )
            for is_replayed in (False, True):
                chosen = (points["state"] == 1).to_numpy() == is_replayed
                # Dots of one place are one dot: a picture of a million is no larger than one of some thousand.
                places = np.unique(np.column_stack([x[chosen], y[chosen]]).round(0), axis=0)
                svg.dots(((float(a), float(b)) for a, b in places), 2.2, COLOURS[self.of], hollow=is_replayed)
        svg.text(LEFT, STRIP * len(strips) + 12, f"#{first}")
        svg.text(WIDTH - 8, STRIP * len(strips) + 12, f"#{last}", anchor="end")
        return svg

    @property
    def _floor(self) -> float:
        """Where what is too short to be told is drawn."""
        return self.least_ms / 2

    def _decades(self) -> tuple[int, int]:
        ms = self.points["ms"].clip(lower=self._floor)
        low, high = floor(np.log10(ms.min())), ceil(np.log10(ms.max()))
        return low, max(high, low + 1)

    def content(self) -> dict[str, Any] | None:
        if not 0 < len(self.points) <= MOST_LIVE_ENTRIES:
            return None
        strips = self.df["function"].head(MOST_STRIPS).tolist()
        points = self.points[self.points["function"].isin(strips)]
        low, high = self._decades()
        place = {function: at for at, function in enumerate(strips)}
        return {
            "title": self.title,
            "note": self._note(),
            "strips": strips,
            "colour": COLOURS[self.of],
            "floor": self._floor,
            "low": low,
            "high": high,
            "labels": [seconds_text(10.0**decade / 1e3) for decade in range(low, high + 1)],
            "first": int(self.frame.index[0]),
            "last": int(self.frame.index[-1]),
            "strip": [place[function] for function in points["function"]],
            "index": points["index"].tolist(),
            "ms": points["ms"].round(3).tolist(),
            "state": points["state"].tolist(),
            "said": [self._said(ms) for ms in points["ms"]],
            "table": self._table(),
        }


def _of_invocations(frame: pd.DataFrame) -> pd.DataFrame:
    found = invocations_of(frame)
    found = found[found["ms"].notna() & found["function"].notna()]
    return _points(found["function"], found["first_index"], found["ms"], found["replayed"])


def _of_calls(frame: pd.DataFrame) -> pd.DataFrame:
    since_ms = frame["timestamp"].diff().dt.total_seconds().fillna(0.0).clip(lower=0) * 1e3
    is_call = (frame["family"] == "call") & frame["function"].notna()
    calls = frame[is_call]
    return _points(calls["function"], calls.index, since_ms[is_call], calls["replayed"])


def _points(function: Any, index: Any, ms: Any, replayed: Any) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "function": pd.Series(list(function), dtype="object"),
            "index": np.asarray(index, dtype="int64"),
            "ms": np.asarray(ms, dtype="float64"),
            "state": replayed.astype("Int64").fillna(2).to_numpy(dtype="int64"),
        }
    )


def _summary(points: pd.DataFrame) -> pd.DataFrame:
    groups = points.groupby("function", sort=False)["ms"]
    found = pd.DataFrame(
        {
            "n": groups.size(),
            "p50": groups.quantile(0.5),
            "p95": groups.quantile(0.95),
            "max": groups.max(),
            "replayed": (points["state"] == 1).groupby(points["function"], sort=False).sum(),
        }
    )
    return found.sort_values("n", ascending=False, kind="stable").reset_index(names="function")
