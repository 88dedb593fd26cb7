"""Which initial files a worker has at each point of its replay. Source: SEMANTICS 1.4, 6.5.

How this works: replay runs the code of the last version, but what the component did was done with the files of the
versions before. So the tree begins with those of the version that the worker was made with (or that made the snapshot
which is loaded), and is adjusted where the oplog says that an update succeeded: there it was adjusted when that was
live. A skipped region does not undo an update, a deleted one does: the fold knows which are left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from golem_nb.engine.recovery import Plan
from golem_nb.host.initialfiles import InitialFiles, WorkerFiles
from golem_nb.model import OplogIndex, UpdateState
from golem_nb.oplog.fold import WorkerState


@dataclass(frozen=True, slots=True)
class Versions:
    """Whose initial files hold when: at the start, behind the load of a snapshot, behind entries, at the end of replay.

    None = nothing changes there.
    """

    start: int
    loaded: int | None
    changes: Mapping[OplogIndex, int]
    end: int | None


def versions(state: WorkerState, plan: Plan, *, is_ephemeral: bool = False) -> Versions:
    """Return whose files hold in a recovery by a plan."""
    target = None if plan.update is None else plan.component_version
    if is_ephemeral:
        return Versions(plan.component_version, None, {}, None)
    assert state.create is not None, "entry 1 is Create"
    successes = [u for u in state.finished_updates if u.state is UpdateState.SUCCESSFUL]
    start = ([state.create.component_version] + [u.target_version for u in successes if u.index <= plan.snapshot])[-1]
    behind = {u.index: u.target_version for u in successes if u.index > plan.snapshot}
    if plan.update is not None and plan.update.has_snapshot:
        return Versions(start, target, {}, target)
    if 0 < plan.snapshot == state.base:
        own = next(u for u in reversed(successes) if u.has_snapshot)  # the update that this snapshot was made for
        rest = {index: version for index, version in behind.items() if index > own.index}
        return Versions(start, own.target_version, rest, target)
    return Versions(start, None, behind, target)


class PlannedFiles:
    """The files of a worker that recovers. All that may be needed is at hand before it begins."""

    def __init__(
        self, planned: Versions, initial: Callable[[int], InitialFiles], content: Callable[[str], bytes]
    ) -> None:
        """`initial` gives the files of a version, `content` data by their SHA-256."""
        self._changes = {index: initial(version) for index, version in planned.changes.items()}
        self._loaded = None if planned.loaded is None else initial(planned.loaded)
        self._end = None if planned.end is None else initial(planned.end)
        self._files = WorkerFiles(initial(planned.start), content)
        self.tree = self._files.tree

    def load(self, saved: bytes) -> None:
        """Become the tree that lies beside a snapshot, as the component that loads it is to find it."""
        self._files.restore(saved)
        if self._loaded is not None:
            self._files.adjust(self._loaded)

    def pass_update(self, index: OplogIndex) -> None:
        """Replay comes by the entry of an update that succeeded."""
        if index in self._changes:
            self._files.adjust(self._changes.pop(index))

    def finish_update(self) -> None:
        """Replay is over, and with it the attempt of an update.

        Raises:
            FilesConflict: The new version's files cannot be put in, so the update fails.
        """
        if self._end is not None:
            self._files.adjust(self._end)
