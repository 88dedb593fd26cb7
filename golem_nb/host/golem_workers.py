"""golem:api/host 1.1, its resource that lists workers. Source: SEMANTICS 5.1."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from golem_nb.errors import GolemError
from golem_nb.host.context import HostContext
from golem_nb.host.declare import Resource, Trap, Value, deterministic
from golem_nb.host.golem_host import metadata_value, uuid_from_value
from golem_nb.model import WorkerMetadata

PAGE = 50  # workers. Source: SEMANTICS 11

# In Golem's order, by which statuses are compared.
_STATUSES = ("running", "idle", "suspended", "interrupted", "retrying", "failed", "exited")
_COMPARATORS: dict[str, Callable[[Any, Any], bool]] = {
    "equal": operator.eq,
    "not-equal": operator.ne,
    "greater-equal": operator.ge,
    "greater": operator.gt,
    "less-equal": operator.le,
    "less": operator.lt,
    "like": lambda text, part: part in text,
    "not-like": lambda text, part: part not in text,
    "starts-with": str.startswith,
}


def matches(filter: Value, worker: WorkerMetadata) -> bool:
    """Does a worker pass an `any-filter`: all conditions of one of its groups?"""
    return any(all(_holds(condition, worker) for condition in group["filters"]) for group in filter["filters"])


def _holds(condition: Value, worker: WorkerMetadata) -> bool:
    case, asked = condition
    compare, wanted = _COMPARATORS[asked["comparator"]], asked["value"]
    match case:
        case "name":
            return compare(worker.worker_id.name, wanted)
        case "status":
            return compare(_STATUSES.index(worker.status.value.lower()), _STATUSES.index(wanted))
        case "version":
            return compare(worker.component_version, wanted)
        case "created-at":  # milliseconds
            return compare(int(worker.created_at.timestamp() * 1000), wanted)
        case "env":
            return asked["name"] in worker.env and compare(worker.env[asked["name"]], wanted)
        case "wasi-config-vars":
            return asked["name"] in worker.config and compare(worker.config[asked["name"]], wanted)
        case _:
            return False


class _Workers(Resource):
    """Pages of a component's workers."""

    def __init__(self, worker: HostContext, component_id: Value, filter: Value) -> None:
        self.worker, self._component_id = worker, uuid_from_value(component_id["uuid"])
        self._filter = filter
        self._cursor: str | None = None
        self._is_over = False

    @deterministic
    def get_next(self) -> Value:
        if self._is_over:
            return None
        peers, component_id, cursor = self.worker.peers, self._component_id, self._cursor
        try:
            page = self.worker.run_apart(lambda: peers.workers(component_id, cursor, PAGE))
        except GolemError as error:
            raise Trap(str(error)) from error
        self._cursor, self._is_over = page.cursor, page.cursor is None
        return [metadata_value(w) for w in page.workers if self._filter is None or matches(self._filter, w)]


class GetAgents(_Workers, wit="golem:api/host#get-agents"):
    @deterministic(static=True)
    def constructor(worker: HostContext, component_id: Value, filter: Value, precise: bool) -> GetAgents:
        return GetAgents(worker, component_id, filter)


class GetWorkers(_Workers, wit="golem:api/host#get-workers"):
    @deterministic(static=True)
    def constructor(worker: HostContext, component_id: Value, filter: Value, precise: bool) -> GetWorkers:
        return GetWorkers(worker, component_id, filter)
