"""An engine in memory, and a component without imports: it counts, spins, traps and overflows its stack."""

import time
from functools import partial
from pathlib import Path

import pytest

from golem_nb.engine.engine import Engine
from golem_nb.engine.settings import Settings
from golem_nb.model import LOCAL_ENVIRONMENT, WorkerId
from golem_nb.wasm.text import wasm_from_text

COUNTER = """
(component
  (core module $m
    (global $n (mut i32) (i32.const 0))
    (func (export "inc") (param i32) (result i32)
      (global.set $n (i32.add (global.get $n) (local.get 0)))
      (global.get $n))
    (func (export "get") (result i32) (global.get $n))
    (func (export "spin") (loop $l (br $l)))
    (func (export "fail-above") (param i32) (result i32)
      (if (i32.gt_u (global.get $n) (local.get 0)) (then unreachable))
      (global.get $n))
    (func $recurse (export "recurse") (param i32) (result i32)
      (i32.add (call $recurse (i32.add (local.get 0) (i32.const 1))) (i32.const 1))))
  (core instance $i (instantiate $m))
  (func (export "inc") (param "by" u32) (result u32) (canon lift (core func $i "inc")))
  (func (export "get") (result u32) (canon lift (core func $i "get")))
  (func (export "spin") (canon lift (core func $i "spin")))
  (func (export "fail-above") (param "limit" u32) (result u32) (canon lift (core func $i "fail-above")))
  (func (export "recurse") (param "n" u32) (result u32) (canon lift (core func $i "recurse"))))
"""


@pytest.fixture
def engine():
    with_memory = Engine.open("memory:")
    yield with_memory
    with_memory.close()


@pytest.fixture
def narrow():
    """An engine with one run slot, and the id of its component."""
    engine = Engine.open("memory:", Settings(slots=1, max_loaded=1))
    yield engine, engine.create_component(LOCAL_ENVIRONMENT, "counter", wasm_from_text(COUNTER)).id
    engine.close()


@pytest.fixture
def counter(engine):
    """A worker's id; the worker itself is made by its first invocation."""
    component = engine.create_component(LOCAL_ENVIRONMENT, "counter", wasm_from_text(COUNTER))
    return WorkerId(component.id, "c1")


@pytest.fixture
def call(engine, counter):
    """Invoke and await, ten seconds at most."""

    def call(function, *params, key=None, worker=counter):
        result = engine.invoke_and_await(worker, function, list(params), key).result(10)
        return None if result is None else result.value

    return call


@pytest.fixture
def kinds(engine, counter):
    """The kinds of a worker's oplog entries, in order."""

    def kinds(worker=counter):
        return [type(entry).__name__ for _, entry in engine.oplog(worker).entries]

    return kinds


@pytest.fixture
def asker(engine):
    """A worker that asks its host: for time, randomness, output, sleep, exit."""
    text = (Path(__file__).parent.parent / "components" / "host.wat").read_text()
    return WorkerId(engine.create_component(LOCAL_ENVIRONMENT, "host", wasm_from_text(text)).id, "a1")


@pytest.fixture
def ask(call, asker):
    return partial(call, worker=asker)


def until(condition, seconds=5.0):
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.002)
