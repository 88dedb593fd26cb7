"""golem-nb:python/calls, our own: what a program in Python needs to know to call other workers.

Calls themselves go through golem:rpc, whose values carry no types; those of the other's function are asked for here,
and recorded, so that a later version of the other component does not change a history.
"""

from __future__ import annotations

import json

from golem_nb.errors import GolemError
from golem_nb.host.declare import Interface, Value, WitError, read_remote
from golem_nb.host.golem_host import uuid_from_value
from golem_nb.model import WorkerId
from golem_nb.values.json import json_from_type
from golem_nb.values.types import STRING, Parameter


class Calls(Interface, wit="golem-nb:python/calls"):
    @read_remote(label="golem_nb::python::signature", response=STRING)
    def signature(self, component_high_bits: int, component_low_bits: int, worker: str, name: str) -> Value:
        component = uuid_from_value({"high-bits": component_high_bits, "low-bits": component_low_bits})
        try:
            found = self.worker.peers.function_type(WorkerId(component, worker), name)
        except GolemError as error:
            raise WitError(str(error)) from None
        parameters = [_described(parameter) for parameter in found.parameters]
        result = None if found.result is None else json_from_type(found.result)
        return json.dumps({"name": found.name, "parameters": parameters, "result": result})


def _described(parameter: Parameter) -> dict[str, Value]:
    default = {} if parameter.default is None else {"default": json.loads(parameter.default)}
    typ = json_from_type(parameter.type)
    return {"name": parameter.name, "typ": typ, "isJson": parameter.is_json, **default}
