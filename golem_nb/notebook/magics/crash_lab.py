"""`%golem_crash W f() --everywhere`: one invocation, with a crash behind each entry that it makes.

How this works. A fork of the worker runs the invocation once, to its end: that is what is to come out. Then, for each
entry that it made, a fork is made of the history up to there, which is what a crash at that moment leaves: it recovers,
goes on, and is asked for the result by the same idempotency key.
"""

from __future__ import annotations

import time
from contextlib import suppress
from uuid import uuid4

from golem_nb.client.client import Client
from golem_nb.errors import GolemError, UsageError, WaitTimeout
from golem_nb.model import OplogIndex, PublicEntry, WorkerId
from golem_nb.notebook.crash_grid import CrashGrid, CrashRun, Outcome
from golem_nb.notebook.magics.invoke import Prepared
from golem_nb.notebook.magics.verb import Request
from golem_nb.notebook.progress import Progress
from golem_nb.values.types import TypedValue

RUN_WAIT_S = 60.0
MOST_POINTS = 500
# What an end of an invocation is, of those that have none: nothing more is to be compared.
Ending = tuple[str, TypedValue | str | None]


def everywhere(request: Request, prepared: Prepared) -> CrashGrid:
    """Run the invocation with a crash at each of its entries.

    Raises:
        UsageError: It makes too many entries.
        NotSupported: The server does not fork workers.
    """
    client, base = prepared.client, f"{prepared.worker.name[:400]}-crash-{uuid4().hex[:8]}"
    reference = WorkerId(prepared.worker.component_id, base)
    made: list[WorkerId] = []
    try:
        first = _begin(client, prepared, reference)
        made.append(reference)
        wanted = _ending(client, reference, prepared)
        entries = [entry for entry in client.entries(reference, from_index=first)]
        if len(entries) > MOST_POINTS:
            raise UsageError(f"this call makes {len(entries)} entries; --everywhere takes up to {MOST_POINTS}")
        runs = []
        with Progress(request.surroundings, f"{len(entries)} crashes of {prepared.target}", len(entries)) as progress:
            for entry in entries:
                progress.step(f"behind entry {entry.index}")
                copy = WorkerId(reference.component_id, f"{base}-{entry.index}")
                made.append(copy)
                runs.append(_run(client, prepared, reference, copy, entry, wanted))
                _delete(client, made.pop())
        return CrashGrid(str(prepared.target), prepared.function, tuple(runs), _told(wanted))
    finally:
        for worker in made:
            _delete(client, worker)


def _begin(client: Client, prepared: Prepared, reference: WorkerId) -> OplogIndex:
    """Make the worker that runs undisturbed; return the index that its invocation begins at."""
    before = prepared.before
    if before is not None and before.last_index >= 2:
        client.fork_worker(prepared.worker, reference, before.last_index)
        return before.last_index + 1
    args, env, config = ((), {}, {}) if before is None else (before.args, before.env, before.config)
    client.launch_worker(reference.component_id, reference.name, args=args, env=env, config=config)
    return 2


def _run(
    client: Client,
    prepared: Prepared,
    reference: WorkerId,
    copy: WorkerId,
    entry: PublicEntry,
    wanted: Ending,
) -> CrashRun:
    start = time.perf_counter()
    client.fork_worker(reference, copy, entry.index)
    found = _ending(client, copy, prepared)
    took_ms = (time.perf_counter() - start) * 1e3
    if found == wanted:
        outcome = Outcome.SAME
    else:
        outcome = Outcome.OTHER if found[0] == wanted[0] == "result" else Outcome.FAILED
    return CrashRun(entry.index, entry.kind, _name(entry), outcome, _told(found), took_ms)


def _ending(client: Client, worker: WorkerId, prepared: Prepared) -> Ending:
    try:
        result = client.invoke_and_await(
            worker, prepared.function, prepared.params, key=prepared.key, timeout_s=RUN_WAIT_S
        )
    except WaitTimeout as error:
        return "nothing", str(error)
    except GolemError as error:
        return "error", str(error).replace(str(worker), "the worker")
    return "result", result


def _told(ending: Ending) -> str:
    kind, value = ending
    if isinstance(value, TypedValue):
        return repr(value.value)
    return "no result" if kind == "result" else str(value)


def _name(entry: PublicEntry) -> str:
    return str(entry.fields.get("functionName") or entry.fields.get("message") or "").strip()


def _delete(client: Client, worker: WorkerId) -> None:
    with suppress(GolemError):  # it may never have been made
        client.delete_worker(worker)
