"""The timeline of an oplog: invocations, calls by package, output and events above each other. Source: UX 5.

As an image it has what a pixel can show; live it can be zoomed, and an entry asked for by a click.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from golem_nb.errors import UsageError
from golem_nb.notebook.frames import met_by_replay
from golem_nb.notebook.pictures.picture import MOST_LIVE_ENTRIES, Picture, too_much_text
from golem_nb.notebook.pictures.svg import Span, Svg
from golem_nb.notebook.pictures.track import (
    EVENT_MARKS,
    EVENTS,
    INVOCATIONS,
    LIVE,
    OUTPUT,
    REPLAYED,
    UNKNOWN,
    Track,
    events_of,
    track_of,
)
from golem_nb.notebook.views import QUIET
from golem_nb.notebook.visible import visible

WIDTH, LEFT, LANE, TOP, AXIS = 900, 130, 22, 4, 18
STATES = ("live", "replayed", "unknown")
COLOURS = {INVOCATIONS: "#0072B2", OUTPUT: "#767676", EVENTS: "#767676"}
CALL_COLOUR = "#008A5E"
# More bars than these in a lane are drawn as what they cover.
MOST_BARS = 400
MOST_MARKS = 200
TEXT_COLUMNS = 60
_SHADES = {LIVE: "█", UNKNOWN: "█", REPLAYED: "░"}


@dataclass(frozen=True, repr=False, eq=False)
class Timeline(Picture):
    """The timeline of a frame, by "time" or by "index"."""

    form = "timeline"

    frame: pd.DataFrame
    by: str = "time"
    track: Track = field(init=False)

    def __post_init__(self) -> None:
        """Lay the entries out.

        Raises:
            UsageError: It is to go by something else.
        """
        if self.by not in ("time", "index"):
            raise UsageError(f"a timeline goes by time or by index, not by {self.by!r}")
        object.__setattr__(self, "track", track_of(self.frame, by=self.by))

    @property
    def title(self) -> str:
        return f"timeline of {name_of(self.frame)}"

    @property
    def summary(self) -> str:
        """Say in words what the picture shows."""
        if not len(self.frame):
            return "no entries"
        first, last = self.frame.index[0], self.frame.index[-1]
        took = self.frame["timestamp"].iloc[-1] - self.frame["timestamp"].iloc[0]
        left_out = sum(seconds for _, seconds in self.track.cuts)
        waits = f", of which {seconds_text(left_out)} of waiting are left out" if left_out else ""
        return f"entries {first} to {last}, {seconds_text(took.total_seconds())}{waits}; {self._replayed}"

    @property
    def _replayed(self) -> str:
        return replayed_text(self.frame)

    def text(self) -> str:
        lines = [self.title, f"  {self.summary}"]
        for at, name in enumerate(self.track.lanes):
            lines.append(f"  {name:<16.16} {self._strip(at)}")
        if self.track.lanes and self.frame["replayed"].notna().any():
            lines.append(f"  {'':16} █ live  ░ replayed")
        return "\n".join(lines)

    def _strip(self, lane: int) -> str:
        cells = [" "] * TEXT_COLUMNS
        scale = (TEXT_COLUMNS - 1) / (self.track.length or 1)
        for row in np.flatnonzero(self.track.lane == lane):
            a, b = int(self.track.begin[row] * scale), int(self.track.end[row] * scale)
            glyph = _SHADES[int(self.track.state[row])]
            if self.track.lanes[lane] == EVENTS:
                glyph = EVENT_MARKS[str(self.frame["kind"].iloc[row])][0]
            cells[a : b + 1] = [glyph] * (b + 1 - a)
        return "".join(cells).rstrip()

    def static_html(self) -> str:
        legend = escape(self._legend())
        return (
            f'<div><b>{escape(self.title)}</b> <span style="{QUIET}">{escape(self.summary)}</span></div>'
            f'<div>{self.svg().img(f"{self.title}: {self.summary}")}</div><div style="{QUIET}">{legend}</div>'
        )

    def _legend(self) -> str:
        kinds = dict.fromkeys(str(kind) for kind in self.frame["kind"][events_of(self.track)].unique())
        marks = dict.fromkeys(f"{EVENT_MARKS[kind][0]} {EVENT_MARKS[kind][2]}" for kind in kinds)
        states = ["filled: live", "hatched: replayed"] if self.frame["replayed"].notna().any() else []
        cuts = ["┊ waiting left out"] if self.track.cuts else []
        too_much = too_much_text(len(self.frame))
        return " · ".join([*states, *marks, *cuts, *([too_much] if too_much else [])])

    def svg(self) -> Svg:
        track, lanes = self.track, self.track.lanes
        svg = Svg(WIDTH, TOP + LANE * max(len(lanes), 1) + AXIS)
        scale = (WIDTH - LEFT - 8) / (track.length or 1)
        bottom = TOP + LANE * len(lanes)
        for place, _ in track.cuts[:MOST_MARKS]:
            svg.line(LEFT + place * scale, TOP, LEFT + place * scale, bottom, dashes="1 3", opacity=0.6)
        for at, name in enumerate(lanes):
            top = TOP + at * LANE
            svg.text(LEFT - 8, top + 15, name, anchor="end")
            svg.line(LEFT, top + LANE - 1, WIDTH, top + LANE - 1, opacity=0.25)
            self._draw_lane(svg, at, name, top, scale)
        self._draw_axis(svg, bottom, scale)
        return svg

    def _draw_lane(self, svg: Svg, lane: int, name: str, top: float, scale: float) -> None:
        track = self.track
        rows = np.flatnonzero(track.lane == lane)
        if name == EVENTS:
            last = -10.0
            for row in rows[:MOST_MARKS]:
                glyph, colour, _ = EVENT_MARKS[str(self.frame["kind"].iloc[row])]
                x = LEFT + track.end[row] * scale
                if x - last >= 9:  # glyphs upon each other cannot be read
                    svg.text(x, top + 15, glyph, anchor="middle", fill=colour, bold=True)
                    last = x
            return
        colour = COLOURS.get(name, CALL_COLOUR)
        for state in (UNKNOWN, LIVE, REPLAYED):
            chosen = rows[track.state[rows] == state]
            spans = spans_in_pixels(LEFT + track.begin[chosen] * scale, LEFT + track.end[chosen] * scale)
            svg.bars(spans, top + 4, LANE - 9, colour, hatched=state == REPLAYED)

    def _draw_axis(self, svg: Svg, bottom: float, scale: float) -> None:
        if not len(self.frame):
            return
        start = self.frame["timestamp"].iloc[0]
        rows = np.unique(np.linspace(0, len(self.frame) - 1, 6).astype("int64"))
        own_end = np.arange(len(self.frame)) if self.by == "index" else np.maximum.accumulate(self.track.begin)
        last = -200.0
        for row in rows:
            x = LEFT + float(own_end[row]) * scale
            label = f"#{self.frame.index[row]}"
            if self.by == "time":
                label += f" +{seconds_text((self.frame['timestamp'].iloc[row] - start).total_seconds())}"
            if x - last >= 110 and x < WIDTH - 90:
                svg.text(x, bottom + 14, label)
                last = x

    def content(self) -> dict[str, Any] | None:
        if not 0 < len(self.frame) <= MOST_LIVE_ENTRIES:
            return None
        track = self.track
        rows = np.flatnonzero(events_of(track))
        return {
            "title": self.title,
            "summary": self.summary,
            "legend": self._legend(),
            "lanes": list(track.lanes),
            "colours": [COLOURS.get(name, CALL_COLOUR) for name in track.lanes],
            "lane": track.lane.tolist(),
            "begin": track.begin.round(3).tolist(),
            "end": track.end.round(3).tolist(),
            "state": track.state.tolist(),
            "length": track.length,
            "cuts": [[round(place, 3), seconds_text(seconds)] for place, seconds in track.cuts],
            "marks": {int(row): EVENT_MARKS[str(self.frame["kind"].iloc[row])][:2] for row in rows},
            **entries_content(self.frame),
        }


def spans_in_pixels(begin: Any, end: Any) -> list[Span]:
    """Return bars of at least a pixel; where they are many, the runs of pixels that they cover."""
    if len(begin) <= MOST_BARS:
        return [(float(a), float(max(b, a + 1))) for a, b in zip(begin, end, strict=True)]
    first = np.floor(begin).astype("int64")
    last = np.maximum(np.ceil(end).astype("int64"), first + 1)
    covered = np.zeros(last.max() + 2, dtype="int64")
    np.add.at(covered, first, 1)
    np.add.at(covered, last, -1)
    edges = np.flatnonzero(np.diff((np.cumsum(covered) > 0).astype("int8"), prepend=0))
    return [(float(a), float(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def entries_content(frame: pd.DataFrame) -> dict[str, Any]:
    """Return what a live picture says of each entry: columns of equal length."""
    most = 300 if len(frame) <= 5000 else 60  # characters: a page holds some megabytes of it
    start = frame["timestamp"].iloc[0]
    return {
        "index": frame.index.tolist(),
        "kind": frame["kind"].astype("object").tolist(),
        "function": [_text(name, 120) for name in frame["function"]],
        "request": [_text(value, most) for value in frame["request"]],
        "response": [_text(value, most) for value in frame["response"]],
        "message": [_text(value, most) for value in frame["message"]],
        "after": ((frame["timestamp"] - start).dt.total_seconds() * 1e3).round(3).tolist(),
        "replayed": [UNKNOWN if value is pd.NA else int(value) for value in met_by_replay(frame).tolist()],
        "begun": start.isoformat(timespec="milliseconds"),
    }


def _text(value: Any, most: int) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return ""
    text = visible(value if isinstance(value, str) else repr(value))
    return text if len(text) <= most else text[: most - 1] + "…"


def name_of(frame: pd.DataFrame) -> str:
    about = frame.attrs.get("golem", {})
    return "/".join(part for part in (about.get("component"), about.get("worker")) if part) or "an oplog"


def replayed_text(frame: pd.DataFrame) -> str:
    """Say how much of it was replayed."""
    known = met_by_replay(frame).dropna()
    if not len(known):
        return "whether replayed or live is not known: no instance is loaded, or not the whole oplog is here"
    replayed = int(known.sum())
    return f"{replayed} replayed, {len(known) - replayed} live"


def seconds_text(seconds: float) -> str:
    """Return a duration for people: 640 µs, 12.5 ms, 3.2 s, 5 min 10 s, 2 h 5 min."""
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} µs" if seconds else "0 s"
    if seconds < 1:
        return f"{seconds * 1e3:.3g} ms"
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
