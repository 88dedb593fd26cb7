from uuid import UUID

import pytest

from golem_nb.errors import WorkerNotFound
from golem_nb.host.declare import Trap
from golem_nb.host.golem_host import worker_value
from golem_nb.host.golem_oplog import GetOplog, SearchOplog, described, fitted
from golem_nb.model import LogLevel, WorkerId
from golem_nb.oplog import entries as e
from golem_nb.oplog.entries import KINDS, Recorded
from golem_nb.values.types import (
    STRING,
    U32,
    U64,
    Case,
    EnumType,
    ListType,
    OptionType,
    TupleType,
    VariantType,
    record,
)
from tests.host.context import FakeWorker, call
from tests.wire.test_entries import SHOWN

WORKER = WorkerId(UUID(int=1), "w")
DATETIME = record(seconds=U64, nanoseconds=U32)
NODE = VariantType((Case("prim-u32", U32), Case("prim-string", STRING)))
WIT_VALUE = record(nodes=ListType(NODE))
TYPE_NODE = VariantType((Case("prim-u32-type"), Case("prim-string-type")))
NAMED = record(name=OptionType(STRING), owner=OptionType(STRING), type=TYPE_NODE)
COMPLETED = "exported-function-completed"


def entry_type(**cases):
    """The type of an entry in a version that knows these cases."""
    return VariantType((Case("no-op", DATETIME), *(Case(n.replace("_", "-"), t) for n, t in cases.items())))


def test_a_value_is_nodes_and_with_its_type_where_the_version_has_that():
    entry = described(e.ExportedFunctionCompleted(0, Recorded.of(U32, 5)), WORKER)
    bare = entry_type(exported_function_completed=record(response=OptionType(WIT_VALUE)))
    typed, named = (
        entry_type(
            exported_function_completed=record(response=record(value=WIT_VALUE, typ=record(nodes=ListType(node))))
        )
        for node in (TYPE_NODE, NAMED)
    )

    five = {"nodes": [("prim-u32", 5)]}
    assert fitted(bare, entry) == (COMPLETED, {"response": five})
    plain = {"nodes": [("prim-u32-type", None)]}
    assert fitted(typed, entry) == (COMPLETED, {"response": {"value": five, "typ": plain}})
    node = {"name": None, "owner": None, "type": ("prim-u32-type", None)}
    assert fitted(named, entry) == (COMPLETED, {"response": {"value": five, "typ": {"nodes": [node]}}})


@pytest.mark.parametrize("name", ["pending-worker-invocation", "pending-agent-invocation"])
def test_a_case_has_the_name_of_the_version(name):
    manual = VariantType((Case("manual-update", U64),))
    type = VariantType((Case(name, record(timestamp=DATETIME, invocation=manual)),))

    case, payload = fitted(type, described(e.PendingWorkerInvocation(1_500_000, "k", "", (), 3), WORKER))

    assert case == name
    assert payload == {"timestamp": {"seconds": 1, "nanoseconds": 500_000_000}, "invocation": ("manual-update", 3)}


def test_regions_are_spelled_in_both_ways():
    inside = entry_type(jump=record(jump=record(start=U64, end=U64)))
    flat = entry_type(jump=record(start=U64, end=U64))

    entry = described(e.Jump(0, 3, 5), WORKER)

    assert fitted(inside, entry) == ("jump", {"jump": {"start": 3, "end": 5}})
    assert fitted(flat, entry) == ("jump", {"start": 3, "end": 5})


def test_what_the_version_does_not_know_is_a_no_op_so_that_the_others_keep_their_places():
    entry = described(e.ChangePersistenceLevel(1_000_000, "Smart"), WORKER)

    assert fitted(entry_type(), entry) == ("no-op", {"seconds": 1, "nanoseconds": 0})


@pytest.mark.parametrize("entry", [entry for entry, _ in SHOWN], ids=lambda entry: type(entry).__name__)
def test_every_kind_has_a_time(entry):
    found = described(entry, WORKER)

    assert "seconds" in found.payload or "timestamp" in found.payload


def test_all_kinds_are_described():
    ours = {e.Snapshot}

    assert {kind for kind in KINDS if described(_any(kind), WORKER).names == ("no-op",)} == ours | {e.NoOp}


def _any(kind):
    return next((entry for entry, _ in SHOWN if type(entry) is kind), None) or kind(0)


class Peers:
    def __init__(self, entries):
        self.entries, self.asked = entries, []

    def oplog(self, worker, start, count, matches):
        self.asked.append((worker, start, count))
        if not self.entries:
            raise WorkerNotFound(worker)
        found = [(n, entry) for n, entry in enumerate(self.entries, 1) if n >= start and matches(n, entry)]
        return found[:2], found[2][0] if len(found) > 2 else None


@pytest.fixture
def worker():
    made = FakeWorker()
    made.peers = Peers([e.NoOp(0), e.Log(0, LogLevel.STDOUT, "", "hello"), e.NoOp(0)])
    return made


def next_page(pages, type):
    return call(pages, "get_next", result_type=type)


TYPE = entry_type(log=record(level=EnumType(("stdout",)), message=STRING))


def test_an_oplog_is_read_in_pages(worker):
    pages = worker.call(GetOplog.constructor, worker, {"worker_id": worker_value(WORKER), "start": 0})
    type = OptionType(ListType(TYPE))

    none = {"seconds": 0, "nanoseconds": 0}
    assert next_page(pages, type) == [("no-op", none), ("log", {"level": "stdout", "message": "hello"})]
    assert next_page(pages, type) == [("no-op", none)]
    assert next_page(pages, type) is None
    assert worker.peers.asked == [(WORKER, 1, 100), (WORKER, 3, 100)]


def test_an_oplog_is_searched(worker):
    pages = worker.call(SearchOplog.constructor, worker, {"worker_id": worker_value(WORKER), "text": "hello"})
    type = OptionType(ListType(TupleType((U64, TYPE))))

    assert next_page(pages, type) == [(2, ("log", {"level": "stdout", "message": "hello"}))]
    assert next_page(pages, type) is None


def test_a_worker_that_is_not_there_and_a_query_that_is_none_trap(worker):
    worker.peers.entries = []
    pages = worker.call(GetOplog.constructor, worker, {"worker_id": worker_value(WORKER), "start": 1})

    with pytest.raises(Trap, match="Worker not found"):
        next_page(pages, OptionType(ListType(TYPE)))
    with pytest.raises(Trap, match="query"):
        worker.call(SearchOplog.constructor, worker, {"worker_id": worker_value(WORKER), "text": "(("})
