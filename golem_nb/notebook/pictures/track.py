"""Where each entry of an oplog lies on a line: in which lane, from where to where, live or replayed.

Lanes are the invocations, the host functions by package, the output, and what else happens to a worker. Time in which
no invocation ran, or the worker was suspended, is cut short: most workers mostly wait.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from golem_nb.notebook.frames import met_by_replay
from golem_nb.notebook.invocations import invocations_of

MOST_CALL_LANES = 6
INVOCATIONS, OTHER_CALLS, OUTPUT, EVENTS = "invocations", "other calls", "output", "events"
LIVE, REPLAYED, UNKNOWN = 0, 1, 2
# Glyph, colour and word of what befalls a worker. Glyphs are in DejaVu; colours are those of the status palette.
EVENT_MARKS = {
    "Error": ("✕", "#D1242F", "error"),
    "FailedUpdate": ("✕", "#D1242F", "failed update"),
    "Interrupted": ("■", "#B8860B", "interrupted"),
    "Exited": ("□", "#767676", "exited"),
    "Suspend": ("‖", "#8A6FB8", "suspended"),
    "Restart": ("↻", "#D55E00", "restarted"),
    "Jump": ("◇", "#8A6FB8", "jump"),
    "Revert": ("◇", "#8A6FB8", "reverted"),
    "SuccessfulUpdate": ("↑", "#B8860B", "updated"),
    "Snapshot": ("▣", "#767676", "snapshot"),
    # The end of an invocation, where it is an exception; a result is the end of its bar.
    "ExportedFunctionCompleted": ("✕", "#D1242F", "failed invocation"),
    "AgentInvocationFinished": ("✕", "#D1242F", "failed invocation"),
}
_ENDS = ("ExportedFunctionCompleted", "AgentInvocationFinished")
NO_LANE = -1


@dataclass(frozen=True, eq=False)
class Track:
    """One item for each row of the frame; `lane` is -1 where an entry is not drawn by itself.

    `begin`, `end`, `length` and `cuts` are milliseconds on the cut line, or entries where that was asked for. `cuts`
    are (place, seconds that are left out there).
    """

    lanes: tuple[str, ...]
    lane: Any
    begin: Any
    end: Any
    state: Any
    length: float
    cuts: tuple[tuple[float, float], ...]


def track_of(frame: pd.DataFrame, *, by: str = "time") -> Track:
    """Lay out a frame, by "time" or by "index"."""
    families, kinds = frame["family"].astype("object").to_numpy(), frame["kind"].astype("object").to_numpy()
    found = invocations_of(frame)
    first = frame.index.get_indexer(pd.Index(found["first_index"].to_numpy(dtype="int64")))
    last_index = found["last_index"].fillna(-1).to_numpy(dtype="int64")
    last = np.where(last_index < 0, len(frame) - 1, frame.index.get_indexer(pd.Index(last_index)))
    following = np.append(first[1:], len(frame))
    last = np.minimum(last, following - 1)  # what was cut off lasts until the next
    end, cuts = _places(frame, kinds, first, last, by)
    begin = np.concatenate([end[:1], end[:-1]])  # a call lasts from the entry before it, at most
    lanes, lane = _lanes(frame, families, kinds)
    is_point = np.isin(lane, [at for at, name in enumerate(lanes) if name in (OUTPUT, EVENTS)])
    begin = np.where(is_point, end, begin)
    state = np.full(len(frame), UNKNOWN)
    met = met_by_replay(frame)
    is_known = met.notna().to_numpy()
    state[is_known] = np.where(met[is_known].to_numpy(dtype="bool"), REPLAYED, LIVE)
    if len(first):
        begin[first], end_of_bar = end[first], end.copy()
        end_of_bar[first], state[first] = end[last], state[last]
        end = end_of_bar
    return Track(lanes, lane, begin, end, state, float(end.max(initial=0.0)), cuts)


def _places(
    frame: pd.DataFrame, kinds: Any, first: Any, last: Any, by: str
) -> tuple[Any, tuple[tuple[float, float], ...]]:
    """Return where each entry ends, and what was cut out."""
    if by == "index":
        return np.arange(len(frame), dtype="float64"), ()
    at_us = frame["timestamp"].dt.as_unit("us").dt.tz_localize(None).to_numpy().astype("int64")
    # Clocks may be set back between two runs of an engine; a picture goes on.
    gaps = np.maximum(np.diff(at_us, prepend=at_us[:1]), 0) / 1e3
    # +1 where an invocation begins, -1 behind its end: a gap before a row lies in one where the sum is above 0.
    depth = np.zeros(len(frame) + 1, dtype="int64")
    np.add.at(depth, first + 1, 1)
    np.add.at(depth, last + 1, -1)
    is_idle = (np.cumsum(depth)[:-1] <= 0) | np.isin(
        np.concatenate([[""], kinds[:-1]]), ["Suspend", "Interrupted", "Exited"]
    )
    busy, idle = gaps[~is_idle].sum(), int(is_idle.sum())
    most = 0.5 * busy / idle if idle and busy else np.inf  # so a third of the picture at most is waiting
    is_cut = is_idle & (gaps > most)
    places = np.cumsum(np.where(is_cut, most, gaps))
    rows = np.flatnonzero(is_cut)
    return places, tuple((float(places[row] - most / 2), float(gaps[row] - most) / 1e3) for row in rows)


def _lanes(frame: pd.DataFrame, families: Any, kinds: Any) -> tuple[tuple[str, ...], Any]:
    is_call = families == "call"
    functions = frame["function"].astype("object").to_numpy()
    packages = {name: package_of(name) for name in pd.unique(functions[is_call]) if isinstance(name, str)}
    counts = Counter(packages.get(name, OTHER_CALLS) for name in functions[is_call])
    usual = [name for name, _ in counts.most_common(MOST_CALL_LANES)]
    call_lanes = usual if len(counts) <= MOST_CALL_LANES else [*usual[:-1], OTHER_CALLS]
    lanes = (INVOCATIONS, *call_lanes, OUTPUT, EVENTS)
    lane = np.full(len(frame), NO_LANE)
    lane[families == "invocation"] = 0
    lane[np.isin(kinds, ["PendingWorkerInvocation", "PendingAgentInvocation", "CancelInvocation"])] = NO_LANE
    place = {
        name: lanes.index(package) if package in lanes else lanes.index(OTHER_CALLS)
        for name, package in packages.items()
    }
    nameless = lanes.index(OTHER_CALLS) if OTHER_CALLS in lanes else NO_LANE
    lane[is_call] = [place.get(name, nameless) for name in functions[is_call]]
    lane[kinds == "Log"] = lanes.index(OUTPUT)
    lane[np.isin(kinds, list(EVENT_MARKS))] = lanes.index(EVENTS)
    lane[np.isin(kinds, _ENDS) & frame["message"].isna().to_numpy()] = NO_LANE
    used = [name for at, name in enumerate(lanes) if (lane == at).any()]
    renumbered = np.array([used.index(name) if name in used else NO_LANE for name in lanes] + [NO_LANE])
    return tuple(used), renumbered[lane]


def events_of(track: Track) -> Any:
    """Return which rows are marks in the lane of events."""
    return track.lane == (track.lanes.index(EVENTS) if EVENTS in track.lanes else len(track.lanes))


def package_of(function: str) -> str:
    """Return what a host function belongs to: `wasi:clocks` of `wasi:clocks/wall-clock::now`, `http` of `http::…`."""
    return function.partition("::")[0].partition("/")[0]
