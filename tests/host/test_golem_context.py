import pytest

from golem_nb.host.golem_context import GolemContext
from tests.host.context import START_NS, FakeWorker, call


@pytest.fixture
def context():
    return GolemContext(FakeWorker())


def start(context, name):
    return call(context, "start_span", name=name)


def current(context):
    return call(context, "current_context")


def test_a_span_is_the_current_one_until_it_is_finished(context):
    before = call(current(context), "span_id")
    outer = start(context, "outer")
    inner = start(context, "inner")
    inside = current(context)

    call(inner, "finish")

    assert call(inside, "get_attribute", key="name", inherited=False) == ("string", "inner")
    assert call(call(inside, "parent"), "get_attribute", key="name", inherited=False) == ("string", "outer")
    assert call(current(context), "span_id") == outer.span.span_id
    outer.dropped()
    assert call(current(context), "span_id") == before


def test_a_span_that_was_finished_is_not_finished_by_its_end(context):
    span = start(context, "once")

    call(span, "finish")
    span.dropped()

    assert context.worker.spans == [{"name": "once"}, span.span.span_id]


def test_attributes_are_seen_from_inside(context):
    outer = start(context, "outer")
    call(outer, "set_attributes", attributes=[{"key": "a", "value": ("string", "1")}])
    start(context, "inner")
    inside = current(context)

    assert call(inside, "get_attribute", key="a", inherited=False) is None
    assert call(inside, "get_attribute", key="a", inherited=True) == ("string", "1")
    assert call(inside, "get_attribute_chain", key="name") == [
        ("string", "inner"),
        ("string", "outer"),
        ("string", "invocation"),
    ]
    assert call(inside, "get_attributes", inherited=False) == [{"key": "name", "value": ("string", "inner")}]
    assert call(inside, "get_attribute_chains")[0] == {"key": "a", "values": [("string", "1")]}


def test_a_context_is_what_it_was_when_it_was_asked_for(context):
    before = current(context)
    start(context, "later")

    assert call(before, "span_id") == "f" * 16
    assert call(before, "parent") is None


def test_a_context_names_its_trace(context):
    found = current(context)

    assert call(found, "trace_id") == "1" * 32
    assert call(found, "trace_context_headers") == [("traceparent", f"00-{'1' * 32}-{'f' * 16}-00")]


def test_a_span_tells_when_it_began(context):
    assert call(start(context, "s"), "started_at") == {"seconds": START_NS // 10**9, "nanoseconds": 0}


def test_forwarding_of_headers_is_a_setting_that_tells_what_it_was(context):
    answers = [call(context, "allow_forwarding_trace_context_headers", allow=allow) for allow in (False, True)]

    assert answers == [True, False]
    assert context.worker.forwards_trace_headers
