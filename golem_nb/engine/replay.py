"""The cursor over recorded entries: what the component must meet next. Source: SEMANTICS 3.12.

How this works: the cursor stands before the next entry that is no hint and lies in no skipped region; when there is
none, the worker is live. It reads on as it goes, so a long oplog is never in memory whole. On its way it remembers Log
entries: output that was recorded after the last entry met is produced again by the component, and must not be recorded
twice (SEMANTICS 3.9).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from golem_nb.model import OplogIndex
from golem_nb.oplog.entries import (
    ExportedFunctionCompleted,
    ExportedFunctionInvoked,
    FinishSpan,
    ImportedFunctionInvoked,
    Log,
    NoOp,
    OplogEntry,
    Recorded,
    SetSpanAttribute,
    StartSpan,
    SuccessfulUpdate,
)
from golem_nb.oplog.regions import Regions

LogLine = tuple[str, str, str]  # level, context, message
Entries = Sequence[tuple[OplogIndex, OplogEntry]]

NONE = Regions()
_READS = ("ReadLocal", "ReadRemote")
# Recorded as reads; whoever is called knows the call by it.
_IDENTITIES = ("golem::rpc::wasm-rpc::invoke-and-await idempotency key",)
_WRITES_THAT_BEGIN = ("WriteRemoteBatched", "WriteRemoteTransaction")
_WRITES_OUTSIDE = ("WriteRemote", *_WRITES_THAT_BEGIN)


class ReplayCursor:
    def __init__(
        self,
        chunks: Iterator[Entries],
        skipped: Regions,
        last_index: OplogIndex,
        *,
        reprinted: Regions = NONE,
        started_us: int = 0,
        passed_update: Callable[[OplogIndex], None] = lambda index: None,
    ) -> None:
        """Stand before the first entry of `chunks`, up to `last_index`: what is appended later is none of ours.

        Output in the regions `reprinted` is not remembered. `started_us` is the time of what comes before.
        `passed_update` is told of each SuccessfulUpdate that the cursor comes by, skipped or not.
        """
        self._chunks, self._skipped, self.last_index, self._reprinted = chunks, skipped, last_index, reprinted
        self._passed_update = passed_update
        self._window: list[tuple[OplogIndex, OplogEntry]] = []
        self._position = 0
        self._logs: Counter[LogLine] = Counter()
        self.last_timestamp_us, self.last_met = started_us, 0
        self.replayed = 0
        """How many entries the component has met."""
        self.is_live = False
        self._find_next()

    def peek(self) -> tuple[OplogIndex, OplogEntry]:
        """Return the entry that must be met next; not to be asked of a live worker."""
        return self._window[self._position]

    def take(self) -> tuple[OplogIndex, OplogEntry]:
        """Meet the next entry: return it and go on."""
        index, entry = self._window[self._position]
        self.last_timestamp_us, self.last_met = entry.timestamp_us, index
        self.replayed += 1
        self._position += 1
        self._find_next()
        return index, entry

    def meets_in_this_invocation(self, is_wanted: Callable[[OplogEntry], bool]) -> bool:
        """Is there such an entry ahead, before the end of the invocation that runs?"""
        for _, entry in self._ahead():
            if is_wanted(entry):
                return True
            if isinstance(entry, ExportedFunctionCompleted):
                return False
        return False

    def is_cut_off(self, is_end: Callable[[OplogEntry], bool]) -> bool:
        """Does the oplog stop before this end, and before the end of the invocation that runs?"""
        return not self.meets_in_this_invocation(lambda e: is_end(e) or isinstance(e, ExportedFunctionCompleted))

    def foreign_effect_after(self, begin: OplogIndex) -> OplogIndex | None:
        """Return the index of an effect outside, ahead, that does not belong to `begin`. Source: SEMANTICS 3.6.

        A library's only call of a write names no begin: it belongs to the write that it opened.
        """
        for index, entry in self._ahead():
            match entry:
                case ExportedFunctionCompleted():
                    return index
                case ImportedFunctionInvoked(effect=effect, begin=None) if effect in _WRITES_THAT_BEGIN:
                    continue
                case ImportedFunctionInvoked(effect=effect, begin=of) if effect in _WRITES_OUTSIDE and of != begin:
                    return index
        return None

    def is_alone(self, begin: OplogIndex) -> bool:
        """Does all that lies ahead belong to the write of `begin`, but for what is read again without harm?

        Then it may be void. A promise, a key or another write that was begun must stay what it is.
        """
        return all(_is_of(begin, entry) for _, entry in self._ahead())

    def pass_until(self, is_end: Callable[[OplogEntry], bool]) -> None:
        """Go on to the first such entry without meeting what lies before it; output on the way is remembered."""
        while not self.is_live and not is_end(self.peek()[1]):
            self._position += 1
            self._find_next()

    def abandon(self) -> None:
        """Be live at once: what is left was recorded for nothing. Its output is remembered."""
        while self._position < len(self._window) or self._read_on():
            self._remember(*self._window[self._position])
            self._position += 1
        self.is_live = True

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
        while self._position < len(self._window) or self._read_on():
            index, entry = self._window[self._position]
            if not entry.hint and index not in self._skipped:
                return
            self._remember(index, entry)
            self._position += 1
        self.is_live = True

    def _ahead(self) -> Iterator[tuple[OplogIndex, OplogEntry]]:
        """Yield what must be met from here on, reading as far as it is asked for."""
        place = self._position
        while place < len(self._window) or self._read_on():
            index, entry = self._window[place]
            if not entry.hint and index not in self._skipped:
                yield index, entry
            place += 1

    def _read_on(self) -> bool:
        """Have more entries at the window's end. One that is behind the position is dropped as a whole."""
        chunk = next(self._chunks, None)
        if chunk is None or chunk[0][0] > self.last_index:
            return False
        if self._position >= len(self._window):
            self._window.clear()
            self._position = 0
        self._window.extend((i, e) for i, e in chunk if i <= self.last_index)
        return True

    def _remember(self, index: OplogIndex, entry: OplogEntry) -> None:
        if isinstance(entry, Log) and index not in self._reprinted:
            self._logs[(entry.level, entry.context, entry.message)] += 1
        elif isinstance(entry, SuccessfulUpdate):
            self._passed_update(index)


def _is_of(begin: OplogIndex, entry: OplogEntry) -> bool:
    match entry:
        case ImportedFunctionInvoked(begin=of) if of == begin:
            return True
        case ImportedFunctionInvoked(effect=effect, function_name=name):
            return effect in _READS and name not in _IDENTITIES
    return isinstance(entry, StartSpan | FinishSpan | SetSpanAttribute | NoOp)


def described(entry: OplogEntry) -> str:
    """Return the words for an entry in a ReplayMismatch."""
    match entry:
        case ImportedFunctionInvoked(function_name=name):
            return f"a call of {name}"
        case ExportedFunctionInvoked(function_name=name):
            return f"the invocation of {name}"
        case ExportedFunctionCompleted():
            return "the end of an invocation"
    return type(entry).__name__


def shown(response: Recorded | None) -> str:
    """Return the words for a result in a ReplayMismatch."""
    return "nothing" if response is None else repr(response.typed().value)
