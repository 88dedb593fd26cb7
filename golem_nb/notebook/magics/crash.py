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
RECOVERY_WAIT_S, POLL_S = 10.0, 0.02
# These replay at once. An idle worker does so after a crash of its own, and is left to its next invocation when the
# engine starts again.
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
    after = _wait_until_back(client, worker, before, (*_UNDER_WAY, WorkerStatus.IDLE))
    return _report(f"worker {target} crashed", before, after, start)


def _crash_engine(request: Request, target: Target | None) -> CrashReport:
    session = request.session
    worker = session.worker_id(target) if target else None
    before = session.client().worker(worker) if worker else None
    start = time.monotonic()
    killed = session.kill_engine()
    engine = session.restart_engine()
    after = _wait_until_back(session.client(), worker, before, _UNDER_WAY) if worker and before else None
    return _report("the engine was killed", before, after, start, (killed, engine.lock.pid))


def _wait_until_back(
    client: Client, worker: WorkerId, before: WorkerMetadata, replaying: tuple[WorkerStatus, ...]
) -> WorkerMetadata:
    """Wait until the new instance has met what was recorded, where the status before is one of those that replay."""
    deadline = time.monotonic() + RECOVERY_WAIT_S
    while True:
        found = client.worker(worker)
        # Of one that ran, a 0 may be of the instance that is about to go; an idle one's goes before the answer.
        met = found.entries_replayed
        is_back = met is not None and (met > 0 or before.status is WorkerStatus.IDLE)
        if is_back or before.status not in replaying or time.monotonic() > deadline:
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
