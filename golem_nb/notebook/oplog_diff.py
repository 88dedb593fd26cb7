"""What two oplogs have in common, and where they part. Source: UX 5, diff of two oplogs.

Entries are aligned by kind and function. Such of one key whose values are not the same are `other values`: a clock or a
draw that answered something else, while the worker went the same way. Times and idempotency keys do not count.

How this works. What is equal at both ends is set aside; the rest is aligned with as few insertions and deletions as
there can be (Myers, 1986), which costs what the differences cost and not what the oplogs do. Two that differ in more
than `MOST_EDITS` places are not aligned behind that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd

from golem_nb.notebook.payloads import without_collection
from golem_nb.notebook.tables import GolemFrame
from golem_nb.notebook.views import MONO, QUIET, View, broken
from golem_nb.notebook.visible import beside, cut

MOST_EDITS = 1000
MOST_ROWS = 60
MOST_CHARACTERS = 60
AROUND = 2  # equal entries shown before and behind what differs

SAME, OTHER, LEFT, RIGHT = "same", "other values", "only left", "only right"
MARKS = {SAME: ("=", "#767676"), OTHER: ("≠", "#B8860B"), LEFT: ("−", "#D55E00"), RIGHT: ("+", "#0072B2")}

# Short: it is on each cell. Without it Lab sets numbers to the right and stripes the rows.
_TD = "text-align:left;vertical-align:top;padding:1px 8px 1px 0"
_TR = 'style="background:none"'

Pair = tuple[int | None, int | None]
"""Positions in the left and the right oplog; None where the other one has nothing."""


def align(left: Sequence[object], right: Sequence[object]) -> list[Pair]:
    """Return pairs of positions of equal keys, and what only one side has, in order."""
    shorter = min(len(left), len(right))
    head = next((at for at in range(shorter) if left[at] != right[at]), shorter)
    tail = next((at for at in range(shorter - head) if left[-1 - at] != right[-1 - at]), shorter - head)
    middle = _aligned(left[head : len(left) - tail], right[head : len(right) - tail])
    return [
        *((at, at) for at in range(head)),
        *((None if a is None else a + head, None if b is None else b + head) for a, b in middle),
        *((len(left) - tail + at, len(right) - tail + at) for at in range(tail)),
    ]


def _aligned(left: Sequence[object], right: Sequence[object]) -> list[Pair]:
    """Walk the graph of edits: `furthest[k]` is how far left goes on diagonal k (left minus right)."""
    furthest, steps = {1: 0}, []
    for edits in range(min(len(left) + len(right), MOST_EDITS) + 1):
        steps.append(dict(furthest))
        for k in range(-edits, edits + 1, 2):
            is_down = k == -edits or (k != edits and furthest[k - 1] < furthest[k + 1])
            x = furthest[k + 1] if is_down else furthest[k - 1] + 1
            y = x - k
            while x < len(left) and y < len(right) and left[x] == right[y]:
                x, y = x + 1, y + 1
            furthest[k] = x
            if x >= len(left) and y >= len(right):
                return _back(steps, len(left), len(right))
    # Of the ends that this many edits lead to, inside of both, the one that is furthest along; else the beginning.
    ends = [(furthest[k], furthest[k] - k) for k in range(-edits, edits + 1, 2)]
    inside = [(x, y) for x, y in ends if 0 <= x <= len(left) and 0 <= y <= len(right)]
    x, y = max(inside, key=sum, default=(0, 0))
    path = _back(steps, x, y) if inside else []
    return [*path, *((at, None) for at in range(x, len(left))), *((None, at) for at in range(y, len(right)))]


def _back(steps: Sequence[dict[int, int]], x: int, y: int) -> list[Pair]:
    """Return the path that led to (x, y)."""
    path: list[Pair] = []
    for edits in range(len(steps) - 1, -1, -1):
        furthest, k = steps[edits], x - y
        is_down = k == -edits or (k != edits and furthest.get(k - 1, -1) < furthest.get(k + 1, -1))
        before_k = k + 1 if is_down else k - 1
        before_x = furthest.get(before_k, 0) if edits else 0
        before_y = before_x - before_k if edits else 0
        while x > before_x and y > before_y:
            x, y = x - 1, y - 1
            path.append((x, y))
        if edits:
            path.append((None, y - 1) if is_down else (x - 1, None))
            x, y = before_x, before_y
    return path[::-1]


@dataclass(frozen=True, repr=False)
class OplogDiff(View):
    """Two oplogs beside each other. `df` has a row for each pair: `op left right kind function detail`."""

    left: str
    right: str
    df: pd.DataFrame

    @property
    def is_same(self) -> bool:
        """Do both go the same way, with the same values?"""
        return bool((self.df["op"] == SAME).all())

    @property
    def counts(self) -> dict[str, int]:
        """How many rows there are of each op."""
        return {op: int((self.df["op"] == op).sum()) for op in MARKS}

    @property
    def first(self) -> dict[str, Any] | None:
        """The first row where they part: another entry, not only other values; None where they do not."""
        parted = self.df[self.df["op"].isin([LEFT, RIGHT])]
        return {str(name): parted.iloc[0][name] for name in parted.columns} if len(parted) else None

    @property
    def sentence(self) -> str:
        """Say where the two part."""
        if self.is_same:
            return f"{self.left} and {self.right} are the same, entry by entry ({len(self.df)})"
        changed = self.df[self.df["op"] == OTHER]
        values = f"values first differ at {_place(changed.iloc[0])}" if len(changed) else "the values are the same"
        first = self.first
        if first is None:
            return f"{self.left} and {self.right} go the same way; {values}"
        row = int((self.df["op"].isin([LEFT, RIGHT])).to_numpy().argmax())
        way = f"go the same way for {row} {'entry' if row == 1 else 'entries'}" if row else "part at once"
        sides = [self._next_of(side, row) for side in ("left", "right")]
        return f"{self.left} and {self.right} {way}; then left has {sides[0]}, right has {sides[1]}" + (
            f"; {values}" if len(changed) else ""
        )

    def _next_of(self, side: str, row: int) -> str:
        rows = self.df.iloc[row:]
        found = rows[rows[side].notna()]
        if not len(found):
            return "nothing more"
        return f"{_what(found.iloc[0])} (#{found.iloc[0][side]})"

    def text(self) -> str:
        counts = ", ".join(f"{count} {op}" for op, count in self.counts.items() if count)
        lines = [self.sentence, f"  {counts}" if counts else "  both are empty"]
        for row in self._shown():
            if isinstance(row, str):
                lines.append(f"      {row}")
            else:
                lines.append(
                    f"  {MARKS[row['op']][0]} {_number(row['left']):>6} {_number(row['right']):>6}  "
                    f"{_what(row)}  {row['detail']}".rstrip()
                )
        return "\n".join(lines)

    def html(self) -> str:
        body = []
        for row in self._shown():
            if isinstance(row, str):
                cell = f'<td colspan="5" style="{_TD};{QUIET};text-align:center">{escape(row)}</td>'
                body.append(f"<tr {_TR}>{cell}</tr>")
                continue
            glyph, colour = MARKS[row["op"]]
            mark = f'<span style="color:{colour};font-weight:600;white-space:nowrap">{glyph} {row["op"]}</span>'
            cells = [mark, _number(row["left"]), _number(row["right"]), broken(escape(_what(row)))]
            last = f'<td style="{_TD};overflow-wrap:anywhere">{escape(row["detail"])}</td>'
            body.append(f"<tr {_TR}>{''.join(f'<td style={chr(34)}{_TD}{chr(34)}>{c}</td>' for c in cells)}{last}</tr>")
        titles = ("", f"left: {escape(self.left)}", f"right: {escape(self.right)}", "entry", "values")
        heads = "".join(f'<th style="{_TD}">{title}</th>' for title in titles)
        counts = ", ".join(f"{count} {op}" for op, count in self.counts.items() if count)
        return (
            f'<div style="margin-bottom:4px">{escape(self.sentence)}<div style="{QUIET}">{counts}</div></div>'
            f'<table style="border-collapse:collapse;{MONO}"><tr {_TR}>{heads}</tr>{"".join(body)}</table>'
        )

    def _shown(self) -> Iterator[Any]:
        """Yield rows as dicts, and a line of words where equal ones are folded, or what is too much is left out."""
        shown = 0
        runs = [(is_same, list(rows)) for is_same, rows in groupby(range(len(self.df)), self._is_same_at)]
        for number, (is_same, rows) in enumerate(runs):
            before = AROUND if number > 0 else 0
            behind = AROUND if number < len(runs) - 1 else 0
            if is_same and len(rows) > before + behind + 1:
                parts = (rows[:before], len(rows) - before - behind, rows[len(rows) - behind :])
            else:
                parts = (rows, 0, [])
            for row in (*parts[0], None, *parts[2]):
                if row is None:
                    if parts[1]:
                        yield f"… {parts[1]} the same …"
                    continue
                if shown == MOST_ROWS:
                    yield f"{len(self.df) - row} more; .df has them all"
                    return
                shown += 1
                yield self.df.iloc[row].to_dict()

    def _is_same_at(self, row: int) -> bool:
        return bool(self._ops[row] == SAME)

    @property
    def _ops(self) -> Any:
        return self.df["op"].array


def diff_oplogs(left: pd.DataFrame, right: pd.DataFrame) -> OplogDiff:
    """Compare two oplog frames."""
    with without_collection():
        df = _diff(left, right)
    names = [_name(frame, side) for frame, side in ((left, "left"), (right, "right"))]
    return OplogDiff(names[0], names[1] if names[1] != names[0] else f"{names[1]} (right)", df)


def _diff(left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
    lefts, rights = _values(left), _values(right)
    pairs = align(_keys(left), _keys(right))
    ops: list[str] = []
    details: list[str] = []
    for a, b in pairs:
        if a is None or b is None:
            op, detail = (LEFT, _cut(lefts[a])) if a is not None else (RIGHT, _cut(rights[b or 0]))
        elif lefts[a] == rights[b]:
            op, detail = SAME, _cut(lefts[a])
        else:
            op, detail = OTHER, _changed(lefts[a], rights[b])
        ops.append(op)
        details.append(detail)
    # Columns are taken whole: a row at a time would cost as much as all the rest.
    places = [np.array([-1 if at is None else at for at in side], "int64") for side in zip(*pairs, strict=True)]
    left_at, right_at = places or [np.empty(0, "int64")] * 2
    side = np.where(left_at >= 0, left_at, len(left) + right_at)
    return GolemFrame(
        {
            "op": pd.Categorical(ops, categories=list(MARKS)),
            "left": _taken(left, left_at),
            "right": _taken(right, right_at),
            "kind": _both(left, right, "kind").take(side),
            "function": _both(left, right, "function").take(side),
            "detail": pd.array(details, dtype="str"),
        }
    )


def _taken(frame: pd.DataFrame, places: Any) -> Any:
    """Return the indices of the entries at places; nothing where a place is -1."""
    return pd.array(frame.index.to_numpy(dtype="int64"), dtype="Int64").take(places, allow_fill=True)


def _both(left: pd.DataFrame, right: pd.DataFrame, name: str) -> Any:
    return pd.concat([frame[name].astype("object").astype("str") for frame in (left, right)]).array


def _keys(frame: pd.DataFrame) -> list[tuple[str, str | None]]:
    functions = frame["function"].astype("object").where(frame["function"].notna(), None)
    return list(zip(frame["kind"].astype("object"), functions, strict=True))


def _values(frame: pd.DataFrame) -> list[tuple[Any, Any, Any]]:
    messages = frame["message"].astype("object").where(frame["message"].notna(), None)
    return list(zip(frame["request"], frame["response"], messages, strict=True))


def _name(frame: pd.DataFrame, otherwise: str) -> str:
    about = frame.attrs.get("golem", {})
    parts = [part for part in (about.get("component"), about.get("worker")) if part]
    return "/".join(parts) or otherwise


def _place(row: Any) -> str:
    return f"#{row['left']} and #{row['right']} ({_what(row)}: {row['detail']})"


def _what(row: Any) -> str:
    function = row["function"]
    return row["kind"] if not isinstance(function, str) else f"{row['kind']} {function}"


def _number(index: Any) -> str:
    return "" if index is None or pd.isna(index) else str(index)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    # Most are short and plain, and the look for that is ten times as fast.
    return text if len(text) <= MOST_CHARACTERS and text.isprintable() else cut(text, MOST_CHARACTERS)


def _cut(values: tuple[Any, Any, Any]) -> str:
    request, response, message = values
    parts = []
    if request is not None and request != []:
        parts.append(_short(request))
    if message is not None:
        parts.append(_short(message))
    if response is not None:
        parts.append(f"→ {_short(response)}")
    return " ".join(parts)


def _changed(left: tuple[Any, Any, Any], right: tuple[Any, Any, Any]) -> str:
    names = ("request", "response", "message")
    pairs = zip(names, left, right, strict=True)
    return "; ".join(f"{name} {' | '.join(_short_pair(a, b))}" for name, a, b in pairs if a != b)


def _short_pair(left: Any, right: Any) -> tuple[str, str]:
    a, b = (value if isinstance(value, str) else repr(value) for value in (left, right))
    return beside(a, b, MOST_CHARACTERS)
