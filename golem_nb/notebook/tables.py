"""Our frames as one reads them: as text in a terminal and in `print(frame)`, and as a table of a page.

pandas shows the first and the last columns as text, which of an oplog are a time and JSON, and all of them in a page,
where what an entry says is out of sight. A `GolemFrame` is a DataFrame that shows itself otherwise, and nothing else.

How this works. The frame's layout says which of its columns matter most. In that order each gets the least room that
it reads in, as long as there is any; what is left over goes to cells that are still cut. Columns stay in the frame's
order, and below them stands which ones have no room, or no cells. Only rows that are shown are looked at. A page has
more room than a line, and its cells go on in a second one; otherwise it is the same table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from html import escape
from itertools import islice
from shutil import get_terminal_size
from textwrap import wrap
from typing import Any

import pandas as pd

from golem_nb.notebook.terminal import LEAST_WIDTH, USUAL_HEIGHT, USUAL_WIDTH, terminal_width
from golem_nb.notebook.views import QUIET, broken
from golem_nb.notebook.visible import fitted, lines_visible, visible, width_of

# A page of JupyterLab on a screen of 1280 pixels has so many characters beside each other, as cells may be broken.
PAGE_WIDTH = 150
# Source: UX 6.
MOST_IN_A_CELL = 80
GAP = "  "
# What an entry of an oplog says: kind, function, message, request, response.
MAIN_COLUMNS = 5
# A payload may be a megabyte, of which a cell shows some characters: so much of it is spelled.
MOST_SPELLED = 400
# What pandas shows at most by itself, in a terminal and elsewhere: another number is the user's wish.
_PANDAS_COLUMNS = (0, 20)
# Columns of each kind of frame, what matters most first. Source: UX 6.
LAYOUTS = tuple(
    tuple(names.split())
    for names in (
        # An oplog, and its calls, logs and errors.
        "kind function message request response timestamp replayed attempt level idempotency_key duration_us fuel "
        "begin_index version family worker component raw",
        # Its invocations.
        "function args result error ms attempts replayed reverted timestamp first_index last_index calls "
        "idempotency_key worker",
        # The calls of a cell.
        "call result ok error ms replayed worker first_index last_index timestamp idempotency_key",
        # Events.
        "message type level timestamp function idempotency_key worker replayed",
        # Workers.
        "worker status last_error pending version created_at attempts last_index component forked_from",
        # Components.
        "component version size exports created_at id",
        # Files of a worker.
        "name kind size permissions modified_at",
        # Two oplogs compared.
        "op left right kind function detail",
        # Crashes behind each entry.
        "index outcome kind name result ms",
    )
)
# Where rows are of several, this tells them apart, and stands before all else.
_WHOSE = ("worker", "component")
# The least room that a cell reads in; of other columns nothing is cut before the line ends.
_LEAST = {
    **dict.fromkeys(("function", "message", "error", "last_error", "call", "name", "detail"), 12),
    **dict.fromkeys(("request", "response", "args", "result"), 8),
    **dict.fromkeys(("idempotency_key", "worker", "component", "forked_from", "id"), 9),
}
_OTHERWISE = 12  # of the user's own columns
_CELL = "vertical-align:top;padding:2px 10px 2px 0"
_FLOWING = "white-space:normal;overflow-wrap:anywhere;min-width:6em"
# The beginning of a key tells it apart; broken, it would make each row three lines high.
_MOST_IN_A_PAGE = {"idempotency_key": 9}
_OF_NAMES = "white-space:normal;overflow-wrap:break-word"
# What tells names apart stands at their end: `golem:it/api.{add}`.
_CUT_AT_THE_BEGINNING = frozenset({"function"})


class GolemFrame(pd.DataFrame):
    """A DataFrame that reads well. What is made of it (slices, merges with it on the left) does, too."""

    @property
    def _constructor(self) -> Callable[..., GolemFrame]:
        return GolemFrame

    def __repr__(self) -> str:
        # As pandas does it, where the user has asked pandas for it; a worker's text must not steer the terminal there.
        return frame_text(self, line_width()) or lines_visible(super().__repr__())

    def _repr_html_(self) -> str | None:
        found = frame_html(self)
        # pandas-stubs does not have the method, which pandas does.
        return found if found is not None else super()._repr_html_()  # type: ignore[misc]

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        """Be a plain DataFrame in a pickle, which opens where golem_nb is not installed."""
        plain = pd.DataFrame(self)
        plain.attrs = self.attrs
        return copy, (plain,)


def line_width() -> int:
    """Return how wide a line may be: as the terminal is, else 100; as pandas was told, where it was told."""
    told = pd.get_option("display.width")
    if isinstance(told, int) and told != 80:  # what pandas takes where it was told nothing
        return max(told, LEAST_WIDTH)
    return terminal_width()


@dataclass(slots=True)
class _Column:
    """A column as text: its head and the cells of the rows that are shown. `least` 0: it is not cut."""

    name: str
    cells: list[str]
    is_right: bool = False
    least: int = 0
    natural: int = field(init=False)
    width: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.natural = max(map(width_of, (self.name, *self.cells)))

    @property
    def is_cut_at_the_beginning(self) -> bool:
        return self.name in _CUT_AT_THE_BEGINNING

    def fitted(self, text: str) -> str:
        return fitted(text, self.width, is_right=self.is_right, from_end=self.is_cut_at_the_beginning)


def frame_text(frame: pd.DataFrame, width: int) -> str | None:
    """Return a frame as text of at most so many columns; None where it is for pandas to show.

    That is where the user has set how many columns there are to be, and where it is no table of ours any more.
    """
    layout = layout_of(frame)
    if layout is None or not _is_ours():
        return None
    if not len(frame):
        return "\n".join(_wrapped(_nothing(frame), width))
    table = _Table.of(frame, layout, width)
    lines = [_line(table.columns, [column.name for column in table.columns])]
    lines += [_line(table.columns, cells) for cells in table.rows()]
    if table.gap_at is not None:
        lines.insert(1 + table.gap_at, "…".rjust(table.columns[0].width))
    return "\n".join([*lines, "", *_wrapped(table.notes, width)])


def frame_html(frame: pd.DataFrame) -> str | None:
    """Return a frame as a table for a page; None where it is for pandas to show, as in `frame_text`.

    It has the columns that there is room for on a page, and what a cell leaves out.
    """
    layout = layout_of(frame)
    if layout is None or not _is_ours() or not pd.get_option("display.notebook_repr_html"):
        return None
    if not len(frame):
        return _note_html(_nothing(frame))
    table = _Table.of(frame, layout, PAGE_WIDTH)
    aligned = ["right" if column.is_right else "left" for column in table.columns]
    heads = "".join(
        f'<th scope="col" style="text-align:{side};{_CELL}">{escape(column.name)}</th>'
        for side, column in zip(aligned, table.columns, strict=True)
    )
    rows = [_row_html(table.columns, aligned, cells) for cells in table.rows()]
    if table.gap_at is not None:
        rows.insert(table.gap_at, f'<tr><td colspan="{len(table.columns)}" style="text-align:left">…</td></tr>')
    body = f"<thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return f'<table border="0" class="dataframe">{body}</table>{_note_html(table.notes)}'


def _row_html(columns: Sequence[_Column], aligned: Sequence[str], cells: Sequence[str]) -> str:
    tds = []
    for column, side, text in zip(columns, aligned, cells, strict=True):
        # What may be cut in a terminal may go on in the next line of a page, up to a length.
        most = _MOST_IN_A_PAGE.get(_base(column.name), MOST_IN_A_CELL)
        short = fitted(text, most, from_end=column.is_cut_at_the_beginning).strip() if column.least else text
        whole = f' title="{escape(text)}"' if short != text else ""
        flow, content = _FLOWING if column.least else "white-space:nowrap", escape(short)
        if column.is_cut_at_the_beginning:
            flow, content = _OF_NAMES, broken(content)
        tds.append(f'<td style="text-align:{side};{_CELL};{flow}"{whole}>{content}</td>')
    return f"<tr>{''.join(tds)}</tr>"


def _note_html(notes: Sequence[str]) -> str:
    return f'<div style="{QUIET}">{escape("; ".join(notes))}</div>'


def _nothing(frame: pd.DataFrame) -> list[str]:
    return ["no rows", f"columns: {', '.join(map(_head, frame.columns))}"]


@dataclass(slots=True)
class _Table:
    """What is shown of a frame: its index and the columns that have room, at some rows, and what is said below."""

    columns: list[_Column]
    gap_at: int | None
    notes: list[str]

    @classmethod
    def of(cls, frame: pd.DataFrame, layout: Sequence[str], width: int) -> _Table:
        rows, gap_at = _rows(frame)
        shown = frame.iloc[rows]
        values = {str(name): shown[name] for name in frame.columns}
        times = _Times([*values.values(), shown.index.to_series()])
        index = _index(shown.index, times)
        columns = {name: _column(name, cells, times) for name, cells in values.items()}
        order = [columns[name] for name in _by_importance(values, layout)]
        chosen = _chosen(index, [column for column in order if any(column.cells)], width)
        notes = [f"{len(frame)} row{'' if len(frame) == 1 else 's'}", *times.note]
        missing = [column for column in columns.values() if column not in chosen]
        for what, is_empty in (("not shown", False), ("empty", True)):
            if names := [column.name for column in missing if is_empty is not any(column.cells)]:
                notes.append(f"{what}: {', '.join(names)}")
        return cls([index, *(column for column in columns.values() if column in chosen)], gap_at, notes)

    def rows(self) -> Iterable[tuple[str, ...]]:
        return zip(*(column.cells for column in self.columns), strict=True)


def layout_of(frame: pd.DataFrame) -> tuple[str, ...] | None:
    """Return the layout that most of a frame's columns are of; None where that is less than half of them."""
    if frame.columns.nlevels > 1 or frame.index.nlevels > 1 or not frame.columns.is_unique or not len(frame.columns):
        return None
    names = {_base(name) for name in frame.columns}
    found = max(LAYOUTS, key=lambda layout: len(names & set(layout)))
    return found if 2 * len(names & set(found)) >= len(names) else None


def _is_ours() -> bool:
    return pd.get_option("display.max_columns") in _PANDAS_COLUMNS and (
        pd.get_option("display.large_repr") == "truncate"
    )


def _base(name: Any) -> str:
    """Return what a column was called before a merge made two of it."""
    return str(name).removesuffix("_x").removesuffix("_y")


def _rows(frame: pd.DataFrame) -> tuple[list[int], int | None]:
    """Return the rows that pandas would show, and where there is a gap between them."""
    most, least = pd.get_option("display.max_rows"), pd.get_option("display.min_rows")
    if most == 0:  # as high as the terminal is, less the prompt and what stands around the rows
        most = max(get_terminal_size((USUAL_WIDTH, USUAL_HEIGHT)).lines - 5, 2)
        least = most
    if most is None or len(frame) <= most:
        return list(range(len(frame))), None
    half = max(min(least or most, most) // 2, 1)
    return [*range(half), *range(len(frame) - half, len(frame))], half


class _Times:
    """How moments are written: where all are of one day it stands below the table, once."""

    def __init__(self, columns: Iterable[pd.Series[Any]]) -> None:
        days = {at.tz_convert("UTC").date() for column in columns if _are_moments(column) for at in column.dropna()}
        self.day = next(iter(days)) if len(days) == 1 else None
        self.note = [f"times of {self.day} UTC" if self.day else "times in UTC"] if days else []

    def text(self, moment: pd.Timestamp) -> str:
        at = moment.tz_convert("UTC")
        return f"{at:%H:%M:%S}.{at.microsecond // 1000:03}" if self.day else f"{at:%Y-%m-%d %H:%M:%S}"


def _are_moments(values: pd.Series[Any]) -> bool:
    return isinstance(values.dtype, pd.DatetimeTZDtype)


def _column(name: str, values: pd.Series[Any], times: _Times) -> _Column:
    dtype, head = values.dtype, _head(name)
    if _are_moments(values):
        return _Column(head, ["" if moment is pd.NaT else times.text(moment) for moment in values])
    is_number = pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)
    is_text = pd.api.types.is_object_dtype(dtype) or pd.api.types.is_string_dtype(dtype)
    if pd.api.types.is_float_dtype(dtype):
        return _Column(head, _numbers(values), is_right=True)
    least = max(_LEAST.get(_base(name), _OTHERWISE), width_of(head)) if is_text else 0
    return _Column(head, [_cell(value) for value in values], is_number, least)


def _numbers(values: pd.Series[Any]) -> list[str]:
    """Return numbers with their points below each other, where three places say enough of them."""
    there = [abs(value) for value in values.dropna()]
    if all(value.is_integer() or not math.isfinite(value) for value in there):
        form = ".0f" if all(value < 1e15 for value in there) else "g"
    else:
        form = ".3f" if all(value == 0 or 1e-3 <= value < 1e9 for value in there) else ".6g"
    return ["" if pd.isna(value) else f"{value:{form}}" for value in values]


def _index(index: pd.Index[Any], times: _Times) -> _Column:
    column = _column("" if index.name is None else str(index.name), index.to_series(), times)
    column.width = min(column.natural, LEAST_WIDTH // 2)
    return column


def _head(name: Any) -> str:
    return visible(str(name)[:MOST_SPELLED])


def _cell(value: Any) -> str:
    """Return the beginning of a value on one line; nothing for what is missing."""
    match value:
        case str():
            return visible(value[:MOST_SPELLED])
        case float():
            return "" if value != value else f"{value:.6g}"
        case bytes():
            return repr(value[:MOST_SPELLED])
        case list() | tuple():
            return visible(repr(value[:MOST_SPELLED]))
        case dict():
            return visible(repr(dict(islice(value.items(), MOST_SPELLED))))
    return "" if value is None or value is pd.NA or value is pd.NaT else visible(str(value))


def _by_importance(values: Mapping[str, pd.Series[Any]], layout: Sequence[str]) -> list[str]:
    """Return the columns, what matters most first: what tells rows apart, the user's own, and those of the layout."""
    names, places = list(values), {name: place for place, name in enumerate(layout)}
    told_apart = {name for name in _WHOSE if name in names and values[name].nunique() > 1}

    def importance(name: str) -> tuple[int, int]:
        if name in told_apart:
            return 0, _WHOSE.index(name)
        place = places.get(_base(name))
        return (1, names.index(name)) if place is None else (2, place)

    return sorted(names, key=importance)


def _chosen(index: _Column, order: Sequence[_Column], width: int) -> list[_Column]:
    """Return the columns that have room beside the index, and give each its width.

    The first ones are readable before others are there at all.
    """
    room = width - index.width
    chosen: list[_Column] = []
    for some in (order[:MAIN_COLUMNS], order[MAIN_COLUMNS:]):
        for column in some:
            column.width = min(column.natural, column.least or column.natural)
            if not chosen:  # of the first one at least the beginning
                column.width = min(column.width, room - len(GAP))
            if column.width + len(GAP) <= room:
                chosen.append(column)
                room -= column.width + len(GAP)
        room = _grown(chosen, room, lambda column: min(column.natural, 2 * column.least))
    _grown(chosen, room, lambda column: column.natural)
    return chosen


def _grown(columns: Sequence[_Column], room: int, limit: Callable[[_Column], int]) -> int:
    """Share the room among columns that are cut, until all are as wide as their limit; return what is left."""
    while room and (cut := [column for column in columns if column.width < limit(column)]):
        for column in cut[:room]:
            column.width += 1
        room -= len(cut[:room])
    return room


def _line(table: Sequence[_Column], texts: Sequence[str]) -> str:
    return GAP.join(column.fitted(text) for column, text in zip(table, texts, strict=True)).rstrip()


def _wrapped(parts: Iterable[str], width: int) -> list[str]:
    return wrap("; ".join(parts), width, break_on_hyphens=False)
