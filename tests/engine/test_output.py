import pytest

from golem_nb.engine.events import EventHub
from golem_nb.engine.output import STDERR_LINES, WorkerOutput
from golem_nb.model import EventType, LogLevel
from golem_nb.oplog.entries import ExportedFunctionInvoked, Log


class FakeJournal:
    last_timestamp_us = 7

    def __init__(self):
        self.entries = []

    def append(self, make):
        self.entries.append(make(7))


@pytest.fixture
def journal():
    return FakeJournal()


@pytest.fixture
def hub():
    return EventHub()


@pytest.fixture
def output(journal, hub):
    return WorkerOutput(journal, hub)


def seen(hub):
    events, _ = hub.subscribe().take()
    return [(e.type, e.message, e.level, dict(e.context)) for e in events]


def test_a_line_is_an_entry_and_an_event(output, journal, hub):
    output(LogLevel.STDOUT, "", "hello\n", True)
    output(LogLevel.WARN, "shop", "low", True)

    assert journal.entries == [Log(7, LogLevel.STDOUT, "", "hello\n"), Log(7, LogLevel.WARN, "shop", "low")]
    assert seen(hub) == [
        (EventType.STDOUT, "hello\n", None, {}),
        (EventType.LOG, "low", "Warn", {"context": "shop"}),
    ]


def test_a_line_of_the_past_is_neither(output, journal, hub):
    output(LogLevel.STDOUT, "", "hello\n", False)

    assert (journal.entries, seen(hub)) == ([], [])


def test_a_line_of_a_snapshot_is_an_event_only(output, journal, hub):
    output(LogLevel.STDOUT, "", "saving\n", True, False)

    assert journal.entries == []
    assert len(seen(hub)) == 1


def test_what_comes_with_a_failure(output):
    output(LogLevel.STDERR, "", "oh\n", False)
    output(LogLevel.STDOUT, "", "not this\n", False)
    output(LogLevel.ERROR, "shop", "no tea", False)

    assert output.stderr == "oh\n[ERROR] [shop] no tea\n"
    output.forget_stderr()
    assert output.stderr == ""


def test_of_much_stderr_the_end_is_kept(output):
    for number in range(STDERR_LINES + 5):
        output(LogLevel.STDERR, "", f"{number}\n", False)

    assert output.stderr.startswith("5\n")


def test_invocations_are_told_of(output, hub):
    output.invocation(EventType.INVOCATION_START, ExportedFunctionInvoked(7, "f", (), "k"))

    assert seen(hub) == [(EventType.INVOCATION_START, "f", None, {"function": "f", "idempotencyKey": "k"})]
