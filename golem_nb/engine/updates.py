"""Updates and snapshots of one worker: what is checked, asked of the component, and written. Source: SEMANTICS 6.

How this works: an accepted update is an entry (PendingUpdate, or a queued invocation for a manual one). The next
recovery is its attempt (`attempted`): it succeeds when replay is over, and fails with whatever ends it before that.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from uuid import uuid4

from golem_nb.engine.execution import Execution
from golem_nb.engine.journal import Journal
from golem_nb.engine.recovery import Plan, SnapshotFailed, is_snapshot_due
from golem_nb.engine.services import Services
from golem_nb.engine.stopping import Stop
from golem_nb.errors import ComponentNotFound, UpdateRefused
from golem_nb.host.declare import Exit
from golem_nb.model import ComponentType, UpdateMode, WorkerId
from golem_nb.oplog.entries import (
    FailedUpdate,
    Jump,
    PendingUpdate,
    PendingWorkerInvocation,
    Snapshot,
    SuccessfulUpdate,
)
from golem_nb.oplog.fold import WorkerState

log = logging.getLogger("golem_nb.engine")


class Updates:
    def __init__(self, id: WorkerId, journal: Journal, services: Services) -> None:
        self._id, self._journal, self._services = id, journal, services
        self.attempted: Plan | None = None
        """The plan that the present recovery follows, if it is the attempt of an update that is yet to be decided."""
        self._is_snapshotting = True
        """False when the component has failed to give a snapshot: it is not asked again by this object."""

    @property
    def is_ephemeral(self) -> bool:
        """Is the component version that the worker has one whose workers have no history?"""
        return self._type_of(self._journal.state.component_version) is ComponentType.EPHEMERAL

    def _type_of(self, version: int) -> ComponentType:
        return self._services.component_options(self._id.component_id, version).type

    def accept(self, target_version: int, mode: UpdateMode) -> None:
        """Append what asks for an update.

        Raises:
            UpdateRefused: The worker is on that version, or the same update is under way; or only one of the versions
                is ephemeral, whose workers have no history that the other could go on with.
        """
        state, is_manual = self._journal.state, mode is UpdateMode.MANUAL
        if target_version == state.component_version:
            raise UpdateRefused(f"Worker is already at the target version: {target_version}")
        if _is_under_way(state, target_version, is_manual):
            raise UpdateRefused("The same update is already in progress")
        with suppress(ComponentNotFound):  # a version that is not there fails the update later
            before, after = self._type_of(state.component_version), self._type_of(target_version)
            if before is not after:
                raise UpdateRefused(
                    f"a worker of a version that is {before.lower()} cannot go on as one that is {after.lower()}; "
                    "make a new one"
                )
        if is_manual:
            key = str(uuid4())
            self._journal.append(lambda now: PendingWorkerInvocation(now, key, "", (), target_version))
        else:
            self._journal.append(lambda now: PendingUpdate(now, target_version))

    def save_for(self, version: int, live: Execution) -> None:
        """Have the component save itself; the new version is then a matter of recovery. The instance is of no more use.

        Raises:
            Stop: The worker is told to stop; the update keeps its turn.
        """
        try:
            data, host = live.saved()
        except Stop:
            raise
        except BaseException as error:
            text = str(error) or type(error).__name__
            if not isinstance(error, SnapshotFailed):
                text = f"failed to get a snapshot for manual update: {text}"
            self._journal.append(lambda now: FailedUpdate(now, version, text))
        else:
            self._journal.append(lambda now: PendingUpdate(now, version, data, host))
        self._journal.commit()

    def succeed(self, lost: Sequence[str]) -> bool:
        """Replay is over: what it was the attempt of has succeeded, but for what is `lost`. Does another wait?"""
        plan, self.attempted = self.attempted, None
        if plan is None:
            return False
        size = self._services.component_size(self._id.component_id, plan.component_version)
        details = "\n".join(lost) or None
        self._journal.append(lambda now: SuccessfulUpdate(now, plan.component_version, size, details))
        self._journal.commit()
        return bool(self._journal.state.pending_updates)

    def fail(self, plan: Plan, error: BaseException) -> None:
        """Say that the update has failed; what its attempt did before its snapshot was taken is void.

        (The start function of the new version may have called host functions: the old version never will.)
        """
        self.attempted = None
        update = plan.update
        if update is not None and update.has_snapshot and self._journal.state.last_step > update.index:
            first = update.index + 1
            self._journal.append_void(first, lambda now, own: Jump(now, first, own))
        text = str(error) or type(error).__name__
        if plan.update is None or not plan.update.has_snapshot:
            text = f"Automatic update failed: {text}"
        elif not isinstance(error, SnapshotFailed):
            text = f"Manual update failed to load snapshot: {text}"
        self._journal.append(lambda now: FailedUpdate(now, plan.component_version, text))
        self._journal.commit()

    def snapshot_if_due(self, live: Execution, drop: Callable[[], None]) -> None:
        """Take a snapshot that recovery can start from, if the policy asks for one now; `drop` the instance on failure.

        What lies open between two invocations cannot be taken up from a snapshot: then another end of one has to do.
        """
        policy = self._services.snapshot_policy(self._id.component_id)
        if policy is None or not self._is_snapshotting:
            return
        now_us = self._services.surroundings.clock.now_ns() // 1000
        if not is_snapshot_due(policy, self._journal.state, now_us) or not live.can_snapshot:
            return
        try:
            data, host = live.saved()
        except (Exit, Exception) as error:
            self._is_snapshotting = False
            log.warning("worker %s: no snapshot is taken any more, because it failed: %s", self._id, error)
            drop()
            return
        version = self._journal.state.component_version
        self._journal.append(lambda now: Snapshot(now, data, version, host))
        self._journal.commit_with_checkpoint()


def _is_under_way(state: WorkerState, target_version: int, is_manual: bool) -> bool:
    waiting = target_version in state.queued_updates.values()
    return (is_manual and waiting) or any(
        u.target_version == target_version and u.has_snapshot == is_manual for u in state.pending_updates
    )
