"""`%golem_crash`: lose a worker's instance, or kill the engine process, and see it come back from the oplog."""

from __future__ import annotations

import time
from itertools import combinations
from typing import Any

from golem_nb.client.client import Client
from golem_nb.errors import NotFound, UsageError
from golem_nb.model import CrashPoint, OplogIndex, WorkerId, WorkerMetadata, WorkerStatus
from golem_nb.notebook.magics.arguments import evaluate
from golem_nb.notebook.magics.crash_lab import everywhere
from golem_nb.notebook.magics.grammar import Call, Option, Target, read_call, read_target
from golem_nb.notebook.magics.invoke import announce, prepare, result_of
from golem_nb.notebook.magics.verb import Request, Verb, whole_number
from golem_nb.notebook.replay import call_at
from golem_nb.notebook.views import CrashReport

USAGE = "%golem_crash component/worker"
RECOVERY_WAIT_S, POLL_S = 10.0, 0.02
# These replay at once. An idle worker does so after a crash of its own, and is left to its next invocation when the
# engine starts again.
_UNDER_WAY = (WorkerStatus.RUNNING, WorkerStatus.RETRYING)


def run(request: Request) -> Any:
    words = request.only_words(2, f"{USAGE} [function(arguments)]")
    for one, other in combinations(("engine", "everywhere", "at", "at-call"), 2):
        request.exclude(one, other)
    for other in ("engine", "everywhere"):
        request.exclude(other, "no-recover")
    if request.option("engine") and len(words) == 2:
        raise UsageError("--engine kills the engine at once: it takes a worker, and no call")
    point = _point(request)
    if request.option("engine"):
        return _crash_engine(request, request.session.target(words[0]) if words else None)
    if _is_call_of_default(request, point):
        words = ("", *words)
    target = request.session.target(words[0] or None if words else None)
    call = read_call(words[1]) if len(words) == 2 else None
    recover = not request.option("no-recover")
    if call is not None:
        if request.option("everywhere"):
            return everywhere(request, prepare(request, target, call.name, evaluate(call.arguments, request.names)))
        if point is None:
            raise UsageError("where is it to crash? --at INDEX, --at-call NAME, or --everywhere")
        return (_crash_in_call if recover else _crash_and_leave)(request, target, call, point)
    if request.option("everywhere"):
        raise UsageError(f"which call? Write: {USAGE} function(arguments) --everywhere")
    worker = request.session.worker_id(target)
    client = request.session.client()
    before, start = client.worker(worker), time.monotonic()
    _check_ahead(target, before, point)
    client.crash_worker(worker, point, recover=recover)
    if point is not None:
        request.session.say(f"{target} crashes {_where(point)}, once; %golem_invoke has it get there")
        return None
    if not recover:
        return _left(target, before.last_index, client.worker(worker))
    after = _wait_until_back(client, worker, before, (*_UNDER_WAY, WorkerStatus.IDLE))
    return _report(f"worker {target} crashed", before, after, start)


def _is_call_of_default(request: Request, point: CrashPoint | None) -> bool:
    """Is the only word a call of the default worker? Where one is set, a worker is named with its component."""
    is_in_call = point is not None or bool(request.option("everywhere"))
    match request.words:
        case [word] if is_in_call and request.session.default.worker is not None:
            return word.endswith(")") and read_target(word).worker is None
    return False


def _point(request: Request) -> CrashPoint | None:
    index, name = request.whole_number("at"), request.option("at-call")
    if index is not None:
        return CrashPoint(index)
    if name is None:
        return None
    name, _, count = str(name).partition("#")
    return CrashPoint(None, name, whole_number(count, "--at-call NAME#k") if count else 1)


def _check_ahead(target: Target, before: WorkerMetadata | None, point: CrashPoint | None) -> None:
    at_index, last_index = None if point is None else point.at_index, 0 if before is None else before.last_index
    if at_index is not None and at_index <= last_index:
        raise UsageError(f"the oplog of {target} is at index {last_index} already: --at takes one that is to come")


def _where(point: CrashPoint) -> str:
    if point.at_index is not None:
        return f"when its oplog has come to index {point.at_index}"
    return f"at call {point.count} of a host function named {point.at_call}"


def _crash_in_call(request: Request, target: Target, call: Call, point: CrashPoint) -> CrashReport:
    """Have the worker crash on its way through a call, and come back to give the result."""
    prepared = prepare(request, target, call.name, evaluate(call.arguments, request.names))
    _check_ahead(target, prepared.before, point)
    announce(request, prepared)
    client, worker = prepared.client, prepared.worker
    before, start = _arm(client, worker, point, recover=True), time.monotonic()
    value = result_of(request, prepared, str(call))
    took_ms = round((time.monotonic() - start) * 1e3)
    after = client.worker(worker)
    died_at = call_at(client, worker, before.last_index + 1, point)
    if died_at is None:
        request.session.say(f"the call ended before it came there; {target} still crashes {_where(point)}")
    what = f"worker {target}: {call} = {value!r:.80}"
    return CrashReport(what, died_at, after.entries_replayed if died_at else 0, took_ms, after.status)


def _crash_and_leave(request: Request, target: Target, call: Call, point: CrashPoint) -> CrashReport | None:
    """Have the worker crash on its way through a call, and see it lie there; the call is accepted, and not over."""
    prepared = prepare(request, target, call.name, evaluate(call.arguments, request.names))
    _check_ahead(target, prepared.before, point)
    announce(request, prepared)
    client, worker = prepared.client, prepared.worker
    before = _arm(client, worker, point, recover=False)
    client.invoke(worker, prepared.function, prepared.params, key=prepared.key)
    deadline = time.monotonic() + request.seconds("timeout", RECOVERY_WAIT_S)
    while time.monotonic() < deadline:
        died_at = call_at(client, worker, before.last_index + 1, point)
        after = client.worker(worker)
        if died_at is not None and after.entries_replayed is None:
            return _left(target, died_at, after, prepared.again(str(call)))
        if died_at is None and after.status not in (*_UNDER_WAY, WorkerStatus.SUSPENDED):
            request.session.say(f"the call ended before it came there; {target} still crashes {_where(point)}")
            return None
        time.sleep(POLL_S)
    request.session.say(f"the call has not come there yet; {target} still crashes {_where(point)}")
    return None


def _arm(client: Client, worker: WorkerId, point: CrashPoint, *, recover: bool) -> WorkerMetadata:
    """Tell the worker where to crash; make it where there is none, as what is to crash must be there to be told."""
    try:
        client.crash_worker(worker, point, recover=recover)
    except NotFound:
        client.launch_worker(worker.component_id, worker.name)
        client.crash_worker(worker, point, recover=recover)
    return client.worker(worker)


def _left(target: Target, died_at: OplogIndex, after: WorkerMetadata, again: str = "") -> CrashReport:
    what = f"worker {target} crashed and was left so; an invocation or `%golem_worker {target} resume` recovers it"
    return CrashReport(f"{what}\n  the result then: {again}" if again else what, died_at, None, None, after.status)


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
    forms=(
        f"{USAGE} [--at INDEX | --at-call NAME[#k]] [--no-recover]",
        f"{USAGE} function(arguments) --at INDEX | --at-call NAME[#k] [--no-recover] | --everywhere",
        "%golem_crash --engine [component/worker]",
    ),
    options=(
        Option("engine", "kill the local engine process, and start it again"),
        Option("at", "when the oplog has come to this index", "INDEX"),
        Option("at-call", "at the next call, or the k-th, of a host function whose name has NAME in it", "NAME[#k]"),
        Option("no-recover", "leave it as the crash left it, until it is next invoked or resumed"),
        Option("everywhere", "run the call once for every entry that it makes, crash there, recover, and compare"),
    ),
    rules=(
        "--everywhere works on forks, which are deleted; the worker is untouched. Each run calls the world outside,\n"
        "from where it crashed. The result has `.survived`, `.points`, `.is_safe` and `.frame()`."
    ),
    examples=(
        "%golem_crash counter/c1",
        "%golem_crash --engine counter/c1",
        "%golem_crash shop/s buy(3) --at-call wall-clock",
        "%golem_crash shop/s buy(3) --at-call wall-clock --no-recover",
        "%golem_crash shop/s buy(3) --everywhere",
    ),
    run=run,
    takes_call=True,
)
