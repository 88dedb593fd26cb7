from types import SimpleNamespace

import pytest

from golem_nb.engine.incoming import called
from golem_nb.host.declare import Trap
from golem_nb.host.http_incoming import HANDLE, IncomingRequest, OutgoingResponse, ResponseOutparam
from golem_nb.host.http_request import Fields
from golem_nb.wasm.components import Export
from tests.host.context import FakeWorker

REAL = Export(None, ("wasi:http/incoming-handler@0.2.0", "handle"))
BRIDGE = Export(HANDLE, REAL.path, handler=REAL)


def instance(handle):
    return SimpleNamespace(call=handle)


def test_other_exports_are_called_as_they_are():
    export = Export(None, ("f",))

    assert called(instance(lambda export, arguments: (export, arguments)), FakeWorker(), export, [1]) == (export, [1])


def test_a_handler_is_given_resources_and_its_answer_is_the_result():
    worker, seen = FakeWorker(), []

    def handle(export, arguments):
        seen.append((export, *arguments))
        _, outparam = arguments
        ResponseOutparam.set.body(worker, outparam, ("ok", OutgoingResponse(worker, Fields(worker))))

    answer = called(instance(handle), worker, BRIDGE, [{"authority": "a"}])

    ((export, request, outparam),) = seen
    assert export is REAL
    assert isinstance(request, IncomingRequest) and isinstance(outparam, ResponseOutparam)
    assert answer == {"status": 200, "headers": [], "body-and-trailers": None}


def test_no_answer_is_a_trap():
    with pytest.raises(Trap):
        called(instance(lambda *_: None), FakeWorker(), BRIDGE, [{}])
