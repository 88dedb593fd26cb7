"""One instance of a worker's component and its way through the oplog, from a plan of recovery until it is dropped."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Event
from typing import Any

from golem_nb.engine import recovery
from golem_nb.engine.checks import check_types, is_same_result
from golem_nb.engine.durability import Durability
from golem_nb.engine.files import PlannedFiles, versions
from golem_nb.engine.host_context import Output, WorkerHost
from golem_nb.engine.incoming import called
from golem_nb.engine.journal import Journal
from golem_nb.engine.recovery import Plan
from golem_nb.engine.replay import ReplayCursor
from golem_nb.engine.running_time import RunningTime
from golem_nb.engine.services import Services
from golem_nb.errors import ComponentNotFound, InvocationFailed
from golem_nb.model import ComponentId, ComponentType, WorkerId
from golem_nb.oplog.entries import (
    CreateResource,
    DescribeResource,
    DropResource,
    ExportedFunctionInvoked,
    HostState,
    Recorded,
)
from golem_nb.oplog.fold import RetryPolicy, WorkerState
from golem_nb.values.types import TypedValue
from golem_nb.wasm.components import Export, Indexed
from golem_nb.wasm.instance import GuestTrap, Instance, TrapKind
from golem_nb.wasm.link import LinkedComponent
from golem_nb.wasm.programs import Raised, new_instance


class CannotStart(Exception):
    """There is no instance now, for want of memory, files or the like; later there may be."""


class Execution:
    """Used by one thread at a time."""

    def __init__(
        self,
        journal: Journal,
        linked: LinkedComponent,
        instance: Instance,
        host: WorkerHost,
        durability: Durability,
        files: PlannedFiles,
        running_time: RunningTime,
    ) -> None:
        self._running_time = running_time
        self._journal, self._files, self.linked, self.instance = journal, files, linked, instance
        self.host, self.durability = host, durability

    def run(
        self, invoked: ExportedFunctionInvoked, stderr: Callable[[], str]
    ) -> tuple[bool, TypedValue | InvocationFailed | None]:
        """Run an invocation, recorded or new, to its end; a recorded one may turn live on its way.

        Return whether it ended live, and its result: of a program, also the exception that came out of it.
        """
        durability = self.durability
        durability.begin_invocation(invoked)
        self._running_time.begin()
        export = self.linked.compiled.export(invoked.function_name)
        if not durability.is_live:
            check_types(export.type, invoked.request)
        durability.note_live()
        arguments = [r.typed().value for r in invoked.request]
        type, failure = export.type.result, None
        try:
            value = called(self.instance, self.host.context, export, arguments)
        except Raised as error:
            type, value, failure = None, None, InvocationFailed(str(error), stderr())
        if isinstance(value, TypedValue):  # of a type of its own
            type, value = value.type, value.value
        is_live = durability.is_live
        self._note_handles()
        is_same = partial(is_same_result, urn=self.host.worker_urn, earlier_urns=self.host.earlier_urns)
        durability.complete(None if type is None else Recorded.of(type, value), is_same, failure)
        return is_live, failure or (None if type is None else TypedValue(type, value))

    def _note_handles(self) -> None:
        """Record which handles were given out, and which came back. Source: SEMANTICS 2.3."""
        handles = self.instance.handles
        if self.durability.is_live:
            for kind, changed in ((DropResource, handles.taken), (CreateResource, handles.given)):
                for number, resource in changed:
                    owner, _, name = resource.rpartition("#")
                    self._journal.append(partial(kind, id=number, name=name, owner=owner))
            for number, of in self.instance.described:
                self._journal.append(partial(DescribeResource, id=number, **_description(of)))
        self.instance.described.clear()
        handles.given.clear()
        handles.taken.clear()

    # Snapshots. Source: SEMANTICS 6.2.

    @property
    def can_snapshot(self) -> bool:
        """Is nothing open that could not be taken up from a snapshot, and does the component give any?"""
        return (
            not self._journal.state.resources
            and self.durability.is_between_effects
            and recovery.can_snapshot(self.linked.compiled)
        )

    def saved(self) -> tuple[bytes, HostState]:
        """Return the component's snapshot, and what of the worker lies outside of it.

        Raises:
            SnapshotFailed: The component gives none.
        """
        data = recovery.saved(self.linked.compiled, self._call_unrecorded)
        next_handle, is_idempotent = self.instance.handles.next, self.durability.is_idempotent
        return data, recovery.host_state(self.host, next_handle, is_idempotent, self.durability.retry_policy)

    def load(self, data: bytes, state: HostState) -> None:
        """Become what a snapshot says.

        Raises:
            SnapshotFailed: The component does not take it.
            FilesConflict: The files of its version have no room among the worker's.
        """
        self._files.load(state.files)
        recovery.load(self.linked.compiled, data, self._call_unrecorded)
        self.instance.handles.next = state.next_handle
        self.durability.is_idempotent = state.is_idempotent
        if state.retry_policy is not None:
            self.durability.retry_policy = RetryPolicy(*state.retry_policy)

    def _call_unrecorded(self, export: Export, arguments: list[Any]) -> Any:
        self._running_time.begin()
        with self.durability.unrecorded():
            return self.instance.call(export, arguments)

    def close(self) -> None:
        self.host.close()  # before the instance lets go of what is to be closed
        self.instance.close()


def _description(of: Indexed) -> dict[str, Any]:
    types = [p.type for p in of.constructor.type.parameters]
    params = tuple(Recorded.of(type, value) for type, value in zip(types, of.arguments, strict=True))
    return {"resource_name": of.name.resource, "resource_params": params}


def begin(
    plan: Plan,
    worker: WorkerId,
    number: int,
    journal: Journal,
    services: Services,
    *,
    became_live: Callable[[], None],
    output: Output,
    wake: Event,
    stop: Callable[[], BaseException | None],
    host_class: type[WorkerHost] = WorkerHost,
) -> Execution:
    """Instantiate a version of the component, with what it needs to meet the entries behind the plan's snapshot.

    Raises:
        ComponentNotFound: The version that an update asks for does not exist.
        CannotStart: There is no room for it now.
        GuestTrap: The component's own code for its start trapped.
    """
    state = journal.state
    assert state.create is not None, "entry 1 is Create"
    try:
        linked = services.linked(worker.component_id, plan.component_version)
        options = services.component_options(worker.component_id, plan.component_version)
        files = _files(plan, worker, state, services)
    except Exception as error:
        if plan.update is not None and isinstance(error, ComponentNotFound):
            raise
        raise CannotStart(str(error)) from error
    chunks = journal.stored_chunks(plan.snapshot + 1 if plan.snapshot else 2)
    cursor = ReplayCursor(
        chunks,
        plan.skipped,
        state.last_index,
        reprinted=state.reprinted,
        started_us=state.create.timestamp_us,
        passed_update=files.pass_update,
    )

    def replay_is_over() -> None:
        files.finish_update()  # its failure is the update's
        became_live()

    is_ephemeral = options.type is ComponentType.EPHEMERAL
    durability = Durability(journal, cursor, replay_is_over, str(worker), is_ephemeral=is_ephemeral)
    running_time = RunningTime(services.time_limit_s)
    host = host_class(
        services.surroundings,
        journal,
        durability,
        id=worker,
        number=number,
        peers=services.peers(worker, number),
        calls=services.calls,
        earlier_urns=[f"urn:worker:{_ancestor(worker.component_id, name)}" for name in state.create.forked_from],
        args=state.create.args,
        env=tuple(_environment(worker, {**options.env, **state.create.env}, plan.component_version).items()),
        config=state.create.config,
        files=files.tree,
        output=output,
        wake=wake,
        stop=stop,
        running_time=running_time,
    )
    try:
        instance = new_instance(linked, host, memory_limit_bytes=state.create.memory_limit_bytes)
    except GuestTrap as trap:
        if trap.kind is not TrapKind.NO_ROOM:
            raise
        raise CannotStart(str(trap)) from trap
    except (MemoryError, OSError) as error:
        raise CannotStart(str(error)) from error
    return Execution(journal, linked, instance, host, durability, files, running_time)


def _files(plan: Plan, worker: WorkerId, state: WorkerState, services: Services) -> PlannedFiles:
    options = services.component_options(worker.component_id, state.component_version)
    planned = versions(state, plan, is_ephemeral=options.type is ComponentType.EPHEMERAL)
    return PlannedFiles(planned, partial(services.initial_files, worker.component_id), services.file_content)


def _environment(worker: WorkerId, env: dict[str, str], version: int) -> dict[str, str]:
    """Return what the component sees. Source: SEMANTICS 1.4."""
    own = {
        "GOLEM_AGENT_ID": worker.name,
        "GOLEM_WORKER_NAME": worker.name,
        "GOLEM_COMPONENT_ID": str(worker.component_id),
        "GOLEM_COMPONENT_VERSION": str(version),
    }
    return {**env, **own}


def _ancestor(component_id: ComponentId, name: str) -> WorkerId:
    """Return the worker that a history came from: of the same component, unless the name says of which."""
    return WorkerId.parse(name) if "/" in name else WorkerId(component_id, name)
