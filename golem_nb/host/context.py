"""What a host function may ask of its worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from golem_nb.host.declare import Effect, HostFunction, ResourceTable
from golem_nb.host.network import Network
from golem_nb.model import ComponentId, LogLevel, OplogIndex, UpdateMode, WorkerId, WorkerMetadata
from golem_nb.oplog.entries import Recorded
from golem_nb.oplog.fold import RetryPolicy

T = TypeVar("T")


class Peers(Protocol):
    """What a worker may ask and do about workers, others and itself. Nothing here is recorded by itself.

    All raise what the engine's API raises, as `golem_nb.errors.GolemError`.
    """

    def metadata(self, worker: WorkerId) -> WorkerMetadata | None:
        """Return a worker as it is now; None where there is none."""

    def resolve_component(self, reference: str) -> ComponentId | None:
        """Return the component of this name in the worker's environment."""

    def create_promise(self, index: OplogIndex) -> None: ...

    def has_promise(self, index: OplogIndex) -> bool:
        """Did the worker itself, or the one that it was forked from before that, make a promise there?"""

    def promise(self, index: OplogIndex) -> bytes | None:
        """Return what the worker's own promise was completed with; None where it is not."""

    def complete_promise(self, worker: WorkerId, index: OplogIndex, data: bytes) -> bool: ...

    def delete_promise(self, index: OplogIndex) -> None: ...

    def update(self, worker: WorkerId, target_version: int, mode: UpdateMode) -> None: ...

    def revert(
        self, worker: WorkerId, *, last_index: OplogIndex | None = None, invocations: int | None = None
    ) -> None: ...

    def fork(self, source: WorkerId, target: WorkerId, at_index: OplogIndex) -> None: ...


@dataclass(frozen=True, slots=True)
class PersistedCall:
    """A call as the oplog has it. `effect` is Golem's durable function type, `begin` its begin index."""

    timestamp_us: int
    name: str
    response: Recorded
    effect: str
    begin: OplogIndex | None


class Source(Protocol):
    """Something that can be waited for: what a pollable stands for."""

    deadline_ns: int | None
    """When it becomes ready by itself, in wall-clock nanoseconds; None where no clock decides."""
    is_promise: bool
    """Does it reach a worker that holds no memory? A deadline does anyway."""

    def is_ready(self) -> bool: ...

    def call_when_ready(self, wake: Callable[[], None]) -> None:
        """Call `wake` (from any thread, perhaps at once) when it may have become ready other than by its deadline."""


class Closable(Protocol):
    def close(self) -> None:
        """From any thread; once more does no harm."""


class HostContext(Protocol):
    """One worker instance, seen from its host functions.

    Everything here may be called from the worker's own thread only, except where it says otherwise.
    """

    args: Sequence[str]
    env: Sequence[tuple[str, str]]
    table: ResourceTable
    id: WorkerId
    peers: Peers
    is_idempotent: bool
    """May a remote write that was cut off be done again? The component sets it. Source: SEMANTICS 3.11."""

    def was_named(self, worker: WorkerId) -> bool:
        """Is this the worker itself, perhaps by the name of one that its history was forked from?"""

    @property
    def is_live(self) -> bool:
        """Do answers come from outside now, not from the oplog?"""

    def shared(self, kind: Callable[[HostContext], T]) -> T:
        """Return this instance's one object of class `kind`, made by `kind(self)` on first use."""

    def call(self, function: HostFunction, target: Any, arguments: dict[str, Any]) -> Any:
        """Call a host function as the component would: recorded if its mark says so."""

    # For bodies of recorded functions.

    def now_ns(self) -> int:
        """Wall-clock time in nanoseconds since the Unix epoch. Never goes back within a worker."""

    def random_bytes(self, count: int) -> bytes: ...

    def wait_until_any(self, sources: Sequence[Source]) -> list[int]:
        """Wait until at least one source is ready; return the positions of those that are, ascending.

        Gives the run slot back, has the oplog committed, and ends by an exception when the worker is interrupted.
        """

    def submit(self, work: Callable[[], None]) -> None:
        """Run blocking work (network) on a thread of the engine's; it tells its outcome by itself."""

    def run_apart(self, work: Callable[[], T]) -> T:
        """Run what may wait for other workers on another thread, and wait for it as `wait_until_any` does."""

    def close_with_instance(self, held: Closable) -> None:
        """Close this, if it is still in use then, when the instance is dropped: that drops no handles."""

    # For bodies of functions that run again in replay.

    def moment_ns(self) -> int:
        """A time for file stamps: the clock when live, in replay the timestamp of the entry last passed."""

    def emit(self, level: LogLevel, context: str, message: str) -> None:
        """Hand out a line of output: an event and a Log entry when live, nothing in replay. Source: SEMANTICS 3.9."""

    def begin_remote_write(self) -> int:
        """Open a remote write and return the index of its BeginRemoteWrite entry.

        Live: the entry is committed before this returns. In replay of a write that never ended, the worker is live when
        this returns: the whole write must be done again. Source: SEMANTICS 3.6, 3.7.
        """

    def end_remote_write(self, begin: int) -> None:
        """Close the remote write that began at `begin`."""

    def begin_atomic_region(self) -> OplogIndex:
        """Open a region that is done again as a whole where it is cut off. Source: SEMANTICS 3.10."""

    def end_atomic_region(self, begin: OplogIndex) -> None: ...

    def begin_function(self, effect: Effect, begin: OplogIndex | None) -> OplogIndex:
        """Begin a call that the component makes durable itself; return where it began. Source: SEMANTICS 3.2, 5.4.

        `begin` is given for a call within a batch or transaction.
        """

    def end_function(self, effect: Effect, begin: OplogIndex | None, index: OplogIndex) -> None:
        """End the call that `begin_function` said begins at `index`."""

    def persist_call(
        self, name: str, request: Recorded, response: Recorded, effect: Effect, begin: OplogIndex | None
    ) -> None:
        """Record what came of a call; only when live."""

    def persisted_call(self) -> PersistedCall:
        """Return the next recorded call; only in replay."""

    def oplog_index(self) -> OplogIndex:
        """Return the index of an entry that is made for it."""

    def next_index(self) -> OplogIndex:
        """Return the index that the entry of the recorded function that runs will have, or one shortly before it."""

    def jump_to(self, index: OplogIndex) -> None:
        """Undo all after `index`, and go on from there; nothing in replay. When live, it does not return."""

    def commit_oplog(self) -> None:
        """Return when all entries are stored."""

    @property
    def persistence_level(self) -> str: ...

    def set_persistence_level(self, level: str) -> None:
        """`PersistNothing`, `PersistRemoteSideEffects` or `Smart`. Source: SEMANTICS 3.11."""

    @property
    def retry_policy(self) -> RetryPolicy: ...

    def set_retry_policy(self, policy: RetryPolicy) -> None: ...

    def is_remote_write_open(self, begin: int) -> bool:
        """Would the remote write that began at `begin` be done again if the worker were dropped now?

        From any thread.
        """

    def start_span(self, attributes: Mapping[str, str]) -> str:
        """Open a span below the current one and return its id (16 hex digits)."""

    def finish_span(self, span_id: str) -> None: ...

    def trace_parent(self, span_id: str) -> str:
        """Return the header `traceparent` of a request made in a span. Source: SEMANTICS 2.8."""

    def derived_key(self, index: int) -> str:
        """Return the idempotency key of an outside effect that began at entry `index`. Source: SEMANTICS 2.2."""

    @property
    def network(self) -> Network:
        """Return what all workers of the engine share; usable from any thread."""
