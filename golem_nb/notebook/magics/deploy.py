"""`%golem_deploy`: a component from a file or from the text in the cell; a new version where there is one.

What its options are about (`magics.options`) belongs to a version as its bytes do. For what no option says, what the
version before has holds.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from golem_nb.authoring.embedding import component_of
from golem_nb.authoring.javascript import component_from_javascript
from golem_nb.authoring.javascript_runtime import built_javascript_runtime, cached_javascript_runtime
from golem_nb.authoring.preparing import STEPS, is_prepared, prepare
from golem_nb.authoring.python import component_from_source
from golem_nb.authoring.typed import BUILD_STEPS, Typed, component_from_typed_source
from golem_nb.authoring.wat import TextRejected, wasm_from_text
from golem_nb.errors import ComponentRejected, NotFound, NotSupported, UsageError
from golem_nb.model import Component, ComponentOptions, UpdateMode
from golem_nb.notebook.magics.grammar import Option
from golem_nb.notebook.magics.options import NO_CHANGES, OPTIONS, RULES, Changes, read_changes
from golem_nb.notebook.magics.update import WAIT_S, update_all
from golem_nb.notebook.magics.verb import Request, Verb, bytes_of
from golem_nb.notebook.progress import Progress
from golem_nb.notebook.session import Remote, Session
from golem_nb.notebook.views import ComponentView, size_text

USAGE = "%golem_deploy NAME FILE"
PYTHON, JAVASCRIPT, WAT = "py", "js", "wat"
UPDATE_MODES = {"auto": UpdateMode.AUTOMATIC, "manual": UpdateMode.MANUAL}
LANGUAGES = (PYTHON, JAVASCRIPT, WAT)  # of a cell, by the word behind --lang
WAT_BEGINS = ("(component", "(module", ";;")  # what no program in Python begins with


def run(request: Request) -> ComponentView:
    words, typed = request.only_words(2, USAGE), None
    if request.body is not None:
        if len(words) != 1:
            raise UsageError("write: %%golem_deploy NAME, and the source below")
        typed = _typed(request, words[0], request.body) if request.option("typed") else None
        wasm = _from_cell(request, words[0], request.body) if typed is None else typed.wasm
    elif of_cells := [name for name in ("typed", "lang", "with") if request.option(name)]:
        raise UsageError(f"--{of_cells[0]} is for a cell: %%golem_deploy NAME --{of_cells[0]} …, and the source below")
    elif len(words) != 2:
        raise UsageError(f"write: {USAGE}")
    else:
        given = bytes_of(words[1], request.names)
        wasm = _from_file(Path(words[1]).expanduser()) if given is None else given
    wasm = component_of(wasm, request.option("wit"))
    changes = read_changes(request)
    request.session.client()  # an engine that is started for it takes a time of its own
    with _told_of_packages(), Progress(request.surroundings, f"component {words[0]}", 1) as progress:
        progress.step(f"{size_text(len(wasm))}, sent and examined")
        view = deploy(request.session, words[0], wasm, changes)
    request.session.note(view.component)
    if typed is not None:
        view = replace(view, wit=typed.wit)
    mode = request.option("update")
    return view if mode is None else replace(view, updates=update_all(request, view.component, UPDATE_MODES[mode]))


@contextmanager
def _told_of_packages() -> Iterator[None]:
    """Say how a package comes along, where a program misses one."""
    try:
        yield
    except ComponentRejected as error:
        missing = re.search(r"No module named '([A-Za-z_]\w*)", str(error))
        if missing is None:
            raise
        raise ComponentRejected(f"{error}\n--with {missing[1]} takes a pure Python package along") from None


def deploy(session: Session, name: str, wasm: bytes, changes: Changes = NO_CHANGES) -> ComponentView:
    """Make the component, or a new version of it; nothing where its latest version has the same bytes and options."""
    client = session.client()
    try:
        found = client.component_by_name(name)
    except NotFound:
        options = changes.options(ComponentOptions()) if changes.has_options else None
        return _view(client.create_component(name, wasm, options, changes.files), "created, version")
    if found.sha256 == hashlib.sha256(wasm).hexdigest() and changes.are_made(found.options):
        return _view(found, "unchanged, version")
    options = changes.options(found.options) if changes.has_options else None
    return _view(client.update_component(found.id, wasm, options, changes.files), "updated, now version")


def _view(component: Component, news: str) -> ComponentView:
    return ComponentView(component, f"{news} {component.version}")


def _from_file(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    if path.suffix != ".wat":
        return content
    try:
        return wasm_from_text(content.decode())
    except UnicodeDecodeError:
        raise ComponentRejected(f"{path} is no text") from None
    except TextRejected as error:
        raise ComponentRejected(f"{path}, {error}") from None


def _from_cell(request: Request, name: str, source: str) -> bytes:
    language = request.option("lang") or (WAT if source.lstrip().startswith(WAT_BEGINS) else PYTHON)
    if language != PYTHON and request.option("with"):
        raise UsageError("--with is for cells in Python")
    if language in (PYTHON, JAVASCRIPT) and request.option("wit"):
        raise UsageError("--wit is for core modules; cells in Python and JavaScript have none")
    if language == PYTHON:
        _check_server(request)
        # The cell's first line is the magic's: so lines have the numbers that the notebook shows.
        return component_from_source(f"\n{source}", name, request.option("with") or ())
    if language == JAVASCRIPT:
        _check_javascript(request)
        return component_from_javascript(f"\n{source}", name)
    if language != WAT:
        raise UsageError(f"--lang {language} is not known; there are: {', '.join(LANGUAGES)}")
    try:
        return wasm_from_text(source)
    except TextRejected as error:
        if error.line is None:
            raise
        # The cell's first line is the magic's.
        raise TextRejected(f"{error.text} (of the cell)", error.line + 1, error.column) from None


def _typed(request: Request, name: str, source: str) -> Typed:
    if (language := request.option("lang") or PYTHON) != PYTHON or request.option("wit"):
        raise UsageError(f"--typed is for cells in Python, not with {'--wit' if language == PYTHON else '--lang'}")
    if source.lstrip().startswith(WAT_BEGINS):
        raise UsageError("--typed is for cells in Python; component text has its types already")
    # The cell's first line is the magic's: so lines have the numbers that the notebook shows.
    with Progress(request.surroundings, f"the typed component {name}", BUILD_STEPS) as progress:
        return component_from_typed_source(f"\n{source}", name, request.option("with") or (), progress.step)


def _check_server(request: Request) -> None:
    """See to it that the server runs programs; where its engine is of this machine, that it has their runtime.

    Raises:
        NotSupported: It does not.
        ToolMissing, BuildFailed: The runtime cannot be had.
    """
    typed = (
        "add --typed, which makes a component that it runs "
        "(or write %golem local: golem_nb's own engine runs it as it is)"
    )
    _check_runs(request, "Python", typed)
    if not isinstance(request.session.place, Remote) and not is_prepared():
        what = "the runtime of Python workers, once on this machine"
        with Progress(request.surroundings, what, STEPS) as progress:
            prepare(progress.step)


def _check_runs(request: Request, language: str, instead: str) -> None:
    client = request.session.client()
    if not client.runs_programs:
        raise NotSupported(f"{client.speaks()} does not run cells in {language}; {instead}")


def _check_javascript(request: Request) -> None:
    """As `_check_server`, for JavaScript."""
    _check_runs(request, "JavaScript", "golem_nb's own engine does: write %golem local")
    if cached_javascript_runtime() is None and not isinstance(request.session.place, Remote):
        with Progress(request.surroundings, "the runtime of JavaScript workers, once on this machine", 1) as progress:
            progress.step("building it from its sources")
            built_javascript_runtime()


VERB = Verb(
    name="golem_deploy",
    summary="Deploy a component: from a file (.wasm, or .wat text), bytes, or the source in the cell.",
    forms=(
        USAGE,
        "%%golem_deploy NAME [--with PACKAGE]...     body: Python, a class or functions",
        "%%golem_deploy NAME --typed                 the same, as a component with typed exports, for any Golem server",
        "%%golem_deploy NAME --lang js               body: JavaScript, functions or a class",
        "%%golem_deploy NAME --lang wat              body: component text; of a core module with --wit",
        "%%golem_deploy NAME [--update auto|manual [-t S]]",
        f"{USAGE} [--ephemeral] [-e NAME=VALUE]... [--file PATH=LOCAL[:rw]]... [--link RESOURCE=TARGET]...",
    ),
    options=(
        Option("lang", f"language of the cell: {', '.join(LANGUAGES)} ({PYTHON})", "LANG"),
        Option("typed", "make a component with typed exports of a cell in Python, and show its WIT"),
        Option("wit", "the WIT of a core module: a file, a folder with deps, or the text in a {variable}", "WIT"),
        Option("with", "a pure Python package that comes along; repeatable", "PACKAGE", many=True),
        Option(
            "update",
            "bring its workers along and wait: auto (replay) or manual (snapshot)",
            "MODE",
            choices=tuple(UPDATE_MODES),
        ),
        Option("timeout", f"wait so many seconds for updates at most ({WAIT_S:g}); they go on", "S", short="t"),
        *OPTIONS,
    ),
    rules=RULES,
    examples=(
        "%golem_deploy cart cart.wasm",
        "%golem_deploy counter {path}",
        "%golem_deploy counter {data}          bytes in a variable",
        "%golem_deploy adder adder.wasm --wit adder.wit",
        "%golem_deploy shop shop.wasm -e MODE=dry --file /etc/menu.txt=menu.txt --file /notes=notes.txt:rw",
        "%golem_deploy shop shop.wasm --link rpc:cart-client/cart-client.api=cart:rpc:cart-exports/api",
    ),
    run=run,
    is_cell=True,
)
