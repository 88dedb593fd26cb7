import pytest

from golem_nb.errors import BadInput, UsageError, WorkerExists


def test_a_worker_goes_on_elsewhere_from_a_file(notebook, ledger, tmp_path):
    notebook.run(f"%golem_invoke {ledger}/w add(4)")
    file = tmp_path / "w.golem-worker"

    notebook.run(f"%golem_worker {ledger}/w export {file}")
    assert f"exported {ledger}/w to {file} ({file.stat().st_size:,} bytes)" in notebook.printed
    imported = notebook.run(f"%golem_worker {ledger}/copy import {file}")

    assert f"imported from {file}" in imported.text()
    assert notebook.run(f"%golem_invoke {ledger}/copy add(1)") == 5
    with pytest.raises(WorkerExists):
        notebook.run(f"%golem_worker {ledger}/copy import {file}")


def test_a_file_that_cannot_be_written_or_read_is_named(notebook, ledger, tmp_path):
    notebook.run(f"%golem_worker {ledger}/w new")
    absent = tmp_path / "absent" / "file"

    with pytest.raises(UsageError, match=f"{absent} cannot be written: No such file"):
        notebook.run(f"%golem_worker {ledger}/w export {absent}")
    with pytest.raises(UsageError, match=f"{absent} cannot be read: No such file"):
        notebook.run(f"%golem_worker {ledger}/w import {absent}")


def test_what_is_no_worker_is_refused_and_nothing_is_left_of_an_export_that_failed(notebook, ledger, tmp_path):
    other = tmp_path / "notes.txt"
    other.write_text("notes")

    with pytest.raises(BadInput, match="not a file that a worker was exported to"):
        notebook.run(f"%golem_worker {ledger}/w import {other}")
    with pytest.raises(Exception, match="nobody"):
        notebook.run(f"%golem_worker {ledger}/nobody export {other}")
    assert other.read_text() == "notes"
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []
