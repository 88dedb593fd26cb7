"""Oplogs, workers and events as DataFrames, tidy and joinable. Source: UX 6.

All frames call the same thing the same: `worker`, `idempotency_key`, `timestamp`. The `.golem` accessor of an oplog
frame gives its usual views; `accessor` holds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from golem_nb.errors import ValueMismatch
from golem_nb.model import Component, EventType, FileNode, PublicEntry, WorkerEvent, WorkerMetadata, WorkerStatus
from golem_nb.values.json import typed_from_json
from golem_nb.values.python import python_from_value

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
FAMILIES_OF_NEWER_GOLEMS = {
    "HostCall": "call",
    "AgentInvocationStarted": "invocation",
    "AgentInvocationFinished": "invocation",
    "PendingAgentInvocation": "invocation",
    "CancelPendingInvocation": "invocation",
    "SetRetryPolicy": "control",
    "RemoveRetryPolicy": "control",
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
# Kinds that replay skips: they are never "replayed". Source: SEMANTICS 4.2.
HINTS = frozenset(
    "Suspend Error Interrupted Exited PendingWorkerInvocation PendingUpdate SuccessfulUpdate FailedUpdate GrowMemory "
    "CreateResource DropResource DescribeResource Log Restart ActivatePlugin DeactivatePlugin Revert CancelInvocation "
    "Snapshot".split()
)


def oplog_frame(
    entries: Sequence[PublicEntry], *, component: str, worker: WorkerMetadata | None = None, server: str = ""
) -> pd.DataFrame:
    """Return one row for each entry, indexed by the oplog index.

    `request` and `response` are plain Python values; what they were decoded from is in `raw`. `replayed` says whether
    the instance that is loaded now met the entry in its replay; it is missing where no instance is loaded.
    """
    rows = _rows(entries)
    frame = pd.DataFrame(rows, index=pd.Index([e.index for e in entries], dtype="int64", name="index"))
    frame = frame.reindex(columns=list(OPLOG_COLUMNS))
    frame["worker"] = worker.worker_id.name if worker else None
    frame["component"] = component
    frame["replayed"] = _replayed(entries, worker)
    frame["timestamp"] = _timestamps(entry.timestamp for entry in entries)
    frame["kind"] = pd.Categorical(frame["kind"], categories=_kinds(entries), ordered=True)
    frame["family"] = pd.Categorical(frame["family"], categories=list(FAMILY_NAMES))
    frame = frame.astype({**dict.fromkeys(_TEXTS, "str"), **dict.fromkeys(_NUMBERS, "Int64"), "replayed": "boolean"})
    for column in ("request", "response", "raw"):
        frame[column] = pd.Series([row.get(column) for row in rows], index=frame.index, dtype="object")
    frame.attrs["golem"] = {
        "worker": worker.worker_id.name if worker else None,
        "component": component,
        "component_id": str(worker.worker_id.component_id) if worker else None,
        "version": worker.component_version if worker else None,
        "server": server,
        "fetched_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return frame


def _rows(entries: Sequence[PublicEntry]) -> list[dict[str, Any]]:
    """Return the cells of each entry; what begins and ends is paired in one walk."""
    walk = _Walk()
    return [walk.row(entry) for entry in entries]


class _Walk:
    """What is known at an entry from those before it: the version, and the invocation that is open."""

    def __init__(self) -> None:
        self._begun: dict[int, PublicEntry] = {}
        self._versions: dict[int, int | None] = {}
        self._ended: list[tuple[int, PublicEntry]] = []
        self._last = 0
        self._forget()

    def _forget(self) -> None:
        self._version: int | None = None
        self._invocation: PublicEntry | None = None
        self._attempts = 0

    def row(self, entry: PublicEntry) -> dict[str, Any]:
        if entry.index != self._last + 1:  # in between there may have been anything
            self._forget()
        self._last = entry.index
        row = _row(entry)
        begin: PublicEntry | None = self._begun.get(row.get("begin_index") or 0)
        match entry.kind:
            case "Create":
                self._version = entry.fields.get("componentVersion")
            case "SuccessfulUpdate":
                self._version = entry.fields.get("targetVersion")
            case "ExportedFunctionInvoked":
                self._invocation, self._attempts = entry, 0
            case "ExportedFunctionCompleted" if self._invocation is not None:
                begin = self._invocation
                row["begin_index"] = begin.index
                row["function"] = begin.fields.get("functionName")
                row["idempotency_key"] = begin.fields.get("idempotencyKey")
                self._ended.append((entry.index, begin))
                self._invocation, self._attempts = None, 0
            case "Error":
                self._attempts += 1
                row["attempt"] = self._attempts
            case "Revert":
                self._go_back((entry.fields.get("droppedRegion") or {}).get("start", entry.index))
        if begin is not None:
            row["duration_us"] = round((entry.timestamp - begin.timestamp).total_seconds() * 1e6)
        row["version"] = self._versions[entry.index] = self._version
        self._begun[entry.index] = entry
        return row

    def _go_back(self, start: int) -> None:
        """Be where the entry before `start` was: an invocation whose end is dropped is open again."""
        self._version = self._versions.get(start - 1, self._version)
        reopened = (begun for end, begun in reversed(self._ended) if begun.index < start <= end)
        still_open = self._invocation if self._invocation is not None and self._invocation.index < start else None
        self._invocation, self._attempts = next(reopened, still_open), 0


def _row(entry: PublicEntry) -> dict[str, Any]:
    fields = entry.fields
    called = fields.get("invocation") or fields
    request = called.get("functionInput", fields.get("request"))
    effect = fields.get("durableFunctionType") or {}
    return {
        "kind": entry.kind,
        "family": FAMILIES.get(entry.kind) or FAMILIES_OF_NEWER_GOLEMS.get(entry.kind, "other"),
        "function": called.get("fullFunctionName", fields.get("functionName")),
        "request": python_from_json(request),
        "response": python_from_json(fields.get("response")),
        "idempotency_key": called.get("idempotencyKey"),
        "level": fields.get("level"),
        "message": _message(fields),
        "fuel": fields.get("consumedFuel"),
        "begin_index": fields.get("beginIndex", effect.get("index")),
        "raw": dict(fields),
    }


def _message(fields: Mapping[str, Any]) -> str | None:
    """Return what an entry says in words: its text, the version of an update, the entries that are skipped."""
    for name in ("message", "error", "details"):
        if fields.get(name) is not None:
            return str(fields[name])
    version = (fields.get("invocation") or fields).get("targetVersion")
    if version is not None:
        return f"to version {version}"
    region = fields.get("droppedRegion") or fields.get("jump")
    return f"skips {region.get('start')} to {region.get('end')}" if region else None


def python_from_json(json: Any) -> Any:
    """Return the plain Python value of `{"typ": …, "value": …}`, or of a list of such; the JSON where it is none."""
    if isinstance(json, list):
        return [python_from_json(item) for item in json]
    if not isinstance(json, Mapping) or "typ" not in json:
        return json
    try:
        typed = typed_from_json(json)
    except ValueMismatch:  # a newer server's type that we cannot read: the raw JSON is better than no frame
        return json
    return None if typed is None else python_from_value(typed.type, typed.value)


def _kinds(entries: Iterable[PublicEntry]) -> list[str]:
    """Return all kinds that there are; those of a newer server are appended, never dropped."""
    kinds = dict.fromkeys(FAMILIES)
    return [*kinds, *(kind for kind in dict.fromkeys(entry.kind for entry in entries) if kind not in kinds)]


def _replayed(entries: Sequence[PublicEntry], worker: WorkerMetadata | None) -> list[bool | None]:
    """Say of each entry whether replay met it: Create, and as many of the others as the instance has counted.

    Only from the first entry on can they be counted; a later page says nothing, and neither do the finds of a search.
    """
    is_whole = bool(entries) and entries[0].index == 1 and entries[-1].index == len(entries)
    if worker is None or worker.entries_replayed is None or not is_whole:
        return [None] * len(entries)
    left = worker.entries_replayed
    met: list[bool | None] = []
    for entry in entries:
        skipped = any(start <= entry.index <= end for start, end in worker.skipped_regions)
        if entry.index == 1:
            met.append(left > 0)
        elif entry.kind in HINTS or skipped:
            met.append(False)
        else:
            met.append(left > 0)
            left -= 1
    return met


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
    frame = pd.DataFrame(rows, columns="component version size exports created_at id".split())
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
        }
        for worker in workers
    ]
    columns = "worker status version created_at attempts pending last_index last_error component".split()
    frame = pd.DataFrame(rows, columns=columns)
    frame["status"] = pd.Categorical(frame["status"], categories=[str(status) for status in WorkerStatus])
    frame["created_at"] = _timestamps(frame["created_at"])
    numbers = dict.fromkeys(("version", "attempts", "pending", "last_index"), "Int64")
    return frame.astype({"worker": "str", "last_error": "str", "component": "str", **numbers})


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
    frame = pd.DataFrame(rows, columns="name kind size permissions modified_at".split())
    frame["modified_at"] = _timestamps(frame["modified_at"])
    return frame.astype({"name": "str", "kind": "str", "size": "Int64", "permissions": "str"})


def calls_frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return one row for each call of a cell; `replayed`: its key was known, so nothing ran."""
    columns = "call result ok ms idempotency_key first_index last_index replayed error".split()
    frame = pd.DataFrame([{**row, "idempotency_key": row["key"]} for row in rows], columns=columns)
    frame["result"] = pd.Series([row["result"] for row in rows], dtype="object")
    texts = dict.fromkeys(("call", "idempotency_key", "error"), "str")
    return frame.astype(
        {**texts, "ok": "bool", "ms": "float64", "first_index": "Int64", "last_index": "Int64", "replayed": "boolean"}
    )


def events_frame(events: Iterable[tuple[int, WorkerEvent]], worker: str) -> pd.DataFrame:
    """Return one row for each event; `seq` counts what this reader has seen."""
    rows = [
        {
            "seq": seq,
            "timestamp": event.timestamp,
            "type": str(event.type),
            "level": event.level,
            "message": event.message,
            "function": event.context.get("function"),
            "idempotency_key": event.context.get("idempotencyKey"),
            "worker": worker,
        }
        for seq, event in events
    ]
    columns = "seq timestamp type level message function idempotency_key worker".split()
    frame = pd.DataFrame(rows, columns=columns).set_index("seq")
    frame["timestamp"] = _timestamps(frame["timestamp"])
    frame["type"] = pd.Categorical(frame["type"], categories=[str(type) for type in EventType])
    texts = dict.fromkeys(("level", "message", "function", "idempotency_key", "worker"), "str")
    return frame.astype(texts)


def _timestamps(moments: Iterable[datetime]) -> Any:
    # Always microseconds: pages of mixed units would not go together.
    return pd.DatetimeIndex(pd.to_datetime(list(moments), utc=True)).as_unit("us")
