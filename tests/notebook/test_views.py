from datetime import UTC, datetime
from uuid import UUID

import pytest

from golem_nb.model import Component, WorkerId, WorkerMetadata, WorkerStatus
from golem_nb.notebook.views import (
    STATUSES,
    ComponentView,
    CrashReport,
    ServerCard,
    Text,
    WorkerView,
    signature,
    size_text,
)
from golem_nb.values.types import STRING, U32, FunctionType, Parameter

AT = datetime(2026, 1, 1, tzinfo=UTC)
ADD = FunctionType("add-item", (Parameter("name", STRING),), U32, "Adds <one>.")
COMPONENT = Component(UUID(int=1), "<shop>", 3, 12_345, AT, (ADD,), "a" * 64)
WORKER = WorkerMetadata(
    WorkerId(UUID(int=1), "w"), WorkerStatus.FAILED, 0, AT, ("a",), {"K": "v"}, 2, 3, "<boom>", 0, 9, 4
)
VIEWS = [
    Text("a\n<b>"),
    ComponentView(COMPONENT, "created, version 3"),
    WorkerView("shop/w", WORKER, "new"),
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


@pytest.mark.parametrize(("size", "text"), [(437, "437 B"), (12_345, "12.3 kB"), (2_000_000, "2.0 MB")])
def test_sizes_are_for_people(size, text):
    assert size_text(size) == text


def test_a_signature_reads_as_one_would_call_it():
    assert signature(ADD) == "add-item(name: string) -> u32"
