"""What a host function may ask of its worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from golem_nb.host.declare import Effect, HostFunction, ResourceTable
from golem_nb.host.filetree import FileTree
from golem_nb.host.network import Network
from golem_nb.model import (
    ComponentId,
    IdempotencyKey,
    LogLevel,
    OplogIndex,
    UpdateMode,
    WorkerId,
    WorkerMetadata,
    WorkersPage,
)
from golem_nb.oplog.entries import InvocationContext, OplogEntry, Recorded
from golem_nb.oplog.fold import RetryPolicy
from golem_nb.oplog.spans import Span
from golem_nb.values.types import FunctionType, TypedValue, WitType

T = TypeVar("T")


class Peers(Protocol):
    """What a worker may ask and do about workers, others and itself. Nothing here is recorded by itself.

    All raise what the engine's API raises, as `golem_nb.errors.GolemError`.
    """

    def metadata(self, worker: WorkerId) -> WorkerMetadata | None:
        """Return a worker as it is now; None where there is none."""

    def function_type(self, worker: WorkerId, function: str) -> FunctionType:
        """Return the type of a worker's function that is called by this name."""

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
        self, worker: WorkerId, *, last_index: OplogIndex | None = None, invocations: int | None = None, key: str = ""
    ) -> None:
        """Revert a worker; not again with the same key."""

    def workers(self, component_id: ComponentId, cursor: str | None, count: int) -> WorkersPage: ...

    def oplog(
        self,
        worker: WorkerId,
        from_index: OplogIndex,
        count: int,
        matches: Callable[[OplogIndex, OplogEntry], bool],
    ) -> tuple[list[tuple[OplogIndex, OplogEntry]], OplogIndex | None]:
        """Return entries of a worker's that match, and where to go on; None at the end."""

    def fork_here(self, name: str, then: OplogEntry) -> None:
        """Fork the worker as it is now; the copy's oplog goes on with an entry of its own."""

    def fork(self, source: WorkerId, target: WorkerId, at_index: OplogIndex) -> None: ...


class KeyValues(Protocol):
    """The key-value buckets of the worker's environment. Writes return when they are stored."""

    def get(self, bucket: str, key: str) -> bytes | None: ...

    def exists(self, bucket: str, key: str) -> bool: ...

    def keys(self, bucket: str) -> Sequence[str]: ...

    def set(self, bucket: str, pairs: Sequence[tuple[str, bytes]]) -> None:
        """Set values, all or none."""

    def delete(self, bucket: str, keys: Sequence[str]) -> None: ...


class ObjectInfo(Protocol):
    @property
    def created_at_ms(self) -> int: ...

    @property
    def size_bytes(self) -> int: ...


class Blobs(Protocol):
    """The blob containers of the worker's environment. Writes return when they are stored.

    What is not there raises `golem_nb.errors.NotFound`; deleting it does nothing.
    """

    def create_container(self, name: str, created_at_ms: int) -> int:
        """Make a container, if it is not there; return when it was made."""

    def container_created_at_ms(self, name: str) -> int | None: ...

    def delete_container(self, name: str) -> None: ...

    def clear(self, container: str) -> None: ...

    def names(self, container: str) -> Sequence[str]: ...

    def object_info(self, container: str, name: str) -> ObjectInfo: ...

    def read(self, container: str, name: str, start: int, count: int) -> bytes: ...

    def write(self, container: str, name: str, data: bytes, created_at_ms: int) -> None: ...

    def delete(self, container: str, names: Sequence[str]) -> None: ...

    def copy(self, source: tuple[str, str], target: tuple[str, str], created_at_ms: int, effect: str) -> None:
        """Copy an object; nothing where the worker's last copy or move was made for the same `effect`."""

    def move(self, source: tuple[str, str], target: tuple[str, str], created_at_ms: int, effect: str) -> None:
        """`copy`, and delete the source."""


@dataclass(frozen=True, slots=True)
class WorkerTemplate:
    """What a worker gets that is made because another one, `parent`, calls it."""

    args: tuple[str, ...]
    env: Mapping[str, str]
    parent: WorkerId | None
    config: Mapping[str, str] = field(default_factory=dict)
    earlier_parents: tuple[str, ...] = ()
    """The workers that the parent's history was forked from."""


@dataclass(frozen=True, slots=True)
class RemoteCall:
    """An invocation of another worker. `params` are `wit-value`s, `due_ns` is when to make one that is scheduled."""

    target: WorkerId
    function: str
    params: Sequence[Any]
    key: IdempotencyKey
    context: InvocationContext
    template: WorkerTemplate
    due_ns: int = 0


class Remote(Protocol):
    """Calls of other workers, by the worker that a host function belongs to. Nothing here is recorded by itself.

    A worker that does not exist is made. All raise what the engine's API raises, as `golem_nb.errors.GolemError`, and
    where they wait, end as `HostContext.wait_until_any` does.
    """

    def connect(self, target: WorkerId, template: WorkerTemplate) -> None:
        """See to it that there is such a worker."""

    def parameters(self, call: RemoteCall) -> Sequence[tuple[WitType, Any]]:
        """Return the values that a call hands over, with their types; none where it cannot be made."""

    def invoke_and_wait(self, call: RemoteCall) -> TypedValue | None:
        """Return the result of a call (None: the function gives none).

        Raises:
            CallCycle: The worker would wait for itself.
        """

    def begin(self, call: RemoteCall) -> Future[TypedValue | None]:
        """Make a call, and return when it is accepted, durably; the future has its result."""

    def ask(self, call: RemoteCall) -> Future[TypedValue | None]:
        """Ask for the result of a call that was accepted before a crash, and return at once."""

    def answer(self, result: Future[T]) -> T:
        """Return what came of a call that was begun, and is over.

        Raises:
            GolemError: It failed.
        """

    def enqueue(self, call: RemoteCall) -> None:
        """Return when a call is accepted, durably."""

    def schedule(self, call: RemoteCall) -> None:
        """Have a call made at its time; return when that is stored."""

    def cancel(self, call: RemoteCall) -> None:
        """Forget a scheduled call, if it was not made yet."""


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
    config: Mapping[str, str]
    files: FileTree
    table: ResourceTable
    id: WorkerId
    peers: Peers
    remote: Remote
    keyvalue: KeyValues
    blobs: Blobs
    is_idempotent: bool
    """May a remote write that was cut off be done again? The component sets it. Source: SEMANTICS 3.11."""

    @property
    def earlier_names(self) -> tuple[str, ...]:
        """The workers that this one's history was forked from, `COMPONENT/NAME`."""

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
        this returns: the whole write must be done again. Or it `goes_on`. Source: SEMANTICS 3.6, 3.7.
        """

    def goes_on(self, begin: int) -> bool:
        """Was this remote write cut off, and is to be taken up when replay is over?

        That is so where others were begun or made meanwhile: doing it again from its beginning would undo them.
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

    def fork_here(self, name: str, function: HostFunction, arguments: dict[str, Any], answer: Any) -> None:
        """Fork this worker as it is now; in the copy, the function that runs has this answer."""

    def effect_key(self) -> str:
        """Name what the recorded function that runs does outside: the same when a crash has it done again.

        What is done again for another reason (a jump, a revert, an atomic region) has another name.
        """

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

    forwards_trace_headers: bool
    """Do outgoing requests carry the headers of their trace? The component sets it. Source: SEMANTICS 5.3."""

    @property
    def span(self) -> Span:
        """The innermost span that the component is in."""

    @property
    def trace_id(self) -> str:
        """The trace of the invocation that runs, 32 hex digits."""

    def start_span(self, attributes: Mapping[str, str], parent: Span | None = None) -> Span:
        """Start a span, below the innermost one unless another parent is given; the innermost stays what it is."""

    def enter_span(self, span: Span) -> None:
        """Make a span that was started the innermost one."""

    def finish_span(self, span: Span) -> None:
        """End a span; if it is the innermost one, that is its parent now."""

    def set_span_attribute(self, span: Span, key: str, value: str) -> None: ...

    def handed_on(self, span: Span) -> InvocationContext:
        """Return what a call to another worker hands on from a span."""

    def when_live(self, do: Callable[[], None]) -> None:
        """Call this, which must not wait, when the worker is live: now, or at the end of replay."""

    def trace_headers(self, span: Span) -> list[tuple[str, str]]:
        """Return `traceparent`, and `tracestate` if there is any, of what is done in a span. Source: SEMANTICS 2.8."""

    def derived_key(self, index: int) -> str:
        """Return the idempotency key of an outside effect that began at entry `index`. Source: SEMANTICS 2.2."""

    @property
    def network(self) -> Network:
        """Return what all workers of the engine share; usable from any thread."""
