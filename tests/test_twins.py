"""Each component tells a story twice: once undisturbed, and then with engines that die by signal 9 all the way.

The clients send everything again with the same keys until they have an answer. Then the answers are the same, what the
servers outside were told is the same (each write with one key), the oplogs have no error, no gap and no invocation
twice. Engines die at a write to their store, just before or right after it: so between two invocations, and at every
entry within one. GOLEM_NB_TWINS asks for so many tellings of each story, GOLEM_NB_SEED for the same deaths again.
"""

import os
import random
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from golem_nb.authoring.wat import component_from_text
from golem_nb.client.remote import RemoteClient
from golem_nb.demo import DONE, RUN, SOURCE
from golem_nb.engine.engine import Engine
from golem_nb.errors import ClientError, EngineStopped, GolemError
from golem_nb.model import (
    LOCAL_ENVIRONMENT,
    ComponentOptions,
    ComponentType,
    SnapshotPolicy,
    UpdateMode,
    WorkerId,
    WorkerStatus,
)
from golem_nb.oplog.codec import entries_from_chunk
from golem_nb.oplog.entries import Error, ExportedFunctionCompleted, ExportedFunctionInvoked, Log
from golem_nb.oplog.fold import state_of
from tests import test_stores
from tests.components.test_components import EVERYTHING
from tests.components.test_handler import HANDLE, request
from tests.host.http_server import Server
from tests.host.socket_peers import TcpServer
from tests.mortal import AFTER, BEFORE, Nursery, is_alive, kill
from tests.script import (
    ADD,
    ASK,
    AWAIT,
    BEGIN,
    COMPLETE,
    END,
    HEAR,
    INDEX,
    JUMP_IF,
    LEVEL,
    NOTHING,
    PRINT,
    PROMISE,
    SLEEP_MS,
    SMART,
    TELL,
    Outside,
    script,
    steps,
)
from tests.test_kill import ANSWER_S, SEED
from tests.test_linking import API, LINKS
from tests.test_rpc import AWAIT as CALL_AND_AWAIT
from tests.test_rpc import BEGIN as CALL_AND_BEGIN
from tests.test_rpc import FIRE as CALL_AND_FORGET
from tests.test_rpc import FORGET as BEGIN_AND_FORGET
from tests.test_rpc import words

TELLINGS = int(os.environ.get("GOLEM_NB_TWINS", "1"))
COMPONENTS = Path(__file__).parent / "components"
MOST_DEATHS = 12  # of one telling; then it comes to its end
LIFE_SPANS = (2, 4, 9)  # the longest life, in writes to the store: a recovery makes one or two


class Telling:
    """One way through a story: an engine on a folder, which is started again whenever it has died."""

    def __init__(self, nursery, folder, workers, outside, lives=()):
        self.nursery, self.folder, self.workers = nursery, folder, workers
        self.outside, self.lives = outside, iter(lives)
        self.deaths, self.pid, self.client = -1, None, None
        self.answers: list[Any] = []

    def connected(self):
        """Return a client of an engine that lived a moment ago."""
        while self.client is None or not is_alive(self.pid):
            if self.client is not None:
                self.client.close()
                self.client = None
            self.deaths += 1
            self.pid, lock = self.nursery.start(self.folder, *next(self.lives, ()))
            if lock is not None:
                self.client = RemoteClient(f"http://127.0.0.1:{lock.port}", lock.token or None)
        return self.client

    def ask(self, verb, *args, **options):
        """Call a method of the client until it answers."""
        deadline = time.monotonic() + ANSWER_S
        while True:
            try:
                return getattr(self.connected(), verb)(*args, **options)
            except (ClientError, EngineStopped) as error:
                assert time.monotonic() < deadline, f"no answer: {error}"
                time.sleep(0.002)

    def run(self, worker, function, *params, key=None):
        result = self.ask("invoke_and_await", self.workers[worker], function, list(params), key=key, timeout_s=ANSWER_S)
        return None if result is None else result.value

    def until(self, is_so):
        deadline = time.monotonic() + ANSWER_S
        while not is_so():
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def entries(self, worker, kind):
        return [e for e in self.ask("oplog", self.workers[worker]).entries if e.kind == kind]

    def end(self):
        if self.client is not None:
            self.client.close()
        if self.pid is not None:
            kill(self.pid)


Deed = Callable[[Telling, str], Any]


def call(function, *params, worker="w") -> Deed:
    def deed(telling, key):
        given = [p(telling) if callable(p) else p for p in params]
        return telling.run(worker, function, *given, key=key)

    return deed


def program(*program, worker="w") -> Deed:
    return call("run", authority, steps(*program), worker=worker)


def authority(telling):
    return telling.outside.authority


def port(telling):
    return telling.outside.port


def rpc(function, n, how, *, caller="w", target="b") -> Deed:
    def deed(telling, key):
        return telling.run(caller, "call", *words(telling.workers[target]), function, n, how, key=key)

    return deed


def comes_to(answer, function, *params, worker="b") -> Deed:
    """Ask until this is the answer: for what happens by itself."""

    def deed(telling, key):
        telling.until(lambda: telling.run(worker, function, *params) == answer)

    return deed


def update(version, mode=UpdateMode.AUTOMATIC, worker="w") -> Deed:
    def deed(telling, key):
        try:
            telling.ask("update_worker", telling.workers[worker], version, mode)
        except GolemError:
            pass  # it was asked for, and the engine died before it said so
        telling.until(lambda: telling.ask("worker", telling.workers[worker]).component_version == version)

    return deed


def complete_from_outside(*program, data) -> Deed:
    """Have a program run that waits for a promise, and complete that when it does."""

    def deed(telling, key):
        id = telling.workers["w"]
        telling.ask("invoke", id, "run", [telling.outside.authority, steps(*program)], key=key)

        def is_promised():
            return any(
                "create_promise" in str(e.fields.get("functionName"))
                for e in telling.entries("w", "ImportedFunctionInvoked")
            )

        telling.until(is_promised)
        (index,) = [
            e.index
            for e in telling.entries("w", "ImportedFunctionInvoked")
            if "create_promise" in e.fields["functionName"]
        ]
        telling.ask("complete_promise", id, index, data)
        return telling.run("w", "run", telling.outside.authority, steps(*program), key=key)

    return deed


def api(function, *params) -> Deed:
    return call(f"{API}.{{{function}}}", *params, worker="b")


def given_by(place) -> Callable[[Telling], Any]:
    """Return what an earlier deed was answered, as a parameter: a handle."""
    return lambda telling: str(telling.answers[place].uri) + f"/{telling.answers[place].id}"


def wasm(name):
    return component_from_text((SOURCE if name == "steps" else COMPONENTS / f"{name}.wat").read_text())


@dataclass
class Story:
    deeds: list[Deed]
    components: dict[str, tuple[str, ...]]
    """Name of a component -> names of its workers. `w` is the one that most deeds are about."""
    outside: Callable[[], Any] | None = None
    versions: list[bytes] = field(default_factory=list)
    """Of the first component, after the first."""
    options: ComponentOptions | None = None
    policy: SnapshotPolicy | None = None
    told: Callable[[Any], list[tuple[Any, str]]] | None = None
    """What the server outside was told: pairs of what, and the idempotency key."""
    shown: Callable[[list[Any]], Any] = list
    """What of the answers is the same whatever happens."""
    stored: Callable[[Path], Any] = lambda folder: None


def told_script(outside):
    return outside.told


def told_server(server):
    return [(body, headers["idempotency-key"]) for _, _, headers, body in server.requests]


def all_but(*places):
    """`shown`: what is drawn or read from a clock differs."""
    return lambda answers: [answer for place, answer in enumerate(answers) if place not in places]


CONTENTS = "a body of some thirty characters"
STORIES = {
    "ledger": Story(
        [call("add", 3), call("work", 100_000, 4), call("add", 2), call("sum")],
        {"ledger": ("w",)},
    ),
    "host": Story(
        [
            call("say", "hello\n"),
            call("ticks", 3, False),
            call("gather", 2),
            call("sleep", 20),
            call("warn", "end\n"),
            call("gather", 0),
        ],
        {"host": ("w",)},
        shown=lambda answers: [*answers[:2], answers[2] == answers[5]],
    ),
    "steps": Story(
        [call(RUN, authority, 3), call(DONE)],
        {"steps": ("w",)},
        Outside,
        told=told_script,
    ),
    "exchange": Story(
        [
            call("exchange", authority, "/echo", CONTENTS),
            call("exchange", authority, "/echo", "second"),
            call("trailers", authority, "/trailers", "third"),
        ],
        {"exchange": ("w",)},
        Server,
        told=told_server,
    ),
    "files": Story(
        [call("note", "one,"), call("modified"), call("note", "two"), call("modified"), call("modified")],
        {"files": ("w",)},
        shown=lambda answers: [answers[0], answers[2], answers[3] == answers[4]],
    ),
    "stores": Story(
        [call(function, *params) for function, *params in test_stores.CALLS],
        {"stores": ("w",)},
        stored=lambda folder: test_stores.without_times(test_stores.data_of(folder)),
    ),
    "tcp": Story([call("tcp", port, "first"), call("tcp", port, "again")], {"sockets": ("w",)}, TcpServer),
    "caller": Story(
        [
            rpc("add", 1, CALL_AND_AWAIT),
            rpc("add", 2, CALL_AND_BEGIN),
            rpc("add", 4, CALL_AND_FORGET),
            rpc("add", 8, BEGIN_AND_FORGET),
            comes_to(15, "total"),
            rpc("add", 1, CALL_AND_AWAIT, caller="b", target="c"),
            call("total", worker="c"),
        ],
        {"caller": ("w", "b", "c")},
    ),
    "scheduled": Story(
        [
            lambda telling, key: telling.run(
                "w", "call", *words(telling.workers["b"]), "add", int(time.time()) + 1, 4, key=key
            ),
            comes_to(1, "total"),
        ],
        {"caller": ("w", "b")},
    ),
    "linked": Story(
        [
            call("total", "b", 5, worker="w"),
            call("later", "b", 7, worker="w"),
            api("add", 0),
            api("dropped"),
        ],
        {"client": ("w",), "counters": ("b",)},
        options=ComponentOptions(
            dynamic_linking={
                instance: {resource: type(target)(target.interface, "counters") for resource, target in targets.items()}
                for instance, targets in LINKS.items()
            }
        ),
    ),
    "handler": Story(
        [call(HANDLE, request("/1")), call("count"), call(HANDLE, request("/2", None)), call("count")],
        {"handler": ("w",)},
        shown=lambda answers: [answers[0]["body-and-trailers"], answers[1], answers[2]["status"], answers[3]],
    ),
    "resource": Story(
        [
            call("t:t/api.{make}"),
            call("t:t/api.{make}"),
            call("t:t/api.{eat}", given_by(0)),
            call("t:t/api.{peek}", lambda telling: [given_by(1)(telling)]),
        ],
        {"resource": ("w",)},
        shown=all_but(0, 1),
    ),
    "library": Story(
        [call("call", effect, effect * 7 + 1) for effect in range(6)] + [call("idempotent", False), call("call", 0, 9)],
        {"library": ("w",)},
    ),
    "drafts": Story(
        [call("log", "hello"), call("runtime", "x"), call("log", "again"), call("store", "x")], {"drafts": ("w",)}
    ),
    "echo": Story([call("echo-everything", EVERYTHING), call("echo-char", 0x10FFFF)], {"echo": ("w",)}),
    "writes": Story(
        [program((TELL, 1), (ADD, 1), (PRINT, 2), (TELL, 2)), program((TELL, 3), (ADD, 5), (TELL, 4))],
        {"script": ("w",)},
        Outside,
        told=told_script,
    ),
    "writes at once": Story(
        [
            program((ASK, 1), (TELL, 2), (ADD, 1), HEAR, (TELL, 3)),
            program((ASK, 4), PROMISE, COMPLETE, AWAIT, (TELL, 5), (SLEEP_MS, 2), HEAR),
        ],
        {"script": ("w",)},
        Outside,
        told=told_script,
        shown=all_but(1),
    ),
    "regions": Story(
        [
            program((ADD, 1), BEGIN, (PRINT, 1), (SLEEP_MS, 3), (ADD, 2), END, (TELL, 1)),
            program((LEVEL, NOTHING), (ADD, 4), (LEVEL, SMART), (ADD, 8)),
            program(INDEX, (ADD, 16), (TELL, 2), (PRINT, 7), (JUMP_IF, 202), (ADD, 32)),
            program(PROMISE, COMPLETE, AWAIT),
        ],
        {"script": ("w",)},
        Outside,
        told=told_script,
        shown=all_but(3),  # it adds the promise's index
    ),
    "promise": Story(
        [complete_from_outside(PROMISE, (PRINT, 1), AWAIT, (TELL, 1), data=b"\x05"), program((ADD, 1), (TELL, 2))],
        {"script": ("w",)},
        Outside,
        told=told_script,
    ),
    "updates": Story(
        [
            program((ADD, 1), (TELL, 1)),
            update(1),
            program((ADD, 2), (TELL, 2)),
            update(2, UpdateMode.MANUAL),
            program((ADD, 4), (TELL, 3)),
        ],
        {"script": ("w",)},
        Outside,
        versions=[script(1), script(2, factor=10)],
        told=told_script,
    ),
    "snapshots": Story(
        [program((ADD, n), (PRINT, n), (TELL, n)) for n in range(1, 6)],
        {"script": ("w",)},
        Outside,
        policy=SnapshotPolicy(every_invocations=2),
        told=told_script,
    ),
    "ephemeral": Story(
        [program((ADD, n), (PRINT, n), (TELL, n)) for n in range(1, 4)],
        {"script": ("w",)},
        Outside,
        options=ComponentOptions(type=ComponentType.EPHEMERAL),
        told=told_script,
    ),
}


@pytest.fixture(scope="module")
def nursery():
    made = Nursery()
    yield made
    made.close()


@pytest.fixture
def outside(name):
    story = STORIES[name]
    server = story.outside() if story.outside else None
    yield server
    if server is not None:
        server.close()


def prepared(story, folder):
    """Deploy what a story needs; return its workers by name."""
    engine, workers = Engine.open(folder), {}
    for place, (name, names) in enumerate(story.components.items()):
        code = script() if name == "script" else wasm(name)
        options = [story.options] if story.options and place == 0 else []
        id = engine.create_component(LOCAL_ENVIRONMENT, name, code, *options).id
        workers |= {worker: WorkerId(id, worker) for worker in names}
        if place == 0:
            if story.versions:
                engine.launch_worker(id, "w")  # made later, it would be on the last version
            for version in story.versions:
                engine.update_component(id, version)
            engine.set_snapshot_policy(id, story.policy)
    engine.close()
    return workers


def told(story, telling, folder):
    """Tell a story to its end, and check what any telling leaves; return what every telling leaves."""
    before = len(story.told(telling.outside)) if story.told else 0
    try:
        for place, deed in enumerate(story.deeds):
            telling.answers.append(deed(telling, f"key-{place}"))
    finally:
        telling.end()
    oplogs = {name: oplog_of(folder, worker) for name, worker in telling.workers.items()}
    for name, oplog in oplogs.items():
        check_oplog(
            name, oplog, is_ephemeral=story.options is not None and story.options.type is ComponentType.EPHEMERAL
        )
    output = {name: "".join(e.message for e in oplog if isinstance(e, Log)) for name, oplog in oplogs.items()}
    made = story.told(telling.outside)[before:] if story.told else []
    return story.shown(telling.answers), output, effects(made, telling.deaths), story.stored(folder)


def effects(made, deaths):
    """Return how many writes of each kind there were; one that came again came with its key, once for a death."""
    assert max(Counter(made).values(), default=0) <= deaths + 1
    return Counter(what for what, _ in set(made))


def oplog_of(folder, worker):
    connection = sqlite3.connect(folder / "golem.db")
    rows = connection.execute(
        "SELECT first_index, count, body FROM oplog_chunk JOIN worker ON worker = number "
        "WHERE name = ? AND component_id = ? ORDER BY first_index",
        (worker.name, str(worker.component_id)),
    ).fetchall()
    connection.close()
    found = []
    for first, count, body in rows:
        assert first == len(found) + 1, "a gap, or entries twice"
        found += entries_from_chunk(body)
        assert first + count == len(found) + 1
    return found


def check_oplog(name, oplog, *, is_ephemeral):
    state = state_of(oplog)
    assert oplog, name
    assert [e for e in oplog if isinstance(e, Error)] == [], name
    assert (state.status, state.current, dict(state.pending)) == (WorkerStatus.IDLE, None, {}), name
    counted = [e for index, e in enumerate(oplog, start=1) if index not in state.skipped]
    begun = Counter(e.idempotency_key for e in counted if isinstance(e, ExportedFunctionInvoked))
    ended = sum(isinstance(e, ExportedFunctionCompleted) for e in counted)
    if not is_ephemeral:
        assert set(begun.values()) <= {1}, name
        assert ended == len(begun), name


def lives(chance):
    """Yield until when each engine lives: the number of its last write, and on which side of it it dies."""
    for _ in range(MOST_DEATHS):
        yield chance.randint(1, chance.choice(LIFE_SPANS)), chance.choice([BEFORE, AFTER])


@pytest.mark.timeout(120 + 60 * TELLINGS)
@pytest.mark.parametrize("name", STORIES)
def test_a_story_ends_the_same_however_often_engines_die(name, nursery, outside, tmp_path):
    story, deaths = STORIES[name], 0
    workers = prepared(story, tmp_path / "begin")

    def tell(folder, lives=()):
        nonlocal deaths
        shutil.copytree(tmp_path / "begin", folder)
        telling = Telling(nursery, folder, workers, outside, lives)
        whole = told(story, telling, folder)
        deaths += telling.deaths
        return whole

    whole = tell(tmp_path / "whole")

    for number in range(TELLINGS):
        seed = f"{SEED}-{name}-{number}"
        folder = tmp_path / f"twin-{number}"
        print(f"seed {seed}")
        assert tell(folder, lives(random.Random(seed))) == whole, f"seed {seed}"
        shutil.rmtree(folder)
    print(f"{name}: {deaths} deaths in {TELLINGS} tellings")
