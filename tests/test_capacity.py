"""How much an engine holds at once: sleepers, idle workers, workers that are only stored. No time is asserted."""

import subprocess
import sys

import psutil

from golem_nb.engine.engine import Engine
from golem_nb.engine.settings import Settings
from golem_nb.model import LOCAL_ENVIRONMENT, WorkerId, WorkerStatus
from golem_nb.oplog.codec import CHUNK_CODEC, chunk_from_entries
from golem_nb.oplog.entries import Create
from golem_nb.store.oplogs import Chunk, Start
from tests.engine.conftest import until
from tests.script import ADD, SLEEP_MS, script, steps

SLEEPERS, IDLE, STORED = 2_000, 10_000, 100_000


class StandingClock:
    """It goes when it is told to."""

    ns = 1_700_000_000 * 10**9

    def now_ns(self):
        return self.ns


def opened(folder, clock=None, **settings):
    engine = Engine.open(folder, Settings(durability="process", **settings), clock=clock)
    return engine, engine.create_component(LOCAL_ENVIRONMENT, "script", script()).id


def test_thousands_of_workers_sleep_at_once_and_each_can_be_interrupted(tmp_path):
    """All of them for less than what suspends a worker, so each holds its instance and a thread."""
    clock = StandingClock()
    engine, component = opened(tmp_path, clock)
    workers = [WorkerId(component, f"w{number}") for number in range(SLEEPERS)]
    sleeping = [engine.invoke_and_await(w, "run", ["", steps((SLEEP_MS, 9_500), (ADD, 1))]) for w in workers]
    until(lambda: all(engine.worker(w).last_index == 4 for w in workers[-4:]), 60)
    assert {engine.worker(w).status for w in workers} == {WorkerStatus.RUNNING}

    engine.interrupt_worker(workers[-1])
    assert sleeping[-1].exception(5) is not None
    assert engine.worker(workers[-1]).status is WorkerStatus.INTERRUPTED

    clock.ns += 10 * 10**9
    assert {future.result(60).value for future in sleeping[:-1]} == {1}
    engine.close()


# In a process of its own: what other tests left in memory does not count.
MANY_IDLE = f"""
import sys
from tests.test_capacity import opened, many_idle
engine, component = opened(sys.argv[1], max_loaded={IDLE})
print(many_idle(engine, component))
engine.close()
"""


def many_idle(engine, component):
    """Invoke each of many workers once; return the megabytes of the process when all of them are idle and loaded."""
    done = [engine.invoke_and_await(WorkerId(component, f"w{n}"), "run", ["", steps((ADD, 1))]) for n in range(IDLE)]
    assert {future.result(120).value for future in done} == {1}
    assert engine.worker(WorkerId(component, "w0")).entries_replayed == 0, "it is loaded"
    return psutil.Process().memory_info().rss >> 20


def test_ten_thousand_idle_workers_fit_into_a_small_machine(tmp_path):
    found = subprocess.run([sys.executable, "-c", MANY_IDLE, tmp_path], capture_output=True, text=True, timeout=240)

    assert found.returncode == 0, found.stderr
    assert int(found.stdout) < 1_200


def test_idle_workers_beyond_the_limit_are_let_go_of_and_come_back(tmp_path):
    engine, component = opened(tmp_path, max_loaded=10)
    workers = [WorkerId(component, f"w{number}") for number in range(50)]
    for round in (1, 2):
        done = [engine.invoke_and_await(w, "run", ["", steps((ADD, 1))]) for w in workers]
        assert {future.result(20).value for future in done} == {round}

    until(lambda: len(engine._loaded) <= 10)
    assert engine.worker(workers[0]).entries_replayed is None
    assert engine.invoke_and_await(workers[0], "total", []).result(10).value == 2
    engine.close()


def test_a_hundred_thousand_workers_are_stored_without_being_loaded(tmp_path):
    engine, component = opened(tmp_path)
    for number in range(STORED):
        name = f"w{number}"
        body = chunk_from_entries([Create(1, component, name, 0, (), {}, 10)])
        engine._workers.create(WorkerId(component, name), [Chunk(1, 1, CHUNK_CODEC, body)], Start(False))
    engine.close()

    engine = Engine.open(tmp_path)
    first = engine.workers(component, None, 1000)
    last = engine.worker(WorkerId(component, f"w{STORED - 1}"))

    assert (len(first.workers), last.last_index) == (1000, 1)
    assert len(engine._loaded) == 0
    engine.close()
