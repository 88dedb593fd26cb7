"""Oplogs as frames: what a million entries cost, printed. `python -m tests.bench.frames [ENTRIES]`.

First the entries come from a local engine over HTTP, as in a notebook: a worker makes them, which is not counted. Then
each has values of its own, decoded from JSON text, for what is made of a frame.
"""

import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import msgspec
import psutil

from golem_nb.authoring.wat import component_from_text
from golem_nb.client.connect import engine_process, stop_local
from golem_nb.model import PublicEntry
from golem_nb.notebook.frames import OplogColumns
from golem_nb.notebook.invocations import invocations_of
from golem_nb.notebook.oplog_files import oplog_from_parquet, write_parquet
from golem_nb.notebook.payloads import without_collection
from golem_nb.notebook.pictures.latency import Latency
from golem_nb.notebook.pictures.timeline import Timeline
from golem_nb.notebook.reading import read_columns
from golem_nb.notebook.surroundings import Surroundings

CALLS = Path(__file__).parent / "calls.wat"
MAKING_S = 600
START = datetime(2026, 1, 1, tzinfo=UTC)
U32 = '{"typ":{"type":"U32"},"value":%d}'
RESULT = (
    '{"typ":{"type":"Result","ok":{"type":"Record","fields":[{"name":"seconds","typ":{"type":"U64"}},'
    '{"name":"nanoseconds","typ":{"type":"U32"}}]},"err":null},"value":{"ok":{"seconds":%d,"nanoseconds":%d}}}'
)
CALL = (
    '{"functionName":"wall-clock::now","request":{"typ":{"type":"Tuple","items":[]},"value":[]},'
    f'"response":{RESULT},"durableFunctionType":{{"type":"ReadLocal"}}}}'
)


def entries():
    """Yield entries for ever: invocations of seven calls and a line of output each."""
    index, at = 1, START
    yield PublicEntry(1, "Create", START, {"componentVersion": 0, "args": []})
    while True:
        texts = [
            (
                "ExportedFunctionInvoked",
                f'{{"functionName":"shop.{{add}}","request":[{U32 % index}],"idempotencyKey":"k{index}"}}',
            ),
            *(("ImportedFunctionInvoked", CALL % (index, call)) for call in range(7)),
            ("Log", f'{{"level":"Stdout","context":"","message":"line {index}\\n"}}'),
            ("ExportedFunctionCompleted", f'{{"response":{U32 % index},"consumedFuel":{index}}}'),
        ]
        for kind, text in texts:
            index += 1
            at += timedelta(microseconds=300)
            yield PublicEntry(index, kind, at, msgspec.json.decode(text))


@contextmanager
def shown(what):
    start = time.perf_counter()
    yield
    print(f"{what:52} {time.perf_counter() - start:7.2f} s", flush=True)


def over_http(count):
    with tempfile.TemporaryDirectory() as name:
        client = engine_process(Path(name)).client()
        component = client.create_component("calls", component_from_text(CALLS.read_text()))
        worker = client.launch_worker(component.id, "w")
        for function, times in (("now", count * 4 // 5), ("write", count // 5)):
            client.invoke_and_await(worker, function, [times], timeout_s=MAKING_S)
        start = time.perf_counter()
        columns = read_columns(client.entries(worker), count, Surroundings(None), "w")
        spent = time.perf_counter() - start
        client.close()
        stop_local(Path(name))
    took = f"{spent:11.2f} s   {spent / len(columns) * 1e6:.1f} us each"
    print(f"{len(columns)} entries over HTTP: columns of them {took}", flush=True)


def main(count):
    over_http(count)
    columns, spent = OplogColumns(), 0.0
    source = islice(entries(), count)
    while portion := list(islice(source, 10_000)):
        start = time.perf_counter()
        with without_collection():  # as reading does
            for entry in portion:
                columns.add(entry)
        spent += time.perf_counter() - start
    print(f"{count} entries: columns of them {spent:25.2f} s   {spent / count * 1e6:.1f} us each", flush=True)
    with shown("the frame of the columns"):
        frame = columns.frame(component="shop")
    with shown(".golem.invocations()"):
        found = invocations_of(frame)
    print(f"  {len(found)} of them; memory of the process {psutil.Process().memory_info().rss / 1e6:.0f} MB")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "oplog.parquet"
        with shown(".golem.to_parquet(file)"):
            write_parquet(frame, path)
        print(f"  {path.stat().st_size / 1e6:.1f} MB")
        with shown(".golem.from_parquet(file)"):
            oplog_from_parquet(path)
    with shown(".golem.timeline(), as an image"):
        html = Timeline(frame).html()
    print(f"  {len(html) / 1e3:.0f} kB")
    with shown('.golem.latency("calls"), as an image'):
        html = Latency(frame, "calls").html()
    print(f"  {len(html) / 1e3:.0f} kB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
