"""One conformance suite for all clients: in process, and over a real port."""

import io
import threading
import time
from itertools import islice

import pytest

from golem_nb.client.client import Client
from golem_nb.client.local import LocalClient
from golem_nb.client.remote import RemoteClient
from golem_nb.engine.engine import Engine
from golem_nb.errors import (
    BadInput,
    ComponentRejected,
    Conflict,
    FileNotFound,
    GolemError,
    InvocationFailed,
    InvocationInterrupted,
    InvocationNotFound,
    NotFound,
    PreviousInvocationFailed,
    PromiseNotFound,
    UpdateRefused,
    WaitTimeout,
    WorkerExists,
    WorkerNotFound,
)
from golem_nb.model import (
    ComponentOptions,
    EventType,
    FileContent,
    Shadow,
    SnapshotPolicy,
    UpdateMode,
    UpdateState,
    WorkerId,
    WorkerStatus,
)
from golem_nb.oplog.filters import AnyOf, Comparator, Condition, Field
from golem_nb.server.access import Access
from golem_nb.values.types import U32, TypedValue
from golem_nb.wasm.text import wasm_from_text
from tests.engine.conftest import COUNTER, until
from tests.server.conftest import TOKEN, Running

WASM = wasm_from_text(COUNTER)


@pytest.fixture(params=["local", "remote"])
def client(request):
    if request.param == "local":
        local = LocalClient(Engine.open("memory:"))
        yield local
        local.close()
        return
    server = Running(Access((TOKEN,)))
    remote = RemoteClient(f"http://127.0.0.1:{server.port}", TOKEN)
    yield remote
    remote.close()
    server.close()


@pytest.fixture
def worker(client):
    return WorkerId(client.create_component("counter", WASM).id, "w")


def test_a_client_has_every_method_of_the_protocol(client):
    methods = {name for name in vars(Client) if not name.startswith("_") and callable(getattr(Client, name))}

    assert methods <= set(dir(client))
    assert client.environment_id


def test_components(client):
    first = client.create_component("counter", WASM)
    second = client.update_component(first.id, WASM)

    assert (first.version, second.version, second.name, len(second.sha256)) == (0, 1, "counter", 64)
    assert [f.name for f in first.exports] == ["inc", "get", "spin", "fail-above", "recurse"]
    assert client.component(first.id) == client.component_by_name("counter") == second
    assert client.components() == [second]
    assert client.component_wasm(first.id, 0) == WASM
    client.delete_component(first.id)
    assert client.components() == []


def test_workers(client, worker):
    made = client.launch_worker(worker.component_id, "w", args=["a"], env={"K": "v"}, config={"mode": "dry"})
    assert made == worker
    for n in range(3):
        client.launch_worker(worker.component_id, f"w{n}")

    metadata = client.worker(worker)
    assert (metadata.worker_id, metadata.status, metadata.args, metadata.env) == (
        worker,
        WorkerStatus.IDLE,
        ("a",),
        {"K": "v"},
    )
    assert metadata.config == {"mode": "dry"}
    page = client.workers(worker.component_id, count=3)
    assert [w.worker_id.name for w in page.workers] == ["w", "w0", "w1"]
    rest = client.workers(worker.component_id, cursor=page.cursor, count=3)
    assert ([w.worker_id.name for w in rest.workers], rest.cursor) == (["w2"], None)
    client.delete_worker(worker)
    with pytest.raises(NotFound):
        client.worker(worker)


def test_invocations(client, worker):
    assert client.invoke_and_await(worker, "inc", [5]) == TypedValue(U32, 5)
    assert client.invoke_and_await(worker, "inc", [1], key="k").value == 6
    client.invoke(worker, "inc", [1], key="k")
    client.invoke(worker, "inc", [10], key="l")
    assert client.invoke_and_await(worker, "inc", [0], key="l").value == 16


def test_a_wait_may_be_over_before_the_answer(client, worker):
    with pytest.raises(WaitTimeout):
        client.invoke_and_await(worker, "spin", [], key="k", timeout_s=0.2)

    assert client.worker(worker).status is WorkerStatus.RUNNING
    client.interrupt_worker(worker)


def test_steering(client, worker):
    client.invoke(worker, "spin", [])
    until(lambda: client.worker(worker).status is WorkerStatus.RUNNING)
    client.interrupt_worker(worker, recover_immediately=True)
    waiting = []
    thread = threading.Thread(
        target=lambda: waiting.append(error_of(lambda: client.invoke_and_await(worker, "get", [])))
    )
    thread.start()
    until(lambda: client.worker(worker).pending_invocation_count == 1)

    client.interrupt_worker(worker)
    thread.join(5)

    assert [type(error) for error in waiting] == [InvocationInterrupted]
    assert client.worker(worker).status is WorkerStatus.INTERRUPTED
    client.resume_worker(worker)
    client.interrupt_worker(worker)


def test_a_crash_is_survived(client, worker):
    client.invoke_and_await(worker, "inc", [5])
    client.crash_worker(worker)

    assert client.invoke_and_await(worker, "get", []).value == 5
    assert client.worker(worker).entries_replayed == 2


def test_oplogs(client, worker):
    client.invoke_and_await(worker, "inc", [5], key="k")

    page = client.oplog(worker)

    assert [e.kind for e in page.entries] == [
        "Create",
        "PendingWorkerInvocation",
        "ExportedFunctionInvoked",
        "ExportedFunctionCompleted",
    ]
    assert page.entries[2].fields["idempotencyKey"] == "k"
    assert page.entries[3].fields["response"] == {"typ": {"type": "U32"}, "value": 5}
    assert (page.first_index, page.last_index, page.next_index) == (1, 4, None)
    assert client.oplog(worker, from_index=2, count=2).next_index == 4


def test_all_entries_come_at_once(client, worker):
    for n in range(60):
        client.invoke_and_await(worker, "inc", [n])

    entries = list(client.entries(worker))

    assert [entry.index for entry in entries] == list(range(1, 182))
    assert entries[:100] == list(client.oplog(worker).entries)
    assert [entry.index for entry in client.entries(worker, from_index=180)] == [180, 181]
    assert list(client.entries(worker, from_index=500)) == []
    with pytest.raises(WorkerNotFound):
        list(client.entries(WorkerId(worker.component_id, "nobody")))


def test_workers_are_found_by_a_filter(client, worker):
    for n in range(5):
        client.launch_worker(worker.component_id, f"w{n}", env={"N": str(n)})
    filter = AnyOf((Condition(Field.NAME, Comparator.EQUAL, "w1"), Condition(Field.ENV, Comparator.EQUAL, "4", "N")))

    first = client.find_workers(worker.component_id, filter, count=1)
    rest = client.find_workers(worker.component_id, filter, cursor=first.cursor, count=10)

    assert [found.worker_id.name for found in (*first.workers, *rest.workers)] == ["w1", "w4"]
    assert rest.cursor is None
    assert len(client.find_workers(worker.component_id, None).workers) == 5
    with pytest.raises(BadInput, match="cursor"):
        client.find_workers(worker.component_id, filter, cursor="elsewhere")


def test_a_worker_goes_on_elsewhere_from_a_file(client, worker):
    client.invoke_and_await(worker, "inc", [5])
    file, copy = io.BytesIO(), WorkerId(worker.component_id, "copy")

    client.export_worker(worker, file)
    file.seek(0)
    client.import_worker(copy, file)

    assert client.invoke_and_await(copy, "inc", [1]).value == 6
    assert client.invoke_and_await(worker, "inc", [2]).value == 7
    file.seek(0)
    with pytest.raises(WorkerExists):
        client.import_worker(copy, file)
    with pytest.raises(BadInput, match="not a file that a worker was exported to"):
        client.import_worker(WorkerId(worker.component_id, "other"), io.BytesIO(b"nothing of the kind"))


def test_a_shadow_is_what_a_worker_was(client, worker):
    for n in (5, 6):
        client.invoke_and_await(worker, "inc", [n])

    then = client.shadow(worker, Shadow(4, calls=[("inc", [1])]))

    assert [(call.result, call.error) for call in then.calls] == [(TypedValue(U32, 6), None)]
    assert client.shadow(worker, Shadow()).is_same
    assert client.invoke_and_await(worker, "inc", [1]).value == 12
    with pytest.raises(BadInput, match="between 1 and 10, found 77"):
        client.shadow(worker, Shadow(77))


def test_an_update_moves_a_worker_to_another_version(client, worker):
    client.invoke_and_await(worker, "inc", [5])
    client.update_component(worker.component_id, WASM)

    client.update_worker(worker, 1)
    until(lambda: client.worker(worker).updates[-1].state is not UpdateState.PENDING)

    found = client.worker(worker)
    assert [(record.state, record.target_version) for record in found.updates] == [(UpdateState.SUCCESSFUL, 1)]
    assert found.component_version == 1
    assert client.invoke_and_await(worker, "get", []).value == 5
    with pytest.raises(UpdateRefused):
        client.update_worker(worker, 1)


def test_an_update_that_fails_says_why_and_leaves_the_worker_as_it_was(client, worker):
    client.invoke_and_await(worker, "inc", [5])
    client.update_component(worker.component_id, WASM)

    client.update_worker(worker, 1, UpdateMode.MANUAL)  # the component saves no snapshot
    assert client.invoke_and_await(worker, "get", []).value == 5  # which waits behind the update
    until(lambda: client.worker(worker).updates[-1].state is not UpdateState.PENDING)

    (record,) = client.worker(worker).updates
    assert (record.state, record.target_version) == (UpdateState.FAILED, 1)
    assert "save-snapshot" in record.details
    assert client.worker(worker).component_version == 0


def test_a_revert_takes_back_invocations_or_what_is_behind_an_index(client, worker):
    for n in (5, 1, 1):
        client.invoke_and_await(worker, "inc", [n])

    client.revert_worker(worker, invocations=1)
    assert client.invoke_and_await(worker, "get", []).value == 6

    client.revert_worker(worker, last_index=4)
    assert client.invoke_and_await(worker, "get", []).value == 5
    assert client.worker(worker).deleted_regions


def test_a_fork_goes_on_from_an_index_and_leaves_its_source_alone(client, worker):
    client.invoke_and_await(worker, "inc", [5])
    client.invoke_and_await(worker, "inc", [1])
    copy = WorkerId(worker.component_id, "copy")

    client.fork_worker(worker, copy, 4)

    assert client.invoke_and_await(copy, "get", []).value == 5
    assert client.invoke_and_await(worker, "get", []).value == 6
    with pytest.raises(WorkerExists):
        client.fork_worker(worker, copy, 4)


def test_an_invocation_that_waits_can_be_cancelled(client, worker):
    client.invoke_and_await(worker, "inc", [5], key="done")
    client.invoke(worker, "spin", [])
    until(lambda: client.worker(worker).pending_invocation_count == 0)
    client.invoke(worker, "inc", [1], key="waits/for it")

    assert client.cancel_invocation(worker, "waits/for it") is True
    assert client.cancel_invocation(worker, "done") is False
    with pytest.raises(InvocationNotFound):
        client.cancel_invocation(worker, "no such/key")
    assert client.worker(worker).pending_invocation_count == 0
    client.interrupt_worker(worker)


def test_a_promise_that_nobody_made_cannot_be_completed(client, worker):
    client.invoke_and_await(worker, "inc", [5])

    with pytest.raises(PromiseNotFound):
        client.complete_promise(worker, 3, b"x")


@pytest.mark.parametrize("policy", [SnapshotPolicy(100), SnapshotPolicy(every_s=60.0), SnapshotPolicy(2, 0.5)])
def test_a_snapshot_policy_is_kept_until_it_is_taken_away(client, worker, policy):
    assert client.snapshot_policy(worker.component_id) is None

    client.set_snapshot_policy(worker.component_id, policy)
    assert client.snapshot_policy(worker.component_id) == policy

    client.set_snapshot_policy(worker.component_id, None)
    assert client.snapshot_policy(worker.component_id) is None


def test_an_oplog_is_searched_page_by_page(client, worker):
    for n in range(5):
        client.invoke_and_await(worker, "inc", [n], key=f"key-{n}")
    client.invoke_and_await(worker, "get", [], key="other")

    pages = [client.oplog(worker, query="exported-function AND key-", count=2)]
    while pages[-1].cursor is not None:
        pages.append(client.oplog(worker, query="exported-function AND key-", count=2, cursor=pages[-1].cursor))

    found = [entry for page in pages for entry in page.entries]
    assert [entry.fields["idempotencyKey"] for entry in found] == [f"key-{n}" for n in range(5)]
    assert [entry.index for entry in found] == [3, 6, 9, 12, 15]
    assert all(len(page.entries) < 5 for page in pages)


def test_a_page_without_a_query_goes_on_by_its_cursor_too(client, worker):
    client.invoke_and_await(worker, "inc", [5])

    first = client.oplog(worker, count=3)
    rest = client.oplog(worker, count=3, cursor=first.cursor)

    assert (first.cursor, [entry.index for entry in rest.entries], rest.cursor) == ("4-0", [4], None)


def test_events(client, worker):
    client.invoke_and_await(worker, "inc", [5])
    with client.events(worker) as events:
        client.invoke_and_await(worker, "inc", [5], key="k")
        found = list(islice(events, 4))

    assert [e.type for e in found] == [EventType.INVOCATION_START, EventType.INVOCATION_FINISHED] * 2
    assert found[3].context["idempotencyKey"] == "k"


def test_a_worker_that_is_interrupted_has_no_events(client, worker):
    client.invoke(worker, "spin", [])
    client.interrupt_worker(worker)

    with pytest.raises(InvocationInterrupted), client.events(worker):
        pass


def test_closing_a_stream_ends_who_waits_in_it(client, worker):
    client.launch_worker(worker.component_id, "w")
    ended = threading.Event()
    with client.events(worker) as events:
        thread = threading.Thread(target=lambda: (list(events), ended.set()))
        thread.start()
        time.sleep(0.1)
        events.close()
        assert ended.wait(5)
    thread.join()


def error_of(action):
    with pytest.raises(GolemError) as caught:
        action()
    return caught.value


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        (lambda c, w: c.create_component("counter", WASM), Conflict),
        (lambda c, w: c.create_component("x", b"hello"), BadInput),
        (lambda c, w: c.component_by_name("nothing"), NotFound),
        (lambda c, w: c.worker(w), NotFound),
        (lambda c, w: c.oplog(w), NotFound),
        (lambda c, w: c.events(w).__enter__(), NotFound),
        (lambda c, w: c.invoke_and_await(w, "nothing", []), BadInput),
        (lambda c, w: c.invoke_and_await(w, "inc", ["x"]), BadInput),
        (lambda c, w: c.invoke(w, "inc", []), BadInput),
        (lambda c, w: c.launch_worker(w.component_id, "a b"), BadInput),
        (lambda c, w: c.component_wasm(w.component_id, 7), NotFound),
        (lambda c, w: c.update_worker(w, 1), WorkerNotFound),
        (lambda c, w: c.revert_worker(w, invocations=1), WorkerNotFound),
        (lambda c, w: c.revert_worker(w), BadInput),
        (lambda c, w: c.revert_worker(w, last_index=1, invocations=1), BadInput),
        (lambda c, w: c.fork_worker(w, WorkerId(w.component_id, "copy"), 2), WorkerNotFound),
        (lambda c, w: c.cancel_invocation(w, "k"), WorkerNotFound),
        (lambda c, w: c.oplog(w, query="("), BadInput),
        (lambda c, w: c.oplog(w, query="a"), WorkerNotFound),
        (lambda c, w: c.oplog(w, query="a", from_index=2), BadInput),
        (lambda c, w: c.oplog(w, cursor="x"), BadInput),
    ],
)
def test_failures_have_the_same_class_and_text_everywhere(client, worker, action, kind):
    error = error_of(lambda: action(client, worker))

    assert isinstance(error, kind)
    assert len(str(error)) > 5


def test_failed_invocations_carry_their_cause(client, worker):
    client.invoke_and_await(worker, "inc", [5])

    failed = error_of(lambda: client.invoke_and_await(worker, "fail-above", [3]))
    after = error_of(lambda: client.invoke_and_await(worker, "get", []))

    assert (type(failed), type(after)) == (InvocationFailed, PreviousInvocationFailed)
    assert "unreachable" in failed.cause
    assert issubclass(ComponentRejected, BadInput)


FILES = {"/a b/c?#%.txt": FileContent(b"\0data"), "/w": FileContent(b"", is_read_only=False)}


def test_initial_files_are_given_and_kept_and_taken_away(client):
    options = ComponentOptions(env={"K": "v"})
    first = client.create_component("counter", WASM, options, FILES)
    second = client.update_component(first.id, WASM, options)
    third = client.update_component(first.id, WASM, files={})

    told = [(f.path, f.size_bytes, f.is_read_only) for f in first.options.files]
    assert told == [("/a b/c?#%.txt", 5, True), ("/w", 0, False)]
    assert (second.options, third.options.files, third.options.env) == (first.options, (), {"K": "v"})


def test_files_of_a_worker_are_listed_and_read(client):
    worker = WorkerId(client.create_component("counter", WASM, files=FILES).id, "w")
    client.invoke_and_await(worker, "inc", [1])

    nodes = client.worker_files(worker)
    assert [(n.name, n.is_directory, n.is_read_only, n.size_bytes) for n in nodes] == [
        ("a b", True, False, 0),
        ("w", False, False, 0),
    ]
    assert nodes == client.worker_files(worker, "/") == client.worker_files(worker, "")
    (file,) = client.worker_files(worker, "a b/")
    assert (file.name, file.is_read_only, file.size_bytes) == ("c?#%.txt", True, 5)
    assert file.modified_at == client.worker_files(worker, "/a b/c?#%.txt")[0].modified_at
    assert client.worker_file(worker, "/a b/./c?#%.txt") == b"\0data"
    with pytest.raises(FileNotFound, match="/none"):
        client.worker_file(worker, "none")
    with pytest.raises(BadInput, match="directory"):
        client.worker_file(worker, "a b")
    with pytest.raises(BadInput, match=r"\.\."):
        client.worker_files(worker, "a b/..")
    with pytest.raises(WorkerNotFound):
        client.worker_files(WorkerId(worker.component_id, "nobody"))


def test_a_failed_worker_shows_no_files(client, worker):
    client.invoke_and_await(worker, "inc", [5])
    with pytest.raises(InvocationFailed):
        client.invoke_and_await(worker, "fail-above", [1])

    with pytest.raises(PreviousInvocationFailed):
        client.worker_files(worker)
