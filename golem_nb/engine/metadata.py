"""A worker's metadata from the fold of its oplog, whether the worker is in memory or not."""

from __future__ import annotations

from datetime import UTC, datetime

from golem_nb.model import UpdateRecord, UpdateState, WorkerId, WorkerMetadata, WorkerStatus
from golem_nb.oplog.entries import Error
from golem_nb.oplog.fold import WorkerState


def metadata_of(
    id: WorkerId,
    state: WorkerState,
    component_size: int,
    *,
    status: WorkerStatus | None = None,
    entries_replayed: int | None = None,
) -> WorkerMetadata:
    """`status` is given where the worker knows better than its oplog: it goes on, and has not come to an entry yet."""
    assert state.create is not None, "entry 1 is Create"
    return WorkerMetadata(
        worker_id=id,
        status=status or state.status,
        component_version=state.component_version,
        created_at=moment(state.create.timestamp_us),
        args=state.create.args,
        env=dict(state.create.env),
        config=dict(state.create.config),
        pending_invocation_count=len(state.pending) - len(state.queued_updates),
        retry_count=state.attempts,
        last_error=None if state.last_error is None else _with_stderr(state.last_error),
        component_size_bytes=component_size,
        last_index=state.last_index,
        entries_replayed=entries_replayed,
        skipped_regions=state.skipped.ranges,
        deleted_regions=state.deleted.ranges,
        updates=_updates(state),
        owned_resources=dict(state.resources),
        environment_id=state.create.environment_id,
        forked_from=state.create.forked_from,
    )


def _updates(state: WorkerState) -> tuple[UpdateRecord, ...]:
    """Return the updates by time; those that wait in the queue are pending, too. Source: SEMANTICS 6.4."""
    known = [*state.finished_updates, *state.pending_updates]
    records = [UpdateRecord(u.state, moment(u.timestamp_us), u.target_version, u.details) for u in known]
    records += [
        UpdateRecord(UpdateState.PENDING, moment(state.pending[key].timestamp_us), version)
        for key, version in state.queued_updates.items()
    ]
    return tuple(sorted(records, key=lambda record: record.timestamp))


def _with_stderr(error: Error) -> str:
    return f"{error.message}\n\n{error.stderr}" if error.stderr else error.message


def moment(timestamp_us: int) -> datetime:
    return datetime.fromtimestamp(timestamp_us / 1e6, UTC)
