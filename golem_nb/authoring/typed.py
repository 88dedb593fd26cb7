"""A program in Python as a component of its own, with typed exports: what other Golem servers can run.

The program is described by the shared runtime, the description becomes a world (`wit_text`), and componentize-py makes
the component of that world, the guest's modules and the source. That takes half a minute, so what was built is kept, by
what it was made of. A section at its end has the description, from which this engine knows what WIT cannot say:
defaults, docs, what is JSON.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from golem_nb.authoring.describing import described
from golem_nb.authoring.preparing import is_prepared, prepare
from golem_nb.authoring.program import Program
from golem_nb.authoring.python import modules_of, program_name
from golem_nb.authoring.runtime import cache_folder, component_built, guest_files, tool_version
from golem_nb.authoring.wit_text import TypedWorld, world_from_description
from golem_nb.files import write_whole
from golem_nb.wasm.programs import TYPED_SECTION
from golem_nb.wasm.sections import custom_section

BUILD_STEPS = 3
MOST_KEPT = 8  # components have 30 MB each
# What of the module `golem` asks nothing of the engine; see guest/plain_golem.py.
PLAIN_NAMES = frozenset({"Err", "Ok", "Result", "fail", "retry", "worker_class"})


@dataclass(frozen=True, slots=True)
class Typed:
    wasm: bytes
    wit: str
    uses_golem: bool
    """Does it import Golem's own interfaces, so that only Golem servers run it?"""


def component_from_typed_source(
    source: str, name: str, packages: Iterable[str] = (), step: Callable[[str], None] = lambda text: None
) -> Typed:
    """Return the component of a program with typed exports; `step` is told what begins, if all is to be made anew.

    Raises:
        UsageError: A package cannot come along.
        ComponentRejected: The program cannot be loaded, or has a type that WIT has no room for.
        ToolMissing, BuildFailed: It cannot be built here.
    """
    modules = {module: of for package in packages for module, of in modules_of(package).items()}
    program = Program(source, program_name(name), modules)
    uses_golem = any(_uses_golem(text) for text in (source, *(text for _, text in modules.values())))
    digest = _digest(program, uses_golem)
    kept, kept_wit = (_folder() / f"{digest}.{kind}" for kind in ("wasm", "wit"))
    if not (kept.exists() and kept_wit.exists()):
        step("having the runtime of Python workers, once on this machine")
        if not is_prepared():
            prepare()
        step("reading what the cell exports")
        description = described(program.text)
        world = world_from_description(program.name, description, uses_golem)
        step("building it: half a minute or so")
        wasm = component_built(_files(program, world, uses_golem), world.name, "typed_app", "the typed component")
        wasm += custom_section(TYPED_SECTION, json.dumps(description).encode())
        _folder().mkdir(parents=True, exist_ok=True)
        write_whole(kept_wit, world.text.encode())
        write_whole(kept, wasm)
        _forget_old()
    kept.touch()
    return Typed(kept.read_bytes(), kept_wit.read_text(), uses_golem)


def _files(program: Program, world: TypedWorld, uses_golem: bool) -> dict[str, bytes]:
    """Return the files of the build, by their place in its folder."""
    files = guest_files()
    del files["app.py"]
    files["wit/world.wit"] = world.text.encode()
    files["wit/deps/golem-nb-python/package.wit"] = files.pop("typed_world.wit")
    plain = files.pop("plain_golem.py")
    if not uses_golem:
        files["golem.py"] = plain
    cell = f"PROGRAM = {program.text!r}\nFUNCTIONS = {list(world.functions)!r}\nUSES_GOLEM = {uses_golem!r}\n"
    return {**files, "typed_cell.py": cell.encode()}


def _uses_golem(source: str) -> bool:
    """Does a source use what the module `golem` has of the engine's? One that is no Python here may."""
    if "golem" not in source:
        return False
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):  # Python of a newer version
        return True
    return not set(_golem_names(tree)) <= PLAIN_NAMES


def _golem_names(tree: ast.AST) -> Iterator[str]:
    aliases = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "golem":
            yield from (name.name for name in node.names)
        if isinstance(node, ast.Import):
            aliases |= {name.asname or name.name for name in node.names if name.name == "golem"}
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=alias), attr=name) if alias in aliases:
                yield name


def _digest(program: Program, uses_golem: bool) -> str:
    digest = hashlib.sha256(f"{tool_version()}\n{uses_golem}\n{program.text}".encode())
    for name, content in sorted(guest_files().items()):
        digest.update(name.encode() + b"\0" + content)
    for path in (Path(__file__), Path(__file__).with_name("wit_text.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:32]


def _folder() -> Path:
    return cache_folder() / "typed"


def _forget_old() -> None:
    """Remove what was not asked for the longest time."""
    kept = sorted(_folder().glob("*.wasm"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in kept[MOST_KEPT:]:
        path.unlink(missing_ok=True)
        path.with_suffix(".wit").unlink(missing_ok=True)
