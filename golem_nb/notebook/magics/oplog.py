"""`%golem_oplog`: the oplog of a worker as a frame."""

from __future__ import annotations

from collections.abc import Iterator
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
    from golem_nb.notebook.frames import FAMILIES, oplog_frame

    target = request.session.target(one_target(request, USAGE))
    worker = request.session.worker_id(target)
    client = request.session.client()
    asked, query, count = request.whole_number("from"), request.option("query"), request.whole_number("count")
    first = 1 if asked is None else asked
    if query is not None and request.option("from") is not None:
        raise UsageError("--query searches from the beginning: leave --from out")
    if first < 1:
        raise UsageError("--from must be at least 1: the oplog begins there")
    found = client.entries(worker, from_index=first) if query is None else matching_entries(client, worker, query)
    entries = list(islice(found, count))
    # Asked after the entries: what it counts as replayed is then among them.
    metadata = client.worker(worker)
    register()
    frame = oplog_frame(entries, component=str(target.component), worker=metadata, server=repr(client))
    kind = request.option("kind")
    if kind is None:
        return frame
    if kind not in FAMILIES and kind not in set(frame["kind"]):
        raise UsageError(f"--kind {kind} is not known; this oplog has {', '.join(frame['kind'].unique())}")
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
    forms=(f"{USAGE} [--from N | --query TEXT] [--count N] [--kind KIND]",),
    options=(
        Option("from", "first index (1)", "N"),
        Option("query", "only entries that the query finds, in Golem's search language", "TEXT"),
        Option("count", "at most so many entries (all)", "N"),
        Option("kind", "only entries of this kind", "KIND"),
    ),
    rules=(
        "In a query, words are found in kinds, names, keys, messages and values; AND, OR, NOT and ( ) join them;\n"
        'field.path:word looks in a field; "as it is" and /regular expressions/ are possible.'
    ),
    examples=(
        "%golem_oplog counter/c1 --out log",
        "%golem_oplog cart/alice --query 'exported-function AND product-id:G1001'",
    ),
    run=run,
)
