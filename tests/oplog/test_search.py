import pytest

from golem_nb.oplog import entries as e
from golem_nb.oplog.entries import Recorded
from golem_nb.oplog.query import parse_query
from golem_nb.oplog.search import matching
from golem_nb.values.types import STRING, record

ITEM = Recorded.of(record(product_id=STRING), {"product-id": "G1000"})


@pytest.mark.parametrize(
    ("query", "entry", "is_found"),
    [
        ("cancel-invocation k", e.CancelPendingInvocation(0, "k"), True),
        ("cancel-invocation k", e.CancelPendingInvocation(0, "l"), False),
        ("product-id:G1000", e.PendingWorkerInvocation(0, "k", "f", (ITEM,)), True),
        ("product-id:G1000", e.ExportedFunctionInvoked(0, "f", (ITEM,), "k"), True),
        ("product-id:G1001", e.ExportedFunctionInvoked(0, "f", (ITEM,), "k"), False),
        ("update 3", e.PendingUpdate(0, 3), True),
        ("name:outer", e.StartSpan(0, "s", None, {"name": "outer"}), True),
        ("colour:red", e.SetSpanAttribute(0, "s", "colour", "red"), True),
        ("boom", e.Error(0, e.ErrorKind.UNKNOWN, "boom", "", 3), True),
    ],
)
def test_a_query_is_asked_of_entries(query, entry, is_found):
    assert matching(parse_query(query))(1, entry) is is_found
