"""Prism, a mock server that nobody here wrote: it answers from an OpenAPI document and refuses requests that break it.

Installed once into `.node` beside the sources, which `make clean` takes away. Where Node is missing, or the package
cannot be had, `installed` says why.
"""

import fcntl
import shutil
import socket
import subprocess
import threading
from functools import cache
from pathlib import Path

PACKAGE = "@stoplight/prism-cli@5.14.2"
FOLDER = Path(__file__).parent.parent.parent / ".node"
INSTALL_TIMEOUT_S, START_TIMEOUT_S = 300, 90


@cache
def installed():
    """Return (the command, None), or (None, why there is none)."""
    command = FOLDER / "node_modules" / ".bin" / "prism"
    if not shutil.which("node") or not shutil.which("npm"):
        return None, "Node and npm are not installed"
    FOLDER.mkdir(exist_ok=True)
    with open(FOLDER / "lock", "w") as lock:  # tests run in several processes
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _installed(command)


def _installed(command):
    if not command.exists():
        install = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(FOLDER), PACKAGE]
        try:
            subprocess.run(install, check=True, timeout=INSTALL_TIMEOUT_S, capture_output=True, text=True)
        except subprocess.CalledProcessError as error:
            return None, f"{PACKAGE} cannot be installed: {error.stderr.strip()[-300:]}"
        except subprocess.TimeoutExpired:
            return None, f"{PACKAGE} was not installed within {INSTALL_TIMEOUT_S} s"
    return command, None


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


class Prism:
    """A mock of a document on a free port; `lines` is what it has printed."""

    def __init__(self, command, document):
        port = _free_port()
        self.url, self.lines, self._listening = f"http://127.0.0.1:{port}", [], threading.Event()
        self._process = subprocess.Popen(
            [str(command), "mock", "-h", "127.0.0.1", "-p", str(port), str(document)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self._listening.wait(START_TIMEOUT_S), "\n".join(self.lines)

    def _read(self):
        for line in self._process.stdout:
            self.lines.append(line.rstrip())
            if "listening on" in line:
                self._listening.set()

    def close(self):
        self._process.terminate()
        self._process.wait(10)
        self._reader.join(10)
        self._process.stdout.close()
