"""Every failure that golem_nb can name. Anything else that is raised is a bug and shows its traceback.

GolemError                       what all of them share: one line of text, an HTTP status
├── BadInput                400  the caller's input is wrong
│   ├── UsageError               … on the line of a magic
│   ├── ValueMismatch            … a value is not of its WIT type
│   ├── CallCycle                … a worker would wait for itself
│   ├── InvalidWorkerName
│   ├── FunctionNotFound
│   └── ComponentRejected        … the bytes are not a component that can run here
├── Unauthorized            401
├── Forbidden               403  foreign Origin or Host
├── NotFound                404
│   ├── ComponentNotFound
│   ├── WorkerNotFound
│   ├── PromiseNotFound
│   ├── FileNotFound             … the worker has none at this path
│   └── InvocationNotFound       … the worker has none with this idempotency key
├── Conflict                409
│   ├── ComponentExists
│   ├── WorkerExists
│   ├── NotResumable             … there is nothing to resume
│   ├── UpdateRefused            … the worker is there already, or on its way
│   └── WorkerReverted           … what was asked for may have been undone
├── SlowClient              408  the rest of a request did not come in time
├── TooLarge                413
├── UnsupportedBody         415  a body of a kind, or in an encoding, that the operation does not take
├── InvocationError         500  an invocation has no result (carries cause and stderr)
│   ├── InvocationFailed         … it trapped
│   ├── PreviousInvocationFailed … an earlier one did, so this one did not run
│   ├── WorkerExited             … the worker called exit
│   └── InvocationInterrupted
├── ReplayMismatch          500  the component took another path than its oplog
├── Overloaded              503  more at once than the server is set to take
├── EngineStopped           503  the engine is closing
├── StoreFailed             503  an oplog could not be stored: the disk is full, or worse
├── NotSupported            501  this server cannot do it
├── ToolMissing             501  … for want of a tool; the text says how to get it
├── BuildFailed             500  something could not be built or compiled
├── DataFolderError              the engine's folder cannot be used
│   ├── DataFolderInUse
│   ├── DataFolderTooNew
│   └── DataFolderUnsuitable
└── ClientError                  the way to the server
    ├── ServerError              … it answered something that we have no name for
    ├── ServerUnreachable
    ├── WaitTimeout
    └── EngineFailedToStart
"""

from __future__ import annotations

from collections.abc import Iterable


class GolemError(Exception):
    """The root of all named failures. Its text is one line: what, where, and what to do next."""

    http_status = 500

    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return self.text

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows instead of a traceback: this error's name and text."""
        return [f"{type(self).__name__}: {self}"]


class BadInput(GolemError):
    """The caller's input is wrong; the text says what and where."""

    http_status = 400


class UsageError(BadInput):
    """The line of a magic cannot be read, or asks for what does not exist."""


class ValueMismatch(BadInput):
    """A value is not of its WIT type."""

    def __init__(self, path: str, wanted: str, found: str) -> None:
        super().__init__()
        self.path, self.wanted, self.found = path, wanted, found

    def __str__(self) -> str:
        return f"{self.path or 'value'}: expected {self.wanted}, found {self.found}"


class CallCycle(BadInput):
    """A worker would wait for itself, by way of others that it calls."""


class InvalidWorkerName(BadInput):
    """A worker's name breaks a rule. Source: SEMANTICS 0.1."""

    def __str__(self) -> str:
        return f"Invalid worker name: {self.text}"


class FunctionNotFound(BadInput):
    """The component exports no such function."""

    def __init__(self, name: str, near: Iterable[str] = (), there: Iterable[str] = ()) -> None:
        super().__init__()
        self.name, self.near, self.there = name, tuple(near), tuple(there)

    def __str__(self) -> str:
        known = f"; there are {', '.join(self.there)}" if self.there else ""
        hint = f"; did you mean {' or '.join(self.near)}?" if self.near else known
        return f"Can't find exported function in component ({self.name}){hint}"


class ComponentRejected(BadInput):
    """The bytes are not a component, or one that cannot run here."""


class ToolMissing(GolemError):
    """Something that this machine lacks is needed; the text says how to get it."""

    http_status = 501


class BuildFailed(GolemError):
    """What has to be built or compiled on this machine could not be."""


class Unauthorized(GolemError):
    """The token is missing or wrong."""

    http_status = 401


class Forbidden(GolemError):
    """The request comes from, or asks for, a host that this server does not answer to."""

    http_status = 403


class NotFound(GolemError):
    """What was asked for does not exist."""

    http_status = 404


class ComponentNotFound(NotFound):
    """No such component, or no such version of it."""


class WorkerNotFound(NotFound):
    """No such worker."""

    def __init__(self, worker: object, near: Iterable[str] = ()) -> None:
        super().__init__()
        self.worker, self.near = worker, tuple(near)

    def __str__(self) -> str:
        hint = f"; did you mean {' or '.join(self.near)}?" if self.near else ""
        return f"Worker not found: {self.worker}{hint}"


class PromiseNotFound(NotFound):
    """The worker made no promise at this oplog index."""


class FileNotFound(NotFound):
    """A worker has no file at a path."""


class InvocationNotFound(NotFound):
    """The worker has no invocation with this idempotency key."""


class Conflict(GolemError):
    """It is there already, or its state does not allow this."""

    http_status = 409


class ComponentExists(Conflict):
    """The environment has a component of this name."""


class WorkerExists(Conflict):
    """The component has a worker of this name."""

    def __init__(self, worker: object) -> None:
        super().__init__()
        self.worker = worker

    def __str__(self) -> str:
        return f"Worker already exists: {self.worker}"


class NotResumable(Conflict):
    """The worker is not suspended, interrupted or idle."""


class UpdateRefused(Conflict):
    """The worker is at the target version already, or the same update is under way."""


class WorkerReverted(Conflict):
    """The worker was reverted while this was under way; ask again."""


class SlowClient(GolemError):
    """The rest of a request did not come in time."""

    http_status = 408


class TooLarge(GolemError):
    """A request's body is over the limit."""

    http_status = 413


class UnsupportedBody(GolemError):
    """A request's body is of a kind, or in an encoding, that the operation does not take."""

    http_status = 415


class InvocationError(GolemError):
    """An invocation has no result. `stderr` is what the worker printed there, for the reader."""

    headline = "Invocation Failed"

    def __init__(self, cause: str = "", stderr: str = "") -> None:
        super().__init__()
        self.cause, self.stderr = cause, stderr

    def __str__(self) -> str:
        return f"{self.headline}: {self.cause}" if self.cause else self.headline

    def _render_traceback_(self) -> list[str]:
        lines = [f"{type(self).__name__}: {self}"]
        if self.stderr:
            lines += ["stderr of the worker:", *(f"  {line}" for line in self.stderr.rstrip().splitlines())]
        return lines


class InvocationFailed(InvocationError):
    """The component trapped and its retries are used up."""


class PreviousInvocationFailed(InvocationError):
    """An earlier invocation failed, so the worker takes no new ones."""

    headline = "Previous Invocation Failed"


class WorkerExited(InvocationError):
    """The worker called `exit`, in this invocation or an earlier one."""

    headline = "The previously invoked function exited"


class InvocationInterrupted(InvocationError):
    """The worker was interrupted; it goes on with this invocation when it is resumed."""

    headline = "Interrupted via the Golem API"


class ReplayMismatch(GolemError):
    """The component took another path than the one its oplog records."""

    def __init__(self, index: int, recorded: str, attempted: str) -> None:
        super().__init__()
        self.index, self.recorded, self.attempted = index, recorded, attempted

    def __str__(self) -> str:
        return (
            f"Unexpected oplog entry: oplog entry {self.index} records {self.recorded}, but the component now does "
            f"{self.attempted}; was it updated, or does it read time or randomness outside WASI?"
        )


class Overloaded(GolemError):
    """More is asked for at once than the server is set to take; ask again a little later."""

    http_status = 503


class EngineStopped(GolemError):
    """The engine is closing; what was accepted goes on at its next start."""

    http_status = 503


class StoreFailed(GolemError):
    """What a worker did could not be stored. Nothing of it was answered; the worker goes on from what is stored."""

    http_status = 503


class NotSupported(GolemError):
    """This server cannot do it."""

    http_status = 501


class DataFolderError(GolemError):
    """The engine's data folder cannot be used."""


class DataFolderInUse(DataFolderError):
    """Another engine holds the folder."""


class DataFolderTooNew(DataFolderError):
    """The folder was written by a newer golem_nb."""


class DataFolderUnsuitable(DataFolderError):
    """The folder lies where SQLite's write-ahead log is not safe, or cannot be written."""


class ClientError(GolemError):
    """Something went wrong on the way to the server."""


class ServerError(ClientError):
    """The server answered something that we have no name for."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status

    def __str__(self) -> str:
        return f"the server answered {self.status}: {self.text}"


class ServerUnreachable(ClientError):
    """Nobody answers at this address."""


class WaitTimeout(ClientError):
    """The wait was over before the answer; the worker goes on."""


class EngineFailedToStart(ClientError):
    """The local engine process ended before it was ready; the text has the end of its log."""
