from datetime import UTC, datetime

import pytest

from golem_nb.errors import UsageError
from golem_nb.model import EventType, WorkerEvent
from golem_nb.notebook.panes.lines import line_from_event, static_bundle, text_from_line, wanted_lines

AT = datetime(2026, 1, 1, 12, 0, 0, 5000, tzinfo=UTC)
INVOKED = {"function": "add", "idempotencyKey": "k"}
EVENTS = {
    "out": WorkerEvent(EventType.STDOUT, AT, "hello\n"),
    "err": WorkerEvent(EventType.STDERR, AT, "oh <b>no</b>\n"),
    "info": WorkerEvent(EventType.LOG, AT, "text", "Info", {"context": "shop"}),
    "debug": WorkerEvent(EventType.LOG, AT, "text", "debug"),
    "odd": WorkerEvent(EventType.LOG, AT, "text", "Whatever"),
    "start": WorkerEvent(EventType.INVOCATION_START, AT, "add", None, INVOKED),
    "finish": WorkerEvent(EventType.INVOCATION_FINISHED, AT, None, None, INVOKED),
    "lag": WorkerEvent(EventType.LOG, AT, "12 messages missed", "Warn", {"missedMessages": 12}),
}


def line(name, seq=1):
    return line_from_event(seq, EVENTS[name])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("out", "[STDOUT  ] hello"),
        ("err", "[STDERR  ] oh <b>no</b>"),
        ("info", "[INFO    ] shop: text"),
        ("debug", "[DEBUG   ] text"),
        ("odd", "[INFO    ] text"),
        ("start", "[INVOKE  ] STARTED  add (k)"),
        ("finish", "[INVOKE  ] FINISHED add (k)"),
        ("lag", "[STREAM  ] fell behind, 12 messages missed"),
    ],
)
def test_a_line_reads_as_golems_own_command_prints_it(name, text):
    assert text_from_line(line(name), with_time=False) == text
    assert text_from_line(line(name)).endswith(text)


@pytest.mark.parametrize(
    ("level", "pattern", "invocations", "shown"),
    [
        (None, None, True, set(EVENTS)),
        (None, None, False, set(EVENTS) - {"start", "finish"}),
        ("info", None, False, set(EVENTS) - {"start", "finish", "debug"}),
        ("warn", None, False, {"err", "lag"}),
        (None, "OH|miss", False, {"err", "lag"}),
    ],
)
def test_lines_are_chosen_by_level_text_and_kind(level, pattern, invocations, shown):
    is_wanted = wanted_lines(level, pattern, invocations)

    assert {name for name in EVENTS if is_wanted(line(name))} == shown


@pytest.mark.parametrize(("level", "pattern"), [("loud", None), (None, "[")])
def test_a_level_or_pattern_that_is_none_is_refused(level, pattern):
    with pytest.raises(UsageError):
        wanted_lines(level, pattern, True)


def test_what_stays_has_no_widget_no_markup_of_the_workers_and_no_time():
    bundle = static_bundle("shop/w", [line("out"), line("err")], 2, "closed here")

    assert bundle["text/plain"] == "shop/w: 2 events; closed here\n[STDOUT  ] hello\n[STDERR  ] oh <b>no</b>"
    assert "&lt;b&gt;no" in bundle["text/html"]
    assert not any(word in bundle["text/html"] for word in ("<script", "<style", "<svg", "<b>no", "12:00"))


def test_what_stays_is_bounded_by_lines():
    bundle = static_bundle("w", [line("out", seq) for seq in range(1, 501)], 9000, "live")

    assert bundle["text/plain"].count("hello") == 60
    assert bundle["text/plain"].startswith("w: 9000 events, the last 60 shown; live")


def test_what_stays_is_bounded_by_characters():
    long = line_from_event(1, WorkerEvent(EventType.STDOUT, AT, "x" * 9000))

    assert static_bundle("w", [long] * 10, 10, "live")["text/plain"].count("STDOUT") == 2
