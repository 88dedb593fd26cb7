import pytest

from golem_nb.errors import UsageError, WorkerNotFound
from golem_nb.notebook.panes.joined import JoinedStream


def interrupted(*arguments):
    raise KeyboardInterrupt


@pytest.fixture
def worker(notebook, ledger):
    notebook.run(f"%golem_invoke {ledger}/w add(1)")
    return f"{ledger}/w"


def test_a_terminal_prints_the_lines_of_golems_own_command(notebook, worker):
    notebook.run(f"stream = %golem_connect {worker} --for 0.5")
    lines = notebook.printed.splitlines()

    assert [line.partition("] ")[2].split(" (")[0] for line in lines] == [
        "[INVOKE  ] STARTED  add",
        "[INVOKE  ] FINISHED add",
    ]
    assert notebook.names["stream"].is_closed


def test_a_terminals_prompt_for_the_result_is_not_left_empty(notebook, worker):
    notebook.run(f"%golem_connect {worker} --for 0.3")

    assert "]: events of " in notebook.printed.splitlines()[-1]


def test_lines_can_be_left_out(notebook, worker):
    notebook.run(f"stream = %golem_connect {worker} --for 0.3 --no-invocations")

    assert notebook.printed == ""
    assert len(notebook.names["stream"].df) == 2


@pytest.mark.parametrize(
    ("options", "error", "fault"),
    [
        ("--level loud", UsageError, "--level loud is not known"),
        ("--filter '['", UsageError, "no regular expression"),
        ("--for soon", UsageError, "--for must be a number"),
    ],
)
def test_wrong_options_are_refused(notebook, worker, options, error, fault):
    with pytest.raises(error, match=fault):
        notebook.run(f"%golem_connect {worker} {options}")


def test_a_missing_worker_has_no_stream(notebook, ledger):
    with pytest.raises(WorkerNotFound):
        notebook.run(f"%golem_connect {ledger}/nobody")


def test_several_workers_are_one_stream(notebook, worker, ledger):
    notebook.run(f"%golem_invoke {ledger}/v add(1)")
    notebook.run(f"stream = %golem_connect {worker} {ledger}/v --for 0.6")

    assert sorted(line.partition("] ")[2].split(" (")[0] for line in notebook.printed.splitlines()) == sorted(
        f"[INVOKE  ] [{name}] {what} add" for name in (worker, f"{ledger}/v") for what in ("STARTED ", "FINISHED")
    )
    assert set(notebook.names["stream"].df["worker"]) == {worker, f"{ledger}/v"}
    assert notebook.names["stream"].is_closed


def test_one_worker_is_not_given_twice(notebook, worker):
    with pytest.raises(UsageError, match=f"{worker} is given twice"):
        notebook.run(f"%golem_connect {worker} {worker}")


def test_where_one_is_missing_none_is_connected_to(notebook, worker, ledger):
    with pytest.raises(WorkerNotFound):
        notebook.run(f"%golem_connect {worker} {ledger}/nobody")

    session = notebook.shell.magics_manager.registry["GolemMagics"].session
    assert all(stream.is_closed for stream in session.streams)


def test_who_leaves_several_workers_is_told_how_to_come_back(notebook, worker, ledger, monkeypatch):
    notebook.run(f"%golem_invoke {ledger}/v add(1)")
    monkeypatch.setattr(JoinedStream, "wait_for_change", interrupted)

    notebook.run(f"stream = %golem_connect {worker} {ledger}/v")

    last = notebook.printed.splitlines()[-1]
    assert last == f"[STREAM  ] left; the workers go on: %golem_connect {worker} {ledger}/v"
