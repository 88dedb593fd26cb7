import pytest

from golem_nb.errors import BadInput, UsageError
from tests.notebook.conftest import LEDGER


@pytest.fixture
def added(notebook, ledger):
    """A worker to which 1, 2 and 3 were added: entries 2 to 4, 5 to 7, 8 to 10."""
    for amount in (1, 2, 3):
        notebook.run(f"%golem_invoke {ledger}/w add({amount})")
    return f"{ledger}/w"


def test_a_worker_is_seen_and_asked_as_it_was(notebook, added):
    then = notebook.run(f"%golem_replay {added} --to 7")

    assert (then.is_same, then.index, then.call("sum"), then.call("add", 10)) == (True, 7, 3, 13)
    assert then.at(4).call("sum") == 1
    assert "as it was at index 7: 4 entries met, all the same" in then.text()
    assert "▶     7  ExportedFunctionCompleted" in then.text()
    assert "<script" not in then.html() and "is untouched" in then.html()
    assert notebook.run(f"%golem_invoke {added} sum()") == 6


def test_a_call_at_an_index_leaves_the_worker_alone(notebook, added):
    assert notebook.run(f"%golem_invoke {added} add(5) --at 7") == 8
    assert "as it was at index 7; the worker is untouched" in notebook.printed
    assert notebook.run(f"%golem_invoke {added} sum() --at 9") == 3
    assert "as it was at index 8, before the next began" in notebook.printed
    assert notebook.run(f"%golem_invoke {added} sum()") == 6
    with pytest.raises(BadInput, match="between 1 and 13, found 99"):
        notebook.run(f"%golem_invoke {added} sum() --at 99")
    with pytest.raises(UsageError, match="--at are for one call"):
        notebook.run(f"%%golem_invoke {added} --at 3\nsum()")


def test_a_check_that_fails_is_an_error_and_shows_both_sides(notebook, added, ledger):
    other = '(component (core module $m (func (export "add") (param i32) (result i32) (i32.const 1)) \
(func (export "sum") (result i32) (i32.const 9))) (core instance $i (instantiate $m)) \
(func (export "add") (param "amount" u32) (result u32) (canon lift (core func $i "add"))) \
(func (export "sum") (result u32) (canon lift (core func $i "sum"))))'
    notebook.run(f"%%golem_deploy {ledger} --lang wat\n{other}")

    differs = notebook.run(f"%golem_replay {added} --version 1")

    assert (differs.is_same, differs.difference.index) == (False, 7)
    assert (differs.difference.recorded, differs.difference.now) == ("the result 3", "return 1")
    assert "goes another way on version 1 at index 7" in differs.text()
    with pytest.raises(UsageError, match="goes another way on version 1 at index 7"):
        notebook.run(f"%golem_replay {added} --version 1 --check")
    assert notebook.run(f"%golem_replay {added} --version 0 --check").is_same


@pytest.mark.parametrize("pair", ["5", "5=", "x=1", "5=1,2", "5=a=1"])
def test_an_override_that_is_none_says_how_to_write_it(notebook, added, pair):
    with pytest.raises(UsageError, match=r"--override|in the arguments"):
        notebook.run(f"%golem_replay {added} --override {pair}")


def test_a_saved_history_is_met_too(notebook, added, ledger, tmp_path):
    file, other = tmp_path / "w.golem-worker", tmp_path / "other.wat"
    notebook.run(f"%golem_worker {added} export {file}")
    other.write_text(LEDGER.read_text().replace("i32.add", "i32.sub"))

    assert notebook.run(f"%golem_replay {file} --component {ledger} --check").is_same
    differs = notebook.run(f"%golem_replay {file} --component {other}")

    assert (differs.is_same, differs.difference.index) == (False, 4)
    assert "goes another way at index 4" in differs.text()
    with pytest.raises(UsageError, match="goes another way at index 4"):
        notebook.run(f"%golem_replay {file} --component {other} --check")
    with pytest.raises(BadInput, match="cannot be read"):
        notebook.run(f"%golem_replay {tmp_path / 'absent'} --component {ledger}")
    with pytest.raises(UsageError, match="is a file, and has none"):
        notebook.run(f"%golem_replay {file} --component {other} --version 1")


def test_a_worker_is_made_of_the_past(notebook, added, ledger):
    notebook.run(f"%golem_replay {added} --to 7 --fork then")

    assert f"{ledger}/then goes on from index 7" in notebook.printed
    assert notebook.run(f"%golem_invoke {ledger}/then sum()") == 3
    with pytest.raises(UsageError, match="--fork makes a worker of what is recorded"):
        notebook.run(f"%golem_replay {added} --version 0 --fork other")


def test_a_slider_needs_somebody_who_looks_on(notebook, added):
    assert notebook.run(f"%golem_replay {added} --to 7 --slider").index == 7


def test_only_calls_have_answers(notebook, added):
    with pytest.raises(BadInput, match="entry 3 is ExportedFunctionInvoked"):
        notebook.run(f"%golem_replay {added} --override 3=5")


def test_a_call_has_one_other_answer(notebook, added):
    with pytest.raises(UsageError, match="--override 4 is given twice"):
        notebook.run(f"%golem_replay {added} --override 4=5 --override 4=6")
