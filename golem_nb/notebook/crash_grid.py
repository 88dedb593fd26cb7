"""What became of an invocation that crashed at each of its entries: a grid of cells, and numbers for scripts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from html import escape
from typing import Any

from golem_nb.model import OplogIndex, WorkerStatus
from golem_nb.notebook.views import MONO, QUIET, STATUSES, View, head_html

COLUMNS = 32
CELL = "display:inline-block;width:1.5em;text-align:center;margin:1px;border:1px solid;border-radius:2px"


class Outcome(Enum):
    """`SAME` result as without a crash; `OTHER`, since what was not recorded yet was asked anew; or it failed."""

    SAME = ("✓", STATUSES[WorkerStatus.IDLE][1])
    OTHER = ("≈", STATUSES[WorkerStatus.INTERRUPTED][1])
    FAILED = ("✕", STATUSES[WorkerStatus.FAILED][1])

    @property
    def glyph(self) -> str:
        return self.value[0]

    @property
    def colour(self) -> str:
        return self.value[1]


@dataclass(frozen=True, slots=True)
class CrashRun:
    """One crash, behind the entry of this index, and what the invocation came to all the same."""

    index: OplogIndex
    kind: str
    name: str
    outcome: Outcome
    result: str
    took_ms: float

    @property
    def line(self) -> str:
        return f"{self.index:>5}  {self.kind:<26} {self.name[:60]}"


@dataclass(frozen=True, repr=False)
class CrashGrid(View):
    """All crash points of one invocation. `wanted` is the result without a crash."""

    worker: str
    function: str
    runs: tuple[CrashRun, ...]
    wanted: str

    @property
    def points(self) -> int:
        return len(self.runs)

    @property
    def survived(self) -> int:
        """How many crashes the invocation came through with a result."""
        return sum(run.outcome is not Outcome.FAILED for run in self.runs)

    @property
    def is_safe(self) -> bool:
        return self.survived == self.points

    def frame(self) -> Any:
        """Return a row for each crash: index, kind, name, outcome, result, ms."""
        from golem_nb.notebook.tables import GolemFrame

        rows = [(run.index, run.kind, run.name, run.outcome.name.lower(), run.result, run.took_ms) for run in self.runs]
        return GolemFrame(rows, columns=["index", "kind", "name", "outcome", "result", "ms"])

    def text(self) -> str:
        cells = "".join(run.outcome.glyph for run in self.runs)
        rows = [f"  {cells[at : at + COLUMNS]}" for at in range(0, len(cells), COLUMNS)]
        others = [f"  {run.outcome.glyph} {run.line} → {run.result[:80]}" for run in self._others]
        return "\n".join([f"worker {self.worker}: {self._news}", *rows, *others])

    def html(self) -> str:
        cells = "".join(
            f'<span title="{escape(f"{run.line.strip()} → {run.result[:200]}")}" '
            f'style="{CELL};color:{run.outcome.colour}">'
            f"{run.outcome.glyph}</span>{'<br>' if (n + 1) % COLUMNS == 0 else ''}"
            for n, run in enumerate(self.runs)
        )
        others = "".join(
            f'<div><span style="color:{run.outcome.colour}">{run.outcome.glyph}</span> {escape(run.line)} → '
            f"{escape(run.result[:200])}</div>"
            for run in self._others
        )
        every = "".join(
            f"<div>{run.outcome.glyph} {escape(run.line)} ({run.took_ms:.0f} ms)</div>" for run in self.runs
        )
        return (
            head_html(f"worker {self.worker}", self._news)
            + f"<div>{cells}</div>"
            + f'<div style="{MONO};white-space:pre-wrap">{others}</div>'
            + f'<details><summary style="{QUIET}">every crash, by the entry behind which it was</summary>'
            + f'<div style="{MONO};white-space:pre-wrap">{every}</div></details>'
        )

    @property
    def _others(self) -> list[CrashRun]:
        return [run for run in self.runs if run.outcome is not Outcome.SAME]

    @property
    def _news(self) -> str:
        counted = f"{self.survived} of {self.points} crashes"
        news = f"{self.function} survived {counted}; without one it gives {self.wanted[:80]}"
        asked_anew = sum(run.outcome is Outcome.OTHER for run in self.runs)
        return f"{news}; {asked_anew} came to another result, for what was not recorded yet" if asked_anew else news
