"""The nouns of the contract: frozen data that client, server, engine and notebook share.

No behaviour beyond spelling and parsing names. Timestamps are aware datetimes in UTC.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

from golem_nb.errors import BadInput, InvalidWorkerName
from golem_nb.values.types import FunctionType, TypedValue

OplogIndex = int
IdempotencyKey = str
ComponentId = UUID

# The namespace of everything that golem_nb names by itself, and the environment that the local engine is used with.
NAMESPACE = UUID("6f1a3d4e-7a54-5d0a-9a53-0d1f6d2c8b11")
LOCAL_ENVIRONMENT = uuid5(NAMESPACE, "environment:local")
LOCAL_ACCOUNT = "local"

# What an engine allows unless it is told otherwise: enough for a runtime of Python and its data, and for a room full of
# them on a small machine; a loop without an end is over before the lesson is.
MEMORY_LIMIT_MIB = 512  # of one worker
TIME_LIMIT_S = 300  # of one invocation, as long as it runs


class WorkerStatus(StrEnum):
    """What a worker's oplog says of it. Source: the contract's WorkerMetadata."""

    RUNNING = "Running"
    IDLE = "Idle"
    SUSPENDED = "Suspended"
    INTERRUPTED = "Interrupted"
    RETRYING = "Retrying"
    FAILED = "Failed"
    EXITED = "Exited"


class LogLevel(StrEnum):
    """Where a line of output came from, or how serious it is. Source: SEMANTICS 4.3."""

    STDOUT = "Stdout"
    STDERR = "Stderr"
    TRACE = "Trace"
    DEBUG = "Debug"
    INFO = "Info"
    WARN = "Warn"
    ERROR = "Error"
    CRITICAL = "Critical"


def output_text(level: str, message: str) -> str:
    """Return a Log entry as output: what was printed as it is, what was logged as a line of its own."""
    return f"[{level}] {message}\n" if level in _LOGGED else message


_LOGGED = frozenset(LogLevel) - {LogLevel.STDOUT, LogLevel.STDERR}


class ComponentType(StrEnum):
    DURABLE = "Durable"
    EPHEMERAL = "Ephemeral"
    """Each invocation has an instance of its own; the oplog is for inspection."""


@dataclass(frozen=True, slots=True)
class LinkTarget:
    """What a resource of an imported client stands for: an interface of the component of that name."""

    interface: str
    component: str
    type: ComponentType = ComponentType.DURABLE


@dataclass(frozen=True, slots=True)
class InitialFile:
    """A file that workers of a component begin with, at an absolute path; its content goes by its SHA-256."""

    path: str
    sha256: str
    size_bytes: int
    is_read_only: bool = True


@dataclass(frozen=True, slots=True)
class FileContent:
    """What an initial file is to have in it."""

    data: bytes
    is_read_only: bool = True


@dataclass(frozen=True, slots=True)
class FileNode:
    """A file or directory of a worker, as a listing shows it. A directory has no size."""

    name: str
    modified_at: datetime
    is_directory: bool = False
    is_read_only: bool = False
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class ComponentOptions:
    """What a component version has besides its wasm. `dynamic_linking`: imported instance -> resource -> target.

    `files` tells which there are; their contents are handed over by themselves.
    """

    type: ComponentType = ComponentType.DURABLE
    env: Mapping[str, str] = field(default_factory=dict)
    files: tuple[InitialFile, ...] = ()
    dynamic_linking: Mapping[str, Mapping[str, LinkTarget]] = field(default_factory=dict)
    runtime: str = ""
    """The SHA-256 of the runtime of a program; the engine sets it when the version is made."""


@dataclass(frozen=True, slots=True)
class Component:
    """One version of an uploaded component. `exports` and `sha256` are None where a server does not tell them."""

    id: ComponentId
    name: str
    version: int
    size_bytes: int
    created_at: datetime
    exports: tuple[FunctionType, ...] | None = None
    sha256: str | None = None
    options: ComponentOptions = ComponentOptions()


@dataclass(frozen=True, slots=True, order=True)
class WorkerId:
    component_id: ComponentId
    name: str

    def __str__(self) -> str:
        return f"{self.component_id}/{self.name}"

    @staticmethod
    def parse(text: str) -> WorkerId:
        """Return the worker whose `str` this is."""
        component_id, _, name = text.partition("/")
        return WorkerId(parse_uuid(component_id, "a component"), name)


def check_worker_name(name: str) -> str:
    """Return `name` if it may name a worker.

    Raises:
        InvalidWorkerName: It may not.

    Source: SEMANTICS 0.1.
    """
    if not 1 <= len(name.encode("utf-8", "surrogatepass")) <= 512:
        raise InvalidWorkerName("Worker name must be between 1 and 512 characters")
    if any(c.isspace() for c in name):
        raise InvalidWorkerName("Worker name must not contain whitespaces")
    if "/" in name:
        raise InvalidWorkerName("Worker name must not contain '/'")
    if name.startswith("-"):
        raise InvalidWorkerName("Worker name must not start with '-'")
    if any(ord(c) < 32 or 0xD800 <= ord(c) < 0xE000 for c in name):
        raise InvalidWorkerName("Worker name must not contain control characters or lone surrogates")
    return name


def clean_path(path: str) -> str:
    """Return a path below a worker's root directory in one spelling: `a//b/./c` is `/a/b/c`.

    Raises:
        BadInput: It leads upwards, or cannot be a path.
    """
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise BadInput(f"a path in a worker must not have `..`, found {path[:80]!r}")
    if any(ord(c) < 32 or 0xD800 <= ord(c) < 0xE000 for c in path):
        raise BadInput(f"a path in a worker has no control characters or lone surrogates, found {path[:80]!r}")
    if any(len(part.encode()) > 255 for part in parts):
        raise BadInput(f"a name in a path has at most 255 bytes, found {path[:80]!r}")
    return "/" + "/".join(parts)


class UpdateMode(StrEnum):
    """How a worker gets to another component version: by replaying on it, or by the component's own snapshot."""

    AUTOMATIC = "Automatic"
    MANUAL = "Manual"


class UpdateState(StrEnum):
    """What became of an update. Source: SEMANTICS 6.4."""

    PENDING = "pendingUpdate"
    SUCCESSFUL = "successfulUpdate"
    FAILED = "failedUpdate"


@dataclass(frozen=True, slots=True)
class UpdateRecord:
    """One update of a worker. `details` says why it failed, or what of its memory could not be carried over."""

    state: UpdateState
    timestamp: datetime
    target_version: int
    details: str | None = None


@dataclass(frozen=True, slots=True)
class SnapshotPolicy:
    """When a worker's component is asked for a snapshot that later recoveries start from; None = never for that reason.

    Either may be due first; both count from the last snapshot, or from the worker's creation.
    """

    every_invocations: int | None = None
    every_s: float | None = None


@dataclass(frozen=True, slots=True)
class WorkerMetadata:
    """A worker as the API shows it. Fields below `created_at` have defaults: the contract does not promise them."""

    worker_id: WorkerId
    status: WorkerStatus
    component_version: int
    created_at: datetime
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    pending_invocation_count: int = 0
    retry_count: int = 0
    last_error: str | None = None
    component_size_bytes: int = 0
    last_index: OplogIndex = 0
    entries_replayed: int | None = None
    """How many entries the loaded instance met in its replay; None while it replays, and where none is loaded."""
    skipped_regions: tuple[tuple[OplogIndex, OplogIndex], ...] = ()
    deleted_regions: tuple[tuple[OplogIndex, OplogIndex], ...] = ()
    updates: tuple[UpdateRecord, ...] = ()
    """In order of time; an update that waits in the queue is pending, too."""
    owned_resources: Mapping[int, str] = field(default_factory=dict)
    """Handles given out and not dropped: number -> `interface#resource`."""
    config: Mapping[str, str] = field(default_factory=dict)
    """What `wasi:config` tells the worker; `wasiConfigVars` in the API."""
    environment_id: UUID | None = None
    """Where it lives (in 1.3 its project); older oplogs do not tell."""
    forked_from: tuple[str, ...] = ()
    """Names of the workers whose history this one's begins with; the last is the one that was forked."""


@dataclass(frozen=True, slots=True)
class WorkersPage:
    """Some workers in order of creation. `cursor` is None at the end."""

    workers: tuple[WorkerMetadata, ...]
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class CrashPoint:
    """Where a worker is to crash: when its oplog has come to an index, or at the `count`-th call of a host function.

    The call is one whose name has `at_call` in it; it is recorded, and the component does not get its answer.
    """

    at_index: OplogIndex | None = None
    at_call: str | None = None
    count: int = 1


def is_named(function: str, part: str) -> bool:
    """Has a host function's name this part in it? However it is spelled: `wall-clock`, `wall_clock`, `WallClock`."""
    return _letters(part) in _letters(function)


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


@dataclass(frozen=True, slots=True)
class Shadow:
    """What a worker's history is met again for, beside the worker.

    `to_index` None = all of it; `version` None = that of the history there. `answers` are what calls of host functions
    are answered with instead of what entries record: index -> JSON. `calls` (function, parameters as JSON) are made on
    the shadow, where the last invocation up to the index had ended.
    """

    to_index: OplogIndex | None = None
    version: int | None = None
    answers: Mapping[OplogIndex, Any] = field(default_factory=dict)
    calls: Sequence[tuple[str, Sequence[Any]]] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a component took another path: the entry, what it records, and what was done instead."""

    index: OplogIndex
    recorded: str
    now: str


@dataclass(frozen=True, slots=True)
class ShadowCall:
    """A call of a shadow: its result (None: it has none), or why it failed; and what it printed."""

    function: str
    result: TypedValue | None
    error: str | None
    output: str


@dataclass(frozen=True, slots=True)
class ShadowResult:
    """How far a shadow came. `difference` and `failure` are None where it met all entries up to `at_index`.

    `running` is the function in whose midst the entries end. `last_met` is how far it came, 0 where it met none.
    """

    at_index: OplogIndex
    version: int
    status: WorkerStatus
    entries_met: int
    running: str | None
    difference: Difference | None
    failure: str | None
    calls: tuple[ShadowCall, ...]
    last_met: OplogIndex = 0

    @property
    def is_same(self) -> bool:
        """Did the component do what is recorded?"""
        return self.difference is None and self.failure is None


@dataclass(frozen=True, slots=True)
class PublicEntry:
    """An oplog entry as the API shows it.

    `kind` is the server's word (open: newer servers have more). `fields` are the entry's other fields, keys in
    camelCase as Golem 1.3 spells them; values of WIT types are {"typ": …, "value": …}.
    """

    index: OplogIndex
    kind: str
    timestamp: datetime
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OplogPage:
    """Entries in order; of a search those that match. `last_index` is the worker's last one at that time.

    `next_index` and `cursor` say where the next page begins and are None at the end; a search goes on by its cursor.
    """

    entries: tuple[PublicEntry, ...]
    next_index: OplogIndex | None
    first_index: OplogIndex
    last_index: OplogIndex
    cursor: str | None = None


class EventType(StrEnum):
    """The kinds of a WorkerEvent. Source: the contract's AsyncAPI document."""

    STDOUT = "StdOut"
    STDERR = "StdErr"
    LOG = "Log"
    INVOCATION_START = "InvocationStart"
    INVOCATION_FINISHED = "InvocationFinished"


@dataclass(frozen=True, slots=True)
class WorkerEvent:
    """What a connected client sees.

    `message` is the text of output and logs; `level` belongs to Log. `context` of InvocationStart and
    InvocationFinished has `function` and `idempotencyKey`; that of a notice of lost events `missedMessages`.
    """

    type: EventType
    timestamp: datetime
    message: str | None = None
    level: str | None = None
    context: Mapping[str, Any] = field(default_factory=dict)


_UUID = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def text_from_timestamp(moment: datetime) -> str:
    """Return the moment as Golem writes it: ISO-8601, UTC, milliseconds, `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def timestamp_from_text(text: Any) -> datetime:
    """Return the moment that an ISO-8601 text spells; without an offset it is UTC.

    Digits behind the microseconds are cut off.
    """
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        raise BadInput(f"not a timestamp: {text!r:.80}") from None


def parse_uuid(text: str, what: str) -> UUID:
    """Return the UUID that `text` spells, in its usual form; Python's own reading takes many others.

    Raises:
        BadInput: It spells none; `what` says of what thing it should have been the id.
    """
    if not isinstance(text, str) or not _UUID.fullmatch(text):
        raise BadInput(f"{what} must be a UUID, found {text!r:.80}")
    return UUID(text)
