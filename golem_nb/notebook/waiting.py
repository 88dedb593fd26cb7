"""While an invocation is waited for: what its worker prints, and how long it has taken. Source: UX 2, "long work".

How this works. The events of the worker are read from before the call on; those between the start and the end of this
invocation, known by its key, are shown. A thread prints them in batches, ten times a second at most, since each write
is a message to the browser. It has ended when the cell has: the rest is printed by the cell itself, which waits for the
end of the invocation among the events a moment longer than for its result, as they come by another connection.
"""

from __future__ import annotations

import threading
import time
from html import escape
from types import TracebackType
from typing import Self
from uuid import uuid4

from golem_nb.client.client import Client
from golem_nb.errors import GolemError, InvocationError
from golem_nb.model import EventType, IdempotencyKey, OplogIndex, WorkerEvent, WorkerId
from golem_nb.notebook.panes.lines import line_from_event, text_from_line
from golem_nb.notebook.panes.pane import publish
from golem_nb.notebook.panes.stream import EventStream
from golem_nb.notebook.surroundings import Place, Surroundings
from golem_nb.notebook.terminal import erased, write_over
from golem_nb.notebook.views import badge_text, harmless

FIRST_S, EVERY_S, ASK_S = 0.5, 0.1, 1.0
# For how long the end is waited for after the result: where the invocation was seen to begin, and where it was not (a
# result by a known key has no events, and other servers need not tell of keys).
END_S, NO_BEGIN_S = 1.0, 0.3


class Waiting:
    """Shows what a worker prints, while this is entered. A server that gives no events is none to complain about."""

    def __init__(
        self,
        surroundings: Surroundings,
        client: Client,
        worker: WorkerId,
        *,
        name: str,
        call: str,
        key: IdempotencyKey,
        is_new: bool,
        most_lines: int,
        place: Place | None = None,
        held_at: OplogIndex | None = None,
    ) -> None:
        """`name` is the worker as the user writes it; one that `is_new` is made by the call.

        Nothing is printed while the worker's oplog ends at `held_at`: what a key is known by was printed when it ran.
        """
        self._most_lines = most_lines
        self._surroundings, self._client, self._worker = surroundings, client, worker
        self._name, self._call, self._key, self._is_new = name, call, key, is_new
        self._place = place or surroundings.place
        self._stream: EventStream | None = None
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._seen = self._printed = self._left_out = 0
        self._has_begun = self._is_over = False
        self._held_at = held_at
        self._begin = self._asked = time.monotonic()
        self._display_id, self._is_told = uuid4().hex, False

    def __enter__(self) -> Self:
        if not self._is_new:
            self._open()
        self._thread = self._surroundings.start_thread(self._run, f"output of {self._name}")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        has_ended = error is None or isinstance(error, InvocationError)
        if has_ended and self._stream is None:
            self._open()
        self._print_rest(END_S if has_ended else 0.0)
        if self._left_out:
            self._print(f"[STREAM  ] {self._left_out} more lines; %golem_oplog {self._name} --kind Log has all")
        if self._is_told:
            self._say(f"{'done' if error is None else 'not done'} after {self._seconds:.1f} s", is_last=True)
        if self._stream is not None:
            # To close takes half a second where something was left unread.
            self._surroundings.start_thread(self._stream.close, f"end of the output of {self._name}")

    def _open(self) -> None:
        try:
            opened = self._client.events(self._worker)
        except GolemError:
            return  # there are none of this worker, or not yet; the call tells what is wrong with it
        stream = self._stream = EventStream(self._name, lambda: self._client.events(self._worker))
        self._surroundings.start_thread(lambda: stream.run(opened), f"events of {self._name}")

    def _run(self) -> None:
        while not self._stopped.wait(EVERY_S):
            if self._stream is None and self._is_new:
                self._open()
            self._print_new()
            if self._place is not Place.HEADLESS and self._seconds >= FIRST_S:
                self._tell()

    def _print_rest(self, patience_s: float) -> None:
        deadline = time.monotonic() + patience_s
        while not self._is_held():
            self._print_new()
            limit = deadline if self._has_begun else deadline - END_S + min(patience_s, NO_BEGIN_S)
            left = limit - time.monotonic()
            if self._stream is None or self._is_over or self._stream.is_closed or left <= 0:
                return
            self._stream.wait_for_change(self._seen, left)

    def _is_held(self) -> bool:
        if self._held_at is None:
            return False
        try:
            last_index = self._client.worker(self._worker).last_index
        except GolemError:
            return True  # the call itself tells what is wrong
        if last_index != self._held_at:
            self._held_at = None
        return self._held_at is not None

    def _print_new(self) -> None:
        if self._stream is None or self._is_held():
            return
        lines = []
        for seq, event in self._stream.since(self._seen):
            self._seen = seq
            if self._is_shown(event):
                line = line_from_event(seq, event)
                # Without times elsewhere: runs of a notebook can then be compared.
                is_terminal = self._place is Place.TERMINAL
                text = text_from_line(line, with_time=is_terminal)
                lines.append(harmless(text) if is_terminal else text)
        shown = lines[: self._most_lines - self._printed]
        self._printed, self._left_out = self._printed + len(shown), self._left_out + len(lines) - len(shown)
        if shown:
            self._print("\n".join(shown))

    def _print(self, text: str) -> None:
        # In a terminal the line that tells how it goes stands where these are to be.
        before = erased() if self._is_told and self._place is Place.TERMINAL else ""
        print(f"{before}{text}", flush=True)

    def _is_shown(self, event: WorkerEvent) -> bool:
        """Is it output of this invocation? An attempt that failed is over, and the next one begins again."""
        match event.type:
            case EventType.INVOCATION_START | EventType.INVOCATION_FINISHED:
                if event.context.get("idempotencyKey") == self._key:
                    self._has_begun, self._is_over = True, event.type is EventType.INVOCATION_FINISHED
                return False
        return self._has_begun and not self._is_over

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._begin

    def _tell(self) -> None:
        """Renew the line that says how it goes; the worker is asked once a second."""
        if self._is_told and time.monotonic() - self._asked < ASK_S:
            return
        self._asked = time.monotonic()
        try:
            worker = self._client.worker(self._worker)
        except GolemError:
            self._say(f"waiting for {int(self._seconds)} s")  # the call itself tells what is wrong
            return
        retries = f", {worker.retry_count} retries" if worker.retry_count else ""
        self._say(f"{badge_text(worker.status)}, {int(self._seconds)} s, {self._printed} lines of output{retries}")

    def _say(self, text: str, *, is_last: bool = False) -> None:
        line, is_update = f"{' '.join(self._call.split())}: {text}", self._is_told
        self._is_told = True
        if self._place is Place.TERMINAL:
            write_over(line, is_last=is_last)
            return
        publish({"text/plain": line, "text/html": f"<div>{escape(line)}</div>"}, self._display_id, update=is_update)
