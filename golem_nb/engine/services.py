"""What a worker asks of its engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from golem_nb.engine.calls import Calls
from golem_nb.engine.host_context import Surroundings
from golem_nb.engine.scheduler import Threads, Timers
from golem_nb.host.context import Peers
from golem_nb.host.initialfiles import InitialFiles
from golem_nb.model import ComponentId, ComponentOptions, SnapshotPolicy, WorkerId
from golem_nb.wasm.link import LinkedComponent

if TYPE_CHECKING:
    from golem_nb.engine.shadows import Stage
    from golem_nb.engine.worker import Worker


class Services(Protocol):
    surroundings: Surroundings
    threads: Threads
    timers: Timers
    time_limit_s: float | None
    calls: Calls
    stage: Stage
    left_down: set[int]
    """The numbers of workers that lie where they crashed, until they are wanted, whether they are in memory or not."""

    def linked(self, component_id: ComponentId, version: int) -> LinkedComponent: ...

    def component_size(self, component_id: ComponentId, version: int) -> int:
        """Return the bytes of a component version's wasm."""

    def component_options(self, component_id: ComponentId, version: int) -> ComponentOptions:
        """Return what a component version has besides its wasm."""

    def initial_files(self, component_id: ComponentId, version: int) -> InitialFiles:
        """Return the files that a component version gives its workers."""

    def file_content(self, sha256: str) -> bytes: ...

    def snapshot_policy(self, component_id: ComponentId) -> SnapshotPolicy | None: ...

    def peers(self, id: WorkerId, number: int) -> Peers:
        """Return what the host functions of a worker may ask about workers."""

    def draw(self) -> float:
        """Return a number from 0 to 1, exclusive, for the jitter of retries."""

    def wake(self, id: WorkerId) -> None:
        """A worker's time has come."""

    def note_idle(self, worker: Worker) -> None:
        """A worker has nothing to do."""

    def note_broken(self, worker: Worker) -> None:
        """A worker's journal is ahead of what is stored: it must be loaded anew."""
