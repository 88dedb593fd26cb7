from uuid import UUID

import pytest

from golem_nb.host.declare import Trap
from golem_nb.host.golem_host import (
    GolemHost,
    metadata_value,
    promise_from_value,
    promise_value,
    uuid_from_value,
    uuid_value,
    worker_from_value,
    worker_value,
)
from golem_nb.model import UpdateMode, WorkerId, WorkerMetadata, WorkerStatus
from golem_nb.oplog.fold import RetryPolicy
from tests.host.context import FakeWorker, call

ME, OTHER = WorkerId(UUID(int=1), "me"), WorkerId(UUID(int=1), "other")
MINE = {"component-id": {"uuid": {"high-bits": 0, "low-bits": 1}}, "agent-id": "me"}


class FakePeers:
    """One component, whose workers are known by name."""

    def __init__(self):
        self.promises, self.asked = {}, []

    def create_promise(self, index):
        self.promises[index] = None

    def has_promise(self, index):
        return index in self.promises

    def promise(self, index):
        return self.promises.get(index)

    def complete_promise(self, worker, index, data):
        is_first = self.promises[index] is None
        self.promises[index] = data if is_first else self.promises[index]
        return is_first

    def delete_promise(self, index):
        self.asked.append(("delete", index))

    def metadata(self, worker):
        if worker.name == "missing":
            return None
        return WorkerMetadata(
            worker, WorkerStatus.SUSPENDED, 3, None, ("a",), {"K": "v"}, retry_count=2, config={"C": "w"}
        )

    def update(self, *arguments):
        self.asked.append(("update", *arguments))

    def revert(self, worker, **target):
        self.asked.append(("revert", worker, target))

    def resolve_component(self, reference):
        return ME.component_id if reference == "ours" else None

    def fork(self, *arguments):
        self.asked.append(("fork", *arguments))


@pytest.fixture
def worker():
    made = FakeWorker()
    made.id, made.peers, made.index, made.is_idempotent = ME, FakePeers(), 4, True
    made.next_index = lambda: made.index
    made.was_named = lambda worker: worker == ME
    made.retry_policy, made.persistence_level = RetryPolicy(), "Smart"
    made.set_retry_policy = lambda policy: setattr(made, "retry_policy", policy)
    made.set_persistence_level = lambda level: setattr(made, "persistence_level", level)
    return made


@pytest.fixture
def host(worker):
    return GolemHost(worker)


def test_ids_are_two_halves():
    uuid = UUID("12345678-9abc-def0-1234-56789abcdef0")

    assert uuid_value(uuid) == {"high-bits": 0x123456789ABCDEF0, "low-bits": 0x123456789ABCDEF0}
    assert uuid_from_value(uuid_value(uuid)) == uuid


@pytest.mark.parametrize("words", [("agent-id", "agent-id"), ("worker-id", "worker-name")])
def test_both_generations_of_names_are_read_and_written(words):
    owner, name = words
    known = {"component-id": MINE["component-id"], name: "me"}

    assert worker_from_value(known) == ME
    assert promise_from_value({owner: known, "oplog-idx": 4}) == (ME, 4)
    assert worker_value(ME)[name] == "me"
    assert promise_value(ME, 4)[owner][name] == "me"


def test_a_promise_is_made_awaited_and_completed(host):
    promise = call(host, "create_promise")
    assert (promise["agent-id"]["agent-id"], promise["oplog-idx"]) == ("me", 4)
    waiting = call(host, "get_promise", promise_id=promise)
    assert (call(waiting, "get"), call(waiting, "subscribe").source.is_ready()) == (None, False)
    assert call(host, "poll_promise", promise_id=promise) is None

    assert call(host, "complete_promise", promise_id=promise, data=b"x")

    assert not call(host, "complete_promise", promise_id=promise, data=b"y")
    assert (call(waiting, "get"), call(waiting, "subscribe").source.is_ready()) == (b"x", True)
    assert call(host, "await_promise", promise_id=promise) == b"x"
    assert call(host, "poll_promise", promise_id=promise) == b"x"
    call(host, "delete_promise", promise_id=promise)
    assert host.worker.peers.asked == [("delete", 4)]


def test_only_the_workers_own_promises_can_be_waited_for(host):
    for name in ("get_promise", "await_promise", "poll_promise", "delete_promise"):
        with pytest.raises(Trap, match="Tried awaiting a promise not created by the current agent"):
            call(host, name, promise_id=promise_value(OTHER, 4))


def test_settings(host, worker):
    policy = {"max-attempts": 5, "min-delay": 1, "max-delay": 2, "multiplier": 2.0, "max-jitter-factor": 0.5}
    call(host, "set_retry_policy", new_retry_policy=policy)
    call(host, "set_oplog_persistence_level", new_persistence_level=("persist-nothing", None))
    call(host, "set_idempotence_mode", idempotent=False)

    assert worker.retry_policy == RetryPolicy(5, 1, 2, 2.0, None)
    assert call(host, "get_retry_policy") == {**policy, "max-jitter-factor": None}
    assert call(host, "get_oplog_persistence_level") == ("persist-nothing", None)
    assert worker.persistence_level == "PersistNothing"
    assert call(host, "get_idempotence_mode") is False


def test_keys_are_derived_from_the_index(host, worker):
    worker.derived_key = lambda index: str(UUID(int=index))

    assert call(host, "generate_idempotency_key") == uuid_value(UUID(int=4))


def test_metadata_is_what_the_engine_knows_now(host):
    found = call(host, "get_self_metadata")

    assert (found["agent-id"]["agent-id"], found["status"], found["component-version"]) == ("me", "suspended", 3)
    assert (found["args"], found["env"], found["retry-count"]) == (["a"], [("K", "v")], 0)
    assert found["wasi-config-vars"] == [("C", "w")]
    for name, parameter in (("get_agent_metadata", "agent_id"), ("get_worker_metadata", "worker_id")):
        assert call(host, name, **{parameter: worker_value(OTHER)})["worker-id"]["worker-name"] == "other"
        assert call(host, name, **{parameter: worker_value(WorkerId(UUID(int=1), "missing"))}) is None
    assert metadata_value(host.worker.peers.metadata(ME)) == found


def test_workers_are_steered_by_either_name(host):
    other = worker_value(OTHER)
    call(host, "update_agent", agent_id=other, target_version=2, mode="automatic")
    call(host, "update_worker", worker_id=other, target_version=2, mode="snapshot-based")
    call(host, "revert_agent", agent_id=other, target=("revert-to-oplog-index", 5))
    call(host, "revert_worker", worker_id=other, target=("revert-last-invocations", 1))
    call(host, "fork_agent", source=other, target=MINE, cut_off=9)
    call(host, "fork_worker", source=other, target=MINE, cut_off=9)

    assert host.worker.peers.asked == [
        ("update", OTHER, 2, UpdateMode.AUTOMATIC),
        ("update", OTHER, 2, UpdateMode.MANUAL),
        ("revert", OTHER, {"last_index": 5, "key": f"{ME} 1"}),
        ("revert", OTHER, {"invocations": 1, "key": f"{ME} 2"}),
        ("fork", OTHER, ME, 9),
        ("fork", OTHER, ME, 9),
    ]


@pytest.mark.parametrize("kind", ["agent", "worker"])
def test_workers_are_found_by_the_names_of_their_components(host, kind):
    def resolve(reference, name, suffix=""):
        given = {"component_reference": reference, f"{kind}_name": name}
        return call(host, f"resolve_{kind}_id{suffix}", **given)

    assert worker_from_value(resolve("ours", "other")) == OTHER
    assert worker_from_value(resolve("ours", "missing")) == WorkerId(ME.component_id, "missing")
    assert worker_from_value(resolve("ours", "other", "_strict")) == OTHER
    assert [resolve("ours", "missing", "_strict"), resolve("theirs", "x", "_strict"), resolve("theirs", "x")] == [
        None,
        None,
        None,
    ]


def test_a_worker_that_forks_itself_is_the_original(host):
    asked = []
    host.worker.fork_here = lambda *arguments: asked.append(arguments)

    assert call(host, "fork", new_name="copy") == "original"
    assert asked == [("copy", GolemHost.fork, {"new_name": "copy"}, "forked")]
