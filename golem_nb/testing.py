"""For test suites: does a worker's saved history still fit its component?

    from golem_nb.testing import assert_replays

    def test_workers_of_production_can_be_updated():
        assert_replays("alice.golem-worker", "cart.wasm")

A history is saved by `%golem_worker W export FILE`, or `GET /v1/x/…/export`. Nothing outside is reached, and no engine
need run.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from golem_nb.authoring.python import component_from_source
from golem_nb.authoring.wat import component_from_text
from golem_nb.engine.engine import Engine
from golem_nb.engine.shadows import shadow_of
from golem_nb.engine.transfer import history_in
from golem_nb.errors import BadInput
from golem_nb.model import LOCAL_ENVIRONMENT, OplogIndex, Shadow, ShadowResult, WorkerId


def replay(
    history: str | Path,
    component: bytes | str | Path,
    *,
    to_index: OplogIndex | None = None,
    answers: Mapping[OplogIndex, Any] | None = None,
) -> ShadowResult:
    """Meet a saved history with a component: a `.wasm`, `.wat` or `.py` file, or a component's bytes.

    `to_index` and `answers` (index -> what is answered instead, as JSON) are those of a Shadow.

    Raises:
        BadInput: The file is no history, or a file cannot be read.
        ComponentRejected: The component cannot run.
    """
    path = Path(history)
    try:
        file = path.open("rb")
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from None
    engine = Engine.open("memory:")
    try:
        with file:
            return _met(engine, file, component_bytes(component), Shadow(to_index, None, answers or {}))
    finally:
        engine.close()


def _met(engine: Engine, file: IO[bytes], wasm: bytes, asked: Shadow) -> ShadowResult:
    worker = WorkerId(engine.create_component(LOCAL_ENVIRONMENT, "component", wasm).id, "worker")
    entries, versions = history_in(file, worker, LOCAL_ENVIRONMENT)
    for _ in range(1, versions):  # the history counts on versions of these numbers
        engine.update_component(worker.component_id, wasm)
    return shadow_of(worker, 0, entries, asked, engine)


def assert_replays(history: str | Path, component: bytes | str | Path) -> None:
    """Fail where a component would not do what a saved history records; the text has both sides."""
    __tracebackhide__ = True  # pytest then shows the caller's line
    found = replay(history, component)
    if found.difference is not None:
        there = found.difference
        raise AssertionError(
            f"{history}: entry {there.index} records {there.recorded}, but the component now does {there.now}"
        )
    if found.failure is not None:
        raise AssertionError(f"{history}: the component cannot meet it behind entry {found.last_met}: {found.failure}")


def component_bytes(component: bytes | str | Path) -> bytes:
    """Return a component's bytes from what a caller has: itself, or a file by its suffix.

    Raises:
        BadInput: There is no such file, or it is no text where it should be.
    """
    if isinstance(component, bytes):
        return component
    path = Path(component)
    try:
        content = path.read_bytes()
        match path.suffix:
            case ".wat":
                return component_from_text(content.decode())
            case ".py":
                return component_from_source(content.decode(), path.stem)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path} is no text in UTF-8") from None
    return content
