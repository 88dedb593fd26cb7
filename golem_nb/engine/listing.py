"""Pages of a component's workers, perhaps filtered, in order of creation. No worker is loaded for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from golem_nb.engine.parameters import number_from_cursor
from golem_nb.errors import BadInput
from golem_nb.model import WorkerMetadata, WorkersPage
from golem_nb.oplog.filters import WorkerFilter, matches, verdict_by_name

MOST_WORKERS = 1000  # of one page
MOST_NAMES = 100_000  # looked at for one page: a tenth of a second
MOST_EXAMINED = 5000  # oplogs folded for one page, for what their names do not decide: a second or so
BATCH = 1000

Row = tuple[int, str]  # number, by which rows are ordered, and name


def page_of_workers(
    rows_after: Callable[[int, int], Sequence[Row]],
    metadata: Callable[[str], WorkerMetadata | None],
    cursor: str | None,
    count: int,
    filter: WorkerFilter | None,
) -> WorkersPage:
    """Return the next page. `rows_after` gives so many rows after a number, `metadata` None for who was just deleted.

    A page may have fewer than `count` workers, even none, and a cursor: the search goes on there.

    Raises:
        BadInput: The cursor is foreign, or the count below 1.
    """
    if count < 1:
        raise BadInput(f"count must be at least 1, found {count}")
    after, wanted = number_from_cursor(cursor), min(count, MOST_WORKERS)
    found: list[WorkerMetadata] = []
    examined = 0
    for seen, (number, name) in enumerate(_rows(rows_after, after, wanted if filter is None else BATCH)):
        if len(found) == wanted or examined == MOST_EXAMINED or seen == MOST_NAMES:
            return WorkersPage(tuple(found), str(after))
        after = number
        verdict = True if filter is None else verdict_by_name(filter, name)
        if verdict is False:
            continue
        worker, examined = metadata(name), examined + 1
        if worker is not None and (verdict or (filter is not None and matches(filter, worker))):
            found.append(worker)
    return WorkersPage(tuple(found))


def _rows(rows_after: Callable[[int, int], Sequence[Row]], after: int, batch: int) -> Iterator[Row]:
    while rows := rows_after(after, batch + 1):
        yield from rows
        if len(rows) <= batch:
            return
        after = rows[-1][0]
