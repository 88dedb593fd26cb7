"""What magics return and `golem_nb.connect` gives: a server, its components, their workers. Source: UX 4, "returns".

    golem = golem_nb.connect("memory:")
    cart = golem.deploy("cart", "cart.wasm")
    alice = cart.worker("alice")            # or golem.worker("cart/alice")
    alice.add(5)                            # the functions of the component are methods
    await alice.aio.add(5)                  # all of it can be awaited

None of them holds anything open: each use asks the client. Importing this needs neither IPython nor pandas.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from uuid import UUID

from golem_nb.client.client import Client
from golem_nb.errors import FunctionNotFound, NotFound, UsageError, WorkerExists, WorkerNotFound
from golem_nb.model import (
    Component,
    ComponentOptions,
    CrashPoint,
    FileContent,
    IdempotencyKey,
    OplogIndex,
    UpdateMode,
    WorkerId,
    WorkerMetadata,
    WorkerStatus,
)
from golem_nb.notebook.finding import find_component
from golem_nb.notebook.functions import Callee, Function, function_names
from golem_nb.notebook.later import Aio, events_of
from golem_nb.notebook.magics.grammar import read_target
from golem_nb.notebook.views import ComponentView, ServerCard, View, WorkerView

if TYPE_CHECKING:
    import pandas as pd

    from golem_nb.notebook.panes.stream import EventStream


P = ParamSpec("P")
T = TypeVar("T")


class Shown(View):
    """Something that can be used, and looks like the view of it that was made last."""

    shown: View | None = None

    def text(self) -> str:
        return self.shown.text() if self.shown is not None else self._title()

    def html(self) -> str:
        return self.shown.html() if self.shown is not None else super().html()

    def _title(self) -> str:
        return type(self).__name__

    @property
    def aio(self) -> Aio:
        """The same, each to be awaited: `await worker.aio.add(5)`."""
        return Aio(self)


class Golem(Shown):
    """A Golem server. `client` has the operations of the API one by one."""

    def __init__(self, client: Callable[[], Client], shown: ServerCard | None = None) -> None:
        self._client, self.shown = client, shown

    @property
    def client(self) -> Client:
        return self._client()

    @property
    def url(self) -> str | None:
        """Where the server is; None of an engine in this process."""
        return getattr(self.client, "url", None)

    @property
    def components(self) -> pd.DataFrame:
        """The components, as `%golem_components` lists them."""
        from golem_nb.notebook.frames import components_frame

        return components_frame(self.client.components())

    def component(self, name: str | UUID) -> GolemComponent:
        """Return a component by its name or id.

        Raises:
            ComponentNotFound: There is none; the text names near ones.
        """
        return GolemComponent(self._client, find_component(self.client, str(name)))

    def worker(self, target: str) -> GolemWorker:
        """Return the worker `component/name`, which need not be there: what is called first makes it.

        Raises:
            UsageError: It names no worker.
        """
        read = read_target(target)
        if read.component is None or read.worker is None:
            raise UsageError(f"{target!r} names no worker: write component/worker")
        return self.component(read.component).worker(read.worker)

    def workers(self, component: str | None = None) -> pd.DataFrame:
        """Return the workers of a component, or of all."""
        import pandas as pd

        names = [c.name for c in self.client.components()] if component is None else [component]
        frames = [self.component(name).workers() for name in names]
        filled = [frame for frame in frames if len(frame)]
        if len(filled) > 1:
            return pd.concat(filled, ignore_index=True)
        return (filled or frames or [_workers_frame([], "")])[0]

    def deploy(
        self,
        name: str,
        what: bytes | str | Path,
        *,
        options: ComponentOptions | None = None,
        files: Mapping[str, FileContent] | None = None,
    ) -> GolemComponent:
        """Make a component of a `.wasm`, `.wat` or `.py` file, or of bytes; a new version where there is one.

        Nothing happens where its latest version has the same bytes, and neither options nor files are given.

        Raises:
            ComponentRejected: It cannot run.
        """
        from golem_nb.testing import component_bytes

        client, wasm = self.client, component_bytes(what)
        try:
            found = client.component_by_name(name)
        except NotFound:
            return GolemComponent(self._client, client.create_component(name, wasm, options, files))
        if found.sha256 == hashlib.sha256(wasm).hexdigest() and options is None and files is None:
            return GolemComponent(self._client, found)
        return GolemComponent(self._client, client.update_component(found.id, wasm, options, files))

    def close(self) -> None:
        """Close the client; an engine in this process ends with it."""
        self.client.close()

    def __enter__(self) -> Golem:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _title(self) -> str:
        return f"golem_nb over {self.client!r}"


class GolemComponent(Shown):
    """A component in the version that it was asked for in; `worker(name)` has its functions as methods."""

    def __init__(self, client: Callable[[], Client], metadata: Component, shown: ComponentView | None = None) -> None:
        self._client, self.metadata = client, metadata
        self.shown: ComponentView = shown or ComponentView(metadata)

    def worker(self, name: str) -> GolemWorker:
        """Return a worker, which need not be there: what is called first makes it."""
        return GolemWorker(self._client, self.metadata, name)

    def workers(self) -> pd.DataFrame:
        from golem_nb.notebook.magics.workers import all_workers

        return _workers_frame(list(all_workers(self._client(), self.metadata)), self.metadata.name)

    def wasm(self, version: int | None = None) -> bytes:
        """Return the bytes of a version; of this one where none is named."""
        return self._client().component_wasm(self.metadata.id, self.metadata.version if version is None else version)

    def delete(self) -> None:
        """Delete the component and all its workers with their oplogs."""
        self._client().delete_component(self.metadata.id)

    def __getattr__(self, name: str) -> Any:
        """`name`, `id`, `version`, `exports`, `sha256`, …: what the component, or the view of it, has."""
        if not name.startswith("_"):
            for holder in (self.metadata, self.shown):
                if hasattr(holder, name):
                    return getattr(holder, name)
        raise AttributeError(f"a component has no {name!r}; functions are called on its workers: .worker(name)")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.metadata.__dataclass_fields__]


def _naming(method: Callable[P, T]) -> Callable[P, T]:
    """Let a failure of a worker's method name the component as the user does, not by its id."""

    @wraps(method)
    def named(*positional: P.args, **given: P.kwargs) -> T:
        try:
            return method(*positional, **given)
        except (WorkerNotFound, WorkerExists) as error:
            component = positional[0]._component  # type: ignore[attr-defined]
            error.worker = str(error.worker).replace(str(component.id), component.name)
            raise

    return named


class GolemWorker(Shown):
    """One worker: `status`, `oplog()`, `events()`, and the functions of its component as methods.

    A function that is called as something here is (`status`) is called by its name: `worker.call("status")`.
    """

    def __init__(
        self, client: Callable[[], Client], component: Component, name: str, shown: WorkerView | None = None
    ) -> None:
        self._client, self._component, self.shown = client, component, shown
        self.id = WorkerId(component.id, name)

    @property
    def name(self) -> str:
        return self.id.name

    @property
    @_naming
    def metadata(self) -> WorkerMetadata:
        """What the server says of the worker now.

        Raises:
            WorkerNotFound: There is none yet, or no longer.
        """
        return self._client().worker(self.id)

    @property
    def status(self) -> WorkerStatus:
        return self.metadata.status

    # Calls.

    def call(self, function: str, *positional: Any, **named: Any) -> Any:
        """Call a function by its name in Python or in WIT."""
        return self.function(function)(*positional, **named)

    def function(self, name: str) -> Function:
        """Return a function: called, it invokes; `.trigger(…)` does not wait, `.options(key=…, timeout_s=…)` says how.

        Raises:
            FunctionNotFound: There is none; the text names near ones.
        """
        callee = Callee(self._client, self._component, self.id)
        try:
            return Function(callee, name)
        except FunctionNotFound:
            # The component may have got it meanwhile.
            self._component = self._client().component(self._component.id)
            return Function(Callee(self._client, self._component, self.id), name)

    @property
    def functions(self) -> dict[str, Function]:
        """The functions by their names in Python; none where the server does not tell what a component exports."""
        names = function_names(self._component.exports)
        return {name: self.function(full) for name, full in names.items()}

    def __getattr__(self, name: str) -> Any:
        # Called when nothing else has this name. Names with a line before them are what tools ask all objects for.
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            known = function_names(self._component.exports)
            return self.function(known.get(name, name))
        except FunctionNotFound as error:
            raise AttributeError(f"worker {self._component.name}/{self.name}: {error}") from None

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *function_names(self._component.exports)]

    # What it did and does.

    @_naming
    def oplog(self, *, first: OplogIndex = 1, count: int | None = None, query: str | None = None) -> pd.DataFrame:
        """Return the oplog, or the entries that a query finds, as `%golem_oplog` does."""
        from itertools import islice

        from golem_nb.notebook.accessor import register
        from golem_nb.notebook.frames import oplog_frame
        from golem_nb.notebook.magics.oplog import matching_entries

        if query is not None and first != 1:
            raise UsageError("a query searches from the beginning: leave `first` out")
        client = self._client()
        found = client.entries(self.id, from_index=first) if query is None else matching_entries(client, self.id, query)
        entries = list(islice(found, count))
        register()
        return oplog_frame(entries, component=self._component.name, worker=client.worker(self.id), server=repr(client))

    @_naming
    def events(self) -> EventStream:
        """Connect, and return the stream: `.df`, `.wait(pred)`, `.close()`. `async for` goes over `aio.events()`.

        Raises:
            WorkerNotFound, InvocationError: The server refuses.
        """
        import contextvars
        import threading

        from golem_nb.notebook.panes.stream import EventStream

        stream = EventStream(str(self), lambda: self._client().events(self.id))
        opened = self._client().events(self.id)
        work = contextvars.copy_context().run
        threading.Thread(target=work, args=(stream.run, opened), name=f"events of {self}", daemon=True).start()
        return stream

    @property
    def aio(self) -> Aio:
        return _WorkerAio(self)

    # What can be done to it.

    @_naming
    def launch(
        self,
        *,
        args: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        config: Mapping[str, str] | None = None,
    ) -> GolemWorker:
        """Create the worker.

        Raises:
            WorkerExists: There is one.
        """
        self._client().launch_worker(self.id.component_id, self.name, args=args, env=env, config=config)
        return self

    @_naming
    def interrupt(self) -> None:
        self._client().interrupt_worker(self.id)

    @_naming
    def resume(self) -> None:
        self._client().resume_worker(self.id)

    @_naming
    def crash(self, at: CrashPoint | OplogIndex | None = None, *, recover: bool = True) -> None:
        """Lose its instance, as a crash would, now or at a point to come, or an index.

        It recovers at once; without `recover` when it is next invoked or resumed, or the engine starts anew.
        """
        self._client().crash_worker(self.id, CrashPoint(at) if isinstance(at, int) else at, recover=recover)

    @_naming
    def update(self, version: int | None = None, mode: UpdateMode = UpdateMode.AUTOMATIC) -> None:
        """Ask for an update to a version, or the latest; `metadata.updates` tells what becomes of it."""
        client = self._client()
        latest = client.component(self._component.id).version if version is None else version
        client.update_worker(self.id, latest, mode)

    @_naming
    def revert(self, *, last_index: OplogIndex | None = None, invocations: int | None = None) -> None:
        """Take back what is behind an index, or the last invocations: exactly one of them is given."""
        if (last_index is None) == (invocations is None):
            raise UsageError("how far back? Give last_index, or invocations")
        self._client().revert_worker(self.id, last_index=last_index, invocations=invocations)

    @_naming
    def fork(self, name: str, at: OplogIndex | None = None) -> GolemWorker:
        """Make another worker of the entries up to an index, all of them where none is given."""
        client = self._client()
        index = client.oplog(self.id, count=1).last_index if at is None else at
        made = GolemWorker(self._client, self._component, name)
        client.fork_worker(self.id, made.id, index)
        return made

    @_naming
    def cancel(self, key: IdempotencyKey) -> bool:
        """Cancel an invocation that waits; False where it has run."""
        return self._client().cancel_invocation(self.id, key)

    @_naming
    def complete(self, oplog_index: OplogIndex, data: bytes | str) -> bool:
        """Complete the promise that it made at an index; False where it was complete already."""
        return self._client().complete_promise(
            self.id, oplog_index, data.encode() if isinstance(data, str) else bytes(data)
        )

    @_naming
    def files(self, path: str = "/") -> pd.DataFrame:
        """List a directory of it."""
        from golem_nb.notebook.frames import files_frame

        return files_frame(self._client().worker_files(self.id, path))

    @_naming
    def file(self, path: str) -> bytes:
        """Return what is in a file of it."""
        return self._client().worker_file(self.id, path)

    @_naming
    def delete(self) -> None:
        """Delete the worker and its oplog."""
        self._client().delete_worker(self.id)

    def _title(self) -> str:
        shown = [repr(function).rpartition(" of ")[0] for function in self.functions.values()]
        return "\n".join([f"worker {self}", *(f"  {line}" for line in shown)])

    def __str__(self) -> str:
        return f"{self._component.name}/{self.name}"


class _WorkerAio(Aio):
    def events(self) -> Any:
        """Connect, and return an async iterator over the events."""
        return events_of(self._of.events())


def _workers_frame(workers: Sequence[WorkerMetadata], component: str) -> pd.DataFrame:
    from golem_nb.notebook.frames import workers_frame

    return workers_frame(workers, component)


def usable(view: Any, client: Callable[[], Client], components: Mapping[str, Component]) -> Any:
    """Return what can be used and looks as the view does; what is no view of a server, component or worker as it is.

    `components` are those that the session has met, by name.
    """
    match view:
        case ServerCard():
            return Golem(client, view)
        case ComponentView(component):
            return GolemComponent(client, component, view)
        case WorkerView(_, metadata):
            met = {component.id: component for component in components.values()}.get(metadata.worker_id.component_id)
            return view if met is None else GolemWorker(client, met, metadata.worker_id.name, view)
    return view


def connect(
    target: str | Path | None = None,
    *,
    token: str | None = None,
    environment_id: UUID | None = None,
    dialect: str | None = None,
) -> Golem:
    """Connect to what `target` names: a URL; "memory:" or a path, which are an engine in this process; None for the
    local engine process, started if need be. Options are those of `golem_nb.client.connect.connect`.
    """
    from golem_nb.client.connect import connect as client_of

    client = client_of(target, token=token, environment_id=environment_id, dialect=dialect)
    return Golem(lambda: client)
