"""`frame.golem`: the usual views of an oplog frame. Source: UX 6."""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import get_close_matches
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from golem_nb.errors import BadInput, UsageError
from golem_nb.model import PublicEntry, is_named
from golem_nb.notebook.frames import HINTS, OPLOG_COLUMNS, one_oplog
from golem_nb.notebook.invocations import invocations_of, keys_of
from golem_nb.notebook.oplog_diff import OplogDiff, diff_oplogs
from golem_nb.notebook.oplog_files import (
    arrow_from_oplog,
    jsonl_from_oplog,
    oplog_from_jsonl,
    oplog_from_parquet,
    using,
    write_parquet,
)
from golem_nb.notebook.pictures.latency import Latency
from golem_nb.notebook.pictures.scrubber import Scrubber
from golem_nb.notebook.pictures.timeline import Timeline
from golem_nb.notebook.tables import GolemFrame
from golem_nb.notebook.views import MONO, QUIET, broken
from golem_nb.notebook.visible import visible
from golem_nb.oplog.query import Query, parse_query

NAME = "golem"
# Rows that the table shows; more make a notebook slow. Source: UX 2, size.
MOST_ROWS = 60
MOST_CHARACTERS = 80
MOST_COLUMNS = 110  # of a line in a terminal
_NEEDED = set(OPLOG_COLUMNS)
_PAYLOADS = ("request", "response", "raw")
_HEADS = ("#", "entry", "", "function", "request", "response or message")
# What a row is about, by family: a glyph and a colour of the status palette, which hold on both themes.
_MARKS = {
    "invocation": ("▶", "#0072B2"),
    "call": ("→", "#008A5E"),
    "region": ("◇", "#8A6FB8"),
    "update": ("↑", "#B8860B"),
    "control": ("■", "#767676"),
    "log": ("≡", "#767676"),
}
# What all frames call the same. Source: UX 6, other frames.
_COMMON = ("idempotency_key", "worker")
_ENDS = ("ExportedFunctionCompleted", "AgentInvocationFinished")
_BAD = ("Error", "FailedUpdate", "Interrupted", "Exited")
_CHOSEN: dict[str, Callable[[pd.DataFrame], pd.Series[bool]]] = {
    "calls": lambda frame: frame["family"] == "call",
    "logs": lambda frame: frame["kind"] == "Log",
    "errors": lambda frame: frame["kind"].isin(_BAD) | (frame["kind"].isin(_ENDS) & frame["message"].notna()),
}


class OplogAccessor:
    """Views of an oplog frame; each returns a new frame."""

    def __init__(self, frame: pd.DataFrame) -> None:
        """Take a frame of `%golem_oplog`.

        Raises:
            AttributeError: It is none (pandas asks for this error: `hasattr(frame, "golem")` is then False).
        """
        missing = _NEEDED - set(frame.columns)
        if missing:
            raise AttributeError(f"this is no oplog frame: it lacks {', '.join(sorted(missing))}")
        # Behind reset_index the oplog's index is a column.
        self._frame = frame.set_index("index") if "index" in frame.columns else frame

    def calls(self) -> pd.DataFrame:
        """Return the calls of host functions; `idempotency_key` is that of the invocation that made them."""
        columns = ["timestamp", "function", "request", "response", "begin_index", *_COMMON, "replayed"]
        return self._with_keys("calls", columns)

    def invocations(self) -> pd.DataFrame:
        """Return one row for each invocation: `ms`, `result` and `error` are missing while it is under way."""
        return invocations_of(self._frame)

    def errors(self) -> pd.DataFrame:
        """Return what went wrong: errors, invocations that ended with one, failed updates, interrupts, exits."""
        return self._with_keys("errors", ["timestamp", "kind", "message", "attempt", *_COMMON])

    def logs(self) -> pd.DataFrame:
        """Return what the worker printed and logged."""
        return self._with_keys("logs", ["timestamp", "level", "message", *_COMMON])

    def _with_keys(self, what: str, columns: list[str]) -> pd.DataFrame:
        """Return the rows of one view; keys are looked for in the whole frame, where the invocations begin."""
        frame = self._frame
        chosen = frame.assign(idempotency_key=keys_of(frame))[_CHOSEN[what](frame).to_numpy()]
        return chosen[columns]

    def payload(self, column: str = "response", function: str | None = None) -> pd.DataFrame:
        """Return the payloads of one column as columns of their own; of one function where it is named.

        A record gives a column for each field, anything else the column `value`. `add` names `shop:api/cart.{add}`,
        too.

        Raises:
            UsageError: There is no such column of payloads, or no such function.
        """
        if column not in _PAYLOADS:
            raise UsageError(f"payloads are in the columns {', '.join(_PAYLOADS)}, not in {column!r}")
        frame = self._frame
        if function is not None:
            frame = frame[frame["function"].isin(functions_named(frame, function))]
        values = frame[column].dropna()
        rows = [value if isinstance(value, dict) else {"value": value} for value in values]
        return GolemFrame(rows, index=values.index)

    def between(self, first: int, last: int) -> pd.DataFrame:
        """Return the entries from index `first` to `last`, both of them included."""
        return self._frame[(self._frame.index >= first) & (self._frame.index <= last)]

    def counts(self) -> pd.Series[int]:
        """Return how many entries of each kind there are, most first."""
        return self._frame["kind"].value_counts().loc[lambda counts: counts > 0]

    def where(self, query: str) -> pd.DataFrame:
        """Return the entries that a query in Golem's search language finds, as `%golem_oplog --query` does.

        Raises:
            BadInput: The query cannot be read, or an entry of a damaged file cannot be searched.
        """
        parsed, frame = parse_query(query), self._frame
        columns = zip(frame.index.tolist(), frame["kind"], frame["timestamp"], frame["raw"], strict=True)
        return frame[[_is_found(parsed, PublicEntry(*columns_of_entry)) for columns_of_entry in columns]]

    def diff(self, other: pd.DataFrame) -> OplogDiff:
        """Compare with another oplog frame, which is the right side.

        Raises:
            UsageError: That is none.
        """
        if not isinstance(other, pd.DataFrame) or not set(other.columns) >= _NEEDED:
            raise UsageError("diff takes another oplog frame, such as %golem_oplog returns")
        return diff_oplogs(one_oplog(self._frame), one_oplog(other))

    # Pictures; live where somebody looks on.

    def timeline(self, by: str = "time") -> Timeline:
        """Return the picture of what happened when, by "time" or by "index"."""
        return Timeline(one_oplog(self._frame), by)

    def latency(self, of: str = "invocations") -> Latency:
        """Return the picture of how long "invocations" took, or "calls"."""
        return Latency(one_oplog(self._frame), of)

    def scrubber(self, at: int | None = None, on_index: Callable[[int], None] | None = None) -> Scrubber:
        """Return a slider over the oplog: at each index the entry, the status and the output so far.

        It begins at index `at` (the last). `on_index` is called with each index that a reader stops at.
        """
        return Scrubber(one_oplog(self._frame), at, on_index)

    # Files.

    def to_jsonl(self, file: str | Path | None = None) -> str:
        """Return the entries as JSON lines, each as the API sends it; with a file, write them there as well.

        Raises:
            UsageError: The file cannot be written.
        """
        text = jsonl_from_oplog(self._frame)
        if file is not None:
            path = Path(file).expanduser()
            with using(path, "written"):
                path.write_text(text, encoding="utf-8")
        return text

    def to_parquet(self, file: str | Path) -> Path:
        """Write the frame as Parquet, payloads as JSON text, and return where. Needs `golem-nb[arrow]`."""
        return write_parquet(self._frame, file)

    def to_arrow(self) -> Any:
        """Return the frame as an Arrow table, payloads as JSON text. Needs `golem-nb[arrow]`."""
        return arrow_from_oplog(self._frame)

    # Of files that were written so; also as `pd.DataFrame.golem.from_jsonl(file)`.
    from_jsonl = staticmethod(oplog_from_jsonl)
    from_parquet = staticmethod(oplog_from_parquet)

    def __repr__(self) -> str:
        """Return a line for each entry, no wider than a terminal usually is; no more than 60."""
        frame = self._frame.head(MOST_ROWS)
        more = len(self._frame) - len(frame)
        lines = [self._row_text(index, row) for index, row in frame.iterrows()] or ["no entries"]
        return "\n".join([*lines, *([f"{more} more; df.golem.between(a, b) shows them"] if more > 0 else [])])

    def _row_text(self, index: Any, row: Any) -> str:
        answer = _short(row["response"])
        parts = (_short(row["function"]), _short(row["request"]), _short(row["message"]), answer and f"→ {answer}")
        line = f"{index:>6} {_replay_mark(row)[:1]:1} {row['kind']!s:<25}  {' '.join(filter(None, parts))}".rstrip()
        return line if len(line) <= MOST_COLUMNS else f"{line[: MOST_COLUMNS - 1]}…"

    def _repr_html_(self) -> str:
        """Return the table that reads best: marks by family, payloads cut short, no more than 60 rows."""
        frame = self._frame.head(MOST_ROWS)
        body = "".join(self._row_html(index, row) for index, row in frame.iterrows())
        more = len(self._frame) - len(frame)
        style = "text-align:left;padding:2px 10px 2px 0;background:none"
        heads = "".join(f'<th style="{style}">{head}</th>' for head in _HEADS)
        note = f'<div style="{QUIET}">{more} more; df.golem.between(a, b) shows them</div>' if more > 0 else ""
        return f'<table style="border-collapse:collapse"><tr style="background:none">{heads}</tr>{body}</table>{note}'

    def _row_html(self, index: Any, row: Any) -> str:
        glyph, colour = _MARKS.get(str(row["family"]), ("·", "#767676"))
        kind = escape(str(row["kind"]))
        mark = f'<span style="color:{colour};font-weight:600;white-space:nowrap">{glyph} {kind}</span>'
        replayed = f'<span style="white-space:nowrap">{_replay_mark(row)}</span>'
        # An entry has a response or a message, never both.
        answer = _cut(row["response"]) or _cut(row["message"])
        cells = [str(index), mark, replayed, broken(_cut(row["function"])), _cut(row["request"]), answer]
        style = f"text-align:left;vertical-align:top;padding:1px 10px 1px 0;background:none;{MONO}"
        tds = "".join(f'<td style="{style};{_LAST if n >= 4 else _FIRST}">{cell}</td>' for n, cell in enumerate(cells))
        return f'<tr style="background:none">{tds}</tr>'


def functions_named(frame: pd.DataFrame, name: str) -> list[str]:
    """Return the functions of a frame that a name means: all of it, or what is called at its end.

    Raises:
        UsageError: It means none.
    """
    there = [str(function) for function in frame["function"].dropna().unique()]
    found = [function for function in there if function == name] or [
        function for function in there if is_named(_last_part(function), name) and is_named(name, _last_part(function))
    ]
    if not found:
        near = get_close_matches(name, [*there, *map(_last_part, there)], 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(there[:8]) or 'none'}"
        raise UsageError(f"no entry is of a function {name!r}; {hint}")
    return found


def _last_part(function: str) -> str:
    """Return what a function is called within its interface: `add` of `shop:api/cart.{add}`, `now` of `clock::now`."""
    return function.rpartition("::")[2].rpartition("{")[2].rstrip("}")


def _is_found(query: Query, entry: PublicEntry) -> bool:
    try:
        return query.matches(entry)
    # The type that a value names in a file may be anything; a server's is one.
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise BadInput(
            f"entry {entry.index} has a value that is none of its type, and cannot be searched: {error}"
        ) from None


# The table fits a page: payloads may be broken anywhere, names only behind their colons.
_FIRST, _LAST = "white-space:normal;overflow-wrap:normal", "overflow-wrap:anywhere;min-width:9em"


def _replay_mark(row: Any) -> str:
    """Say whether an entry was replayed; nothing of hints, which replay skips, and where it is not known."""
    if row["kind"] in HINTS or row["replayed"] is pd.NA:
        return ""
    return "↺ replayed" if row["replayed"] else "● live"


def _cut(value: Any) -> str:
    """Return a payload as HTML that may be broken within long words: an untrusted page drops `overflow-wrap`."""
    # What is visible has no zeros in it.
    return escape(re.sub(r"\S{16}(?=\S)", "\\g<0>\0", _short(value))).replace("\0", "<wbr>")


def _short(value: Any) -> str:
    """Return a payload as one line of at most 80 characters; nothing for what is missing."""
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return ""
    text = visible(value if isinstance(value, str) else repr(value))
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"


def register() -> None:
    """Add `.golem` to DataFrames; twice is once (pandas warns of a second time)."""
    if getattr(pd.DataFrame, NAME, None) is None:
        pd.api.extensions.register_dataframe_accessor(NAME)(OplogAccessor)


def unregister() -> None:
    """Take `.golem` away again."""
    if NAME in pd.DataFrame.__dict__:
        delattr(pd.DataFrame, NAME)
        # pandas keeps a list of accessors for its own completion.
        vars(pd.DataFrame)["_accessors"].discard(NAME)
