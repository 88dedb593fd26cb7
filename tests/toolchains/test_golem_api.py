"""A component in Python that uses Golem's host interface. Source of what must be: SEMANTICS 3.10, 3.11, 5.1, 5.7, 6."""

from uuid import UUID

import pytest

from golem_nb.engine.engine import Engine
from golem_nb.errors import InvocationFailed, PromiseNotFound
from golem_nb.model import UpdateMode, UpdateState, WorkerStatus
from golem_nb.oplog.entries import (
    BeginAtomicRegion,
    BeginRemoteWrite,
    ChangePersistenceLevel,
    EndAtomicRegion,
    EndRemoteWrite,
    Error,
    ExportedFunctionCompleted,
    ImportedFunctionInvoked,
    Jump,
    NoOp,
)
from tests.engine.conftest import until
from tests.test_crash import indices, oplog_of
from tests.toolchains.build import built_python
from tests.toolchains.conftest import Deployed, link_or_copy, or_skip
from tests.toolchains.steps_server import StepsServer

pytestmark = [pytest.mark.toolchains, pytest.mark.timeout(600)]


@pytest.fixture
def server():
    counting = StepsServer()
    yield counting
    counting.close()


class Live:
    """An open engine on the data folder of a run, and its one worker."""

    def __init__(self, run):
        self.run, self.worker, self.engine = run, run.worker, Engine.open(run.folder)

    def start(self, name, *params, key=None):
        return self.engine.invoke_and_await(self.worker, self.run.function(name), list(params), key)

    def ask(self, name, *params, key=None):
        result = self.start(name, *params, key=key).result(20)
        return None if result is None else result.value

    def status(self):
        return self.engine.worker(self.worker).status

    def update(self, wasm, mode):
        """Update to a new version of the component; return what became of that."""
        version = self.engine.update_component(self.run.component_id, wasm).version
        self.engine.update_worker(self.worker, version, mode)
        until(lambda: self._update().state is not UpdateState.PENDING, 30)
        return self._update()

    def _update(self):
        return self.engine.worker(self.worker).updates[-1]

    def reopen(self):
        self.engine.close()
        self.engine = Engine.open(self.run.folder)

    def entries(self, kind):
        return indices(self.all_entries(), kind)

    def all_entries(self):
        self.engine.close()
        entries = oplog_of(self.run.folder)
        self.engine = Engine.open(self.run.folder)
        return entries


@pytest.fixture
def live(golem_api, tmp_path):
    opened = Live(golem_api.run(tmp_path / "data"))
    yield opened
    opened.engine.close()


def test_its_memory_is_that_of_its_calls(live):
    live.ask("remember", "a")
    live.reopen()

    assert live.ask("remember", "b") == 2
    assert live.ask("remembered") == ["a", "b"]


def cuts(run, tmp_path, calls):
    """Make calls; yield, for each entry, its index, a folder cut after it, and the answers that were given by then."""
    answers = run.calls(calls)
    completed = indices(oplog_of(run.folder), ExportedFunctionCompleted)
    for at, copy in run.cuts(tmp_path):
        yield at, copy, answers[: sum(index <= at for index in completed)]


# Promises.


def test_a_promise_suspends_its_worker_until_it_is_completed(live):
    index = live.ask("promise")
    answer = live.start("answer")
    until(lambda: live.status() is WorkerStatus.SUSPENDED)

    assert live.engine.complete_promise(live.worker, index, b"yes") is True

    assert answer.result(10).value == "yes"
    assert live.engine.complete_promise(live.worker, index, b"no") is False
    assert live.ask("answer") == "yes"


def test_a_promise_is_named_by_its_own_entry(live):
    index = live.ask("promise")

    entry = live.all_entries()[index - 1]

    assert isinstance(entry, ImportedFunctionInvoked) and entry.function_name == "golem::api::create_promise"


def test_a_worker_completes_its_own_promise_once(live):
    live.ask("promise")

    assert live.ask("complete", "first") is True
    assert live.ask("complete", "second") is False
    assert live.ask("answer") == "first"


def test_who_waits_for_a_promise_outlives_the_engine(live):
    index = live.ask("promise")
    live.start("answer", key="k")
    until(lambda: live.status() is WorkerStatus.SUSPENDED)

    live.reopen()
    live.engine.complete_promise(live.worker, index, b"later")

    assert live.ask("answer", key="k") == "later"


def test_nobody_completes_what_is_no_promise(live):
    live.ask("remember", "a")

    with pytest.raises(PromiseNotFound):
        live.engine.complete_promise(live.worker, 1, b"x")


def test_promises_keys_and_indices_at_every_crash_point(golem_api, tmp_path):
    run = golem_api.run(tmp_path / "whole")
    calls = [("promise",), ("complete", "done"), ("answer",), ("keys",), ("indices",), ("remember", "a")]

    for at, copy, completed in cuts(run, tmp_path, calls):
        answers = run.calls([*calls, ("remembered",), ("answer",)], copy)
        assert answers[: len(completed)] == completed, f"cut after entry {at}"
        assert answers[2] == answers[-1] == "done", f"cut after entry {at}"
        assert answers[-2] == ["a"], f"cut after entry {at}"


# Atomic regions and jumps.


def test_a_region_that_fails_is_done_again_as_a_whole(live, server):
    assert live.ask("region", server.authority, 2) == 1

    assert server.steps == [1, 2, 1, 2, 1, 2, 3, 4]


def test_a_region_that_a_crash_cuts_off_is_done_again_as_a_whole(golem_api, tmp_path, server):
    run = golem_api.run(tmp_path / "whole")
    calls = [("region", server.authority, 0)]

    for at, copy, _ in cuts(run, tmp_path, calls):
        oplog, seen = oplog_of(run.folder), len(server.steps)
        (end,) = indices(oplog, EndAtomicRegion)
        run.calls(calls, copy)
        repeated = server.steps[seen:]
        if at < end:
            assert repeated == [1, 2, 3, 4], f"cut after entry {at}"
        else:
            told = indices(oplog, EndRemoteWrite)[-1] <= at
            assert repeated == ([] if told else [4]), f"cut after entry {at}"


def test_a_region_is_a_pair_of_entries(live, server):
    live.ask("region", server.authority, 0)

    (begin,), (end,) = live.entries(BeginAtomicRegion), live.entries(EndAtomicRegion)

    assert live.all_entries()[end - 1].begin_index == begin


def test_a_jump_goes_back_and_what_was_between_is_void(live, server):
    assert live.ask("jump", server.authority, 2) == 2
    assert server.steps == [1, 2, 2, 3]
    assert len(live.entries(Jump)) == 1

    live.reopen()

    assert live.ask("remember", "a") == 1
    assert server.steps == [1, 2, 2, 3]


def test_nobody_jumps_twice_to_the_same_entry(live, server):
    """What follows it is void since the first jump."""
    with pytest.raises(InvocationFailed, match="Attempted to jump to a deleted region in oplog"):
        live.ask("jump", server.authority, 9)


# What is recorded, and how often is tried.


def test_a_block_without_persistence_that_a_crash_cuts_off_is_done_again(golem_api, tmp_path, server):
    run = golem_api.run(tmp_path / "whole")
    calls = [("unrecorded", server.authority)]

    for at, copy, _ in cuts(run, tmp_path, calls):
        begin, end = indices(oplog_of(run.folder), ChangePersistenceLevel)
        if begin <= at < end:
            seen = len(server.steps)
            run.calls(calls, copy)
            assert server.steps[seen:] == [1, 2], f"cut after entry {at}"


def test_without_idempotence_a_cut_off_write_is_not_done_again(golem_api, tmp_path, server):
    run = golem_api.run(tmp_path / "whole")
    calls = [("once", server.authority)]

    for at, copy, _ in cuts(run, tmp_path, calls):
        begin, end = (indices(oplog_of(run.folder), kind)[0] for kind in (BeginRemoteWrite, EndRemoteWrite))
        seen = len(server.steps)
        if begin <= at < end:
            with pytest.raises(InvocationFailed, match="Non-idempotent remote write operation was not completed"):
                run.calls(calls, copy)
            assert len(server.steps) == seen, f"cut after entry {at}"
        else:
            assert run.calls(calls, copy) == [False], f"cut after entry {at}"
            assert len(server.steps) == seen + (at < begin), f"cut after entry {at}"


def test_a_failing_call_is_tried_three_times(live):
    with pytest.raises(InvocationFailed) as caught:
        live.ask("fail")

    assert "failing\n" in caught.value.stderr
    assert len(live.entries(Error)) == 3


def test_a_worker_sets_how_often_it_is_tried(live):
    assert live.ask("policy", 5, 1) == (5, 1, 1.0)
    live.reopen()
    assert live.ask("add-attempts", 2) == 7
    live.reopen()  # in whose replay the component sees 5 attempts again, and then 7
    assert live.ask("policy", 5, 1) == (5, 1, 1.0)

    with pytest.raises(InvocationFailed):
        live.ask("fail")

    assert len(live.entries(Error)) == 5


def test_keys_are_made_of_the_invocations_key_and_differ(live):
    first, second = live.ask("keys", key=str(UUID(int=1)))

    assert UUID(first) != UUID(second)


def test_each_index_is_that_of_an_entry_of_its_own(live):
    first, second = live.ask("indices")

    entries = live.all_entries()

    assert first < second
    assert isinstance(entries[first - 1], NoOp) and isinstance(entries[second - 1], NoOp)


# Updates, snapshots, reverts.


@pytest.fixture(scope="session")
def golem_api_2(tmp_path_factory):
    wasm = or_skip(built_python, "golem_api", 2)
    return Deployed(tmp_path_factory.mktemp("golem-2") / "data", "golem-api", "test:golem-api/shown", wasm), wasm


@pytest.fixture
def second(live, golem_api_2):
    """The second version of the component, which has been compiled."""
    deployed, wasm = golem_api_2
    for file in (deployed.folder / "compiled").iterdir():
        link_or_copy(file, live.run.folder / "compiled" / file.name)
    return wasm


def test_an_automatic_update_replays_on_the_new_version(live, second):
    live.ask("remember", "a")

    update = live.update(second, UpdateMode.AUTOMATIC)

    assert (update.state, update.target_version) == (UpdateState.SUCCESSFUL, 1)
    assert (live.ask("version"), live.ask("remembered")) == (2, ["a"])
    live.reopen()
    assert (live.ask("version"), live.ask("remembered")) == (2, ["a"])


def test_an_automatic_update_to_what_would_have_answered_otherwise_fails(live, second):
    live.ask("remember", "a")
    assert live.ask("version") == 1

    update = live.update(second, UpdateMode.AUTOMATIC)

    assert update.state is UpdateState.FAILED and update.details.startswith("Automatic update failed")
    assert (live.ask("version"), live.ask("remembered")) == (1, ["a"])


def test_a_manual_update_takes_the_snapshot_along(live, second):
    live.ask("remember", "a")
    assert live.ask("version") == 1

    update = live.update(second, UpdateMode.MANUAL)

    assert update.state is UpdateState.SUCCESSFUL
    assert (live.ask("version"), live.ask("remember", "b")) == (2, 2)
    live.reopen()
    assert (live.ask("version"), live.ask("remembered")) == (2, ["a", "b"])


def test_a_manual_update_whose_snapshot_is_refused_fails(live, second):
    live.ask("remember", "refuse")

    update = live.update(second, UpdateMode.MANUAL)

    assert update.state is UpdateState.FAILED and "version 2 refuses" in update.details
    assert (live.ask("version"), live.ask("remembered")) == (1, ["refuse"])


def test_a_revert_takes_invocations_back(live):
    for word in "abc":
        live.ask("remember", word)

    live.engine.revert_worker(live.worker, invocations=2)

    assert live.ask("remembered") == ["a"]
