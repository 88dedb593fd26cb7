"""All magics, and the Magics object that IPython knows them by."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any

import traitlets
from IPython.core.magic import Magics, magics_class
from IPython.display import display

from golem_nb.errors import UsageError, WorkerNotFound
from golem_nb.notebook.magics import components, connect, crash, deploy, golem, invoke, oplog, replay, worker, workers
from golem_nb.notebook.magics.verb import Request, Verb
from golem_nb.notebook.session import Session
from golem_nb.notebook.surroundings import Surroundings
from golem_nb.notebook.views import Text

VERBS: tuple[Verb, ...] = (
    golem.VERB,
    deploy.VERB,
    components.VERB,
    invoke.VERB,
    workers.VERB,
    worker.VERB,
    oplog.VERB,
    connect.VERB,
    crash.VERB,
    replay.VERB,
)


@magics_class
class GolemMagics(Magics):  # type: ignore[misc]  # its package ships no types
    """The golem_nb magics. One session: the server in use and the default target."""

    widgets = traitlets.Enum(
        ["auto", "on", "off", "output"],
        "auto",
        help="Live panes: auto = where somebody looks on; output = of plain ipywidgets, where others are not loaded.",
    ).tag(config=True)

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self.surroundings = Surroundings(shell, lambda: str(self.widgets))
        self.session = Session(say=print, show=display)
        self.magics = {
            "line": {verb.name: self._function(verb) for verb in VERBS if verb.is_line},
            "cell": {verb.name: self._function(verb) for verb in VERBS if verb.is_cell},
        }

    def _function(self, verb: Verb) -> Callable[..., Any]:
        """Return a verb as the function that IPython calls: `f(line)`, or `f(line, cell)`."""

        def magic(line: str, cell: str | None = None, local_ns: MutableMapping[str, Any] | None = None) -> Any:
            return self.use(verb, line, cell, local_ns)

        magic.__doc__, magic.__name__ = verb.help(), verb.name
        # IPython's own expansion of the line would go over Python arguments; local names are for functions' cells.
        magic._ipython_magic_no_var_expand = True  # type: ignore[attr-defined]
        magic.needs_local_scope = True  # type: ignore[attr-defined]
        return magic

    def use(
        self, verb: Verb, line: str, cell: str | None = None, local_names: MutableMapping[str, Any] | None = None
    ) -> Any:
        """Run a magic: read its line, do it, bind and return the result (None where it is to be quiet)."""
        names = {**self.surroundings.names, **(local_names or {})}
        read = verb.read(line, names)
        if "help" in read.options:
            return Text(verb.help())
        variable = read.options.get("out")
        if variable is not None and not str(variable).isidentifier():
            raise UsageError(f"--out {variable} is no name of a variable")
        try:
            result = verb.run(Request(self.session, self.surroundings, read, names, cell))
        except WorkerNotFound as missing:
            raise WorkerNotFound(self.session.spelled(missing.worker), missing.near) from None
        if variable is not None:
            self.surroundings.names[variable] = result
        return None if read.is_quiet else result

    def close(self) -> None:
        """End all streams and close the client; the engine goes on."""
        self.session.close()
        self.surroundings.close()
