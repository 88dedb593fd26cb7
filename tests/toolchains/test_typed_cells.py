"""Cells deployed as typed components: the same answers as on the shared runtime, and on a server that knows neither."""

import time

import pytest

from golem_nb.authoring import typed
from golem_nb.authoring.python import component_from_source
from golem_nb.authoring.runtime import CACHE_VARIABLE
from golem_nb.authoring.typed import component_from_typed_source
from golem_nb.errors import ComponentRejected, GolemError, InvocationFailed
from golem_nb.model import LOCAL_ENVIRONMENT, UpdateMode, WorkerId, WorkerStatus
from golem_nb.oplog.entries import Error, Log
from golem_nb.wasm import platform
from tests.engine.conftest import until
from tests.toolchains.build import BUILT
from tests.toolchains.test_python_cells import WORLD, Bench

pytestmark = [pytest.mark.toolchains, pytest.mark.timeout(300)]

SHOP = '''
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, NamedTuple, Optional, TypedDict
from golem import Err, Ok, Result
import random, time, uuid

class State(Enum):
    OPEN = 1
    PAID = 2

@dataclass
class Price:
    amount: float
    currency: str = "EUR"

@dataclass
class Item:
    name: str
    price: Price
    tags: list[str] = field(default_factory=list)
    note: Optional[str] = None

class Point(NamedTuple):
    x: int
    y: int

class Options(TypedDict):
    fast: bool

class Cart:
    def __init__(self):
        self.items: list[Item] = []
        self.token = str(uuid.uuid4())
    def add(self, item: Item, count: int = 1) -> int:
        """Add items."""
        self.items += [item] * count
        print("added", item.name)
        return len(self.items)
    def list(self) -> list[Item]: return self.items
    def state(self) -> State: return State.OPEN
    def pay(self, how: Literal["cash", "card"], times: Literal[1, 2] = 1) -> tuple[State, str]: return State.PAID, how
    def divide(self, a: int, b: int) -> Result[float, str]:
        if b == 0: raise Err("by zero")
        return Ok(a / b)
    def same(self, r: Result[None, Item], o: Optional[int], p: Point | None) -> tuple[Result[None, Item], int | None]:
        return r, o
    def union(self, x: int | str | Point) -> int | str | Point | None: return x
    def options(self, o: Options) -> Options: return o
    def sums(self, m: dict[str, list[int]]) -> dict[str, int]: return {k: sum(v) for k, v in m.items()}
    def blob(self, b: bytes) -> bytes: return b[::-1]
    def boom(self, n: int) -> Item:
        self.items.clear()
        return [1][n]
    def chance(self) -> tuple[str, float, float]: return self.token, random.random(), time.time()
    def any(self, x, y: dict = {"a": 1}): return {"x": x, "y": y}
    def plain(self, x): return x
    def nothing(self, x: int): self.x = x
    async def later(self) -> set[str]: return {"b", "a"}
    def each(self, n: int) -> list[int]: yield from range(n)
'''
ITEM = {"name": "tea", "price": {"amount": 2.5, "currency": "EUR"}, "tags": ["a"], "note": None}
CALLS = [
    ("add", ITEM, 2),
    ("add", ITEM),
    ("list",),
    ("state",),
    ("pay", "card"),
    ("pay", "cheque"),
    ("pay", "cash", 3),
    ("divide", 1, 2),
    ("divide", 1, 0),
    ("same", {"ok": None}, None, None),
    ("same", {"err": ITEM}, 5, {"x": 1, "y": 2}),
    ("union", {"int": 3}),
    ("union", {"str": "é"}),
    ("union", {"point": {"x": 1, "y": 2}}),
    ("options", {"fast": True}),
    ("sums", [["a", [1, 2]], ["b", []]]),
    ("blob", [1, 2, 3]),
    ("boom", 3),
    ("list",),
    ("any", {"q": 1}, [1]),
    ("any", 5),
    ("plain", [1, 2]),
    ("plain", "x"),
    ("plain", None),
    ("nothing", 1),
    ("later",),
    ("each", 3),
]


@pytest.fixture(scope="module", autouse=True)
def cache():
    """Keep what is built, and its compiled code, where other tests' components are kept."""
    patch = pytest.MonkeyPatch()
    patch.setenv(CACHE_VARIABLE, str(BUILT / "cache"))
    yield
    patch.undo()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One for all, so that each component is compiled once."""
    return tmp_path_factory.mktemp("typed")


@pytest.fixture
def bench(folder):
    made = Bench(folder)
    yield made
    made.engine.close()


def deploy(bench, name, wasm):
    return bench.engine.create_component(LOCAL_ENVIRONMENT, name, wasm)


def asked(bench, worker, call, key=None):
    """Return the result of a call with its type, or what is told instead."""
    try:
        return bench.engine.invoke_and_await(worker, call[0], list(call[1:]), key).result(60)
    except GolemError as error:
        return str(error)


def test_a_typed_cell_answers_as_the_other_kind(bench):
    made = component_from_typed_source(SHOP, "shop")
    typed, untyped = deploy(bench, "typed", made.wasm), deploy(bench, "untyped", component_from_source(SHOP, "shop"))

    assert not made.uses_golem
    assert "add: func(item: item, count: option<s64>) -> s64;" in made.wit
    assert typed.exports == untyped.exports
    workers = WorkerId(typed.id, "w"), WorkerId(untyped.id, "w")
    answers = [(call, *(asked(bench, worker, call) for worker in workers)) for call in CALLS]
    assert [call for call, one, other in answers if one != other] == []
    boom = next(answer for call, answer, _ in answers if call[0] == "boom")
    assert "line 54, in boom\n    return [1][n]" in boom
    key = asked(bench, workers[0], ("chance",), "k")
    bench.engine.crash_worker(workers[0])
    assert asked(bench, workers[0], ("chance",), "k") == key
    bench.reopen()
    assert asked(bench, workers[0], ("chance",), "k") == key
    assert asked(bench, workers[0], ("add", ITEM)).value == 1
    assert bench.entries(workers[0], Error) == []


def test_a_typed_cell_can_use_golem(bench):
    made = component_from_typed_source(WORLD, "clerk")
    component = deploy(bench, "clerk", made.wasm).id
    worker, waiting = WorkerId(component, "w"), WorkerId(component, "waiting")

    assert made.uses_golem
    assert bench.ask(worker, "ask-others", "clerk") == [0, 1, 2, 11]
    assert bench.ask(worker, "store") == ["v", "k", "y", "world", "o", "w"]
    waited = bench.engine.invoke_and_await(waiting, "wait", [], "k")
    until(lambda: bench.engine.worker(waiting).status is WorkerStatus.SUSPENDED)
    bench.engine.complete_promise(waiting, int(bench.entries(waiting, Log)[0].message), b"yes")
    assert waited.result(20).value == "yes"
    with pytest.raises(InvocationFailed, match="no use"):
        bench.ask(WorkerId(component, "given-up"), "give-up")
    assert bench.engine.worker(WorkerId(component, "given-up")).status is WorkerStatus.FAILED


def test_memory_goes_from_a_typed_cell_to_one_that_is_not_and_back(bench):
    wasm = component_from_typed_source(WORLD, "clerk").wasm
    component = deploy(bench, "updated", wasm).id
    worker = WorkerId(component, "w")
    bench.ask(worker, "add", 5)

    def update(wasm):
        version = bench.engine.update_component(component, wasm).version
        bench.engine.update_worker(worker, version, UpdateMode.MANUAL)
        until(lambda: bench.engine.worker(worker).component_version == version)
        return bench.ask(worker, "add", 1)

    assert update(component_from_source(WORLD, "clerk")) == 6
    assert update(wasm) == 7
    bench.reopen()
    assert bench.ask(worker, "add", 1) == 8


def test_another_server_sees_plain_functions_and_traps(bench, monkeypatch):
    monkeypatch.setattr(platform, "described_component", lambda wasm, compiled: compiled)  # what others do not do
    component = deploy(bench, "elsewhere", component_from_typed_source(WORLD, "clerk").wasm)
    worker = WorkerId(component.id, "w")
    clerk = "nb:clerk/clerk.{%s}"

    assert {clerk % name for name in ("add", "ask-others", "boom")} <= {f.name for f in component.exports}
    assert [bench.ask(worker, clerk % "add", 5) for _ in range(2)] == [5, 10]
    bench.reopen()
    assert bench.ask(worker, clerk % "add", 1) == 11
    with pytest.raises(InvocationFailed) as caught:
        bench.ask(worker, clerk % "boom")
    assert "line 35, in boom" in caught.value.stderr
    assert "ZeroDivisionError: division by zero" in caught.value.stderr


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("class A:\n    def f(self:\n", "line 2"),
        ("x = 1", "exports nothing"),
        ("import golem\nKEY = golem.idempotency_key()\ndef f(): pass", "needs a worker: call it in a function"),
        ("while True: pass", "takes over 10 s"),
    ],
)
def test_a_cell_that_is_no_program_is_refused(source, words, monkeypatch):
    monkeypatch.setattr(typed, "component_built", None)  # it does not come to that

    with pytest.raises(ComponentRejected, match=words):
        component_from_typed_source(f"{source}\n# {time.time_ns()}", "bad")
