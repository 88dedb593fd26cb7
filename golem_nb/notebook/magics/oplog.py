"""`%golem_oplog`: the oplog of a worker as a frame, and what two of them have in common."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from itertools import islice
from typing import Any

from golem_nb.client.client import Client
from golem_nb.errors import UsageError
from golem_nb.model import PublicEntry, WorkerId
from golem_nb.notebook.magics.grammar import Option
from golem_nb.notebook.magics.verb import Request, Verb, one_target

USAGE = "%golem_oplog component/worker"
PAGE = 100  # what a server gives at once. Source: SEMANTICS 4.4


def run(request: Request) -> Any:
    from golem_nb.notebook.accessor import register

    register()
    if request.option("read") is not None:
        frame = _read_file(request)
    else:
        frame = read_worker(request, one_target(request, USAGE))
    if request.option("diff") is not None:
        if request.option("kind") is not None:
            raise UsageError("--diff compares whole oplogs: leave --kind out")
        return frame.golem.diff(read_worker(request, request.option("diff")))
    return _of_kind(frame, request.option("kind"))


def _read_file(request: Request) -> Any:
    from golem_nb.notebook.oplog_files import read_oplog

    if request.words or any(request.option(name) is not None for name in ("from", "count", "query")):
        raise UsageError("--read takes a whole oplog from a file: leave the worker, --from, --count and --query out")
    return read_oplog(request.option("read"))


def read_worker(request: Request, word: str | None) -> Any:
    """Return the frame of the worker that a word names."""
    from golem_nb.notebook.reading import read_columns

    target = request.session.target(word)
    worker = request.session.worker_id(target)
    client = request.session.client()
    asked, query, count = request.whole_number("from"), request.option("query"), request.whole_number("count")
    first = 1 if asked is None else asked
    if query is not None and asked is not None:
        raise UsageError("--query searches from the beginning: leave --from out")
    if first == 0:
        raise UsageError("--from must be at least 1: the oplog begins there")
    found = client.entries(worker, from_index=first) if query is None else matching_entries(client, worker, query)
    there = max((client.worker(worker).last_index or 0) - first + 1, 0)
    total = there if count is None else min(there, count)
    columns = read_columns(islice(found, count), total, request.surroundings, f"oplog of {target}")
    # Asked after the entries: what it counts as replayed is then among them.
    return columns.frame(component=str(target.component), worker=client.worker(worker), server=repr(client))


def _of_kind(frame: Any, kind: str | None) -> Any:
    from golem_nb.notebook.frames import FAMILIES

    if kind is None:
        return frame
    there = list(frame["kind"].unique())
    if kind not in FAMILIES and kind not in there:
        near = get_close_matches(kind, [*there, *FAMILIES], 1)
        hint = f"did you mean {near[0]}?" if near else f"this oplog has {', '.join(there)}"
        raise UsageError(f"--kind {kind} is not known; {hint}")
    return frame[frame["kind"] == kind]


def matching_entries(client: Client, worker: WorkerId, query: str) -> Iterator[PublicEntry]:
    """Yield the entries that match a query, page by page. A page may be empty and others follow."""
    page = client.oplog(worker, query=query, count=PAGE)
    yield from page.entries
    while page.cursor is not None:
        index = page.next_index
        page = client.oplog(worker, query=query, count=PAGE, cursor=page.cursor)
        yield from page.entries
        if page.next_index == index:  # a server that does not get on would keep us here for ever
            return


VERB = Verb(
    name="golem_oplog",
    summary="Return the oplog of a worker as a DataFrame, one row for each entry; `.golem` gives its usual views.",
    forms=(
        f"{USAGE} [--from N | --query TEXT] [--count N] [--kind KIND]",
        f"{USAGE} --diff component/worker",
        "%golem_oplog --read FILE [--diff component/worker]",
    ),
    options=(
        Option("from", "first index (1)", "N"),
        Option("query", "only entries that the query finds, in Golem's search language", "TEXT"),
        Option("count", "at most so many entries (all)", "N"),
        Option("kind", "only entries of this kind", "KIND"),
        Option("diff", "compare with the oplog of another worker, and say where the two part", "WORKER"),
        Option("read", "take the oplog from a file that `.golem.to_parquet` or `.golem.to_jsonl` wrote", "FILE"),
    ),
    rules=(
        "In a query, words are found in kinds, names, keys, messages and values; AND, OR, NOT and ( ) join them;\n"
        'field.path:word looks in a field; "as it is" and /regular expressions/ are possible.'
    ),
    examples=(
        "%golem_oplog counter/c1 --out log",
        "%golem_oplog cart/alice --query 'exported-function AND product-id:G1001'",
        "%golem_oplog counter/c1 --diff counter/c2",
    ),
    run=run,
)
