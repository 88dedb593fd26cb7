"""golem-nb:javascript/host, our own: what of golem:api a worker in JavaScript cannot take as it is.

QuickJS has no whole numbers beyond 2^53 at the border, so UUIDs are text here, and promises the worker's own. Values
for other workers are JSON: each step of a call is recorded as for programs in Python.
"""

from __future__ import annotations

import json
from typing import Any

from golem_nb.errors import ValueMismatch
from golem_nb.host.declare import Interface, Value, WitError, deterministic, read_remote, write_local, write_remote
from golem_nb.host.golem_host import GolemHost, PromiseSource, uuid_from_value, uuid_value
from golem_nb.host.golem_rpc import Connection
from golem_nb.host.python_calls import Calls
from golem_nb.model import WorkerId
from golem_nb.values.json import json_from_value, type_from_json, value_from_json
from golem_nb.values.nodes import nodes_from_value
from golem_nb.values.types import BOOL, BYTES, STRING, U64, OptionType


class JavaScriptHost(Interface, wit="golem-nb:javascript/host"):
    @write_local(label="golem_nb::javascript::create_promise", response=U64)
    def create_promise(self) -> int:
        index = self.worker.next_index()
        self.worker.peers.create_promise(index)
        return index

    @deterministic
    def promise_name(self, index: int) -> str:
        return f"{self.worker.id.component_id}/{self.worker.id.name}/{index}"

    @deterministic
    def await_promise(self, index: int) -> bytes:
        # Not recorded: the promise keeps its payload, and gives it again in replay.
        source = PromiseSource(self.worker, index)
        self.worker.wait_until_any([source])
        return source.payload() or b""

    @read_remote(
        label="golem_nb::javascript::poll_promise",
        request_type=U64,
        request=lambda self, index: index,
        response=OptionType(BYTES),
    )
    def poll_promise(self, index: int) -> bytes | None:
        return self.worker.peers.promise(index)

    @write_local(
        label="golem_nb::javascript::complete_promise",
        request_type=U64,
        request=lambda self, index, data: index,
        response=BOOL,
        commits=True,
    )
    def complete_promise(self, index: int, data: bytes) -> bool:
        return self.worker.peers.complete_promise(self.worker.id, index, data)

    @write_remote(label="golem_nb::javascript::idempotency_key", response=STRING)
    def idempotency_key(self) -> str:
        return self.worker.derived_key(self.worker.next_index())

    @deterministic
    def invoke(self, target: str, function: str, arguments: str, is_awaited: bool) -> str:
        """Call a function of another worker, with a JSON list of its arguments; its result as JSON, or `null`."""
        worker = self._worker_called(target)
        signature = json.loads(self._through(Calls, "signature", self._asked(worker, function)))
        params = _params(signature, json.loads(arguments))
        connection = Connection(self.worker, worker)
        try:
            if not is_awaited:
                connection.invoke(signature["name"], params)
                return "null"
            result = connection.invoke_and_await(signature["name"], params)
        except WitError as error:
            raise WitError(f"{target}: {error.payload[1]}") from None
        finally:
            connection.close()
        if result is None or result.type is None:
            return "null"
        return json.dumps(json_from_value(result.type, result.value))

    def _worker_called(self, target: str) -> WorkerId:
        component, slash, name = target.partition("/")
        if not slash:
            return WorkerId(self.worker.id.component_id, component)
        found = self._through(GolemHost, "resolve_component_id", {"component_reference": component})
        if found is None:
            raise WitError(f"there is no component {component!r}")
        return WorkerId(uuid_from_value(found["uuid"]), name)

    @staticmethod
    def _asked(worker: WorkerId, function: str) -> dict[str, Any]:
        bits = uuid_value(worker.component_id)
        halves = {f"component_{half.replace('-', '_')}": bits[half] for half in ("high-bits", "low-bits")}
        return {**halves, "worker": worker.name, "name": function}

    def _through(self, kind: type[Interface], name: str, arguments: dict[str, Any]) -> Any:
        """Call a function of another interface through the door, so that it is recorded."""
        return self.worker.call(getattr(kind, name), self.worker.shared(kind), arguments)


def _params(signature: Any, given: list[Any]) -> list[Value]:
    wanted = signature["parameters"]
    given = [*given, *(p["default"] for p in wanted[len(given) :] if "default" in p)]
    if len(given) != len(wanted):
        names = ", ".join(p["name"] for p in wanted) or "none"
        raise WitError(f"{signature['name']} takes {len(wanted)} arguments ({names}), not {len(given)}")
    params = []
    for parameter, value in zip(wanted, given, strict=True):
        type = type_from_json(parameter["typ"])
        try:
            own = json.dumps(value) if parameter["isJson"] else value_from_json(type, value, parameter["name"])
        except ValueMismatch as error:
            raise WitError(f"{signature['name']}: {error}") from None
        params.append(nodes_from_value(type, own))
    return params
