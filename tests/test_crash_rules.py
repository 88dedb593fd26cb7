"""Every prefix of an oplog is a legal crash point, for each rule of durability; told by the script component.

A story is what clients do with one worker. It is told once from its beginning to its end; then, for each prefix of the
oplog that it left, the engine starts from a folder as it was when that was all, and the clients, who lost their
answers, do everything again with the same keys. All answers, the output, and what a server outside counts must be as
if nothing had happened.
"""

import itertools
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from golem_nb.engine.engine import Engine
from golem_nb.errors import GolemError, PromiseNotFound, UpdateRefused
from golem_nb.model import LOCAL_ENVIRONMENT, SnapshotPolicy, UpdateMode, UpdateState, WorkerStatus
from golem_nb.oplog.entries import (
    BeginAtomicRegion,
    EndAtomicRegion,
    EndRemoteWrite,
    Error,
    ExportedFunctionCompleted,
    ImportedFunctionInvoked,
    Revert,
    Snapshot,
)
from golem_nb.oplog.fold import state_of
from tests.engine.conftest import until
from tests.script import (
    ADD,
    ANOTHER_PATH,
    ASK,
    AWAIT,
    BEGIN,
    DRAW,
    END,
    EXIT,
    HEAR,
    IDEMPOTENCE,
    INDEX,
    JUMP_IF,
    KEY,
    LEVEL,
    NOTHING,
    POLICY,
    PRINT,
    PROMISE,
    SLEEP_MS,
    SMART,
    TELL,
    TRAP,
    TRAP_UNLESS,
    Outside,
    script,
    steps,
    writes,
)
from tests.test_crash import cut, oplog_of, output_of

BREAK = Outside.BREAK
PROMISED = 4  # Create, Pending, Invoked, then a promise that is made first


class Clock:
    """The machine's, and what it was put forward by."""

    def __init__(self):
        self.ahead_ns = 0

    def now_ns(self):
        return time.time_ns() + self.ahead_ns


class Stage:
    """An engine on a folder, and the worker that a story is about."""

    def __init__(self, folder, worker, outside, clock, prefix=()):
        """`prefix` are the entries that the worker has."""
        self.worker, self.outside, self.clock, self.prefix = worker, outside, clock, prefix
        draws = itertools.count(
            sum(isinstance(e, ImportedFunctionInvoked) and "random" in e.function_name for e in prefix)
        )
        self.completed_at = {}
        """For a promise that was completed from outside: the worker's last entry then."""
        # Draws that are recorded have been made; one that is made again where it was recorded shows in the sum.
        self.engine = Engine.open(folder, clock=clock, random_bytes=lambda count: next(draws).to_bytes(count, "little"))

    def start(self, key, program):
        return self.engine.invoke_and_await(self.worker, "run", [self.outside.authority, steps(*program)], key)

    def has_slept(self):
        return any(
            "subscribe_duration" in getattr(e, "function_name", "") for _, e in self.engine.oplog(self.worker).entries
        )

    def metadata(self):
        return self.engine.worker(self.worker)

    def updates(self):
        return [(update.target_version, update.state) for update in self.metadata().updates]


Deed = Callable[[Stage], object]


def call(key, *program) -> Deed:
    def deed(stage):
        try:
            return stage.start(key, program).result(20).value
        except GolemError as error:
            return type(error).__name__

    return deed


def call_and_complete(key, *program, data) -> Deed:
    """Call, and complete the promise that it makes and waits for."""

    def complete(stage):
        try:
            stage.engine.complete_promise(stage.worker, PROMISED, data)
        except PromiseNotFound:
            return False
        return True

    def deed(stage):
        waiting = stage.start(key, program)
        until(lambda: waiting.done() or stage.metadata().status is WorkerStatus.SUSPENDED)
        stage.completed_at.setdefault(PROMISED, stage.metadata().last_index)
        until(lambda: complete(stage))
        return waiting.result(20).value

    return deed


def call_and_wait_long(key, *program) -> Deed:
    """Call, and let the hour pass that it sleeps for."""

    def deed(stage):
        waiting = stage.start(key, program)
        until(lambda: waiting.done() or stage.metadata().status is WorkerStatus.SUSPENDED)
        stage.clock.ahead_ns += 3600 * 10**9
        stage.engine.timers.call_at(0, lambda: None)  # have it look at the clock
        return waiting.result(20).value

    return deed


def update(version, mode=UpdateMode.AUTOMATIC) -> Deed:
    """Ask for an update, if that was not done; return what has become of it."""

    def deed(stage):
        if version not in dict(stage.updates()):
            stage.engine.update_worker(stage.worker, version, mode)
        until(lambda: dict(stage.updates())[version] is not UpdateState.PENDING, 20)
        return dict(stage.updates())[version]

    return deed


def update_meanwhile(version, key, *program) -> Deed:
    """Call, and ask for an update in its sleep."""

    def deed(stage):
        waiting = stage.start(key, program)
        until(lambda: waiting.done() or stage.has_slept())
        try:
            stage.engine.update_worker(stage.worker, version)
        except UpdateRefused:
            pass  # it is under way, or over
        return waiting.result(20).value

    return deed


def revert(invocations) -> Deed:
    def deed(stage):
        stage.engine.revert_worker(stage.worker, invocations=invocations)

    return deed


@dataclass
class Story:
    deeds: list[Deed]
    answers: dict[int, list[int]] = field(default_factory=dict)
    """What the server answers to a step, at first."""
    versions: list[bytes] = field(default_factory=lambda: [script()])
    policy: SnapshotPolicy | None = None
    reverts: int | None = None
    """The deed that reverts: from it on nobody asks for what was done before."""


EVERY_TWO = SnapshotPolicy(every_invocations=2)

STORIES = {
    "writes": Story([call("a", KEY, (TELL, 1), DRAW, (PRINT, 1), (TELL, 2)), call("b", (TELL, 3))]),
    "writes at once": Story([call("a", (ASK, 1), (TELL, 2), (PRINT, 1), HEAR, (TELL, 3)), call("b", (TELL, 4))]),
    "failing writes": Story(
        [call("a", (POLICY, 3), (TELL, 1), (ADD, 1), (TELL, 2), (PRINT, 2)), call("b", (TELL, 3))], {1: [BREAK, BREAK]}
    ),
    "a failure that stays": Story([call("a", (POLICY, 2), (TELL, 1), (ADD, 1), (TELL, 2))], {1: [BREAK, BREAK]}),
    "region": Story(
        [
            call("a", (POLICY, 3), (TELL, 1), BEGIN, (TELL, 2), (PRINT, 2), (TRAP_UNLESS, 200), (TELL, 3), END),
            call("b", (ADD, 1)),
        ],
        {2: [500, 500]},
    ),
    "nested regions": Story(
        [
            call("a", (POLICY, 3), BEGIN, (TELL, 1), BEGIN, (TELL, 2), (TRAP_UNLESS, 200), END, (ADD, 1)),
            call("b", (TELL, 3)),
        ],
        {2: [500]},
    ),
    "jump": Story(
        [
            call("a", (TELL, 1), INDEX, (ADD, 1), (TELL, 2), (PRINT, 7), (JUMP_IF, 202), (ADD, 10)),
            call("b", (TELL, 3)),
        ],
        {2: [202]},
    ),
    "a zone without persistence": Story([call("a", (LEVEL, NOTHING), (ADD, 1), (LEVEL, SMART), (TELL, 1), (ADD, 2))]),
    "promise": Story([call_and_complete("a", PROMISE, (PRINT, 1), AWAIT, (TELL, 1), data=b"\x05"), call("b", DRAW)]),
    "sleep": Story([call("a", DRAW, (SLEEP_MS, 15), (PRINT, 1), (SLEEP_MS, 5), DRAW), call("b", (ADD, 1))]),
    "long sleep": Story([call_and_wait_long("a", DRAW, (SLEEP_MS, 3_600_000), DRAW, (PRINT, 1)), call("b", (ADD, 1))]),
    "automatic update": Story(
        [
            call("a", (ADD, 1), (TELL, 1)),
            update(1),
            call("b", (ADD, 1), DRAW),
            update(2),
            update(3),
            call("c", (ADD, 1), (TELL, 2)),
        ],
        # Additions count from their version on; the second takes another path, the third does not exist.
        versions=[script(), script(1), script(2, first=ANOTHER_PATH)],
    ),
    "automatic update of a running invocation": Story(
        [call("a", DRAW), update_meanwhile(1, "b", (TELL, 1), (SLEEP_MS, 100), (TELL, 2), DRAW), call("c", (ADD, 1))],
        versions=[script(), script(1)],
    ),
    "manual update": Story(
        [
            call("a", (ADD, 3), (TELL, 1)),
            update(1, UpdateMode.MANUAL),
            call("b", (ADD, 1), (TELL, 2)),
            update(2, UpdateMode.MANUAL),
            call("c", DRAW),
        ],
        # The first takes another path, and need not go the old one; the second takes no snapshot.
        versions=[script(), script(1, factor=10, first=ANOTHER_PATH), script(2, loads=None)],
    ),
    "snapshots": Story(
        [call(f"k{n}", DRAW, (PRINT, n), (TELL, n)) for n in range(1, 6)] + [update(1)],
        versions=[script(), script(1)],
        policy=EVERY_TWO,
    ),
    "revert": Story(
        [
            call("a", (ADD, 1)),
            call("b", (ADD, 2), (TELL, 1)),
            revert(1),
            call("c", (ADD, 4), DRAW),
            call("b", (ADD, 8)),
        ],
        reverts=2,
    ),
    "revert of a failure": Story(
        [call("a", (ADD, 1)), call("b", (POLICY, 2), (PRINT, 1), TRAP), call("c"), revert(1), call("c", (ADD, 4))],
        reverts=3,
    ),
    "revert with snapshots": Story(
        [call(f"k{n}", (ADD, n), DRAW) for n in range(1, 6)] + [revert(2), call("k6", (ADD, 6)), call("k7", DRAW)],
        policy=EVERY_TWO,
        reverts=5,
    ),
    "exit": Story([call("a", (ADD, 1), (PRINT, 1)), call("b", (TELL, 1), (EXIT, 0), (TELL, 2)), call("c", (ADD, 1))]),
}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """A folder that keeps compiled code for all stories."""
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture
def outside():
    server = Outside()
    yield server
    server.close()


@pytest.mark.parametrize("name", STORIES)
def test_every_prefix_of_a_story_is_a_legal_crash_point(name, outside, tmp_path, compiled):
    story, folder, clock = STORIES[name], tmp_path / "whole", Clock()
    worker = deployed(story, folder, compiled)
    stage = Stage(folder, worker, outside, clock)
    original = told(story, stage)
    stage.engine.close()
    oplog, effects, completed_at = oplog_of(folder), list(outside.told), stage.completed_at
    assert state_of(oplog).current is None

    for at in range(1, len(oplog)):
        copy = tmp_path / f"cut-{at}"
        cut(folder, copy, at, completed_at)
        outside.told.clear()
        stage = Stage(copy, worker, outside, clock, oplog[:at])
        again = told(story, stage)
        stage.engine.close()

        assert again == original[-len(again) :], f"cut after entry {at}"
        assert output_of(copy) == output_of(folder), f"cut after entry {at}"
        check_effects(oplog[:at], oplog_of(copy), effects, outside.told)
        shutil.rmtree(copy)


def deployed(story, folder, compiled):
    """Make the folder that a story begins with; return the worker's id."""
    folder.mkdir()
    (folder / "compiled").symlink_to(compiled, target_is_directory=True)
    engine = Engine.open(folder)
    component = engine.create_component(LOCAL_ENVIRONMENT, "script", story.versions[0])
    worker = engine.launch_worker(component.id, "w")
    for version in story.versions[1:]:
        engine.update_component(component.id, version)
    engine.set_snapshot_policy(component.id, story.policy)
    engine.close()
    return worker


def told(story, stage):
    """Do what is left of a story; return all answers."""
    prefix, outside = stage.prefix, stage.outside
    outside.answers = {step: answers[spent(step, prefix, outside) :] for step, answers in story.answers.items()}
    is_reverted = any(isinstance(entry, Revert) for entry in prefix)
    return [deed(stage) for deed in story.deeds[story.reverts + 1 if is_reverted else 0 :]]


def spent(step, prefix, outside):
    """Return how many of a step's planned answers are known in an oplog: as failures, or as ends of writes."""
    failures = sum(isinstance(entry, Error) for entry in prefix)
    return max(failures, len([None for end in ended(prefix) if outside.step_of.get(end) == step]))


def ended(oplog):
    """Return the keys of the writes that have an end."""
    keys = writes(oplog)
    return {keys[entry.begin_index] for entry in oplog if isinstance(entry, EndRemoteWrite)}


def open_region(oplog):
    """Return the index of the outermost atomic region that an oplog leaves open; beyond its end, if there is none."""
    skipped, regions = state_of(oplog).skipped, []
    for index, entry in enumerate(oplog, start=1):
        match entry:
            case _ if index in skipped:
                continue
            case BeginAtomicRegion():
                regions.append(index)
            case EndAtomicRegion(begin_index=begin) if begin in regions:
                regions.remove(begin)
            case ExportedFunctionCompleted():
                regions.clear()
    return regions[0] if regions else len(oplog) + 1


def check_effects(prefix, finished, before, after):
    """Check what the server was told after a cut against what it was told in the whole story.

    A write whose end is recorded is not made again. One that was cut off is made again, with its key; unless an
    atomic region is done again: that is other writes, with other keys. In the end each write that counts was made.
    """
    made_again = [key for _, key in after]
    assert not set(made_again) & ended(prefix)
    skipped, region = state_of(prefix).skipped, open_region(prefix)
    for begin, key in writes(prefix).items():
        is_cut_off = key not in ended(prefix) and begin not in skipped
        if is_cut_off and begin < region:
            times = [k for _, k in before].count(key) - errors_at(begin, prefix)  # more than one where it failed
            assert 1 <= made_again.count(key) <= max(1, times)
    undone = state_of(finished).skipped
    effective = [key for begin, key in writes(finished).items() if begin not in undone]
    assert not set(effective) - {key for _, key in [*before, *after]}


def errors_at(begin, oplog):
    return sum(isinstance(entry, Error) and entry.retry_from == begin for entry in oplog)


def test_a_write_that_may_not_be_repeated_is_not(outside, tmp_path, compiled):
    """Where the oplog has its beginning and not its end, the invocation fails. Source: SEMANTICS 3.7."""
    story, folder, clock = (
        Story([call("a", (POLICY, 1), (IDEMPOTENCE, 0), (TELL, 1), (ADD, 1))]),
        tmp_path / "whole",
        Clock(),
    )
    worker = deployed(story, folder, compiled)
    stage = Stage(folder, worker, outside, clock)
    assert told(story, stage) == [1]
    stage.engine.close()
    oplog = oplog_of(folder)
    (begin,), end = writes(oplog), len(oplog) - 2

    for at in range(1, len(oplog)):
        cut(folder, tmp_path / f"cut-{at}", at)
        outside.told.clear()
        stage = Stage(tmp_path / f"cut-{at}", worker, outside, clock, oplog[:at])
        answers = told(story, stage)
        stage.engine.close()

        assert answers == (["InvocationFailed"] if begin <= at < end else [1]), f"cut after entry {at}"
        assert outside.steps == ([1] if at < begin else []), f"cut after entry {at}"


def test_the_stories_meet_what_they_are_told_for(outside, tmp_path, compiled):
    """A story about snapshots in which none is taken would hold for nothing."""
    worker = deployed(STORIES["snapshots"], tmp_path / "whole", compiled)
    stage = Stage(tmp_path / "whole", worker, outside, Clock())
    told(STORIES["snapshots"], stage)
    stage.engine.close()

    assert sum(isinstance(entry, Snapshot) for entry in oplog_of(tmp_path / "whole")) == 2
