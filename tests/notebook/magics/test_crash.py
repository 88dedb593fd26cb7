import os

import pytest

from golem_nb.client.connect import running_engine
from golem_nb.errors import WorkerNotFound
from golem_nb.model import WorkerStatus
from tests.engine.conftest import until
from tests.engine.test_shadows import DICE


def test_a_crashed_worker_has_its_state_again(notebook, ledger):
    notebook.run(f"%golem_invoke {ledger}/w add(5)")

    report = notebook.run(f"%golem_crash {ledger}/w")

    assert report.died_at == 4
    assert notebook.run(f"%golem_invoke {ledger}/w sum()") == 5


def test_the_report_of_an_idle_worker_waits_until_all_is_replayed(notebook, ledger):
    for amount in range(100):
        notebook.run(f"%golem_invoke {ledger}/w add({amount})")

    report = notebook.run(f"%golem_crash {ledger}/w")

    assert report.replayed == 200  # each call and its end
    assert report.died_at == 301


def test_the_report_of_a_worker_without_calls_does_not_wait(notebook, ledger):
    notebook.run(f"%golem_worker {ledger}/new new")

    report = notebook.run(f"%golem_crash {ledger}/new")

    assert (report.died_at, report.replayed) == (1, 0)


def test_a_killed_engine_is_another_process_with_the_same_workers(notebook, ledger, data_folder):
    notebook.run(f"%golem_invoke {ledger}/w add(5)")
    before = running_engine(data_folder).pid

    report = notebook.run(f"%golem_crash --engine {ledger}/w")

    assert report.pids == (before, running_engine(data_folder).pid)
    assert not os.path.exists(f"/proc/{before}")
    assert "signal 9" in report.text() and "signal 9" in report.html()
    assert notebook.run(f"%golem_invoke {ledger}/w sum()") == 5


def test_a_worker_under_way_finishes_after_the_crash(notebook, ledger):
    notebook.run(f"%golem_invoke {ledger}/w work(300000000, 7) --key k --trigger")

    report = notebook.run(f"%golem_crash --engine {ledger}/w")

    assert report.died_at == 3
    assert notebook.run(f"%golem_invoke {ledger}/w work(300000000, 7) --key k") == 7
    assert notebook.run(f"%golem_invoke {ledger}/w sum()") == 7


def test_a_missing_worker_cannot_crash(notebook, ledger):
    with pytest.raises(WorkerNotFound):
        notebook.run(f"%golem_crash {ledger}/nobody")


def test_a_worker_that_is_left_is_taken_up_by_what_is_asked_next(notebook, ledger):
    notebook.run(f"%golem_invoke {ledger}/w add(5)")

    report = notebook.run(f"%golem_crash {ledger}/w --no-recover")

    assert (report.died_at, report.replayed, report.live_after_ms) == (4, None, None)
    assert "was left so" in report.text() and "back after" not in report.text()
    assert notebook.run(f"%golem_invoke {ledger}/w sum()") == 5


@pytest.fixture
def drawer(notebook, ledger):
    """A component whose workers draw a random number."""
    text = DICE.replace("{start}", "0")
    notebook.run(f"%%golem_deploy {ledger}-dice\n{text}")
    return f"{ledger}-dice"


def test_a_call_can_be_left_in_its_middle(notebook, drawer):
    report = notebook.run(f"%golem_crash {drawer}/w draw() --at-call random --no-recover")

    assert (report.status, report.died_at) == (WorkerStatus.RUNNING, 4)
    assert "--key" in report.what  # how its result is had
    kinds = notebook.run(f"%golem_oplog {drawer}/w")["kind"].tolist()
    assert kinds == ["Create", "PendingWorkerInvocation", "ExportedFunctionInvoked", "ImportedFunctionInvoked"]
    notebook.run(f"%golem_worker {drawer}/w resume")
    until(lambda: notebook.run(f"%golem_oplog {drawer}/w")["kind"].tolist()[4:] == ["ExportedFunctionCompleted"])


def test_a_call_that_ends_before_is_said(notebook, drawer):
    assert notebook.run(f"%golem_crash {drawer}/w draw() --at 99 --no-recover") is None
    assert "the call ended before it came there" in notebook.printed
