"""What the magics of one notebook share: the server in use, and the defaults. Lives on the Magics object."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID
from weakref import WeakSet

from golem_nb.client.client import Client
from golem_nb.client.connect import (
    LocalEngine,
    default_folder,
    engine_process,
    kill_local,
    running_engine,
    still_runs,
    stop_local,
)
from golem_nb.client.connect import connect as connect_to
from golem_nb.client.profiles import read_profile
from golem_nb.client.remote import RemoteClient
from golem_nb.errors import ClientError, GolemError, ServerUnreachable, UsageError
from golem_nb.model import Component, WorkerId
from golem_nb.notebook.finding import find_component
from golem_nb.notebook.magics.grammar import Target, read_target
from golem_nb.notebook.panes.stream import EventStream

# Of output that a cell shows: each is drawn by the browser. Source: UX, F1
MOST_LINES = 500
MEMORY = "memory:"
URL_VARIABLE, TOKEN_VARIABLE = "GOLEM_URL", "GOLEM_TOKEN"


@dataclass(frozen=True, slots=True)
class Local:
    """The engine process of a data folder. It is started with `options`; None = any that runs will do, as is port 0."""

    folder: Path
    options: tuple[str, ...] | None = None
    port: int = 0


@dataclass(frozen=True, slots=True)
class InProcess:
    """An engine in this process and in memory: its workers are gone when another server is chosen."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A server. The token stays in its environment variable, or in the profile, and is read when a client is made.

    `environment_id` None = the only one that the token may see; `dialect` None = what the server's version says.
    """

    url: str
    token_variable: str | None = TOKEN_VARIABLE
    environment_id: UUID | None = None
    dialect: str | None = None
    profile: str | None = None

    def token(self) -> str | None:
        if self.profile is not None:
            return read_profile(self.profile).token
        return os.environ.get(self.token_variable or TOKEN_VARIABLE)

    def refusal(self) -> str:
        """Return what it says, and what to do, where the server does not take the token, or wants one."""
        if self.profile is not None:
            return f"{self.url} does not take the token of the profile {self.profile}"
        variable = self.token_variable or TOKEN_VARIABLE
        wish = f"does not take the token in {variable}" if self.token() else f"wants a token, and {variable} is not set"
        # It is read when a client is made.
        return f"{self.url} {wish}; set it with %env {variable}=…, and choose the server again"


Place = Local | InProcess | Remote


class Session:
    """The server in use and the default target. `say` shows one line to the user, `show` an object.

    Nothing is started or asked before the first magic needs it.
    """

    def __init__(self, say: Callable[[str], None], show: Callable[[Any], None]) -> None:
        self.say, self.show = say, show
        self.place: Place | None = None
        self.default = Target()
        self.streams: WeakSet[EventStream] = WeakSet()
        # What magics have met; completion answers from it, and asks nobody.
        self.seen_components: dict[str, Component] = {}
        self.seen_workers: dict[str, set[str]] = {}
        self._meant: list[tuple[str, str]] = []
        # What is set once for all lines.
        self.timeout_s: float | None = None
        self.max_lines = MOST_LINES
        self.last_error: GolemError | None = None
        self._engine: LocalEngine | None = None
        self._client: Client | None = None

    # Which server.

    def use_local(self, folder: Path | None, options: tuple[str, ...] | None = None, port: int = 0) -> None:
        self.turn_to(Local((folder or default_folder()).expanduser().absolute(), options, port))

    def use_remote(self, place: Remote) -> None:
        """Raises:
        UsageError: The URL is none. (A path would be an engine in this process, which is for Python.)
        """
        check_url(place.url)
        self.turn_to(place)

    def turn_to(self, place: Place | None) -> None:
        """Use a server from now on. What was met on another one is not there."""
        if isinstance(place, InProcess) and place == self.place:
            return  # it would be another one, without the workers of this
        self.forget()
        if _whose(place) != _whose(self.place):
            self._unlearn_all()
        self.place = place

    def _unlearn_all(self) -> None:
        self._meant.clear()
        self.seen_components.clear()
        self.seen_workers.clear()

    def place_in_use(self) -> Place:
        """Return the server that was chosen; where none was, that of GOLEM_URL, else the local engine.

        Raises:
            UsageError: GOLEM_URL is none.
        """
        if self.place is not None:
            return self.place
        url = os.environ.get(URL_VARIABLE)
        return Remote(check_url(url, f"{URL_VARIABLE}: ")) if url else Local(default_folder())

    def client(self) -> Client:
        """Return the client of the server in use; start the local engine if it is not there, or no longer.

        Raises:
            EngineFailedToStart, ServerUnreachable
        """
        self.place = self.place_in_use()
        if not isinstance(self.place, Local):
            if self._client is None:
                self._client = _connected(self.place)
            return self._client
        if self._client is None or self._engine is None or not still_runs(self.place.folder, self._engine.lock):
            self._attach(engine_process(self.place.folder, self.place.options, self.place.port))
        assert self._client is not None
        return self._client

    def client_if_running(self) -> Client:
        """Return a client of the server in use without starting anything: for what goes on in the background.

        Raises:
            ServerUnreachable: The local engine does not run.
        """
        if not isinstance(self.place, Local):
            return self.client()
        lock = running_engine(self.place.folder)
        if lock is None:
            raise ServerUnreachable(f"no engine runs on {self.place.folder}")
        if self._client is not None and self._engine is not None and self._engine.lock == lock:
            return self._client
        return LocalEngine(self.place.folder, lock).client()

    def owns(self, client: Client) -> bool:
        """Is this the session's client? Another one is to be closed by who was given it."""
        return client is self._client

    @contextmanager
    def in_environment(self, environment_id: UUID) -> Iterator[None]:
        """Use another environment of the same server meanwhile."""
        self.client()
        kept, place = self._client, self.place
        if isinstance(place, Remote):
            self._client = _connected(replace(place, environment_id=environment_id))
        elif self._engine is not None:
            self._client = self._engine.client(environment_id)
        elif isinstance(place, InProcess):
            from golem_nb.client.local import LocalClient  # here, as it needs wasm, which a client of a server does not

            assert isinstance(kept, LocalClient)
            self._client = kept.in_environment(environment_id)
        other = self._client
        try:
            yield
        finally:
            if other is not None:
                other.close()
            if self._client is other:  # else the magic has chosen another server
                self._client = kept

    @contextmanager
    def waiting_at_most(self, timeout_s: float) -> Iterator[None]:
        """Wait for each answer of the server so long at most, meanwhile."""
        client = self.client()
        if not isinstance(client, RemoteClient):
            yield
            return
        with client.waiting_at_most(timeout_s):
            yield

    def stop(self) -> bool:
        """End the local engine process, or the engine in this one; False where none ran."""
        if isinstance(self.place, InProcess):
            is_there = self._client is not None
            self.forget()
            self._unlearn_all()  # the next one is another, and empty
            return is_there
        folder = self._local_folder("stop")
        self.forget()
        return stop_local(folder)

    def kill_engine(self) -> int:
        """Send signal 9 to the local engine process and return its number.

        Raises:
            ClientError: None runs.
        """
        folder = self._local_folder("kill")
        lock = running_engine(folder)
        if lock is None or not kill_local(folder):
            raise ClientError(f"no engine runs on {folder}; the next magic starts one")
        return lock.pid

    def restart_engine(self) -> LocalEngine:
        """Start the local engine again after it was killed on purpose; nothing is said of its end."""
        engine = engine_process(self._local_folder("start"), self._options, self._port)
        self._attach(engine, is_expected=True)
        return engine

    def forget(self) -> None:
        """Close the client; what runs goes on."""
        if self._client is not None:
            atexit.unregister(self._client.close)
            self._client.close()
        self._client = self._engine = None

    def close(self) -> None:
        """End the streams that were opened, and close the client."""
        for stream in list(self.streams):
            stream.close()
        self.forget()

    @property
    def engine(self) -> LocalEngine | None:
        """The local engine that this session talks to, if it does."""
        return self._engine

    def _local_folder(self, verb: str) -> Path:
        place = self.place_in_use()
        if isinstance(place, Remote):
            raise UsageError(f"{place.url} is not ours to {verb}; `%golem local` goes back to the local engine")
        if isinstance(place, InProcess):
            raise UsageError(f"the engine is in this process; to {verb} one, `%golem local` has it in its own")
        return place.folder

    @property
    def _options(self) -> tuple[str, ...] | None:
        return self.place.options if isinstance(self.place, Local) else None

    @property
    def _port(self) -> int:
        return self.place.port if isinstance(self.place, Local) else 0

    def _attach(self, engine: LocalEngine, *, is_expected: bool = False) -> None:
        self.forget()
        place = Local(
            engine.folder, self._options, self._port
        )  # an engine that is started in its place has the same rules
        self.place, self._engine, self._client = place, engine, engine.client()
        if engine.note and not is_expected:
            self.say(engine.note)
        if engine.is_new and not is_expected:
            self.say(f"started the local engine; its data: {engine.folder}")

    # What is meant.

    def component(self, name: str | None) -> Component:
        """Return the component of that name or id; of the default's where None is given.

        Raises:
            UsageError: None is given and there is no default.
            ComponentNotFound: There is none; the text names near ones.
        """
        name = name or self.default.component
        if name is None:
            raise UsageError("which component? name one, or choose a default with `%golem use COMPONENT`")
        found = find_component(self.client(), name)
        self.note(found)
        return found

    def note(self, component: Component, workers: Iterable[str] = ()) -> None:
        """Remember what there is, for completion."""
        self.seen_components[component.name] = component
        self.seen_workers.setdefault(component.name, set()).update(workers)

    def named(self, text: object) -> str:
        """Return a text with the names of components instead of their ids, as the user writes them."""
        text = str(text)
        for component in self.seen_components.values():
            text = text.replace(str(component.id), component.name)
        return text

    def target(self, word: str | None) -> Target:
        """Return the component and worker that a word names; what it leaves out comes from the defaults.

        A bare word is a worker only after `%golem use COMPONENT`. Source: ARCHITECTURE, decision 17.

        Raises:
            UsageError: It names no worker.
        """
        if word is None:
            if self.default.component and self.default.worker:
                return self.default
            raise UsageError("which worker? name one as component/worker")
        target = read_target(word)
        if target.worker is not None:
            return target
        if self.default.component is None:
            raise UsageError(f"{word!r} names no worker: write component/worker, or `%golem use COMPONENT` before")
        return Target(self.default.component, target.component)

    def worker_id(self, target: Target) -> WorkerId:
        return self.worker_of(self.component(target.component), target)

    def worker_of(self, component: Component, target: Target) -> WorkerId:
        """Return the worker that a target names, where its component is known."""
        worker = WorkerId(component.id, target.worker or "")
        self._meant.append((component.name, worker.name))
        return worker

    def settle(self, *, are_there: bool) -> None:
        """A line is done: remember the workers that it was about, if they are there, for completion."""
        for component, worker in self._meant if are_there else ():
            self.seen_workers.setdefault(component, set()).add(worker)
        self._meant.clear()

    def unlearn(self, target: Target) -> None:
        """Forget a worker, or a component with its workers, that is deleted."""
        self._meant.clear()
        component = target.component or ""
        if target.worker is not None:
            self.seen_workers.get(component, set()).discard(target.worker)
            return
        self.seen_components.pop(component, None)
        self.seen_workers.pop(component, None)


def _connected(place: Remote | InProcess) -> Client:
    if isinstance(place, InProcess):
        client = connect_to(MEMORY)
        atexit.register(client.close)  # it has a folder for what it compiles, and a kernel may just end
        return client
    return connect_to(place.url, token=place.token(), environment_id=place.environment_id, dialect=place.dialect)


def _whose(place: Place | None) -> Path | str | tuple[str, UUID | None]:
    """Return what tells the components of one place from those of another."""
    match place:
        case InProcess():
            return MEMORY
        case Remote(url):
            return url, place.environment_id
        case Local(folder):
            return folder
    return default_folder()


def check_url(url: str, where: str = "") -> str:
    """Return the URL; `where` says in its error whose it is.

    Raises:
        UsageError: It is none.
    """
    if "://" not in url:
        raise UsageError(f"{where}{url!r} is no URL; it looks like https://golem.example.org or http://127.0.0.1:9881")
    return url
