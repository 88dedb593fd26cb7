"""The client against mocks of what Golem 1.3, 1.4 and 1.5 publish: they allow each request, and its answer is read."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from email.parser import BytesParser
from uuid import UUID

import httpx
import jsonschema
import pytest

from golem_nb.client.http import Retries
from golem_nb.client.remote import RemoteClient
from golem_nb.errors import BadInput, GolemError, NotSupported
from golem_nb.model import (
    Component,
    ComponentOptions,
    ComponentType,
    FileContent,
    LinkTarget,
    UpdateMode,
    WorkerId,
    WorkerMetadata,
    WorkerStatus,
)
from golem_nb.oplog.filters import AllOf, AnyOf, Comparator, Condition, Field, Not
from golem_nb.wire.dialects import DIALECTS, METHODS
from tests.client.prism import Prism, installed
from tests.client.published import BINARY, RELEASES, for_prism, parts_of, published

COMPONENT, CONTAINER = UUID(int=1), UUID(int=2)
TOKEN = "5c832d93-ff85-4a8f-9803-513950fdfdb1"
WORKER = WorkerId(COMPONENT, 'cart("ä/b",{a: some(1)})')
OPTIONS = ComponentOptions(env={"A": "b"}, dynamic_linking={"a:b/c": {"x": LinkTarget("a:b/c", "other")}})
FILES = {"/a/b": FileContent(b"x", is_read_only=False)}

FILTER = AllOf(
    (
        AnyOf((Condition(Field.NAME, Comparator.STARTS_WITH, "cart"), Condition(Field.ENV, Comparator.LIKE, "b", "A"))),
        Not(Condition(Field.STATUS, Comparator.EQUAL, WorkerStatus.FAILED)),
        Condition(Field.VERSION, Comparator.GREATER_EQUAL, 2),
        Condition(Field.CONFIG, Comparator.EQUAL, "b", "a"),
        Condition(Field.CREATED_AT, Comparator.LESS, datetime(2026, 1, 31, tzinfo=UTC)),
    )
)

# A call of each method, with all that it can be told.
CALLS = {
    "create_component": lambda c: c.create_component("a:b", b"\0asm", OPTIONS, FILES),
    "update_component": lambda c: c.update_component(COMPONENT, b"\0asm", OPTIONS, FILES),
    "components": lambda c: c.components(),
    "component_by_name": lambda c: c.component_by_name("a:b/c d"),
    "component": lambda c: c.component(COMPONENT),
    "delete_component": lambda c: c.delete_component(COMPONENT),
    "component_wasm": lambda c: c.component_wasm(COMPONENT, 3),
    "launch_worker": lambda c: c.launch_worker(COMPONENT, WORKER.name, env={"K": "v"}),
    "workers": lambda c: c.workers(COMPONENT, count=5, cursor="0/7"),
    "find_workers": lambda c: c.find_workers(COMPONENT, FILTER, cursor="0/7", count=5),
    "worker": lambda c: c.worker(WORKER),
    "delete_worker": lambda c: c.delete_worker(WORKER),
    "invoke": lambda c: c.invoke(WORKER, "a:b/c.{d}", [1, "x", None, {"a": [1]}], key="k"),
    "invoke_and_await": lambda c: c.invoke_and_await(WORKER, "a:b/c.{d}", [1, "x"], key="k"),
    "interrupt_worker": lambda c: c.interrupt_worker(WORKER, recover_immediately=True),
    "resume_worker": lambda c: c.resume_worker(WORKER),
    "update_worker": lambda c: c.update_worker(WORKER, 3, UpdateMode.MANUAL),
    "oplog": lambda c: c.oplog(WORKER, from_index=3, count=1000),
    "entries": lambda c: list(c.entries(WORKER)),
    "revert_worker": lambda c: c.revert_worker(WORKER, invocations=1),
    "fork_worker": lambda c: c.fork_worker(WORKER, WorkerId(COMPONENT, "cart(2)"), 3),
    "cancel_invocation": lambda c: c.cancel_invocation(WORKER, "k/1"),
    "complete_promise": lambda c: c.complete_promise(WORKER, 3, b"x"),
    "worker_files": lambda c: c.worker_files(WORKER),
    "worker_file": lambda c: c.worker_file(WORKER, "/a/b"),
}
OTHER_CALLS = {
    "all workers": lambda c: c.find_workers(COMPONENT, None),
    "by cursor": lambda c: c.oplog(WORKER, cursor="5-0"),
    "search": lambda c: c.oplog(WORKER, query='"x y" OR z'),
    "revert to an index": lambda c: c.revert_worker(WORKER, last_index=3),
    "update automatically": lambda c: c.update_worker(WORKER, 3),
    "the container": lambda c: c.environment_id,
}
NO_WEB_SOCKET = {"events"}
OURS = {"crash_worker", "snapshot_policy", "set_snapshot_policy", "export_worker", "import_worker", "shadow"}


def test_every_method_is_tried():
    assert set(CALLS) | NO_WEB_SOCKET | OURS == set(METHODS)


@pytest.fixture(scope="module")
def mocks(tmp_path_factory):
    command, why_not = installed()
    if command is None:
        pytest.skip(f"no Prism: {why_not}")
    folder = tmp_path_factory.mktemp("published")
    documents = [for_prism(release, folder) for release in RELEASES]
    with ThreadPoolExecutor() as pool:
        running = list(pool.map(lambda document: Prism(command, document), documents))
    yield dict(zip(RELEASES, running, strict=True))
    for prism in running:
        prism.close()


def client_of(mock, release, container=CONTAINER):
    return RemoteClient(mock.url, TOKEN, container, dialect=release, retries=Retries(attempts=1))


def can(release, method):
    return METHODS[method] in DIALECTS[release].operations


@pytest.mark.slow
@pytest.mark.timeout(500)  # the first run installs it
@pytest.mark.parametrize("release", RELEASES)
def test_requests_are_allowed_and_answers_are_read(mocks, release):
    told = {}
    with closing(client_of(mocks[release], release)) as client:
        for method in (method for method in CALLS if can(release, method)):
            told[method] = CALLS[method](client)
        for call in OTHER_CALLS.values():
            call(client)

    assert isinstance(told["component"], Component)
    assert isinstance(told["worker"], WorkerMetadata)
    assert [type(worker) for worker in told["workers"].workers] == [WorkerMetadata]
    assert [entry.kind for entry in told["oplog"].entries] == ["ExportedFunctionInvoked"]
    assert told["oplog"].entries[0].fields["functionName"] == "string"
    assert told["worker_file"] == b"string"


@pytest.mark.slow
@pytest.mark.timeout(500)
@pytest.mark.parametrize("release", ["1.4", "1.5"])
def test_the_only_environment_is_found_and_named(mocks, release):
    with closing(client_of(mocks[release], release, None)) as client:
        assert isinstance(client.environment_id, UUID)
        assert client._peer.named_place().name == "string"


@pytest.mark.slow
@pytest.mark.timeout(500)
def test_an_environment_that_is_not_listed_is_asked_for(mocks):
    with closing(client_of(mocks["1.5"], "1.5", UUID(int=99))) as client:
        assert client._peer.named_place().app == "string"


@pytest.mark.slow
@pytest.mark.timeout(500)
@pytest.mark.parametrize("release", RELEASES)
def test_a_mock_refuses_what_is_not_published(mocks, release):
    """So that the tests above say something."""
    with closing(client_of(mocks[release], release)) as client:
        with pytest.raises(BadInput, match=r"^string$"):  # what a mock has for any text
            client.workers(COMPONENT, count="many")
        with pytest.raises(BadInput, match=r"^string$"):
            client.oplog(WORKER, cursor="nothing")


@pytest.mark.slow
@pytest.mark.timeout(500)
@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 500])
def test_failures_that_are_published_are_read(mocks, release, status):
    with closing(client_of(mocks[release], release)) as client:
        client._http._http.headers["prefer"] = f"code={status}"
        with pytest.raises(GolemError) as caught:
            client.worker(WORKER)
    assert "string" in str(caught.value)
    assert not isinstance(caught.value, NotSupported)


class Receiver:
    """Takes an upload apart, and answers with a component; `parts` are its last one's, with JSON read."""

    def __init__(self, release):
        self.release, self.parts = release, {}

    def __call__(self, request):
        type = request.headers.get("content-type", "")
        if type.startswith("multipart/form-data"):
            message = BytesParser().parsebytes(f"content-type: {type}\r\n\r\n".encode() + request.read())
            self.parts = {
                part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
                for part in message.get_payload()
            }
        stamp = "2026-01-31T12:34:56.789123456Z"
        old = {"versionedComponentId": {"componentId": str(COMPONENT), "version": 4}, "owner": {}}
        new = {"id": str(COMPONENT), "revision": 4, "files": [{"path": "/old", "permissions": "read-only"}]}
        shown = {"componentName": "a:b", "componentSize": 4, "createdAt": stamp, "metadata": {}}
        return httpx.Response(200, json={**shown, **(old if self.release == "1.3" else new)})

    def checked(self, operation_id):
        """Return the parts, each of which is as it is published."""
        schema = parts_of(self.release, operation_id)
        known = schema["properties"]
        read = {name: _read(known[name], content, schema) for name, content in self.parts.items()}
        jsonschema.validate({name: value for name, value in read.items() if known[name] != BINARY}, _texts(schema))
        assert set(schema["required"]) <= set(read)
        return read


def _read(schema, content, root):
    target = root["components"]["schemas"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return json.loads(content) if target.get("type") == "object" else content if schema == BINARY else content.decode()


def _texts(schema):
    return {**schema, "required": [name for name in schema["required"] if schema["properties"][name] != BINARY]}


@pytest.mark.parametrize("release", ["1.3", "1.4"])
@pytest.mark.parametrize("options", [None, OPTIONS])
@pytest.mark.parametrize("files", [None, FILES])
def test_the_parts_of_an_upload_are_those_that_are_published(release, options, files):
    receiver = Receiver(release)
    http = httpx.Client(transport=httpx.MockTransport(receiver))
    with closing(RemoteClient("http://golem.example", TOKEN, CONTAINER, http, dialect=release)) as client:
        client.create_component("a:b", b"\0asm", options, files)
        made = receiver.checked("create_component")
        component = client.update_component(COMPONENT, b"\0asm", options, files)
        changed = receiver.checked("update_component")

    assert component.version == 4
    facts = made["query" if release == "1.3" else "metadata"]
    assert facts["componentName"] == "a:b"
    assert facts.get("projectId") == (str(CONTAINER) if release == "1.3" else None)
    assert release == "1.3" or changed["metadata"]["currentRevision"] == 4
    assert (b"PK" in b"".join(part for part in made.values() if isinstance(part, bytes))) == (files is not None)


@pytest.mark.parametrize("release", RELEASES)
def test_what_a_release_cannot_say_is_told_and_not_sent(release):
    def refuse(request):
        raise AssertionError(f"{request.method} {request.url}")

    http = httpx.Client(transport=httpx.MockTransport(refuse))
    ephemeral = ComponentOptions(type=ComponentType.EPHEMERAL)
    with closing(RemoteClient("http://golem.example", TOKEN, CONTAINER, http, dialect=release)) as client:
        for method in (method for method in CALLS if not can(release, method)):
            with pytest.raises(NotSupported):
                CALLS[method](client)
        if release != "1.3":
            with pytest.raises(NotSupported):
                client.launch_worker(COMPONENT, "w", args=["a"])
            with pytest.raises(NotSupported):
                client.create_component("c", b"\0asm", ephemeral)


@pytest.mark.parametrize(("release", "key"), [("1.3", "wasiConfigVars"), ("1.4", "configVars")])
def test_what_a_worker_is_configured_with_is_a_list_of_keys_and_values(release, key):
    bodies = []

    def answer(request):
        bodies.append(json.loads(request.read()))
        return httpx.Response(200, json={"workerId": {"componentId": str(COMPONENT), "workerName": "w"}})

    http = httpx.Client(transport=httpx.MockTransport(answer))
    with closing(RemoteClient("http://golem.example", TOKEN, CONTAINER, http, dialect=release)) as client:
        client.launch_worker(COMPONENT, "w", config={"a": "b"})

    (body,) = bodies
    assert body[key] == [{"key": "a", "value": "b"}]
    schemas = published(release)["components"]
    jsonschema.validate(body, {"$ref": "#/components/schemas/WorkerCreationRequest", "components": schemas})
