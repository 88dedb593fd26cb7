"""`golem-nb demo`: the main job, step by step, each step checked.

An engine process on a fresh folder runs a worker that tells a server of each of its steps. In the middle of that the
engine gets signal 9. A second engine process on the same folder finds the invocation unfinished, replays what is
recorded, and goes on; the server, which counts, must have seen each step once. (One step may be seen twice, with the
same idempotency key: the one whose request was on its way when the engine died. Source: SEMANTICS 3.7.)
"""

from __future__ import annotations

import shutil
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from golem_nb.authoring.wat import component_from_text
from golem_nb.client.client import Client
from golem_nb.client.connect import engine_process, kill_local, stop_local
from golem_nb.errors import ClientError
from golem_nb.model import EventType, PublicEntry, WorkerId

SOURCE = Path(__file__).with_name("demo.wat")
RUN, DONE = "golem:demo/steps@1.0.0.{run}", "golem:demo/steps@1.0.0.{done}"
STEPS, KILL_AFTER = 8, 4
KEY = "demo-run"
WAIT_S = 30.0

Say = Callable[[str], None]


class CountingServer:
    """The world outside: it counts the requests of each step, and the idempotency keys that they came with."""

    def __init__(self) -> None:
        self.requests: list[tuple[int, str]] = []
        self._changed = threading.Condition()
        requests, changed = self.requests, self._changed

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                with changed:
                    requests.append((int(self.path.rpartition("/")[2]), self.headers.get("idempotency-key", "")))
                    changed.notify_all()
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *arguments: Any) -> None:
                """Say nothing: the demo prints what matters."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="counting-server", daemon=True).start()
        self.authority = f"127.0.0.1:{self._server.server_address[1]}"

    def wait_until(self, step: int) -> None:
        """Wait until a step was told of.

        Raises:
            ClientError: That takes too long.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: any(s == step for s, _ in self.requests), WAIT_S):
                raise ClientError(f"the worker did not reach step {step} within {WAIT_S:g} s")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass(slots=True)
class Report:
    """What was seen. Indices are of the worker's oplog."""

    first_pid: int = 0
    second_pid: int = 0
    last_index_before: int = 0
    last_index_after: int = 0
    entries_replayed: int = 0
    result: Any = None
    done: Any = None
    requests: list[tuple[int, str]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def counts(self) -> dict[int, int]:
        return dict(sorted(Counter(step for step, _ in self.requests).items()))

    @property
    def twice(self) -> list[int]:
        """The steps that the server saw twice with the same key."""
        return [s for s, n in self.counts.items() if n == 2 and len({k for step, k in self.requests if step == s}) == 1]

    @property
    def faults(self) -> list[str]:
        """What differs from what must be."""
        again = [step for step, count in self.counts.items() if count > 1 and step not in self.twice]
        checks = {
            f"the steps told of are {sorted(self.counts)}": sorted(self.counts) == list(range(1, STEPS + 1)),
            f"steps were told of more than once: {again}": not again,
            f"more than one step was sent twice: {self.twice}": len(self.twice) <= 1,
            f"the invocation's result is {self.result!r}": self.result == ("ok", STEPS),
            f"the worker's state is {self.done!r}": self.done == STEPS,
            "the engine was not started anew": self.first_pid != self.second_pid,
            "nothing was replayed": self.entries_replayed > 0,
            "nothing was recorded after the kill": self.last_index_after > self.last_index_before > 0,
        }
        return [fault for fault, holds in checks.items() if not holds]

    @property
    def is_right(self) -> bool:
        return not self.faults

    def figures(self) -> dict[str, Any]:
        return {
            "firstPid": self.first_pid,
            "secondPid": self.second_pid,
            "signal": int(signal.SIGKILL),
            "lastOplogIndexBefore": self.last_index_before,
            "lastOplogIndexAfter": self.last_index_after,
            "entriesReplayed": self.entries_replayed,
            "stepCounts": {str(step): count for step, count in self.counts.items()},
            "sentTwiceWithSameKey": self.twice,
            "result": list(self.result) if isinstance(self.result, tuple) else self.result,
            "state": self.done,
            "seconds": round(self.seconds, 2),
            "faults": self.faults,
        }


def run_demo(quiet: bool = False) -> Report:
    """Do it all on a fresh folder, which is removed afterwards; print what happens unless `quiet`."""
    folder = Path(tempfile.mkdtemp(prefix="golem-nb-demo-"))
    say: Say = (lambda text: None) if quiet else (lambda text: print(text, flush=True))
    server, report, start = CountingServer(), Report(), time.monotonic()
    try:
        _run(folder, server, report, say)
    finally:
        stop_local(folder)
        server.close()
        shutil.rmtree(folder, ignore_errors=True)
    report.seconds = time.monotonic() - start
    _conclude(report, say)
    return report


def _run(folder: Path, server: CountingServer, report: Report, say: Say) -> None:
    engine = engine_process(folder)
    report.first_pid = engine.lock.pid
    say(f"1. an engine process on a fresh folder: pid {engine.lock.pid}, {engine.url}")
    client = engine.client()
    component = client.create_component("demo", component_from_text(SOURCE.read_text()))
    say(f"2. deployed {component.name}, version {component.version}, {component.size_bytes} bytes")
    worker = client.launch_worker(component.id, "w1")
    say(f"3. launched the worker {component.name}/{worker.name}; it will do {STEPS} steps")
    with _events_printed(client, worker, say):
        client.invoke(worker, RUN, [server.authority, STEPS], key=KEY)
        server.wait_until(KILL_AFTER)
        report.last_index_before = client.oplog(worker, count=1).last_index
        say(
            f"4. kill -9 {engine.lock.pid}, in the middle of step {KILL_AFTER}; "
            f"its oplog has {report.last_index_before} entries"
        )
        kill_local(folder)
    client.close()

    engine = engine_process(folder)
    report.second_pid = engine.lock.pid
    say(f"5. the engine is started again on the same folder: pid {engine.lock.pid}")
    client = engine.client()
    with _events_printed(client, worker, say):
        # The same key: this waits for the invocation that was cut off, and starts nothing.
        result = client.invoke_and_await(worker, RUN, [server.authority, STEPS], key=KEY, timeout_s=WAIT_S)
    report.result = None if result is None else result.value
    replayed = client.worker(worker).entries_replayed
    report.entries_replayed = replayed or 0
    done = client.invoke_and_await(worker, DONE, [], timeout_s=WAIT_S)
    report.done = None if done is None else done.value
    report.requests = list(server.requests)
    entries = _whole_oplog(client, worker)
    report.last_index_after = entries[-1].index
    say(f"6. the invocation has finished: {report.result}; the worker's state: {report.done}; its oplog:\n")
    say(oplog_table(entries, report.last_index_before))
    client.close()


def _conclude(report: Report, say: Say) -> None:
    counts = ", ".join(f"{step}: {count}" for step, count in report.counts.items())
    say(f"\n7. requests that the server counted, by step: {counts}")
    for step in report.twice:
        say(f"   step {step} was on its way at the kill, and was sent again with the same idempotency key")
    say(f"   {report.entries_replayed} recorded entries were replayed, without a request")
    for fault in report.faults:
        say(f"WRONG: {fault}")
    if report.is_right:
        say(f"All is as it must be ({report.seconds:.1f} s).")


@contextmanager
def _events_printed(client: Client, worker: WorkerId, say: Say) -> Iterator[None]:
    """Print the worker's events meanwhile; the stream may break, since the engine may be killed."""
    stream = client.events(worker)

    def follow() -> None:
        try:
            with stream as events:
                for event in events:
                    if event.type is not EventType.INVOCATION_START:
                        say(f"     | {event.type.value:<18} {(event.message or '').rstrip()}")
        except ClientError as error:
            say(f"     | {error}")

    follower = threading.Thread(target=follow, name="events", daemon=True)
    follower.start()
    try:
        yield
        time.sleep(0.05)  # for the last lines: nothing that is checked depends on it
    finally:
        close = getattr(stream, "close", None)
        if close is not None:
            close()
        follower.join(5)


def _whole_oplog(client: Client, worker: WorkerId) -> list[PublicEntry]:
    entries: list[PublicEntry] = []
    index: int | None = 1
    while index is not None:
        page = client.oplog(worker, from_index=index)
        entries += page.entries
        index = page.next_index
    return entries


def oplog_table(entries: list[PublicEntry], last_before: int) -> str:
    """Return the oplog as a table of text, with a line where the engine was killed."""
    lines = [f"{'index':>5}  {'time':12}  {'kind':26}  what"]
    for entry in entries:
        lines.append(f"{entry.index:>5}  {_clock(entry.timestamp)}  {entry.kind:26}  {_what(entry)}")
        if entry.index == last_before:
            lines.append(f"{'':5}  {'- ' * 12} about here: kill -9 {'- ' * 12}")
    return "\n".join(lines)


def _clock(at: datetime) -> str:
    return at.strftime("%H:%M:%S.") + f"{at.microsecond // 1000:03}"


def _what(entry: PublicEntry) -> str:
    fields = entry.fields
    match entry.kind:
        case "Log":
            return f"{fields['level']}: {fields['message'].rstrip()}"
        case "StartSpan":
            attributes = {a["key"]: a["value"]["value"] for a in fields["attributes"]}
            return f"{attributes.get('request.method', '')} {attributes.get('request.uri', '')}".strip()
        case "PendingWorkerInvocation":
            return str(fields["invocation"]["fullFunctionName"])
        case "ExportedFunctionCompleted":
            return str(fields.get("response", {}).get("value", ""))
        case "EndRemoteWrite":
            return f"of entry {fields['beginIndex']}"
        case "Jump":
            return f"entries {fields['jump']['start']} to {fields['jump']['end']} are skipped"
    return str(fields.get("functionName", ""))
