"""What users get wrong most, and the one line that each of them should see."""

import pytest

from golem_nb.client.connect import engine_process
from golem_nb.errors import GolemError
from golem_nb.notebook.objects import Golem
from tests.notebook.conftest import LEDGER

CALL = "Write: %golem_invoke component/worker function(arguments)"
MISTAKES = [
    # Where the words go.
    ("%golem_invoke", f"which call? {CALL}"),
    ("%golem_invoke till/w", f"which call? {CALL}"),
    ("%golem_invoke till w add(1)", "what is 'w'? Did you mean till/w add(1)?"),
    ("%golem_invoke till add(1)", "'till' names no worker: write component/worker, or `%golem use COMPONENT` before"),
    ("%golem_invoke till/w add", "'add' is not a call; it looks like add(5)"),
    ("%golem_invoke till/w add 5", "arguments are in brackets: did you mean till/w add(5)?"),
    ("%golem_invoke till/w.add(5)", "a blank stands between worker and call: did you mean till/w add(5)?"),
    ("%golem_invoke till/w/add(5)", "a blank stands between worker and call: did you mean till/w add(5)?"),
    ("%golem_invoke till/w add(5) now", f"what is 'now'? {CALL}"),
    ("%golem_invoke /w add(5)", "'/w' names no worker; a target looks like component/worker"),
    ("%golem_oplog", "which worker? name one as component/worker"),
    # Names.
    ("%golem_invoke tlil/w add(5)", "there is no component 'tlil'; did you mean till?"),
    (
        "%golem_invoke till/w print(5)",
        "Can't find exported function in component (print); there are add, sum, work",
    ),
    ("%golem_invoke till/w addd(5)", "Can't find exported function in component (addd); did you mean add?"),
    ("%golem_invoke till/{who} add(5)", "{who} in 'till/{who}': there is no variable who"),
    ("%golem_oplog till/nobody", "Worker not found: till/nobody"),
    ("%golem_worker till/w new", "Worker already exists: till/w"),
    ("%golem_worker till/w updat", "%golem_worker does not know 'updat'; did you mean update?"),
    ("%golem loca", "%golem does not know 'loca'; did you mean local?"),
    ("%golem help invok", "there is no magic invok; did you mean invoke?"),
    # Arguments.
    ("%golem_invoke till/w add(ammount)", "in the arguments: name 'ammount' is not defined; did you mean amount?"),
    (
        "%golem_invoke till/w add({amt: 5})",
        """in the arguments: name 'amt' is not defined; a field is written {"amt": …}""",
    ),
    ("%golem_invoke till/w add('5')", "amount: expected u32, found string '5'"),
    ("%golem_invoke till/w add(-5)", "amount: expected u32 (0 to 4294967295), found -5"),
    ("%golem_invoke till/w add()", "add(amount) also needs amount"),
    ("%golem_invoke till/w add(1, 2)", "add(amount) takes 1 argument, found 2"),
    ("%golem_invoke till/w add(amout=2)", "add(amount) has no parameter amout; did you mean amount?"),
    ("%golem_invoke till/w add(5", "the bracket ( at column 11 is not closed in: till/w add(5"),
    ("%golem_invoke till/w add(a b)", "the arguments are no Python: invalid syntax. Perhaps you forgot a comma?: a b"),
    # Options.
    ("%golem_invoke till/w add(5) --kye k", "unknown option --kye; did you mean --key?"),
    ("%golem_invoke till/w add(5) --out", "--out needs a value: -o/--out VAR"),
    ("%golem_invoke till/w add(5) --out class", "--out class is no name of a variable"),
    ("%golem_invoke till/w add(5) --key a --key b", "--key is given twice"),
    ("%golem_components till --download x.wasm --revision 0", "unknown option --revision; did you mean --version?"),
    ("%golem_components till --download x.wasm --version 1.5", "--version must be a whole number, found '1.5'"),
    ("%golem_components till --download x.wasm --version 9", "Component not found: till, version 9"),
    ("%golem_oplog till/w --count -1", "--count must be a whole number, found '-1'"),
    ("%golem_oplog till/w --from 0", "--from must be at least 1: the oplog begins there"),
    ("%golem_workers till --limit -1", "--limit must be a whole number, found '-1'"),
    ("%golem_workers till --status Fialed", "--status Fialed is not known; did you mean Failed?"),
    # What is not there, and what cannot be undone.
    ("%golem_deploy till", "write: %golem_deploy NAME FILE"),
    ("%golem_deploy till none.wasm", "none.wasm cannot be read: No such file or directory"),
    ("%golem_worker till/w delete", "this deletes till/w and its oplog; add --yes"),
    (
        "%golem remote localhost",
        "'localhost' is no URL; it looks like https://golem.example.org or http://127.0.0.1:9881",
    ),
    ("%%golem_invoke till/w\nadd(1)\nsum", "line 3 of the cell: 'sum' is not a call; it looks like add(5)"),
    ("%%golem_invoke till/w add\namount 5", "line 2 of the cell is no Python: invalid syntax"),
]


@pytest.fixture(scope="module")
def deployed(data_folder):
    client = engine_process(data_folder).client()
    Golem(lambda: client).deploy("till", LEDGER).worker("w").add(1)
    client.close()


@pytest.fixture
def till(notebook, deployed):
    notebook.names["amount"] = 5
    yield
    notebook.names.pop("amount")


@pytest.mark.parametrize(("cell", "line"), MISTAKES, ids=[cell for cell, _ in MISTAKES])
def test_a_mistake_is_one_line_that_says_what_to_write(notebook, till, cell, line):
    with pytest.raises(GolemError) as caught:
        notebook.run(cell)

    assert caught.value._render_traceback_() == [f"{type(caught.value).__name__}: {line}"]


def test_comments_behind_a_line_are_left_alone(notebook, till):
    assert notebook.run("%golem_invoke till/comments sum()   # what isn't (read") == 0


def test_a_variable_may_stand_before_the_line(notebook, till):
    value = notebook.run("%golem_invoke total << till/bound add(7) --key once")

    assert value == notebook.names["total"] == 7
