"""Time travel as a panel: a slider over a worker's history, at which it can be asked, stepped on, and forked.

Each place of the slider is a shadow of the worker, made anew: nothing is kept between two, and the worker is untouched
until somebody forks it. Source: UX 5, replay scrubber.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import ipywidgets as ui

from golem_nb.errors import GolemError
from golem_nb.model import OplogIndex, Shadow, WorkerId
from golem_nb.notebook.form import Form
from golem_nb.notebook.panel import Panel
from golem_nb.notebook.replay import HOST_CALL, Replay, value_of
from golem_nb.values.types import FunctionType


class Travel:
    """The panel of one worker. `made` is told of a fork: its id, and the index that it begins at."""

    def __init__(
        self, replay: Replay, functions: Sequence[FunctionType], made: Callable[[WorkerId, OplogIndex], None]
    ) -> None:
        self.replay, self._made = replay, made
        entries = replay.client().entries(replay.worker)
        self._kinds = [entry.kind for entry in entries]
        self.slider = ui.IntSlider(
            replay.index,
            min=1,
            max=max(1, len(self._kinds)),
            description="oplog index",
            continuous_update=False,
            layout={"width": "36em"},
            style={"description_width": "initial"},
        )
        self.step, self.seen = ui.Button(description="next host call"), ui.HTML()
        self.name = ui.Text(placeholder="name of the fork", layout={"width": "14em"})
        self.fork, self.forked = ui.Button(description="fork here"), ui.HTML()
        self.function = ui.Dropdown(
            options=[("call a function there …", None), *((function.name, function) for function in functions)],
            layout={"width": "36em"},
        )
        self._place = ui.VBox([])
        self.slider.observe(lambda _: self.go(self.slider.value), "value")
        self.step.on_click(lambda _: self.go(self._next_call()))
        self.fork.on_click(lambda _: self._fork())
        self.function.observe(lambda _: self._choose(), "value")
        self.widget = Panel(
            [
                ui.HBox([self.slider, self.step]),
                self.seen,
                self.function,
                self._place,
                ui.HBox([self.name, self.fork, self.forked]),
            ],
            lambda: self.replay,
        )
        self._show()

    @property
    def index(self) -> OplogIndex:
        return self.replay.index

    def go(self, index: OplogIndex) -> None:
        """Show the worker as it was at an index."""
        if index != self.replay.index:
            try:
                self.replay = self.replay.at(index)
            except GolemError as error:  # the worker was reverted or deleted meanwhile
                self.seen.value = _line("✕", str(error))
                return
            self._show()
        self.slider.value = index

    def _show(self) -> None:
        self.seen.value = self.replay.html()
        self.step.disabled = self._next_call() == self.index

    def _next_call(self) -> OplogIndex:
        """Return the index of the next host call; where there is none, this one."""
        later = range(self.index, len(self._kinds))
        return next((place + 1 for place in later if self._kinds[place] == HOST_CALL), self.index)

    def _choose(self) -> None:
        function = self.function.value
        self._place.children = [] if function is None else [Form(function, self._caller(function)).widget]

    def _caller(self, function: FunctionType) -> Callable[[list[Any]], Any]:
        def call(params: list[Any]) -> Any:
            asked = Shadow(self.index, self.replay.asked.version, self.replay.asked.answers, ((function.name, params),))
            return value_of(self.replay.client().shadow(self.replay.worker, asked))

        return call

    def _fork(self) -> None:
        target = WorkerId(self.replay.worker.component_id, self.name.value.strip())
        try:
            self.replay.client().fork_worker(self.replay.worker, target, self.index)
        except GolemError as error:
            self.forked.value = _line("✕", str(error))
            return
        self._made(target, self.index)
        self.forked.value = _line("✓", f"{target.name} goes on from index {self.index}")


def _line(glyph: str, text: str) -> str:
    return f"<div>{glyph} {escape(text)}</div>"
