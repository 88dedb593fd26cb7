"""Every kind of oplog entry, one class each. Names, fields and marks are Golem 1.3's (SEMANTICS 1.1, 4.2, 4.3).

`hint` entries are skipped by replay; `status` is the worker's status after the entry (None: unchanged; Error decides by
the retry policy). Entries are msgspec structs, encoded as arrays that begin with the class's tag: C does the coding,
and a class may grow fields with defaults at its end. Tags are never used twice.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar
from uuid import UUID

import msgspec

from golem_nb.model import IdempotencyKey, LogLevel, OplogIndex, WorkerStatus
from golem_nb.values.binary import bytes_from_value, encoder, value_from_bytes
from golem_nb.values.types import TypedValue, WitType
from golem_nb.values.wave import text_from_type, type_from_text

RUNNING, IDLE = WorkerStatus.RUNNING, WorkerStatus.IDLE


class Recorded(msgspec.Struct, frozen=True, array_like=True):
    """A value with its type, both encoded: equal values of a type are equal bytes, and a fold need not decode them."""

    type: str
    data: bytes

    @staticmethod
    def of(type: WitType, value: object) -> Recorded:
        return Recorded(text_from_type(type), bytes_from_value(type, value))

    def typed(self) -> TypedValue:
        type = type_from_text(self.type)
        return TypedValue(type, value_from_bytes(type, self.data))


class Recorder:
    """`Recorded.of` for the values of one type, which is not looked up for each of them."""

    def __init__(self, type: WitType) -> None:
        self._text, self._encode = text_from_type(type), encoder(type)

    def of(self, value: object) -> Recorded:
        return Recorded(self._text, self._encode(value))


class OplogEntry(msgspec.Struct, frozen=True, array_like=True):
    """One step of a worker. `timestamp_us` counts microseconds since the Unix epoch."""

    hint: ClassVar[bool] = False
    status: ClassVar[WorkerStatus | None] = None

    timestamp_us: int


class Create(OplogEntry, frozen=True, tag=1):
    """The worker exists. Always entry 1."""

    status = IDLE
    component_id: UUID
    worker_name: str
    component_version: int
    args: tuple[str, ...]
    env: dict[str, str]
    component_size: int
    parent: str | None = None
    forked_from: tuple[str, ...] = ()
    """Names of the workers whose history this one's begins with: handles in it carry their names.

    One of another component, from an imported history, is `component/name`.
    """
    config: dict[str, str] = {}
    """What `wasi:config` tells the component."""
    environment_id: UUID | None = None
    """None in entries from before it was kept."""
    memory_limit_bytes: int | None = None
    """For ever, so that replay is refused what was refused before, and nothing else; None = no limit."""


class ImportedFunctionInvoked(OplogEntry, frozen=True, tag=2):
    """The component called a host function. `effect` is Golem's durable function type, `begin` its begin index."""

    status = RUNNING
    function_name: str
    request: Recorded
    response: Recorded
    effect: str
    begin: OplogIndex | None = None


class InheritedSpan(msgspec.Struct, frozen=True, array_like=True):
    """A span of an invocation's caller; the one above it comes next."""

    span_id: str
    start_us: int
    attributes: dict[str, str]


class InvocationContext(msgspec.Struct, frozen=True, array_like=True):
    """What a caller hands on: its trace (32 hex digits), W3C's trace states, its spans, innermost first."""

    trace_id: str
    trace_states: tuple[str, ...] = ()
    inherited: tuple[InheritedSpan, ...] = ()


class ExportedFunctionInvoked(OplogEntry, frozen=True, tag=3):
    """An invocation begins. Its span is `span_id` of the trace `trace_id` (16 and 32 hex digits, as W3C has them).

    `inherited` are the caller's spans, innermost first; none where nobody handed on any.
    """

    status = RUNNING
    function_name: str
    request: tuple[Recorded, ...]
    idempotency_key: IdempotencyKey
    trace_id: str = ""
    span_id: str = ""
    trace_states: tuple[str, ...] = ()
    inherited: tuple[InheritedSpan, ...] = ()


class ExportedFunctionCompleted(OplogEntry, frozen=True, tag=4):
    """An invocation has its result (None: the function gives none)."""

    status = IDLE
    response: Recorded | None
    consumed_fuel: int = 0
    failure: str = ""
    """What an exception shows that came out of a program instead of a result; the worker is as it left it."""
    stderr: str = ""


class Suspend(OplogEntry, frozen=True, tag=5):
    """The worker waits for a promise or a timer and holds no memory. `due_ns` is when the next timer is due, if any."""

    hint, status = True, WorkerStatus.SUSPENDED
    due_ns: int | None = None


class ErrorKind(StrEnum):
    """What went wrong. Source: SEMANTICS 1.1, second table."""

    UNKNOWN = "Unknown"
    OUT_OF_MEMORY = "OutOfMemory"
    INVALID_REQUEST = "InvalidRequest"
    STACK_OVERFLOW = "StackOverflow"
    EXCEEDED_MEMORY_LIMIT = "ExceededMemoryLimit"


class Error(OplogEntry, frozen=True, tag=6):
    """An invocation trapped. Whether it is retried follows from the policy; `retry_from` is where attempts count.

    `due_ns` is when the next attempt is due, if there is one.
    """

    hint = True
    kind: ErrorKind
    message: str
    stderr: str
    retry_from: OplogIndex
    due_ns: int | None = None


class NoOp(OplogEntry, frozen=True, tag=7):
    status = RUNNING


class Jump(OplogEntry, frozen=True, tag=8):
    """Replay skips the entries `start` to `end`, both included (`end` is this entry's own index).

    `is_asked_for` says that the component jumped, not that the engine does again what was cut off.
    """

    status = RUNNING
    start: OplogIndex
    end: OplogIndex
    is_asked_for: bool = False


class Interrupted(OplogEntry, frozen=True, tag=9):
    hint, status = True, WorkerStatus.INTERRUPTED


class Exited(OplogEntry, frozen=True, tag=10):
    hint, status = True, WorkerStatus.EXITED
    code: int = 0


class ChangeRetryPolicy(OplogEntry, frozen=True, tag=11):
    """Delays are in nanoseconds."""

    status = RUNNING
    max_attempts: int
    min_delay_ns: int
    max_delay_ns: int
    multiplier: float
    max_jitter_factor: float | None = None


class BeginAtomicRegion(OplogEntry, frozen=True, tag=12):
    status = RUNNING


class EndAtomicRegion(OplogEntry, frozen=True, tag=13):
    status = RUNNING
    begin_index: OplogIndex


class BeginRemoteWrite(OplogEntry, frozen=True, tag=14):
    """A write to outside begins; without its End, replay does it again from here."""

    status = RUNNING


class EndRemoteWrite(OplogEntry, frozen=True, tag=15):
    status = RUNNING
    begin_index: OplogIndex


class PendingWorkerInvocation(OplogEntry, frozen=True, tag=16):
    """An invocation was accepted and waits for its turn; with `target_version` a manual update does."""

    hint = True
    idempotency_key: IdempotencyKey
    function_name: str
    input: tuple[Recorded, ...]
    target_version: int | None = None
    trace_id: str = ""
    trace_states: tuple[str, ...] = ()
    inherited: tuple[InheritedSpan, ...] = ()


class HostState(msgspec.Struct, frozen=True, array_like=True):
    """What of a worker lies outside its component's memory, and is kept beside the component's own snapshot."""

    files: bytes = b""
    next_handle: int = 0
    """The number of the next handle that the component gives out."""
    is_idempotent: bool = True
    retry_policy: tuple[int, int, int, float, float | None] | None = None
    """The fields of a `RetryPolicy`, in its order; None for the default."""


class PendingUpdate(OplogEntry, frozen=True, tag=17):
    """`snapshot` is None for an automatic update."""

    hint = True
    target_version: int
    snapshot: bytes | None = None
    host: HostState = HostState()


class SuccessfulUpdate(OplogEntry, frozen=True, tag=18):
    hint = True
    target_version: int
    new_component_size: int
    details: str | None = None
    """What of a program's memory could not be carried over."""


class FailedUpdate(OplogEntry, frozen=True, tag=19):
    hint = True
    target_version: int
    details: str | None = None


class GrowMemory(OplogEntry, frozen=True, tag=20):
    hint = True
    delta: int


class CreateResource(OplogEntry, frozen=True, tag=21):
    hint = True
    id: int
    name: str
    owner: str


class DropResource(OplogEntry, frozen=True, tag=22):
    hint = True
    id: int
    name: str
    owner: str


class DescribeResource(OplogEntry, frozen=True, tag=39):
    """A resource was made because an invocation named it by what it is made of. Golem 1.2's."""

    hint = True
    id: int
    resource_name: str
    resource_params: tuple[Recorded, ...]


class Log(OplogEntry, frozen=True, tag=23):
    """A line of output. It leaves the status alone, so that late output wakes no worker (ADVICE of SEMANTICS 1.1)."""

    hint = True
    level: LogLevel
    context: str
    message: str


class Restart(OplogEntry, frozen=True, tag=24):
    hint, status = True, IDLE


class ActivatePlugin(OplogEntry, frozen=True, tag=25):
    hint = True
    installation_id: str


class DeactivatePlugin(OplogEntry, frozen=True, tag=26):
    hint = True
    installation_id: str


class Revert(OplogEntry, frozen=True, tag=27):
    hint = True
    start: OplogIndex
    end: OplogIndex
    key: str = ""
    """Of the effect by which another worker asked for it; empty where nobody did."""


class CancelPendingInvocation(OplogEntry, frozen=True, tag=28):
    hint = True
    idempotency_key: IdempotencyKey


class StartSpan(OplogEntry, frozen=True, tag=29):
    status = RUNNING
    span_id: str
    parent_id: str | None
    attributes: dict[str, str]


class FinishSpan(OplogEntry, frozen=True, tag=30):
    status = RUNNING
    span_id: str


class SetSpanAttribute(OplogEntry, frozen=True, tag=31):
    status = RUNNING
    span_id: str
    key: str
    value: str


class ChangePersistenceLevel(OplogEntry, frozen=True, tag=32):
    status = RUNNING
    level: str


class BeginRemoteTransaction(OplogEntry, frozen=True, tag=33):
    status = RUNNING
    transaction_id: str
    original_begin_index: OplogIndex | None = None


class PreCommitRemoteTransaction(OplogEntry, frozen=True, tag=34):
    status = RUNNING
    begin_index: OplogIndex


class PreRollbackRemoteTransaction(OplogEntry, frozen=True, tag=35):
    status = RUNNING
    begin_index: OplogIndex


class CommittedRemoteTransaction(OplogEntry, frozen=True, tag=36):
    status = RUNNING
    begin_index: OplogIndex


class RolledBackRemoteTransaction(OplogEntry, frozen=True, tag=37):
    status = RUNNING
    begin_index: OplogIndex


class Snapshot(OplogEntry, frozen=True, tag=38):
    """The component's own snapshot of its state (added by golem_nb; ARCHITECTURE, decision 12)."""

    hint = True
    data: bytes
    component_version: int = 0
    host: HostState = HostState()


KINDS: tuple[type[OplogEntry], ...] = tuple(OplogEntry.__subclasses__())
