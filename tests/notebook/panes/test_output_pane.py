import pytest

from golem_nb.model import EventType, WorkerEvent
from golem_nb.notebook.panes.lines import line_from_event
from golem_nb.notebook.panes.output_pane import OutputPane
from tests.notebook.fake import AT


def lines(*texts, type=EventType.STDOUT, first=1):
    return {"lines": [line_from_event(seq, WorkerEvent(type, AT, text)) for seq, text in enumerate(texts, first)]}


@pytest.fixture
def make():
    return lambda **options: OutputPane(worker="shop/w", workers=[], state="live", **options)


def shown(pane):
    (output,) = pane._output.outputs
    return [line.partition("] ")[2] for line in output["text"].splitlines()]


def test_lines_are_one_stream_that_is_replaced(make):
    pane = make()
    pane.send(lines("a", "b"))
    pane.send(lines("c", first=3))

    assert shown(pane) == ["[STDOUT  ] a", "[STDOUT  ] b", "[STDOUT  ] c"]
    assert pane._head.value == "shop/w  ● live  3 events"


def test_it_is_bounded_and_filtered(make):
    pane = make(limit=2, filter="/line [23]/")
    pane.send(lines("line 1", "line 2", "other", "line 3", "line 3 again"))

    assert shown(pane) == ["[STDOUT  ] line 3", "[STDOUT  ] line 3 again"]


def test_only_what_is_serious_is_shown_where_that_is_asked_for(make):
    pane = make(level=3)
    pane.send(lines("fine"))
    pane.send(lines("bad", type=EventType.STDERR, first=2))

    assert shown(pane) == ["[STDERR  ] bad"]


def test_its_state_and_reason_are_said(make):
    pane = make()
    pane.state, pane.reason = "closed", "it was deleted"

    assert pane._head.value == "shop/w  ■ closed: it was deleted  0 events"


def test_it_shows_itself_as_a_widget(make):
    assert "application/vnd.jupyter.widget-view+json" in make()._repr_mimebundle_()
