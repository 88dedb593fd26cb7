"""Reading a whole oplog: one thread fetches what another one makes columns of, and a bar tells how far it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from queue import Empty, Full, Queue
from threading import Event
from types import TracebackType
from typing import Self

from golem_nb.model import PublicEntry
from golem_nb.notebook.frames import OplogColumns
from golem_nb.notebook.payloads import without_collection
from golem_nb.notebook.progress import Progress
from golem_nb.notebook.surroundings import Surroundings

PORTION = 1000
MOST_PORTIONS = 16  # that wait; a server that is faster than we are waits, too
STOP_CHECK_S = 0.2


def read_columns(entries: Iterable[PublicEntry], total: int, surroundings: Surroundings, what: str) -> OplogColumns:
    """Return what is in the entries, of which there are about `total`. An interrupt of the kernel ends it.

    Raises: what reading raises.
    """
    columns = OplogColumns()
    with (
        Progress(surroundings, what, max(total, 1)) as progress,
        ReadAhead(entries, surroundings) as ahead,
        without_collection(),
    ):
        for portion in ahead:
            for entry in portion:
                columns.add(entry)
            progress.reach(len(columns), "entries")
    return columns


class ReadAhead:
    """Entries in portions, which a thread reads while this is entered."""

    def __init__(self, entries: Iterable[PublicEntry], surroundings: Surroundings) -> None:
        self._entries, self._surroundings = iter(entries), surroundings
        self._portions: Queue[list[PublicEntry] | BaseException] = Queue(MOST_PORTIONS)
        self._stopped = Event()

    def __enter__(self) -> Self:
        self._surroundings.start_thread(self._run, "reading of an oplog")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopped.set()

    def __iter__(self) -> Iterator[list[PublicEntry]]:
        while True:
            try:
                portion = self._portions.get(timeout=STOP_CHECK_S)  # with a limit: an interrupt comes through
            except Empty:
                continue
            if isinstance(portion, BaseException):
                raise portion
            if not portion:
                return
            yield portion

    def _run(self) -> None:
        try:
            portion = list(islice(self._entries, PORTION))
            while portion and self._put(portion):
                portion = list(islice(self._entries, PORTION))
            if not portion:
                self._put([])
        except BaseException as error:  # whatever it is, it is raised where the entries are wanted
            self._put(error)

    def _put(self, portion: list[PublicEntry] | BaseException) -> bool:
        """Hand a portion over; False when nobody wants it any more."""
        while not self._stopped.is_set():
            try:
                self._portions.put(portion, timeout=STOP_CHECK_S)
            except Full:
                continue
            return True
        return False
