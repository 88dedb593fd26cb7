"""A library's own durable calls, through a component that makes them. Source: SEMANTICS 3.2, 5.4."""

from pathlib import Path

import pytest

from golem_nb.authoring.wat import component_from_text
from golem_nb.engine.engine import Engine
from golem_nb.errors import InvocationFailed
from golem_nb.host.context import PersistedCall
from golem_nb.host.declare import Trap
from golem_nb.host.golem_durability import GolemDurability, LazyInitializedPollable
from golem_nb.host.io import Pollable
from golem_nb.model import LOCAL_ENVIRONMENT, WorkerId
from golem_nb.oplog.entries import ImportedFunctionInvoked, Recorded
from golem_nb.values.nodes import nodes_from_type, nodes_from_value
from golem_nb.values.types import STRING, Case, ListType, OptionType, TypedValue, VariantType, record
from tests.host.context import FakeWorker, call

TEXT = (Path(__file__).parent.parent / "components" / "library.wat").read_text()
READ_LOCAL, WRITE_LOCAL, READ_REMOTE, WRITE_REMOTE, BATCHED, TRANSACTION = range(6)
AROUND = {  # the entries around the call's own. Source: the table of SEMANTICS 3.2
    READ_LOCAL: [],
    WRITE_LOCAL: [],
    READ_REMOTE: [],
    WRITE_REMOTE: [],
    BATCHED: ["BeginRemoteWrite", "EndRemoteWrite"],
    TRANSACTION: ["BeginRemoteTransaction", "CommittedRemoteTransaction"],
}


class Bench:
    def __init__(self):
        self.engine = Engine.open("memory:")
        component = self.engine.create_component(LOCAL_ENVIRONMENT, "library", component_from_text(TEXT))
        self.worker = WorkerId(component.id, "w")

    def run(self, function, *params):
        result = self.engine.invoke_and_await(self.worker, function, list(params)).result(10)
        return result and result.value

    def kinds(self):
        """The kinds of entries behind those that begin an invocation."""
        return [type(entry).__name__ for _, entry in self.engine.oplog(self.worker).entries][3:]


@pytest.fixture
def bench():
    made = Bench()
    yield made
    made.engine.close()


@pytest.mark.parametrize("effect", AROUND)
def test_a_call_is_recorded_by_its_effect_and_read_again(bench, effect):
    assert bench.run("call", effect, 7) == 7
    before = bench.kinds()
    assert before == [*AROUND[effect][:1], "ImportedFunctionInvoked", *AROUND[effect][1:], "ExportedFunctionCompleted"]

    bench.engine.crash_worker(bench.worker)

    assert bench.run("call", effect, 8) == 8
    assert bench.kinds()[: len(before)] == before
    (first, _) = (e for _, e in bench.engine.oplog(bench.worker).entries if isinstance(e, ImportedFunctionInvoked))
    assert (first.function_name, first.response.typed().value) == ("library::call", b"\x07")


def test_without_idempotence_a_write_to_outside_has_its_beginning_recorded(bench):
    bench.run("idempotent", False)
    bench.run("call", WRITE_REMOTE, 7)

    assert bench.kinds()[-4:] == [
        "BeginRemoteWrite",
        "ImportedFunctionInvoked",
        "EndRemoteWrite",
        "ExportedFunctionCompleted",
    ]
    bench.engine.crash_worker(bench.worker)
    assert bench.run("call", WRITE_REMOTE, 8) == 8


@pytest.mark.parametrize("effect", [WRITE_REMOTE, BATCHED, TRANSACTION])
def test_without_idempotence_what_was_cut_off_is_not_done_again(bench, effect):
    bench.run("idempotent", False)

    with pytest.raises(InvocationFailed, match="Non-idempotent remote write operation was not completed"):
        bench.run("call", effect, 13)


@pytest.mark.parametrize("effect", [BATCHED, TRANSACTION])
def test_a_batch_that_was_cut_off_is_done_again_from_its_beginning(bench, effect):
    with pytest.raises(InvocationFailed, match="unreachable"):
        bench.run("call", effect, 13)

    # The first attempt, and two more from the same beginning, each of which makes what lay behind it void.
    assert bench.kinds() == [AROUND[effect][0], "Error", "Jump", "Error", "Jump", "Error"]


def test_a_call_that_was_persisted_is_read_by_the_next_attempt(bench):
    """So it passes the place where it trapped, as any replay does."""
    assert bench.run("call", READ_REMOTE, 14) == 14
    assert bench.kinds() == ["ImportedFunctionInvoked", "Error", "ExportedFunctionCompleted"]


def test_a_lazy_pollable_is_ready_until_it_has_another_one():
    class Never:
        deadline_ns, is_promise = 5, False

        def is_ready(self):
            return False

    worker = FakeWorker()
    lazy = LazyInitializedPollable.constructor.body(worker)
    pollable = call(lazy, "subscribe")
    assert call(pollable, "ready")

    call(lazy, "set", pollable=Pollable(worker, Never()))

    assert not call(pollable, "ready")
    assert pollable.source.deadline_ns == 5


def typed(type, value):
    """A `value-and-type` as a component of golem:rpc 0.2.2 passes it."""
    return {"value": nodes_from_value(type, value), "typ": nodes_from_type(type, are_named=True)}


NODE_TYPE = VariantType((Case("prim-string-type"),))
NAMED = record(name=OptionType(STRING), owner=OptionType(STRING), type=NODE_TYPE)
WIT_VALUE = record(nodes=ListType(VariantType((Case("prim-string", STRING),))))
PERSISTED = record(response=record(value=WIT_VALUE, typ=record(nodes=ListType(NAMED))))


class Persisting:
    """A worker that keeps the call that it persists."""

    def persist_call(self, name, request, response, effect, begin):
        self.kept = PersistedCall(0, name, response, effect.value, begin)

    def persisted_call(self):
        return self.kept


def persist(durability, name, request, response):
    GolemDurability.persist_typed_durable_function_invocation.body(
        durability, *(TypedValue(None, value) for value in (name, request, response, ("read-remote", None)))
    )


def test_a_typed_value_is_recorded_as_what_it_is_and_given_back_with_its_type():
    durability = GolemDurability(Persisting())

    persist(durability, "f", typed(STRING, "q"), typed(STRING, "a"))

    assert durability.worker.kept.response.typed() == TypedValue(STRING, "a")
    read = GolemDurability.read_persisted_typed_durable_function_invocation.body(durability, PERSISTED)
    assert (read["function-name"], read["response"]) == ("f", typed(STRING, "a"))


def test_nodes_that_an_older_golem_nb_recorded_are_given_back():
    old = typed(STRING, "a")
    type = PERSISTED.fields[0].type
    durability = GolemDurability(Persisting())
    durability.worker.kept = PersistedCall(0, "f", Recorded.of(type, old), "ReadRemote", None)

    read = GolemDurability.read_persisted_typed_durable_function_invocation.body(durability, PERSISTED)

    assert read["response"] == old


def test_what_is_no_value_with_its_type_traps():
    durability, wrong = GolemDurability(Persisting()), {**typed(STRING, "a"), "typ": {"nodes": []}}

    with pytest.raises(Trap, match="what f persists is no value with its type"):
        persist(durability, "f", wrong, wrong)
