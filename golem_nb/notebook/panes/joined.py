"""The events of several workers as one stream, in the order in which they come in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from golem_nb.notebook.panes.lines import WORKER
from golem_nb.notebook.panes.stream import EventStream, Opened, StreamState


class JoinedStream(EventStream):
    """It is live while one of them is, and closing it closes them. Each event says whose it is."""

    def __init__(self, streams: Sequence[EventStream]) -> None:
        super().__init__(", ".join(stream.worker for stream in streams), _nothing_to_reopen)
        self.workers = tuple(stream.worker for stream in streams)
        self._streams = tuple(streams)
        # As far as it was carried over: a stream is closed here when its last events are here, too.
        self._states = {stream.worker: (StreamState.LIVE, "") for stream in streams}

    def follow(self, stream: EventStream) -> None:
        """Carry over what one of them reads, until it ends. For a thread of its own."""
        seen = 0
        while True:
            stream.wait_for_change(seen, 0.5)  # with a limit: a change of state alone is carried over, too
            state, reason = stream.state, stream.reason
            for seq, event in stream.since(seen):
                self._push(replace(event, context={**event.context, WORKER: stream.worker}))
                seen = seq
            self._tell(stream.worker, state, reason)
            if state is StreamState.CLOSED or self.is_closed:
                return

    def _tell(self, worker: str, state: StreamState, reason: str) -> None:
        """Be in the state of the liveliest, and say what is the matter with the others."""
        with self._changed:
            self._states[worker] = (state, reason)
            found = list(self._states.items())
        troubled = [f"{worker}: {why or state}" for worker, (state, why) in found if state is not StreamState.LIVE]
        states = [state for _, (state, _) in found]
        reasons = {why for _, (_, why) in found}  # what happened to all alike is said once
        said = reasons.pop() if len(reasons) == 1 else "; ".join(troubled)
        self._set(next(state for state in StreamState if state in states), said)

    def close(self) -> None:
        """End them all; what was read stays."""
        for stream in self._streams:
            stream.close()
        super().close()


def _nothing_to_reopen() -> Opened:
    raise AssertionError("a joined stream has no connection of its own")
