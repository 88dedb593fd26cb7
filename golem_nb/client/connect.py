"""From an address to a client; and the life of the local engine process. Source: ARCHITECTURE, decisions 1 to 5.

How this works. The engine of a folder tells in its lock file where it listens, and removes the file when it closes. So
a lock file whose port answers is a running engine, and one whose port does not is an engine that died: the end of its
log says why. Two who start an engine at once both wait for a lock file that answers; the loser's process ends by itself
because the folder is taken.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from uuid import UUID, uuid4

import platformdirs

from golem_nb import __version__
from golem_nb.client.client import Client
from golem_nb.client.http import NEVER_AGAIN
from golem_nb.client.remote import HEALTH_TIMEOUT_S, RemoteClient
from golem_nb.client.stream import Reconnecting
from golem_nb.errors import BadInput, ClientError, DataFolderUnsuitable, EngineFailedToStart, GolemError
from golem_nb.model import LOCAL_ENVIRONMENT
from golem_nb.wire.dialects import CONTRACT, DIALECTS, OWN_NAME
from golem_nb.wire.lock import LOCK_NAME, LOG_NAME, EngineLock, lock_from_text

FOLDER_VARIABLE = "GOLEM_NB_DIR"
TOKEN_FILE = "engine.token"
IDLE_EXIT_MINUTES = 30
DIALECT_NAMES = tuple(DIALECTS)
# Importing wasmtime and opening a folder takes a second; a machine under load has needed ten.
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0
POLL_S = 0.02
LOG_LINES = 12


@dataclass(frozen=True, slots=True)
class LocalEngine:
    """A running engine process. `is_new`: started just now; `note`: what became of its predecessor, if that died."""

    folder: Path
    lock: EngineLock
    is_new: bool = False
    note: str | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.lock.port}"

    def client(self, environment_id: UUID = LOCAL_ENVIRONMENT) -> RemoteClient:
        # It is ours, so it is not asked what it is. One that takes its place listens at another port: to connect again
        # is for whoever finds that one.
        return RemoteClient(
            self.url,
            self.lock.token or None,
            environment_id,
            dialect=CONTRACT.name,
            reconnecting=Reconnecting(for_s=0.0),
        )


def connect(
    target: str | Path | None = None,
    *,
    token: str | None = None,
    environment_id: UUID | None = None,
    dialect: str | None = None,
) -> Client:
    """Return a client of what `target` names.

    A URL is a server; "memory:" and a path are an engine in this process, closed with the client; None is the local
    engine process of the user's data folder, started if need be. `dialect` is what a server speaks (contract, 1.3, 1.4,
    1.5); None = what its version says. `environment_id` None = the only one there, or the local engine's.

    Raises:
        BadInput: The URL is not one of HTTP, or has lost what it begins with.
    """
    if isinstance(target, str) and "://" in target:
        return RemoteClient(target, token, environment_id, dialect=dialect)
    if isinstance(target, str) and (meant := url_meant(target)):
        raise BadInput(f"{target!r} is no folder: did you mean {meant}? (A folder of this name is ./{target})")
    environment_id = environment_id or LOCAL_ENVIRONMENT
    if target is None:
        return engine_process(default_folder()).client(environment_id)
    # Imported here, and only here: a client of a server needs no wasm.
    from golem_nb.client.local import LocalClient
    from golem_nb.engine.engine import Engine

    return LocalClient(Engine.open(target), environment_id)


def url_meant(target: str) -> str | None:
    """Return the URL that `localhost:9881` stands for; None for what looks like a path."""
    return f"http://{target}" if re.fullmatch(r"[A-Za-z0-9.-]+:[0-9]{1,5}(/.*)?", target) else None


def default_folder() -> Path:
    """Return the data folder that is used when none is given."""
    given = os.environ.get(FOLDER_VARIABLE)
    return Path(given).expanduser() if given else platformdirs.user_data_path("golem-nb", appauthor=False) / "default"


def attach_local(folder: Path | None = None) -> RemoteClient:
    """Return a client of the folder's engine process, started if need be."""
    return engine_process(folder).client()


def engine_process(folder: Path | None = None, options: Sequence[str] | None = None, port: int = 0) -> LocalEngine:
    """Find the folder's engine process, or start one.

    `options` are those of `golem-nb serve` about what components may use; None takes a running engine as it is, and so
    does port 0, which else is any free one.

    Raises:
        EngineFailedToStart: The new process ended; the text has the end of its log.
        ClientError: The running one is of another version, or has other options or another port.
    """
    folder = _made(folder or default_folder())
    lock = running_engine(folder)
    if lock is None:
        note = _death_note(folder)
        return _start(folder, note, options or (), port)
    if lock.version != __version__:
        raise ClientError(
            f"the engine of {folder} is golem_nb {lock.version} and this is {__version__}; end it with `%golem stop`"
        )
    if options is not None and lock.options != tuple(options):
        others = " ".join(lock.options) or "no options"
        raise ClientError(f"the engine of {folder} runs with {others}; end it with `%golem stop` to start it otherwise")
    if port not in (0, lock.port):
        raise ClientError(
            f"the engine of {folder} listens at port {lock.port}; end it with `%golem stop` to start it at another"
        )
    return LocalEngine(folder, lock)


def running_engine(folder: Path) -> EngineLock | None:
    """Return where the folder's engine process listens; None where none answers."""
    lock = _lock_file(folder)
    return lock if lock is not None and _answers(lock) else None


def still_runs(folder: Path, lock: EngineLock) -> bool:
    """Is the engine that answered there before the one that listens now? As `running_engine`, ten times as quick."""
    if _lock_file(folder) != lock or not _is_alive(lock.pid):
        return False
    try:
        socket.create_connection(("127.0.0.1", lock.port), HEALTH_TIMEOUT_S).close()
    except OSError:
        return False
    return True


def stop_local(folder: Path | None = None) -> bool:
    """Ask the folder's engine process to close, and wait until it is gone; False where there is none."""
    return _end(folder or default_folder(), signal.SIGTERM)


def kill_local(folder: Path | None = None) -> bool:
    """Send signal 9 to the folder's engine process and wait until it is gone; False where there is none."""
    return _end(folder or default_folder(), signal.SIGKILL)


def _end(folder: Path, number: signal.Signals) -> bool:
    lock = running_engine(folder)  # only a process that answers as an engine gets a signal: numbers are used again
    if lock is None:
        return False
    os.kill(lock.pid, number)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while _is_alive(lock.pid):
        if time.monotonic() > deadline:
            raise ClientError(f"the engine (process {lock.pid}) did not end within {STOP_TIMEOUT_S:g} s")
        time.sleep(POLL_S)
    return True


def _start(folder: Path, note: str | None, options: Sequence[str], port: int) -> LocalEngine:
    token = folder / TOKEN_FILE  # in a file, not on the command line, which every user of the machine can read
    with open(os.open(token, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(str(uuid4()))
    log = folder / LOG_NAME
    with log.open("ab") as output:
        begin = output.tell()
        process = _spawn(folder, token, options, port, output)
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        has_ended = process.poll() is not None
        lock = running_engine(folder)
        if lock is not None:
            return LocalEngine(folder, lock, is_new=lock.pid == process.pid, note=note)
        # It may have lost against another that starts at the same time, which is then about to answer.
        if has_ended and not _is_alive(_pid(folder)):
            text = f"the engine ended before it was ready, {ended_how(process.returncode)}: {_tail(log, begin)}"
            raise EngineFailedToStart(text)
        time.sleep(POLL_S)
    raise EngineFailedToStart(f"the engine was not ready within {START_TIMEOUT_S:g} s: {_tail(log, begin)}")


def _spawn(folder: Path, token: Path, options: Sequence[str], port: int, output: IO[bytes]) -> subprocess.Popen[bytes]:
    # -P: a file json.py beside the notebook must not stand in for Python's own. faulthandler: an end by SIGSEGV says in
    # the log where; it must be set up before wasmtime has handlers of its own, which then come first.
    command = [
        sys.executable,
        "-P",
        "-X",
        "faulthandler",
        "-m",
        "golem_nb",
        "serve",
        "--data-dir",
        str(folder),
        "--port",
        str(port),
    ]
    process = subprocess.Popen(
        [*command, "--idle-exit", str(IDLE_EXIT_MINUTES), "--token-file", str(token), *options],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # the interrupt button of the notebook is for the notebook
    )
    # Without somebody who waits for it, a dead engine would stay in the process table and look alive.
    threading.Thread(target=process.wait, name="engine-reaper", daemon=True).start()
    return process


def ended_how(code: int) -> str:
    """Return how a process ended: its exit code is a signal's number where it is negative."""
    if code >= 0:
        return f"with exit code {code}"
    try:
        return f"by signal {-code} ({signal.Signals(-code).name})"
    except ValueError:
        return f"by signal {-code}"


def _made(folder: Path) -> Path:
    folder = folder.expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataFolderUnsuitable(f"the data folder {folder} cannot be made: {error.strerror}") from None
    return folder


def _lock_file(folder: Path) -> EngineLock | None:
    try:
        return lock_from_text((folder / LOCK_NAME).read_text())
    except (OSError, BadInput):
        return None  # none, or one that is not whole: no engine that could be talked to


def _answers(lock: EngineLock) -> bool:
    """Is what listens there an engine? Ports are used again, so it gets no token before it has told what it is."""
    client = RemoteClient(f"http://127.0.0.1:{lock.port}", dialect=CONTRACT.name, retries=NEVER_AGAIN)
    try:
        return client.is_healthy() and client.server_version(HEALTH_TIMEOUT_S).startswith(OWN_NAME)
    except GolemError:
        return False
    finally:
        client.close()


def _pid(folder: Path) -> int:
    lock = _lock_file(folder)
    return 0 if lock is None else lock.pid


def _is_alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # of another user, and so not gone
    return True


def _death_note(folder: Path) -> str | None:
    """Return what is known of an engine that left its lock file behind."""
    lock = _lock_file(folder)
    if lock is None:
        return None
    lines = _lines(folder / LOG_NAME)
    # The log has earlier engines, too; each says this when it is ready.
    start = max((number for number, line in enumerate(lines, 1) if line.startswith(f"{OWN_NAME}: ")), default=0)
    told = "\n".join(lines[start:][-LOG_LINES:])
    its_log = f"the end of its log:\n{told}" if told else "its log does not say why"
    return f"the engine (process {lock.pid}) had ended without closing; {its_log}"


def _tail(log: Path, begin: int = 0) -> str:
    return "\n".join(_lines(log, begin)[-LOG_LINES:]) or f"{log} is empty"


def _lines(log: Path, begin: int = 0) -> list[str]:
    with log.open("rb") as file:
        file.seek(begin)
        return file.read().decode("utf-8", "replace").splitlines()
