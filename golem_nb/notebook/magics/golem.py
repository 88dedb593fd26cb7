"""`%golem`: which server, which default target; the status card."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from golem_nb import __version__
from golem_nb.client.connect import DIALECT_NAMES, running_engine
from golem_nb.client.profiles import profiles_file, profiles_folder, read_profile
from golem_nb.errors import GolemError, Unauthorized, UsageError
from golem_nb.model import MEMORY_LIMIT_MIB, TIME_LIMIT_S, parse_uuid
from golem_nb.notebook.magics.grammar import Option, Target, near_or_all, read_target
from golem_nb.notebook.magics.verb import COMMON, Request, Verb
from golem_nb.notebook.session import MEMORY, TOKEN_VARIABLE, URL_VARIABLE, InProcess, Local, Remote, Session
from golem_nb.notebook.views import Listing, ServerCard, Text


@dataclass(frozen=True, slots=True)
class Action:
    """What a word does, and the options that it has."""

    run: Callable[[Request, list[str]], Any]
    options: tuple[str, ...] = ()


def run(request: Request) -> Any:
    word, *rest = request.words or ("status",)
    action = ACTIONS.get(word)
    if action is None:
        raise UsageError(f"%golem does not know {word!r}; {near_or_all(word, tuple(ACTIONS))}")
    others = set(request.line.options) - {option.name for option in COMMON} - set(action.options)
    if others:
        raise UsageError(f"--{min(others)} is not for `%golem {word}`; `%golem --help` shows the forms")
    return action.run(request, rest)


def _status(request: Request, rest: list[str]) -> ServerCard:
    _none(rest)
    return card(request.session)


def _local(request: Request, rest: list[str]) -> ServerCard:
    _none(rest)
    folder, port = request.option("dir"), request.whole_number("port") or 0
    if port > 65_535:
        raise UsageError(f"--port must be a number up to 65535, found {port}")
    if folder == MEMORY:
        if others := [name for name in ACTIONS["local"].options if name != "dir" and request.option(name)]:
            raise UsageError(f"--{others[0]} is for an engine with a process of its own, not for --dir {MEMORY}")
        request.session.turn_to(InProcess())
        request.session.client()
        return card(request.session)
    request.session.use_local(Path(folder) if folder else None, _options(request), port)
    request.session.client()
    return card(request.session)


def _options(request: Request) -> tuple[str, ...] | None:
    """Return the options for the engine's start, in the order that it has them in; None where none is given."""
    words = ["--no-network"] if request.option("no-network") else []
    for host in request.option("allow-host") or ():
        words += ["--allow-host", host]
    words += [f"--{name}" for name in ("deny-private", "allow-listen") if request.option(name)]
    for name, default in _LIMITS.items():
        if request.number(name, default) != default:
            words += [f"--{name}", f"{request.number(name, default):g}"]
    is_given = words or any(request.option(name) is not None for name in _LIMITS)
    return tuple(words) if is_given else None


_LIMITS = {"memory-limit": MEMORY_LIMIT_MIB, "time-limit": TIME_LIMIT_S}


def _remote(request: Request, rest: list[str]) -> ServerCard:
    if len(rest) > 1:
        raise UsageError("which server? Write: %golem remote URL, or %golem remote --profile NAME")
    environment = request.option("env")
    given = {
        "environment_id": None if environment is None else parse_uuid(environment, "--env"),
        "dialect": request.option("dialect"),
    }
    url, name, variable = next(iter(rest), None), request.option("profile"), request.option("token-env")
    if name is not None and (url or variable):
        raise UsageError("a profile has its URL and token; --profile goes without URL and --token-env")
    if url is None and name is None:
        url = os.environ.get(URL_VARIABLE)
    if url is not None:
        request.session.use_remote(Remote(url, variable or TOKEN_VARIABLE, **given))
    else:
        request.session.use_remote(_of_profile(name, given))
    return card(request.session)


def _of_profile(name: str | None, given: dict[str, Any]) -> Remote:
    """Return the server of a profile of Golem's command line; of its default one where None is given.

    Raises:
        UsageError: There is none.
    """
    if name is None and profiles_file(profiles_folder()) is None:
        raise UsageError(
            f"which server? Write: %golem remote URL ({URL_VARIABLE} is not set, and Golem's command line has no "
            f"profiles in {profiles_folder()})"
        )
    profile = read_profile(name)
    return Remote(profile.url, None, profile=profile.name, **given)


def _use(request: Request, rest: list[str]) -> None:
    if len(rest) > 1:
        raise UsageError("write: %golem use component, or %golem use component/worker")
    if not rest:
        request.session.default = Target()
        request.session.say("no default target any more")
        return
    target = read_target(rest[0])
    request.session.component(target.component)  # says at once when there is none
    request.session.default = target
    request.session.say(f"default target: {target}")


def _stop(request: Request, rest: list[str]) -> None:
    _none(rest)
    place, stopped = request.session.place, request.session.stop()
    if isinstance(place, InProcess) and stopped:
        request.session.say("the engine in this process is closed, and its workers are gone")
        return
    text = "stopped the local engine; what it has accepted goes on at its next start" if stopped else "no engine ran"
    request.session.say(text)


def _help(request: Request, rest: list[str]) -> Listing | Text:
    from golem_nb.notebook.magics.registry import VERBS  # the registry imports this module

    by_name = {verb.name: verb for verb in VERBS}
    if not rest:
        rows = tuple((f"%{name}", verb.summary) for name, verb in by_name.items())
        return Listing(rows, "%golem help NAME, or %NAME?, shows the options of one.")
    name = rest[0].lstrip("%")
    found = by_name.get(name) or by_name.get(f"golem_{name}")
    if found is None:
        # Without what they have in common, by which anything is near to all.
        short = tuple(known.removeprefix("golem_") for known in by_name)
        raise UsageError(f"there is no magic {rest[0]}; {near_or_all(name.removeprefix('golem_'), short)}")
    return Text(found.help())


def _none(rest: list[str]) -> None:
    if rest:
        raise UsageError(f"what is {rest[0]!r}? `%golem help` shows the forms")


def card(session: Session) -> ServerCard:
    """Return the card of the server in use; it is asked, but nothing is started."""
    match session.place_in_use():
        case Remote(url) as remote:
            rows = [("server", url), ("token from", _token_source(remote)), *_about(session)]
            return ServerCard((*rows, *_default(session)))
        case InProcess():
            rows = [("engine", "in this process; its workers are gone with it"), *_content(session)]
            return ServerCard((*rows, *_default(session)))
        case Local(folder):
            lock = running_engine(folder)
    if lock is None:
        state = ("engine", "does not run; the next magic starts it")
        return ServerCard((("data", str(folder)), state, *_default(session)))
    where = ("engine", f"http://127.0.0.1:{lock.port} (process {lock.pid}, golem_nb {lock.version})")
    options = (("options", " ".join(lock.options)),) if lock.options else ()
    content = _content(session) if session.place is not None and lock.version == __version__ else ()
    return ServerCard((where, *options, ("data", str(folder)), *content, *_default(session)))


def _token_source(remote: Remote) -> str:
    if remote.profile is not None:
        return f"the profile {remote.profile}"
    return f"{remote.token_variable}{'' if remote.token() else ', which is not set'}"


def _about(session: Session) -> tuple[tuple[str, str], ...]:
    """Say what a server is and which environment is used; a card says what is wrong, it does not fail."""
    try:
        client = session.client()
        return (("speaks", client.speaks()), ("environment", str(client.environment_id)), *_content(session))
    except GolemError as error:
        return _problem(session, error)


def _content(session: Session) -> tuple[tuple[str, str], ...]:
    try:
        names = [component.name for component in session.client().components()]
    except GolemError as error:
        return _problem(session, error)
    return (("components", ", ".join(names) or "none yet; %golem_deploy makes one"),)


def _problem(session: Session, error: GolemError) -> tuple[tuple[str, str], ...]:
    match error, session.place:
        case Unauthorized(), Remote() as remote:
            return (("problem", remote.refusal()),)
    return (("problem", str(error)),)


def _default(session: Session) -> tuple[tuple[str, str], ...]:
    return (("default", str(session.default)),) if session.default.component else ()


ACTIONS = {
    "status": Action(_status),
    "local": Action(_local, ("dir", "port", "no-network", "allow-host", "deny-private", "allow-listen", *_LIMITS)),
    "remote": Action(_remote, ("env", "token-env", "dialect", "profile")),
    "use": Action(_use),
    "stop": Action(_stop),
    "help": Action(_help),
}

VERB = Verb(
    name="golem",
    summary="Show which Golem server the magics talk to, and choose it.",
    forms=(
        "%golem                                     the status card",
        "%golem local [--dir DIR] [--port PORT]     the engine of this machine; started if need be",
        "%golem local --dir memory:                 an engine in this process, without a file; for tests",
        "%golem local [--no-network] [--allow-host HOST ...] [--deny-private] [--allow-listen]",
        "%golem local [--memory-limit MIB] [--time-limit S]",
        "%golem remote URL [--env UUID] [--token-env VAR] [--dialect D]",
        "%golem remote [--profile NAME]             GOLEM_URL, else a profile of Golem's command line",
        "%golem use component[/worker]              the default target",
        "%golem stop                                end the local engine",
        "%golem help [magic]                        all magics, or one",
    ),
    options=(
        Option("dir", "data folder of the engine (else GOLEM_NB_DIR, else the user's)", "DIR"),
        Option("port", "where the engine listens when it is started (any that is free)", "PORT"),
        Option("no-network", "start the engine so that its components reach nothing outside"),
        Option("allow-host", "start it so that they reach only this (NAME, *.NAME, network; :PORT)", "HOST", many=True),
        Option("deny-private", "start it so that they reach no loopback, private or link-local address"),
        Option("allow-listen", "start it so that they may listen on addresses that other machines reach"),
        Option(
            "memory-limit",
            f"memory of one of its workers ({MEMORY_LIMIT_MIB}); 0 = no limit",
            "MIB",
        ),
        Option("time-limit", f"what one invocation runs, without waiting ({TIME_LIMIT_S}); 0 = no limit", "S"),
        Option("env", "environment to use on the server (else the only one there)", "UUID"),
        Option("token-env", f"environment variable that holds the token ({TOKEN_VARIABLE})", "VAR"),
        Option("dialect", "what the server speaks (else what its version says)", "D", choices=DIALECT_NAMES),
        Option("profile", "profile of Golem's command line, for its URL and token; nothing is written there", "NAME"),
    ),
    examples=(
        "%golem local --dir ./golem-data",
        "%golem remote https://golem.example.org",
        "%golem remote --profile cloud",
    ),
    run=run,
)
