from dataclasses import replace
from types import SimpleNamespace

import pytest

from golem_nb.errors import UpdateRefused, UsageError, WaitTimeout
from golem_nb.model import UpdateMode, UpdateRecord, UpdateState
from golem_nb.notebook import progress
from golem_nb.notebook.magics import update
from golem_nb.notebook.magics.grammar import Line
from golem_nb.notebook.magics.verb import Request
from golem_nb.notebook.magics.worker import VERB
from golem_nb.notebook.surroundings import Place
from golem_nb.notebook.views import UpdateReport, WorkerView
from tests.notebook.conftest import LEDGER
from tests.notebook.fake import ALICE, AT, SHOP, FakeClient, metadata, use

PENDING = UpdateRecord(UpdateState.PENDING, AT, 3)
DONE = UpdateRecord(UpdateState.SUCCESSFUL, AT, 3)
DIVERGED = "Automatic update failed: Unexpected oplog entry: expected a::b, got c::d"
FAILED = UpdateRecord(UpdateState.FAILED, AT, 3, DIVERGED)


@pytest.mark.parametrize(
    ("words", "version", "mode"),
    [
        ("", 3, UpdateMode.AUTOMATIC),
        ("1", 1, UpdateMode.AUTOMATIC),
        ("1 --mode manual", 1, UpdateMode.MANUAL),
        ("{n} --mode {how}", 7, UpdateMode.MANUAL),
    ],
)
def test_an_update_is_asked_for_and_goes_on_by_itself(words, version, mode):
    client = FakeClient(metadata(), metadata(updates=(replace(PENDING, target_version=version),)))

    shown = use(VERB, f"shop/alice update {words}", client, n=7, how="manual")

    assert client.asked == [("update_worker", ALICE, version, mode)]
    assert isinstance(shown, WorkerView)
    assert f"update to version {version} asked for" in shown.text()
    assert f"to version {version}, pending" in shown.text()


def test_an_update_that_succeeds_is_waited_for():
    client = FakeClient(metadata(), metadata(updates=(PENDING,)), metadata(updates=(DONE,), component_version=3))

    shown = use(VERB, "shop/alice update --wait", client)

    assert isinstance(shown, UpdateReport)
    assert shown.is_successful
    assert "updated from version 2 to 3" in shown.text()


def test_an_update_that_diverges_shows_both_sides():
    client = FakeClient(metadata(), metadata(updates=(PENDING,)), metadata(updates=(FAILED,)))

    shown = use(VERB, "shop/alice update --wait", client)

    assert not shown.is_successful
    assert "the update to version 3 failed; it stays on version 2" in shown.text()
    assert "expected a::b, got c::d" in shown.text() and "expected a::b, got c::d" in shown.html()


def test_a_version_that_is_not_there_is_told_with_the_name_of_the_component():
    gone = replace(FAILED, details=f"Component not found: {ALICE.component_id}, version 3")

    shown = use(VERB, "shop/alice update --wait", FakeClient(metadata(), metadata(updates=(gone,))))

    assert shown.details == "Component not found: shop, version 3"


@pytest.mark.parametrize(
    ("before", "after", "record"),
    [
        ((), (), None),
        ((), (PENDING,), None),
        ((FAILED,), (FAILED,), None),
        ((FAILED,), (FAILED, PENDING), None),
        ((FAILED,), (FAILED, DONE), DONE),
        ((DONE,), (DONE, FAILED), FAILED),
        ((), (UpdateRecord(UpdateState.FAILED, AT, 9),), None),
    ],
)
def test_an_update_is_over_when_a_new_record_is(before, after, record):
    assert update.outcome(metadata(updates=before), metadata(updates=after), 3) == record


def test_a_server_that_tells_of_no_updates_shows_it_by_the_version():
    record = update.outcome(metadata(), metadata(component_version=3), 3)

    assert (record.state, record.target_version) == (UpdateState.SUCCESSFUL, 3)


def test_a_wait_may_end_before_the_update():
    client = FakeClient(metadata(), metadata(updates=(PENDING,)))

    with pytest.raises(WaitTimeout, match="the update to version 3 goes on; `%golem_worker shop/alice` shows"):
        use(VERB, "shop/alice update --wait -t 0.01", client)


def test_an_interrupt_ends_the_wait_only(monkeypatch):
    def interrupt(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(update.time, "sleep", interrupt)

    with pytest.raises(WaitTimeout, match="stopped waiting; the update to version 3 goes on"):
        use(VERB, "shop/alice update --wait", FakeClient(metadata(), metadata(updates=(PENDING,))))


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("update x", "VERSION must be a whole number, found 'x'"),
        ("update -- 1", "write: %golem_worker component/worker update"),
        ("update 1 2", r"write: %golem_worker component/worker update \[VERSION\]"),
        ("update --mode manul", "--mode manul is not known; did you mean manual"),
        ("update --mode quick", "--mode quick is not known; there are: automatic, manual"),
    ],
)
def test_what_is_no_update_is_shown(line, fault):
    with pytest.raises(UsageError, match=fault):
        use(VERB, f"shop/alice {line}", FakeClient())


def test_a_worker_is_moved_to_the_latest_version(notebook, ledger, tmp_path):
    notebook.run(f"%golem_invoke {ledger}/w add(5)")
    other = tmp_path / "other.wat"
    other.write_text(LEDGER.read_text().replace("(component", "(component\n  (core module $unused)", 1))
    notebook.run(f"%golem_deploy {ledger} {other}")

    shown = notebook.run(f"%golem_worker {ledger}/w update --wait")

    assert shown.is_successful
    assert notebook.run(f"%golem_worker {ledger}/w").metadata.component_version == 1
    assert notebook.run(f"%golem_invoke {ledger}/w sum()") == 5
    with pytest.raises(UpdateRefused):
        notebook.run(f"%golem_worker {ledger}/w update")


def test_an_update_that_fails_says_why(notebook, ledger):
    notebook.run(f"%golem_invoke {ledger}/w add(5)")

    shown = notebook.run(f"%golem_worker {ledger}/w update 7 --wait")

    assert not shown.is_successful
    assert "7" in shown.details
    assert notebook.run(f"%golem_invoke {ledger}/w sum()") == 5


def test_an_interrupt_ends_the_wait_for_all_workers(monkeypatch):
    sleeps = []

    def interrupt(seconds):
        sleeps.append(seconds)
        raise KeyboardInterrupt

    monkeypatch.setattr(update.time, "sleep", interrupt)
    monkeypatch.setattr(update, "all_workers", lambda client, component: [metadata(), metadata(), metadata()])
    surroundings = SimpleNamespace(place=Place.HEADLESS)
    session = SimpleNamespace(client=lambda: FakeClient(metadata(updates=(PENDING,))))

    reports = update.update_all(Request(session, surroundings, Line(()), {}), SHOP, UpdateMode.AUTOMATIC)

    assert [report.record.state for report in reports] == [UpdateState.PENDING] * 3
    assert len(sleeps) == 1


def test_updates_of_many_workers_tell_how_far_they_are(notebook, ledger, tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "FIRST_S", 0.0)
    notebook.run(f"%golem_invoke {ledger}/w add(5)")
    other = tmp_path / "other.wat"
    other.write_text(LEDGER.read_text().replace("(component", "(component\n  (core module $unused)", 1))

    notebook.run(f"%golem_deploy {ledger} {other} --update auto")

    assert f"component {ledger}: done after" in notebook.printed
    assert f"workers of {ledger}: done after" in notebook.printed
