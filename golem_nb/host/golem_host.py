"""golem:api/host 1.1: promises, the worker's own oplog, how it is recorded and retried, and other workers.

Source: SEMANTICS 5.1. Golem 1.2 says *worker* where 1.3 says *agent*, in the names of functions and of fields: both are
served, so values that go out carry the fields of both, and the component's own type takes what it knows.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from golem_nb.host.context import HostContext
from golem_nb.host.declare import (
    Interface,
    Resource,
    Trap,
    Value,
    deterministic,
    read_remote,
    write_local,
    write_remote,
)
from golem_nb.host.io import Pollable
from golem_nb.model import OplogIndex, UpdateMode, WorkerId, WorkerMetadata
from golem_nb.oplog.fold import RetryPolicy
from golem_nb.values.types import BOOL, BYTES, STRING, U64, EnumType, OptionType, TupleType, record

UUID_TYPE = record(high_bits=U64, low_bits=U64)
COMPONENT_ID = record(uuid=UUID_TYPE)
WORKER_ID = record(component_id=COMPONENT_ID, agent_id=STRING)
REFERENCE = TupleType((STRING, STRING))
FORK_RESULT = EnumType(("original", "forked"))
PROMISE_ID = record(agent_id=WORKER_ID, oplog_idx=U64)

_LEVELS = {
    "persist-nothing": "PersistNothing",
    "persist-remote-side-effects": "PersistRemoteSideEffects",
    "smart": "Smart",
}
_MODES = {"automatic": UpdateMode.AUTOMATIC, "snapshot-based": UpdateMode.MANUAL}


def uuid_value(uuid: UUID) -> Value:
    return {"high-bits": uuid.int >> 64, "low-bits": uuid.int & ((1 << 64) - 1)}


def uuid_from_value(value: Value) -> UUID:
    return UUID(int=value["high-bits"] << 64 | value["low-bits"])


def worker_value(worker: WorkerId) -> Value:
    return {
        "component-id": {"uuid": uuid_value(worker.component_id)},
        "agent-id": worker.name,
        "worker-name": worker.name,
    }


def worker_from_value(value: Value) -> WorkerId:
    name = value["agent-id"] if "agent-id" in value else value["worker-name"]
    return WorkerId(uuid_from_value(value["component-id"]["uuid"]), name)


def promise_value(worker: WorkerId, index: OplogIndex) -> Value:
    owner = worker_value(worker)
    return {"agent-id": owner, "worker-id": owner, "oplog-idx": index}


def promise_from_value(value: Value) -> tuple[WorkerId, OplogIndex]:
    owner = value["agent-id"] if "agent-id" in value else value["worker-id"]
    return worker_from_value(owner), value["oplog-idx"]


def persistence_level_value(level: str) -> Value:
    return next(case for case, name in _LEVELS.items() if name == level), None


class PromiseSource:
    """Ready when the worker's own promise is complete."""

    deadline_ns: int | None = None
    is_promise = True

    def __init__(self, worker: HostContext, index: OplogIndex) -> None:
        self._worker, self._index = worker, index

    def is_ready(self) -> bool:
        return self.payload() is not None

    def payload(self) -> bytes | None:
        return self._worker.peers.promise(self._index)

    def call_when_ready(self, wake: Any) -> None:
        """Whoever completes a promise wakes its worker."""


class GetPromiseResult(Resource, wit="golem:api/host#get-promise-result"):
    def __init__(self, worker: HostContext, index: OplogIndex) -> None:
        self.worker, self.index, self.source = worker, index, PromiseSource(worker, index)

    @deterministic
    def subscribe(self) -> Pollable:
        return Pollable(self.worker, self.source)

    @read_remote(
        label="golem::api::get-promise-result::get",
        request_type=PROMISE_ID,
        request=lambda self: promise_value(self.worker.id, self.index),
        response=OptionType(BYTES),
    )
    def get(self) -> bytes | None:
        return self.source.payload()


def _own(worker: HostContext, promise: Value) -> OplogIndex:
    owner, index = promise_from_value(promise)
    if not worker.was_named(owner):
        raise Trap("Tried awaiting a promise not created by the current agent")
    return index


class GolemHost(Interface, wit="golem:api/host"):
    # Promises.

    @write_local(label="golem::api::create_promise", response=PROMISE_ID)
    def create_promise(self) -> Value:
        index = self.worker.next_index()
        self.worker.peers.create_promise(index)
        return promise_value(self.worker.id, index)

    @create_promise.rebuilt
    def _create_promise(self, made: Value) -> Value:
        return promise_value(*promise_from_value(made))

    @deterministic
    def get_promise(self, promise_id: Value) -> GetPromiseResult:
        return GetPromiseResult(self.worker, _own(self.worker, promise_id))

    @deterministic
    def await_promise(self, promise_id: Value) -> bytes:
        # Not recorded: the promise keeps its payload, and gives it again in replay.
        source = PromiseSource(self.worker, _own(self.worker, promise_id))
        self.worker.wait_until_any([source])
        return source.payload() or b""

    @read_remote(
        label="golem::api::poll_promise",
        request_type=PROMISE_ID,
        request=lambda self, promise_id: promise_value(*promise_from_value(promise_id)),
        response=OptionType(BYTES),
    )
    def poll_promise(self, promise_id: Value) -> bytes | None:
        return self.worker.peers.promise(_own(self.worker, promise_id))

    @write_local(
        label="golem::api::complete_promise",
        request_type=PROMISE_ID,
        request=lambda self, promise_id, data: promise_value(*promise_from_value(promise_id)),
        response=BOOL,
        commits=True,
    )
    def complete_promise(self, promise_id: Value, data: bytes) -> bool:
        owner, index = promise_from_value(promise_id)
        if self.worker.was_named(owner) and self.worker.peers.has_promise(index):
            owner = self.worker.id
        return self.worker.peers.complete_promise(owner, index, data)

    @write_local(
        label="golem:api::delete_promise",
        request_type=PROMISE_ID,
        request=lambda self, promise_id: promise_value(*promise_from_value(promise_id)),
    )
    def delete_promise(self, promise_id: Value) -> None:
        self.worker.peers.delete_promise(_own(self.worker, promise_id))

    # The worker's own oplog.

    @deterministic
    def get_oplog_index(self) -> int:
        return self.worker.oplog_index()

    @deterministic
    def set_oplog_index(self, oplog_idx: int) -> None:
        self.worker.jump_to(oplog_idx)

    @deterministic
    def oplog_commit(self, replicas: int) -> None:
        self.worker.commit_oplog()  # there is one copy, so that is all of them

    @deterministic
    def mark_begin_operation(self) -> int:
        return self.worker.begin_atomic_region()

    @deterministic
    def mark_end_operation(self, begin: int) -> None:
        self.worker.end_atomic_region(begin)

    # How it is recorded and retried.

    @deterministic
    def get_retry_policy(self) -> Value:
        policy = self.worker.retry_policy
        return {
            "max-attempts": policy.max_attempts,
            "min-delay": policy.min_delay_ns,
            "max-delay": policy.max_delay_ns,
            "multiplier": policy.multiplier,
            "max-jitter-factor": policy.max_jitter_factor,
        }

    @deterministic
    def set_retry_policy(self, new_retry_policy: Value) -> None:
        given = new_retry_policy  # the jitter is lost, as in Golem
        self.worker.set_retry_policy(
            RetryPolicy(given["max-attempts"], given["min-delay"], given["max-delay"], given["multiplier"], None)
        )

    @deterministic
    def get_oplog_persistence_level(self) -> Value:
        return persistence_level_value(self.worker.persistence_level)

    @deterministic
    def set_oplog_persistence_level(self, new_persistence_level: Value) -> None:
        self.worker.set_persistence_level(_LEVELS[new_persistence_level[0]])

    @deterministic
    def get_idempotence_mode(self) -> bool:
        return self.worker.is_idempotent

    @deterministic
    def set_idempotence_mode(self, idempotent: bool) -> None:
        self.worker.is_idempotent = idempotent

    @write_remote(label="golem api::generate_idempotency_key", response=UUID_TYPE)
    def generate_idempotency_key(self) -> Value:
        return uuid_value(UUID(self.worker.derived_key(self.worker.next_index())))

    # Other workers, and itself.

    @write_remote(
        label="golem::api::resolve_component_id",
        request_type=STRING,
        request=lambda self, component_reference: component_reference,
        response=OptionType(COMPONENT_ID),
    )
    def resolve_component_id(self, component_reference: str) -> Value:
        return self._resolved(component_reference)

    @deterministic
    def resolve_agent_id(self, component_reference: str, agent_name: str) -> Value:
        return self._worker_called(component_reference, agent_name)

    @deterministic
    def resolve_worker_id(self, component_reference: str, worker_name: str) -> Value:
        return self._worker_called(component_reference, worker_name)

    @write_remote(
        label="golem::api::resolve_worker_id_strict",
        request_type=REFERENCE,
        request=lambda self, component_reference, agent_name: (component_reference, agent_name),
        response=OptionType(WORKER_ID),
    )
    def resolve_agent_id_strict(self, component_reference: str, agent_name: str) -> Value:
        return self._existing_worker(component_reference, agent_name)

    @resolve_agent_id_strict.rebuilt
    def _resolve_agent_id_strict(self, found: Value, component_reference: str, agent_name: str) -> Value:
        return None if found is None else worker_value(worker_from_value(found))

    @write_remote(
        label="golem::api::resolve_worker_id_strict",
        request_type=REFERENCE,
        request=lambda self, component_reference, worker_name: (component_reference, worker_name),
        response=OptionType(WORKER_ID),
    )
    def resolve_worker_id_strict(self, component_reference: str, worker_name: str) -> Value:
        return self._existing_worker(component_reference, worker_name)

    @resolve_worker_id_strict.rebuilt
    def _resolve_worker_id_strict(self, found: Value, component_reference: str, worker_name: str) -> Value:
        return None if found is None else worker_value(worker_from_value(found))

    def _resolved(self, reference: str) -> Value:
        found = self.worker.peers.resolve_component(reference)
        return None if found is None else {"uuid": uuid_value(found)}

    def _worker_called(self, reference: str, name: str) -> Value:
        component = self.worker.call(type(self).resolve_component_id, self, {"component_reference": reference})
        return None if component is None else worker_value(WorkerId(uuid_from_value(component["uuid"]), name))

    def _existing_worker(self, reference: str, name: str) -> Value:
        component_id = self.worker.peers.resolve_component(reference)
        worker = None if component_id is None else WorkerId(component_id, name)
        return None if worker is None or self.worker.peers.metadata(worker) is None else worker_value(worker)

    @deterministic
    def get_self_metadata(self) -> Value:
        found = self.worker.peers.metadata(self.worker.id)
        if found is None:
            raise Trap(f"Worker not found: {self.worker.id}")
        return metadata_value(found)

    @deterministic
    def get_agent_metadata(self, agent_id: Value) -> Value:
        return _metadata(self.worker, agent_id)

    @deterministic
    def get_worker_metadata(self, worker_id: Value) -> Value:
        return _metadata(self.worker, worker_id)

    @write_remote(
        label="golem::api::update-worker",
        request_type=WORKER_ID,
        request=lambda self, agent_id, target_version, mode: worker_value(worker_from_value(agent_id)),
    )
    def update_agent(self, agent_id: Value, target_version: int, mode: str) -> None:
        self.worker.peers.update(worker_from_value(agent_id), target_version, _MODES[mode])

    @write_remote(
        label="golem::api::update-worker",
        request_type=WORKER_ID,
        request=lambda self, worker_id, target_version, mode: worker_value(worker_from_value(worker_id)),
    )
    def update_worker(self, worker_id: Value, target_version: int, mode: str) -> None:
        self.worker.peers.update(worker_from_value(worker_id), target_version, _MODES[mode])

    @write_remote(
        label="golem::api::fork-worker",
        request_type=WORKER_ID,
        request=lambda self, source, target, cut_off: worker_value(worker_from_value(source)),
    )
    def fork_agent(self, source: Value, target: Value, cut_off: int) -> None:
        self.worker.peers.fork(worker_from_value(source), worker_from_value(target), cut_off)

    @write_remote(
        label="golem::api::fork-worker",
        request_type=WORKER_ID,
        request=lambda self, source, target, cut_off: worker_value(worker_from_value(source)),
    )
    def fork_worker(self, source: Value, target: Value, cut_off: int) -> None:
        self.worker.peers.fork(worker_from_value(source), worker_from_value(target), cut_off)

    # The copy meets this entry in its oplog with the other answer.
    @write_remote(
        label="golem::api::fork",
        request_type=STRING,
        request=lambda self, new_name: new_name,
        response=FORK_RESULT,
    )
    def fork(self, new_name: str) -> str:
        self.worker.fork_here(new_name, GolemHost.fork, {"new_name": new_name}, "forked")
        return "original"

    @write_remote(
        label="golem::api::revert-worker",
        request_type=WORKER_ID,
        request=lambda self, agent_id, target: worker_value(worker_from_value(agent_id)),
    )
    def revert_agent(self, agent_id: Value, target: Value) -> None:
        _revert(self.worker, agent_id, target)

    @write_remote(
        label="golem::api::revert-worker",
        request_type=WORKER_ID,
        request=lambda self, worker_id, target: worker_value(worker_from_value(worker_id)),
    )
    def revert_worker(self, worker_id: Value, target: Value) -> None:
        _revert(self.worker, worker_id, target)


def _metadata(worker: HostContext, of: Value) -> Value:
    found = worker.peers.metadata(worker_from_value(of))
    return None if found is None else metadata_value(found)


def _revert(worker: HostContext, of: Value, target: Value) -> None:
    """Revert another worker. It is waited for until it has stopped, so this must be a wait that can be ended itself."""
    case, number = target
    key = f"{worker.id} {worker.effect_key()}"
    reverted = worker_from_value(of)
    if case == "revert-to-oplog-index":
        worker.run_apart(lambda: worker.peers.revert(reverted, last_index=number, key=key))
    else:
        worker.run_apart(lambda: worker.peers.revert(reverted, invocations=number, key=key))


def metadata_value(worker: WorkerMetadata) -> Value:
    id = worker_value(worker.worker_id)
    return {
        "agent-id": id,
        "worker-id": id,
        "args": list(worker.args),
        "env": list(worker.env.items()),
        "wasi-config-vars": list(worker.config.items()),
        "status": worker.status.value.lower(),
        "component-version": worker.component_version,
        "retry-count": 0,  # as in Golem
    }
