import pytest

from golem_nb.errors import BadInput, UsageError
from golem_nb.model import OplogPage, PublicEntry
from golem_nb.notebook.magics import oplog
from tests.notebook.fake import ALICE, AT, FakeClient


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


def test_a_query_and_a_first_index_do_not_go_together(notebook, worker):
    with pytest.raises(UsageError, match="leave --from out"):
        notebook.run(f"%golem_oplog {worker} --from 2 --query add")


class Pages(FakeClient):
    """Answers with pages, one after the other; the last stays."""

    def __init__(self, *pages):
        super().__init__()
        self.pages = list(pages)

    def oplog(self, worker, **options):
        self.asked.append(options)
        return self.pages.pop(0) if len(self.pages) > 1 else self.pages[0]


def page(next_index, *indices):
    entries = tuple(PublicEntry(index, "NoOp", AT, {}) for index in indices)
    return OplogPage(entries, next_index, 1, 9, None if next_index is None else f"{next_index}-0")


def test_the_pages_of_a_search_are_followed_by_their_cursors():
    client = Pages(page(4, 2, 3), page(7), page(None, 8))

    found = [entry.index for entry in oplog.matching_entries(client, ALICE, "q")]

    assert found == [2, 3, 8]
    assert [options.get("cursor") for options in client.asked] == [None, "4-0", "7-0"]
    assert {options["query"] for options in client.asked} == {"q"}


def test_a_server_that_does_not_get_on_is_left():
    client = Pages(page(10, 2))

    assert len(list(oplog.matching_entries(client, ALICE, "q"))) == 2


def test_an_oplog_is_searched(notebook, worker):
    frame = notebook.run(f"%golem_oplog {worker} --query 'exported-function-completed OR create'")

    assert frame["kind"].tolist() == ["Create", "ExportedFunctionCompleted", "ExportedFunctionCompleted"]
    assert frame.index.tolist() == [1, 4, 7]
    assert frame["replayed"].isna().all()
    assert notebook.run(f"%golem_oplog {worker} --query add --count 1").index.tolist() == [2]
    with pytest.raises(BadInput, match="the query is wrong at column"):
        notebook.run(f"%golem_oplog {worker} --query 'add AND'")


def test_two_oplogs_are_compared(notebook, worker, ledger):
    notebook.run(f"%golem_invoke {ledger}/other add(1)")
    diff = notebook.run(f"%golem_oplog {worker} --diff {ledger}/other")

    assert (diff.left, diff.right) == (worker, f"{ledger}/other")
    assert diff.df["left"].notna().sum() == 7 and diff.df["right"].notna().sum() == 4
    assert "go the same way for 4 entries" in str(diff) and "right has nothing more" in str(diff)


def test_an_oplog_is_read_from_a_file(notebook, worker, tmp_path):
    notebook.run(f"log = %golem_oplog {worker}")
    notebook.names["log"].golem.to_jsonl(tmp_path / "log.jsonl")
    notebook.names["folder"] = tmp_path

    frame = notebook.run("%golem_oplog --read {folder}/log.jsonl")
    assert frame["kind"].tolist() == notebook.names["log"]["kind"].tolist()
    assert notebook.run(f"%golem_oplog --read {{folder}}/log.jsonl --diff {worker}").is_same


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ("--kind Erorr", "did you mean Error?"),
        ("--kind Log --diff {worker}", "leave --kind out"),
        ("--read log.jsonl", "leave the worker, --from, --count and --query out"),
        ("--count few", "--count must be a whole number"),
        ("--from 0", "--from must be at least 1"),
        ("--diff", "--diff needs a value"),
    ],
)
def test_what_does_not_go_together_is_one_line(notebook, worker, options, fault):
    with pytest.raises(UsageError, match=fault):
        notebook.run(f"%golem_oplog {worker} {options.replace('{worker}', worker)}")
