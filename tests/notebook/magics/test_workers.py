from datetime import UTC, datetime
from uuid import UUID

import pytest

from golem_nb.errors import BadInput, UsageError
from golem_nb.model import Component, WorkersPage
from golem_nb.notebook.magics import workers


@pytest.fixture
def three(notebook, ledger):
    for name in ("a1", "a2", "b1"):
        notebook.run(f"%golem_worker {ledger}/{name} new")
    return ledger


def test_workers_are_a_frame_in_order_of_creation(notebook, three):
    frame = notebook.run(f"%golem_workers {three}")

    assert frame["worker"].tolist() == ["a1", "a2", "b1"]
    assert frame["status"].tolist() == ["Idle"] * 3


def test_all_components_are_listed_where_none_is_named(notebook, three):
    frame = notebook.run("%golem_workers --name b*")

    assert three in frame["component"].tolist()
    assert "b1" in set(frame["worker"])  # other tests have workers, too
    assert all(name.startswith("b") for name in frame["worker"])


def test_pages_are_followed(notebook, three, monkeypatch):
    monkeypatch.setattr(workers, "PAGE", 1)

    assert len(notebook.run(f"%golem_workers {three} --all")) == 3


def test_a_server_is_asked_for_those_that_fit(notebook, three, monkeypatch):
    monkeypatch.setattr(workers, "PAGE", 1)

    frame = notebook.run(f"%golem_workers {three} --filter 'name startswith a' --filter 'name != a1'")

    assert frame["worker"].tolist() == ["a2"]
    with pytest.raises(BadInput, match="unknown field 'size'"):
        notebook.run(f"%golem_workers {three} --filter 'size > 3'")


def test_a_limit_says_that_there_is_more(notebook, three):
    frame = notebook.run(f"%golem_workers {three} --limit 2")

    assert len(frame) == 2
    assert "more than 2" in notebook.printed


def test_statuses_are_chosen_and_checked(notebook, three):
    assert len(notebook.run(f"%golem_workers {three} --status idle,Failed")) == 3
    assert len(notebook.run(f"%golem_workers {three} --status failed")) == 0
    with pytest.raises(UsageError, match="--status sleepy is not known"):
        notebook.run(f"%golem_workers {three} --status sleepy")


def test_a_server_whose_pages_do_not_go_on_is_not_asked_for_ever():
    class Stuck:
        asked = 0

        def workers(self, component_id, *, cursor, count):
            self.asked += 1
            assert self.asked < 5
            return WorkersPage((), "7")

    stuck = Stuck()
    assert list(workers.all_workers(stuck, Component(UUID(int=1), "c", 0, 1, datetime.now(UTC)))) == []
    assert stuck.asked == 2


def test_a_terminal_prints_the_board_when_it_changes(notebook, three):
    notebook.run(f"board = %golem_workers {three} --watch 0.2 --for 0.3")

    assert notebook.printed.splitlines()[:2] == [f"workers of {three}: 3; ● every 0.2 s", "  ○ Idle 3"]
    assert notebook.names["board"].is_closed
    assert notebook.names["board"].df["worker"].tolist() == ["a1", "a2", "b1"]


def test_a_time_alone_is_no_board(notebook, three):
    with pytest.raises(UsageError, match="write --watch beside it"):
        notebook.run(f"%golem_workers {three} --for 3")


def test_a_board_is_not_renewed_too_often(notebook, three):
    with pytest.raises(UsageError, match=r"--watch must be a number of seconds, found 'nan'"):
        notebook.run(f"%golem_workers {three} --watch=nan")
    with pytest.raises(UsageError, match=r"--for must be a number of seconds, found '-1'"):
        notebook.run(f"%golem_workers {three} --watch --for -1")
    with pytest.raises(UsageError, match=r"--watch must be at least 0.2 seconds"):
        notebook.run(f"%golem_workers {three} --watch 0.01")


def test_a_status_that_there_is_not_is_told_where_there_are_no_workers(notebook, ledger):
    with pytest.raises(UsageError, match="--status Fialed is not known; did you mean Failed"):
        notebook.run(f"%golem_workers {ledger} --status Fialed")
