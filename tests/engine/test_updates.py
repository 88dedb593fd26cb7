"""Updates end to end: what the metadata and the oplog say, and which code runs afterwards. Source: SEMANTICS 6."""

import pytest

from golem_nb.errors import BadInput, InvocationFailed, UpdateRefused, WorkerReverted
from golem_nb.model import (
    LOCAL_ENVIRONMENT,
    EventType,
    Shadow,
    SnapshotPolicy,
    UpdateMode,
    UpdateState,
    WorkerId,
    WorkerStatus,
)
from golem_nb.wasm.text import wasm_from_text
from tests.engine.conftest import COUNTER, until
from tests.script import ADD, ANOTHER_PATH, AWAIT, DRAW, EXIT, POLICY, PROMISE, SLEEP_MS, SPIN, TRAP, script, steps

AUTOMATIC, MANUAL = UpdateMode.AUTOMATIC, UpdateMode.MANUAL


class Bench:
    """A worker of the script component, version 0, and further versions as a test deploys them."""

    def __init__(self, engine):
        self.engine = engine
        self.component = engine.create_component(LOCAL_ENVIRONMENT, "script", script()).id
        self.worker = WorkerId(self.component, "w")

    def deploy(self, **options):
        return self.engine.update_component(self.component, script(**options)).version

    def start(self, *program, key=None):
        return self.engine.invoke_and_await(self.worker, "run", ["", steps(*program)], key)

    def run(self, *program):
        return self.start(*program).result(10).value

    def update(self, version, mode=AUTOMATIC):
        self.engine.update_worker(self.worker, version, mode)

    def records(self):
        return [(r.state, r.target_version) for r in self.engine.worker(self.worker).updates]

    def settled(self):
        """Wait until no update is pending; return how the last one ended."""
        until(lambda: all(state is not UpdateState.PENDING for state, _ in self.records()))
        return self.engine.worker(self.worker).updates[-1]

    def kinds(self):
        return [type(entry).__name__ for _, entry in self.engine.oplog(self.worker).entries]

    def status(self):
        return self.engine.worker(self.worker).status

    def version(self):
        return self.engine.invoke_and_await(self.worker, "version", []).result(10).value


@pytest.fixture
def bench(engine):
    return Bench(engine)


# Automatic.


def test_a_worker_replays_its_history_on_the_new_version(bench):
    bench.run((ADD, 2), DRAW)
    before = bench.run((ADD, 1))
    bench.deploy(version=1)

    bench.update(1)

    assert bench.settled().state is UpdateState.SUCCESSFUL
    assert (bench.version(), bench.run()) == (1, before)
    assert bench.kinds().count("PendingUpdate") == bench.kinds().count("SuccessfulUpdate") == 1
    bench.engine.crash_worker(bench.worker)
    assert bench.run() == before


def test_a_worker_without_history_is_updated_at_once(bench):
    bench.engine.launch_worker(bench.component, "w")
    bench.deploy(version=1, first=ANOTHER_PATH)
    bench.update(1)

    assert bench.settled().state is UpdateState.SUCCESSFUL
    assert bench.version() == 1


def test_a_version_that_takes_another_path_fails_the_update_with_both_sides(bench):
    before = bench.run(DRAW, (SLEEP_MS, 1))
    bench.deploy(version=1, first="(call $sleep (i32.const 1))")
    bench.update(1)

    failed = bench.settled()

    assert failed.state is UpdateState.FAILED
    assert "Automatic update failed: Unexpected oplog entry: oplog entry 4 records" in failed.details
    assert "golem random::get_random_u64" in failed.details
    assert "monotonic_clock::subscribe_duration" in failed.details
    assert (bench.version(), bench.run()) == (0, before)


def test_another_result_is_another_path(bench):
    """The entry that differs is the last one: the update must not have succeeded when it is met."""
    bench.run((ADD, 2))
    bench.deploy(version=1, factor=3)
    bench.update(1)

    assert "records the result 2, but the component now does return 6" in bench.settled().details
    assert bench.run((ADD, 1)) == 3


def test_a_running_invocation_goes_on_after_the_update(bench):
    running = bench.start((ADD, 1), (SLEEP_MS, 600), (ADD, 1))
    until(lambda: "ImportedFunctionInvoked" in bench.kinds())
    bench.deploy(version=1)

    bench.update(1)

    assert running.result(10).value == 2
    assert bench.records() == [(UpdateState.SUCCESSFUL, 1)]
    assert bench.version() == 1


def test_a_running_invocation_goes_on_after_an_update_that_failed(bench):
    running = bench.start(DRAW, (SLEEP_MS, 600), (ADD, 1))
    until(lambda: bench.kinds().count("ImportedFunctionInvoked") == 2)
    bench.deploy(version=1, first="(call $sleep (i32.const 1))")

    bench.update(1)

    running.result(10)
    assert bench.records() == [(UpdateState.FAILED, 1)]
    assert bench.version() == 0


def test_a_suspended_worker_is_updated_and_sleeps_on(bench):
    waiting = bench.start(PROMISE, AWAIT)
    until(lambda: bench.status() is WorkerStatus.SUSPENDED)
    bench.deploy(version=1)

    bench.update(1)

    assert bench.settled().state is UpdateState.SUCCESSFUL
    until(lambda: bench.status() is WorkerStatus.SUSPENDED)
    bench.engine.complete_promise(bench.worker, 4, b"\x02")
    assert waiting.result(10).value == 6


def test_a_failed_worker_is_tried_again_on_the_new_version(bench):
    with pytest.raises(InvocationFailed):
        bench.run((POLICY, 1), TRAP)
    assert bench.status() is WorkerStatus.FAILED
    bench.deploy(
        version=1, first="(if (i32.eq (local.get $steps) (i32.const 2)) (then (local.set $steps (i32.const 1))))"
    )

    bench.update(1)

    assert bench.settled().state is UpdateState.SUCCESSFUL
    until(lambda: bench.status() is WorkerStatus.IDLE)
    assert bench.run((ADD, 1)) == 1


def test_an_update_of_an_exited_worker_is_accepted_and_does_nothing(bench):
    with pytest.raises(Exception, match="exited"):
        bench.run((EXIT, 0))
    bench.deploy(version=1)

    bench.update(1)

    assert bench.records() == [(UpdateState.PENDING, 1)]
    assert bench.status() is WorkerStatus.EXITED


def test_a_version_that_does_not_exist_fails_the_update(bench):
    bench.run((ADD, 1))

    bench.update(7)

    assert bench.settled().state is UpdateState.FAILED
    assert bench.run() == 1


def test_a_function_that_is_gone_fails_the_update(bench):
    bench.run((ADD, 1))
    bench.engine.update_component(bench.component, wasm_from_text(COUNTER))

    bench.update(1)

    assert "Can't find exported function in component (run)" in bench.settled().details
    assert bench.run() == 1


def test_updates_that_make_no_sense_are_refused(bench):
    bench.run((ADD, 1))
    spinning = bench.start(SPIN)
    with pytest.raises(UpdateRefused, match="already at the target version: 0"):
        bench.update(0)
    bench.update(9, MANUAL)
    with pytest.raises(UpdateRefused, match="The same update is already in progress"):
        bench.update(9, MANUAL)
    bench.engine.interrupt_worker(bench.worker)
    assert spinning.exception(5) is not None


# Manual.


@pytest.mark.parametrize("loads", ["1.1.7", "1.1.6", "0.2.2"])
def test_a_snapshot_carries_the_state_over(bench, loads):
    bench.run((ADD, 5), DRAW)
    before = bench.run()
    bench.deploy(version=1, first=ANOTHER_PATH, loads=loads)  # no history is met, so nothing can differ

    bench.update(1, MANUAL)

    assert bench.settled().state is UpdateState.SUCCESSFUL
    assert (bench.version(), bench.run()) == (1, before)
    assert bench.run((ADD, 1)) == before + 1
    bench.engine.crash_worker(bench.worker)
    assert bench.run() == before + 1
    assert bench.kinds().count("PendingUpdate") == 1


def test_a_component_without_a_snapshot_fails_the_update_and_nothing_else(engine, bench):
    component = engine.create_component(LOCAL_ENVIRONMENT, "silent", script(saves=False)).id
    bench.worker = WorkerId(component, "w")
    bench.run((ADD, 5))
    engine.update_component(component, script(version=1))

    bench.update(1, MANUAL)

    assert bench.settled().details == "failed to get a snapshot for manual update: save-snapshot is not exported"
    assert bench.run() == 5


@pytest.mark.parametrize(
    ("options", "details"),
    [
        ({"saved": 9}, "Manual update failed to load snapshot: not 8 bytes"),
        ({"loads": None}, "Failed to find exported load-snapshot function"),
    ],
)
def test_a_snapshot_that_is_not_taken_leaves_the_old_version(bench, options, details):
    bench.run((ADD, 5), DRAW)
    before = bench.run()
    bench.deploy(version=1, **options)

    bench.update(1, MANUAL)

    assert bench.settled().details == details
    assert (bench.version(), bench.run()) == (0, before)


@pytest.mark.parametrize("kills", [False, True])
def test_what_a_failed_attempt_did_at_its_start_is_void(bench, kills):
    bench.run((ADD, 5), DRAW)
    before = bench.run()
    bench.deploy(version=1, start=ANOTHER_PATH, saved=9)

    bench.update(1, MANUAL)

    assert bench.settled().state is UpdateState.FAILED
    if kills:
        bench.engine.crash_worker(bench.worker)
    assert (bench.version(), bench.run((ADD, 1))) == (0, before + 1)
    kinds = bench.kinds()
    at = kinds.index("PendingUpdate") + 2
    assert kinds[at - 1 :][:3] == ["ImportedFunctionInvoked", "Jump", "FailedUpdate"]
    shadows = {index: bench.engine.shadow(bench.worker, Shadow(index)) for index in range(1, len(kinds) + 1)}
    assert [index for index, shadow in shadows.items() if not shadow.is_same] == [at]
    assert "load snapshot: not 8 bytes" in shadows[at].failure


def test_what_a_successful_attempt_did_at_its_start_is_met_again(bench):
    bench.run((ADD, 5), DRAW)
    before = bench.run()
    bench.deploy(version=1, start=ANOTHER_PATH)
    bench.update(1, MANUAL)
    assert bench.settled().state is UpdateState.SUCCESSFUL

    bench.engine.crash_worker(bench.worker)

    assert (bench.version(), bench.run()) == (1, before)
    entries = len(bench.kinds())
    assert [
        index for index in range(1, entries + 1) if not bench.engine.shadow(bench.worker, Shadow(index)).is_same
    ] == []


def test_a_manual_update_waits_for_its_turn(bench):
    running = bench.start((ADD, 1), (SLEEP_MS, 300), (ADD, 1))
    queued = bench.start((ADD, 1))
    bench.deploy(version=1, factor=10)
    bench.update(1, MANUAL)
    behind = bench.start((ADD, 1))

    assert [f.result(10).value for f in (running, queued, behind)] == [2, 3, 13]
    assert bench.records() == [(UpdateState.SUCCESSFUL, 1)]


def test_updates_follow_each_other(bench):
    bench.run((ADD, 1))
    running = bench.start((SLEEP_MS, 500), (ADD, 1))
    for version in (1, 2, 3):
        bench.deploy(version=version)
    bench.update(1)
    bench.update(2)
    bench.update(3, MANUAL)

    assert running.result(10).value == 2
    bench.settled()
    assert bench.records() == [(UpdateState.SUCCESSFUL, n) for n in (1, 2, 3)]
    assert (bench.version(), bench.run()) == (3, 2)


def test_an_automatic_update_after_a_manual_one_starts_from_its_snapshot(bench):
    bench.run((ADD, 5), DRAW)
    before = bench.run()
    bench.deploy(version=1, first=ANOTHER_PATH)
    bench.update(1, MANUAL)
    bench.settled()
    bench.run((ADD, 1))
    bench.deploy(version=2, first=ANOTHER_PATH)

    bench.update(2)

    assert bench.settled().state is UpdateState.SUCCESSFUL
    assert (bench.version(), bench.run()) == (2, before + 1)


def test_a_snapshot_of_a_stopped_worker_is_taken_when_it_runs_again(bench):
    bench.run((ADD, 4))
    spinning = bench.start(SPIN, key="spin")
    until(lambda: bench.status() is WorkerStatus.RUNNING)
    bench.engine.interrupt_worker(bench.worker)
    bench.deploy(version=1)
    bench.update(1, MANUAL)

    assert bench.records() == [(UpdateState.PENDING, 1)]
    assert spinning.exception(5) is not None


# Reverts and forks.


def test_reverting_invocations_gives_the_state_before_them(bench):
    assert [bench.run((ADD, n)) for n in (5, 1, 1)] == [5, 6, 7]

    bench.engine.revert_worker(bench.worker, invocations=2)

    assert bench.run() == 5
    assert bench.kinds().count("Revert") == 1
    with pytest.raises(BadInput, match="Could not find 9 invocations to revert"):
        bench.engine.revert_worker(bench.worker, invocations=9)


def test_who_listens_to_a_worker_goes_on_listening_when_it_is_reverted(bench):
    bench.run((ADD, 5))
    events = bench.engine.events(bench.worker)
    before, _ = events.take()
    bench.engine.revert_worker(bench.worker, invocations=1)
    bench.run((ADD, 7))

    after, has_ended = events.take()
    bench.engine.delete_worker(bench.worker)
    assert [e.type for e in after] == [EventType.INVOCATION_START, EventType.INVOCATION_FINISHED]
    assert (len(before), has_ended, events.take()) == (2, False, ([], True))


def test_a_reverted_invocation_frees_its_key(bench):
    bench.start((ADD, 1), key="k").result(10)
    bench.engine.revert_worker(bench.worker, invocations=1)

    assert bench.start((ADD, 7), key="k").result(10).value == 7


def test_reverting_to_the_beginning_of_an_invocation_runs_it_again(bench):
    bench.run((ADD, 2))
    bench.start((ADD, 3), key="k").result(10)
    begun = max(i for i, e in bench.engine.oplog(bench.worker).entries if type(e).__name__ == "ExportedFunctionInvoked")

    bench.engine.revert_worker(bench.worker, last_index=begun)

    assert bench.start(key="k").result(10).value == 5  # the same invocation, once more
    assert bench.run() == 5


def test_a_failed_worker_is_repaired_by_a_revert(bench):
    bench.run((ADD, 2))
    with pytest.raises(InvocationFailed):
        bench.run((POLICY, 1), TRAP)

    bench.engine.revert_worker(bench.worker, invocations=1)

    assert bench.status() is WorkerStatus.IDLE
    assert bench.run((ADD, 1)) == 3


def test_a_revert_undoes_an_update(bench):
    bench.run((ADD, 2))
    bench.deploy(version=1)
    bench.update(1)
    bench.settled()

    bench.engine.revert_worker(bench.worker, last_index=1)

    found = bench.engine.worker(bench.worker)
    assert (found.component_version, found.updates, found.deleted_regions) == (0, (), ((2, found.last_index - 1),))
    assert bench.run() == 0


def test_what_runs_is_stopped_by_a_revert(bench):
    bench.run((ADD, 2))
    spinning = bench.start(SPIN)
    until(lambda: bench.status() is WorkerStatus.RUNNING)

    bench.engine.revert_worker(bench.worker, invocations=1)

    assert isinstance(spinning.exception(5), WorkerReverted)
    assert bench.run((ADD, 1)) == 3


def test_an_index_that_was_undone_cannot_be_reverted_to(bench):
    bench.run((ADD, 1))
    bench.run((ADD, 1))
    bench.engine.revert_worker(bench.worker, last_index=4)

    with pytest.raises(BadInput, match="undone already"):
        bench.engine.revert_worker(bench.worker, last_index=5)
    for last_index in (0, 99):
        with pytest.raises(BadInput, match="must be between 1 and 8"):
            bench.engine.revert_worker(bench.worker, last_index=last_index)


def test_a_fork_has_its_sources_history_and_its_own_future(bench):
    bench.run((ADD, 1), DRAW)
    at, before = len(bench.kinds()), bench.run()
    fork = WorkerId(bench.component, "f")

    bench.engine.fork_worker(bench.worker, fork, at)

    bench.run((ADD, 1))
    assert bench.engine.invoke_and_await(fork, "total", []).result(10).value == before
    assert bench.engine.worker(fork).created_at >= bench.engine.worker(bench.worker).created_at


def test_a_fork_goes_on_with_what_was_under_way_at_its_index(bench):
    bench.run((ADD, 1), DRAW, (ADD, 1))
    at = bench.kinds().index("ImportedFunctionInvoked") + 1
    fork = WorkerId(bench.component, "f")

    bench.engine.fork_worker(bench.worker, fork, at)

    until(lambda: bench.engine.worker(fork).status is WorkerStatus.IDLE)
    assert bench.engine.invoke_and_await(fork, "total", []).result(10).value == bench.run()


# Snapshots that bound recovery.


def test_recovery_starts_from_the_last_snapshot(bench):
    bench.engine.set_snapshot_policy(bench.component, SnapshotPolicy(every_invocations=3))
    for _ in range(7):
        before = bench.run((ADD, 1), DRAW)
    assert bench.kinds().count("Snapshot") == 2

    bench.engine.crash_worker(bench.worker)

    assert bench.run() == before
    assert bench.engine.worker(bench.worker).entries_replayed == 3  # of the seventh invocation


def test_a_snapshot_that_cannot_be_loaded_costs_time_and_nothing_else(bench):
    component = bench.engine.create_component(LOCAL_ENVIRONMENT, "choosy", script(saved=9)).id
    bench.worker = WorkerId(component, "w")
    bench.engine.set_snapshot_policy(component, SnapshotPolicy(every_invocations=1))
    before = bench.run((ADD, 1), DRAW)
    until(lambda: bench.kinds()[-1] == "Snapshot")

    bench.engine.crash_worker(bench.worker)

    assert bench.run() == before


def test_an_update_meets_the_whole_history_whatever_snapshots_there_are(bench):
    bench.engine.set_snapshot_policy(bench.component, SnapshotPolicy(every_invocations=1))
    bench.run(DRAW)
    before = bench.run((ADD, 1))
    bench.deploy(version=1, first="(call $sleep (i32.const 1))")
    bench.update(1)
    assert bench.settled().state is UpdateState.FAILED
    bench.deploy(version=2)
    bench.update(2)

    assert bench.settled().state is UpdateState.SUCCESSFUL
    assert bench.run() == before


def test_a_policy_by_time_counts_from_the_last_snapshot(bench):
    bench.engine.set_snapshot_policy(bench.component, SnapshotPolicy(every_s=0.05))
    bench.run((ADD, 1))
    bench.run((SLEEP_MS, 60))
    bench.run((ADD, 1))

    assert bench.kinds().count("Snapshot") == 1


def test_a_component_that_gives_no_snapshots_is_not_asked(engine, bench):
    component = engine.create_component(LOCAL_ENVIRONMENT, "silent", script(saves=False)).id
    engine.set_snapshot_policy(component, SnapshotPolicy(1))
    bench.worker = WorkerId(component, "w")
    bench.run((ADD, 1))

    assert "Snapshot" not in bench.kinds()


def test_a_policy_is_checked_and_can_be_taken_back(engine, bench):
    for policy in (SnapshotPolicy(0), SnapshotPolicy(None, -1.0)):
        with pytest.raises(BadInput, match="1 or more"):
            engine.set_snapshot_policy(bench.component, policy)
    engine.set_snapshot_policy(bench.component, SnapshotPolicy(2))
    assert engine.snapshot_policy(bench.component) == SnapshotPolicy(2)
    engine.set_snapshot_policy(bench.component, None)
    assert engine.snapshot_policy(bench.component) is None
