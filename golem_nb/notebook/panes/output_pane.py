"""The live pane without JavaScript of its own, for pages that load no such widgets: plain ipywidgets.

One stream output holds the last lines and is replaced whole (appending to it sends and draws everything again each
time). The box lays out from its end, so the last line is in sight without a script. Source: UX 5 and F1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets

from golem_nb.notebook.panel import bundle_with
from golem_nb.notebook.panes.lines import NOTHING, SEVERITY, Line, text_from_line, wanted_lines

STATES = {"live": "● live", "reconnecting": "↻ reconnecting", "closed": "■ closed"}


class OutputPane:
    """What `PaneFeeder` feeds, in the place of an `EventPane`; `limit`, `level` and so on are the same traits."""

    def __init__(
        self,
        *,
        worker: str,
        workers: list[str],
        state: str,
        limit: int = 500,
        level: int = 0,
        filter: str = "",
        invocations: bool = True,
    ) -> None:
        self._worker, self._limit = worker, limit
        self._is_wanted = _wanted(level, filter, invocations)
        self._lines: list[Line] = []
        self._count = 0
        self._state, self._reason = state, ""
        self._head, self._output = ipywidgets.Label(), ipywidgets.Output()
        inner = ipywidgets.Layout(
            flex_flow="column-reverse", height="15em", overflow="auto", border="1px solid #767676"
        )
        self.widget = ipywidgets.VBox([self._head, ipywidgets.Box([self._output], layout=inner)])
        self._show_head()

    def send(self, message: Mapping[str, Any]) -> None:
        """Take new lines."""
        new: list[Line] = message["lines"]
        self._count = max([self._count, *(line["seq"] for line in new)])
        self._lines = [*self._lines, *filter(self._is_wanted, new)][-self._limit :]
        text = "\n".join(text_from_line(line) for line in self._lines)
        self._output.outputs = ({"output_type": "stream", "name": "stdout", "text": f"{text}\n"},)
        self._show_head()

    @property
    def state(self) -> str:
        return self._state

    @state.setter
    def state(self, state: str) -> None:
        if state != self._state:
            self._state = state
            self._show_head()

    @property
    def reason(self) -> str:
        return self._reason

    @reason.setter
    def reason(self, reason: str) -> None:
        if reason != self._reason:
            self._reason = reason
            self._show_head()

    @property
    def tail(self) -> list[Line]:
        return self._lines

    @tail.setter
    def tail(self, lines: list[Line]) -> None:
        """The output is a trait itself, which later views get whole: nothing is to be kept for them."""

    def _show_head(self) -> None:
        why = f": {self._reason}" if self._reason else ""
        self._head.value = f"{self._worker}  {STATES.get(self._state, self._state)}{why}  {self._count} events"

    def close(self) -> None:
        self.widget.close()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return bundle_with(self.widget._repr_mimebundle_(include=include, exclude=exclude), NOTHING)


def _wanted(level: int, filter: str, invocations: bool) -> Callable[[Line], bool]:
    name = next((str(known) for known, severity in SEVERITY.items() if severity == level), None) if level else None
    return wanted_lines(name, filter.removeprefix("/").removesuffix("/"), invocations)
