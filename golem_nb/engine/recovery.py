"""Where the recovery of a worker begins: at its first entry, or at a snapshot. Source: SEMANTICS 6.

A plan names the component version to instantiate, the entry whose snapshot is loaded into it (0: none), and whether all
of it is the attempt of an update. Recovery tries its plans in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, replace
from typing import Any

from golem_nb.engine.journal import Journal
from golem_nb.errors import GolemError
from golem_nb.model import OplogIndex, SnapshotPolicy, WorkerStatus
from golem_nb.oplog.entries import HostState, OplogEntry, PendingUpdate, Restart, Snapshot
from golem_nb.oplog.fold import RetryPolicy, Update, WorkerState
from golem_nb.oplog.regions import Regions
from golem_nb.values.types import BYTES, STRING, FunctionType, ResultType
from golem_nb.wasm.components import CompiledComponent, Export

SAVE, LOAD = "golem:api/save-snapshot", "golem:api/load-snapshot"
_LOADED = ResultType(None, STRING)


class SnapshotFailed(GolemError):
    """The component cannot give a snapshot, or take one."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One way to recover a worker."""

    component_version: int
    snapshot: OplogIndex
    """The entry whose snapshot is loaded; replay begins behind it. 0: replay begins at entry 2."""
    skipped: Regions
    update: Update | None = None
    """The pending update that this plan is the attempt of."""
    is_shortcut: bool = False
    """There is another plan where this one's snapshot cannot be loaded, or the rest not replayed from it."""


def plans(state: WorkerState, *, is_ephemeral: bool = False) -> Iterator[Plan]:
    """Yield the plans for a worker, best first. An update meets the whole history: it must hold for all of it.

    An ephemeral worker has no history: an invocation that was cut off begins anew.
    """
    if is_ephemeral:
        state = replace(state, skipped=_all_but(state.current_index, state.last_index), snapshots=[])
    if state.pending_updates:
        update = state.pending_updates[0]
        base = update.index if update.has_snapshot else state.base
        skipped = state.skipped.adding(2, update.index) if update.has_snapshot else state.skipped
        yield Plan(update.target_version, base, skipped, update)
        return
    for snapshot in reversed(state.snapshots):
        is_usable = snapshot.index > state.base and snapshot.index not in state.skipped
        if is_usable and snapshot.component_version == state.component_version:
            yield Plan(state.component_version, snapshot.index, state.skipped, is_shortcut=True)
    yield Plan(state.component_version, state.base, state.skipped)


def _all_but(index: OplogIndex, last_index: OplogIndex) -> Regions:
    """Return everything behind Create but one entry (0: without exception)."""
    if index == 0:
        return Regions().adding(2, last_index) if last_index >= 2 else Regions()
    before = Regions().adding(2, index - 1) if index > 2 else Regions()
    return before.adding(index + 1, last_index) if index < last_index else before


def note_recovered(journal: Journal) -> None:
    """A recovery that failed outside of an invocation has succeeded: say so, or it would be tried for ever."""
    if journal.state.current is None and journal.state.status is WorkerStatus.RETRYING:
        journal.append(Restart)


def snapshot_in(entry: OplogEntry) -> tuple[bytes, HostState]:
    """Return what a PendingUpdate or Snapshot entry keeps."""
    match entry:
        case PendingUpdate(snapshot=bytes() as data, host=host) | Snapshot(data=data, host=host):
            return data, host
    raise SnapshotFailed(f"a {type(entry).__name__} entry keeps no snapshot")


def is_snapshot_due(policy: SnapshotPolicy, state: WorkerState, now_us: int) -> bool:
    every, every_s = policy.every_invocations, policy.every_s
    return (every is not None and state.completed_since_snapshot >= every) or (
        every_s is not None and (now_us - state.snapshot_us) / 1e6 >= every_s
    )


def can_snapshot(component: CompiledComponent) -> bool:
    """Does the component export both halves of a snapshot?"""
    return _found(component, SAVE, "save") is not None and _found(component, LOAD, "load") is not None


def saved(component: CompiledComponent, call: Callable[[Export, list[Any]], Any]) -> bytes:
    """Ask the component for its snapshot.

    Raises:
        SnapshotFailed: It does not export the function.
    """
    export = _found(component, SAVE, "save")
    if export is None or export.type.parameters or export.type.result != BYTES:
        raise SnapshotFailed("failed to get a snapshot for manual update: save-snapshot is not exported")
    data: bytes = call(export, [])
    return data


def load(component: CompiledComponent, data: bytes, call: Callable[[Export, list[Any]], Any]) -> None:
    """Give the component a snapshot.

    Raises:
        SnapshotFailed: It does not export the function, or refuses.
    """
    export = _found(component, LOAD, "load")
    if export is None or not _takes_snapshot(export.type):
        raise SnapshotFailed("Failed to find exported load-snapshot function")
    case, value = call(export, [data])
    if case == "err":
        raise SnapshotFailed(f"Manual update failed to load snapshot: {value}")


def _takes_snapshot(function: FunctionType) -> bool:
    return [p.type for p in function.parameters] == [BYTES] and function.result == _LOADED


def _found(component: CompiledComponent, interface: str, function: str) -> Export | None:
    """Return an exported function of an interface of any version. Source: SEMANTICS 6.2."""
    for type in component.functions:
        site, _, name = type.name.partition(".{")
        if site.partition("@")[0] == interface and name == f"{function}}}":
            return component.export(type.name)
    return None


def host_state(host: Any, next_handle: int, is_idempotent: bool, policy: RetryPolicy) -> HostState:
    """Return what lies outside the component's memory: its files, and the settings that its host functions made."""
    return HostState(host.files.saved(), next_handle, is_idempotent, astuple(policy))
