"""One line that tells how long something takes. Source: UX, section 2, "long work".

Nothing is shown before half a second. In a notebook that somebody looks at, the line has a bar and is renewed in place;
in a terminal it is written over; without a reader it is printed once, when the work is over.
"""

from __future__ import annotations

import threading
import time
from html import escape
from types import TracebackType
from typing import Self
from uuid import uuid4

from golem_nb.notebook.panes.pane import publish
from golem_nb.notebook.surroundings import Place, Surroundings
from golem_nb.notebook.terminal import write_over

FIRST_S, EVERY_S = 0.5, 0.25


class Progress:
    """Of work in known steps, while this is entered. `step` is called as each begins."""

    def __init__(self, surroundings: Surroundings, what: str, steps: int) -> None:
        self._surroundings, self._what, self._steps = surroundings, what, steps
        self._place = surroundings.place
        self._step, self._text = 0, ""
        self._begin = time.monotonic()
        self._display_id: str | None = None
        self._over, self._lock = threading.Event(), threading.Lock()
        self._thread: threading.Thread | None = None

    def step(self, text: str) -> None:
        with self._lock:
            self._step, self._text = self._step + 1, text

    def reach(self, step: int, text: str) -> None:
        """Be at a step that was counted elsewhere: entries that were read, say, in portions."""
        with self._lock:
            self._step, self._text = step, text

    def __enter__(self) -> Self:
        if self._place is not Place.HEADLESS:  # ipykernel 7.0 drops what threads send after their cell
            self._thread = self._surroundings.start_thread(self._renew, f"progress of {self._what}")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        if self.seconds >= FIRST_S:
            self._show_last(f"{self._what}: {'done' if error is None else 'not done'} after {self.seconds:.1f} s")

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begin

    def _renew(self) -> None:
        if self._over.wait(FIRST_S):
            return
        while True:
            self._show()
            if self._over.wait(EVERY_S):
                return

    def _show(self) -> None:
        with self._lock:
            line = f"{self._what}: {self._text} ({self._step} of {self._steps}), {int(self.seconds)} s"
            done = self._step - 1
        if done < 0:
            return  # nothing has begun
        if self._place is Place.TERMINAL:
            write_over(line)
            return
        bar = f'<progress max="{self._steps}" value="{done}" style="vertical-align:middle"></progress>'
        self._publish({"text/plain": line, "text/html": f"<div>{bar} {escape(line)}</div>"})

    def _show_last(self, line: str) -> None:
        if self._place is Place.LIVE:
            self._publish({"text/plain": line, "text/html": f"<div>{escape(line)}</div>"})
        elif self._place is Place.TERMINAL:
            write_over(line, is_last=True)
        else:
            print(line)

    def _publish(self, bundle: dict[str, str]) -> None:
        is_update = self._display_id is not None
        self._display_id = self._display_id or uuid4().hex
        publish(bundle, self._display_id, update=is_update)
