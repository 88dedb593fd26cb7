import pytest

from golem_nb.errors import UsageError, WorkerExists, WorkerNotFound
from golem_nb.model import WorkerId, WorkerStatus
from golem_nb.notebook.magics.worker import VERB, data_of
from tests.notebook.fake import ALICE, SHOP, FakeClient, use


def test_a_worker_is_made_with_arguments_and_environment(notebook, ledger):
    made = notebook.run(f"%golem_worker {ledger}/w new --arg one --arg two -e A=1 -e B=x=y --config mode=dry")

    assert made.metadata.args == ("one", "two")
    assert made.metadata.env == {"A": "1", "B": "x=y"}
    assert made.metadata.config == {"mode": "dry"}
    assert "config            mode=dry" in made.text()
    with pytest.raises(WorkerExists):
        notebook.run(f"%golem_worker {ledger}/w new")


@pytest.mark.parametrize("option", ["-e", "--config"])
def test_a_pair_without_its_name_or_value_is_refused(notebook, ledger, option):
    for pair in ("A", "=1"):
        with pytest.raises(UsageError, match=f"{option} {pair}: write NAME=VALUE"):
            notebook.run(f"%golem_worker {ledger}/w new {option} {pair}")


def test_a_worker_is_shown(notebook, ledger):
    notebook.run(f"%golem_invoke {ledger}/w add(1)")

    shown = notebook.run(f"%golem_worker {ledger}/w")

    assert shown.status is WorkerStatus.IDLE
    assert "last oplog index  4" in shown.text()


def test_a_busy_worker_is_interrupted_and_resumed(notebook, ledger):
    notebook.run(f"%golem_invoke {ledger}/w work(2000000000, 1) --trigger")

    interrupted = notebook.run(f"%golem_worker {ledger}/w interrupt")
    status = interrupted.status
    resumed = notebook.run(f"%golem_worker {ledger}/w resume")
    assert resumed.metadata.worker_id.name == "w"
    notebook.run(f"%golem_worker {ledger}/w delete --yes")

    assert status is WorkerStatus.INTERRUPTED
    assert "`resume` goes on" in interrupted.text()
    assert "resumed" in resumed.text()


def test_interrupting_an_idle_worker_says_that_nothing_ran(notebook, ledger):
    notebook.run(f"%golem_invoke {ledger}/w add(1)")

    assert "nothing ran" in notebook.run(f"%golem_worker {ledger}/w interrupt").text()


def test_deleting_needs_yes(notebook, ledger):
    notebook.run(f"%golem_worker {ledger}/w new")
    with pytest.raises(UsageError, match="add --yes"):
        notebook.run(f"%golem_worker {ledger}/w delete")

    notebook.run(f"%golem_worker {ledger}/w delete --yes")

    with pytest.raises(WorkerNotFound, match=f"not found: {ledger}/w"):
        notebook.run(f"%golem_worker {ledger}/w")


@pytest.mark.parametrize(
    ("rest", "fault"),
    [
        ("xyz", "does not know 'xyz'; there are: show, new"),
        ("intrupt", "did you mean interrupt"),
        ("new -e novalue", "write NAME=VALUE"),
        ("new more", "write: %golem_worker component/worker new$"),
        ("interrupt --last 1", "--last is not for `interrupt`"),
        ("revert", "how far back"),
        ("revert --to 5 --last 1", "how far back"),
        ("revert --last some", "--last must be a whole number"),
        ("fork", "write: %golem_worker component/worker fork NAME"),
        ("fork copy --at -1", "--at must be a whole number"),
        ("cancel", "write: .* cancel KEY"),
        ("complete 5", "write: .* complete INDEX DATA"),
        ("complete x data", "INDEX must be a whole number"),
    ],
)
def test_other_forms_are_refused(rest, fault):
    with pytest.raises(UsageError, match=fault):
        use(VERB, f"shop/alice {rest}", FakeClient())


FORK = WorkerId(SHOP.id, "copy")


@pytest.mark.parametrize(
    ("line", "asked", "news"),
    [
        ("revert --to 5", ("revert_worker", ALICE, ("last_index", 5), ("invocations", None)), "to oplog index 5"),
        (
            "revert --last 2",
            ("revert_worker", ALICE, ("last_index", None), ("invocations", 2)),
            "reverted the last 2 invocations",
        ),
        (
            "fork copy --at 4",
            ("fork_worker", ALICE, FORK, 4),
            "worker shop/copy: forked from shop/alice at oplog index 4",
        ),
        ("fork shop/copy", ("fork_worker", ALICE, FORK, 9), "at oplog index 9"),
        ("fork {name}", ("fork_worker", ALICE, FORK, 9), "worker shop/copy"),
    ],
)
def test_history_is_taken_back_and_copied(line, asked, news):
    client = FakeClient()

    shown = use(VERB, f"shop/alice {line}", client, name="copy")

    assert client.asked == [asked]
    assert news in shown.text()


@pytest.mark.parametrize(
    ("done", "news"), [(True, "invocation k cancelled"), (False, "k has run: nothing was cancelled")]
)
def test_a_cancellation_says_whether_it_did_something(done, news):
    client = FakeClient(cancel_invocation=done)

    assert news in use(VERB, "shop/alice cancel k", client).text()
    assert client.asked == [("cancel_invocation", ALICE, "k")]


@pytest.mark.parametrize(("done", "news"), [(True, "promise 7 completed"), (False, "complete already")])
def test_a_completion_says_whether_it_did_something(done, news):
    client = FakeClient(complete_promise=done)

    assert news in use(VERB, "shop/alice complete 7 {data}", client, data=b"\0").text()
    assert client.asked == [("complete_promise", ALICE, 7, b"\0")]


NAMES = {"text": "ä", "data": b"\0", "box": {"k": "v"}, "number": 5}


@pytest.mark.parametrize(
    ("word", "data"),
    [
        ("hello", b"hello"),
        ("hello-world", b"hello-world"),
        ("42", b"42"),
        ("texts", b"texts"),
        ("text", "ä".encode()),
        ("data", b"\0"),
        ("{data}", b"\0"),
        ("$text", "ä".encode()),
        ("data+data", b"\0\0"),
        ('"a b"', b"a b"),
        ("b'\\xff'", b"\xff"),
        ("box['k']", b"v"),
        ("bytes([1, 2])", b"\1\2"),
        ("str(number)", b"5"),
    ],
)
def test_data_is_text_or_what_python_gives(word, data):
    assert data_of(word, NAMES) == data


@pytest.mark.parametrize("word", ["number", "box", "[1]", "'a', 'b'", "{number}"])
def test_data_must_be_text_or_bytes(word):
    with pytest.raises(UsageError, match="DATA must be text or bytes"):
        data_of(word, NAMES)


def test_invocations_are_taken_back(notebook, ledger):
    notebook.run(f"%%golem_invoke {ledger}/w\nadd(5)\nadd(1)\nadd(1)")

    shown = notebook.run(f"%golem_worker {ledger}/w revert --last 2")

    assert shown.metadata.deleted_regions
    assert notebook.run(f"%golem_invoke {ledger}/w sum()") == 5


def test_a_fork_has_the_history_of_its_source(notebook, ledger):
    notebook.run(f"%%golem_invoke {ledger}/w\nadd(5)\nadd(1)")
    notebook.run(f"%golem_worker {ledger}/w fork late")
    notebook.run(f"%golem_worker {ledger}/w fork early --at 4")

    assert "forked from       w\n" in notebook.run(f"%golem_worker {ledger}/late").text()
    assert notebook.run(f"%golem_invoke {ledger}/late sum()") == 6
    assert notebook.run(f"%golem_invoke {ledger}/early sum()") == 5


def test_an_invocation_that_waits_is_cancelled(notebook, ledger):
    notebook.run(f"%golem_invoke {ledger}/w work(2000000000, 1) --trigger")
    notebook.run(f"%golem_invoke {ledger}/w add(1) --trigger --key k")

    shown = notebook.run(f"%golem_worker {ledger}/w cancel k")
    pending = shown.metadata.pending_invocation_count
    notebook.run(f"%golem_worker {ledger}/w delete --yes")

    assert "invocation k cancelled" in shown.text()
    assert pending == 0


def test_of_the_default_worker_only_what_is_to_be_done_is_named(notebook, ledger):
    notebook.run(f"%golem_invoke {ledger}/w add(5)")
    notebook.run(f"%golem use {ledger}/w")

    assert notebook.run("%golem_worker").shown.name == f"{ledger}/w"
    assert notebook.run("%golem_worker fork copy").shown.name == f"{ledger}/copy"
    assert notebook.run("%golem_worker copy fork resume").shown.name == f"{ledger}/resume"
    notebook.run("%golem_worker resume delete --yes")
    notebook.run("%golem_worker delete --yes")
    assert notebook.run(f"%golem_workers {ledger}")["worker"].tolist() == ["copy"]
