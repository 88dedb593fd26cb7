"""One worker instance as its host functions see it (`host.context.HostContext`), and as wasm does (`StoppableHost`)."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from golem_nb.engine.calls import Calls
from golem_nb.engine.durability import Durability
from golem_nb.engine.journal import Journal
from golem_nb.engine.remote import Done, RemoteCalls
from golem_nb.engine.running_time import RunningTime
from golem_nb.engine.scheduler import Slots, Threads
from golem_nb.engine.stopping import Suspended
from golem_nb.engine.stores import Stores
from golem_nb.engine.tracing import new_span_id
from golem_nb.host.context import Blobs, Closable, HostContext, KeyValues, Peers, PersistedCall, Remote, Source
from golem_nb.host.declare import Effect, HostFunction, Interface, ResourceTable, WitError
from golem_nb.host.filetree import FileTree
from golem_nb.host.network import Network
from golem_nb.model import LogLevel, OplogIndex, WorkerId
from golem_nb.oplog.entries import InvocationContext, Recorded
from golem_nb.oplog.fold import RetryPolicy
from golem_nb.oplog.spans import Span

T = TypeVar("T")

# Source: SEMANTICS 3.14. Below it a waiting worker keeps its memory and a thread.
SUSPEND_AFTER_NS = 10 * 10**9


class Clock(Protocol):
    """The engine's only source of time."""

    def now_ns(self) -> int:
        """Wall-clock time in nanoseconds since the Unix epoch."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all workers of an engine share."""

    clock: Clock
    random_bytes: Callable[[int], bytes]
    slots: Slots
    threads: Threads
    """For blocking work of host functions."""
    network: Network
    stores: Stores


class Output(Protocol):
    """Where a worker's output goes when it is live."""

    def __call__(self, level: LogLevel, context: str, message: str, is_new: bool, is_recorded: bool = True) -> None:
        """Take a line; `is_new` is false for one that is recorded already, `is_recorded` for one that is not to be."""


class WorkerHost:
    """See the protocols named above. Made anew for each instance."""

    def __init__(
        self,
        surroundings: Surroundings,
        journal: Journal,
        durability: Durability,
        *,
        id: WorkerId,
        number: int,
        peers: Peers,
        calls: Calls,
        earlier_urns: Sequence[str],
        args: Sequence[str],
        env: Sequence[tuple[str, str]],
        config: Mapping[str, str],
        files: FileTree,
        output: Output,
        wake: threading.Event,
        stop: Callable[[], BaseException | None],
        running_time: RunningTime,
    ) -> None:
        self.args, self.env, self.config, self.table = args, env, config, ResourceTable()
        self.id, self.peers, self.files = id, peers, files
        self.remote: Remote = RemoteCalls(calls, self)
        self.keyvalue: KeyValues = surroundings.stores.keyvalue(id.component_id)
        self.blobs: Blobs = surroundings.stores.blobs(id.component_id, number)
        self.worker_urn, self.earlier_urns = f"urn:worker:{id}", earlier_urns
        self.context: HostContext = self
        self._stop, self._running_time = stop, running_time
        self._surroundings, self._journal, self._durability = surroundings, journal, durability
        self._output, self._wake = output, wake
        self._shared: dict[Any, Any] = {}
        self._held: weakref.WeakSet[Closable] = weakref.WeakSet()
        self.forwards_trace_headers = True

    def call(self, function: HostFunction, target: Any, arguments: dict[str, Any]) -> Any:
        try:
            answer = self._durability.call(function, target, arguments)
        except WitError:
            self._crash_if_due(function)
            raise
        self._crash_if_due(function)
        return answer

    def _crash_if_due(self, function: HostFunction) -> None:
        """Crash behind a call, whatever it was answered, where that is asked for."""
        point = self._journal.crash_point
        if point is not None and self.is_live and point.is_met(function.label, self._journal.state.last_index):
            self._journal.crash_point = None
            raise point.crash

    def stop(self) -> BaseException | None:
        return self._stop() or (self._running_time.tick() if self.is_live else None)

    @property
    def earlier_names(self) -> tuple[str, ...]:
        return tuple(urn.removeprefix("urn:worker:") for urn in self.earlier_urns)

    def was_named(self, worker: WorkerId) -> bool:
        return worker == self.id or f"urn:worker:{worker}" in self.earlier_urns

    @property
    def is_live(self) -> bool:
        return self._durability.is_live

    def interface(self, kind: type[Interface]) -> Interface:
        found: Interface = self.shared(kind)
        return found

    def shared(self, kind: Callable[..., T]) -> T:
        if kind not in self._shared:
            self._shared[kind] = kind(self)
        made: T = self._shared[kind]
        return made

    def now_ns(self) -> int:
        # Entries carry microseconds: within the last one the clock may seem to go back.
        return max(self._surroundings.clock.now_ns(), self._journal.last_timestamp_us * 1000)

    def random_bytes(self, count: int) -> bytes:
        return self._surroundings.random_bytes(count)

    def moment_ns(self) -> int:
        return self.now_ns() if self.is_live else self._durability.moment_us() * 1000

    def wait_until_any(self, sources: Sequence[Source]) -> list[int]:
        ready = _ready(sources)
        if ready:
            return ready
        self._journal.commit()  # what led here must not be lost while it waits
        # What is cut off is done again when the worker comes back, this wait too; what is not recorded would be lost.
        if self._durability.is_between_effects and self._durability.is_recording:
            self._suspend_if_long(sources)
        for source in sources:
            source.call_when_ready(self._wake.set)
        with self._surroundings.slots.given_back(lambda: self._stop() is not None):
            while True:
                self._wake.clear()
                ready = _ready(sources)
                if ready:
                    return ready
                reason = self._stop()
                if reason is not None:
                    raise reason
                self._wake.wait(self._seconds_until(_nearest(sources)))

    def _suspend_if_long(self, sources: Sequence[Source]) -> None:
        """Source: SEMANTICS 3.14; a wait for promises and timers goes by its timers."""
        if any(source.deadline_ns is None and not source.is_promise for source in sources):
            return
        nearest = _nearest(sources)
        if nearest is None or nearest - self._surroundings.clock.now_ns() > SUSPEND_AFTER_NS:
            raise Suspended(nearest, lambda: bool(_ready(sources)))

    def _seconds_until(self, deadline_ns: int | None) -> float | None:
        if deadline_ns is None:
            return None
        # Bounded, because the clock of a laptop that slept, or was set, is not the one that `wait` counts by.
        return min(max(0.0, (deadline_ns - self._surroundings.clock.now_ns()) / 1e9), 1.0)

    def submit(self, work: Callable[[], None]) -> None:
        self._surroundings.threads.run(work)

    def run_apart(self, work: Callable[[], T]) -> T:
        done: Future[T] = Future()

        def run() -> None:
            try:
                done.set_result(work())
            except BaseException as error:
                done.set_exception(error)

        self.submit(run)
        self.wait_until_any([Done(done)])
        return done.result()

    def close_with_instance(self, held: Closable) -> None:
        self._held.add(held)

    def close(self) -> None:
        """The instance is dropped: end what it left under way."""
        for held in list(self._held):
            held.close()

    def emit(self, level: LogLevel, context: str, message: str) -> None:
        is_new = not self._durability.consume_log(level, context, message)
        self._output(level, context, message, is_new, self._durability.is_recording)

    @property
    def is_idempotent(self) -> bool:
        return self._durability.is_idempotent

    @is_idempotent.setter
    def is_idempotent(self, value: bool) -> None:
        self._durability.is_idempotent = value

    @property
    def persistence_level(self) -> str:
        return self._durability.persistence_level

    def set_persistence_level(self, level: str) -> None:
        self._durability.set_persistence_level(level)

    @property
    def retry_policy(self) -> RetryPolicy:
        return self._durability.retry_policy

    def set_retry_policy(self, policy: RetryPolicy) -> None:
        self._durability.set_retry_policy(policy)

    def begin_atomic_region(self) -> OplogIndex:
        return self._durability.begin_atomic_region()

    def end_atomic_region(self, begin: OplogIndex) -> None:
        self._durability.end_atomic_region(begin)

    def begin_function(self, effect: Effect, begin: OplogIndex | None) -> OplogIndex:
        return self._durability.begin_function(effect, begin)

    def end_function(self, effect: Effect, begin: OplogIndex | None, index: OplogIndex) -> None:
        self._durability.end_function(effect, begin, index)

    def persist_call(
        self, name: str, request: Recorded, response: Recorded, effect: Effect, begin: OplogIndex | None
    ) -> None:
        self._durability.persist_call(name, request, response, effect, begin)

    def persisted_call(self) -> PersistedCall:
        return self._durability.persisted_call()

    def oplog_index(self) -> OplogIndex:
        return self._durability.oplog_index()

    def next_index(self) -> OplogIndex:
        return self._journal.state.last_index + 1

    def fork_here(self, name: str, function: HostFunction, arguments: dict[str, Any], answer: Any) -> None:
        then = self._durability.answered(function, arguments, answer)
        self.run_apart(lambda: self.peers.fork_here(name, then))

    def effect_key(self) -> str:
        return self._durability.effect_key()

    def jump_to(self, index: OplogIndex) -> None:
        self._durability.jump_to(index)

    def commit_oplog(self) -> None:
        self._durability.commit_oplog()

    def begin_remote_write(self) -> int:
        return self._durability.begin_remote_write()

    def goes_on(self, begin: int) -> bool:
        return self._durability.goes_on(begin)

    def end_remote_write(self, begin: int) -> None:
        self._durability.end_remote_write(begin)

    def is_remote_write_open(self, begin: int) -> bool:
        return self._durability.is_open_write(begin)

    @property
    def span(self) -> Span:
        if self._durability.span is None:  # the component is being started, or asked for a snapshot
            return Span(new_span_id(), self._journal.last_timestamp_us)
        return self._durability.span

    @property
    def trace_id(self) -> str:
        return self._durability.trace_id

    def start_span(self, attributes: Mapping[str, str], parent: Span | None = None) -> Span:
        return self._durability.start_span(attributes, parent)

    def enter_span(self, span: Span) -> None:
        self._durability.span = span

    def finish_span(self, span: Span) -> None:
        self._durability.finish_span(span)

    def set_span_attribute(self, span: Span, key: str, value: str) -> None:
        self._durability.set_span_attribute(span, key, value)

    def handed_on(self, span: Span) -> InvocationContext:
        return self._durability.handed_on(span)

    def when_live(self, do: Callable[[], None]) -> None:
        self._durability.when_live(do)

    def trace_headers(self, span: Span) -> list[tuple[str, str]]:
        return self._durability.trace_headers(span)

    def derived_key(self, index: int) -> str:
        return self._durability.derived_key(index)

    @property
    def network(self) -> Network:
        return self._surroundings.network


def _ready(sources: Sequence[Source]) -> list[int]:
    return [place for place, source in enumerate(sources) if source.is_ready()]


def _nearest(sources: Sequence[Source]) -> int | None:
    return min((s.deadline_ns for s in sources if s.deadline_ns is not None), default=None)
