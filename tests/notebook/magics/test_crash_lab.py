import pytest

from golem_nb.errors import FunctionNotFound, UsageError
from golem_nb.notebook.crash_grid import Outcome


def names(notebook, ledger):
    return notebook.run(f"%golem_workers {ledger}")["worker"].tolist()


def test_a_call_survives_a_crash_behind_each_of_its_entries(notebook, ledger):
    notebook.run(f"%golem_invoke {ledger}/w add(5)")

    grid = notebook.run(f"%golem_crash {ledger}/w add(3) --everywhere")

    assert [run.kind for run in grid.runs] == [
        "PendingWorkerInvocation",
        "ExportedFunctionInvoked",
        "ExportedFunctionCompleted",
    ]
    assert (grid.survived, grid.points, grid.is_safe, grid.wanted) == (3, 3, True, "8")
    assert {run.outcome for run in grid.runs} == {Outcome.SAME}
    assert grid.frame()["index"].tolist() == [5, 6, 7]
    # The worker itself was not asked, and the copies are gone.
    assert notebook.run(f"%golem_invoke {ledger}/w sum()") == 5
    assert names(notebook, ledger) == ["w"]


def test_a_worker_that_is_not_there_yet_is_none_behind_it(notebook, ledger):
    assert notebook.run(f"%golem_crash {ledger}/new add(3) --everywhere").is_safe
    assert names(notebook, ledger) == []


def test_a_call_that_cannot_be_leaves_no_copies(notebook, ledger):
    with pytest.raises(FunctionNotFound):
        notebook.run(f"%golem_crash {ledger}/w nothing() --everywhere")
    assert names(notebook, ledger) == []


@pytest.mark.parametrize(
    ("rest", "told"),
    [
        ("w --everywhere", "which call"),
        ("w add(1)", "where is it to crash"),
        ("w add(1) --at 3 --at-call now", "two points"),
        ("w --at x", "must be a whole number"),
        ("w --at-call now#x", "must be a whole number"),
    ],
)
def test_what_is_missing_is_said(notebook, ledger, rest, told):
    with pytest.raises(UsageError, match=told):
        notebook.run(f"%golem_crash {ledger}/{rest}")
