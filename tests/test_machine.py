"""Random verbs of the API on a few workers, in an engine on a folder, against the model of tests/machine_model.py.

After each verb the engine must come to rest as the model says: status, version, queue, updates, answers, results by
key, what a server outside counted; and what it keeps must agree with itself: the fold in memory and that from the last
checkpoint with a fold of the oplog from scratch, indices without gaps, and a replay that writes nothing.

Time stands still unless a verb moves it, so that sleeps and pauses before retries are states like others. The engine
ends in two ways: closed, or as by signal 9: then the next one starts from what was committed at that moment (SQLite's
backup of the database that is in use), which is what the end of a process leaves.

GOLEM_NB_MACHINE is the number of examples (`make machine`: 300); those of `make test` are always the same.
"""

import os
import shutil
import sqlite3
import tempfile
import threading
from collections import Counter
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import fields, replace
from pathlib import Path
from typing import TypeVar
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from golem_nb.engine import journal
from golem_nb.engine.engine import Engine
from golem_nb.engine.settings import Settings
from golem_nb.errors import (
    BadInput,
    EngineStopped,
    GolemError,
    NotResumable,
    UpdateRefused,
    WorkerExists,
    WorkerNotFound,
)
from golem_nb.model import LOCAL_ENVIRONMENT, SnapshotPolicy, UpdateMode, UpdateState, WorkerId
from golem_nb.oplog.codec import entries_from_chunk
from golem_nb.oplog.entries import ImportedFunctionInvoked
from golem_nb.oplog.fold import WorkerState, state_of
from golem_nb.store import oplogs
from tests.engine.conftest import until
from tests.machine_model import (
    IDLE,
    INTERRUPTED,
    LONG_S,
    RUNNING,
    Block,
    Call,
    Sum,
    Version,
    World,
)
from tests.script import ANOTHER_PATH, SPIN, Outside, script, steps, writes

EXAMPLES = int(os.environ.get("GOLEM_NB_MACHINE", "0"))
NAMES = ("a", "b")
FORKS = ("c", "d")
WAITS = ("monotonic_clock::subscribe_duration", "golem::api::create_promise")
MOST_STEPS = 90  # that the server can tell apart
WAIT_S = 10.0

T = TypeVar("T")

VERSIONS = {  # of the component, the last one being the one that workers are created on
    Version(): script(0),
    Version(goes_another_way=True): script(1, first=ANOTHER_PATH),
    Version(takes_snapshots=False): script(2, loads=None),
}
DEPLOYED = [*VERSIONS, Version()]
MISSING = len(DEPLOYED)

names = st.sampled_from(NAMES)
small = st.integers(1, 9)
picks = st.integers(0, 99)


def chosen_by(pick: int, choices: list[T]) -> T:
    """Return one of the choices: what there is to choose from may differ in a second run, and the pick does not."""
    return choices[pick % len(choices)]


PURE = ("add", "print", "draw", "zone", "own promise")
TELLING = ("tell", "hold", "flaky", "region", "jump")
LEARNING = ("draw", "promise", "own promise")  # one in a program: what was learnt is read from its result
blocks = st.builds(
    Block,
    st.sampled_from([*PURE, *TELLING, "short sleep", "long sleep", "promise", "promise", "trap", "exit"]),
    small,
    attempts=st.integers(1, 3),
)
pure_programs = st.lists(st.builds(Block, st.sampled_from([*PURE, "long sleep"]), small), max_size=3)
programs = st.lists(blocks, max_size=3)


class Clock:
    def __init__(self) -> None:
        self.seconds = 0

    def now_ns(self) -> int:
        return (1_700_000_000 + self.seconds) * 10**9


class Machine(RuleBasedStateMachine):
    compiled: Path
    """A folder for compiled code, for all examples."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = ExitStack()  # what comes with long oplogs comes with short ones
        self.patches.enter_context(patch.object(journal, "CHECKPOINT_EVERY", 6))
        self.patches.enter_context(patch.object(oplogs, "PAGE", 8))
        self.root, self.folders = Path(tempfile.mkdtemp(prefix="machine-")), 0
        self.clock, self.outside = Clock(), Outside()
        self.world = World(DEPLOYED)
        self.waiters: dict[tuple[str, str], list[Future]] = {}
        self.points: dict[str, dict[int, object]] = {}
        """For a worker: copies of its model, by its last index then."""
        self.programs: dict[str, list[object]] = {}
        """By key: function and parameters."""
        self.step = self.keys = 0

    @initialize()
    def deploy(self) -> None:
        folder = self.next_folder()
        folder.mkdir()
        (folder / "compiled").symlink_to(self.compiled, target_is_directory=True)
        self.open(folder)
        self.component = self.engine.create_component(LOCAL_ENVIRONMENT, "script", VERSIONS[DEPLOYED[0]])
        for version in DEPLOYED[1:]:
            self.engine.update_component(self.component.id, VERSIONS[version])

    def next_folder(self) -> Path:
        self.folders += 1
        return self.root / str(self.folders)

    def open(self, folder: Path) -> None:
        self.folder = folder
        self.engine = Engine.open(folder, Settings(durability="none", max_loaded=1), clock=self.clock, draw=lambda: 0.0)

    def wait_for_timers(self) -> None:
        are_called = threading.Event()
        self.engine.timers.call_at(self.clock.now_ns(), are_called.set)  # after all that are due
        assert are_called.wait(WAIT_S)

    def teardown(self) -> None:
        for held in self.outside.held.values():
            held.set()
        self.engine.close()
        self.outside.close()
        shutil.rmtree(self.root)
        self.patches.close()

    def id(self, name: str) -> WorkerId:
        return WorkerId(self.component.id, name)

    def asked(self, ask, *arguments, **options) -> object:
        """Return what a verb gives, or the class of its error."""
        try:
            return ask(*arguments, **options)
        except GolemError as error:
            return type(error)

    # Invocations.

    def program(self, chosen: list[Block]) -> tuple[Block, ...]:
        """Give the blocks that tell the server steps of their own, and say what it answers."""
        made, is_learning = [], False
        for block in chosen:
            if block.kind in LEARNING:
                if is_learning:
                    continue
                is_learning = True
            if block.kind in TELLING:
                if self.step >= MOST_STEPS:
                    continue
                self.step += 1
                block = replace(block, step=self.step)
                plan = {"flaky": [Outside.BREAK] * block.n, "region": [500] * block.n, "jump": [202]}.get(block.kind)
                if plan:
                    plan = plan[:3]
                    self.world.plans[self.step], self.outside.answers[self.step] = list(plan), list(plan)
                if block.kind == "hold":
                    self.world.held.add(self.step)
                    self.outside.held[self.step] = threading.Event()
            made.append(block)
        return tuple(made)

    def new_key(self) -> str:
        self.keys += 1
        return f"key-{self.keys}"

    def new_call(self, chosen: list[Block] | None) -> Call:
        call = Call(self.new_key(), None if chosen is None else self.program(chosen))
        if call.blocks is None:
            self.programs[call.key] = ["total", []]
        else:
            told = steps(*[step for block in call.blocks for step in block.steps()])
            self.programs[call.key] = ["run", [self.outside.authority, told]]
        return call

    def send(self, name: str, call: Call, is_awaited: bool) -> None:
        refused = self.world.invoke(name, replace(call))
        verb = self.engine.invoke_and_await if is_awaited else self.engine.invoke
        answer = self.asked(verb, self.id(name), *self.programs[call.key], call.key)
        if refused:
            assert answer is refused
        elif is_awaited:
            self.waiters.setdefault((name, call.key), []).append(answer)
        else:
            answer.result(WAIT_S)

    @rule(name=names, chosen=programs, is_awaited=st.booleans())
    def invoke(self, name, chosen, is_awaited) -> None:
        self.send(name, self.new_call(chosen), is_awaited)

    @rule(name=names)
    def ask_for_total(self, name) -> None:
        self.send(name, self.new_call(None), True)

    def known_keys(self, name: str) -> list[str]:
        w = self.world.workers[name]
        queued = [call.key for call in w.queue if call.version is None]
        return [*w.results, *([w.current.key] if w.current else []), *queued]

    @rule(pick=picks, is_awaited=st.booleans())
    @precondition(lambda self: any(self.known_keys(name) for name in self.world.workers))
    def invoke_again(self, pick, is_awaited) -> None:
        choices = [(name, key) for name in self.world.workers for key in self.known_keys(name)]
        name, key = chosen_by(pick, choices)
        self.send(name, Call(key), is_awaited)

    @rule(pick=picks, place=picks)
    @precondition(lambda self: self.world.workers)
    def cancel(self, pick, place) -> None:
        name = chosen_by(pick, list(self.world.workers))
        key = chosen_by(place, [*self.known_keys(name), "unknown"])
        told = self.world.cancel(self.world.workers[name], key)

        assert self.asked(self.engine.cancel_invocation, self.id(name), key) == told

    # Life.

    @rule(name=names)
    def launch(self, name) -> None:
        is_new = name not in self.world.workers
        if is_new:
            self.world.create(name)

        answer = self.asked(self.engine.launch_worker, self.component.id, name)

        assert answer == (self.id(name) if is_new else WorkerExists)

    @rule(pick=picks)
    @precondition(lambda self: self.world.workers)
    def delete(self, pick) -> None:
        name = chosen_by(pick, list(self.world.workers))
        self.world.tell_everyone(self.world.workers.pop(name), WorkerNotFound)
        self.points.pop(name, None)

        self.engine.delete_worker(self.id(name))

        assert self.asked(self.engine.worker, self.id(name)) is WorkerNotFound

    @rule(pick=picks, recover=st.booleans())
    @precondition(lambda self: self.world.workers)
    def interrupt(self, pick, recover) -> None:
        name = chosen_by(pick, list(self.world.workers))
        self.world.interrupt(self.world.workers[name], recover)

        self.engine.interrupt_worker(self.id(name), recover)

    @rule(pick=picks)
    @precondition(lambda self: self.world.workers)
    def resume(self, pick) -> None:
        w = self.world.workers[chosen_by(pick, list(self.world.workers))]
        refused = self.world.refusal(w) or (NotResumable if w.status is RUNNING else None)
        if not refused:
            self.world.go(w)

        assert self.asked(self.engine.resume_worker, self.id(w.name)) is refused

    @rule(pick=picks)
    @precondition(lambda self: self.world.workers)
    def crash(self, pick) -> None:
        w = self.world.workers[chosen_by(pick, list(self.world.workers))]
        is_silent = w.status is not RUNNING and not (w.status is IDLE and w.queue)
        before, told = self.last_index(w.name), len(self.outside.told)
        self.world.crash(w)

        self.engine.crash_worker(self.id(w.name))

        if is_silent:
            self.come_to_rest()
            assert (self.last_index(w.name), len(self.outside.told)) == (before, told)

    def last_index(self, name: str) -> int:
        return self.engine.worker(self.id(name)).last_index

    @rule(seconds=st.sampled_from([5, LONG_S]))
    def time_passes(self, seconds) -> None:
        self.clock.seconds += seconds
        self.world.advance(seconds)
        self.wait_for_timers()
        for worker in list(self.engine._loaded.values()):
            worker._wake.set()

    @rule(pick=picks)
    @precondition(lambda self: self.world.held)
    def answer_the_held(self, pick) -> None:
        step = chosen_by(pick, sorted(self.world.held))
        self.world.release(step)
        self.outside.held[step].set()

    @rule(pick=picks, payload=small)
    @precondition(lambda self: any(w.waits_for == "promise" for w in self.world.workers.values()))
    def complete_promise(self, pick, payload) -> None:
        waiting = [w.name for w in self.world.workers.values() if w.waits_for == "promise"]
        w = self.world.workers[chosen_by(pick, waiting)]
        index = self.world.learnt[w.current.memo]
        is_first = self.world.complete(w, w.current.memo, payload)

        assert self.engine.complete_promise(self.id(w.name), index, bytes([payload])) is is_first

    # The engine's end.

    def nobody_is_answered(self) -> None:
        for futures in self.waiters.values():
            for future in futures:
                assert isinstance(future.exception(WAIT_S), EngineStopped)
        self.waiters.clear()

    @rule()
    def close_and_open(self) -> None:
        self.engine.close()
        self.nobody_is_answered()
        self.world.restart()
        self.open(self.folder)

    @rule()
    def kill_and_open(self) -> None:
        self.kill()

    def kill(self) -> None:
        folder = self.next_folder()
        kept = shutil.ignore_patterns("golem.db*", "*.lock", "lock*")
        shutil.copytree(self.folder, folder, symlinks=True, ignore=kept)
        with sqlite3.connect(self.folder / "golem.db") as source, sqlite3.connect(folder / "golem.db") as copy:
            source.backup(copy)
        source.close()
        copy.close()
        self.engine.close()
        self.nobody_is_answered()
        self.world.restart()
        shutil.rmtree(self.folder)
        self.open(folder)

    @rule(name=names, chosen=pure_programs)
    def invoke_and_kill(self, name, chosen) -> None:
        """What was accepted is not lost; it tells the server nothing, which could not be undone."""
        w = self.world.workers.get(name)
        if w and self.kinds_ahead(w) & set(TELLING):
            return
        self.send(name, self.new_call(chosen), False)
        self.kill()

    # Other versions, other histories.

    @rule(pick=picks, version=st.integers(0, MISSING), is_manual=st.booleans())
    @precondition(lambda self: self.world.workers)
    def update(self, pick, version, is_manual) -> None:
        w = self.world.workers[chosen_by(pick, list(self.world.workers))]
        if is_manual:
            is_accepted = self.world.update_manually(w, version, self.new_key())
        else:
            is_accepted = self.world.update(w, version)
        mode = UpdateMode.MANUAL if is_manual else UpdateMode.AUTOMATIC

        answer = self.asked(self.engine.update_worker, self.id(w.name), version, mode)

        assert answer is (None if is_accepted else UpdateRefused)

    @rule(pick=picks, count=st.integers(1, 3))
    @precondition(lambda self: self.world.workers)
    def revert_invocations(self, pick, count) -> None:
        w = self.world.workers[chosen_by(pick, list(self.world.workers))]
        is_done = self.world.revert_invocations(w, count)

        answer = self.asked(self.engine.revert_worker, self.id(w.name), invocations=count)

        assert answer is (None if is_done else BadInput)
        if is_done:
            self.forget_points(w.name)

    def forget_points(self, name: str) -> None:
        """Those after what is left: no history has them any more."""
        (*_, (start, _)) = self.engine.worker(self.id(name)).deleted_regions
        self.points[name] = {index: point for index, point in self.points[name].items() if index < start}

    @rule(pick=picks, place=picks)
    @precondition(lambda self: any(self.points.values()))
    def revert_to_index(self, pick, place) -> None:
        name = chosen_by(pick, [name for name in self.points if self.points[name]])
        index = chosen_by(place, sorted(self.points[name]))
        w, metadata, point = self.world.workers[name], self.engine.worker(self.id(name)), self.points[name][index]
        if index == metadata.last_index or point.status is RUNNING:
            return
        is_undone = any(start <= index + 1 <= end for start, end in metadata.skipped_regions)
        if not is_undone:
            self.world.revert(w, point)

        answer = self.asked(self.engine.revert_worker, self.id(name), last_index=index)

        assert answer is (BadInput if is_undone else None)
        if not is_undone:
            self.points[name] = {i: point for i, point in self.points[name].items() if i <= index}

    @rule(pick=picks, place=picks, to=st.sampled_from(FORKS))
    @precondition(lambda self: any(self.points.values()))
    def fork(self, pick, place, to) -> None:
        name = chosen_by(pick, [name for name in self.points if self.points[name]])
        index = chosen_by(place, sorted(self.points[name]))
        point = self.points[name][index]
        # A fork tells the server with the keys of its source, where it does the same.
        if to in self.world.workers or index < 2 or not self.can_fork(point):
            return
        self.world.fork(point, to)

        self.engine.fork_worker(self.id(name), self.id(to), index)

        self.points[to] = {i: p for i, p in self.points[name].items() if i <= index}

    def can_fork(self, point) -> bool:
        return not self.kinds_ahead(point) & {*TELLING, "trap"}

    def kinds_ahead(self, w) -> set[str]:
        calls = [*w.queue, *([w.current] if w.current else [])]
        return {block.kind for call in calls for block in call.blocks or ()}

    @rule(every=st.sampled_from([None, 1, 2, 3]))
    def keep_snapshots(self, every) -> None:
        self.engine.set_snapshot_policy(self.component.id, every and SnapshotPolicy(every_invocations=every))

    @rule(name=names, restarts=st.booleans())
    def interrupt_one_that_spins(self, name, restarts) -> None:
        """It is interrupted, with another one behind it, and its end is that it never was."""
        if self.world.workers.get(name) and self.world.workers[name].status is not IDLE:
            return
        w = self.world.workers.get(name) or self.world.create(name)
        if w.queue:
            return
        spinning, behind = self.new_key(), self.new_call([Block("add", 5)])
        worker = self.id(name)
        first = self.engine.invoke_and_await(worker, "run", [self.outside.authority, steps(SPIN)], spinning)
        until(lambda: self.engine.worker(worker).status is RUNNING)
        second = self.engine.invoke_and_await(worker, *self.programs[behind.key], behind.key)

        self.engine.interrupt_worker(worker)

        assert self.engine.worker(worker).status is INTERRUPTED
        assert self.engine.worker(worker).pending_invocation_count == 1
        for future in (first, second):
            assert type(future.exception(WAIT_S)).__name__ == "InvocationInterrupted"
        if restarts:
            self.close_and_open()
        self.engine.revert_worker(worker, invocations=1)  # and what was accepted after it

    # What must hold.

    @invariant()
    def is_as_the_model_says(self) -> None:
        if not self.folders:
            return
        self.come_to_rest()
        self.check_answers()
        for name in self.world.workers:
            self.check_history(name)
        told = Counter(step for step, _ in self.outside.told)
        assert told == +self.world.times, (told, self.world.times)
        assert {step: len(self.outside.keys(step)) for step in told} == dict(+self.world.keys)

    def come_to_rest(self) -> None:
        for w in list(self.world.workers.values()):
            try:
                until(lambda w=w: self.is_at_rest(w), WAIT_S)
            except AssertionError:
                seen, modelled = (*self.seen(w.name), self.waits(w.name)), (*self.modelled(w), w.waits)
                raise AssertionError(f"{w.name}: {seen} is not {modelled}; {w}") from None
            if w.waits_for == "promise" and self.world.learnt[w.current.memo] is None:
                self.world.learnt[w.current.memo] = self.last_promise(w.name)

    def is_at_rest(self, w) -> bool:
        worker = self.engine._loaded.get(self.id(w.name))
        is_busy = worker is not None and worker.is_busy
        if self.seen(w.name) != self.modelled(w) or is_busy is not (w.status is RUNNING):
            return False
        # Where it waits shows in no status.
        has_told = (
            w.waits_for != "hold"
            or self.outside.steps.count(w.current.block.step) == self.world.times[w.current.block.step]
        )
        return has_told and self.waits(w.name) == w.waits

    def waits(self, name: str) -> int:
        """Return how many sleeps and promises a worker has come to, in the history that counts."""
        entries = self.entries(name)
        skipped = state_of(entries).skipped
        return sum(
            isinstance(entry, ImportedFunctionInvoked) and entry.function_name in WAITS and index not in skipped
            for index, entry in enumerate(entries, start=1)
        )

    def seen(self, name: str):
        m = self.engine.worker(self.id(name))
        updates = Counter((update.state, update.target_version) for update in m.updates)
        return m.status, m.component_version, m.pending_invocation_count, m.retry_count, updates

    def modelled(self, w):
        waiting = [(UpdateState.PENDING, call.version) for call in w.queue if call.version is not None]
        updates = Counter([*w.updates, *waiting])
        return w.status, w.version, len(w.queue) - len(waiting), w.retries, updates

    def last_promise(self, name: str) -> int:
        made = [
            entry
            for entry in self.entries(name)
            if isinstance(entry, ImportedFunctionInvoked) and entry.function_name == "golem::api::create_promise"
        ]
        return made[-1].response.typed().value[1]["oplog-idx"]

    def check_answers(self) -> None:
        answers, self.world.answers = self.world.answers, []
        for name, key, told in answers:
            futures = self.waiters.pop((name, key), [])
            if isinstance(told, Sum):
                again = self.engine.invoke_and_await(self.id(name), *self.programs[key], key)
                for future in [*futures, *([again] if key in self.world.workers[name].results else [])]:
                    self.check_sum(told, future.result(WAIT_S).value)
            else:
                for future in futures:
                    assert type(future.exception(WAIT_S)) is told, (name, key)
        for (name, key), futures in self.waiters.items():
            assert not any(future.done() for future in futures), (name, key)

    def check_sum(self, told: Sum, result: int) -> None:
        learnt = self.world.learnt
        known = told.known + sum(learnt[part] or 0 for part in told.parts)
        unknown = [part for part in told.parts if learnt[part] is None]
        if unknown:
            (part,) = unknown
            assert 0 <= result - known < 1000
            learnt[part] = result - known
        else:
            assert result == known

    def entries(self, name: str):
        return [entry for chunk in self.chunks(name) for entry in entries_from_chunk(chunk.body)]

    def chunks(self, name: str):
        return list(self.engine._oplogs.read(self.engine._workers.number(self.id(name))))

    def check_history(self, name: str) -> None:
        """Check what is kept of a worker, and keep a copy of its model."""
        worker = self.engine._loaded.load(self.id(name))
        worker.journal.commit().result()
        chunks, entries = self.chunks(name), self.entries(name)
        assert [chunk.first_index for chunk in chunks] == [
            1 + sum(chunk.count for chunk in chunks[:place]) for place in range(len(chunks))
        ]
        state = state_of(entries)
        for kept in (worker.journal.state, journal.stored_state(self.engine._oplogs, worker.number)[0]):
            assert not differences(kept, state), (name, differences(kept, state))
        counts = [self.outside.step_of[key] for begin, key in writes(entries).items() if begin not in state.skipped]
        assert counts == self.world.workers[name].effects
        self.points.setdefault(name, {})[len(entries)] = self.world.workers[name].copy()


def differences(one: WorkerState, other: WorkerState) -> dict[str, tuple[object, object]]:
    pairs = {f.name: (getattr(one, f.name), getattr(other, f.name)) for f in fields(WorkerState)}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


@pytest.mark.slow
@pytest.mark.timeout(120 + EXAMPLES * 30)
def test_workers_do_what_the_model_says(tmp_path_factory):
    Machine.compiled = tmp_path_factory.mktemp("compiled")
    chosen = settings(
        max_examples=EXAMPLES or 60,
        stateful_step_count=40,
        deadline=None,
        derandomize=not EXAMPLES,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    Machine.TestCase.settings = chosen
    Machine.TestCase().runTest()
