"""Cells in JavaScript: called, killed with their engine, recovered, updated."""

import json

import pytest

from golem_nb.authoring.javascript import component_from_javascript
from golem_nb.authoring.javascript_runtime import built_javascript_runtime
from golem_nb.authoring.runtime import CACHE_VARIABLE
from golem_nb.errors import ComponentRejected, InvocationFailed, PreviousInvocationFailed, ToolMissing
from golem_nb.model import LOCAL_ENVIRONMENT, UpdateMode, UpdateState, WorkerId, WorkerStatus
from golem_nb.oplog.entries import Error, Log
from tests.engine.conftest import until
from tests.toolchains.build import BUILT
from tests.toolchains.test_python_cells import Bench, server

assert server  # a fixture of this module, too

pytestmark = [pytest.mark.toolchains, pytest.mark.timeout(300)]

CELL = """
import { promise, sleep as nap } from "golem";
let total = 0;
const log = [];

/** Adds to the total.
 * @param {number} n
 */
export function add(n, by = 1) {
  total += n * by;
  console.log("total is", total, { a: [1, 2] });
  return total;
}
export const half = (x) => x / 2;
export async function race(count) {
  const order = [];
  const runner = async (n) => {
    await new Promise((r) => setTimeout(r, 50 - n * 10));
    order.push(n);
    return n * 2;
  };
  const found = await Promise.all([...Array(count).keys()].map(runner));
  return { order, found, sum: (await quick(3)) + (await quick(4)) };
}
const quick = async x => await Promise.resolve(x) + 1
export async function settles() {
  const late = (v, ms) => new Promise((yes) => setTimeout(() => yes(v), ms));
  const all = await Promise.allSettled([late(1, 5), Promise.reject(new Error("no"))]);
  return [
    await Promise.race([late("slow", 20), late("quick", 1)]),
    await Promise.any([Promise.reject(1), late("any", 1)]),
    all.map((one) => one.status).join(),
    await Promise.reject(1).catch((e) => `caught ${e}`).finally(() => 5),
    await { then: (yes) => yes("thenable") },
  ];
}
export async function fails() {
  try { await Promise.reject(new Error("inner")); } catch (e) { log.push(e.message); }
  await null;
  throw new TypeError(`outer ${log}`);
}
export function boom() { return null.x; }
export function never() { return new Promise(() => {}); }
export function chance() {
  return [Math.random(), Date.now(), crypto.randomUUID(), new Date().toISOString(), performance.now()].join();
}
export function same(x) { return x; }
export function* each(n) { for (let i = 0; i < n; i++) yield i; }
export function wait() {
  const made = promise();
  console.error(made.index);
  return made.wait();
}
export async function rest() {
  const begin = Date.now();
  await new Promise((r) => setTimeout(r, 30));
  nap(0.02);
  return Date.now() - begin >= 45;
}
export class Cart {
  items = [];
  #hidden = 1;
  add(item) { return this.items.push(item); }
  async all() { return await Promise.all(this.items.map(async (i) => i + this.#hidden)); }
  get size() { return this.items.length; }
  _private() {}
}
"""
GOLEM = """
import golem from "golem";
let total = 0;
export function key() { return golem.idempotencyKey(); }
export function both() { return golem.atomic(async () => { await null; return ++total; }); }
export function again() { golem.retry("once more"); }
export function giveUp() { golem.fail("no use"); }
export function ask(other) {
  const clerk = golem.worker(other);
  clerk.both.fire();
  return [clerk.both(), clerk.both(), clerk["nb:golem/api.{both}"]()];
}
export function wrong(other) { return golem.worker(other).both(1); }
export async function waits() { const p = golem.promise(); console.log(p.index); return (await p) + "!"; }
"""
WEB = """
export async function post(port, what) {
  const answer = await fetch(`http://127.0.0.1:${port}/book?x=1`, {
    method: "POST", headers: { "X-Kind": "trip" }, body: JSON.stringify(what),
  });
  const found = await answer.json();
  return [answer.status, answer.ok, answer.headers.get("content-length"), found];
}
export function wrong() { return fetch("nowhere"); }
"""
COUNTER = """
class Counter {
  total = 0;
  add(n) { this.total += n; return this.total; }
}
"""


@pytest.fixture(scope="module", autouse=True)
def cache():
    """Keep the runtime, and its compiled code, where other tests' components are kept."""
    patch = pytest.MonkeyPatch()
    patch.setenv(CACHE_VARIABLE, str(BUILT / "cache"))
    try:
        built_javascript_runtime()
    except ToolMissing as missing:
        pytest.skip(str(missing))
    yield
    patch.undo()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("javascript")


@pytest.fixture
def bench(folder):
    made = Bench(folder)
    yield made
    made.engine.close()


def deploy(bench, name, source):
    return bench.engine.create_component(LOCAL_ENVIRONMENT, name, component_from_javascript(source, name))


def test_functions_are_called_and_remember(bench):
    component = deploy(bench, "sums", CELL)
    worker = WorkerId(component.id, "w")

    assert component.exports[0].docs == "Adds to the total."
    assert [(p.name, p.is_json, p.default) for p in component.exports[0].parameters] == [
        ("n", True, None),
        ("by", True, "null"),
    ]
    assert [bench.ask(worker, "api.add", *given) for given in ([2], [3, 2], [0.5])] == [2, 8, 8.5]
    assert [bench.ask(worker, "cart.add", given) for given in (1, 2)] == [1, 2]
    assert (bench.ask(worker, "all"), bench.ask(worker, "size")) == ([2, 3], 2)
    bench.reopen()
    assert (bench.ask(worker, "api.add", 0), bench.ask(worker, "size")) == (8.5, 2)
    assert bench.entries(worker, Log)[1].message == 'total is 8 {"a":[1,2]}\n'


def test_async_functions_and_promises(bench):
    worker = WorkerId(deploy(bench, "async", CELL).id, "w")

    assert bench.ask(worker, "race", 4) == '{"order":[3,2,1,0],"found":[0,2,4,6],"sum":9}'
    assert bench.ask(worker, "settles") == ["quick", "any", "fulfilled,rejected", "caught 1", "thenable"]
    assert bench.ask(worker, "rest") is True
    assert bench.ask(worker, "each", 3) == [0, 1, 2]
    with pytest.raises(InvocationFailed, match="this call would never end"):
        bench.ask(worker, "never")


@pytest.mark.parametrize(
    ("given", "back"),
    [
        (5, 5),
        (-1.5, -1.5),
        (2**60, 2**60),
        ("é", "é"),
        (True, True),
        (None, None),
        ([1, 2], [1, 2]),
        ([1, 2.5], [1.0, 2.5]),
        (["a"], ["a"]),
        ([], "[]"),
        ([1, "a"], '[1,"a"]'),
        ({"a": {"b": [1]}}, '{"a":{"b":[1]}}'),
    ],
    ids=str,
)
def test_values_come_back(bench, given, back):
    name = "same"
    if not any(c.name == name for c in bench.engine.components(LOCAL_ENVIRONMENT)):
        deploy(bench, name, CELL)
    component = next(c for c in bench.engine.components(LOCAL_ENVIRONMENT) if c.name == name)

    assert bench.ask(WorkerId(component.id, "w"), "same", given) == back


def test_time_and_chance_are_recorded(bench):
    worker = WorkerId(deploy(bench, "chance", CELL).id, "w")
    first = bench.ask(worker, "chance", key="k")

    assert bench.ask(worker, "chance") != first
    bench.engine.crash_worker(worker)
    assert bench.ask(worker, "chance", key="k") == first
    assert bench.engine.worker(worker).status is WorkerStatus.IDLE
    other = WorkerId(worker.component_id, "other")
    assert bench.ask(other, "chance").partition(",")[0] != first.partition(",")[0]


def test_an_exception_has_the_cells_lines(bench):
    worker = WorkerId(deploy(bench, "raising", CELL).id, "w")

    for name, words in (("fails", r"TypeError: outer inner\n    at .*<cell>:40:"), ("boom", r"boom \(<cell>:42:")):
        with pytest.raises(InvocationFailed, match=words):
            bench.ask(worker, name)
    assert bench.entries(worker, Error) == []
    assert bench.ask(worker, "half", 3) == 1.5


def test_a_durable_promise_is_waited_for_without_memory(bench):
    worker = WorkerId(deploy(bench, "waiting", CELL).id, "w")
    waiting = bench.engine.invoke_and_await(worker, "wait", [], "k")
    until(lambda: bench.engine.worker(worker).status is WorkerStatus.SUSPENDED)

    bench.engine.complete_promise(worker, int(bench.entries(worker, Log)[0].message), "yes é".encode())

    assert waiting.result(20).value == "yes é"
    bench.reopen()
    assert bench.ask(worker, "wait", key="k") == "yes é"


def test_what_the_engine_has_for_workers(bench):
    component = deploy(bench, "golem", GOLEM).id
    worker = WorkerId(component, "w")

    assert len(bench.ask(worker, "key", key="k")) == 36
    assert [bench.ask(worker, "both") for _ in range(2)] == [1, 2]
    assert bench.ask(worker, "ask", "golem/other") == [2, 3, 4]
    assert bench.ask(worker, "ask", "third", key="ask") == [2, 3, 4]
    bench.reopen()
    assert bench.ask(worker, "ask", "third", key="ask") == [2, 3, 4]
    assert bench.ask(WorkerId(component, "third"), "both") == 5
    for other, words in (("golem/x", r"takes 0 arguments \(none\), not 1"), ("no/x", "there is no component 'no'")):
        with pytest.raises(InvocationFailed, match=words):
            bench.ask(worker, "wrong", other)
    waiting = bench.engine.invoke_and_await(worker, "waits", [])
    until(lambda: bench.engine.worker(worker).status is WorkerStatus.SUSPENDED)
    bench.engine.complete_promise(worker, int(bench.entries(worker, Log)[-1].message), b"yes")
    assert waiting.result(20).value == "yes!"
    with pytest.raises(InvocationFailed, match="no use"):
        bench.ask(worker, "give-up")
    with pytest.raises(PreviousInvocationFailed):
        bench.ask(worker, "both")


def test_requests_are_sent_once(bench, server):
    worker = WorkerId(deploy(bench, "web", WEB).id, "w")

    answer = bench.ask(worker, "post", server.server_port, ["é"] * 3000, key="post")
    assert json.loads(answer)[:3] == [200, True, str(len(json.dumps(["é"] * 3000, ensure_ascii=False).encode()) - 2999)]
    bench.reopen()
    assert bench.ask(worker, "post", server.server_port, ["é"] * 3000, key="post") == answer
    assert [(path, what) for path, what, _ in server.requests] == [("/book?x=1", ["é"] * 3000)]
    with pytest.raises(InvocationFailed, match="'nowhere' is no URL that can be fetched"):
        bench.ask(worker, "wrong")


def test_the_object_of_a_class_is_carried_over(bench):
    component = deploy(bench, "counter", COUNTER).id
    worker = WorkerId(component, "w")
    bench.ask(worker, "add", 5)

    def update(source, mode):
        wasm = component_from_javascript(source, "counter")
        bench.engine.update_worker(worker, bench.engine.update_component(component, wasm).version, mode)
        until(lambda: bench.engine.worker(worker).updates[-1].state is not UpdateState.PENDING)
        return bench.engine.worker(worker).updates[-1]

    refused = update(COUNTER.replace("+= n", "+= 10 * n"), UpdateMode.AUTOMATIC)
    assert "records the result 5, but the component now does return 50" in refused.details
    assert update(COUNTER.replace("+= n", "+= 10 * n"), UpdateMode.MANUAL).state is UpdateState.SUCCESSFUL
    assert bench.ask(worker, "add", 1) == 15


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("\nlet x = ;\nfunction f() {}", r"(?s)SyntaxError: .*<cell>:2:"),
        ("let x = 1;", "exports nothing"),
        ("\nfunction f(...xs) {}", "the parameters of an export have names"),
        ("\nnull.x;\nfunction f() {}", r"(?s)TypeError: .*<cell>:2:"),
        ("function aB() {}\nfunction a_b() {}", "aB and a_b are both called a-b from outside: rename one"),
        ("class A { f() {} F() {} }", "in A, f and F are both called f from outside"),
        ("function f(a, A) {}", "the parameters of f, a and A are both called a"),
        ("function f(constructor, A, a) {}", "the parameters of f, A and a are both called a"),
    ],
)
def test_a_cell_that_is_no_program_is_refused(bench, source, words):
    with pytest.raises(ComponentRejected, match=words):
        deploy(bench, "bad", source)


DEEP = """
export function deep(n) { let x = 1; for (let i = 0; i < n; i++) x = [x]; return x; }
export function linked() { let x = null; for (let i = 0; i < 150; i++) x = [1, x]; return x; }
export function half() { return "a\\ud800b"; }
"""


def test_a_result_that_cannot_be_given_fails_its_call_only(bench):
    worker = WorkerId(deploy(bench, "deep", DEEP).id, "w")
    with pytest.raises(InvocationFailed, match="a lone surrogate"):
        bench.ask(worker, "half")
    assert bench.ask(worker, "deep", 2) == [[1]]


def test_a_result_that_is_nested_deeper_than_types_are_is_json(bench):
    worker = WorkerId(deploy(bench, "deeper", DEEP).id, "w")

    assert bench.ask(worker, "deep", 101) == "[" * 101 + "1" + "]" * 101
    assert bench.ask(worker, "linked") == "[1," * 150 + "null" + "]" * 150
