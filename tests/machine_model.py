"""What is promised of workers of the script component: a model in memory, for tests/test_machine.py.

Written from SEMANTICS 1, 2 and 6 and from DESIGN, not from the engine: it has no oplog, no replay and no threads. A
worker does at once all that it can do, and then waits: for time, a promise, an answer, or to be asked. A revert gives
back the copy of a worker that was made when its oplog had that length.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from golem_nb.errors import (
    InvocationFailed,
    InvocationInterrupted,
    InvocationNotFound,
    PreviousInvocationFailed,
    WorkerExited,
    WorkerReverted,
)
from golem_nb.model import UpdateState, WorkerStatus
from tests import script
from tests.script import Outside

IDLE, RUNNING, SUSPENDED = WorkerStatus.IDLE, WorkerStatus.RUNNING, WorkerStatus.SUSPENDED
INTERRUPTED, RETRYING = WorkerStatus.INTERRUPTED, WorkerStatus.RETRYING
FAILED, EXITED = WorkerStatus.FAILED, WorkerStatus.EXITED

SECOND = 10**9
SHORT_S, LONG_S = 3, 3600  # sleeps; a worker that sleeps for more than ten seconds is suspended (SEMANTICS 3.14)


@dataclass(frozen=True)
class Sum:
    """A total: what is known of it, and what the component got from its host, by number in `World.learnt`."""

    known: int = 0
    parts: tuple[int, ...] = ()

    def plus(self, known: int = 0, *parts: int) -> Sum:
        return Sum(self.known + known, self.parts + parts)


@dataclass(frozen=True)
class Block:
    """A few steps that belong together."""

    kind: str
    n: int = 0
    step: int = 0
    attempts: int = 1
    """What the retry policy allows."""

    def steps(self) -> list[object]:
        policy, tell = (script.POLICY, self.attempts), (script.TELL, self.step)
        return {
            "add": [(script.ADD, self.n)],
            "print": [(script.PRINT, self.n)],
            "draw": [script.DRAW],
            "zone": [(script.LEVEL, script.NOTHING), (script.ADD, self.n), (script.LEVEL, script.SMART)],
            "tell": [tell],
            "hold": [tell],
            "flaky": [policy, tell],
            "region": [policy, script.BEGIN, (script.ADD, self.n), tell, (script.TRAP_UNLESS, 200), script.END],
            "jump": [script.INDEX, (script.ADD, self.n), tell, (script.JUMP_IF, 202), (script.ADD, 1)],
            "short sleep": [(script.SLEEP_MS, SHORT_S * 1000)],
            "long sleep": [(script.SLEEP_MS, LONG_S * 1000)],
            "promise": [script.PROMISE, script.AWAIT],
            "own promise": [script.PROMISE, (script.COMPLETE, 7), script.AWAIT],
            "trap": [policy, script.TRAP],
            "exit": [(script.EXIT, 0)],
        }[self.kind]


@dataclass
class Call:
    """An invocation; without blocks, of `total`; with a version, a manual update in its place in the queue."""

    key: str
    blocks: tuple[Block, ...] | None = None
    version: int | None = None
    at: int = 0
    memo: int | None = None
    """What the block that runs has come to know; None before it began."""
    errors: int = 0
    """Of the block that runs."""

    @property
    def block(self) -> Block | None:
        return self.blocks[self.at] if self.blocks and self.at < len(self.blocks) else None


@dataclass
class Worker:
    name: str
    serial: int
    """Not that of any other, also not of a deleted namesake."""
    version: int
    status: WorkerStatus = IDLE
    total: Sum = Sum()
    current: Call | None = None
    queue: list[Call] = field(default_factory=list)
    results: dict[str, Sum | WorkerStatus] = field(default_factory=dict)
    """Of invocations that ended: the result, or FAILED, or EXITED."""
    updates: list[tuple[UpdateState, int]] = field(default_factory=list)
    paths: list[bool] = field(default_factory=list)
    """For each run that a replay would meet: was it on the version that goes another way?"""
    effects: list[int] = field(default_factory=list)
    """Steps that the server was told, and that count, in order; since the last snapshot of an update."""
    waits: int = 0
    """Sleeps and promises that it has come to; since the last snapshot of an update."""
    has_base: bool = False
    """Does its history begin with a snapshot of an update?"""
    marks: list[Worker] = field(default_factory=list)
    """Copies, made when invocations began."""
    retries: int = 0
    """Errors at the point that failed last, in the current invocation or the last one."""

    def copy(self) -> Worker:
        return replace(
            self,
            current=None if self.current is None else replace(self.current),
            queue=[replace(call) for call in self.queue],
            results=dict(self.results),
            updates=list(self.updates),
            paths=list(self.paths),
            effects=list(self.effects),
            marks=list(self.marks),
        )

    @property
    def waits_for(self) -> str:
        """The kind of the block that it is in."""
        block = self.current.block if self.current else None
        return block.kind if block else ""


@dataclass(frozen=True)
class Version:
    goes_another_way: bool = False
    takes_snapshots: bool = True


class World:
    def __init__(self, versions: list[Version]) -> None:
        self.versions = versions
        self.now = 0
        self.workers: dict[str, Worker] = {}
        self.serials = 0
        self.learnt: dict[int, int | None] = {}
        self.plans: dict[int, list[int]] = {}
        """For a step: what the server answers, at first."""
        self.held: set[int] = set()
        self.times: Counter[int] = Counter()
        """How often the server was told of a step."""
        self.keys: Counter[int] = Counter()
        """With how many different idempotency keys."""
        self.completed: dict[tuple[int, int], int] = {}
        """Promises, by serial number of the worker and part: what they were completed with."""
        self.answers: list[tuple[str, str, object]] = []
        """Worker, key, and what who waits for it is told: a result, or a class of errors."""

    # What is asked. Each method returns what the caller is told at once: an error's class, or None.

    def create(self, name: str) -> Worker:
        self.serials += 1
        self.workers[name] = made = Worker(name, self.serials, len(self.versions) - 1)
        return made

    def invoke(self, name: str, call: Call) -> object:
        w = self.workers.get(name) or self.create(name)
        outcome = w.results.get(call.key)
        if outcome is not None:
            told = {FAILED: InvocationFailed, EXITED: WorkerExited}.get(outcome, outcome)
            self.answers.append((name, call.key, told))
            return None
        if call.key in [c.key for c in [*w.queue, *([w.current] if w.current else [])]]:
            if w.status is IDLE:
                self.go(w)
            return None
        refused = self.refusal(w)
        if refused:
            return refused
        w.queue.append(call)
        if w.status in (IDLE, SUSPENDED, INTERRUPTED):
            self.go(w)
        return None

    def refusal(self, w: Worker) -> type[Exception] | None:
        if w.status is EXITED:
            return WorkerExited
        return PreviousInvocationFailed if w.status in (RETRYING, FAILED) else None

    def interrupt(self, w: Worker, recover: bool) -> None:
        if recover:
            if w.status is RUNNING:
                self.go(w)
        elif w.status in (RUNNING, SUSPENDED, RETRYING):
            w.status = INTERRUPTED
            self.tell_everyone(w, InvocationInterrupted)

    def crash(self, w: Worker) -> None:
        if w.status in (RUNNING, IDLE):
            self.go(w)

    def restart(self) -> None:
        """The engine ends, and starts again."""
        for w in self.workers.values():
            if w.status in (RUNNING, RETRYING, IDLE):
                self.go(w)
            elif w.status is SUSPENDED and self.is_over(w):
                self.go(w)

    def update(self, w: Worker, version: int) -> bool:
        """Return whether the update is accepted."""
        if version == w.version or (UpdateState.PENDING, version) in w.updates:
            return False
        if w.status is EXITED:
            w.updates.append((UpdateState.PENDING, version))
            return True
        if self.can_replay(w, version):
            w.version = version
            w.updates.append((UpdateState.SUCCESSFUL, version))
        else:
            w.updates.append((UpdateState.FAILED, version))
        if w.status is FAILED and w.current:
            del w.results[w.current.key]  # it is tried again
        self.go(w)
        return True

    def can_replay(self, w: Worker, version: int) -> bool:
        """Does a version exist, and hold for all of a worker's history, or for all since its snapshot?"""
        if version >= len(self.versions):
            return False
        new = self.versions[version]
        return (new.takes_snapshots or not w.has_base) and all(path == new.goes_another_way for path in w.paths)

    def update_manually(self, w: Worker, version: int, key: str) -> bool:
        if version == w.version or version in [call.version for call in w.queue]:
            return False
        w.queue.append(Call(key, version=version))
        if w.status is IDLE:
            self.go(w)
        return True

    def cancel(self, w: Worker, key: str) -> object:
        for call in w.queue:
            if call.key == key:
                w.queue.remove(call)
                self.answers.append((w.name, key, InvocationNotFound))
                return True
        is_known = key in w.results or (w.current is not None and w.current.key == key)
        return False if is_known else InvocationNotFound

    def complete(self, w: Worker, part: int, payload: int) -> bool:
        if (w.serial, part) in self.completed:
            is_first = False
        else:
            self.completed[w.serial, part], is_first = payload, True
        if w.status in (SUSPENDED, INTERRUPTED):
            self.go(w)
        return is_first

    def revert(self, w: Worker, to: Worker) -> None:
        self.tell_everyone(w, WorkerReverted)
        # The copy may have been made of the worker that this one was forked from.
        self.workers[w.name] = restored = replace(to.copy(), name=w.name, serial=w.serial)
        is_awake = restored.status is SUSPENDED and "sleep" in restored.waits_for and self.is_over(restored)
        if restored.status is RETRYING or is_awake:
            self.go(restored)

    def revert_invocations(self, w: Worker, count: int) -> bool:
        if count > len(w.marks):
            return False
        to, waiting = w.marks[-count].copy(), [call.key for call in w.queue]
        to.marks = w.marks[:-count]
        to.queue = [call for call in to.queue if call.key in waiting]
        self.revert(w, to)
        return True

    def fork(self, point: Worker, name: str) -> None:
        self.serials += 1
        for (serial, part), payload in list(self.completed.items()):
            if serial == point.serial:
                self.completed[self.serials, part] = payload
        self.workers[name] = made = replace(point.copy(), name=name, serial=self.serials)
        if made.status not in (FAILED, EXITED):
            self.go(made)

    def release(self, step: int) -> None:
        self.held.discard(step)
        for w in self.workers.values():
            if w.status is RUNNING and w.waits_for == "hold":
                self.go(w, is_new=False)

    def advance(self, seconds: int) -> None:
        self.now += seconds * SECOND
        for w in self.workers.values():
            if w.status is RETRYING or (w.status is SUSPENDED and "sleep" in w.waits_for and self.is_over(w)):
                self.go(w)
            elif w.status is RUNNING and "sleep" in w.waits_for and self.is_over(w):
                self.go(w, is_new=False)

    def is_over(self, w: Worker) -> bool:
        """Is there what a suspended worker waits for?"""
        assert w.current is not None and w.current.memo is not None
        if w.waits_for == "promise":
            return (w.serial, w.current.memo) in self.completed
        return self.now >= w.current.memo

    def tell_everyone(self, w: Worker, error: type[Exception]) -> None:
        for call in [*([w.current] if w.current else []), *w.queue]:
            self.answers.append((w.name, call.key, error))

    # What happens then.

    def go(self, w: Worker, is_new: bool = True) -> None:
        """Go on, with a new instance or the one there is, as far as there is something to do."""
        while True:
            if w.current is None:
                if not w.queue:
                    w.status = IDLE
                    return
                self.begin(w)
            if w.current is not None:
                waits = self.run(w, is_new)
                if waits:
                    w.status = waits
                    return
            is_new = False

    def begin(self, w: Worker) -> None:
        call = w.queue[0]
        if call.version is not None:
            w.queue.pop(0)
            self.load_snapshot(w, call.version)
            return
        w.retries = 0
        mark = w.copy()
        mark.status, mark.queue = IDLE, mark.queue[1:]
        w.marks.append(mark)
        w.current = w.queue.pop(0)
        if call.blocks is not None:
            w.paths.append(self.versions[w.version].goes_another_way)

    def load_snapshot(self, w: Worker, version: int) -> None:
        if version >= len(self.versions) or not self.versions[version].takes_snapshots:
            w.updates.append((UpdateState.FAILED, version))
            return
        w.updates.append((UpdateState.SUCCESSFUL, version))
        w.version, w.paths, w.effects, w.waits, w.has_base, w.marks = version, [], [], 0, True, []

    def run(self, w: Worker, is_new: bool) -> WorkerStatus | None:
        """Run the current invocation; return the status in which it waits or stays, None when it is over."""
        call = w.current
        assert call is not None
        while call.block is not None:
            waits = self.do(w, call, call.block, is_new)
            if waits is FAILED:
                w.results[call.key] = FAILED
                self.answers.append((w.name, call.key, InvocationFailed))
                self.answers += [(w.name, waiting.key, PreviousInvocationFailed) for waiting in w.queue]
            elif waits is EXITED:
                w.results[call.key] = EXITED
                self.tell_everyone(w, WorkerExited)
                w.current = None
            if waits:
                return waits
            call.at, call.memo, call.errors, is_new = call.at + 1, None, 0, False
        w.current, w.retries = None, 0
        w.results[call.key] = w.total
        self.answers.append((w.name, call.key, w.total))
        return None

    def do(self, w: Worker, call: Call, block: Block, is_new: bool) -> WorkerStatus | None:
        is_begun = call.memo is not None
        match block.kind:
            case "add" | "zone":
                w.total = w.total.plus(block.n)
            case "draw":
                w.total = w.total.plus(0, self.learn())
            case "own promise":
                w.waits += 1
                w.total = w.total.plus(1 + 7, self.learn())
            case "tell":
                self.tell(w, block)
            case "hold":
                if not is_begun:
                    self.tell(w, block)
                elif is_new:
                    self.times[block.step] += 1  # it was cut off, and is made again
                call.memo = 0
                if block.step in self.held:
                    return RUNNING
            case "flaky":
                self.tell(w, block, is_again=is_begun)
                call.memo = 0
                if self.answer(block) == Outside.BREAK and self.fails(w, call, block) is RETRYING:
                    return RETRYING  # at last the component is told, and goes on
            case "region":
                self.tell(w, block, is_again=is_begun, has_new_key=True)
                call.memo = 0
                if self.answer(block) != 200:
                    return self.fails(w, call, block)
                w.total = w.total.plus(block.n)
            case "jump":
                self.tell(w, block)
                if self.answer(block) == 202:
                    self.tell(w, block, is_again=True, has_new_key=True)
                w.total = w.total.plus(block.n + 1)
            case "short sleep" | "long sleep":
                seconds = SHORT_S if block.kind == "short sleep" else LONG_S
                if call.memo is None:
                    call.memo, w.waits = self.now + seconds * SECOND, w.waits + 1
                if self.now < call.memo:
                    return RUNNING if block.kind == "short sleep" else SUSPENDED
            case "promise":
                if call.memo is None:
                    call.memo, w.waits = self.learn(), w.waits + 1
                    w.total = w.total.plus(0, call.memo)
                payload = self.completed.get((w.serial, call.memo))
                if payload is None:
                    return SUSPENDED
                w.total = w.total.plus(payload)
            case "trap":
                return self.fails(w, call, block)
            case "exit":
                return EXITED
        return None

    def learn(self) -> int:
        part = len(self.learnt)
        self.learnt[part] = None
        return part

    def tell(self, w: Worker, block: Block, is_again: bool = False, has_new_key: bool = False) -> None:
        self.times[block.step] += 1
        if not is_again:
            w.effects.append(block.step)
        if not is_again or has_new_key:
            self.keys[block.step] += 1

    def answer(self, block: Block) -> int:
        plan = self.plans.get(block.step)
        return plan.pop(0) if plan else 200

    def fails(self, w: Worker, call: Call, block: Block) -> WorkerStatus:
        """SEMANTICS 4.6: attempts are counted from the point at which they fail."""
        call.errors += 1
        if block.kind == "flaky" and call.errors >= block.attempts:
            return FAILED  # of the write; the component hears of it, and nothing is recorded as an error
        w.retries = call.errors
        return RETRYING if call.errors < block.attempts else FAILED
