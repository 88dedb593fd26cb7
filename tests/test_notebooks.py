"""Every notebook of the project runs from top to bottom, on a fresh data folder."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from golem_nb.client.connect import stop_local

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
# Runs where the runtime of Python workers can be built: tests/toolchains.
IN_PYTHON = [path for path in NOTEBOOKS if path.stem == "03_workers_in_python"]

# Jupyter's own: its kernel says on stderr, and as a warning, what it thinks of TCP.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")]


def executed(path, folder, monkeypatch):
    monkeypatch.setenv("GOLEM_NB_DIR", str(folder / "data"))
    monkeypatch.setenv("IPYTHONDIR", str(folder / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(folder / "run"))
    notebook = nbformat.read(path, as_version=4)
    try:
        NotebookClient(
            notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
        ).execute()
    finally:
        stop_local(folder / "data")
    return notebook


def texts(notebook):
    """Yield (source, text of the outputs) of each code cell."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            parts = (o.get("text") or o.get("data", {}).get("text/plain", "") for o in cell.outputs)
            yield cell.source, "\n".join(parts)


@pytest.mark.parametrize("path", [p for p in NOTEBOOKS if p not in IN_PYTHON], ids=lambda path: path.stem)
def test_a_notebook_runs_without_an_error(path, tmp_path, monkeypatch):
    notebook = executed(path, tmp_path, monkeypatch)

    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert outputs
    assert [output for output in outputs if output.output_type == "error"] == []
    assert not any("UsageError:" in output.get("text", "") for output in outputs)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)

    nbformat.validate(notebook)
    assert all(not cell.outputs for cell in notebook.cells if cell.cell_type == "code")


def test_the_quick_start_shows_what_it_promises(tmp_path, monkeypatch):
    shown = dict(texts(executed(NOTEBOOKS[0], tmp_path, monkeypatch)))

    assert "10" in shown["amount = 5\ntotal = %golem_invoke counter/c1 add(amount * 2)\ntotal"]
    assert "got signal 9" in shown["world.wait_until(4)\n%golem_crash --engine steps/first"]
    assert "{'ok': 12}" in "\n".join(shown.values())
    # Without a reader at the screen the stream is text, and ends with the notebook.
    assert "[STDOUT  ] step 12" in shown["events = %golem_connect steps/first"]


def test_the_second_notebook_updates_undoes_and_forks(tmp_path, monkeypatch):
    (path,) = (p for p in NOTEBOOKS if p.stem == "02_update_undo_fork")

    seen = dict(texts(executed(path, tmp_path, monkeypatch)))

    failed = seen["%golem_worker account/ann update --wait"]
    assert "entry 4 records the result 20, but the component now does return 19" in failed
    assert "updated from version 0 to 1" in seen["%golem_worker account/ann update --mode manual --wait"]
    forked = next(text for source, text in seen.items() if source.startswith("bob = "))
    assert "(1042, 42)" in forked
    assert "Revert" in seen['%golem_oplog account/ann --query "update OR revert"']
    assert "replayed    10 entries" in seen["%golem_crash account/carl"]
