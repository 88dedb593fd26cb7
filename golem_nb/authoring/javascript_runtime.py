"""The runtime of programs in JavaScript: QuickJS with the guest of `guest_js`, built once on a machine, and kept.

componentize-qjs makes it, a package for Node, which is fetched into the cache at the first build; that needs npm and a
network, once. Nothing of it is needed afterwards.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from importlib.resources import files
from pathlib import Path

from golem_nb.authoring.runtime import BUILD_TIMEOUT_S, cache_folder
from golem_nb.errors import BuildFailed, ToolMissing
from golem_nb.files import write_whole

TOOL, TOOL_VERSION = "componentize-qjs", "0.4.5"


def cached_javascript_runtime() -> Path | None:
    """Return the runtime of this version of golem_nb, if it was built."""
    path = _path()
    return path if path.exists() else None


def built_javascript_runtime() -> Path:
    """Return the runtime's file, built now if it is not in the cache: some seconds.

    Raises:
        ToolMissing: Node or npm is not installed, or npm cannot fetch the tool.
        BuildFailed: It failed.
    """
    path = _path()
    if path.exists():
        return path
    tool = _tool()
    with tempfile.TemporaryDirectory(prefix="golem-nb-build-") as name:
        folder = Path(name)
        for place, content in _sources().items():
            target = folder / place
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        command = [*tool, "--wit", "wit", "--js", "app.js", "--world", "javascript", "--sync", "--output", "made.wasm"]
        done = _run(command, folder)
        made = folder / "made.wasm"
        if done.returncode != 0 or not made.exists():
            raise BuildFailed(f"the runtime of JavaScript workers could not be built: {_last_words(done)}")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, made.read_bytes())
    return path


def _path() -> Path:
    digest = hashlib.sha256(TOOL_VERSION.encode())
    for name, content in sorted(_sources().items()):
        digest.update(name.encode() + b"\0" + content)
    return cache_folder() / "runtimes" / f"javascript-{digest.hexdigest()[:16]}.wasm"


def _sources() -> dict[str, bytes]:
    """Return the files that the runtime is built of, by their place in the build's folder."""
    guest = files("golem_nb.authoring") / "guest_js"
    found = {path.name: path.read_bytes() for path in guest.iterdir() if path.name.endswith(".js")}
    found["wit/world.wit"] = (guest / "world.wit").read_bytes()
    for path in (guest / "wit").iterdir():
        found[f"wit/deps/{path.name.removesuffix('.wit')}/package.wit"] = path.read_bytes()
    return found


def _tool() -> list[str]:
    """Return the command that runs the tool, which is fetched if it is not there."""
    node, npm = shutil.which("node"), shutil.which("npm")
    script = cache_folder() / "tools" / f"{TOOL}-{TOOL_VERSION}" / "node_modules" / TOOL / "cli.mjs"
    if node is None or (npm is None and not script.exists()):
        raise ToolMissing(
            "workers in JavaScript need Node and npm, once, to build their runtime: install Node 20 or newer, then try "
            "again; cells in Python and component text work without them"
        )
    if not script.exists():
        assert npm is not None
        folder = script.parent.parent.parent
        folder.mkdir(parents=True, exist_ok=True)
        done = _run(
            [npm, "install", "--silent", "--no-fund", "--prefix", str(folder), f"{TOOL}@{TOOL_VERSION}"], folder
        )
        if done.returncode != 0 or not script.exists():
            raise ToolMissing(
                f"npm could not fetch {TOOL} {TOOL_VERSION}, which builds the runtime of JavaScript workers, once: "
                f"{_last_words(done) or 'is there a network?'}"
            )
    return [node, str(script)]


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env=dict(os.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=BUILD_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildFailed(f"the runtime of JavaScript workers could not be built: {error}") from None


def _last_words(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
