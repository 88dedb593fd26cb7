"""Programs as somebody writes them in a cell: called, killed with their engine, recovered, updated."""

import json
import random
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from golem_nb.authoring.python import component_from_source
from golem_nb.authoring.runtime import CACHE_VARIABLE
from golem_nb.engine.engine import Engine
from golem_nb.engine.settings import Settings
from golem_nb.errors import ComponentRejected, InvocationFailed, PreviousInvocationFailed
from golem_nb.model import LOCAL_ENVIRONMENT, UpdateMode, UpdateState, WorkerId, WorkerStatus
from golem_nb.oplog.entries import Error, Log
from tests.engine.conftest import until
from tests.toolchains.build import BUILT

pytestmark = pytest.mark.toolchains

MACHINE = """
from enum import Enum
import random, time, uuid

class State(Enum):
    IDLE = 0
    PAID = 1
    SENT = 2

class Order:
    def __init__(self):
        self.state, self.log = State.IDLE, []
    def step(self) -> State:
        self.state = State((self.state.value + 1) % 3)
        self.log.append((time.time(), random.random(), str(uuid.uuid4()), sorted({"b", "a"}), hash("x")))
        print("now", self.state.name)
        return self.state
    def history(self) -> str:
        return repr(self.log)
"""
SAGA = """
import json, urllib.error, urllib.request
from dataclasses import dataclass, field

@dataclass
class Trip:
    port: int
    booked: list[str] = field(default_factory=list)

class Agent:
    def book(self, trip: Trip, fail_at: int = -1) -> list[str]:
        try:
            for number, what in enumerate(["flight", "hotel", "car"]):
                if number == fail_at:
                    raise ValueError(what)
                self.post(trip.port, "book", what)
                trip.booked.append(what)
        except ValueError:
            while trip.booked:
                self.post(trip.port, "cancel", trip.booked.pop())
        return trip.booked
    def post(self, port, verb, what):
        request = urllib.request.Request(f"http://127.0.0.1:{port}/{verb}", json.dumps(what).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert answer.status == 200 and json.load(answer) == what
"""
ASYNC = """
import asyncio, random

class Crowd:
    async def race(self, count: int) -> list[int]:
        order = []
        async def runner(n):
            await asyncio.sleep(random.random() / 50)
            order.append(n)
        await asyncio.gather(*(runner(n) for n in range(count)))
        return order
    def squares(self, count: int) -> list[int]:
        return self._generate(count)
    def _generate(self, count):
        for n in range(count):
            yield n * n
"""
WORLD = """
import golem, logging
from golem import atomic, bucket, container, promise, span, worker

class Clerk:
    def __init__(self): self.total = 0
    def add(self, by: int) -> int:
        self.total += by
        return self.total
    def ask_others(self, component: str) -> list[int]:
        others = [worker(f"{component}/helper-{n}") for n in range(3)]
        calls = [other.add.begin(n) for n, other in enumerate(others)]
        others[0].add.fire(100)
        return [call.result() for call in calls] + [others[1].add(10)]
    def wait(self) -> str:
        made = promise()
        print(made.index)
        return made.wait().decode()
    def store(self) -> list[str]:
        box = bucket("b")
        box["k"] = "v"
        box.update({"x": b"1", "y": b"2"})
        del box["x"]
        blobs = container("c")
        blobs.write("o", "hello world")
        with span("s", size=3), atomic():
            logging.warning("stored")
        golem.log("structured", "info", "ctx")
        return [box["k"].decode(), *box.keys(), blobs.read("o", 6).decode(), *blobs.names(), golem.me().name]
    def key(self) -> str: return str(golem.idempotency_key())
    def attempts(self, count: int):
        golem.retry_policy(max_attempts=count, min_delay_s=0.001, max_delay_s=0.001)
        golem.retry("once more")
    def give_up(self): golem.fail("no use")
    def boom(self): return 1 / 0
"""


@pytest.fixture(scope="module", autouse=True)
def cache():
    """Keep the runtime, and its compiled code, where other tests' components are kept."""
    patch = pytest.MonkeyPatch()
    patch.setenv(CACHE_VARIABLE, str(BUILT / "cache"))
    yield
    patch.undo()


class Bench:
    """An engine that can be let fall, as a kill does, and opened again."""

    def __init__(self, folder):
        self.folder, self.engine = folder, None
        self.open()

    def open(self):
        self.engine = Engine.open(self.folder, Settings(durability="process"))

    def reopen(self):
        self.engine.close()
        self.open()

    def deploy(self, name, source):
        return self.engine.create_component(LOCAL_ENVIRONMENT, name, component_from_source(source, name)).id

    def ask(self, worker, function, *params, key=None):
        found = self.engine.invoke_and_await(worker, function, list(params), key).result(60)
        return None if found is None else found.value

    def entries(self, worker, kind):
        found, page = [], self.engine.oplog(worker)
        while page.entries:
            found += [entry for _, entry in page.entries if isinstance(entry, kind)]
            page = self.engine.oplog(worker, page.entries[-1][0] + 1)
        return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cells")


@pytest.fixture
def bench(folder):
    made = Bench(folder)
    yield made
    made.engine.close()


@pytest.fixture
def server():
    requests = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            requests.append((self.path, json.loads(body), self.headers.get("idempotency-key")))
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    serving = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving.requests = requests
    Thread(target=serving.serve_forever, daemon=True).start()
    yield serving
    serving.shutdown()
    serving.server_close()


def test_a_state_machine_is_the_same_after_crashes(bench):
    worker = WorkerId(bench.deploy("order", MACHINE), "w")
    chance = random.Random(4)
    steps = []
    for _ in range(12):
        steps.append(bench.ask(worker, "step"))
        if chance.random() < 0.5:
            before = bench.ask(worker, "history")
            bench.engine.crash_worker(worker) if chance.random() < 0.5 else bench.reopen()
            assert bench.ask(worker, "history") == before

    assert steps == ["paid", "sent", "idle"] * 4
    assert len(bench.entries(worker, Log)) == 12


def test_a_saga_tells_others_once(bench, server):
    worker = WorkerId(bench.deploy("agent", SAGA), "w")
    trip = {"port": server.server_port, "booked": []}

    assert bench.ask(worker, "book", trip, -1) == ["flight", "hotel", "car"]
    assert bench.ask(worker, "book", trip, 2) == []
    bench.reopen()
    assert bench.ask(worker, "book", trip) == ["flight", "hotel", "car"]
    told = [(path, what) for path, what, _ in server.requests]
    booked = [("/book", what) for what in ("flight", "hotel", "car")]
    assert told == [*booked, *booked[:2], ("/cancel", "hotel"), ("/cancel", "flight"), *booked]
    assert len({key for _, _, key in server.requests}) == len(told)


def test_coroutines_and_generators(bench):
    worker = WorkerId(bench.deploy("crowd", ASYNC), "w")

    order = bench.ask(worker, "race", 8, key="race")
    assert sorted(order) == list(range(8))
    assert bench.ask(worker, "squares", 4) == [0, 1, 4, 9]
    bench.engine.crash_worker(worker)
    assert bench.ask(worker, "squares", 3) == [0, 1, 4]
    assert bench.engine.worker(worker).status is WorkerStatus.IDLE
    assert bench.ask(worker, "race", 8, key="race") == order


def test_what_the_engine_has_for_workers(bench):
    component = bench.deploy("clerk", WORLD)
    worker = WorkerId(component, "w")

    assert bench.ask(worker, "ask-others", "clerk") == [0, 1, 2, 11]
    assert bench.ask(worker, "store") == ["v", "k", "y", "world", "o", "w"]
    key = bench.ask(worker, "key", key="k")
    bench.reopen()
    assert bench.ask(worker, "key", key="k") == key
    assert bench.ask(WorkerId(component, "helper-0"), "add", 0) == 100
    assert [(e.level.value, e.context) for e in bench.entries(worker, Log)] == [("Warn", "root"), ("Info", "ctx")]


def test_a_promise_is_waited_for_without_memory(bench):
    worker = WorkerId(bench.deploy("waiting", WORLD), "w")
    waiting = bench.engine.invoke_and_await(worker, "wait", [], "k")
    until(lambda: bench.engine.worker(worker).status is WorkerStatus.SUSPENDED)
    index = int(bench.entries(worker, Log)[0].message)

    bench.engine.complete_promise(worker, index, b"yes")
    assert waiting.result(20).value == "yes"


def test_an_exception_is_a_result_that_is_none(bench):
    worker = WorkerId(bench.deploy("raising", WORLD), "w")
    bench.ask(worker, "add", 1)

    for again in range(2):
        with pytest.raises(InvocationFailed) as caught:
            bench.ask(worker, "boom", key="b")
        assert "def boom(self): return 1 / 0" in caught.value.cause
        assert caught.value.cause.endswith("ZeroDivisionError: division by zero")
        if not again:
            bench.reopen()
    assert bench.entries(worker, Error) == []
    assert bench.ask(worker, "add", 1) == 2


DEFAULTS = """
from dataclasses import dataclass, field
from golem import worker

@dataclass
class Item:
    name: str
    price: float = 1.5
    tags: list[str] = field(default_factory=list)

class Cart:
    def add(self, item: Item, count: int = 1, note=None) -> str:
        return f"{count} {item} {note}"

    def give(self, way: str) -> str:
        bob, tea = worker("bob"), Item("tea")
        match way:
            case "bare": return bob.add(tea)
            case "named": return bob.add(count=2, item=tea, note={"a": 1})
            case "dict": return bob.add({"name": "tea"}, 3)
            case "begun": return bob.add.begin(tea, note="x").result()
            case "twice": return bob.add(tea, item=tea)
            case "unknown": return bob.add(tea, cuont=2)
            case "none": return bob.add(count=2)
"""


def test_defaults_may_be_left_out_wherever_a_function_is_called(bench):
    worker = WorkerId(bench.deploy("defaults", DEFAULTS), "w")
    tea = "Item(name='tea', price=1.5, tags=[])"

    assert bench.ask(worker, "add", {"name": "tea"}) == f"1 {tea} None"
    told = [bench.ask(worker, "give", way) for way in ("bare", "named", "dict", "begun")]
    assert told == [f"1 {tea} None", f"2 {tea} {{'a': 1}}", f"3 {tea} None", f"1 {tea} x"]
    for way, words in (("twice", "given item twice"), ("unknown", "given cuont which"), ("none", "takes 3 arguments")):
        with pytest.raises(InvocationFailed, match=words):
            bench.ask(worker, "give", way)
    bench.reopen()
    assert bench.ask(worker, "give", "bare") == told[0]


def test_a_result_that_cannot_be_given_fails_its_call_only(bench):
    source = "def half(): return 'a\\ud800b'\ndef named() -> str: return 'a\\ud800b'\ndef whole(): return 'ab'"
    worker = WorkerId(bench.deploy("halves", source), "w")
    for name in ("half", "named"):
        with pytest.raises(InvocationFailed, match="a lone surrogate"):
            bench.ask(worker, name)
        assert bench.ask(worker, "whole") == "ab"


def test_a_program_may_ask_for_another_attempt_or_give_up(bench):
    component = bench.deploy("failing", WORLD)
    retried, given_up = WorkerId(component, "retried"), WorkerId(component, "given-up")

    with pytest.raises(InvocationFailed, match="once more"):
        bench.ask(retried, "attempts", 4)
    with pytest.raises(InvocationFailed, match="no use"):
        bench.ask(given_up, "give-up")

    assert [len(bench.entries(worker, Error)) for worker in (retried, given_up)] == [4, 1]
    for worker in (retried, given_up):
        with pytest.raises(PreviousInvocationFailed):
            bench.ask(worker, "add", 1)


def test_updates_of_a_cell(bench):
    component = bench.deploy("loop", WORLD)
    worker = WorkerId(component, "w")
    bench.ask(worker, "add", 5)

    def update(source, mode):
        version = bench.engine.update_component(component, component_from_source(source, "loop")).version
        count = len(bench.engine.worker(worker).updates)
        bench.engine.update_worker(worker, version, mode)
        until(
            lambda: (
                len(found := bench.engine.worker(worker).updates) > count and found[-1].state is not UpdateState.PENDING
            )
        )
        return bench.engine.worker(worker).updates[-1]

    better = WORLD.replace("    def key(self)", "    def twice(self) -> int: return 2 * self.total\n    def key(self)")
    assert update(better, UpdateMode.AUTOMATIC).state is UpdateState.SUCCESSFUL
    assert bench.ask(worker, "twice") == 10
    other = better.replace("self.total += by", "self.total += 10 * by")
    refused = update(other, UpdateMode.AUTOMATIC)
    assert refused.state is UpdateState.FAILED
    assert "records the result 5, but the component now does return 50" in refused.details
    assert update(other, UpdateMode.MANUAL).state is UpdateState.SUCCESSFUL
    bench.reopen()
    assert (bench.ask(worker, "twice"), bench.ask(worker, "add", 1)) == (10, 15)


def test_what_an_update_cannot_carry_over_is_told(bench):
    source = "class A:\n    def __init__(self): self.n, self.f = 1, lambda: 1\n    def get(self) -> int: return self.n"
    component = bench.deploy("lossy", source)
    worker = WorkerId(component, "w")
    bench.ask(worker, "get")
    version = bench.engine.update_component(component, component_from_source(source + " + 1", "lossy")).version
    events = bench.engine.events(worker)
    bench.engine.update_worker(worker, version, UpdateMode.MANUAL)
    until(lambda: bench.engine.worker(worker).component_version == version)
    events.close()

    told = [event.message for event in events if event.level == "Warn"]
    assert len(told) == 1
    assert told[0].startswith("not carried over: a.f: a function cannot be kept")
    assert bench.engine.worker(worker).updates[-1].details == told[0]
    assert bench.ask(worker, "get") == 2


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("class A:\n    def f(self:\n", "line 2"),
        ("import golem\nKEY = golem.idempotency_key()\ndef f(): pass", "needs a worker: call it in a function"),
        ("x = 1", "exports nothing"),
        ("while True: pass", "takes over 10 s"),
    ],
)
def test_a_cell_that_is_no_program_is_refused(bench, source, words):
    with pytest.raises(ComponentRejected, match=words):
        bench.deploy(f"bad-{time.time_ns()}", source)


def test_pure_packages_come_along(bench, tmp_path, monkeypatch):
    (tmp_path / "greetings").mkdir()
    (tmp_path / "greetings" / "__init__.py").write_text("from greetings.words import HELLO\n")
    (tmp_path / "greetings" / "words.py").write_text("HELLO = 'hello'\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    wasm = component_from_source("import greetings\ndef f() -> str: return greetings.HELLO", "pack", ["greetings"])
    worker = WorkerId(bench.engine.create_component(LOCAL_ENVIRONMENT, "pack", wasm).id, "w")

    assert bench.ask(worker, "f") == "hello"
