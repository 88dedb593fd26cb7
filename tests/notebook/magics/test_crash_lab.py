import pytest

from golem_nb.client.connect import kill_local
from golem_nb.client.remote import RemoteClient
from golem_nb.errors import FunctionNotFound, ServerUnreachable, UsageError
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
        ("w add(1) --at 3 --at-call now", "do not go together"),
        ("w add(1) --everywhere --engine", "do not go together"),
        ("w add(1) --engine", "takes a worker, and no call"),
        ("w add(1) --everywhere --no-recover", "do not go together"),
        ("--engine --no-recover", "do not go together"),
        ("w --at x", "must be a whole number"),
        ("w --at 4", "is at index 4 already: --at takes one that is to come"),
        ("w add(1) --at 2", "is at index 4 already: --at takes one that is to come"),
        ("w --at-call now#x", "must be a whole number"),
    ],
)
def test_what_is_missing_is_said(notebook, ledger, rest, told):
    notebook.run(f"%golem_invoke {ledger}/w add(1)")
    with pytest.raises(UsageError, match=told):
        notebook.run(f"%golem_crash {rest}" if rest.startswith("--") else f"%golem_crash {ledger}/{rest}")


def test_a_call_without_a_result_is_nothing_to_compare_with(notebook, ledger):
    trap = """(component (core module $m (func (export "f") (result i32) unreachable))
(core instance $i (instantiate $m))
(func (export "f") (result u32) (canon lift (core func $i "f"))))"""
    notebook.run(f"%%golem_deploy {ledger}-trap\n{trap}")

    with pytest.raises(UsageError, match="without a crash the call has no result to compare with"):
        notebook.run(f"%golem_crash {ledger}-trap/w f() --everywhere")
    assert names(notebook, f"{ledger}-trap") == []


@pytest.mark.parametrize("method", ["fork_worker", "invoke_and_await"])
def test_an_interrupt_leaves_no_forks(notebook, ledger, monkeypatch, method):
    notebook.run(f"%golem_invoke {ledger}/w add(5)")
    real, seen = getattr(RemoteClient, method), []

    def interrupted(client, *args, **options):
        answer = real(client, *args, **options)
        seen.append(args)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return answer

    monkeypatch.setattr(RemoteClient, method, interrupted)
    with pytest.raises(UsageError, match=r"stopped; the forks .* are deleted"):
        notebook.run(f"%golem_crash {ledger}/w add(1) --everywhere")
    assert names(notebook, ledger) == ["w"]


def test_an_engine_that_ends_meanwhile_is_no_outcome_and_leaves_no_forks(notebook, ledger, data_folder, monkeypatch):
    notebook.run(f"%golem_invoke {ledger}/w add(5)")
    real, seen = RemoteClient.invoke_and_await, []

    def killed(client, *args, **options):
        seen.append(args)
        if len(seen) == 2:
            kill_local(data_folder)
        return real(client, *args, **options)

    monkeypatch.setattr(RemoteClient, "invoke_and_await", killed)
    with pytest.raises(ServerUnreachable):
        notebook.run(f"%golem_crash {ledger}/w add(1) --everywhere")
    assert names(notebook, ledger) == ["w"]


def test_a_call_that_ends_before_the_place_has_not_crashed(notebook, ledger):
    report = notebook.run(f"%golem_crash {ledger}/w add(3) --at 99")

    assert "still crashes when its oplog has come to index 99" in notebook.printed
    assert "crashed  no" in report.text()


@pytest.mark.parametrize("options", ["--everywhere", "--at 99"])
def test_a_call_alone_is_one_of_the_default_worker(notebook, ledger, options):
    notebook.run(f"%golem use {ledger}/w")

    assert f"worker {ledger}/w" in notebook.run(f"%golem_crash add(3) {options}").text()
    assert notebook.run(f"%golem_crash {ledger}/w add(3) --everywhere").is_safe
