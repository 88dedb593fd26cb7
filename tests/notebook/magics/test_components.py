import pytest

from golem_nb.errors import ComponentNotFound, UsageError
from golem_nb.wasm.text import wasm_from_text
from tests.notebook.conftest import LEDGER


def test_components_are_a_frame(notebook, ledger):
    frame = notebook.run("%golem_components").set_index("component")

    assert frame.loc[ledger, "version"] == 0
    assert frame.loc[ledger, "exports"] == 3


def test_one_is_shown_with_its_functions(notebook, ledger):
    shown = notebook.run(f"%golem_components {ledger}")

    assert "work(rounds: u32, amount: u32) -> u32" in shown.text()


def test_the_wasm_can_be_downloaded(notebook, ledger, tmp_path):
    path = tmp_path / "got.wasm"

    notebook.run(f"%golem_components {ledger} --download {path} --version 0")

    assert path.read_bytes() == wasm_from_text(LEDGER.read_text())


def test_deleting_needs_yes(notebook, ledger):
    with pytest.raises(UsageError, match="add --yes"):
        notebook.run(f"%golem_components {ledger} --delete")

    notebook.run(f"%golem_components {ledger} --delete --yes")

    with pytest.raises(ComponentNotFound):
        notebook.run(f"%golem_components {ledger}")


def test_options_for_one_component_need_its_name(notebook):
    with pytest.raises(UsageError, match="which component"):
        notebook.run("%golem_components --delete")
