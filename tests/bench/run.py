"""Figures of the engine's speed, printed; never a test. `make bench`, or `python -m tests.bench.run [NAME ...]`.

These machines are noisy: compare figures of one run, as ratios.
"""

import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx

from golem_nb.authoring.wat import component_from_text
from golem_nb.client.connect import engine_process, stop_local
from golem_nb.engine.engine import Engine, Settings
from golem_nb.model import LOCAL_ENVIRONMENT, WorkerId

LEDGER = Path(__file__).parent.parent / "components" / "ledger.wat"
ROUNDS = 500


def timed(call, rounds=ROUNDS):
    """Return the durations of `rounds` calls in microseconds, after some that are not counted."""
    for _ in range(20):
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
    print(f"{what:56} median {median:8.0f} us   95% {p95:8.0f} us{ratio}", flush=True)
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


BENCHES = {"invoke": bench_invoke, "throughput": bench_throughput, "replay": bench_replay}

if __name__ == "__main__":
    for name in sys.argv[1:] or BENCHES:
        BENCHES[name]()
