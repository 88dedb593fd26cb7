from datetime import UTC, datetime
from uuid import UUID

import pytest

from golem_nb.host.golem_host import uuid_value
from golem_nb.host.golem_workers import GetAgents, matches
from golem_nb.model import WorkerId, WorkerMetadata, WorkersPage, WorkerStatus
from tests.host.context import FakeWorker, call

COMPONENT = UUID(int=1)


def metadata(name="w1", status=WorkerStatus.IDLE, version=2, env=None):
    created = datetime.fromtimestamp(1.5, UTC)
    return WorkerMetadata(WorkerId(COMPONENT, name), status, version, created, (), env or {}, config={"mode": "dry"})


def any_of(*groups):
    return {"filters": [{"filters": list(group)} for group in groups]}


def condition(case, comparator, value, **fields):
    return case, {"comparator": comparator, "value": value, **fields}


@pytest.mark.parametrize(
    ("asked", "is_met"),
    [
        (condition("name", "equal", "w1"), True),
        (condition("name", "not-equal", "w1"), False),
        (condition("name", "like", "1"), True),
        (condition("name", "not-like", "1"), False),
        (condition("name", "starts-with", "w"), True),
        (condition("status", "equal", "idle"), True),
        (condition("status", "less", "failed"), True),
        (condition("version", "greater-equal", 2), True),
        (condition("version", "greater", 2), False),
        (condition("created-at", "equal", 1500), True),
        (condition("env", "equal", "red", name="COLOUR"), True),
        (condition("env", "not-equal", "red", name="SIZE"), False),
        (condition("wasi-config-vars", "equal", "dry", name="mode"), True),
        (condition("wasi-config-vars", "equal", "x", name="y"), False),
    ],
)
def test_a_condition_is_met_or_not(asked, is_met):
    assert matches(any_of([asked]), metadata(env={"COLOUR": "red"})) is is_met


def test_one_group_of_conditions_must_be_met_as_a_whole():
    named, old = condition("name", "equal", "w1"), condition("version", "less", 1)

    assert matches(any_of([named], [old]), metadata())
    assert not matches(any_of([named, old]), metadata())


def test_no_groups_at_all_ask_for_nothing():
    assert matches(any_of(), metadata())


def test_a_moment_beyond_all_moments_is_later():
    assert matches(any_of([condition("created-at", "less", (1 << 64) - 1)]), metadata())


def test_workers_come_in_pages():
    worker = FakeWorker()
    pages = {None: WorkersPage((metadata("w1"), metadata("x")), "2"), "2": WorkersPage((metadata("w3"),), None)}
    worker.peers = type("Peers", (), {"workers": lambda self, component_id, cursor, count: pages[cursor]})()
    filter = any_of([condition("name", "starts-with", "w")])
    listed = worker.call(
        GetAgents.constructor,
        worker,
        {"component_id": {"uuid": uuid_value(COMPONENT)}, "filter": filter, "precise": True},
    )

    names = [[found["agent-id"]["agent-id"] for found in call(listed, "get_next")] for _ in range(2)]

    assert names == [["w1"], ["w3"]]
    assert call(listed, "get_next") is None
