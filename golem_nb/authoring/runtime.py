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
    tool = _tool()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _lay_sources(folder)
        _run([tool, "-d", "wit", "-w", "python", "componentize", "app", "-o", "runtime.wasm"], folder)
        write_whole(path, (folder / "runtime.wasm").read_bytes())
    return path


def _path() -> Path:
    digest = hashlib.sha256(_tool_version().encode())
    for name, content in sorted(_sources().items()):
        digest.update(name.encode() + b"\0" + content)
    return cache_folder() / "runtimes" / f"python-{digest.hexdigest()[:16]}.wasm"


def _sources() -> dict[str, bytes]:
    """Return the files that the runtime is built of, by their place in the build's folder."""
    package = files("golem_nb.authoring")
    guest, wit = package / "guest", package / "wit"
    found = {path.name: path.read_bytes() for path in guest.iterdir() if path.name.endswith(".py")}
    found["wit/world.wit"] = (guest / "world.wit").read_bytes()
    for path in wit.iterdir():
        if path.name.endswith(".wit"):
            found[f"wit/deps/{path.name.removesuffix('.wit')}/package.wit"] = path.read_bytes()
    return found


def _lay_sources(folder: Path) -> None:
    for name, content in _sources().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _tool_version() -> str:
    try:
        return version("componentize-py")
    except PackageNotFoundError:
        return "none"


def _tool() -> str:
    beside = str(Path(sys.executable).parent)
    found = shutil.which("componentize-py", path=os.pathsep.join([beside, *os.get_exec_path()]))
    if found is None or _tool_version() == "none":
        raise ToolMissing(
            "workers in Python need componentize-py, once: pip install 'golem-nb[python-workers]', then try again; "
            "component text works without it (--lang wat)"
        )
    return found


def _run(command: list[str], folder: Path) -> None:
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
        raise BuildFailed(f"the runtime of Python workers could not be built: {error}") from None
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise BuildFailed(f"the runtime of Python workers could not be built: {' '.join(lines[-3:])}")
