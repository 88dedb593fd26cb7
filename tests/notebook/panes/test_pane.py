import re
import threading
from datetime import UTC, datetime

import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell

from golem_nb.model import EventType, WorkerEvent
from golem_nb.notebook.panes import pane as module
from golem_nb.notebook.panes.lines import wanted_lines
from golem_nb.notebook.panes.pane import EventPane, PaneFeeder, StaticDisplay
from golem_nb.notebook.panes.stream import EventStream

AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def published(monkeypatch):
    """What is displayed: the messages of a shell that only gathers them."""
    shell = InteractiveShell.instance()
    publisher = CapturingDisplayPublisher()
    monkeypatch.setattr(shell, "display_pub", publisher)
    yield publisher.outputs
    InteractiveShell.clear_instance()


@pytest.fixture
def stream():
    return EventStream("shop/w", lambda: pytest.fail("nothing reconnects here"))


class RecordingPane(EventPane):
    """Keeps the deltas that it would have sent."""

    def __init__(self, **traits):
        self.sent = []
        super().__init__(**traits)

    def send(self, content, buffers=None):
        self.sent.append(content)


def push(stream, *texts):
    for text in texts:
        stream._push(WorkerEvent(EventType.STDOUT, AT, text))


def test_a_pane_gets_batches_then_turns_into_plain_html(stream, published):
    push(stream, "a", "b", "c")
    pane = RecordingPane(worker="shop/w")
    stream.close()

    PaneFeeder(stream, pane, "some-id", "stored-id").run()

    assert [line["text"] for message in pane.sent for line in message["lines"]] == ["a", "b", "c"]
    assert len(pane.sent) == 1
    swap, gone = published
    assert gone["transient"] == {"display_id": "stored-id"}
    assert gone["data"] == {"text/plain": "", "text/html": ""}
    assert swap["transient"] == {"display_id": "some-id"}
    assert swap["update"] is True
    assert "[STDOUT  ] c" in swap["data"]["text/plain"]
    assert pane.state == "closed"


def test_the_tail_is_bounded_and_numbered(stream, published, monkeypatch):
    monkeypatch.setattr(module, "MOST_LINES", 10)
    monkeypatch.setattr(module, "TAIL_EVERY_S", 0.0)
    push(stream, *map(str, range(100)))
    pane = RecordingPane(worker="shop/w")
    stream.close()

    PaneFeeder(stream, pane, "id", "stored-id").run()

    assert [line["seq"] for line in pane.tail] == list(range(91, 101))


def test_a_file_that_is_stored_while_a_pane_lives_has_its_last_lines(stream, published, monkeypatch):
    monkeypatch.setattr(module, "STORED_EVERY_S", 0.0)
    push(stream, "a")
    pane = RecordingPane(worker="shop/w")
    thread = threading.Thread(target=PaneFeeder(stream, pane, "pane", "stored").run)
    thread.start()
    renewed = []
    while not renewed and thread.is_alive():
        renewed = [m["data"] for m in list(published) if "[STDOUT  ] a" in m["data"]["text/plain"]]
    stream.close()
    thread.join(10)

    assert "1 event; live when this was stored" in renewed[0]["text/plain"]
    assert renewed[0]["text/html"].startswith('<div data-golem-stored="stored"><details open>')


def test_nothing_of_a_widget_is_stored_but_its_number():
    bundle = EventPane(worker="shop/w")._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle

    assert (data["text/plain"], data["text/html"]) == ("", "")
    assert "application/vnd.jupyter.widget-view+json" in data


def test_the_browsers_part_knows_the_traits_of_the_kernels():
    asked = set(re.findall(r'model\.get\("(\w+)"\)', module._CODE.read_text()))

    assert asked
    assert asked <= set(EventPane.class_trait_names(sync=True))


def test_the_browsers_part_puts_text_in_as_text_and_asks_nobody():
    code = module._CODE.read_text()

    assert "innerHTML" not in code
    assert not re.search(r"https?://|import |fetch\(", code)


def test_without_a_reader_the_output_is_renewed_until_the_end(stream, published):
    shown = StaticDisplay(stream, wanted_lines(None, None, True))
    shown.show()
    nothing_new = shown.renew()
    push(stream, "a")
    something_new = shown.renew()
    stream.close()
    last = shown.renew()

    assert (nothing_new, something_new, last) == (True, True, False)
    assert [message.get("update") for message in published] == [False, True, True]
    assert len({message["transient"]["display_id"] for message in published}) == 1
    assert published[-1]["data"]["text/plain"] == "shop/w: 1 event; closed here\n[STDOUT  ] a"
