"""The invocations of an oplog frame: begin, end, calls and errors of each joined into one row.

Columns are worked on whole, never row by row: a frame may have a million entries.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from golem_nb.notebook.frames import HINTS, NEWER_NAMES, one_oplog
from golem_nb.notebook.payloads import part_of
from golem_nb.notebook.tables import GolemFrame

COLUMNS = (
    "function",
    "args",
    "result",
    "error",
    "ms",
    "calls",
    "attempts",
    "idempotency_key",
    "timestamp",
    "first_index",
    "last_index",
    "worker",
    "replayed",
    "reverted",
)
STARTED, COMPLETED = "ExportedFunctionInvoked", "ExportedFunctionCompleted"


def invocations_of(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each invocation; `ms` and `result` are missing while it is under way.

    `error` is the exception that it ended with, or what stopped it where it has no end. `attempts` are those that are
    known of: where the last word is an error, the next one has left nothing yet. `replayed` is that of its end, or of
    its beginning. One is `reverted` where a Revert has undone its beginning.
    """
    if not frame.index.is_unique and frame["worker"].nunique() > 1:  # oplogs of several, one below the other
        parts = [invocations_of(one) for _, one in frame.groupby(["component", "worker"], sort=False)]
        return pd.concat(parts, ignore_index=True)
    frame = one_oplog(frame)
    kind = frame["kind"].astype("object").replace(NEWER_NAMES).to_numpy()
    starts = np.flatnonzero(kind == STARTED)
    # The number of the invocation that each row lies in; -1 before the first. One at a time: a worker runs no two.
    inside = np.cumsum(kind == STARTED) - 1
    ends = _ends(frame, kind, starts)
    has_end = ends >= 0
    is_error = (kind == "Error") & (inside >= 0)
    is_hint = frame["kind"].isin(list(HINTS)).to_numpy() | (inside < 0)
    errors = np.bincount(inside[is_error], minlength=len(starts))
    is_call = (frame["family"] == "call").to_numpy() & (inside >= 0)
    at_us = frame["timestamp"].dt.as_unit("us").dt.tz_localize(None).to_numpy().astype("int64")
    begun, last = frame.iloc[starts], frame.iloc[np.where(has_end, ends, starts)]
    took_us = at_us[np.where(has_end, ends, starts)] - at_us[starts]
    result = last["response"].to_numpy(dtype="object", copy=True)
    result[~has_end] = None
    texts = _last_errors(frame, inside, is_error, len(starts))
    texts[has_end] = last["message"].astype("object").where(last["message"].notna(), None).to_numpy()[has_end]
    is_given_up = ~has_end & (_last_rows(is_error, inside, len(starts)) > _last_rows(~is_hint, inside, len(starts)))
    index = frame.index.to_numpy()
    columns: dict[str, Any] = {
        "function": begun["function"].array,
        "args": begun["request"].to_numpy(dtype="object"),
        "result": result,
        "error": pd.Series(texts, dtype="object").astype("str").array,
        "ms": np.where(has_end, took_us / 1e3, np.nan),
        "calls": pd.array(np.bincount(inside[is_call], minlength=len(starts)), dtype="Int64"),
        "attempts": pd.array(errors + ~is_given_up, dtype="Int64"),
        "idempotency_key": begun["idempotency_key"].array,
        "timestamp": begun["timestamp"].array,
        "first_index": pd.array(index[starts], dtype="Int64"),
        "last_index": pd.arrays.IntegerArray(index[np.where(has_end, ends, starts)].astype("int64"), ~has_end),
        "worker": begun["worker"].array,
        "replayed": last["replayed"].array,
        "reverted": _reverted(frame, kind, index[starts]),
    }
    found = GolemFrame({name: columns[name] for name in COLUMNS})
    found.attrs.update(frame.attrs)
    return found


def keys_of(frame: pd.DataFrame) -> pd.Series[str]:
    """Return for each entry the idempotency key of the invocation that it lies in; missing for those in none."""
    found = pd.Series(np.full(len(frame), None, dtype="object"))
    oplogs: Any = frame.groupby(["component", "worker"], sort=False, dropna=False).indices
    for rows in oplogs.values():
        order = rows[np.argsort(frame.index.to_numpy()[rows], kind="stable")]
        one: Any = frame.iloc[order]
        kind = one["kind"].astype("object").replace(NEWER_NAMES).to_numpy()
        starts = np.flatnonzero(kind == STARTED)
        if not len(starts):
            continue
        inside, ends = np.cumsum(kind == STARTED) - 1, _ends(one, kind, starts)
        lies_in = (inside >= 0) & ((ends[inside] < 0) | (np.arange(len(one)) <= ends[inside]))
        keys = one["idempotency_key"].astype("object").to_numpy()[starts]
        found.iloc[order[lies_in]] = keys[inside[lies_in]]
    found.index = frame.index
    return found.astype("str")


def _ends(frame: pd.DataFrame, kind: Any, starts: Any) -> Any:
    """Return the row of each invocation's end, -1 for none. Of one that was reverted into and ran on, the second."""
    completed = np.flatnonzero(kind == COMPLETED)
    begins = frame["begin_index"].iloc[completed].fillna(-1).to_numpy(dtype="int64")
    row_of_end = dict(zip(begins.tolist(), completed.tolist(), strict=True))
    indices = frame.index.to_numpy()[starts].tolist()
    return np.array([row_of_end.get(index, -1) for index in indices], dtype="int64")


def _reverted(frame: pd.DataFrame, kind: Any, indices: Any) -> Any:
    found = np.zeros(len(indices), dtype="bool")
    for raw in frame["raw"].iloc[np.flatnonzero(kind == "Revert")]:
        region = part_of(raw, "droppedRegion")
        start, end = region.get("start"), region.get("end")
        if type(start) is int and type(end) is int:
            found |= (indices >= start) & (indices <= end)
    return found


def _last_rows(is_chosen: Any, inside: Any, length: int) -> Any:
    """Return the last row that is chosen in each invocation; -1 for none."""
    found = np.full(length, -1)
    rows = np.flatnonzero(is_chosen)
    found[inside[rows]] = rows  # the last one written stays: rows ascend
    return found


def _last_errors(frame: pd.DataFrame, inside: Any, is_error: Any, length: int) -> Any:
    texts = np.full(length, None, dtype="object")
    rows = np.flatnonzero(is_error)
    for row, message in zip(rows, frame["message"].iloc[rows], strict=True):
        texts[inside[row]] = message
    return texts
