import socket

import pytest

from golem_nb.errors import BadInput, UsageError, WaitTimeout, WorkerNotFound
from golem_nb.notebook.magics.registry import VERBS
from golem_nb.notebook.views import Text


def test_every_magic_is_known_to_the_shell(notebook):
    known = notebook.shell.magics_manager.magics

    assert all(verb.name in known["line"] for verb in VERBS)
    assert sorted(name for name in known["cell"] if name.startswith("golem")) == ["golem_deploy", "golem_invoke"]


def test_a_result_is_bound_and_shown(notebook, ledger):
    value = notebook.run(f"%golem_invoke {ledger}/w add(2) --out total")

    assert value == notebook.names["total"] == 2


@pytest.mark.parametrize("end", [" -q", ";", " --quiet"])
def test_quiet_binds_and_shows_nothing(notebook, ledger, end):
    value = notebook.run(f"%golem_invoke {ledger}/w add(2) --out total{end}")

    assert value is None
    assert notebook.names["total"] == 2


def test_a_result_can_be_assigned(notebook, ledger):
    notebook.run(f"r = %golem_invoke {ledger}/w add(3)")

    assert notebook.names["r"] == 3


def test_out_must_be_a_name(notebook):
    with pytest.raises(UsageError, match="--out 5 is no name"):
        notebook.run("%golem_components --out 5")


def test_help_is_an_option_of_every_magic(notebook):
    assert all(isinstance(notebook.run(f"%{verb.name} --help"), Text) for verb in VERBS)


def test_local_names_of_a_function_are_arguments(notebook, ledger):
    notebook.run(
        f"def f(mine):\n    return get_ipython().run_line_magic('golem_invoke', '{ledger}/w add(mine)')\nout = f(4)"
    )

    assert notebook.names["out"] == 4


def test_an_error_is_one_line_without_a_traceback(notebook):
    with pytest.raises(UsageError) as caught:
        notebook.run("%golem_oplog")

    assert caught.value._render_traceback_() == ["UsageError: which worker? name one as component/worker"]


OTHER = "11111111-1111-4111-8111-111111111111"


def test_another_environment_is_used_this_once(notebook, ledger):
    there = notebook.run(f"%golem_components --env-id {OTHER}")
    here = notebook.run("%golem_components")

    assert ledger not in set(there["component"]) and ledger in set(here["component"])


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("%golem_components --env-id here", "--env-id"),
        ("%golem_components --timeout soon", "--timeout must be a number of seconds, found 'soon'"),
        ("%golem_components -t 0", "--timeout must be a number of seconds"),
        (f"%golem --env-id {OTHER}", "`%golem remote URL --env UUID` chooses"),
    ],
)
def test_terms_that_cannot_be_held_to_are_refused(notebook, line, fault):
    with pytest.raises(BadInput, match=fault):
        notebook.run(line)


def test_an_answer_is_waited_for_as_long_as_is_said(notebook, ledger):
    assert ledger in set(notebook.run("%golem_components -t 30")["component"])
    with socket.create_server(("127.0.0.1", 0)) as silent:
        notebook.run(f"%config GolemMagics.target = 'http://127.0.0.1:{silent.getsockname()[1]}'")
        with pytest.raises(WaitTimeout, match="not answered in time"):
            notebook.run("%golem_components -t 0.2")


def test_quiet_shows_no_lines_and_no_output_either(notebook, ledger):
    notebook.run(f"%golem_invoke {ledger}/new add(2) --key k -q")
    notebook.run(f"%golem_invoke {ledger}/new add(2) --key k;")

    assert notebook.printed == ""


def test_quiet_shows_its_error(notebook):
    with pytest.raises(UsageError, match="which worker"):
        notebook.run("%golem_oplog -q")


def test_an_error_of_the_line_itself_is_kept_for_debug(notebook):
    with pytest.raises(UsageError):
        notebook.run("%golem_oplog --nope")

    assert "unknown option --nope" in notebook.run("%golem_debug").text()


def test_interrupting_any_magic_is_one_line(notebook, monkeypatch):
    session = notebook.shell.magics_manager.registry["GolemMagics"].session

    def stop():
        raise KeyboardInterrupt

    monkeypatch.setattr(session, "client", stop)

    with pytest.raises(WaitTimeout, match="stopped waiting"):
        notebook.run("%golem_components")


def test_completion_knows_workers_that_are_there(notebook, ledger):
    seen = notebook.shell.magics_manager.registry["GolemMagics"].session.seen_workers
    notebook.run(f"%golem_invoke {ledger}/w add(1)")
    with pytest.raises(WorkerNotFound):
        notebook.run(f"%golem_worker {ledger}/typo")
    assert seen[ledger] == {"w"}

    notebook.run(f"%golem_worker {ledger}/w delete --yes")
    assert seen[ledger] == set()

    notebook.run(f"%golem_components {ledger} --delete --yes")
    assert ledger not in seen


def test_a_target_may_be_in_quotes(notebook, ledger):
    assert notebook.run(f"%golem_invoke '{ledger}/ünï' add(2)") == 2
    assert notebook.run(f'%golem_components "{ledger}"').name == ledger


def test_a_line_that_failed_otherwise_leaves_nothing_to_the_next(notebook, ledger, monkeypatch):
    """Its worker was offered by Tab, as if the next line had been about it."""
    session = notebook.shell.magics_manager.registry["GolemMagics"].session

    def fail(self, worker):
        raise ZeroDivisionError

    monkeypatch.setattr(type(session.client()), "worker", fail)
    with pytest.raises(ZeroDivisionError):
        notebook.run(f"%golem_worker {ledger}/ghost")
    monkeypatch.undo()

    notebook.run("%golem_components")

    assert "ghost" not in session.seen_workers.get(ledger, ())
