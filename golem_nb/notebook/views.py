"""What magics return, as text and as HTML that still reads in a stored, untrusted notebook.

Rules (UX, F9): inline styles only, no script, no `<style>`, no `<svg>`; everything that a component or a user wrote is
escaped; never colour alone, always a glyph and a word beside it.
"""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from textwrap import wrap
from typing import Any

from golem_nb.model import (
    Component,
    ComponentOptions,
    ComponentType,
    InitialFile,
    SnapshotPolicy,
    UpdateRecord,
    UpdateState,
    WorkerId,
    WorkerMetadata,
    WorkerStatus,
)
from golem_nb.notebook.terminal import terminal_width
from golem_nb.notebook.visible import STEERING, visible
from golem_nb.values.types import FunctionType, Parameter
from golem_nb.values.wave import text_from_type

# Glyph and colour of each status. The colours hold 3:1 on white and on JupyterLab's dark; the glyphs are in DejaVu.
# Source: UX 2, status palette.
STATUSES = {
    WorkerStatus.RUNNING: ("▶", "#0072B2"),
    WorkerStatus.IDLE: ("○", "#008A5E"),
    WorkerStatus.SUSPENDED: ("‖", "#8A6FB8"),
    WorkerStatus.INTERRUPTED: ("■", "#B8860B"),
    WorkerStatus.RETRYING: ("↻", "#D55E00"),
    WorkerStatus.FAILED: ("✕", "#D1242F"),
    WorkerStatus.EXITED: ("□", "#767676"),
}
CELL = "text-align:left;vertical-align:top;padding:2px 10px 2px 0;border:0;background:none"
QUIET = "opacity:.72"
MONO = "font-family:var(--jp-code-font-family,monospace);font-size:var(--jp-code-font-size,13px)"


class View(ABC):
    """Something to look at, as text and as HTML."""

    @abstractmethod
    def text(self) -> str: ...

    def html(self) -> str:
        return f'<pre style="{MONO}">{escape(self.text())}</pre>'

    def __repr__(self) -> str:
        return harmless(self.text())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self.html()}


@dataclass(frozen=True, repr=False)
class Text(View):
    """Plain text that keeps its lines."""

    lines: str

    def text(self) -> str:
        return self.lines


@dataclass(frozen=True, repr=False)
class Listing(View):
    """Names with what they are, and a line below."""

    rows: tuple[tuple[str, str], ...]
    note: str

    def text(self) -> str:
        """No wider than the terminal."""
        width = terminal_width() - max(map(len, dict(self.rows))) - 4
        rows = [(name, "\n".join(wrap(value, width, break_on_hyphens=False))) for name, value in self.rows]
        return f"{rows_text(rows)}\n\n  {self.note}"

    def html(self) -> str:
        rows = rows_html((name, escape(value)) for name, value in self.rows)
        return f'{rows}<div style="{QUIET};margin-top:4px">{escape(self.note)}</div>'


def badge(status: WorkerStatus) -> str:
    glyph, colour = STATUSES[status]
    return f'<span style="color:{colour};font-weight:600;white-space:nowrap">{glyph} {status}</span>'


def badge_text(status: WorkerStatus) -> str:
    return f"{STATUSES[status][0]} {status}"


def rows_html(rows: Iterable[tuple[str, str]]) -> str:
    """Return a table of names and values; the values are HTML already, and keep their lines."""
    name_style, value_style = f"{CELL};{QUIET};white-space:nowrap", f"{CELL};white-space:pre-wrap"
    cells = (
        f'<tr style="background:none"><td style="{name_style}">{escape(name)}</td>'
        f'<td style="{value_style}">{value}</td></tr>'
        for name, value in rows
    )
    return f'<table style="margin:0;border-collapse:collapse">{"".join(cells)}</table>'


def rows_text(rows: Sequence[tuple[str, str]]) -> str:
    """Return names and values below each other; further lines of a value stand below its first."""
    width = max((len(name) for name, _ in rows), default=0)
    margin = "\n" + " " * (width + 4)
    return "\n".join(f"  {name:<{width}}  {value.replace(chr(10), margin)}" for name, value in rows)


# Colours, and other control characters but those of a text's lines.
_CONTROL = re.compile(r"(\x1b\[[0-9;]*m)|(?![\n\t])" + STEERING)


def harmless(text: str) -> str:
    """Return what a component wrote for a terminal, which would do what control characters say: they are spelled.

    Its colours stay, but where NO_COLOR is set. Source: no-color.org.
    """
    keep = not os.environ.get("NO_COLOR")

    def shown(found: re.Match[str]) -> str:
        return visible(found[0]) if found[1] is None else found[1] if keep else ""

    return _CONTROL.sub(shown, text)


def broken(name: str) -> str:
    """Let a function's name be broken behind its colons and slashes; it is escaped already."""
    return name.replace("::", "::<wbr>").replace("/", "/<wbr>")


def head_html(title: str, note: str = "") -> str:
    tail = f' <span style="{QUIET}">{escape(note)}</span>' if note else ""
    return f'<div style="margin-bottom:2px"><b>{escape(title)}</b>{tail}</div>'


def signature(function: FunctionType) -> str:
    """Return a function as one would call it: `add-item(name: string) -> bool`."""
    parameters = ", ".join(map(_parameter, function.parameters))
    result = f" -> {text_from_type(function.result)}" if function.result is not None else ""
    return f"{function.name}({parameters}){result}"


def _parameter(parameter: Parameter) -> str:
    type = "any" if parameter.is_json else text_from_type(parameter.type)
    return f"{parameter.name}: {type}{'' if parameter.default is None else f' = {parameter.default}'}"


def size_text(size_bytes: int) -> str:
    """Return a size for people: 437 B, 12.3 kB, 2.0 MB."""
    if size_bytes < 1000:
        return f"{size_bytes} B"
    return f"{size_bytes / 1000:.1f} kB" if size_bytes < 1_000_000 else f"{size_bytes / 1_000_000:.1f} MB"


def policy_text(policy: SnapshotPolicy) -> str:
    """Return a policy for people: `every 100 invocations or 60 s, whatever comes first`."""
    parts = []
    if policy.every_invocations is not None:
        parts.append("1 invocation" if policy.every_invocations == 1 else f"{policy.every_invocations} invocations")
    if policy.every_s is not None:
        parts.append(f"{policy.every_s:g} s")
    return f"every {' or '.join(parts)}{', whatever comes first' if len(parts) > 1 else ''}"


def options_rows(options: ComponentOptions) -> list[tuple[str, str]]:
    """Return rows for what a component version has besides its wasm."""
    kind = [("type", "ephemeral")] if options.type is ComponentType.EPHEMERAL else []
    env = [("env", f"{name}={value}") for name, value in options.env.items()]
    links = [
        ("link", f"{instance}.{resource} = {target.component}:{target.interface}")
        for instance, targets in options.dynamic_linking.items()
        for resource, target in targets.items()
    ]
    return [*kind, *env, *(("file", _file_text(file)) for file in options.files), *links]


def _file_text(file: InitialFile) -> str:
    return f"{file.path}, {size_text(file.size_bytes)}{'' if file.is_read_only else ', read-write'}"


@dataclass(frozen=True, repr=False)
class ComponentView(View):
    """A component version, and what became of it just now ("created", "version 4", "unchanged, version 3")."""

    component: Component
    news: str = ""
    snapshots: SnapshotPolicy | None = None
    updates: tuple[UpdateReport, ...] = ()
    """How the workers fared that were to go along."""
    wit: str = ""

    @property
    def name(self) -> str:
        return self.component.name

    @property
    def version(self) -> int:
        return self.component.version

    def text(self) -> str:
        exports = [("export", signature(f)) for f in self.component.exports or ()]
        rows = [("size", self._size), *self._policy, *options_rows(self.component.options), *exports]
        wit = [f"\n{self.wit.rstrip()}"] if self.wit else []
        return "\n".join([f"{self._title}\n{rows_text(rows)}", *(report.text() for report in self.updates), *wit])

    def html(self) -> str:
        exports = "".join(
            f'<div style="{MONO}">{escape(signature(f))}'
            f"{f' <span style={chr(34)}{QUIET}{chr(34)}>{escape(f.docs)}</span>' if f.docs else ''}</div>"
            for f in self.component.exports or ()
        )
        rows = [("size", escape(self._size)), *self._policy]
        rows += [(name, escape(value)) for name, value in options_rows(self.component.options)]
        if self.component.exports is not None:
            rows.append(("exports", exports or "none"))
        wit = f'<details open><summary>WIT</summary><pre style="{MONO}">{escape(self.wit)}</pre></details>'
        updates = "".join(report.html() for report in self.updates)
        shown = wit if self.wit else ""
        return head_html(f"component {self.component.name}", self._news) + rows_html(rows) + updates + shown

    @property
    def _policy(self) -> list[tuple[str, str]]:
        return [] if self.snapshots is None else [("snapshots", policy_text(self.snapshots))]

    @property
    def _news(self) -> str:
        return self.news or f"version {self.component.version}"

    @property
    def _title(self) -> str:
        return f"component {self.component.name}: {self._news}"

    @property
    def _size(self) -> str:
        digest = f", sha256 {self.component.sha256[:12]}…" if self.component.sha256 else ""
        return f"{size_text(self.component.size_bytes)}{digest}"


MOST_RESOURCES = 8


def moment_text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def update_rows(updates: Sequence[UpdateRecord]) -> list[tuple[str, str]]:
    """Return rows for the updates that are pending, and for the last that is over."""
    rows = [("update", f"to version {r.target_version}, pending") for r in updates if r.state is UpdateState.PENDING]
    over = [record for record in updates if record.state is not UpdateState.PENDING]
    if over:
        last = over[-1]
        word = "done" if last.state is UpdateState.SUCCESSFUL else "failed"
        why = f": {last.details}" if last.details else ""
        rows.append(("last update", f"to version {last.target_version}, {word} {moment_text(last.timestamp)}{why}"))
    return rows


def resources_text(resources: Mapping[int, str]) -> str:
    shown = [f"{number} {name}".rstrip() for number, name in list(resources.items())[:MOST_RESOURCES]]
    more = [f"{len(resources) - MOST_RESOURCES} more"] if len(resources) > MOST_RESOURCES else []
    return ", ".join([*shown, *more])


def named(text: str, worker: WorkerId, name: str) -> str:
    """Return what a server says of a worker, with its component's name, as `name` has it, instead of the id."""
    return text.replace(str(worker.component_id), name.removesuffix(f"/{worker.name}"))


@dataclass(frozen=True, repr=False)
class WorkerView(View):
    """A worker as it was when it was asked."""

    name: str
    metadata: WorkerMetadata
    news: str = ""

    @property
    def status(self) -> WorkerStatus:
        return self.metadata.status

    def text(self) -> str:
        rows = [("status", badge_text(self.status)), *self._rows()]
        return f"worker {self.name}{f': {self.news}' if self.news else ''}\n{rows_text(rows)}"

    def html(self) -> str:
        rows = [("status", badge(self.status)), *((name, escape(value)) for name, value in self._rows())]
        return head_html(f"worker {self.name}", self.news) + rows_html(rows)

    def _rows(self) -> list[tuple[str, str]]:
        found = self.metadata
        rows = [
            ("version", str(found.component_version)),
            *((label, named(text, found.worker_id, self.name)) for label, text in update_rows(found.updates)),
            ("created", moment_text(found.created_at)),
            ("forked from", ", a fork of ".join(reversed(found.forked_from))),
            ("last oplog index", str(found.last_index) if found.last_index else ""),
            ("replayed", "" if found.entries_replayed is None else f"{found.entries_replayed} entries"),
            ("waiting", str(found.pending_invocation_count) if found.pending_invocation_count else ""),
            ("retries", str(found.retry_count) if found.retry_count else ""),
            ("last error", named(found.last_error or "", found.worker_id, self.name)),
            ("resources", resources_text(found.owned_resources)),
            ("args", " ".join(found.args)),
            ("env", " ".join(f"{name}={value}" for name, value in found.env.items())),
            ("config", " ".join(f"{name}={value}" for name, value in found.config.items())),
        ]
        return [(name, value) for name, value in rows if value]


@dataclass(frozen=True, repr=False)
class UpdateReport(View):
    """How an update ended. `details` says why it failed: of a divergence, what was recorded and what came instead.

    Of one that was done it says what could not be carried over.
    """

    name: str
    from_version: int
    record: UpdateRecord
    took_ms: int

    @property
    def is_successful(self) -> bool:
        return self.record.state is UpdateState.SUCCESSFUL

    @property
    def details(self) -> str:
        return self.record.details or ""

    def text(self) -> str:
        return f"worker {self.name}: {self._glyph} {self._news}\n{rows_text(self._rows())}"

    def html(self) -> str:
        colour = STATUSES[WorkerStatus.IDLE if self.is_successful else WorkerStatus.FAILED][1]
        news = f'<span style="color:{colour};font-weight:600">{self._glyph} {escape(self._news)}</span>'
        rows = [(name, escape(value)) for name, value in self._rows()]
        return head_html(f"worker {self.name}") + news + rows_html(rows)

    @property
    def _glyph(self) -> str:
        return "✓" if self.is_successful else "✕"

    @property
    def _news(self) -> str:
        version = self.record.target_version
        if self.is_successful:
            return f"updated from version {self.from_version} to {version}"
        if self.record.state is UpdateState.PENDING:
            return f"the update to version {version} is not over yet"
        return f"the update to version {version} failed; it stays on version {self.from_version}"

    def _rows(self) -> list[tuple[str, str]]:
        if self.is_successful:
            why = [("lost", self.details)] if self.details else []
        else:
            why = [("why", self.details or "the server does not say")]
        return [*why, ("took", f"{self.took_ms} ms")]


@dataclass(frozen=True, repr=False)
class CrashReport(View):
    """What a crash did: where the worker (or the engine) died and how it came back."""

    what: str
    died_at: int | None
    replayed: int | None
    live_after_ms: int | None
    status: WorkerStatus | None = None
    pids: tuple[int, int] | None = None

    def text(self) -> str:
        return f"{self.what}\n{rows_text([(name, value) for name, value in self._rows()])}"

    def html(self) -> str:
        rows = [(name, escape(value)) for name, value in self._rows()]
        if self.status is not None:
            rows.append(("status now", badge(self.status)))
        return head_html(self.what) + rows_html(rows)

    def _rows(self) -> list[tuple[str, str]]:
        if self.died_at is None and self.pids is None:
            return [("crashed", "no"), ("took", f"{self.live_after_ms} ms")]
        rows = []
        if self.pids is not None:
            rows.append(("process", f"{self.pids[0]} got signal 9; {self.pids[1]} took over"))
        if self.died_at is not None:
            rows.append(("died at", f"oplog index {self.died_at}"))
        replayed = "when it is next needed" if self.replayed is None else f"{self.replayed} entries"
        rows.append(("replayed", replayed))
        if self.live_after_ms is not None:
            rows.append(("back after", f"{self.live_after_ms} ms"))
        return rows


@dataclass(frozen=True, repr=False)
class ServerCard(View):
    """The status card of `%golem`."""

    rows: tuple[tuple[str, str], ...]

    def text(self) -> str:
        return f"golem_nb\n{rows_text(self.rows)}"

    def html(self) -> str:
        return head_html("golem_nb") + rows_html((name, escape(value)) for name, value in self.rows)
