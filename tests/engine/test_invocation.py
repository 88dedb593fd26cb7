from golem_nb.engine.invocation import Invocation, begun
from golem_nb.oplog.entries import InheritedSpan, InvocationContext, PendingWorkerInvocation, Recorded
from golem_nb.values.types import U32

FIVE = Recorded.of(U32, 5)


def test_an_invocation_without_a_caller_begins_a_trace():
    first, second = (Invocation("f", (FIVE,), "k").pending(7) for _ in range(2))

    assert (len(first.trace_id), first.inherited, first.trace_states) == (32, (), ())
    assert first.trace_id != second.trace_id


def test_what_the_caller_hands_on_comes_to_the_invocation_that_begins():
    context = InvocationContext("t" * 32, ("a=b",), (InheritedSpan("s", 1, {}),))

    entry = begun(9, Invocation("f", (FIVE,), "k", context).pending(7))

    assert (entry.timestamp_us, entry.function_name, entry.request, entry.idempotency_key) == (9, "f", (FIVE,), "k")
    assert (entry.trace_id, entry.trace_states, entry.inherited) == ("t" * 32, ("a=b",), context.inherited)
    assert len(entry.span_id) == 16


def test_an_invocation_that_was_accepted_without_a_trace_gets_one():
    assert len(begun(9, PendingWorkerInvocation(7, "k", "f", ())).trace_id) == 32
