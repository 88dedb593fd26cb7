import re

from golem_nb.engine.tracing import new_span_id, new_trace_id


def test_ids_have_w3cs_sizes_and_are_different():
    traces, spans = {new_trace_id() for _ in range(1000)}, {new_span_id() for _ in range(1000)}

    assert len(traces) == len(spans) == 1000
    assert all(re.fullmatch("[0-9a-f]{32}", trace) for trace in traces)
    assert all(re.fullmatch("[0-9a-f]{16}", span) for span in spans)
