"""`%golem_worker`: show, make, interrupt, resume, delete one worker."""

from __future__ import annotations

from typing import Any

from golem_nb.errors import UsageError
from golem_nb.model import WorkerId, WorkerStatus
from golem_nb.notebook.magics.grammar import Option, Target
from golem_nb.notebook.magics.verb import Request, Verb
from golem_nb.notebook.views import WorkerView

USAGE = "%golem_worker component/worker"


def run(request: Request) -> Any:
    words = request.only_words(2, f"{USAGE} [{' | '.join(_ACTIONS)}]")
    target = request.session.target(words[0] if words else None)
    action = words[1] if len(words) == 2 else "show"
    if action not in _ACTIONS:
        raise UsageError(f"%golem_worker does not know {action!r}; it knows {', '.join(_ACTIONS)}")
    return _ACTIONS[action](request, target, request.session.worker_id(target))


def _show(request: Request, target: Target, worker: WorkerId) -> WorkerView:
    return WorkerView(str(target), request.session.client().worker(worker))


def _new(request: Request, target: Target, worker: WorkerId) -> WorkerView:
    env = {}
    for pair in request.option("env") or ():
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise UsageError(f"-e {pair}: write NAME=VALUE")
        env[name] = value
    client = request.session.client()
    client.launch_worker(worker.component_id, worker.name, args=request.option("arg") or (), env=env)
    return WorkerView(str(target), client.worker(worker), "created")


def _interrupt(request: Request, target: Target, worker: WorkerId) -> WorkerView:
    client = request.session.client()
    client.interrupt_worker(worker)
    found = client.worker(worker)
    is_interrupted = found.status is WorkerStatus.INTERRUPTED
    return WorkerView(str(target), found, "interrupted; `resume` goes on" if is_interrupted else "nothing ran")


def _resume(request: Request, target: Target, worker: WorkerId) -> WorkerView:
    client = request.session.client()
    client.resume_worker(worker)
    return WorkerView(str(target), client.worker(worker), "resumed")


def _delete(request: Request, target: Target, worker: WorkerId) -> None:
    if not request.option("yes"):
        raise UsageError(f"this deletes {target} and its oplog; add --yes")
    request.session.client().delete_worker(worker)
    request.session.say(f"deleted worker {target}")


_ACTIONS = {"show": _show, "new": _new, "interrupt": _interrupt, "resume": _resume, "delete": _delete}

VERB = Verb(
    name="golem_worker",
    summary="Show one worker, make one, interrupt, resume or delete it.",
    forms=(
        USAGE,
        f"{USAGE} new [--arg A]... [-e NAME=VALUE]...",
        f"{USAGE} interrupt | resume | delete --yes",
    ),
    options=(
        Option("arg", "an argument of the new worker; may be repeated", "A", many=True),
        Option("env", "an environment variable of the new worker; may be repeated", "NAME=VALUE", short="e", many=True),
        Option("yes", "yes, delete"),
    ),
    examples=("%golem_worker counter/c1", "%golem_worker counter/c1 new -e LANG=en"),
    run=run,
)
