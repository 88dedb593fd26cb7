"""`%golem_replay`: a worker's past met again beside it, at any index, on another version, with other answers."""

from __future__ import annotations

from typing import Any

from golem_nb.errors import UsageError
from golem_nb.model import OplogIndex, Shadow
from golem_nb.notebook.magics.arguments import evaluate, plain_json
from golem_nb.notebook.magics.grammar import Option
from golem_nb.notebook.magics.verb import Request, Verb, one_target, whole_number
from golem_nb.notebook.replay import Replay

USAGE = "%golem_replay component/worker"


def run(request: Request) -> Replay:
    target = request.session.target(one_target(request, USAGE))
    worker = request.session.worker_id(target)
    asked = Shadow(request.whole_number("to"), request.whole_number("version"), _answers(request))
    replay = Replay.of(request.session.client(), worker, str(target), asked)
    if request.option("check") and not replay.is_same:
        request.session.show(replay)
        raise UsageError(f"{target} {replay.text().partition(': ')[2].splitlines()[0]}")
    return replay


def _answers(request: Request) -> dict[OplogIndex, Any]:
    answers = {}
    for pair in request.option("override") or ():
        index, equals, text = pair.partition("=")
        if not equals or not text:
            raise UsageError(f"--override {pair}: write INDEX=VALUE, VALUE in Python")
        positional, named = evaluate(text, request.names)
        if len(positional) != 1 or named:
            raise UsageError(f"--override {pair}: VALUE must be one value in Python")
        answers[whole_number(index, "--override INDEX")] = plain_json(positional[0])
    return answers


VERB = Verb(
    name="golem_replay",
    summary="Meet a worker's history again beside it: as it was at an index, and whether it would do the same.",
    forms=(
        f"{USAGE} [--to N]",
        f"{USAGE} [--version V] [--override INDEX=VALUE]... [--check]",
    ),
    options=(
        Option("to", "the last oplog index that is met (the last there is)", "N"),
        Option("version", "meet it on this version of the component", "V"),
        Option("override", "answer the call at INDEX with VALUE, in Python; repeatable", "INDEX=VALUE", many=True),
        Option("check", "fail where it would go another way: for scripts and CI"),
    ),
    rules=(
        "The worker is not touched, and nothing outside is reached. The result has `.is_same`, `.difference` (index,\n"
        "recorded, now), `.output`, `.at(index)`, and `.call(function, *params)`, which asks the worker as it was then."
    ),
    examples=(
        "%golem_replay cart/alice --to 17",
        "%golem_replay cart/alice --version 3",
        "%golem_replay dice/d --override 12=6",
    ),
    run=run,
)
