"""Time travel as a panel: a slider over a worker's history, at which it can be asked, stepped on, and forked.

Each place of the slider is a shadow of the worker, made anew: nothing is kept between two, and the worker is untouched
until somebody forks it. Source: UX 5, replay scrubber.

How this works. The inputs are widgets. What is seen at an index is plain HTML below them, with an identity by which
each step puts the next in its place: so a notebook that is stored shows the index that was chosen last, whatever
becomes of the widgets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any
from uuid import uuid4

import ipywidgets as ui
from IPython.display import display

from golem_nb.errors import GolemError
from golem_nb.model import OplogIndex, Shadow, WorkerId
from golem_nb.notebook.form import Form
from golem_nb.notebook.panel import Panel
from golem_nb.notebook.panes.pane import publish
from golem_nb.notebook.replay import HOST_CALL, Replay, value_of
from golem_nb.notebook.views import Text, View
from golem_nb.values.types import FunctionType


@dataclass(frozen=True, repr=False)
class _Stayed(View):
    """What is shown still, below the reason why it is not what was asked for."""

    replay: Replay
    why: str

    def text(self) -> str:
        return f"{self.why}\n\n{self.replay.text()}"

    def html(self) -> str:
        return f'<div role="alert">{escape(self.why)}</div>{self.replay.html()}'


class Travel:
    """The panel of one worker: what `%golem_replay --slider` returns. `.replay` is what is seen, `.go(index)` moves it.

    `made` is told of a fork: its id, and the index that it begins at.
    """

    def __init__(
        self, replay: Replay, functions: Sequence[FunctionType], made: Callable[[WorkerId, OplogIndex], None]
    ) -> None:
        self.replay, self._made = replay, made
        self.seen: View = replay
        self._display_ids: list[tuple[str, str]] = []  # of the inputs, and of what is seen
        self._kinds: list[str] = []
        self._read_on()
        self.slider = ui.IntSlider(
            replay.index,
            min=1,
            max=max(1, len(self._kinds)),
            description="oplog index",
            continuous_update=False,
            layout={"width": "36em"},
            style={"description_width": "initial"},
        )
        self.step = ui.Button(description="next host call")
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
                self.function,
                self._place,
                ui.HBox([self.name, self.fork, self.forked]),
            ],
            lambda: Text(f"time travel of {replay.name}: run this cell again to move"),
        )
        self._show(replay)

    @property
    def index(self) -> OplogIndex:
        return self.replay.index

    def _ipython_display_(self) -> None:
        ids = uuid4().hex, uuid4().hex
        display(self.widget, display_id=ids[0])
        publish(_bundle(self.seen), ids[1])
        self._display_ids.append(ids)

    def __repr__(self) -> str:
        return f"time travel of {self.replay.name} at index {self.index}; .replay is what is seen, .close() ends it"

    def close(self) -> None:
        """Take the inputs away; what is seen stays."""
        self.widget.close()
        for inputs, _ in self._display_ids:
            publish({"text/plain": "", "text/html": ""}, inputs, update=True)

    def go(self, index: OplogIndex) -> None:
        """Show the worker as it was at an index; where that fails, say why, and stay with what is shown."""
        if index != self.replay.index:
            try:
                self._read_on()
                self.replay = self.replay.at(index)
            except GolemError as error:  # there is no such index, or the worker was deleted meanwhile
                self._show(_Stayed(self.replay, f"✕ stays at index {self.index}: {error}"))
                self.slider.value = self.index
                return
            self._show(self.replay)
            self.slider.max = max(self.slider.max, len(self._kinds))
        self.slider.value = index

    def _read_on(self) -> None:
        """Learn of the entries that have come since."""
        entries = self.replay.client().entries(self.replay.worker, from_index=len(self._kinds) + 1)
        self._kinds += [entry.kind for entry in entries]

    def _show(self, view: View) -> None:
        self.seen = view
        for _, seen in self._display_ids:
            publish(_bundle(view), seen, update=True)
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
        if self.replay.asked.answers or self.replay.asked.version is not None:
            self.forked.value = _line("✕", "a fork has what is recorded: leave --override and --version out")
            return
        target = WorkerId(self.replay.worker.component_id, self.name.value.strip())
        try:
            self.replay.client().fork_worker(self.replay.worker, target, self.index)
        except GolemError as error:
            self.forked.value = _line("✕", str(error))
            return
        self._made(target, self.index)
        self.forked.value = _line("✓", f"{target.name} goes on from index {self.index}")


def _bundle(view: View) -> dict[str, str]:
    return {"text/plain": view.text(), "text/html": view.html()}


def _line(glyph: str, text: str) -> str:
    return f"<div>{glyph} {escape(text)}</div>"
