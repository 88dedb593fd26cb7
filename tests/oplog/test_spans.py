from golem_nb.oplog.entries import ExportedFunctionInvoked, InheritedSpan, PendingWorkerInvocation
from golem_nb.oplog.spans import Span, handed_on, span_of_caller, span_of_invocation

TRACE = "0123456789abcdef" * 2


def invoked(**fields):
    return ExportedFunctionInvoked(5, "f", (), "k", TRACE, "own", **fields)


def test_without_a_caller_there_are_a_root_and_the_invocations_own_span():
    own, root = span_of_invocation(invoked(), "c/w").chain()

    assert (own.span_id, own.is_inherited) == ("own", False)
    assert own.attributes == {
        "name": "invoke-exported-function",
        "idempotency_key": "k",
        "function_name": "f",
        "worker_id": "c/w",
    }
    assert (root.span_id, root.attributes, root.parent) == (TRACE[:16], {}, None)


def test_spans_of_a_caller_come_back_in_their_order():
    outer = Span("1", 10, None, {"a": "outer", "b": "only"})
    inner = Span("2", 20, outer, {"a": "inner"})

    context = handed_on(TRACE, ["x=y"], inner)
    spans = list(span_of_caller(PendingWorkerInvocation(5, "k", "f", (), None, TRACE, (), context.inherited)).chain())

    assert context.inherited == (
        InheritedSpan("2", 20, {"a": "inner"}),
        InheritedSpan("1", 10, {"a": "outer", "b": "only"}),
    )
    assert [(s.span_id, s.start_us, s.attributes, s.is_inherited) for s in spans] == [
        ("2", 20, {"a": "inner"}, True),
        ("1", 10, {"a": "outer", "b": "only"}, True),
    ]


def test_attributes_are_looked_up_from_the_inside():
    outer = Span("1", 10, None, {"a": "outer", "b": "only"})
    inner = Span("2", 20, outer, {"a": "inner"})

    assert [inner.attribute("a", True), inner.attribute("b", True), inner.attribute("b", False)] == [
        "inner",
        "only",
        None,
    ]
    assert inner.values("a") == ["inner", "outer"]
    assert [inner.merged(True), inner.merged(False)] == [{"a": "inner", "b": "only"}, {"a": "inner"}]


def test_old_oplogs_have_no_trace():
    assert span_of_caller(PendingWorkerInvocation(5, "k", "f", ())) is None
