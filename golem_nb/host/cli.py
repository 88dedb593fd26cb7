"""wasi:cli 0.2: environment, exit, standard streams; a worker has no input and no terminal. Source: SEMANTICS 1.4."""

from __future__ import annotations

from golem_nb.host.declare import Exit, Interface, Resource, Trap, deterministic, read_local
from golem_nb.host.io import InputStream, LogStream, OutputStream
from golem_nb.model import LogLevel
from golem_nb.values.types import STRING, ListType, OptionType, TupleType


class Environment(Interface, wit="wasi:cli/environment"):
    @read_local(label="golem_environment::get_environment", response=ListType(TupleType((STRING, STRING))))
    def get_environment(self) -> list[tuple[str, str]]:
        return list(self.worker.env)

    @read_local(label="golem_environment::get_arguments", response=ListType(STRING))
    def get_arguments(self) -> list[str]:
        return list(self.worker.args)

    @read_local(label="golem_environment::initial_cwd", response=OptionType(STRING))
    def initial_cwd(self) -> str | None:
        return None  # the root: what wasi-libc and others take it for


class ExitInterface(Interface, wit="wasi:cli/exit"):
    @deterministic
    def exit(self, status: tuple[str, None]) -> None:
        raise Exit(0 if status[0] == "ok" else 1)

    @deterministic
    def exit_with_code(self, status_code: int) -> None:
        raise Exit(status_code)


class NoInput(InputStream):
    def take(self, most: int) -> bytes:
        raise Trap("standard input is disabled")


class Stdin(Interface, wit="wasi:cli/stdin"):
    @deterministic
    def get_stdin(self) -> InputStream:
        return NoInput(self.worker)


class Stdout(Interface, wit="wasi:cli/stdout"):
    @deterministic
    def get_stdout(self) -> OutputStream:
        return LogStream(self.worker, LogLevel.STDOUT)


class Stderr(Interface, wit="wasi:cli/stderr"):
    @deterministic
    def get_stderr(self) -> OutputStream:
        return LogStream(self.worker, LogLevel.STDERR)


class TerminalInput(Resource, wit="wasi:cli/terminal-input#terminal-input"):
    """Nobody has one: the getters below answer none."""


class TerminalOutput(Resource, wit="wasi:cli/terminal-output#terminal-output"):
    """Nobody has one."""


class TerminalStdin(Interface, wit="wasi:cli/terminal-stdin"):
    @deterministic
    def get_terminal_stdin(self) -> None:
        return None


class TerminalStdout(Interface, wit="wasi:cli/terminal-stdout"):
    @deterministic
    def get_terminal_stdout(self) -> None:
        return None


class TerminalStderr(Interface, wit="wasi:cli/terminal-stderr"):
    @deterministic
    def get_terminal_stderr(self) -> None:
        return None
