from concurrent.futures import Future
from uuid import UUID

import pytest

from golem_nb.errors import (
    BadInput,
    CallCycle,
    ComponentNotFound,
    InvocationFailed,
    InvocationInterrupted,
    PreviousInvocationFailed,
    WorkerExited,
    WorkerNotFound,
)
from golem_nb.host.declare import Trap, WitError
from golem_nb.host.golem_host import uuid_value, worker_value
from golem_nb.host.golem_rpc import RpcTypes, WasmRpc, result_value, rpc_error
from golem_nb.model import WorkerId
from golem_nb.values.nodes import nodes_from_value
from golem_nb.values.types import U32, TypedValue
from tests.host.context import FakeWorker, call

OWN, TARGET = WorkerId(UUID(int=1), "own"), WorkerId(UUID(int=1), "target")
FIVE = nodes_from_value(U32, 5)


class Remote:
    """Answers all calls with what it is given, and takes note of them."""

    def __init__(self, answer):
        self.given, self.made = answer, []

    def connect(self, target, template):
        self.made.append(("connect", target))

    def parameters(self, call):
        return [(U32, 5)] if call.params else []

    def invoke_and_wait(self, call):
        self.made.append(("await", call.target, call.function, call.key))
        if isinstance(self.given, Exception):
            raise self.given
        return self.given

    def begin(self, call):
        self.begun = Future()
        return self.begun

    def answer(self, future):
        return future.result()

    def enqueue(self, call):
        self.made.append(("enqueue", call.function))

    def schedule(self, call):
        self.made.append(("schedule", call.due_ns))

    def cancel(self, call):
        self.made.append(("cancel", call.due_ns))


@pytest.fixture
def worker():
    made = FakeWorker(env=[("COLOUR", "red")])
    made.earlier_names = ()
    made.id, made.remote = OWN, Remote(TypedValue(U32, 7))
    made.derived_key = lambda index: str(UUID(int=index))
    made.next_index = lambda: 10
    made.commit_oplog = lambda: None
    made.handed_on = lambda span: None
    return made


def rpc(worker, target=TARGET):
    return worker.call(WasmRpc.constructor, worker, {"worker_id": worker_value(target)})


def test_a_result_comes_in_a_tuple_and_none_as_an_empty_record():
    assert result_value(TypedValue(U32, 7)) == {"nodes": [("tuple-value", [1]), ("prim-u32", 7)]}
    assert result_value(None) == {"nodes": [("record-value", [])]}


def test_the_key_derives_from_where_the_call_is_in_the_oplog(worker):
    call(rpc(worker), "invoke_and_await", function_name="f", function_params=[FIVE])

    assert worker.remote.made == [("connect", TARGET), ("await", TARGET, "f", str(UUID(int=9)))]


@pytest.mark.parametrize(
    ("error", "case"),
    [
        (BadInput("b"), ("remote-internal-error", "Invalid request: b")),
        (BadInput("Parameter type mismatch: x"), ("remote-internal-error", "Parameter type mismatch: x")),
        (InvocationFailed("boom", "line"), ("remote-internal-error", "Component trapped: boom\n\nline")),
        (PreviousInvocationFailed("boom", ""), ("remote-internal-error", "Previous invocation failed: boom")),
        (WorkerExited(), ("remote-internal-error", "The previously invoked function exited")),
        (InvocationInterrupted(), ("remote-internal-error", "Interrupted via the Golem API")),
        (WorkerNotFound(TARGET), ("not-found", f"Worker not found: {TARGET}")),
        (CallCycle("c"), ("denied", "c")),
        (
            ComponentNotFound("x"),
            ("remote-internal-error", "Could not find any component with the given id: x"),
        ),
    ],
)
def test_failures_are_golems_errors(worker, error, case):
    assert rpc_error(error) == case

    worker.remote.given = error
    with pytest.raises(WitError) as refused:
        call(rpc(worker), "invoke_and_await", function_name="f", function_params=[])
    assert refused.value.payload == case


def test_a_worker_does_not_call_itself(worker):
    with pytest.raises(Trap, match="same agent"):
        call(rpc(worker, OWN), "invoke", function_name="f", function_params=[])


def test_the_result_of_a_call_that_was_begun_is_there_later(worker):
    future = call(rpc(worker), "async_invoke_and_await", function_name="f", function_params=[FIVE])
    assert call(future, "get") is None

    worker.remote.begun.set_result(TypedValue(U32, 7))

    assert call(future, "get") == ("ok", result_value(TypedValue(U32, 7)))
    assert future.pending.is_ready()


def test_spans_end_with_what_they_are_for(worker):
    made = rpc(worker)
    call(made, "invoke", function_name="f", function_params=[])
    made.dropped()

    started = [span for span in worker.spans if isinstance(span, dict)]
    assert [span["name"] for span in started] == ["rpc-connection", "rpc-invocation"]
    assert len(worker.spans) == 4


def test_a_call_beyond_all_times_is_scheduled_for_the_last_one(worker):
    at = {"seconds": 2**64 - 1, "nanoseconds": 0}
    call(rpc(worker), "schedule_invocation", scheduled_time=at, function_name="f", function_params=[])

    assert worker.remote.made[-1] == ("schedule", 2**63 - 1)


def test_a_scheduled_call_can_be_cancelled(worker):
    at = {"seconds": 3, "nanoseconds": 5}
    token = call(
        rpc(worker), "schedule_cancelable_invocation", scheduled_time=at, function_name="f", function_params=[]
    )

    call(token, "cancel")

    assert worker.remote.made[1:] == [("schedule", 3_000_000_005), ("cancel", 3_000_000_005)]


def test_an_ephemeral_worker_has_a_name_of_its_own(worker):
    component = {"uuid": uuid_value(UUID(int=5))}
    worker.call(WasmRpc.ephemeral, worker, {"component_id": component})

    ((_, made),) = worker.remote.made
    assert made.component_id == UUID(int=5)
    assert UUID(made.name).version == 4


@pytest.mark.parametrize("name", ["target", ""])
def test_the_first_version_names_workers_by_their_urn(worker, name):
    given = {"value": f"urn:worker:{TARGET.component_id}/{name}".rstrip("/")}

    worker.call(WasmRpc.constructor, worker, {"worker_id": given})

    ((_, made),) = worker.remote.made
    assert made == TARGET if name else UUID(made.name).version == 4


def test_uuids_are_written_and_read(worker):
    types = RpcTypes(worker)
    id = UUID("25415d25-a512-45cf-8ced-d80cee31bfe5")

    assert call(types, "parse_uuid", uuid=str(id)) == uuid_value(id)
    assert call(types, "uuid_to_string", uuid=uuid_value(id)) == str(id)
    with pytest.raises(WitError, match="not a UUID"):
        call(types, "parse_uuid", uuid="x")


def test_a_value_with_its_type_has_both_parts(worker):
    both = {"value": FIVE, "typ": "t"}

    assert (call(RpcTypes(worker), "extract_value", vnt=both), call(RpcTypes(worker), "extract_type", vnt=both)) == (
        FIVE,
        "t",
    )
