"""The runtime of programs in Python: built once on a machine from the sources in `guest`, and kept.

componentize-py makes it (the extra `python-workers`). Two builds of the same sources differ, so engines keep the very
file that a component version was made for; the cache only saves building it again for another data folder.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path

import platformdirs

from golem_nb.errors import BuildFailed, ToolMissing
from golem_nb.files import write_whole

BUILD_TIMEOUT_S = 900
CACHE_VARIABLE = "GOLEM_NB_CACHE"


def cache_folder() -> Path:
    given = os.environ.get(CACHE_VARIABLE)
    return Path(given).expanduser() if given else platformdirs.user_cache_path("golem-nb", appauthor=False)


def compiled_folder() -> Path:
    """Return where compiled code lies that was made ahead, for any engine of the user's."""
    return cache_folder() / "compiled"


def cached_runtime() -> Path | None:
    """Return the runtime of this version of golem_nb, if it was built."""
    path = _path()
    return path if path.exists() else None


def built_runtime() -> Path:
    """Return the runtime's file, built now if it is not in the cache: 10 to 60 s, and 0.5 GB of memory meanwhile.

    Raises:
        ToolMissing: componentize-py is not installed.
        BuildFailed: It failed.
    """
    path = _path()
    if path.exists():
        return path
    files = guest_files()
    files["wit/world.wit"] = files.pop("world.wit")
    wasm = component_built(files, "python", "app", "the runtime of Python workers")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, wasm)
    return path


def component_built(files: Mapping[str, bytes], world: str, app: str, what: str) -> bytes:
    """Return the component that componentize-py makes of a module and a world, given all files by their place.

    Raises:
        ToolMissing: componentize-py is not installed.
        BuildFailed: It failed; the text says `what` was to be built.
    """
    tool = _tool()
    with tempfile.TemporaryDirectory(prefix="golem-nb-build-") as name:
        folder = Path(name)
        for place, content in files.items():
            path = folder / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        _run([tool, "-d", "wit", "-w", world, "componentize", app, "-o", "made.wasm"], folder, what)
        return (folder / "made.wasm").read_bytes()


def _path() -> Path:
    digest = hashlib.sha256(tool_version().encode())
    for name, content in sorted(guest_files().items()):
        digest.update(name.encode() + b"\0" + content)
    return cache_folder() / "runtimes" / f"python-{digest.hexdigest()[:16]}.wasm"


def guest_files() -> dict[str, bytes]:
    """Return the guest's sources, and the WIT packages that it imports, by their place in a build's folder."""
    package = files("golem_nb.authoring")
    guest, wit = package / "guest", package / "wit"
    found = {path.name: path.read_bytes() for path in guest.iterdir() if path.name.endswith((".py", ".wit"))}
    for path in wit.iterdir():
        if path.name.endswith(".wit"):
            found[f"wit/deps/{path.name.removesuffix('.wit')}/package.wit"] = path.read_bytes()
    return found


def tool_version() -> str:
    """Return the version of componentize-py; `none` where it is not installed."""
    try:
        return version("componentize-py")
    except PackageNotFoundError:
        return "none"


def _tool() -> str:
    beside = str(Path(sys.executable).parent)
    found = shutil.which("componentize-py", path=os.pathsep.join([beside, *os.get_exec_path()]))
    if found is None or tool_version() == "none":
        raise ToolMissing(
            "workers in Python need componentize-py, once: pip install 'golem-nb[python-workers]', then try again; "
            "component text works without it (--lang wat)"
        )
    return found


def _run(command: list[str], folder: Path, what: str) -> None:
    empty = folder / "empty"  # the build takes in whatever is installed in the environment that this names
    empty.mkdir()
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "VIRTUAL_ENV": str(empty)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=BUILD_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildFailed(f"{what} could not be built: {error}") from None
    if done.returncode != 0:
        report, _, _ = (done.stderr or done.stdout).partition("Stack backtrace:")  # the tool's own
        lines = report.strip().splitlines()
        raise BuildFailed(f"{what} could not be built: {' '.join(lines[-3:])}")
