from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest

from golem_nb.client.remote import RemoteClient
from golem_nb.errors import (
    FunctionNotFound,
    InvocationFailed,
    PreviousInvocationFailed,
    UsageError,
    ValueMismatch,
    WaitTimeout,
    WorkerNotFound,
)
from golem_nb.notebook import progress
from golem_nb.notebook.magics.invoke import read_calls
from golem_nb.notebook.surroundings import Place, Surroundings


def test_a_call_returns_its_value_and_makes_the_worker(notebook, ledger):
    assert notebook.run(f"%golem_invoke {ledger}/w add(5)") == 5
    assert f"new worker {ledger}/w" in notebook.printed
    assert notebook.run(f"%golem_invoke {ledger}/w add(amount=2)") == 7
    assert "new worker" not in notebook.printed


def test_a_near_name_is_asked_about_when_a_worker_is_made(notebook, ledger):
    notebook.run(f"%golem_invoke {ledger}/alice add(1)")
    notebook.run(f"%golem_invoke {ledger}/alise add(1)")

    assert "did you mean alice" in notebook.printed


def test_the_same_key_runs_once_and_says_so(notebook, ledger):
    notebook.run(f"%golem_invoke {ledger}/w add(5) --key k")
    again = notebook.run(f"%golem_invoke {ledger}/w add(5) --key k")

    assert again == 5
    assert "key k was seen before: replayed from #3, nothing ran" in notebook.printed


def test_a_known_key_is_told_where_nobody_waits(notebook, ledger):
    notebook.run(f"%golem_invoke {ledger}/w add(5) --key k --trigger")
    assert "accepted; its key: k" in notebook.printed
    notebook.run(f"%golem_invoke {ledger}/w add(5) --key k")
    notebook.run(f"%golem_invoke {ledger}/w add(5) --key k --trigger")

    assert "key k was seen before: nothing else will run" in notebook.printed


def test_a_key_with_quotes_is_found_again(notebook, ledger):
    line = f"""%golem_invoke {ledger}/w add(5) --key 'a "b" \\ c'"""
    notebook.run(line)
    notebook.run(line)

    assert "replayed from #3, nothing ran" in notebook.printed


def test_a_dash_makes_and_shows_a_key(notebook, ledger):
    notebook.run(f"%golem_invoke {ledger}/w add(5) --key -")

    assert "key: " in notebook.printed


def test_trigger_does_not_wait(notebook, ledger):
    value = notebook.run(f"%golem_invoke {ledger}/w add(5) --trigger --key t")

    assert value is None
    assert "accepted; its key: t" in notebook.printed
    assert notebook.run(f"%golem_invoke {ledger}/w sum()") == 5


def test_a_wait_that_is_over_says_how_to_go_on(notebook, ledger):
    with pytest.raises(WaitTimeout, match=rf"%golem_invoke {ledger}/w work\(2000000000, 1\) --key "):
        notebook.run(f"%golem_invoke {ledger}/w work(2000000000, 1) --timeout 0.2")

    notebook.run(f"%golem_worker {ledger}/w delete --yes")


@pytest.mark.parametrize(
    ("call", "error", "fault"),
    [
        ("add('x')", ValueMismatch, "amount: expected u32, found string 'x'"),
        ("add()", UsageError, "also needs amount"),
        ("ad(1)", FunctionNotFound, "did you mean add"),
        ("add(nope)", UsageError, "nope"),
        ("add", UsageError, "is not a call"),
        ("add(1) sub(1)", UsageError, "what is"),
    ],
)
def test_a_wrong_call_is_refused_before_it_is_sent(notebook, ledger, call, error, fault):
    with pytest.raises(error, match=fault):
        notebook.run(f"%golem_invoke {ledger}/w {call}")


def test_a_cell_with_a_function_has_its_parameters(notebook, ledger):
    notebook.names["n"] = 4

    assert notebook.run(f"%%golem_invoke {ledger}/w add\namount = n + 1") == 5
    assert notebook.run(f"%%golem_invoke {ledger}/w add\n[n]") == 9


def test_a_cell_with_a_worker_has_one_call_on_each_line(notebook, ledger):
    frame = notebook.run(f"%%golem_invoke {ledger}/w\nr = add(1)\n\n@key once\nadd(10)\n@key once\nadd(10)\nadd(r)")

    assert frame["result"].tolist() == [1, 11, 11, 12]
    assert frame["ok"].all()
    assert frame["replayed"].tolist() == [False, False, True, False]
    assert frame["first_index"].isna().tolist() == [False, False, True, False]
    assert notebook.names["r"] == 1


def test_calls_stop_at_the_first_failure(notebook, ledger):
    with pytest.raises(ValueMismatch):
        notebook.run(f"%%golem_invoke {ledger}/w\nadd(1)\nadd('x')\nadd(1)")

    assert notebook.run(f"%golem_invoke {ledger}/w sum()") == 1


def test_calls_go_on_when_asked_to(notebook, ledger):
    frame = notebook.run(f"%%golem_invoke {ledger}/w --keep-going\nadd(1)\nadd('x')\nadd(1)")

    assert frame["ok"].tolist() == [True, False, True]
    assert "expected u32" in frame["error"][1]
    assert pd.isna(frame["error"][0])


def test_the_lines_of_a_cell_are_read_with_their_numbers():
    lines = list(read_calls("# a\n@key k\nx = add(\n  1)\n\nsum()"))

    assert [(line.number, str(line.call), line.variable, line.key) for line in lines] == [
        (4, "add(\n  1)", "x", "k"),
        (7, "sum()", None, None),
    ]


def test_comments_stand_behind_calls_keys_and_within_brackets():
    lines = list(read_calls("@key 'a b' # why\nü = add(1)  # it's one\nadd(  # don't\n  2)"))

    assert [(str(line.call), line.variable, line.key) for line in lines] == [
        ("add(1)", "ü", "a b"),
        ("add(  # don't\n  2)", None, None),
    ]


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("add(1)\nadd", "line 3 of the cell"),
        ("add(1) sum()", "line 2 .*is not a call"),
        ("@key", "line 2 of the cell: write @key K"),
        ("@keyabc\nsum()", "line 2 of the cell: write @key K"),
        ("@key a\n@key b\nsum()", "line 3 of the cell: the call below has a key already, of line 2"),
        ("sum()\n@key a", "line 3 of the cell: @key stands above a call, and none is below"),
        ("class = sum()", "line 2 of the cell: class is no name of a variable"),
        ("add(1", "not closed"),
    ],
)
def test_a_line_that_is_no_call_is_named(body, fault):
    with pytest.raises(UsageError, match=fault):
        list(read_calls(body))


def test_a_handler_of_http_is_called_with_a_request(notebook):
    wat = Path(__file__).parent.parent.parent / "components" / "handler.wat"
    notebook.run(f"%golem_deploy handler {wat}")
    notebook.run("""
request = {"method": "GET", "scheme": "HTTP", "authority": "a.example", "path_and_query": "/x", "headers": [],
           "body_and_trailers": {"content": b"hello", "trailers": None}}
""")

    answer = notebook.run("%golem_invoke handler/w golem:http/incoming-handler.{handle}(request)")

    assert answer["status"] == 201
    assert bytes(answer["body_and_trailers"]["content"]) == b"hello"


def test_a_form_needs_somebody_who_looks_on(notebook, ledger):
    shown = notebook.run(f"%golem_invoke {ledger}/w add --form")

    assert "add(amount: u32) -> u32" in shown.text()
    assert "forms need a notebook that somebody looks at" in shown.text()
    with pytest.raises(FunctionNotFound):
        notebook.run(f"%golem_invoke {ledger}/w nothing --form")
    with pytest.raises(UsageError, match="which function"):
        notebook.run("%golem_invoke --form")


@pytest.mark.parametrize(
    "line",
    [
        "%golem_invoke {}/w add()",
        "%golem_crash {}/w sum() --everywhere",
    ],
)
def test_a_worker_that_is_not_made_is_not_called_new(notebook, ledger, line):
    with suppress(UsageError):
        notebook.run(line.format(ledger))

    assert "new worker" not in notebook.printed
    assert "w" not in notebook.shell.magics_manager.registry["GolemMagics"].session.seen_workers.get(ledger, ())


def test_a_worker_of_then_must_have_been(notebook, ledger):
    with pytest.raises(WorkerNotFound):
        notebook.run(f"%golem_invoke {ledger}/w sum() --at 2")

    assert "new worker" not in notebook.printed


@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        ("%golem_invoke {}/w sum() --keep-going", "--keep-going is for a cell of several calls"),
        ("%%golem_invoke {}/w add --keep-going\n[1]", "--keep-going is for a cell of several calls"),
        ("%%golem_invoke {}/w add --form\n[1]", "--form asks for the parameters itself"),
    ],
)
def test_options_of_other_forms_are_refused(notebook, ledger, cell, fault):
    with pytest.raises(UsageError, match=fault):
        notebook.run(cell.format(ledger))


def test_form_takes_the_function_of_a_resource(notebook):
    wat = Path(__file__).parent.parent.parent / "components" / "counters.wat"
    notebook.run(f"%golem_deploy counters-form {wat}")

    shown = notebook.run("%golem_invoke counters-form/w counter(10).inc_by --form")

    assert "(n: u64)" in repr(shown)


def test_of_a_worker_that_failed_it_is_said_how_it_goes_on(notebook):
    host = Path(__file__).parent.parent.parent / "components" / "host.wat"
    notebook.run(f"%golem_deploy host-failed {host}")
    with pytest.raises(InvocationFailed):
        notebook.run("%golem_invoke host-failed/w ticks(1, True)")
    with pytest.raises(PreviousInvocationFailed):
        notebook.run("%golem_invoke host-failed/w say('x')")

    assert "`%golem_worker host-failed/w revert --last 1` takes that back" in notebook.printed
    notebook.run("%golem_worker host-failed/w revert --last 1")
    notebook.run("%golem_invoke host-failed/w say('x')")


def test_an_interrupt_ends_a_cell_of_calls_that_keeps_going(notebook, ledger, monkeypatch):
    asked = []

    def interrupted(client, worker, function, *rest, **options):
        asked.append(function)
        raise KeyboardInterrupt

    monkeypatch.setattr(RemoteClient, "invoke_and_await", interrupted)

    with pytest.raises(WaitTimeout, match="stopped waiting; the worker goes on"):
        notebook.run(f"%%golem_invoke {ledger}/w --keep-going\nadd(1)\nsum()")
    assert asked == ["add"]


def test_a_cell_of_calls_tells_how_far_it_is(notebook, ledger, monkeypatch):
    monkeypatch.setattr(progress, "FIRST_S", 0.0)

    notebook.run(f"%%golem_invoke {ledger}/w\nadd(1)\nwork(100000000, 1)")

    assert f"2 calls of {ledger}/w: done after" in notebook.printed


def test_a_form_shows_what_the_worker_prints(notebook, monkeypatch):
    host = Path(__file__).parent.parent.parent / "components" / "host.wat"
    notebook.run(f"%golem_deploy host-form {host}")
    monkeypatch.setattr(Surroundings, "place", Place.LIVE)
    shown = notebook.run("%golem_invoke host-form/w say --form")
    text, button, said = shown.children

    text.value = "<hello>"
    button.click()

    assert "[STDOUT  ] &lt;hello&gt;" in said.value and "done" in said.value
