"""A worker's past as something to look at and to ask: what `%golem_replay` returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any

from golem_nb.client.client import Client
from golem_nb.errors import BadInput, InvocationFailed
from golem_nb.model import (
    CrashPoint,
    Difference,
    OplogIndex,
    PublicEntry,
    Shadow,
    ShadowCall,
    ShadowResult,
    WorkerId,
    WorkerStatus,
    is_named,
    output_text,
)
from golem_nb.notebook.magics.arguments import plain_json
from golem_nb.notebook.payloads import message_of, part_of
from golem_nb.notebook.views import MONO, QUIET, STATUSES, View, badge, badge_text, head_html, rows_html, rows_text
from golem_nb.notebook.visible import beside, visible
from golem_nb.values.python import python_from_value

HOST_CALL = "ImportedFunctionInvoked"
MOST_OF_A_SIDE = 300  # characters; a result may be a megabyte
CONTEXT = 2  # entries shown before and behind the one that matters


@dataclass(frozen=True, repr=False)
class Replay(View):
    """A history met again beside its worker. `at` goes elsewhere in it, `call` asks the worker as it was there."""

    client: Callable[[], Client] = field(repr=False)  # the engine may be another one by the next question
    worker: WorkerId
    name: str
    asked: Shadow
    result: ShadowResult
    around: tuple[PublicEntry, ...] = ()
    """The entries at the index that matters, read at once: to be shown, nobody is asked."""

    @staticmethod
    def of(client: Callable[[], Client], worker: WorkerId, name: str, asked: Shadow) -> Replay:
        result = client().shadow(worker, asked)
        index = place_of(result)
        page = client().oplog(worker, from_index=max(1, index - CONTEXT), count=2 * CONTEXT + 1)
        around = tuple(entry for entry in page.entries if entry.index <= index + CONTEXT)
        return Replay(client, worker, name, asked, result, around)

    @property
    def is_same(self) -> bool:
        """Did the component do what is recorded?"""
        return self.result.is_same

    @property
    def difference(self) -> Difference | None:
        return self.result.difference

    @property
    def index(self) -> OplogIndex:
        return self.result.at_index

    @property
    def status(self) -> WorkerStatus:
        return self.result.status

    def at(self, index: OplogIndex) -> Replay:
        """Return the same at another index."""
        return Replay.of(self.client, self.worker, self.name, replace(self.asked, to_index=index))

    def call(self, function: str, *params: Any) -> Any:
        """Return what a function gives there. The worker itself is not asked.

        Raises:
            InvocationFailed: It fails there, or would have an effect outside.
        """
        name = function if "." in function else function.replace("_", "-")
        asked = replace(self.asked, to_index=self.result.at_index, calls=((name, [plain_json(p) for p in params]),))
        return value_of(self.client().shadow(self.worker, asked))

    @property
    def entry(self) -> PublicEntry | None:
        """The entry that matters: where the difference is, else the last one that was met."""
        return next((entry for entry in self.around if entry.index == self._index), None)

    @property
    def output(self) -> str:
        """What the worker has printed up to there, and no revert had undone by then."""
        logs: list[PublicEntry] = []
        for entry in self.client().entries(self.worker):
            if entry.index > self.result.at_index:
                break
            if entry.kind == "Log":
                logs.append(entry)
            elif entry.kind == "Revert":
                start = part_of(entry.fields, "droppedRegion").get("start")
                logs = [log for log in logs if type(start) is not int or log.index < start]
        return "".join(output_text(str(e.fields.get("level")), str(e.fields.get("message", ""))) for e in logs)

    # As it looks.

    def text(self) -> str:
        lines = [f"worker {self.name}: {self._glyph} {self._news}", rows_text(self._rows(badge_text(self.status)))]
        lines += [f"  {'▶' if entry.index == self._index else ' '} {line_of(entry)}" for entry in self.around]
        return "\n".join(lines)

    def html(self) -> str:
        colour = STATUSES[WorkerStatus.IDLE if self.is_same else WorkerStatus.FAILED][1]
        news = f'<span style="color:{colour};font-weight:600">{self._glyph} {escape(self._news)}</span>'
        rows = [(n, v if n == "status then" else _pre(v)) for n, v in self._rows(badge(self.status))]
        entries = "".join(
            f'<div style="{"" if entry.index == self._index else QUIET}">'
            f"{'▶' if entry.index == self._index else '&nbsp;'} {escape(line_of(entry))}</div>"
            for entry in self.around
        )
        return (
            head_html(f"worker {self.name}")
            + news
            + rows_html(rows)
            + f'<div style="{MONO};white-space:pre-wrap">{entries}</div>'
        )

    @property
    def _index(self) -> OplogIndex:
        return place_of(self.result)

    @property
    def _glyph(self) -> str:
        return "✓" if self.is_same else "✕"

    @property
    def _news(self) -> str:
        on = f" on version {self.result.version}" if self.asked.version is not None else ""
        with_ = f" with another answer at {', '.join(map(str, self.asked.answers))}" if self.asked.answers else ""
        if self.is_same:
            met = "entry" if self.result.entries_met == 1 else "entries"
            return f"as it was at index {self.index}{on}{with_}: {self.result.entries_met} {met} met, all the same"
        if self.difference is not None:
            return f"goes another way{on}{with_} at index {self.difference.index}"
        return f"cannot meet its history{on}{with_}"

    def _rows(self, status: str) -> list[tuple[str, str]]:
        rows = [("status then", status)]
        if self.result.running is not None:
            rows.append(("in the midst of", self.result.running))
            rows.append(("functions there", "answer as when the invocation before it had ended"))
        if self.difference is not None:
            rows += _sides(self.difference)
        if self.result.failure is not None:
            rows += [("why", self.result.failure), ("last met", f"entry {self._index}")]
        return [*rows, ("the worker", "is untouched")]


@dataclass(frozen=True, repr=False)
class SavedReplay(View):
    """A history from a file, met by a component."""

    file: str
    component: str
    result: ShadowResult

    @property
    def is_same(self) -> bool:
        return self.result.is_same

    @property
    def difference(self) -> Difference | None:
        return self.result.difference

    def text(self) -> str:
        found = self.result
        if found.is_same:
            return f"{self.file}: ✓ {found.entries_met} entries met by {self.component}, all the same"
        if found.difference is None:
            return f"{self.file}: ✕ {self.component} cannot meet it behind entry {found.last_met}: {found.failure}"
        rows = rows_text(_sides(found.difference))
        return f"{self.file}: ✕ {self.component} goes another way at index {found.difference.index}\n{rows}"


def _sides(difference: Difference) -> list[tuple[str, str]]:
    """Return both sides as rows, cut so that one sees where they differ; `.difference` has them whole."""
    recorded, now = beside(difference.recorded, difference.now, MOST_OF_A_SIDE)
    return [("recorded", recorded), ("now", now)]


def place_of(result: ShadowResult) -> OplogIndex:
    """Return the index that matters: where the difference is, how far it came, or where it was to go."""
    if result.difference is not None:
        return result.difference.index
    return result.at_index if result.failure is None else max(result.last_met, 1)


def value_of(result: ShadowResult) -> Any:
    """Return what the last call of a shadow gave, as Python has it.

    Raises:
        InvocationFailed: It failed.
        BadInput: The history itself could not be met.
    """
    if not result.is_same:
        told = result.failure
        if result.difference is not None:
            (_, recorded), (_, now) = _sides(result.difference)
            told = f"entry {result.difference.index} records {recorded}, not {now}"
        raise BadInput(f"the worker's history cannot be met again: {told}")
    call: ShadowCall = result.calls[-1]
    if call.error is not None:
        raise InvocationFailed(call.error, call.output)
    return None if call.result is None else python_from_value(call.result.type, call.result.value)


def call_at(client: Client, worker: WorkerId, first: OplogIndex, point: CrashPoint) -> OplogIndex | None:
    """Return the index of the call that a crash point means, from `first` on; None where none came so far."""
    left = point.count
    for entry in client.entries(worker, from_index=first):
        if entry.kind != HOST_CALL:
            continue
        if point.at_index is not None and entry.index >= point.at_index:
            return entry.index
        if point.at_call is not None and is_named(str(entry.fields.get("functionName")), point.at_call):
            left -= 1
            if left == 0:
                return entry.index
    return None


def line_of(entry: PublicEntry) -> str:
    """Return one line for an entry."""
    fields: Mapping[str, Any] = entry.fields
    called = part_of(fields, "invocation") or fields
    name = called.get("fullFunctionName") or fields.get("functionName") or message_of(fields) or ""
    told = fields.get("response") or fields.get("result")
    value = told.get("value") if isinstance(told, Mapping) else told
    shown = "" if value is None else f"→ {value!r:.60}"
    rest = " ".join(filter(None, (visible(str(name))[:60], visible(shown))))
    return f"{entry.index:>5}  {entry.kind:<26} {rest}"


def _pre(text: str) -> str:
    return f'<span style="white-space:pre-wrap">{escape(text)}</span>'
