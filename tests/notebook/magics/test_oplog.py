import pytest

from golem_nb.errors import UsageError
from golem_nb.notebook.magics import oplog


@pytest.fixture
def worker(notebook, ledger):
    notebook.run(f"%%golem_invoke {ledger}/w\nadd(1)\nadd(2)")
    return f"{ledger}/w"


def test_the_oplog_is_a_frame_with_its_views(notebook, worker):
    frame = notebook.run(f"%golem_oplog {worker}")

    assert frame.index.tolist() == list(range(1, 8))
    assert frame.golem.invocations()["result"].tolist() == [1, 3]
    assert frame.attrs["golem"]["worker"] == "w"


def test_pages_are_followed(notebook, worker, monkeypatch):
    monkeypatch.setattr(oplog, "PAGE", 2)

    assert len(notebook.run(f"%golem_oplog {worker}")) == 7


def test_a_part_is_chosen_by_index_and_count(notebook, worker):
    frame = notebook.run(f"%golem_oplog {worker} --from 3 --count 2")

    assert frame.index.tolist() == [3, 4]


def test_a_kind_is_chosen_and_checked(notebook, worker):
    frame = notebook.run(f"%golem_oplog {worker} --kind ExportedFunctionCompleted")

    assert frame["response"].tolist() == [1, 3]
    with pytest.raises(UsageError, match="--kind Nope is not known"):
        notebook.run(f"%golem_oplog {worker} --kind Nope")


def test_what_was_replayed_is_marked_after_a_crash(notebook, worker):
    notebook.run(f"%golem_crash {worker}")
    notebook.run(f"%golem_invoke {worker} add(0)")

    frame = notebook.run(f"%golem_oplog {worker}")

    assert frame["replayed"].tolist() == [True, False, True, True, False, True, True, False, False, False]


def test_the_index_begins_at_one(notebook, worker):
    with pytest.raises(UsageError, match="at least 1"):
        notebook.run(f"%golem_oplog {worker} --from 0")
