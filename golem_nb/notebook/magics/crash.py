"""`%golem_crash`: lose a worker's instance, or kill the engine process, and see it come back from the oplog."""

from __future__ import annotations

import time
from typing import Any

from golem_nb.client.client import Client
from golem_nb.model import WorkerId, WorkerMetadata, WorkerStatus
from golem_nb.notebook.magics.grammar import Option, Target
from golem_nb.notebook.magics.verb import Request, Verb, one_target
from golem_nb.notebook.views import CrashReport

USAGE = "%golem_crash component/worker"
# A worker that was under way replays at once; one that was not is left to its next invocation.
RECOVERY_WAIT_S, POLL_S = 10.0, 0.02
_UNDER_WAY = (WorkerStatus.RUNNING, WorkerStatus.RETRYING)


def run(request: Request) -> Any:
    word = one_target(request, USAGE)
    if request.option("engine"):
        return _crash_engine(request, request.session.target(word) if word else None)
    target = request.session.target(word)
    worker = request.session.worker_id(target)
    client = request.session.client()
    before, start = client.worker(worker), time.monotonic()
    client.crash_worker(worker)
    after = _wait_until_back(client, worker, before)
    return _report(f"worker {target} crashed", before, after, start)


def _crash_engine(request: Request, target: Target | None) -> CrashReport:
    session = request.session
    worker = session.worker_id(target) if target else None
    before = session.client().worker(worker) if worker else None
    start = time.monotonic()
    killed = session.kill_engine()
    engine = session.restart_engine()
    after = _wait_until_back(session.client(), worker, before) if worker and before else None
    return _report("the engine was killed", before, after, start, (killed, engine.lock.pid))


def _wait_until_back(client: Client, worker: WorkerId, before: WorkerMetadata) -> WorkerMetadata:
    """Wait until the new instance has met what was recorded; a worker that had nothing to do is not waited for."""
    deadline = time.monotonic() + RECOVERY_WAIT_S
    while True:
        found = client.worker(worker)
        is_back = found.entries_replayed is not None and found.entries_replayed > 0
        if is_back or before.status not in _UNDER_WAY or time.monotonic() > deadline:
            return found
        time.sleep(POLL_S)


def _report(
    what: str,
    before: WorkerMetadata | None,
    after: WorkerMetadata | None,
    start: float,
    pids: tuple[int, int] | None = None,
) -> CrashReport:
    return CrashReport(
        what,
        died_at=before.last_index if before and before.last_index else None,
        replayed=after.entries_replayed if after else None,
        live_after_ms=round((time.monotonic() - start) * 1e3),
        status=after.status if after else None,
        pids=pids,
    )


VERB = Verb(
    name="golem_crash",
    summary="Crash a worker, or kill the engine with signal 9; what is recorded comes back by replay.",
    forms=(USAGE, "%golem_crash --engine [component/worker]"),
    options=(Option("engine", "kill the local engine process, and start it again"),),
    examples=("%golem_crash counter/c1", "%golem_crash --engine counter/c1"),
    run=run,
)
