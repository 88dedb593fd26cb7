"""`%golem_worker W update`: ask for another component version, and see what becomes of it."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime

from golem_nb.client.client import Client
from golem_nb.errors import Conflict, NotFound, UpdateRefused, WaitTimeout
from golem_nb.model import Component, UpdateMode, UpdateRecord, UpdateState, WorkerId, WorkerMetadata
from golem_nb.notebook.magics.grammar import Target
from golem_nb.notebook.magics.verb import Request, whole_number
from golem_nb.notebook.magics.workers import all_workers
from golem_nb.notebook.progress import Progress
from golem_nb.notebook.views import UpdateReport, WorkerView, named

WAIT_S, POLL_S = 60.0, 0.05


def update(request: Request, target: Target, worker: WorkerId, rest: tuple[str, ...]) -> WorkerView | UpdateReport:
    client = request.session.client()
    latest = request.session.component(target.component).version
    version = whole_number(rest[0], "VERSION") if rest else latest
    before, start = client.worker(worker), time.monotonic()
    client.update_worker(worker, version, UpdateMode((request.option("mode") or "automatic").capitalize()))
    if not request.option("wait"):
        return WorkerView(str(target), client.worker(worker), f"update to version {version} asked for")
    record = _wait_until_over(client, target, worker, version, before, start + request.seconds("timeout", WAIT_S))
    return _report(target, before, record, start)


def update_all(request: Request, component: Component, mode: UpdateMode) -> tuple[UpdateReport, ...]:
    """Bring all workers of a component that are on other versions to its latest, and wait until each update is over.

    A worker whose update is refused, or fails, stays as it was; one that is deleted meanwhile, or whose update is not
    over in time, is reported like the others.
    """
    client, version = request.session.client(), component.version
    start = time.monotonic()
    deadline = start + request.seconds("timeout", WAIT_S)
    asked: list[tuple[WorkerMetadata, UpdateRecord | None]] = []
    for worker in all_workers(client, component):
        if worker.component_version != version:
            asked.append((worker, _refusal(client, worker, version, mode)))
    reports = []
    with Progress(request.surroundings, f"workers of {component.name}", len(asked)) as progress:
        for before, refusal in asked:
            target = Target(component.name, before.worker_id.name)
            progress.step(f"update of {before.worker_id.name}")
            record = refusal
            if record is None:
                try:
                    record = _wait_until_over(client, target, before.worker_id, version, before, deadline)
                except (WaitTimeout, NotFound) as error:
                    if isinstance(error.__cause__, KeyboardInterrupt):
                        deadline = start  # the others are not waited for either
                    state = UpdateState.PENDING if isinstance(error, WaitTimeout) else UpdateState.FAILED
                    record = UpdateRecord(state, datetime.now(UTC), version, str(error))
            reports.append(_report(target, before, record, start))
    return tuple(reports)


def _report(target: Target, before: WorkerMetadata, record: UpdateRecord, start: float) -> UpdateReport:
    name, took_ms = str(target), round((time.monotonic() - start) * 1e3)
    if record.details is not None:
        record = replace(record, details=named(record.details, before.worker_id, name))
    return UpdateReport(name, before.component_version, record, took_ms)


def _refusal(client: Client, worker: WorkerMetadata, version: int, mode: UpdateMode) -> UpdateRecord | None:
    """Ask for an update; return the record of one that is refused at once."""
    try:
        client.update_worker(worker.worker_id, version, mode)
    except (UpdateRefused, Conflict, NotFound) as error:
        return UpdateRecord(UpdateState.FAILED, datetime.now(UTC), version, str(error))
    return None


def _wait_until_over(
    client: Client, target: Target, worker: WorkerId, version: int, before: WorkerMetadata, deadline: float
) -> UpdateRecord:
    again = f"the update to version {version} goes on; `%golem_worker {target}` shows what became of it"
    try:
        while True:
            record = outcome(before, client.worker(worker), version)
            if record is not None:
                return record
            if time.monotonic() > deadline:
                raise WaitTimeout(f"not over in time; {again}")
            time.sleep(POLL_S)
    except KeyboardInterrupt as interrupt:
        raise WaitTimeout(f"stopped waiting; {again}") from interrupt


def outcome(before: WorkerMetadata, after: WorkerMetadata, version: int) -> UpdateRecord | None:
    """Return how the update to `version` that was asked for behind `before` ended; None while it has not."""
    earlier, records = ([r for r in worker.updates if r.target_version == version] for worker in (before, after))
    if any(record.state is UpdateState.PENDING for record in records):
        return None
    if records and records != earlier:
        return records[-1]
    if before.component_version != version == after.component_version:  # a server that tells of no updates
        return UpdateRecord(UpdateState.SUCCESSFUL, after.created_at, version)
    return None
