"""`%golem_workers`: the workers of a component, or of all, as a frame."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any

from golem_nb.client.client import Client
from golem_nb.errors import UsageError
from golem_nb.model import Component, WorkerMetadata, WorkerStatus
from golem_nb.notebook.magics.grammar import Option, near_or_all
from golem_nb.notebook.magics.verb import Request, Verb, one_target
from golem_nb.oplog.filter_text import filter_from_texts
from golem_nb.oplog.filters import WorkerFilter

USAGE = "%golem_workers [COMPONENT]"
LIMIT, PAGE = 200, 50
LEAST_WATCH_S = 0.2  # a page of workers costs the server some milliseconds


def run(request: Request) -> Any:
    request.exclude("watch", "env-id")  # the board goes on behind its line, where the session's environment is used
    filter = filter_from_texts(request.option("filter") or ())
    _statuses(request)
    name = one_target(request, USAGE) or request.session.default.component
    client = request.session.client()
    component = request.session.component(name) if name else None
    frame, notes = read_workers(request, client, component, filter)
    if request.option("watch") is None:
        if request.option("for") is not None:
            raise UsageError("--for is how long a board is watched: write --watch beside it")
        for note in notes:
            request.session.say(note)
        return frame
    return _watch(request, component, filter)


def _watch(request: Request, component: Component | None, filter: WorkerFilter | None) -> Any:
    from golem_nb.notebook.panes.board import Board, show_board

    every_s, for_s = request.seconds("watch", 1), request.seconds("for", 0)
    if every_s < LEAST_WATCH_S:
        raise UsageError(f"--watch must be at least {LEAST_WATCH_S:g} seconds, found {every_s:g}")

    def read() -> tuple[Any, list[str]]:
        client = request.session.client_if_running()  # in the background no engine is started
        try:
            return read_workers(request, client, component, filter)
        finally:
            if not request.session.owns(client):
                client.close()

    board = Board(f"workers of {component.name}" if component else "workers", read, every_s)
    show_board(board, request.surroundings, for_s or None)
    return board


def read_workers(
    request: Request, client: Client, component: Component | None, filter: WorkerFilter | None
) -> tuple[Any, list[str]]:
    """Return the frame of the workers that are wanted, and what is to be said of it."""
    import pandas as pd

    from golem_nb.notebook.frames import workers_frame

    components = [component] if component else client.components()
    asked = request.whole_number("limit")
    limit = None if request.option("all") else LIMIT if asked is None else asked
    frames, notes = [], []
    for component in components:
        found = (worker for worker in all_workers(client, component, filter) if _is_wanted(worker, request))
        # One more than is shown, to know whether there are more.
        workers = list(islice(found, None if limit is None else limit + 1))
        if limit is not None and len(workers) > limit:
            workers.pop()
            notes.append(f"{component.name} has more than {limit} such workers; --all shows them")
        request.session.note(component, [worker.worker_id.name for worker in workers])
        frames.append(workers_frame(workers, component.name))
    filled = [frame for frame in frames if len(frame)]
    if len(filled) > 1:
        return pd.concat(filled, ignore_index=True), notes
    return (filled or frames or [workers_frame([], "")])[0], notes


def all_workers(client: Client, component: Component, filter: WorkerFilter | None = None) -> Iterator[WorkerMetadata]:
    """Yield all workers of a component, or those that fit a filter, page by page.

    Raises:
        NotSupported: The server does not filter.
    """
    cursor: str | None = None
    while True:
        if filter is None:
            page = client.workers(component.id, cursor=cursor, count=PAGE)
        else:
            page = client.find_workers(component.id, filter, cursor=cursor, count=PAGE)
        yield from page.workers
        if page.cursor in (None, cursor):  # a server that does not get on would keep us here for ever
            return
        cursor = page.cursor


def _is_wanted(worker: WorkerMetadata, request: Request) -> bool:
    pattern = request.option("name")
    if pattern and not fnmatchcase(worker.worker_id.name, pattern):
        return False
    return worker.status in _statuses(request)


def _statuses(request: Request) -> set[WorkerStatus]:
    """Return the statuses that are wanted: all of them where none is named.

    Raises:
        UsageError: One is none.
    """
    text = request.option("status")
    known = {str(status).lower(): status for status in WorkerStatus}
    words = list(known) if text is None else [word.strip() for word in text.split(",")]
    for word in words:
        if word.lower() not in known:
            raise UsageError(f"--status {word} is not known; {near_or_all(word.capitalize(), list(WorkerStatus))}")
    return {known[word.lower()] for word in words}


VERB = Verb(
    name="golem_workers",
    summary="List workers as a DataFrame, in order of creation.",
    forms=(
        f"{USAGE} [--status Failed,Retrying] [--name GLOB] [--filter TEXT]... [--limit N | --all]",
        f"{USAGE} --watch [S] [--for S]",
    ),
    options=(
        Option("status", "only those of these statuses, with commas between", "S"),
        Option("name", "only those whose name fits the pattern, `cart-*`", "GLOB"),
        Option(
            "filter", "only those that fit `FIELD COMPARATOR VALUE`, asked of the server; repeatable", "TEXT", many=True
        ),
        Option("limit", f"at most so many of a component ({LIMIT})", "N"),
        Option("all", "all of them"),
        Option("watch", "a board of them that is renewed every S seconds (1) while later cells run", "S", default="1"),
        Option("for", "end the board after S seconds; without a reader at the screen the cell waits for that", "S"),
    ),
    rules=(
        "FIELD is name, version, status, createdAt or env.NAME; COMPARATOR is =, !=, >=, >, <=, <, like, notlike or\n"
        "startswith, as far as the field can be compared so."
    ),
    examples=(
        "%golem_workers counter",
        "%golem_workers --status Failed",
        "%golem_workers counter --watch",
        "%golem_workers cart --filter 'version < 2'",
    ),
    run=run,
)
