from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from golem_nb.model import (
    Component,
    ComponentOptions,
    ComponentType,
    InitialFile,
    LinkTarget,
    SnapshotPolicy,
    UpdateRecord,
    UpdateState,
    WorkerId,
    WorkerMetadata,
    WorkerStatus,
)
from golem_nb.notebook.views import (
    STATUSES,
    ComponentView,
    CrashReport,
    Listing,
    ServerCard,
    Text,
    UpdateReport,
    WorkerView,
    harmless,
    policy_text,
    resources_text,
    rows_html,
    rows_text,
    signature,
    size_text,
    update_rows,
)
from golem_nb.values.types import STRING, U32, FunctionType, Parameter

AT = datetime(2026, 1, 1, tzinfo=UTC)
ADD = FunctionType("add-item", (Parameter("name", STRING),), U32, "Adds <one>.")
COMPONENT = Component(UUID(int=1), "<shop>", 3, 12_345, AT, (ADD,), "a" * 64)
WORKER = WorkerMetadata(
    WorkerId(UUID(int=1), "w"), WorkerStatus.FAILED, 0, AT, ("a",), {"K": "v"}, 2, 3, "<boom>", 0, 9, 4
)
FAILED = UpdateRecord(UpdateState.FAILED, AT, 3, "expected <boom>,\ngot <http>")
DONE = UpdateRecord(UpdateState.SUCCESSFUL, AT, 3)
OPTIONS = ComponentOptions(
    ComponentType.EPHEMERAL,
    {"<A>": "<b>"},
    (InitialFile("/<etc>", "0", 5), InitialFile("/notes", "0", 5, is_read_only=False)),
    {"a:b/c": {"api": LinkTarget("d:e/f", "<cart>")}},
)
VIEWS = [
    Text("a\n<b>"),
    ComponentView(COMPONENT, "created, version 3"),
    WorkerView("shop/w", WORKER, "new"),
    WorkerView("shop/w", replace(WORKER, updates=(FAILED,), owned_resources={1: "<shop>"})),
    UpdateReport("shop/w", 2, FAILED, 12),
    UpdateReport("shop/w", 2, DONE, 12),
    ComponentView(COMPONENT, snapshots=SnapshotPolicy(100)),
    ComponentView(replace(COMPONENT, options=OPTIONS)),
    CrashReport("worker crashed", 9, 4, 12, WorkerStatus.IDLE, (1, 2)),
    ServerCard((("engine", "<http>"),)),
]


@pytest.mark.parametrize("view", VIEWS, ids=lambda v: type(v).__name__)
def test_views_read_in_a_stored_notebook(view):
    """Inline styles only; nothing that a worker or user wrote becomes markup. Source: UX, F9."""
    bundle = view._repr_mimebundle_()

    assert bundle["text/plain"] == repr(view) == view.text()
    for forbidden in ("<style", "<script", "<svg", "<boom>", "<shop>", "<http>", "<one>", "\n<b>"):
        assert forbidden not in bundle["text/html"]


def test_every_status_has_a_glyph_besides_its_colour():
    assert set(STATUSES) == set(WorkerStatus)
    assert len({glyph for glyph, _ in STATUSES.values()}) == len(WorkerStatus)


def test_a_worker_shows_what_there_is_to_say():
    text = WorkerView("shop/w", WORKER).text()

    for part in ("✕ Failed", "retries", "3", "<boom>", "K=v", "4 entries"):
        assert part in text


def test_a_worker_shows_its_updates_and_resources():
    pending = UpdateRecord(UpdateState.PENDING, AT, 4)
    text = WorkerView("shop/w", replace(WORKER, updates=(DONE, FAILED, pending), owned_resources={7: "a:b/c#d"})).text()

    assert "update            to version 4, pending" in text
    assert "last update       to version 3, failed 2026-01-01 00:00:00 UTC: expected <boom>," in text
    assert "resources         7 a:b/c#d" in text


def test_what_a_worker_says_of_itself_has_the_name_of_its_component_and_does_not_steer():
    gone = UpdateRecord(UpdateState.FAILED, AT, 9, f"Component not found: {WORKER.worker_id.component_id}, version 9")
    view = WorkerView("shop/w", replace(WORKER, updates=(gone,), last_error="\x1b[2J\x1b[1mboom"))

    assert "Component not found: shop, version 9" in view.text() and "Component not found: shop" in view.html()
    assert "\\x1b[2J\x1b[1mboom" in repr(view) == view._repr_mimebundle_()["text/plain"]


def test_the_last_update_that_is_over_is_shown():
    assert update_rows(()) == []
    assert update_rows((FAILED, DONE)) == [("last update", "to version 3, done 2026-01-01 00:00:00 UTC")]


def test_an_update_that_failed_shows_all_of_its_reason():
    report = UpdateReport("shop/w", 2, FAILED, 12)

    assert "✕ the update to version 3 failed; it stays on version 2" in report.text()
    assert "expected <boom>,\n        got <http>" in report.text()
    assert report.details == FAILED.details


def test_many_resources_are_counted():
    text = resources_text({number: "r" for number in range(10)})

    assert text.startswith("0 r, 1 r,") and text.endswith("7 r, 2 more")


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        (SnapshotPolicy(100), "every 100 invocations"),
        (SnapshotPolicy(1), "every 1 invocation"),
        (SnapshotPolicy(every_s=60.0), "every 60 s"),
        (SnapshotPolicy(5, 0.5), "every 5 invocations or 0.5 s, whatever comes first"),
    ],
)
def test_a_policy_is_for_people(policy, text):
    assert policy_text(policy) == text


def test_further_lines_of_a_value_stand_below_its_first():
    assert rows_text([("a", "1"), ("bc", "2\n3")]) == "  a   1\n  bc  2\n      3"


@pytest.mark.parametrize(("size", "text"), [(437, "437 B"), (12_345, "12.3 kB"), (2_000_000, "2.0 MB")])
def test_sizes_are_for_people(size, text):
    assert size_text(size) == text


def test_a_signature_reads_as_one_would_call_it():
    assert signature(ADD) == "add-item(name: string) -> u32"


def test_a_component_shows_what_its_version_has_besides_its_bytes():
    text = ComponentView(replace(COMPONENT, options=OPTIONS)).text()

    for shown in ("ephemeral", "<A>=<b>", "/<etc>, 5 B", "/notes, 5 B, read-write", "a:b/c.api = <cart>:d:e/f"):
        assert shown in text


def test_values_keep_their_lines_and_names_are_not_broken():
    shown = rows_html([("last error", "a\nb")])

    assert "white-space:pre-wrap" in shown.partition("a\nb")[0].rpartition("<td")[2]
    assert "white-space:nowrap" in shown.partition("last error")[0].rpartition("<td")[2]


def test_control_characters_are_spelled_for_a_terminal_but_for_colours():
    assert harmless("a\tb\nü🎉 \x1b[31mred\x1b[0m") == "a\tb\nü🎉 \x1b[31mred\x1b[0m"
    assert harmless("\x1b]0;title\x07\x1b[2J\r\x9b") == "\\x1b]0;title\\x07\\x1b[2J\\x0d\\x9b"


def test_colours_of_a_component_go_where_no_color_is_set(monkeypatch):
    text = "\x1b[31mred\x1b[0m\u202e\r\n"
    assert harmless(text) == "\x1b[31mred\x1b[0m\\u202e\\x0d\n"

    monkeypatch.setenv("NO_COLOR", "1")
    assert harmless(text) == "red\\u202e\\x0d\n"


def test_a_listing_is_no_wider_than_the_terminal():
    lines = Listing((("%name", "word " * 40), ("%x", "y")), "note").text().splitlines()

    assert max(map(len, lines)) <= 100
    assert lines[1].startswith("         word")
