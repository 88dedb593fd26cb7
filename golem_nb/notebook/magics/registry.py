"""All magics, and the Magics object that IPython knows them by."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from typing import Any

from IPython.core.magic import magics_class
from IPython.display import display

from golem_nb.errors import (
    GolemError,
    InvocationError,
    Unauthorized,
    UsageError,
    WaitTimeout,
    WorkerExists,
    WorkerNotFound,
)
from golem_nb.model import parse_uuid
from golem_nb.notebook.configuration import Settings
from golem_nb.notebook.magics import (
    components,
    connect,
    crash,
    debug,
    deploy,
    golem,
    invoke,
    oplog,
    replay,
    worker,
    workers,
)
from golem_nb.notebook.magics.grammar import Line
from golem_nb.notebook.magics.verb import Request, Verb, seconds
from golem_nb.notebook.objects import usable
from golem_nb.notebook.session import Remote, Session
from golem_nb.notebook.surroundings import Place, Surroundings
from golem_nb.notebook.views import Text, harmless

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
    debug.VERB,
)

# What starts no engine and chooses the server itself.
ASKS_NOBODY = frozenset({golem.VERB.name, debug.VERB.name})


def _variable(line: Line) -> str | None:
    """Return the name that `--out` binds.

    Raises:
        UsageError: It is none.
    """
    variable: str | None = line.options.get("out")
    if variable is not None and (not variable.isidentifier() or keyword.iskeyword(variable)):
        raise UsageError(f"--out {variable} is no name of a variable")
    return variable


@magics_class
class GolemMagics(Settings):
    """The golem_nb magics. One session: the server in use and the default target."""

    def __init__(self, shell: Any) -> None:
        self.session = Session(say=print, show=display)
        super().__init__(shell)
        self.surroundings = Surroundings(shell, lambda: str(self.widgets))
        self.apply()
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
        try:
            read = verb.read(line, names)
            if "help" in read.options:
                return Text(verb.help())
            variable = _variable(read)
            # Nor do lines, panes and progress show: what is quiet shows nothing but its error.
            with self.surroundings.quiet() if read.is_quiet else nullcontext(), self._terms(verb, read):
                result = self._done(verb, Request(self.session, self.surroundings, read, names, cell))
        except GolemError as error:
            self._explain(error)
            raise
        except KeyboardInterrupt as interrupt:
            stopped = WaitTimeout("stopped waiting; what the server has begun goes on there")
            self._explain(stopped)
            raise stopped from interrupt
        except BaseException:  # of the user's code, or a bug: the next line must not answer for this one
            self.session.settle(are_there=False)
            raise
        self.session.settle(are_there=True)
        result = usable(result, self.session.client, self.session.seen_components)
        if variable is not None:
            self.surroundings.names[variable] = result
        return None if read.is_quiet else result

    def _explain(self, error: GolemError) -> None:
        """Have an error shown as the user wants it; `%golem_debug` has all of it."""
        # Where a call has failed, its worker is there all the same.
        self.session.settle(are_there=isinstance(error, InvocationError | WaitTimeout))
        self._name_in(error)
        self.session.last_error = error
        if not self.short_errors:
            # IPython asks the error itself for what it shows.
            error._render_traceback_ = partial(debug.full_lines, error)  # type: ignore[method-assign]

    def _name_in(self, error: GolemError) -> None:
        """Let an error name components as the user does, not by their ids."""
        error.text = self.session.named(error.text)
        if isinstance(error, WorkerNotFound | WorkerExists):
            error.worker = self.session.named(error.worker)
        if isinstance(error, InvocationError) and self.surroundings.place is Place.TERMINAL:
            error.cause, error.stderr = harmless(error.cause), harmless(error.stderr)
        if isinstance(error, Unauthorized) and isinstance(self.session.place, Remote):
            error.text = self.session.place.refusal()

    def _done(self, verb: Verb, request: Request) -> Any:
        if not request.option("json"):
            return verb.run(request)
        from golem_nb.notebook.raw import answer_of, check_answers

        check_answers(verb.name, request.words, request.option("component") is not None)
        return answer_of(verb.name, self.session.client(), lambda: verb.run(request))

    @contextmanager
    def _terms(self, verb: Verb, read: Line) -> Iterator[None]:
        """Hold to what the options that all magics have say of the server: which environment, and how long to wait.

        What a magic has as an option of its own means there what it says itself.
        """
        environment = read.options.get("env-id")
        timeout = None if verb.has_own("timeout") else read.options.get("timeout")
        asks = verb.name not in ASKS_NOBODY
        if not asks and (environment or timeout):
            raise UsageError("--env-id and --timeout are for magics that ask; `%golem remote URL --env UUID` chooses")
        with ExitStack() as stack:
            if environment is not None:
                stack.enter_context(self.session.in_environment(parse_uuid(environment, "--env-id")))
            if timeout is not None:
                stack.enter_context(self.session.waiting_at_most(seconds(timeout, "--timeout")))
            elif self.session.timeout_s is not None and asks:
                stack.enter_context(self.session.waiting_at_most(self.session.timeout_s))
            yield

    def close(self) -> None:
        """End all streams and close the client; the engine goes on."""
        self.session.close()
        self.surroundings.close()
