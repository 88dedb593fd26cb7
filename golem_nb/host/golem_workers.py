"""golem:api/host 1.1, its resource that lists workers. Source: SEMANTICS 5.1."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from golem_nb.errors import GolemError
from golem_nb.host.context import HostContext
from golem_nb.host.declare import Resource, Trap, Value, deterministic
from golem_nb.host.golem_host import metadata_value, uuid_from_value
from golem_nb.model import WorkerMetadata, WorkerStatus
from golem_nb.oplog import filters
from golem_nb.oplog.filters import AllOf, AnyOf, Comparator, Condition, Field, WorkerFilter

_LAST_MS = 253_402_300_799_999  # the last moment that Python's datetime knows: later ones are as late as any
PAGE = 50  # workers. Source: SEMANTICS 11

_COMPARATORS = {comparator.replace("-", "").lower(): comparator for comparator in Comparator}
_FIELDS = {
    "name": Field.NAME,
    "status": Field.STATUS,
    "version": Field.VERSION,
    "created-at": Field.CREATED_AT,
    "env": Field.ENV,
    "wasi-config-vars": Field.CONFIG,
}


def matches(filter: Value, worker: WorkerMetadata) -> bool:
    """Does a worker pass an `any-filter`: all conditions of one of its groups?"""
    return filters.matches(_filter(filter), worker)


def _filter(filter: Value) -> WorkerFilter:
    return AnyOf(tuple(AllOf(tuple(map(_condition, group["filters"]))) for group in filter["filters"]))


def _condition(condition: Value) -> Condition:
    case, asked = condition
    value = asked["value"]
    match case:
        case "status":
            value = WorkerStatus(value.capitalize())
        case "created-at":  # milliseconds
            value = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=min(value, _LAST_MS))
    comparator = _COMPARATORS[asked["comparator"].replace("-", "")]
    return Condition(_FIELDS[case], comparator, value, asked.get("name", ""))


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
