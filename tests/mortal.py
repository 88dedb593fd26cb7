"""Engine processes that die by signal 9 at a write of theirs that is known beforehand.

`Nursery` starts one process that has imported everything and forks an engine for each life: a restart takes 50 ms
instead of half a second. An engine is `golem-nb serve` on a folder, but that it kills itself just before it hands its
n-th write to the store, or right after that was stored and before anybody is told.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from golem_nb.client.connect import running_engine

BEFORE, AFTER = "before", "after"
START_S = 60.0


class Nursery:
    """Starts engines, and waits until they answer."""

    def __init__(self):
        # As `python -m`, so that pytest and its threads are not what is forked.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.mortal"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def start(self, folder, dies_at=0, when=BEFORE):
        """Start an engine that dies at that write of its life (0: it does not), and return its number and lock.

        The lock is None where it died before it answered.
        """
        self._process.stdin.write(json.dumps([str(folder), dies_at, when]) + "\n")
        self._process.stdin.flush()
        assert select.select([self._process.stdout], [], [], START_S)[0], "no engine was forked"
        pid, deadline = int(self._process.stdout.readline()), time.monotonic() + START_S
        while is_alive(pid):
            lock = running_engine(folder)
            if lock is not None and lock.pid == pid:
                return pid, lock
            assert time.monotonic() < deadline, f"the engine of {folder} does not answer"
            time.sleep(0.005)
        return pid, None

    def close(self):
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def kill(pid):
    """Send signal 9 to an engine of a nursery, and wait until it is gone."""
    deadline = time.monotonic() + START_S
    with suppress(ProcessLookupError):  # it has died by itself
        os.kill(pid, signal.SIGKILL)
    while is_alive(pid):
        assert time.monotonic() < deadline, f"process {pid} does not end"
        time.sleep(0.002)


def _live(folder, dies_at, when):
    from golem_nb.engine.settings import Settings
    from golem_nb.server.run import ServeOptions, serve
    from golem_nb.store.database import Database

    log = os.open(Path(folder) / "engine.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    write, writes = Database.write, iter(range(1, sys.maxsize))

    def mortal_write(self, work):
        is_last = next(writes) == dies_at
        if is_last and when == BEFORE:
            os.kill(os.getpid(), signal.SIGKILL)
        stored = write(self, work)
        if is_last:
            stored.add_done_callback(lambda _: os.kill(os.getpid(), signal.SIGKILL))
        return stored

    Database.write = mortal_write
    serve(ServeOptions(Path(folder), port=0, settings=Settings(durability="process")))


def _fork_as_told():
    import golem_nb.server.run  # noqa: F401 - what makes a start slow is done once

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the dead, who must not look alive
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            try:
                _live(*json.loads(line))
            finally:
                os._exit(1)
        print(pid, flush=True)


if __name__ == "__main__":
    _fork_as_told()
