"""One walk over servers that answer as Golem 1.3, 1.4 and 1.5 do, and over our own: the client makes them look alike.

`Listening` servers refuse what those releases refuse, so each step also says that the request was right.
"""

import io
from contextlib import closing
from itertools import islice
from uuid import UUID

import pytest

from golem_nb.client.client import Client
from golem_nb.client.remote import RemoteClient
from golem_nb.errors import (
    BadInput,
    Conflict,
    GolemError,
    InvocationFailed,
    NotFound,
    NotSupported,
    Unauthorized,
    WorkerNotFound,
)
from golem_nb.model import (
    ComponentOptions,
    ComponentType,
    EventType,
    FileContent,
    Shadow,
    SnapshotPolicy,
    UpdateMode,
    WorkerId,
    WorkerStatus,
)
from golem_nb.server.access import Access
from golem_nb.wasm.text import wasm_from_text
from golem_nb.wire.dialects import DIALECTS, METHODS
from tests.client.stand_ins import PROJECT, STAND_INS, TOKEN, Golem14, Golem15, Listening
from tests.engine.conftest import COUNTER
from tests.server.conftest import Running

WASM = wasm_from_text(COUNTER)
# The name of a worker: an agent's has its type and parameters.
NAME = {"1.5": 'counter("a/b",1)'}


class Walk:
    def __init__(self, dialect):
        self.dialect, self.name = dialect, NAME.get(dialect, "w1")
        if dialect == "contract":
            self.server = Running(Access((TOKEN,)))
            self.url = f"http://127.0.0.1:{self.server.port}"
        else:
            self.server = Listening(STAND_INS[dialect]())
            self.url = self.server.url
        self.client = RemoteClient(self.url, TOKEN)

    def component(self):
        """A new component, uploaded or, where that cannot be done, deployed by others."""
        if self.dialect == "1.5":
            return self.client.component(self.server.stand_in.deploy("counter"))
        return self.client.create_component("counter", WASM)

    def close(self):
        self.client.close()
        self.server.close()


@pytest.fixture
def face():
    """Make a client that faces a stand-in; both are closed in the end."""
    opened = []

    def made(stand_in, environment_id=None, **options):
        listening = Listening(stand_in)
        client = RemoteClient(listening.url, TOKEN, environment_id, **options)
        opened.extend([client, listening])
        return client

    yield made
    for each in opened:
        each.close()


@pytest.fixture(params=list(DIALECTS))
def walk(request):
    walk = Walk(request.param)
    yield walk
    walk.close()


def test_components(walk):
    client, made = walk.client, walk.component()

    assert (made.name, made.version) == ("counter", 0)
    assert client.components() == [client.component_by_name("counter")] == [client.component(made.id)]
    assert client.component_wasm(made.id, 0).startswith(b"\0asm")
    with pytest.raises(NotFound):
        client.component_by_name("nothing")
    with pytest.raises(NotFound):
        client.component(UUID(int=7))


@pytest.mark.parametrize("walk", ["contract", "1.3", "1.4"], indirect=True)
def test_uploads(walk):
    client = walk.client
    options, files = ComponentOptions(env={"K": "v"}), {"/a.txt": FileContent(b"x", is_read_only=False)}
    first = client.create_component("first", WASM, options, files)
    second = client.update_component(first.id, WASM, options)

    assert (second.id, second.version) == (first.id, 1)
    assert client.component(first.id).version == 1
    assert [c.version for c in client.components()] == [1]
    assert client.component_wasm(first.id, 1) == WASM
    with pytest.raises(Conflict):
        client.create_component("first", WASM)


def test_files_of_golem_1_4_replace_those_before(face):
    golem = Golem14()
    client = face(golem)
    made = client.create_component("counter", WASM)
    client.update_component(made.id, WASM, files={"/new": FileContent(b"x")})

    facts = golem.components[str(made.id)]["facts"]
    assert facts == {
        "currentRevision": 0,
        "removedFiles": ["/old"],
        "newFileOptions": {"/new": {"permissions": "read-only"}},
    }
    with pytest.raises(NotSupported, match="no ephemeral components"):
        client.create_component("other", WASM, ComponentOptions(ComponentType.EPHEMERAL))


@pytest.mark.parametrize("walk", ["contract", "1.4", "1.5"], indirect=True)
def test_components_are_deleted(walk):
    made = walk.component()
    walk.client.delete_component(made.id)

    assert walk.client.components() == []


def test_workers(walk):
    client, component = walk.client, walk.component()
    worker = WorkerId(component.id, walk.name)
    others = [walk.name.replace("w1", f"w{n}").replace(",1)", f",{n})") for n in (2, 3)]

    assert client.launch_worker(component.id, walk.name, env={"K": "v"}) == worker
    for name in others:
        client.launch_worker(component.id, name)
    first = client.workers(component.id, count=2)
    rest = client.workers(component.id, count=2, cursor=first.cursor)

    assert [w.worker_id.name for w in (*first.workers, *rest.workers)] == [walk.name, *others]
    assert rest.cursor is None
    assert client.worker(worker).worker_id == worker
    assert client.worker(worker).component_version == 0
    with pytest.raises(GolemError, match="already exists"):
        client.launch_worker(component.id, walk.name)
    client.delete_worker(worker)
    with pytest.raises(WorkerNotFound):
        client.worker(worker)


def test_invocations_run_once_for_each_key(walk):
    client, worker = walk.client, WorkerId(walk.component().id, walk.name)

    assert client.invoke_and_await(worker, "inc", [5], key="k").value == 5
    assert client.invoke_and_await(worker, "inc", [5], key="k").value == 5
    client.invoke(worker, "inc", [2], key="later")
    assert client.invoke_and_await(worker, "inc", [1]).value == 8


@pytest.mark.parametrize("walk", ["1.3", "1.4", "1.5"], indirect=True)
def test_a_trap_is_told_with_its_cause(walk):
    worker = WorkerId(walk.component().id, walk.name)

    with pytest.raises(InvocationFailed) as caught:
        walk.client.invoke_and_await(worker, "inc", [1001])
    assert (caught.value.cause, caught.value.stderr) == ("unreachable", "too much\n")


def test_steering(walk):
    client, worker = walk.client, WorkerId(walk.component().id, walk.name)
    client.launch_worker(worker.component_id, worker.name)

    client.interrupt_worker(worker)
    if walk.dialect != "contract":  # our own engine leaves an idle worker as it is
        assert client.worker(worker).status is WorkerStatus.INTERRUPTED
    client.resume_worker(worker)
    assert client.worker(worker).status is WorkerStatus.IDLE
    if walk.dialect != "contract":  # where there is only one version
        client.update_worker(worker, 3, UpdateMode.MANUAL)
        assert client.worker(worker).component_version == 3


@pytest.mark.parametrize("walk", ["1.3", "1.4", "1.5"], indirect=True)
def test_what_golem_has_besides_the_contract(walk):
    client, worker = walk.client, WorkerId(walk.component().id, walk.name)
    client.launch_worker(worker.component_id, worker.name)

    client.revert_worker(worker, invocations=1)
    client.revert_worker(worker, last_index=3)
    assert client.complete_promise(worker, 3, b"x") is True
    assert client.cancel_invocation(worker, "k") is True
    assert [node.name for node in client.worker_files(worker)] == ["a.txt"]
    assert client.worker_file(worker, "/a/b.txt") == b"what is in /a/b.txt"


@pytest.mark.parametrize("walk", ["contract", "1.4", "1.5"], indirect=True)
def test_forks(walk):
    client, worker = walk.client, WorkerId(walk.component().id, walk.name)
    copy = WorkerId(worker.component_id, walk.name.replace("1", "2"))
    client.invoke_and_await(worker, "inc", [1])

    client.fork_worker(worker, copy, 4)
    assert client.worker(copy).worker_id == copy


@pytest.mark.parametrize("walk", ["1.3", "1.4", "1.5"], indirect=True)
def test_oplogs_have_the_words_of_golem_1_3(walk):
    client, worker = walk.client, WorkerId(walk.component().id, walk.name)
    client.invoke_and_await(worker, "inc", [5], key="k")
    client.invoke_and_await(worker, "inc", [1])

    pages = [client.oplog(worker, count=3)]
    while pages[-1].cursor is not None:
        pages.append(client.oplog(worker, count=3, cursor=pages[-1].cursor))
    entries = [entry for page in pages for entry in page.entries]
    invoked = next(entry for entry in entries if entry.kind == "ExportedFunctionInvoked")
    completed = next(entry for entry in entries if entry.kind == "ExportedFunctionCompleted")
    create, update = entries[0], entries[-1]

    assert [entry.index for entry in entries] == list(range(1, len(entries) + 1))
    assert {entry.kind for entry in entries} - {"PendingWorkerInvocation"} == {
        "Create",
        "ExportedFunctionInvoked",
        "ImportedFunctionInvoked",
        "ExportedFunctionCompleted",
        "SuccessfulUpdate",
    }
    assert create.fields["workerId"] == {"componentId": str(worker.component_id), "workerName": worker.name}
    assert (create.fields["componentVersion"], update.fields["targetVersion"]) == (0, 1)
    assert invoked.fields["functionName"] == "inc"
    assert invoked.fields["idempotencyKey"] == "k"
    assert invoked.fields["request"] == [{"typ": {"type": "U32"}, "value": 5}]
    assert completed.fields["response"] == {"typ": {"type": "U32"}, "value": 5}
    assert len(client.oplog(worker, count=5000).entries) == len(entries)
    assert client.oplog(worker, from_index=2).entries[0].index == 2
    assert {e.kind for e in client.oplog(worker, query="wall-clock").entries} == {"ImportedFunctionInvoked"}


def test_events(walk):
    client, worker = walk.client, WorkerId(walk.component().id, walk.name)
    client.invoke_and_await(worker, "inc", [5], key="k")
    with client.events(worker) as events:
        if walk.dialect == "contract":
            found = list(islice(events, 2))
        else:
            found = list(events)

    assert found[0].type is EventType.INVOCATION_START
    assert found[-1].type is EventType.INVOCATION_FINISHED
    assert found[-1].context["idempotencyKey"] == "k"
    if walk.dialect != "contract":
        assert "".join(event.message for event in found if event.type is EventType.STDOUT) == "Hé\n"
        assert [event.message for event in found if event.type is EventType.LOG][:2] == ["m", "3 messages missed"]
    with pytest.raises(NotFound):
        client.events(WorkerId(worker.component_id, walk.name.replace("1", "9")))


@pytest.mark.parametrize("token", [None, "no-uuid", "5c832d93-ffff-4a8f-9803-513950fdfdb1"])
def test_a_missing_or_wrong_token_is_told(walk, token):
    client = RemoteClient(walk.url, token)

    with pytest.raises(Unauthorized):
        client.components()
    client.close()


# What there is of arguments for each method; nothing is sent where a server lacks the operation.
ID = UUID(int=3)
CALLS = {
    "create_component": ("x", WASM),
    "update_component": (ID, WASM),
    "delete_component": (ID,),
    "fork_worker": (WorkerId(ID, "w"), WorkerId(ID, "v"), 2),
    "crash_worker": (WorkerId(ID, "w"),),
    "snapshot_policy": (ID,),
    "find_workers": (ID, None),
    "export_worker": (WorkerId(ID, "w"), io.BytesIO()),
    "shadow": (WorkerId(ID, "w"), Shadow()),
    "import_worker": (WorkerId(ID, "w"), io.BytesIO()),
    "set_snapshot_policy": (ID, SnapshotPolicy(2)),
}
LACKS = [
    (name, method)
    for name, dialect in DIALECTS.items()
    for method, id in METHODS.items()
    if id not in dialect.operations
]


@pytest.mark.parametrize(("dialect", "method"), LACKS)
def test_what_a_server_lacks_is_one_line_and_no_request(dialect, method):
    client = RemoteClient("http://127.0.0.1:1", TOKEN, ID, dialect=dialect)

    with closing(client), pytest.raises(NotSupported) as caught:
        getattr(client, method)(*CALLS[method])
    text = str(caught.value)
    assert METHODS[method] in text
    assert f"Golem {dialect} at http://127.0.0.1:1" in text
    assert "\n" not in text
    if (dialect, method) == ("1.5", "create_component"):
        assert "golem deploy" in text


def test_every_method_of_a_client_has_its_operation():
    besides = {"speaks", "runs_programs", "close", "environment_id"}
    methods = {name for name, value in vars(Client).items() if not name.startswith("_") and value is not None}

    assert set(METHODS) == methods - besides
    assert set(METHODS.values()) <= set(DIALECTS["contract"].operations)


# Which server, which environment.


@pytest.mark.parametrize(
    ("release", "version", "told"),
    [
        ("1.3", "1.3.0", "Golem 1.3 (1.3.0)"),
        ("1.4", "v1.4.2-dev.1", "Golem 1.4 (v1.4.2-dev.1)"),
        ("1.5", "1.5.9", "Golem 1.5 (1.5.9)"),
        ("1.5", "1.6.0", "Golem 1.5 (1.6.0); taken for Golem 1.5, the newest that golem_nb knows"),
        ("1.5", "2.0", "Golem 1.5 (2.0); taken for Golem 1.5, the newest that golem_nb knows"),
        ("1.5", "0.0.0", "Golem 1.5 (0.0.0); taken for Golem 1.5, the newest that golem_nb knows"),
        ("1.3", "string", "Golem 1.3 (string)"),
        ("1.4", "string", "Golem 1.4 (string)"),
        ("1.5", "string", "Golem 1.5 (string)"),
    ],
)
def test_a_server_is_recognised_by_its_version_and_asked_once(face, release, version, told):
    golem = STAND_INS[release](version)
    client = face(golem)

    client.components()
    client.components()

    assert client.speaks() == told
    assert [path for _, path in golem.requests].count("/version") == 1


def test_our_own_server_is_the_contract():
    server = Running()
    client = RemoteClient(f"http://127.0.0.1:{server.port}")

    assert client.speaks().startswith("contract (golem_nb ")
    client.close()
    server.close()


def test_a_choice_is_not_asked_for(face):
    golem = STAND_INS["1.3"]("9.9")
    client = face(golem, dialect="1.3")
    client.components()

    assert "/version" not in [path for _, path in golem.requests]
    assert client.environment_id == PROJECT
    with pytest.raises(BadInput, match=r"there are: contract, 1\.3, 1\.4, 1\.5"):
        RemoteClient(client.url, dialect="1.2")


def test_several_environments_are_listed_and_one_can_be_chosen(face):
    golem = Golem15()
    golem.environments = ((UUID(int=1), "shop", "prod"), (UUID(int=2), "shop", "dev"))
    worker = WorkerId(golem.deploy("counter"), "counter()")

    with pytest.raises(BadInput, match=r"shop/prod \(0.*1\), shop/dev \(0.*2\)"):
        face(golem).components()
    assert face(golem, UUID(int=2)).invoke_and_await(worker, "inc", [4]).value == 4
    with pytest.raises(BadInput, match=r"there is no environment .*3; there are: shop/prod"):
        face(golem, UUID(int=3)).invoke_and_await(worker, "inc", [4])
    golem.environments = ()
    with pytest.raises(BadInput, match="no environment"):
        face(golem).components()


def test_an_environment_that_is_not_listed_can_be_used(face):
    golem = Golem15()
    golem.unlisted = {str(UUID(int=9)): ("lab", "test")}
    golem.environments += ((UUID(int=8), "lab", "test"),)
    worker = WorkerId(golem.deploy("counter"), "counter()")

    assert face(golem, UUID(int=9)).invoke_and_await(worker, "inc", [4]).value == 4


def test_agents_are_invoked_by_what_their_name_spells(face):
    golem = Golem15()
    component, client = golem.deploy("counter"), face(golem)
    worker = WorkerId(component, 'counter("a/b",1)')
    client.invoke_and_await(worker, "inc", [5])
    client.worker(worker)

    method, path = golem.requests[-1]
    assert (method, path) == ("GET", f"/v1/components/{component}/workers/counter%28%22a%2Fb%22%2C1%29")
    with pytest.raises(BadInput, match="agents, named like"):
        client.invoke(WorkerId(component, "plain"), "inc", [1])
    for given in ({"args": ["a"]}, {"config": {"a": "b"}}):
        with pytest.raises(NotSupported, match="takes no"):
            client.launch_worker(component, "counter()", **given)
