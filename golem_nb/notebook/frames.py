"""Oplogs, workers and events as DataFrames, tidy and joinable. Source: UX 6.

All frames call the same thing the same: `worker`, `idempotency_key`, `timestamp`. The `.golem` accessor of an oplog
frame gives its usual views; `accessor` holds it. `tables` has how they look.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from golem_nb.errors import UsageError
from golem_nb.model import Component, EventType, FileNode, PublicEntry, WorkerEvent, WorkerMetadata, WorkerStatus
from golem_nb.notebook.payloads import PayloadReader, message_of, part_of
from golem_nb.notebook.tables import GolemFrame

# The kinds of Golem 1.3 by what they are about; `family` stays when a newer Golem renames a kind (its names are below).
FAMILIES = {
    "Create": "control",
    "ImportedFunctionInvoked": "call",
    "ExportedFunctionInvoked": "invocation",
    "ExportedFunctionCompleted": "invocation",
    "PendingWorkerInvocation": "invocation",
    "CancelInvocation": "invocation",
    "Suspend": "control",
    "Error": "control",
    "NoOp": "control",
    "Jump": "region",
    "Interrupted": "control",
    "Exited": "control",
    "Restart": "control",
    "ChangeRetryPolicy": "control",
    "ChangePersistenceLevel": "control",
    "BeginAtomicRegion": "region",
    "EndAtomicRegion": "region",
    "BeginRemoteWrite": "region",
    "EndRemoteWrite": "region",
    "BeginRemoteTransaction": "region",
    "PreCommitRemoteTransaction": "region",
    "PreRollbackRemoteTransaction": "region",
    "CommittedRemoteTransaction": "region",
    "RolledBackRemoteTransaction": "region",
    "Revert": "region",
    "PendingUpdate": "update",
    "SuccessfulUpdate": "update",
    "FailedUpdate": "update",
    "Snapshot": "update",
    "GrowMemory": "memory",
    "CreateResource": "memory",
    "DropResource": "memory",
    "DescribeResource": "memory",
    "Log": "log",
    "StartSpan": "log",
    "FinishSpan": "log",
    "SetSpanAttribute": "log",
    "ActivatePlugin": "plugin",
    "DeactivatePlugin": "plugin",
}
# Names of newer Golems, as their files have them, and what 1.3 calls the same.
NEWER_NAMES = {
    "HostCall": "ImportedFunctionInvoked",
    "AgentInvocationStarted": "ExportedFunctionInvoked",
    "AgentInvocationFinished": "ExportedFunctionCompleted",
    "PendingAgentInvocation": "PendingWorkerInvocation",
    "CancelPendingInvocation": "CancelInvocation",
    "SetRetryPolicy": "ChangeRetryPolicy",
    "RemoveRetryPolicy": "ChangeRetryPolicy",
}
FAMILY_NAMES = ("control", "call", "invocation", "region", "update", "memory", "log", "plugin", "other")
OPLOG_COLUMNS = (
    "timestamp",
    "kind",
    "family",
    "function",
    "request",
    "response",
    "idempotency_key",
    "level",
    "message",
    "fuel",
    "duration_us",
    "attempt",
    "begin_index",
    "worker",
    "component",
    "version",
    "replayed",
    "raw",
)
_TEXTS = ("function", "idempotency_key", "level", "message", "worker", "component")
_NUMBERS = ("fuel", "duration_us", "attempt", "begin_index", "version")
_VALUES = ("request", "response", "raw")
# Kinds that replay skips: they are never "replayed". Source: SEMANTICS 4.2.
HINTS = frozenset(
    "Suspend Error Interrupted Exited PendingWorkerInvocation PendingUpdate SuccessfulUpdate FailedUpdate GrowMemory "
    "CreateResource DropResource DescribeResource Log Restart ActivatePlugin DeactivatePlugin Revert CancelInvocation "
    "Snapshot".split()
)


class OplogColumns:
    """The cells of an oplog frame, gathered entry by entry: begins and ends are paired in the same walk.

    How this works. Columns that are mostly empty hold their cells by row. What is known at an entry from those before
    it is the version, and the invocation that is open; behind a gap nothing is known.
    """

    def __init__(self) -> None:
        self.indices: list[int] = []
        self._kinds: list[str] = []
        self._times_us: list[int] = []
        self._raw: list[Any] = []
        self._versions: list[int | None] = []
        self._cells: dict[str, dict[int, Any]] = {name: {} for name in (*_TEXTS[:4], *_NUMBERS[:4], *_VALUES[:2])}
        self._rows: dict[int, int] = {}  # by oplog index
        self._ended: list[tuple[int, int]] = []  # (index of the end, row of its beginning)
        self._read = PayloadReader()
        self._last = 0
        self._forget()

    def __len__(self) -> int:
        return len(self.indices)

    def _forget(self) -> None:
        self._version: int | None = None
        self._invocation: int | None = None
        self._attempts = 0

    def add(self, entry: PublicEntry) -> None:
        index, kind, fields, row = entry.index, entry.kind, entry.fields, len(self.indices)
        if index != self._last + 1:  # in between there may have been anything
            self._forget()
        self._last = index
        time_us = round(entry.timestamp.timestamp() * 1e6)
        called = part_of(fields, "invocation") or fields
        begin = _whole(fields.get("beginIndex", part_of(fields, "durableFunctionType").get("index")))
        begin_row = None if begin is None else self._rows.get(begin)
        self._put("function", row, called.get("fullFunctionName") or fields.get("functionName"))
        self._put("request", row, self._read(called.get("functionInput", fields.get("request"))))
        self._put("response", row, self._read(fields.get("response")))
        self._put("idempotency_key", row, called.get("idempotencyKey"))
        self._put("level", row, fields.get("level"))
        self._put("message", row, message_of(fields))
        self._put("fuel", row, _whole(fields.get("consumedFuel")))
        match NEWER_NAMES.get(kind, kind):
            case "Create":
                self._version = _whole(fields.get("componentVersion"))
            case "SuccessfulUpdate":
                self._version = _whole(fields.get("targetVersion"))
            case "ExportedFunctionInvoked":
                self._invocation, self._attempts = row, 0
            case "ExportedFunctionCompleted" if self._invocation is not None:
                begin_row = self._invocation
                begin = self.indices[begin_row]
                self._put("function", row, self._cells["function"].get(begin_row))
                self._put("idempotency_key", row, self._cells["idempotency_key"].get(begin_row))
                self._ended.append((index, begin_row))
                self._invocation, self._attempts = None, 0
            case "Error":
                self._attempts += 1
                self._put("attempt", row, self._attempts)
            case "Revert":
                self._go_back(_whole(part_of(fields, "droppedRegion").get("start")) or index)
        self._put("begin_index", row, begin)
        if begin_row is not None:
            self._put("duration_us", row, time_us - self._times_us[begin_row])
        self._rows[index] = row
        self.indices.append(index)
        self._kinds.append(kind)
        self._times_us.append(time_us)
        self._versions.append(self._version)
        self._raw.append(fields)

    def _put(self, column: str, row: int, value: Any) -> None:
        if value is not None:
            self._cells[column][row] = value

    def _go_back(self, start: int) -> None:
        """Be where the entry before `start` was: an invocation whose end is dropped is open again."""
        before = self._rows.get(start - 1)
        self._version = self._version if before is None else self._versions[before]
        begun = self._invocation
        reopened = (row for end, row in reversed(self._ended) if self.indices[row] < start <= end)
        still_open = begun if begun is not None and self.indices[begun] < start else None
        self._invocation, self._attempts = next(reopened, still_open), 0

    def frame(self, *, component: str, worker: WorkerMetadata | None = None, server: str = "") -> pd.DataFrame:
        """Return what was gathered; see `oplog_frame`."""
        length, name = len(self), worker.worker_id.name if worker else None
        kinds = [*FAMILIES, *(kind for kind in dict.fromkeys(self._kinds) if kind not in FAMILIES)]
        codes = {kind: code for code, kind in enumerate(kinds)}
        families = [FAMILY_NAMES.index(family_of(kind)) for kind in kinds]
        kind_codes = np.fromiter((codes[kind] for kind in self._kinds), "int64", length)
        family_codes = np.array(families, "int64")[kind_codes]
        columns: dict[str, Any] = {
            "timestamp": pd.DatetimeIndex(np.array(self._times_us, "datetime64[us]")).tz_localize("UTC"),
            "kind": pd.Categorical.from_codes(kind_codes, pd.Index(kinds), ordered=True),
            "family": pd.Categorical.from_codes(family_codes, pd.Index(FAMILY_NAMES)),
            "raw": _objects(self._raw, length),
            "worker": pd.Series([name] * length, dtype="object").astype("str").array,
            "component": pd.Series([component] * length, dtype="object").astype("str").array,
            "version": pd.array(self._versions, dtype="Int64"),
            "replayed": _replayed(self.indices, self._kinds, worker),
        }
        for column, cells in self._cells.items():
            if column in _NUMBERS:
                columns[column] = _numbers(cells, length)
            elif column in _TEXTS:
                columns[column] = pd.Series(_spread(cells, length)).astype("str").array
            else:
                columns[column] = _spread(cells, length)
        index = pd.Index(np.array(self.indices, "int64"), name="index")
        frame = GolemFrame({column: columns[column] for column in OPLOG_COLUMNS}, index=index)
        frame.attrs["golem"] = {
            "worker": name,
            "component": component,
            "component_id": str(worker.worker_id.component_id) if worker else None,
            "version": worker.component_version if worker else None,
            "server": server,
            "fetched_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        return frame


def oplog_frame(
    entries: Iterable[PublicEntry], *, component: str, worker: WorkerMetadata | None = None, server: str = ""
) -> pd.DataFrame:
    """Return one row for each entry, indexed by the oplog index.

    `request` and `response` are plain Python values; what they were decoded from is in `raw`. `replayed` says whether
    the instance that is loaded now met the entry in its replay; it is missing where no instance is loaded.
    """
    columns = OplogColumns()
    for entry in entries:
        columns.add(entry)
    return columns.frame(component=component, worker=worker, server=server)


def one_oplog(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame in the order of the oplog, for what only one oplog has: a picture, a comparison.

    Raises:
        UsageError: It is of several workers, or has entries twice.
    """
    if not frame.index.is_unique:
        names = ", ".join(map(str, frame["worker"].dropna().unique()[:3]))
        raise UsageError(f"this is more than one oplog ({names}): choose one, as in df[df['worker'] == 'alice']")
    return frame if frame.index.is_monotonic_increasing else frame.sort_index()


def met_by_replay(frame: pd.DataFrame) -> Any:
    """Return `replayed`, missing for hints too: replay skips them, so they are neither replayed nor live."""
    return frame["replayed"].mask(frame["kind"].isin(list(HINTS)))


def family_of(kind: str) -> str:
    return FAMILIES.get(NEWER_NAMES.get(kind, kind), "other")


def _whole(value: Any) -> int | None:
    """Return a whole number that a column can hold; None for what is none. A newer server may send anything."""
    return value if type(value) is int and -(1 << 63) <= value < 1 << 63 else None


def _objects(values: Iterable[Any], length: int) -> Any:
    """Return an array of objects; NumPy by itself would look into lists for further dimensions."""
    array = np.empty(length, dtype="object")
    for row, value in enumerate(values):
        array[row] = value
    return array


def _spread(cells: Mapping[int, Any], length: int) -> Any:
    array = np.full(length, None, dtype="object")
    for row, value in cells.items():
        array[row] = value
    return array


def _numbers(cells: Mapping[int, int], length: int) -> Any:
    values, is_missing = np.zeros(length, "int64"), np.ones(length, "bool")
    rows = np.fromiter(cells, "int64", len(cells))
    values[rows], is_missing[rows] = np.fromiter(cells.values(), "int64", len(cells)), False
    return pd.arrays.IntegerArray(values, is_missing)


def _replayed(indices: Sequence[int], kinds: Sequence[str], worker: WorkerMetadata | None) -> Any:
    """Say of each entry whether replay met it: Create, and as many of the others as the instance has counted.

    Only from the first entry on can they be counted; a later page says nothing, and neither do the finds of a search.
    """
    is_whole = bool(indices) and indices[0] == 1 and indices[-1] == len(indices)
    if worker is None or worker.entries_replayed is None or not is_whole:
        return pd.array([None] * len(indices), dtype="boolean")
    counts = np.fromiter((kind not in HINTS for kind in kinds), "bool", len(kinds))
    for start, end in worker.skipped_regions:
        counts[start - 1 : end] = False
    counts[0] = False  # Create is met, and not counted
    met = counts & (np.cumsum(counts) <= worker.entries_replayed)
    met[0] = worker.entries_replayed > 0
    return pd.array(met, dtype="boolean")


def components_frame(components: Iterable[Component]) -> pd.DataFrame:
    """Return one row for each component: its latest version."""
    rows = [
        {
            "component": component.name,
            "version": component.version,
            "size": component.size_bytes,
            "exports": None if component.exports is None else len(component.exports),
            "created_at": component.created_at,
            "id": str(component.id),
        }
        for component in components
    ]
    frame = GolemFrame(rows, columns="component version size exports created_at id".split())
    frame["created_at"] = _timestamps(frame["created_at"])
    numbers = dict.fromkeys(("version", "size", "exports"), "Int64")
    return frame.astype({"component": "str", "id": "str", **numbers})


def workers_frame(workers: Iterable[WorkerMetadata], component: str) -> pd.DataFrame:
    """Return one row for each worker, in order of creation."""
    rows = [
        {
            "worker": worker.worker_id.name,
            "status": str(worker.status),
            "version": worker.component_version,
            "created_at": worker.created_at,
            "attempts": worker.retry_count,
            "pending": worker.pending_invocation_count,
            "last_index": worker.last_index or None,
            "last_error": worker.last_error,
            "component": component,
            "forked_from": next(reversed(worker.forked_from), None),
        }
        for worker in workers
    ]
    columns = "worker status version created_at attempts pending last_index last_error component forked_from".split()
    frame = GolemFrame(rows, columns=columns)
    frame["status"] = pd.Categorical(frame["status"], categories=[str(status) for status in WorkerStatus])
    frame["created_at"] = _timestamps(frame["created_at"])
    numbers = dict.fromkeys(("version", "attempts", "pending", "last_index"), "Int64")
    texts = dict.fromkeys(("worker", "last_error", "component", "forked_from"), "str")
    return frame.astype({**texts, **numbers})


def files_frame(nodes: Iterable[FileNode]) -> pd.DataFrame:
    """Return one row for each file or directory; directories have neither size nor permissions."""
    rows = [
        {
            "name": node.name,
            "kind": "directory" if node.is_directory else "file",
            "size": None if node.is_directory else node.size_bytes,
            "permissions": None if node.is_directory else "read-only" if node.is_read_only else "read-write",
            "modified_at": node.modified_at,
        }
        for node in nodes
    ]
    frame = GolemFrame(rows, columns="name kind size permissions modified_at".split())
    frame["modified_at"] = _timestamps(frame["modified_at"])
    return frame.astype({"name": "str", "kind": "str", "size": "Int64", "permissions": "str"})


def calls_frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return one row for each call of a cell; `replayed`: its key was known, so nothing ran."""
    columns = "call result ok ms idempotency_key first_index last_index replayed error worker timestamp".split()
    frame = GolemFrame([{**row, "idempotency_key": row["key"]} for row in rows], columns=columns)
    frame["result"] = pd.Series([row["result"] for row in rows], dtype="object")
    frame["timestamp"] = _timestamps(frame["timestamp"])
    texts = dict.fromkeys(("call", "idempotency_key", "error", "worker"), "str")
    return frame.astype(
        {**texts, "ok": "bool", "ms": "float64", "first_index": "Int64", "last_index": "Int64", "replayed": "boolean"}
    )


def events_frame(events: Iterable[tuple[int, WorkerEvent]], worker: str) -> pd.DataFrame:
    """Return one row for each event; `seq` counts what this reader has seen.

    Streams carry what happens, never what a replay repeats: `replayed` is False, so that events go with oplogs.
    """
    rows = [
        {
            "seq": seq,
            "timestamp": event.timestamp,
            "type": str(event.type),
            "level": event.level,
            "message": event.message,
            "function": event.context.get("function"),
            "idempotency_key": event.context.get("idempotencyKey"),
            "worker": event.context.get("worker", worker),
            "replayed": False,
        }
        for seq, event in events
    ]
    columns = "seq timestamp type level message function idempotency_key worker replayed".split()
    frame = GolemFrame(rows, columns=columns).set_index("seq")
    frame["timestamp"] = _timestamps(frame["timestamp"])
    frame["type"] = pd.Categorical(frame["type"], categories=[str(type) for type in EventType])
    texts = dict.fromkeys(("level", "message", "function", "idempotency_key", "worker"), "str")
    return frame.astype({**texts, "replayed": "boolean"})


def _timestamps(moments: Iterable[datetime]) -> Any:
    # Always microseconds: pages of mixed units would not go together.
    return pd.DatetimeIndex(pd.to_datetime(list(moments), utc=True)).as_unit("us")
