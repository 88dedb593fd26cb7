"""The client against a mock of the contract that nobody here wrote: each request is one that the contract allows."""

import io
from contextlib import closing
from importlib.resources import files
from uuid import UUID

import pytest

from golem_nb import wire
from golem_nb.client.remote import RemoteClient
from golem_nb.errors import BadInput, GolemError, NotSupported, ServerError, Unauthorized
from golem_nb.model import Component, ComponentOptions, FileContent, Shadow, SnapshotPolicy, UpdateMode, WorkerId
from golem_nb.wire.dialects import METHODS
from golem_nb.wire.operations import OPERATIONS, by_id
from tests.client.prism import Prism, installed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(500)]  # the first run installs it

WORKER = WorkerId(UUID(int=1), 'w/x y("ä")')
OPTIONS, FILES = ComponentOptions(env={"A": "b"}), {"/a": FileContent(b"x")}


@pytest.fixture(scope="module")
def prism():
    command, why_not = installed()
    if command is None:
        pytest.skip(f"no Prism: {why_not}")
    running = Prism(command, files(wire) / "contract" / "golem-cloud-openapi.yml")
    yield running
    running.close()


@pytest.fixture
def client(prism):
    with closing(RemoteClient(prism.url, "5c832d93-ff85-4a8f-9803-513950fdfdb1", UUID(int=2))) as client:
        yield client


# A call of each method, with all that it can be told. What the contract has no operation for is below.
CALLS = {
    "create_component": lambda c: c.create_component("c", b"\0asm", OPTIONS, FILES),
    "update_component": lambda c: c.update_component(WORKER.component_id, b"\0asm", OPTIONS, FILES),
    "components": lambda c: c.components(),
    "component_by_name": lambda c: c.component_by_name("a/b c"),
    "component": lambda c: c.component(WORKER.component_id),
    "delete_component": lambda c: c.delete_component(WORKER.component_id),
    "component_wasm": lambda c: c.component_wasm(WORKER.component_id, 3),
    "launch_worker": lambda c: c.launch_worker(WORKER.component_id, "w", args=["a"], env={"K": "v"}, config={"a": "b"}),
    "workers": lambda c: c.workers(WORKER.component_id, count=5, cursor="x"),
    "worker": lambda c: c.worker(WORKER),
    "delete_worker": lambda c: c.delete_worker(WORKER),
    "invoke": lambda c: c.invoke(WORKER, "a:b/c.{d}", [1, "x", None, {"a": [1]}], key="k"),
    "invoke_and_await": lambda c: c.invoke_and_await(WORKER, "a:b/c.{d}", [1, "x"], key="k"),
    "interrupt_worker": lambda c: c.interrupt_worker(WORKER, recover_immediately=True),
    "resume_worker": lambda c: c.resume_worker(WORKER),
    "update_worker": lambda c: c.update_worker(WORKER, 3, UpdateMode.MANUAL),
}
# The contract has no schema for a page of an oplog, so the mock answers with nothing; and a WebSocket it cannot do.
UNREADABLE = {
    "oplog": lambda c: c.oplog(WORKER, from_index=3, count=10),
    "entries": lambda c: next(c.entries(WORKER)),
}
NOT_MOCKED = {"events"}
BESIDES = {
    "revert_worker": lambda c: c.revert_worker(WORKER, invocations=1),
    "fork_worker": lambda c: c.fork_worker(WORKER, WORKER, 3),
    "cancel_invocation": lambda c: c.cancel_invocation(WORKER, "k"),
    "complete_promise": lambda c: c.complete_promise(WORKER, 3, b"x"),
    "worker_files": lambda c: c.worker_files(WORKER),
    "worker_file": lambda c: c.worker_file(WORKER, "/a/b"),
    "crash_worker": lambda c: c.crash_worker(WORKER),
    "snapshot_policy": lambda c: c.snapshot_policy(WORKER.component_id),
    "set_snapshot_policy": lambda c: c.set_snapshot_policy(WORKER.component_id, SnapshotPolicy(3)),
    "find_workers": lambda c: c.find_workers(WORKER.component_id, None),
    "export_worker": lambda c: c.export_worker(WORKER, io.BytesIO()),
    "shadow": lambda c: c.shadow(WORKER, Shadow()),
    "import_worker": lambda c: c.import_worker(WORKER, io.BytesIO(b"x")),
}


def test_every_method_is_tried():
    assert set(CALLS) | set(UNREADABLE) | NOT_MOCKED | set(BESIDES) == set(METHODS)
    assert {METHODS[name] for name in BESIDES}.isdisjoint(by_id(OPERATIONS))


@pytest.mark.parametrize("method", CALLS)
def test_a_request_is_one_that_the_contract_allows_and_its_answer_is_read(client, method):
    answer = CALLS[method](client)

    if method in ("create_component", "update_component", "component", "component_by_name"):
        assert isinstance(answer, Component)


@pytest.mark.parametrize("method", UNREADABLE)
def test_a_page_of_an_oplog_is_asked_for_as_the_contract_allows(client, method):
    with pytest.raises(ServerError, match="answered 200: no JSON: ''"):
        UNREADABLE[method](client)


@pytest.mark.parametrize("method", BESIDES)
def test_what_the_contract_lacks_is_not_supported(client, method):
    with pytest.raises(NotSupported, match=METHODS[method]):
        BESIDES[method](client)


def test_the_mock_refuses_what_breaks_the_contract(prism):
    """So that the tests above say something; and its errors, which are no Golem's, are told all the same."""
    with closing(RemoteClient(prism.url, None, UUID(int=2))) as unknown, pytest.raises(Unauthorized):
        unknown.components()
    with (
        closing(RemoteClient(prism.url, "t", UUID(int=2))) as client,
        pytest.raises(GolemError, match="422: Invalid request"),
    ):
        client.workers(WORKER.component_id, count="many")


def test_the_error_that_the_contract_documents_is_read(prism):
    with closing(RemoteClient(prism.url, "t", UUID(int=2))) as client:
        client._http._http.headers["prefer"] = "code=400"
        with pytest.raises(BadInput) as caught:
            client.create_component("c", b"\0asm")
    assert str(caught.value) == "string"  # what the mock has for any text
