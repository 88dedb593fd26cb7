"""`%golem_worker`: show one worker, make one, and all that can be done to one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from golem_nb.errors import UsageError
from golem_nb.model import WorkerId, WorkerStatus
from golem_nb.notebook.magics.arguments import evaluate
from golem_nb.notebook.magics.files import files
from golem_nb.notebook.magics.grammar import Option, Target, near_or_all, read_target
from golem_nb.notebook.magics.transfer import export_worker, import_worker
from golem_nb.notebook.magics.update import WAIT_S, update
from golem_nb.notebook.magics.verb import COMMON, Request, Verb, whole_number
from golem_nb.notebook.views import WorkerView

USAGE = "%golem_worker component/worker"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that can be done. `words` stand behind it, those in brackets may be left out; `options` are its own."""

    run: Callable[[Request, Target, WorkerId, tuple[str, ...]], Any]
    words: str = ""
    options: tuple[str, ...] = ()


def run(request: Request) -> Any:
    word, name, rest = _parts(request)
    target = request.session.target(word)
    action = ACTIONS.get(name)
    if action is None:
        raise UsageError(f"%golem_worker does not know {name!r}; {near_or_all(name, tuple(ACTIONS))}")
    _check(request, name, action, len(rest))
    return action.run(request, target, request.session.worker_id(target), rest)


def _parts(request: Request) -> tuple[str | None, str, tuple[str, ...]]:
    """Return the word for the worker (None = the default one), what is to be done, and the words behind that."""
    has_default = request.session.default.worker is not None
    match request.words:
        case []:
            return None, "show", ()
        case [name, *rest] if has_default and name in ACTIONS and not (rest and rest[0] in ACTIONS):
            return None, name, tuple(rest)
        case [word, name, *rest]:
            return word, name, tuple(rest)
    return request.words[0], "show", ()


def _check(request: Request, name: str, action: Action, count: int) -> None:
    words = action.words.split()
    least = sum(not word.startswith("[") for word in words)
    if not least <= count <= len(words):
        raise UsageError(f"write: {USAGE} {name} {action.words}".rstrip())
    others = set(request.line.options) - {option.name for option in COMMON} - set(action.options)
    if others:
        raise UsageError(f"--{min(others)} is not for `{name}`; `%golem_worker --help` shows the forms")


def _show(request: Request, target: Target, worker: WorkerId, rest: tuple[str, ...]) -> WorkerView:
    return WorkerView(str(target), request.session.client().worker(worker))


def _new(request: Request, target: Target, worker: WorkerId, rest: tuple[str, ...]) -> WorkerView:
    client = request.session.client()
    client.launch_worker(
        worker.component_id,
        worker.name,
        args=request.option("arg") or (),
        env=request.pairs("env", "-e"),
        config=request.pairs("config", "--config"),
    )
    return WorkerView(str(target), client.worker(worker), "created")


def _interrupt(request: Request, target: Target, worker: WorkerId, rest: tuple[str, ...]) -> WorkerView:
    client = request.session.client()
    client.interrupt_worker(worker)
    found = client.worker(worker)
    is_interrupted = found.status is WorkerStatus.INTERRUPTED
    return WorkerView(str(target), found, "interrupted; `resume` goes on" if is_interrupted else "nothing ran")


def _resume(request: Request, target: Target, worker: WorkerId, rest: tuple[str, ...]) -> WorkerView:
    client = request.session.client()
    client.resume_worker(worker)
    return WorkerView(str(target), client.worker(worker), "resumed")


def _revert(request: Request, target: Target, worker: WorkerId, rest: tuple[str, ...]) -> WorkerView:
    last_index, invocations = request.whole_number("to"), request.whole_number("last")
    if (last_index is None) == (invocations is None):
        raise UsageError(f"how far back? Write: {USAGE} revert --to INDEX, or --last N for the last N invocations")
    client = request.session.client()
    client.revert_worker(worker, last_index=last_index, invocations=invocations)
    last = "the last invocation" if invocations == 1 else f"the last {invocations} invocations"
    news = f"to oplog index {last_index}" if invocations is None else last
    return WorkerView(str(target), client.worker(worker), f"reverted {news}")


def _fork(request: Request, target: Target, worker: WorkerId, rest: tuple[str, ...]) -> WorkerView:
    client, at_index = request.session.client(), request.whole_number("at")
    if at_index is None:
        at_index = client.oplog(worker, count=1).last_index
    asked = read_target(rest[0])
    fork = asked if asked.worker is not None else Target(target.component, asked.component)
    fork_id = request.session.worker_id(fork)
    client.fork_worker(worker, fork_id, at_index)
    return WorkerView(str(fork), client.worker(fork_id), f"forked from {target} at oplog index {at_index}")


def _cancel(request: Request, target: Target, worker: WorkerId, rest: tuple[str, ...]) -> WorkerView:
    client, key = request.session.client(), rest[0]
    is_cancelled = client.cancel_invocation(worker, key)
    news = f"invocation {key} cancelled" if is_cancelled else f"invocation {key} has run: nothing was cancelled"
    return WorkerView(str(target), client.worker(worker), news)


def _complete(request: Request, target: Target, worker: WorkerId, rest: tuple[str, ...]) -> WorkerView:
    client, index = request.session.client(), whole_number(rest[0], "INDEX")
    is_new = client.complete_promise(worker, index, data_of(request.line.written[-1], request.names))
    news = f"promise {index} completed" if is_new else f"promise {index} was complete already: nothing changed"
    return WorkerView(str(target), client.worker(worker), news)


def data_of(word: str, names: Mapping[str, Any]) -> bytes:
    """Return the bytes that a word stands for.

    It is Python where it has quotes or brackets, or begins with the name of a variable; else it is the text itself.
    `{name}` and `$name` are the variable, as everywhere on a line.

    Raises:
        UsageError: The Python gives neither text nor bytes.
    """
    variable = re.fullmatch(r"\{([A-Za-z_]\w*)\}|\$([A-Za-z_]\w*)", word)
    word = (variable[1] or variable[2]) if variable else word
    first = re.match(r"[^\W\d]\w*", word)
    is_python = any(character in word for character in "\"'([{") or (first is not None and first[0] in names)
    positional, named = evaluate(word, names) if is_python else ([word], {})
    match positional:
        case [str() as text] if not named:
            return text.encode()
        case [bytes() | bytearray() | memoryview() as data] if not named:
            return bytes(data)
    found = ", ".join(type(value).__name__ for value in positional) or "nothing"
    raise UsageError(f"DATA must be text or bytes, found {found}: {word}")


def _delete(request: Request, target: Target, worker: WorkerId, rest: tuple[str, ...]) -> None:
    if not request.option("yes"):
        raise UsageError(f"this deletes {target} and its oplog; add --yes")
    request.session.client().delete_worker(worker)
    request.session.unlearn(target)
    request.session.say(f"deleted worker {target}")


ACTIONS = {
    "show": Action(_show),
    "new": Action(_new, options=("arg", "env", "config")),
    "interrupt": Action(_interrupt),
    "resume": Action(_resume),
    "update": Action(update, "[VERSION]", ("mode", "wait", "timeout")),
    "revert": Action(_revert, options=("to", "last")),
    "fork": Action(_fork, "NAME", ("at",)),
    "cancel": Action(_cancel, "KEY"),
    "complete": Action(_complete, "INDEX DATA"),
    "files": Action(files, "[PATH]"),
    "export": Action(export_worker, "FILE"),
    "import": Action(import_worker, "FILE"),
    "delete": Action(_delete, options=("yes",)),
}

VERB = Verb(
    name="golem_worker",
    summary="Show one worker; make, steer, update, revert, fork, export, import or delete it.",
    forms=(
        USAGE,
        f"{USAGE} new [--arg A]... [-e NAME=VALUE]... [--config NAME=VALUE]...",
        f"{USAGE} interrupt | resume | delete --yes",
        f"{USAGE} update [VERSION] [--mode automatic|manual] [--wait [-t S]]",
        f"{USAGE} revert --to INDEX | --last N",
        f"{USAGE} fork NAME [--at INDEX]",
        f"{USAGE} cancel KEY",
        f"{USAGE} complete INDEX DATA",
        f"{USAGE} files [PATH]",
        f"{USAGE} export FILE | import FILE",
    ),
    options=(
        Option("arg", "an argument of the new worker; may be repeated", "A", many=True),
        Option("env", "an environment variable of the new worker; may be repeated", "NAME=VALUE", short="e", many=True),
        Option("config", "what wasi:config tells the new worker; may be repeated", "NAME=VALUE", many=True),
        Option(
            "mode",
            "automatic (replay on the new version) or manual (the component's own snapshot)",
            "MODE",
            choices=("automatic", "manual"),
        ),
        Option("wait", "wait until the update is over, and show how it ended"),
        Option("timeout", f"wait so many seconds at most ({WAIT_S:g}); the update goes on", "S", short="t"),
        Option("to", "the last oplog index that stays", "INDEX"),
        Option("last", "take back so many invocations", "N"),
        Option("at", "the last oplog index that the fork gets (the last there is)", "INDEX"),
        Option("yes", "yes, delete"),
    ),
    rules=(
        "VERSION is the component's latest where it is left out. KEY is the idempotency key of an invocation that\n"
        "waits. INDEX is where the worker made a promise. DATA is Python where it has quotes or brackets, or begins\n"
        "with the name of a variable, and must give text or bytes; else it is the text itself. PATH is a directory,\n"
        "which is listed (the root where it is left out), or a file: its text, or bytes where it is none.\n"
        "With a default worker (`%golem use`) only what is to be done need be named.\n"
        "FILE has all that is stored of a worker; `import` makes the worker of it, here or elsewhere, which goes on."
    ),
    examples=(
        "%golem_worker counter/c1",
        "%golem_worker counter/c1 new -e LANG=en",
        "%golem_worker counter/c1 update --wait",
        "%golem_worker counter/c1 revert --last 1",
    ),
    run=run,
)
