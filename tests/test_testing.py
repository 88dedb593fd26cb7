import pytest

from golem_nb.engine.engine import Engine
from golem_nb.errors import BadInput, ComponentRejected
from golem_nb.model import LOCAL_ENVIRONMENT, WorkerId
from golem_nb.oplog.entries import ImportedFunctionInvoked
from golem_nb.testing import assert_replays, component_bytes, replay
from tests.engine.conftest import until
from tests.engine.test_shadows import dice


@pytest.fixture
def saved(tmp_path):
    """The file of a worker that drew twice, was updated, and drew again; its last sum, and the index of that draw."""
    engine = Engine.open("memory:")
    worker = WorkerId(engine.create_component(LOCAL_ENVIRONMENT, "dice", dice()).id, "w")
    for _ in range(2):
        engine.invoke_and_await(worker, "draw", []).result(10)
    engine.update_worker(worker, engine.update_component(worker.component_id, dice()).version)
    until(lambda: engine.worker(worker).component_version == 1)
    total = engine.invoke_and_await(worker, "draw", []).result(10).value
    draws = [i for i, entry in engine.oplog(worker).entries if isinstance(entry, ImportedFunctionInvoked)]
    file = tmp_path / "w.golem-worker"
    with file.open("wb") as output:
        engine.export_worker(worker, output)
    engine.close()
    return file, total, draws[-1]


def test_a_saved_history_fits_its_component(saved, tmp_path):
    file, _, _ = saved
    path = tmp_path / "dice.wasm"
    path.write_bytes(dice())

    assert_replays(file, dice())
    assert_replays(str(file), str(path))
    assert replay(file, path).is_same


def test_one_that_does_not_fit_fails_with_both_sides(saved):
    file, _, _ = saved

    with pytest.raises(AssertionError, match=r"w.golem-worker: entry \d+ records the result \d+, .* does return \d+"):
        assert_replays(file, dice(start=1))


def test_another_answer_is_seen(saved):
    file, total, draw = saved

    found = [replay(file, dice(), answers={draw: n}) for n in (0, 1)]  # one of them may be what was drawn

    assert f"the result {total}" in [result.difference.recorded for result in found if not result.is_same]
    assert replay(file, dice(), to_index=draw - 1).is_same


def test_what_is_missing_or_broken_is_named(saved, tmp_path):
    file, _, _ = saved
    (tmp_path / "notes").write_text("notes")

    with pytest.raises(BadInput, match="absent cannot be read: No such file"):
        replay(tmp_path / "absent", dice())
    with pytest.raises(BadInput, match=r"absent.wasm cannot be read: No such file"):
        replay(file, tmp_path / "absent.wasm")
    with pytest.raises(BadInput, match="not a file that a worker was exported to"):
        replay(tmp_path / "notes", dice())
    with pytest.raises(ComponentRejected):
        replay(file, b"no component")


def test_components_are_made_of_their_files(tmp_path):
    text, program = tmp_path / "a.wat", tmp_path / "a.py"
    text.write_text("(component)")
    program.write_text("def f() -> int: return 1")

    assert component_bytes(text)[:4] == component_bytes(program)[:4] == component_bytes(dice())[:4] == b"\0asm"


def test_a_source_that_is_no_text_is_told(tmp_path):
    path = tmp_path / "cart.py"
    path.write_bytes(b"\xff")

    with pytest.raises(BadInput, match="no text in UTF-8"):
        component_bytes(path)
