"""kill -9 of the engine, at random moments, under a stream of invocations with idempotency keys.

No acknowledged invocation may be lost, and none may run twice. 25 kills by default; GOLEM_NB_KILLS asks for more, and
GOLEM_NB_SEED for the same ones again. Each kill aims at a phase; what it hit is read from the folder afterwards.
"""

import os
import random
import sqlite3
import threading
import time
from collections import Counter
from pathlib import Path
from uuid import uuid4

import pytest

from golem_nb.authoring.wat import component_from_text
from golem_nb.client.connect import engine_process, kill_local, stop_local
from golem_nb.demo import DONE, RUN, SOURCE, CountingServer
from golem_nb.errors import ClientError, EngineStopped
from golem_nb.model import WorkerId
from golem_nb.oplog.codec import entries_from_chunk
from golem_nb.oplog.entries import BeginRemoteWrite, EndRemoteWrite, ExportedFunctionInvoked, ImportedFunctionInvoked
from golem_nb.oplog.fold import Ending, WorkerState

KILLS = int(os.environ.get("GOLEM_NB_KILLS", "25"))
SEED = int(os.environ.get("GOLEM_NB_SEED", str(time.time_ns() % 1_000_000)))
QUEUED, RUNNING, HOST_CALL, COMMITTING, IDLE = "queued", "running", "inside a host call", "committing", "idle"
PHASES = (QUEUED, RUNNING, HOST_CALL, COMMITTING, IDLE)
LEDGER = Path(__file__).parent / "components" / "ledger.wat"
COUNTERS, TELLERS = 3, 2
ANSWER_S = 60.0


class Traffic:
    """Clients that call, and call again with the same key until they have an answer."""

    def __init__(self, folder, server):
        self.folder, self.server = folder, server
        self.engine = engine_process(folder)
        client = self.engine.client()
        self.ledger = client.create_component("ledger", component_from_text(LEDGER.read_text())).id
        self.steps = client.create_component("steps", component_from_text(SOURCE.read_text())).id
        self.client, self.clients = client, [client]  # all are closed at the end: a thread may still hold an old one
        self.answers = {}  # key -> result
        self.open = {}  # key -> worker, asked for and not answered
        self.accepted = []  # (worker, key) of invocations that nobody waits for
        self.lock = threading.Lock()
        self.paused, self.ended = threading.Event(), threading.Event()
        self.faults = []
        jobs = [(self.add, WorkerId(self.ledger, f"counter-{n}")) for n in range(COUNTERS)]
        jobs += [(self.tell, WorkerId(self.steps, f"teller-{n}")) for n in range(TELLERS)]
        self.threads = [threading.Thread(target=self.repeat, args=job, daemon=True) for job in jobs]
        for thread in self.threads:
            thread.start()

    def repeat(self, call, worker):
        chance = random.Random(f"{SEED}-{worker.name}")
        try:
            while not self.ended.is_set():
                if self.paused.is_set():
                    time.sleep(0.002)
                    continue
                call(worker, chance)
        except Exception as error:
            self.faults.append(error)

    def add(self, worker, chance):
        if chance.random() < 0.2:
            self.ask(worker, "work", [chance.randrange(2_000_000), 1])
        else:
            self.ask(worker, "add", [1])

    def tell(self, worker, chance):
        self.ask(worker, RUN, [self.server.authority, 1])

    def ask(self, worker, function, params):
        key = str(uuid4())
        with self.lock:
            self.open[key] = worker
        deadline = time.monotonic() + ANSWER_S
        while True:
            try:
                result = self.client.invoke_and_await(worker, function, params, key=key, timeout_s=ANSWER_S).value
            except (ClientError, EngineStopped):
                assert time.monotonic() < deadline, f"no answer for {key}"
                time.sleep(0.005)
                continue
            with self.lock:
                self.answers[key] = result
                del self.open[key]
            return

    def enqueue(self, worker):
        """Have an invocation accepted that nobody waits for; a refusal counts for nothing."""
        key = str(uuid4())
        try:
            self.client.invoke(worker, RUN, [self.server.authority, 1], key=key)
        except (ClientError, EngineStopped):
            return
        self.accepted.append((worker, key))

    def wait_until_quiet(self):
        self.paused.set()
        deadline = time.monotonic() + ANSWER_S
        while self.open:
            assert time.monotonic() < deadline and not self.faults, self.faults
            time.sleep(0.002)

    def restart(self):
        self.engine = engine_process(self.folder)
        self.client = self.engine.client()
        self.clients.append(self.client)
        self.paused.clear()

    def close(self):
        self.ended.set()
        for thread in self.threads:
            thread.join(5)
        for client in self.clients:
            client.close()


def aim(phase, traffic, chance):
    """Wait for a good moment to kill in a phase."""
    time.sleep(chance.uniform(0.02, 0.2))
    match phase:
        case "idle":
            traffic.wait_until_quiet()
        case "queued":
            for _ in range(5):
                traffic.enqueue(WorkerId(traffic.steps, "queue"))
        case "running":
            threading.Thread(
                target=traffic.ask, args=(WorkerId(traffic.ledger, "busy"), "work", [60_000_000, 1]), daemon=True
            ).start()
            time.sleep(chance.uniform(0.02, 0.05))
        case "inside a host call":
            time.sleep(chance.uniform(0.0, 0.1))
        case "committing":
            wal = traffic.folder / "golem.db-wal"
            begin = size = wal.stat().st_size
            deadline = time.monotonic() + 2
            while size == begin and time.monotonic() < deadline:
                size = wal.stat().st_size
            time.sleep(chance.uniform(0.0, 0.0004))


def phases_hit(traffic, open_before):
    """Read from the folder of a dead engine where the kill struck."""
    hit = set()
    connection = sqlite3.connect(f"file:{traffic.folder / 'golem.db'}?mode=ro", uri=True)
    for (number,) in connection.execute("SELECT number FROM worker").fetchall():
        state, last_step, open_writes = WorkerState(), None, set()
        for (body,) in connection.execute(
            "SELECT body FROM oplog_chunk WHERE worker = ? ORDER BY first_index", (number,)
        ):
            for entry in entries_from_chunk(body):
                state.apply(entry)
                if not entry.hint:
                    last_step = entry
                if isinstance(entry, BeginRemoteWrite):
                    open_writes.add(state.last_index)
                elif isinstance(entry, EndRemoteWrite):
                    open_writes.discard(entry.begin_index)
        if state.pending:
            hit.add(QUEUED)
        if state.current is not None:
            waits = isinstance(last_step, ImportedFunctionInvoked) and "subscribe" in last_step.function_name
            if open_writes or waits:
                hit.add(HOST_CALL)
            elif isinstance(last_step, ExportedFunctionInvoked):
                hit.add(RUNNING)
        done = {key for key, outcome in state.outcomes.items() if outcome.ending is Ending.COMPLETED}
        if done & open_before:  # stored, and the answer had not left
            hit.add(COMMITTING)
    connection.close()
    return hit


@pytest.mark.slow
@pytest.mark.timeout(KILLS * 10 + 60)
def test_kills_lose_nothing_and_repeat_nothing(tmp_path, capsys):
    server, chance, phases = CountingServer(), random.Random(SEED), Counter()
    traffic = Traffic(tmp_path / "data", server)
    try:
        for number in range(KILLS):
            target = PHASES[number % len(PHASES)]
            aim(target, traffic, chance)
            kill_local(traffic.folder)
            time.sleep(0.02)  # answers that had left are read
            with traffic.lock:
                open_before = set(traffic.open)
            hit = phases_hit(traffic, open_before)
            phases.update(hit or ({IDLE} if not open_before else ()))
            assert not traffic.faults, traffic.faults
            traffic.restart()
        traffic.wait_until_quiet()
        check_ledgers(traffic)
        check_tellers(traffic, server)
    finally:
        traffic.close()
        stop_local(traffic.folder)
        server.close()
        with capsys.disabled():
            print(f"\n{KILLS} kills, seed {SEED}, {len(traffic.answers)} answers; kills by phase: {dict(phases)}")

    assert [phase for phase in PHASES if not phases[phase]] == []


def check_ledgers(traffic):
    """Each answer of a ledger is another sum, and together they are all sums there were."""
    for name in [f"counter-{n}" for n in range(COUNTERS)]:
        worker = WorkerId(traffic.ledger, name)
        total = traffic.client.invoke_and_await(worker, "sum", []).value
        assert total > 0
    sums = Counter(v for v in traffic.answers.values() if isinstance(v, int))
    expected = Counter()
    for page in [traffic.client.workers(traffic.ledger)]:
        for worker in page.workers:
            total = traffic.client.invoke_and_await(worker.worker_id, "sum", []).value
            expected.update(range(1, total + 1))
    assert sums == expected


def check_tellers(traffic, server):
    """Each invocation told the server once; a request that came twice had the same key."""
    done, invocations = 0, len([v for v in traffic.answers.values() if not isinstance(v, int)]) + len(traffic.accepted)
    for worker in traffic.client.workers(traffic.steps).workers:
        done += traffic.client.invoke_and_await(worker.worker_id, DONE, [], timeout_s=ANSWER_S).value
    keys = {key for _, key in server.requests}

    assert done == invocations == len(keys)
