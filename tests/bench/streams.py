"""1,000 event streams of one busy worker: what they get, what the worker loses, how soon others are answered.

`python -m tests.bench.streams [STREAMS]`. The readers are a process of their own, as in life.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from statistics import median

import httpx
import psutil
from websockets.asyncio.client import connect

from golem_nb.authoring.wat import component_from_text
from golem_nb.client.connect import engine_process, stop_local
from golem_nb.model import WorkerId

LEDGER = Path(__file__).parent.parent / "components" / "ledger.wat"
SECONDS = 5.0


async def read_all(url, token, streams):
    """Open the streams, say so, read until they are closed; print how many events came and were missed, by stream."""
    opening = asyncio.Semaphore(50)
    opened, all_opened, counts = 0, asyncio.Event(), Counter()

    async def read(number):
        nonlocal opened
        async with opening:
            socket = await connect(url, additional_headers={"Authorization": f"Bearer {token}"}, compression=None)
        opened += 1
        if opened == streams:
            all_opened.set()
        async for text in socket:
            counts["events"] += 1
            if "missedMessages" in text:
                counts["notices"] += 1
                counts["missed"] += json.loads(text)["context"]["missedMessages"]

    readers = [asyncio.create_task(read(number)) for number in range(streams)]
    await all_opened.wait()
    print("open", flush=True)
    done, _ = await asyncio.wait(readers)
    counts["broken"] = sum(1 for task in done if task.exception() is not None)
    print(json.dumps(counts))


def drive(client, worker, process, seconds=SECONDS):
    """Call the worker for a while; return its calls, and the delays of a health check beside them, in milliseconds."""
    calls, delays, ended = 0, [], threading.Event()

    def check():
        with httpx.Client() as http:
            while not ended.is_set():
                begin = time.perf_counter()
                http.get(f"{client.url}/healthcheck", timeout=60).raise_for_status()
                delays.append((time.perf_counter() - begin) * 1e3)
                ended.wait(0.02)

    checking = threading.Thread(target=check)
    checking.start()
    begin = time.perf_counter()
    while time.perf_counter() - begin < seconds:
        client.invoke_and_await(worker, "add", [1])
        calls += 1
    ended.set()
    checking.join()
    return calls / seconds, delays, process.memory_info().rss >> 20


def main(streams):
    with tempfile.TemporaryDirectory() as folder:
        engine = engine_process(Path(folder))
        client, process = engine.client(), psutil.Process(engine.lock.pid)
        worker = WorkerId(client.create_component("ledger", component_from_text(LEDGER.read_text())).id, "w")
        client.invoke_and_await(worker, "add", [1])
        show("no stream", 0, *drive(client, worker, process))
        url = f"{client.url.replace('http', 'ws')}/v1/components/{worker.component_id}/workers/w/connect"
        readers = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.streams", "--read", url, engine.lock.token, str(streams)],
            stdout=subprocess.PIPE,
            text=True,
        )
        begin = time.perf_counter()
        assert readers.stdout.readline() == "open\n"
        print(f"{streams} streams opened in {time.perf_counter() - begin:.1f} s")
        rate, delays, memory = drive(client, worker, process)
        show(f"{streams} streams", streams, rate, delays, memory)
        begin = time.perf_counter()
        client.delete_worker(worker)  # which ends the streams
        counts = json.loads(readers.stdout.readline())
        print(f"ended after {time.perf_counter() - begin:.1f} s; {counts}; sent {2 * rate * SECONDS * streams:.0f}")
        client.close()
        stop_local(Path(folder))


def show(what, streams, rate, delays, memory):
    ordered = sorted(delays)
    late = ordered[int(len(ordered) * 0.95)]
    print(f"{what:14} {rate:7.0f} calls/s   health check {median(ordered):6.1f} ms, 95% {late:6.1f} ms   {memory} MiB")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--read"]:
        asyncio.run(read_all(sys.argv[2], sys.argv[3], int(sys.argv[4])))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
