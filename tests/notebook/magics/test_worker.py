import pytest

from golem_nb.errors import UsageError, WorkerExists, WorkerNotFound
from golem_nb.model import WorkerStatus


def test_a_worker_is_made_with_arguments_and_environment(notebook, ledger):
    made = notebook.run(f"%golem_worker {ledger}/w new --arg one --arg two -e A=1 -e B=x=y")

    assert made.metadata.args == ("one", "two")
    assert made.metadata.env == {"A": "1", "B": "x=y"}
    with pytest.raises(WorkerExists):
        notebook.run(f"%golem_worker {ledger}/w new")


def test_a_worker_is_shown(notebook, ledger):
    notebook.run(f"%golem_invoke {ledger}/w add(1)")

    shown = notebook.run(f"%golem_worker {ledger}/w")

    assert shown.status is WorkerStatus.IDLE
    assert "last oplog index  4" in shown.text()


def test_a_busy_worker_is_interrupted_and_resumed(notebook, ledger):
    notebook.run(f"%golem_invoke {ledger}/w work(2000000000, 1) --trigger")

    interrupted = notebook.run(f"%golem_worker {ledger}/w interrupt")
    resumed = notebook.run(f"%golem_worker {ledger}/w resume")
    notebook.run(f"%golem_worker {ledger}/w delete --yes")

    assert interrupted.status is WorkerStatus.INTERRUPTED
    assert "`resume` goes on" in interrupted.text()
    assert resumed.metadata.worker_id.name == "w"


def test_interrupting_an_idle_worker_says_that_nothing_ran(notebook, ledger):
    notebook.run(f"%golem_invoke {ledger}/w add(1)")

    assert "nothing ran" in notebook.run(f"%golem_worker {ledger}/w interrupt").text()


def test_deleting_needs_yes(notebook, ledger):
    notebook.run(f"%golem_worker {ledger}/w new")
    with pytest.raises(UsageError, match="add --yes"):
        notebook.run(f"%golem_worker {ledger}/w delete")

    notebook.run(f"%golem_worker {ledger}/w delete --yes")

    with pytest.raises(WorkerNotFound, match=f"not found: {ledger}/w"):
        notebook.run(f"%golem_worker {ledger}/w")


@pytest.mark.parametrize("rest", ["dance", "new -e novalue", "new more"])
def test_other_forms_are_refused(notebook, ledger, rest):
    with pytest.raises(UsageError):
        notebook.run(f"%golem_worker {ledger}/w {rest}")
