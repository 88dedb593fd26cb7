"""The cursor over recorded entries: what the component must meet next. Source: SEMANTICS 3.12.

How this works: the cursor stands before the next entry that is no hint and lies in no skipped region; when there is
none, the worker is live. On its way it remembers Log entries: output that was recorded after the last entry met is
produced again by the component, and must not be recorded twice (SEMANTICS 3.9).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from golem_nb.model import OplogIndex
from golem_nb.oplog.entries import (
    EndRemoteWrite,
    ExportedFunctionCompleted,
    ImportedFunctionInvoked,
    Log,
    OplogEntry,
)
from golem_nb.oplog.regions import Regions

LogLine = tuple[str, str, str]  # level, context, message

_WRITES_OUTSIDE = ("WriteRemote", "WriteRemoteBatched", "WriteRemoteTransaction")


class ReplayCursor:
    def __init__(self, entries: Iterable[tuple[OplogIndex, OplogEntry]], skipped: Regions) -> None:
        """Stand before entry 2: entry 1 is Create, which the engine reads itself."""
        self._entries = list(entries)
        self._skipped = skipped
        self._position = 0
        self._logs: Counter[LogLine] = Counter()
        self._ended = {e.begin_index for i, e in self._entries if isinstance(e, EndRemoteWrite) and i not in skipped}
        self.last_timestamp_us = self._entries[0][1].timestamp_us if self._entries else 0
        self.replayed = 0
        """How many entries the component has met."""
        self._position = 1
        self._find_next()

    @property
    def is_live(self) -> bool:
        return self._position >= len(self._entries)

    def peek(self) -> tuple[OplogIndex, OplogEntry]:
        """Return the entry that must be met next; not to be asked of a live worker."""
        return self._entries[self._position]

    def take(self) -> tuple[OplogIndex, OplogEntry]:
        """Meet the next entry: return it and go on."""
        index, entry = self._entries[self._position]
        self.last_timestamp_us = entry.timestamp_us
        self.replayed += 1
        self._position += 1
        self._find_next()
        return index, entry

    def has_ended(self, begin: OplogIndex) -> bool:
        """Was the remote write that began at `begin` finished?"""
        return begin in self._ended

    def foreign_effect_after(self, begin: OplogIndex) -> OplogIndex | None:
        """Return the index of an effect outside, after `begin`, that does not belong to it. Source: SEMANTICS 3.6."""
        for index, entry in self._entries[self._position :]:
            if index in self._skipped:
                continue
            match entry:
                case ExportedFunctionCompleted():
                    return index
                case ImportedFunctionInvoked(effect=effect, begin=of) if effect in _WRITES_OUTSIDE and of != begin:
                    return index
        return None

    def abandon(self) -> None:
        """Be live at once: what is left was recorded for nothing. Its output is remembered."""
        for _, entry in self._entries[self._position :]:
            self._remember(entry)
        self._position = len(self._entries)

    def consume_log(self, line: LogLine) -> bool:
        """Was this line of output recorded already? If so, it now counts as met."""
        if self._logs[line] > 0:
            self._logs[line] -= 1
            return True
        return False

    def forget_logs(self) -> None:
        """Forget the remembered output: its invocation is over, and what a later one prints is its own."""
        self._logs.clear()

    def _find_next(self) -> None:
        while self._position < len(self._entries):
            index, entry = self._entries[self._position]
            if not entry.hint and index not in self._skipped:
                return
            self._remember(entry)
            self._position += 1

    def _remember(self, entry: OplogEntry) -> None:
        if isinstance(entry, Log):
            self._logs[(entry.level, entry.context, entry.message)] += 1
