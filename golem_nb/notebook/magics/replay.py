"""`%golem_replay`: a worker's past met again beside it, at any index, on another version, with other answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from golem_nb.errors import UsageError
from golem_nb.model import OplogIndex, Shadow, WorkerId
from golem_nb.notebook.magics.arguments import evaluate, plain_json
from golem_nb.notebook.magics.grammar import Option, Target, read_target
from golem_nb.notebook.magics.verb import Request, Verb, one_target, whole_number
from golem_nb.notebook.progress import Progress
from golem_nb.notebook.replay import Replay, SavedReplay
from golem_nb.notebook.surroundings import Place

USAGE = "%golem_replay component/worker"


def run(request: Request) -> Any:
    word = one_target(request, USAGE)
    for option in ("fork", "slider"):
        request.exclude("component", option)
    if request.option("component"):
        return _checked(request, _saved(request, word), str(word))
    target = request.session.target(word)
    worker = request.session.worker_id(target)
    asked = Shadow(request.whole_number("to"), request.whole_number("version"), _answers(request))
    with Progress(request.surroundings, f"replay of {target}", 1) as progress:
        progress.step("meeting its history")
        replay = Replay.of(request.session.client, worker, str(target), asked)
    checked = _checked(request, replay, str(target))
    if request.option("fork") is not None:
        _fork(request, checked, target)
    return _travel(request, checked, target) if request.option("slider") else checked


def _fork(request: Request, replay: Replay, target: Target) -> None:
    """Make a real worker of the history up to where the replay is."""
    if replay.asked.answers or replay.asked.version is not None:
        raise UsageError("--fork makes a worker of what is recorded: leave --override and --version out")
    asked = read_target(str(request.option("fork")))
    fork = asked if asked.worker is not None else Target(target.component, asked.component)
    replay.client().fork_worker(replay.worker, request.session.worker_id(fork), replay.index)
    request.session.say(f"{fork} goes on from index {replay.index} of {target}")


def _travel(request: Request, replay: Replay, target: Target) -> Any:
    """Show a panel with a slider; where nobody looks on, the replay itself."""
    if request.surroundings.place is not Place.LIVE:
        return replay
    from golem_nb.notebook.travel import Travel

    component = request.session.component(target.component)

    def made(fork: WorkerId, index: OplogIndex) -> None:
        request.session.note(component, [fork.name])

    return Travel(replay, component.exports or (), made)


V = TypeVar("V", Replay, SavedReplay)


def _checked(request: Request, replay: V, what: str) -> V:
    if request.option("check") and not replay.is_same:
        request.session.show(replay)
        raise UsageError(f"{what} {replay.text().partition(': ')[2].splitlines()[0]}")
    return replay


def _saved(request: Request, word: str | None) -> SavedReplay:
    """Meet a history that was saved, in this process."""
    from golem_nb.testing import component_bytes, replay  # it needs wasm, which servers have for all else

    if word is None:
        raise UsageError("which file? Write: %golem_replay FILE --component NAME")
    name = str(request.option("component"))
    if Path(name).suffix in (".wasm", ".wat", ".py"):
        if request.option("version") is not None:
            raise UsageError(f"--version is of a component of the server; {name} is a file, and has none")
        wasm = component_bytes(name)
    else:
        component, version = request.session.component(name), request.whole_number("version")
        version = component.version if version is None else version
        wasm = request.session.client().component_wasm(component.id, version)
        name = f"{name}, version {version}"
    to_index, answers = request.whole_number("to"), _answers(request)
    with Progress(request.surroundings, f"replay of {word}", 1) as progress:
        progress.step("meeting its history")
        return SavedReplay(word, name, replay(word, wasm, to_index=to_index, answers=answers))


def _answers(request: Request) -> dict[OplogIndex, Any]:
    answers: dict[OplogIndex, Any] = {}
    for pair in request.option("override") or ():
        index, equals, text = pair.partition("=")
        if not equals or not text:
            raise UsageError(f"--override {pair}: write INDEX=VALUE, VALUE in Python")
        positional, named = evaluate(text, request.names)
        if len(positional) != 1 or named:
            raise UsageError(f"--override {pair}: VALUE must be one value in Python")
        at = whole_number(index, "--override INDEX")
        if at in answers:
            raise UsageError(f"--override {at} is given twice")
        answers[at] = plain_json(positional[0])
    return answers


VERB = Verb(
    name="golem_replay",
    summary="Meet a worker's history again beside it: as it was at an index, and whether it would do the same.",
    forms=(
        f"{USAGE} [--to N] [--slider] [--fork NAME]",
        f"{USAGE} [--version V] [--override INDEX=VALUE]... [--check]",
        "%golem_replay FILE --component NAME            of a worker that was exported",
    ),
    options=(
        Option("to", "the last oplog index that is met (the last there is)", "N"),
        Option("version", "meet it on this version of the component", "V"),
        Option("override", "answer the call at INDEX with VALUE, in Python; repeatable", "INDEX=VALUE", many=True),
        Option("fork", "make a worker of the history up to there", "NAME"),
        Option("slider", "show a slider over the history: go anywhere, call functions there, fork there"),
        Option("component", "meet a saved history with this component, or with this file", "NAME"),
        Option("check", "fail where it would go another way: for scripts and CI"),
    ),
    rules=(
        "The worker is not touched, and nothing outside is reached. The result has `.is_same`, `.difference` (index,\n"
        "recorded, now), `.output`, `.at(index)`, and `.call(function, *params)`: what the worker answers as it was\n"
        "then. What such a call reads in key-value and blob stores is what they hold today."
    ),
    examples=(
        "%golem_replay cart/alice --to 17",
        "%golem_replay cart/alice --version 3",
        "%golem_replay dice/d --override 12=6",
    ),
    run=run,
)
