"""`%golem_crash W f() --everywhere`: one invocation, with a crash behind each entry that it makes.

How this works. A fork of the worker runs the invocation once, to its end: that is what is to come out. Then, for each
entry that it made, a fork is made of the history up to there, which is what a crash at that moment leaves: it recovers,
goes on, and is asked for the result by the same idempotency key.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from uuid import uuid4

from golem_nb.client.client import Client
from golem_nb.errors import BadInput, ClientError, EngineStopped, GolemError, NotFound, UsageError, WaitTimeout
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
        UsageError: It has no result even without a crash, or makes too many entries, or was interrupted.
        NotSupported: The server does not fork workers.
    """
    base = f"{prepared.worker.name[:400]}-crash-{uuid4().hex[:8]}"
    reference = WorkerId(prepared.worker.component_id, base)
    made = [reference]
    try:
        return _grid(request, prepared, reference, made)
    except KeyboardInterrupt:
        raise UsageError("stopped; the forks that were made for it are deleted, and the worker is untouched") from None
    finally:
        left = _delete_left(request, made)
        if left:
            request.session.say(f"these forks could not be deleted: {', '.join(worker.name for worker in left)}")


def _grid(request: Request, prepared: Prepared, reference: WorkerId, made: list[WorkerId]) -> CrashGrid:
    client = prepared.client
    with Progress(request.surroundings, f"{prepared.target} without a crash", 1) as progress:
        progress.step("waiting for its result")
        first = _begin(client, prepared, reference)
        wanted = _ending(client, reference, prepared)
    if wanted[0] != "result":
        raise UsageError(f"without a crash the call has no result to compare with: {_told(wanted)}")
    entries = list(client.entries(reference, from_index=first))
    if len(entries) > MOST_POINTS:
        raise UsageError(f"this call makes {len(entries)} entries; --everywhere takes up to {MOST_POINTS}")
    runs = []
    with Progress(request.surroundings, f"{len(entries)} crashes of {prepared.target}", len(entries)) as progress:
        for entry in entries:
            progress.step(f"behind entry {entry.index}")
            copy = WorkerId(reference.component_id, f"{reference.name}-{entry.index}")
            made.append(copy)
            runs.append(_run(client, prepared, reference, copy, entry, wanted))
            made[-1:] = _delete_all(client, [copy])
    return CrashGrid(str(prepared.target), prepared.function, tuple(runs), _told(wanted))


def _begin(client: Client, prepared: Prepared, reference: WorkerId) -> OplogIndex:
    """Make the worker that runs undisturbed; return the index that its invocation begins at."""
    before = prepared.before
    # Not the metadata's: releases of Golem do not tell it there.
    last_index = 0 if before is None else client.oplog(prepared.worker, count=1).last_index
    if last_index >= 2:
        client.fork_worker(prepared.worker, reference, last_index)
        return last_index + 1
    with suppress(NotFound, BadInput):  # nothing to fork yet; but a server that cannot says so before anything is run
        client.fork_worker(prepared.worker, reference, 2)
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
    except (ClientError, EngineStopped):
        raise  # who is not reached tells nothing of the call
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


def _delete_left(request: Request, workers: Sequence[WorkerId]) -> Sequence[WorkerId]:
    """Delete workers, also where the engine has ended meanwhile; return those that could not be."""
    try:
        client = request.session.client()
    except GolemError:
        return workers  # the user is told of them
    return _delete_all(client, workers)


def _delete_all(client: Client, workers: Sequence[WorkerId]) -> list[WorkerId]:
    """Delete workers, whoever interrupts; return those that could not be."""
    left, waiting = [], list(workers)
    while waiting:
        try:
            client.delete_worker(waiting[0])
        except KeyboardInterrupt:
            continue
        except NotFound:
            pass  # it was never made
        except GolemError:
            left.append(waiting[0])
        waiting.pop(0)
    return left
