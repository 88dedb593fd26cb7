"""The live event pane: an anywidget fed in batches, which turns into plain HTML when its stream ends.

A notebook may be stored before that. So beside the pane there is what a reader of the file sees instead, plain HTML
that is renewed now and then; where the pane lives, its JavaScript hides it.

Source: UX, F1 (batches, bounded), F2 (context of the cell), F3 (never print), F4 (numbers, `tail`), F6 (static swap).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import anywidget
import traitlets
from IPython.display import display, publish_display_data

from golem_nb.notebook.panel import bundle_with
from golem_nb.notebook.panes.lines import NOTHING, Line, line_from_event, static_bundle
from golem_nb.notebook.panes.output_pane import OutputPane
from golem_nb.notebook.panes.stream import EventStream
from golem_nb.notebook.surroundings import Surroundings

MOST_LINES = 500
BATCH_EVERY_S = 0.08  # a dozen updates in a second look smooth and cost little
TAIL_EVERY_S = 0.7  # `tail` is sent whole each time
STORED_EVERY_S = 5.0  # so much older may be what a file has than what was to be seen
STORED = "data-golem-stored"
_CODE = Path(__file__).with_name("events.js")


class EventPane(anywidget.AnyWidget):  # type: ignore[misc]  # its package ships no types
    """The widget. `tail` holds the last lines for views that come later; deltas are custom messages."""

    _esm = _CODE.read_text()

    worker = traitlets.Unicode().tag(sync=True)
    workers = traitlets.List(help="Names of several; none where there is one only.").tag(sync=True)
    state = traitlets.Unicode().tag(sync=True)
    reason = traitlets.Unicode().tag(sync=True)
    limit = traitlets.Int(MOST_LINES).tag(sync=True)
    level = traitlets.Int(0).tag(sync=True)
    filter = traitlets.Unicode().tag(sync=True)
    invocations = traitlets.Bool(True).tag(sync=True)
    tail = traitlets.List().tag(sync=True)
    stored = traitlets.Unicode(help="The mark of what a file has instead.").tag(sync=True)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return bundle_with(super()._repr_mimebundle_(**options), NOTHING)


class PaneFeeder:
    """Carries a stream's lines into a pane, from a thread of its own, until the stream ends."""

    def __init__(self, stream: EventStream, pane: EventPane | OutputPane, display_id: str, stored_id: str) -> None:
        self._stream, self._pane, self._display_id, self._stored_id = stream, pane, display_id, stored_id
        self._lines: list[Line] = []
        self._sent = self._stored = 0

    def run(self) -> None:
        """Send batches; at the end put plain HTML in the pane's place."""
        since_tail = TAIL_EVERY_S  # at once: the first deltas are sent before the page has the pane
        renewed_at = time.monotonic()
        while True:
            self._stream.wait_for_change(self._sent, TAIL_EVERY_S)
            is_last = self._stream.is_closed
            has_new = self._send()
            since_tail += BATCH_EVERY_S if has_new else TAIL_EVERY_S
            if since_tail >= TAIL_EVERY_S:
                self._pane.tail = list(self._lines)
                since_tail = 0.0
            self._pane.state, self._pane.reason = str(self._stream.state), self._stream.reason
            if is_last:
                break
            if self._sent > self._stored and time.monotonic() - renewed_at >= STORED_EVERY_S:
                publish(self.stored(), self._stored_id, update=True)
                renewed_at = time.monotonic()
            # Waits out the batch; what comes meanwhile goes with the next one.
            self._stream.wait_for_end(BATCH_EVERY_S)
        self._swap()

    def stored(self) -> dict[str, Any]:
        """Return what a file has of a pane that lives: its last lines, folded where nothing hides them."""
        self._stored, is_hidden = self._sent, isinstance(self._pane, EventPane)
        why = "live when this was stored"
        bundle = static_bundle(self._stream.worker, self._lines, self._sent, why, is_open=is_hidden)
        html = f'<div {STORED}="{self._stored_id}">{bundle["text/html"]}</div>'
        return {**bundle, "text/html": html if is_hidden else bundle["text/html"]}

    def _send(self) -> bool:
        new = [line_from_event(seq, event) for seq, event in self._stream.since(self._sent)]
        if not new:
            return False
        self._sent = new[-1]["seq"]
        self._lines = [*self._lines, *new][-MOST_LINES:]
        self._pane.send({"lines": new[-MOST_LINES:]})
        return True

    def _swap(self) -> None:
        bundle = static_bundle(self._stream.worker, self._lines, self._stream.last_seq, self._stream.reason)
        publish(bundle, self._display_id, update=True)
        publish(NOTHING, self._stored_id, update=True)
        self._pane.close()


def show_pane(stream: EventStream, surroundings: Surroundings, options: dict[str, Any]) -> None:
    """Display a pane below the cell and feed it while later cells run."""
    display_id, stored_id = uuid4().hex, uuid4().hex
    traits = {"worker": stream.worker, "workers": list(stream.workers), "state": str(stream.state), **options}
    pane = EventPane(stored=stored_id, **traits) if surroundings.has_scripts else OutputPane(**traits)
    display(pane, display_id=display_id)
    feeder = PaneFeeder(stream, pane, display_id, stored_id)
    publish(feeder.stored(), stored_id)  # not from the thread: it would come below whatever cell runs then
    surroundings.start_thread(feeder.run, f"pane of {stream.worker}")


class StaticDisplay:
    """A stream as plain HTML and text, for runs without a reader: renewed after each later cell, never from a thread.

    (ipykernel 7.0 drops what a thread sends after its cell.)
    """

    def __init__(self, stream: EventStream, is_wanted: Callable[[Line], bool]) -> None:
        self._stream, self._is_wanted = stream, is_wanted
        self._display_id, self._shown = uuid4().hex, -1

    def show(self) -> None:
        publish(self._bundle(), self._display_id)

    def renew(self) -> bool:
        """Show what is new; False when nothing more will come."""
        is_last = self._stream.is_closed
        if self._shown != self._stream.last_seq or is_last:
            publish(self._bundle(), self._display_id, update=True)
        return not is_last

    def _bundle(self) -> dict[str, Any]:
        self._shown = self._stream.last_seq
        lines = [line_from_event(*item) for item in self._stream.since(0)]
        wanted = [line for line in lines if self._is_wanted(line)]
        return static_bundle(self._stream.worker, wanted, self._shown, self._stream.reason or str(self._stream.state))


def publish(bundle: dict[str, Any], display_id: str | None, *, update: bool = False) -> None:
    transient = {"display_id": display_id} if display_id else {}
    publish_display_data(data=bundle, transient=transient, update=update)
