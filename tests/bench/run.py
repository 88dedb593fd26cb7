"""Figures of the engine's speed, printed; never a test. `make bench`, or `python -m tests.bench.run [NAME ...]`.

These machines are noisy: compare figures of one run, as ratios.
"""

import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx

from golem_nb.authoring.wat import component_from_text
from golem_nb.client.connect import engine_process, stop_local
from golem_nb.engine.engine import Engine
from golem_nb.engine.settings import Settings
from golem_nb.host.declare import Interface, deterministic
from golem_nb.model import LOCAL_ENVIRONMENT, SnapshotPolicy, WorkerId
from tests.script import DRAW, script, steps

CALLS = Path(__file__).parent / "calls.wat"
CALLER = Path(__file__).parent.parent / "components" / "caller.wat"
LEDGER = Path(__file__).parent.parent / "components" / "ledger.wat"
ROUNDS = 500


def timed(call, rounds=ROUNDS, warm=20):
    """Return the durations of `rounds` calls in microseconds, after `warm` that are not counted."""
    for _ in range(warm):
        call()
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        found.append((time.perf_counter() - start) * 1e6)
    return found


def show(what, durations, base=None):
    ordered = sorted(durations)
    median, p95 = statistics.median(ordered), ordered[int(len(ordered) * 0.95)]
    ratio = "" if base is None else f"   {median / base:6.2f} x"
    print(f"{what:56} median {median:8.1f} us   95% {p95:8.1f} us{ratio}", flush=True)
    return median


def bench_invoke():
    """One invoke-and-await on an idle worker: in process and over HTTP, for each durability."""
    wasm = component_from_text(LEDGER.read_text())
    base = None
    for durability in ("process", "power"):
        with tempfile.TemporaryDirectory() as folder:
            engine = Engine.open(folder, Settings(durability=durability))
            worker = WorkerId(engine.create_component(LOCAL_ENVIRONMENT, "ledger", wasm).id, "w")
            durations = timed(lambda e=engine, w=worker: e.invoke_and_await(w, "add", [1]).result(10))
            median = show(f"invoke-and-await, in process, durability {durability}", durations, base)
            base = base or median
            engine.close()
    with tempfile.TemporaryDirectory() as folder:
        process = engine_process(Path(folder))
        client = process.client()
        worker = WorkerId(client.create_component("ledger", wasm).id, "w")
        durations = timed(lambda: client.invoke_and_await(worker, "add", [1]))
        show("invoke-and-await, over HTTP with our client", durations, base)
        token = {"Authorization": f"Bearer {process.lock.token}"}
        url = f"{process.url}/v1/components/{worker.component_id}/workers/w/invoke-and-await?function=add"
        with httpx.Client(headers=token) as bare:
            durations = timed(lambda: bare.post(url, json={"params": [1]}).raise_for_status())
            show("invoke-and-await, over HTTP with bare httpx", durations, base)
            show("healthcheck, over HTTP with bare httpx", timed(lambda: bare.get(f"{process.url}/healthcheck")), base)
        client.close()
        stop_local(Path(folder))


def bench_replay():
    """Recovery of a worker: its whole history met again."""
    wasm = component_from_text(LEDGER.read_text())
    for count in (100, 10_000):
        engine = Engine.open("memory:")
        worker = WorkerId(engine.create_component(LOCAL_ENVIRONMENT, "ledger", wasm).id, "w")
        start = time.perf_counter()
        calls = [engine.invoke_and_await(worker, "add", [1]) for _ in range(count)]
        for call in calls:
            call.result(60)
        queued_s = time.perf_counter() - start
        engine.crash_worker(worker)
        start = time.perf_counter()
        engine.invoke_and_await(worker, "sum", []).result(60)
        replay_s = time.perf_counter() - start
        print(
            f"{count} invocations: queued and run {count / queued_s:8.0f}/s; replayed in {replay_s * 1e3:.0f} ms "
            f"({count / replay_s:.0f}/s)",
            flush=True,
        )
        engine.close()


def bench_throughput():
    """Many workers at once, each with one caller that waits for every answer."""
    wasm = component_from_text(LEDGER.read_text())
    for durability in ("process", "power"):
        for count in (1, 8, 64):
            with tempfile.TemporaryDirectory() as folder:
                engine = Engine.open(folder, Settings(durability=durability))
                component = engine.create_component(LOCAL_ENVIRONMENT, "ledger", wasm).id
                total = _all_call(engine, [WorkerId(component, f"w{n}") for n in range(count)], rounds=3000 // count)
                print(f"{count:3} workers, durability {durability:8} {total:8.0f} invocations/s", flush=True)
                engine.close()


def _all_call(engine, workers, rounds):
    def repeat(worker):
        for _ in range(rounds):
            engine.invoke_and_await(worker, "add", [1]).result(30)

    for worker in workers:
        engine.invoke_and_await(worker, "add", [1]).result(30)
    threads = [threading.Thread(target=repeat, args=(worker,)) for worker in workers]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(workers) * rounds / (time.perf_counter() - start)


def bench_recovery():
    """From a closed engine to the first answer of a worker with a long history, with snapshots and without."""
    wasm, ten_entries = script(), steps(*[DRAW] * 7)
    for count in (100, 10_000, 1_000_000):
        with tempfile.TemporaryDirectory() as folder:
            engine = Engine.open(folder, Settings(durability="process"))
            worker = WorkerId(engine.create_component(LOCAL_ENVIRONMENT, "script", wasm).id, "w")
            engine.set_snapshot_policy(worker.component_id, SnapshotPolicy(every_invocations=max(5, count // 1000)))
            for _ in range(0, count // 10, 1000):
                batch = [
                    engine.invoke_and_await(worker, "run", ["", ten_entries]) for _ in range(min(1000, count // 10))
                ]
                for call in batch:
                    call.result(60)
            entries = engine.worker(worker).last_index
            engine.close()
            _recovered(folder, worker)  # what is slow the first time in a process is not counted
            with_snapshots = _recovered(folder, worker)
            with sqlite3.connect(Path(folder) / "golem.db") as database:
                database.execute("DELETE FROM checkpoint")
            without = _recovered(folder, worker, without_snapshots=True)
            print(
                f"{entries:9} entries: first answer after {with_snapshots * 1e3:7.1f} ms with snapshots, "
                f"{without * 1e3:9.1f} ms without   {without / with_snapshots:7.1f} x",
                flush=True,
            )


def _recovered(folder, worker, without_snapshots=False):
    start = time.perf_counter()
    engine = Engine.open(folder)
    if without_snapshots:
        engine._loaded.load(worker).journal.state.snapshots.clear()
    engine.invoke_and_await(worker, "total", []).result(600)
    seconds = time.perf_counter() - start
    engine.close()
    return seconds


class Bare(Interface, wit="bench:bare/host"):
    """Host functions that do nothing: what is left is the value codec, and the way to a host function."""

    @deterministic
    def now(self):
        return 1

    @deterministic
    def write(self, contents):
        pass


def bench_calls():
    """A recorded clock read and a write of 4 KiB to a stream, each against a host function that does nothing."""
    count = 2000
    engine = Engine.open("memory:")
    component = engine.create_component(LOCAL_ENVIRONMENT, "calls", component_from_text(CALLS.read_text())).id
    for function in ("now", "write"):
        base = None
        for name in (f"bare-{function}", function):
            worker = WorkerId(component, name)
            rounds = timed(lambda f=name, w=worker: engine.invoke_and_await(w, f, [count]).result(60), rounds=7, warm=2)
            median = show(f"{name}, a call", [duration / count for duration in rounds], base)
            base = base or median
    engine.close()


def bench_rpc():
    """A call of another worker that is awaited, against the two invocations that it is made of."""
    engine = Engine.open("memory:")
    component = engine.create_component(LOCAL_ENVIRONMENT, "caller", component_from_text(CALLER.read_text())).id
    high, low = component.int >> 64, component.int & (1 << 64) - 1
    caller, called = WorkerId(component, "a"), WorkerId(component, "b")
    alone = timed(lambda: engine.invoke_and_await(called, "add", [1]).result(10))
    base = show("an invocation", alone)
    both = timed(lambda: engine.invoke_and_await(caller, "call", [high, low, "b", "add", 1, 0]).result(10))
    show("an invocation that calls another worker", both, base)
    engine.close()


BENCHES = {
    "calls": bench_calls,
    "rpc": bench_rpc,
    "invoke": bench_invoke,
    "throughput": bench_throughput,
    "replay": bench_replay,
    "recovery": bench_recovery,
}

if __name__ == "__main__":
    for name in sys.argv[1:] or BENCHES:
        BENCHES[name]()
