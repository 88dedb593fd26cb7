"""Calls between workers, as the engine sees them: who waits for whom, and what is to be called at its time.

A scheduled call is a row until it is accepted by its worker, under an idempotency key of its own: one that was accepted
just before a crash is accepted again, and runs once.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any, Protocol
from uuid import UUID

import msgspec

from golem_nb.engine.parameters import parameters_from_nodes
from golem_nb.engine.scheduler import Threads, Timers
from golem_nb.errors import (
    BadInput,
    CallCycle,
    EngineStopped,
    GolemError,
    NotFound,
    PreviousInvocationFailed,
    StoreFailed,
    WorkerReverted,
)
from golem_nb.host.context import RemoteCall, WorkerTemplate
from golem_nb.model import IdempotencyKey, WorkerId, WorkerMetadata, WorkerStatus
from golem_nb.oplog.entries import InvocationContext
from golem_nb.store.schedule import Schedule, ScheduledRow
from golem_nb.values.types import FunctionType, TypedValue, WitType

# A child has its own. Source: SEMANTICS 1.4.
_OWN_VARIABLES = {"GOLEM_AGENT_ID", "GOLEM_WORKER_NAME", "GOLEM_COMPONENT_ID", "GOLEM_COMPONENT_VERSION"}

AGAIN_NS = 10**9  # a worker that is being retried refuses calls until it is not

log = logging.getLogger("golem_nb.engine")


class Verbs(Protocol):
    """The engine's methods that are needed here."""

    def function_type(self, worker: WorkerId, function: str) -> FunctionType: ...

    def accept(
        self,
        worker: WorkerId,
        function: str,
        values: Callable[[FunctionType], Sequence[Any]],
        key: IdempotencyKey,
        waiter: Future[TypedValue | None] | None,
        context: InvocationContext | None = None,
        template: WorkerTemplate | None = None,
    ) -> Future[None]: ...

    def worker(self, worker: WorkerId) -> WorkerMetadata: ...

    def find_or_launch(self, worker: WorkerId, template: WorkerTemplate | None = None) -> object: ...

    def has_at_hand(self, worker: WorkerId) -> bool: ...


class _Scheduled(msgspec.Struct, frozen=True, array_like=True):
    """A call in the store."""

    component_id: UUID
    worker_name: str
    function: str
    params: list[Any]
    key: IdempotencyKey
    context: InvocationContext
    args: tuple[str, ...]
    env: Mapping[str, str]
    parent: tuple[UUID, str] | None
    config: Mapping[str, str]
    earlier_parents: tuple[str, ...]

    @staticmethod
    def of(call: RemoteCall) -> _Scheduled:
        target, template = call.target, call.template
        return _Scheduled(
            target.component_id,
            target.name,
            call.function,
            list(call.params),
            call.key,
            call.context,
            template.args,
            template.env,
            None if template.parent is None else (template.parent.component_id, template.parent.name),
            template.config,
            template.earlier_parents,
        )

    def call(self) -> RemoteCall:
        parent = None if self.parent is None else WorkerId(*self.parent)
        template = WorkerTemplate(self.args, self.env, parent, self.config, self.earlier_parents)
        target = WorkerId(self.component_id, self.worker_name)
        return RemoteCall(target, self.function, self.params, self.key, self.context, template)


_decoder = msgspec.msgpack.Decoder(_Scheduled)


class Calls:
    def __init__(
        self, verbs: Verbs, schedule: Schedule, timers: Timers, threads: Threads, now_ns: Callable[[], int]
    ) -> None:
        self._verbs, self._schedule, self._timers, self._threads = verbs, schedule, timers, threads
        self._now_ns = now_ns
        self._waits: dict[WorkerId, WorkerId] = {}
        self._lock = threading.Lock()
        self._changed = threading.Condition()
        self._being_made, self._is_closed = 0, False

    # For one worker that calls another. From any thread; a worker that is not in memory is loaded.

    def is_at_hand(self, target: WorkerId) -> bool:
        """Can a call of this worker be made without waiting?"""
        return self._verbs.has_at_hand(target)

    def connect(self, target: WorkerId, template: WorkerTemplate) -> None:
        self._verbs.find_or_launch(target, _inherited(template))

    def parameters(self, call: RemoteCall) -> list[tuple[WitType, Any]]:
        """Return what a call hands over.

        Raises:
            FunctionNotFound, BadInput, ComponentNotFound: It cannot be made.
        """
        type = self._verbs.function_type(call.target, call.function)
        return list(zip((p.type for p in type.parameters), parameters_from_nodes(type, call.params), strict=True))

    def accept(self, call: RemoteCall, waiter: Future[TypedValue | None] | None) -> Future[None]:
        return self._verbs.accept(
            call.target,
            call.function,
            lambda type: parameters_from_nodes(type, call.params),
            call.key,
            waiter,
            call.context,
            _inherited(call.template),
        )

    @contextmanager
    def waiting(self, caller: WorkerId, target: WorkerId) -> Iterator[None]:
        """Note that a worker waits for another one, which runs one invocation at a time, too.

        Raises:
            CallCycle: That one waits for this one, itself or by way of others.
        """
        with self._lock:
            chain = [caller, target]
            while (following := self._waits.get(chain[-1])) is not None:
                chain.append(following)
                if following == caller:
                    raise CallCycle(
                        f"the call would wait for itself: {' waits for '.join(w.name for w in chain)}; call it without "
                        "waiting for its result, or from outside of the call"
                    )
            self._waits[caller] = target
        try:
            yield
        finally:
            with self._lock:
                del self._waits[caller]

    # Calls at a time.

    def start(self) -> None:
        """Set the clocks of what was scheduled before the engine was started."""
        for id, due_ns in self._schedule.all():
            self._timers.call_at(due_ns, partial(self._due, id))

    def schedule(self, call: RemoteCall) -> None:
        id = _id(call)
        self._schedule.add(id, call.due_ns, msgspec.msgpack.encode(_Scheduled.of(call))).result()
        self._timers.call_at(call.due_ns, partial(self._due, id))

    def cancel(self, call: RemoteCall) -> None:
        self._schedule.remove(_id(call)).result()

    def to_itself(self, worker: WorkerId) -> Iterator[tuple[int, bytes]]:
        """Yield when and what a worker has scheduled to itself."""
        for id, due_ns in self._schedule.all():
            body = self._schedule.get(id)
            call = None if body is None else _decoder.decode(body).call()
            if body is not None and call is not None and call.target == call.template.parent == worker:
                yield due_ns, body

    def rows(self, origin: WorkerId, target: WorkerId, calls: Iterable[tuple[int, bytes]]) -> Iterator[ScheduledRow]:
        """Yield what a worker is to have scheduled that is made of another one's history, to be stored with it.

        Raises:
            BadInput: They are not that worker's calls of itself.
        """
        for due_ns, body in calls:
            try:
                call = _decoder.decode(body).call()
            except (msgspec.MsgspecError, RecursionError) as error:
                raise BadInput(f"a scheduled call cannot be read: {error}") from None
            if not call.target == call.template.parent == origin or not 0 <= due_ns < 1 << 63:
                raise BadInput("a scheduled call is none of the worker's to itself")
            call = replace(call, target=target, template=replace(call.template, parent=target))
            yield _id(call), due_ns, msgspec.msgpack.encode(_Scheduled.of(call))

    def note_stored(self, rows: Iterable[ScheduledRow]) -> None:
        """Set the clocks of calls that were stored with their worker."""
        for id, due_ns, _ in rows:
            self._timers.call_at(due_ns, partial(self._due, id))

    def close(self) -> None:
        """Make none any more; return when those are made that are being made. The engine takes nothing by then."""
        with self._changed:
            self._is_closed = True
            self._changed.wait_for(lambda: self._being_made == 0)

    def _due(self, id: str) -> None:
        with self._changed:
            if self._is_closed:
                return
            self._being_made += 1
        try:
            self._threads.run(partial(self._make, id))
        except RuntimeError as error:
            log.warning("a scheduled call waits: the system gives no thread (%s)", error)
            self._note_made()
            self._again(id)

    def _note_made(self) -> None:
        with self._changed:
            self._being_made -= 1
            self._changed.notify_all()

    def _again(self, id: str) -> None:
        self._timers.call_at(self._now_ns() + AGAIN_NS, partial(self._due, id))

    def _make(self, id: str) -> None:
        try:
            self._make_or_leave(id)
        except EngineStopped:
            pass  # it is due again at the next start
        finally:
            self._note_made()

    def _make_or_leave(self, id: str) -> None:
        body = self._schedule.get(id)
        if body is None:
            return  # it was cancelled
        call = _decoder.decode(body).call()
        try:
            self.accept(call, None).result()
        except EngineStopped:
            raise
        except StoreFailed:
            self._again(id)
            return
        except GolemError as error:
            if self._may_pass(error, call.target):
                self._again(id)
                return
            log.warning("the scheduled call of %s of worker %s is given up: %s", call.function, call.target, error)
        self._schedule.remove(id)

    def _may_pass(self, error: GolemError, target: WorkerId) -> bool:
        """Is this refusal one of a worker that is being retried, or was just reverted?"""
        if isinstance(error, PreviousInvocationFailed):
            with suppress(NotFound):
                return self._verbs.worker(target).status is WorkerStatus.RETRYING
        return isinstance(error, WorkerReverted)


def _id(call: RemoteCall) -> str:
    """Keys derive from those of the callers, which may be the same for two of them."""
    return f"{call.template.parent} {call.target} {call.key}"


def _inherited(template: WorkerTemplate) -> WorkerTemplate:
    env = {name: value for name, value in template.env.items() if name not in _OWN_VARIABLES}
    return replace(template, env=env)
