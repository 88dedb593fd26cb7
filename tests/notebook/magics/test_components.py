import pytest

from golem_nb.errors import ComponentNotFound, NotSupported, UsageError
from golem_nb.model import SnapshotPolicy
from golem_nb.notebook.magics.components import VERB, read_policy
from golem_nb.wasm.text import wasm_from_text
from tests.notebook.conftest import LEDGER
from tests.notebook.fake import SHOP, FakeClient, use


def test_components_are_a_frame(notebook, ledger):
    frame = notebook.run("%golem_components").set_index("component")

    assert frame.loc[ledger, "version"] == 0
    assert frame.loc[ledger, "exports"] == 3


def test_one_is_shown_with_its_functions(notebook, ledger):
    shown = notebook.run(f"%golem_components {ledger}")

    assert "work(rounds: u32, amount: u32) -> u32" in shown.text()


def test_the_wasm_can_be_downloaded(notebook, ledger, tmp_path):
    path = tmp_path / "got.wasm"

    notebook.run(f"%golem_components {ledger} --download {path} --version 0")

    assert path.read_bytes() == wasm_from_text(LEDGER.read_text())


def test_deleting_needs_yes(notebook, ledger):
    with pytest.raises(UsageError, match="add --yes"):
        notebook.run(f"%golem_components {ledger} --delete")

    notebook.run(f"%golem_components {ledger} --delete --yes")

    with pytest.raises(ComponentNotFound):
        notebook.run(f"%golem_components {ledger}")


def test_options_for_one_component_need_its_name(notebook):
    for option in ("--delete", "--snapshot-every 5"):
        with pytest.raises(UsageError, match="which component"):
            notebook.run(f"%golem_components {option}")


@pytest.mark.parametrize(
    ("words", "policy"),
    [
        (["100"], SnapshotPolicy(100)),
        (["60s"], SnapshotPolicy(every_s=60.0)),
        (["0.5s"], SnapshotPolicy(every_s=0.5)),
        (["60s", "100"], SnapshotPolicy(100, 60.0)),
        (["never"], None),
    ],
)
def test_a_policy_is_invocations_seconds_both_or_never(words, policy):
    assert read_policy(words) == policy


@pytest.mark.parametrize("words", [["often"], ["0"], ["0s"], ["-5"], ["5m"], ["1", "2"], ["1s", "2s"], ["1", "never"]])
def test_other_policies_are_refused(words):
    with pytest.raises(UsageError, match="--snapshot-every"):
        read_policy(words)


def test_a_policy_is_set_and_shown():
    client = FakeClient()

    shown = use(VERB, "shop --snapshot-every 100 --snapshot-every 60s", client)

    assert client.asked == [("set_snapshot_policy", SHOP.id, SnapshotPolicy(100, 60.0))]
    assert "every 100 invocations or 60 s, whatever comes first" in shown.text()
    assert "every 100 invocations" in shown.html()


def test_a_policy_is_taken_away():
    client = FakeClient()

    shown = use(VERB, "shop --snapshot-every never", client)

    assert client.asked == [("set_snapshot_policy", SHOP.id, None)]
    assert "no snapshots any more" in shown.text()


def test_a_component_is_shown_with_its_policy():
    assert "every 1 invocation" in use(VERB, "shop", FakeClient(snapshot_policy=SnapshotPolicy(1))).text()
    assert "snapshots" not in use(VERB, "shop", FakeClient()).text()


def test_a_server_without_snapshots_shows_its_components_all_the_same():
    client = FakeClient(snapshot_policy=NotSupported("no"))

    assert "component shop: version 3" in use(VERB, "shop", client).text()
    with pytest.raises(NotSupported):
        use(VERB, "shop --snapshot-every 5", FakeClient(set_snapshot_policy=NotSupported("no")))


def test_a_policy_is_kept_by_the_engine(notebook, ledger):
    notebook.run(f"%golem_components {ledger} --snapshot-every 60s")

    assert "every 60 s" in notebook.run(f"%golem_components {ledger}").text()


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ("--version 0", "--version goes with --download"),
        ("--yes", "--yes goes with --delete"),
        ("--download x --delete --yes", "--download and --delete do not go together"),
    ],
)
def test_options_that_would_do_nothing_are_refused(notebook, ledger, options, fault):
    with pytest.raises(UsageError, match=fault):
        notebook.run(f"%golem_components {ledger} {options}")
