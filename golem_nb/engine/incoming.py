"""An export of wasi:http/incoming-handler, called as an ordinary function from a request to its response."""

from __future__ import annotations

from typing import Any

from golem_nb.host.context import HostContext
from golem_nb.host.http_incoming import IncomingRequest, ResponseOutparam
from golem_nb.wasm.components import Export
from golem_nb.wasm.instance import Instance


def called(instance: Instance, worker: HostContext, export: Export, arguments: list[Any]) -> Any:
    """Call an export; one that stands for a handler of HTTP is given resources in place of the request.

    Raises:
        Trap: A handler gave no response, or none that is whole.
    """
    if export.handler is None:
        return instance.call(export, arguments)
    outparam = ResponseOutparam(worker)
    instance.call(export.handler, [IncomingRequest(worker, arguments[0]), outparam])
    return outparam.response()
