import json
from datetime import UTC, datetime, timedelta
from importlib.resources import files

import jsonschema
import pytest
import yaml

from golem_nb.errors import BadInput
from golem_nb.model import EventType, WorkerEvent
from golem_nb.wire import events
from golem_nb.wire.events import EventReader, broken_event, golem_json_from_event, json_from_event, missed_event

AT = datetime(2025, 1, 31, 12, 34, 56, 789000, tzinfo=UTC)
STAMP = "2025-01-31T12:34:56.789Z"
ASYNCAPI = yaml.safe_load((files(events.__package__) / "contract" / "golem-cloud-asyncapi.yml").read_text())
PAYLOAD = ASYNCAPI["components"]["messages"]["WorkerEvent"]["payload"]
EVENTS = [
    WorkerEvent(EventType.STDOUT, AT, "héllo\n"),
    WorkerEvent(EventType.STDERR, AT, ""),
    WorkerEvent(EventType.LOG, AT, "text", "Info", {"context": "ctx"}),
    WorkerEvent(EventType.INVOCATION_START, AT, context={"function": "run", "idempotencyKey": "k"}),
    WorkerEvent(EventType.INVOCATION_FINISHED, AT, context={"function": "run", "idempotencyKey": "k"}),
    missed_event(12, AT),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_an_event_is_read_back_and_keeps_the_contract(event):
    message = json_from_event(event)

    assert EventReader().read(json.dumps(message)) == event
    jsonschema.validate(message, PAYLOAD, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
    # The contract asks for no key at all, so that Golem's own form keeps it, too: we ask for more.
    assert {"type", "timestamp"} <= set(message)
    assert all(value is not None for value in message.values())


@pytest.mark.parametrize(
    ("tagged", "event"),
    [
        ({"StdOut": {"timestamp": STAMP, "bytes": [72, 105]}}, WorkerEvent(EventType.STDOUT, AT, "Hi")),
        (
            {"Log": {"timestamp": STAMP, "level": "Warn", "context": "c", "message": "m"}},
            WorkerEvent(EventType.LOG, AT, "m", "Warn", {"context": "c"}),
        ),
        (
            {"InvocationStart": {"timestamp": STAMP, "function": "f", "idempotency_key": "k"}},
            WorkerEvent(EventType.INVOCATION_START, AT, context={"function": "f", "idempotencyKey": "k"}),
        ),
    ],
)
def test_golems_tagged_form_is_read(tagged, event):
    assert EventReader().read(json.dumps(tagged)) == event


def test_golems_lag_notice_becomes_the_contracts():
    event = EventReader().read('{"ClientLagged":{"number_of_missed_messages":17}}')

    assert event == missed_event(17, event.timestamp)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_what_is_written_in_golems_form_is_read_back(event):
    read = EventReader().read(json.dumps(golem_json_from_event(event)))

    assert (read.type, read.message, read.level, read.context) == (
        event.type,
        event.message,
        event.level,
        event.context,
    )


def test_golems_form_is_written_as_it_is_there():
    event = WorkerEvent(EventType.LOG, AT, "text", "Info")
    assert golem_json_from_event(event) == {
        "Log": {"timestamp": STAMP, "level": "Info", "context": "", "message": "text"}
    }
    assert golem_json_from_event(missed_event(12, AT)) == {"ClientLagged": {"number_of_missed_messages": 12}}


@pytest.mark.parametrize(
    ("tagged", "level", "text"),
    [
        ({"PluginError": {"timestamp": STAMP, "plugin_name": "p", "message": "no"}}, "Error", "plugin p: no"),
        (
            {"SnapshotRecoverySucceeded": {"timestamp": STAMP, "snapshot_index": 4}},
            "Info",
            "recovered from the snapshot at 4",
        ),
        (
            {"SnapshotRecoveryFailed": {"timestamp": STAMP, "snapshot_index": 4, "error": "bad"}},
            "Warn",
            "recovery from the snapshot at 4 failed: bad",
        ),
    ],
)
def test_kinds_of_golem_1_5_become_logs(tagged, level, text):
    event = EventReader().read(json.dumps(tagged))

    assert (event.type, event.timestamp, event.level, event.message) == (EventType.LOG, AT, level, text)


def test_a_notice_of_a_break_says_from_when_to_when():
    event = broken_event(AT, AT + timedelta(seconds=2))

    assert (event.type, event.level, event.context["missedFrom"]) == (EventType.LOG, "Warn", STAMP)
    assert f"between {STAMP} and 2025-01-31T12:34:58.789Z may be missing" in event.message


def test_a_character_cut_in_two_messages_is_whole_again():
    reader, parts = EventReader(), "é".encode()

    texts = [reader.read(json.dumps({"StdOut": {"timestamp": STAMP, "bytes": [byte]}})).message for byte in parts]

    assert texts == ["", "é"]


@pytest.mark.parametrize(
    "text",
    ['{"type":"New","timestamp":"x"}', '{"Nobody":{"timestamp":"x"}}', "{}", '{"a":1,"b":2}', '{"a":1}', '{"type":[]}'],
)
def test_events_of_unknown_kinds_are_left_out(text):
    assert EventReader().read(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[1]",
        "[" * 200_000,
        '{"type":"StdOut"}',
        '{"StdOut":{"timestamp":"2025-01-31T12:34:56Z","bytes":"x"}}',
        '{"StdOut":{"timestamp":"2025-01-31T12:34:56Z","bytes":9000000000}}',
        '{"StdOut":{"timestamp":"2025-01-31T12:34:56Z","bytes":[256]}}',
    ],
)
def test_a_broken_message_is_refused(text):
    """A number of bytes is none of them, however much memory it would take."""
    with pytest.raises(BadInput):
        EventReader().read(text)


def test_what_is_no_text_is_shown_as_its_json():
    told = EventReader().read(f'{{"type":"Log","timestamp":"{STAMP}","level":3,"message":{{"a":"ä"}},"context":[1]}}')

    assert (told.level, told.message, told.context) == ("3", '{"a": "ä"}', {})
