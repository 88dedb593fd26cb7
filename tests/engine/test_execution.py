"""What an execution adds to an instance: handles in the oplog, and their names after a fork."""

from contextlib import closing
from pathlib import Path

import pytest

from golem_nb.engine.engine import Engine
from golem_nb.engine.settings import Settings
from golem_nb.errors import BadInput
from golem_nb.model import LOCAL_ENVIRONMENT, Shadow, SnapshotPolicy, WorkerId, WorkerStatus
from golem_nb.oplog.entries import CreateResource, DropResource, Snapshot
from golem_nb.wasm.text import wasm_from_text
from tests.engine.conftest import until


@pytest.fixture
def holder(engine):
    """A worker that gives out handles of its own resource."""
    text = (Path(__file__).parent.parent / "components" / "resource.wat").read_text()
    return WorkerId(engine.create_component(LOCAL_ENVIRONMENT, "resource", wasm_from_text(text)).id, "h1")


def entries(engine, worker, *kinds):
    return [entry for _, entry in engine.oplog(worker).entries if isinstance(entry, kinds)]


def test_handles_are_recorded_and_shown_until_they_come_back(engine, holder, call):
    first, second = (str(call("t:t/api.{make}", worker=holder)) for _ in range(2))
    assert engine.worker(holder).owned_resources == {0: "t:t/api#r", 1: "t:t/api#r"}

    call("t:t/api.{eat}", first, worker=holder)
    call("t:t/api.{[drop]r}", second, worker=holder)

    assert [(type(e), e.id) for e in entries(engine, holder, CreateResource, DropResource)] == [
        (CreateResource, 0),
        (CreateResource, 1),
        (DropResource, 0),
        (DropResource, 1),
    ]
    assert engine.worker(holder).owned_resources == {}


def test_replay_records_no_handle_twice(engine, holder, call):
    handle = str(call("t:t/api.{make}", worker=holder))

    engine.crash_worker(holder)
    call("t:t/api.{eat}", handle, worker=holder)

    assert len(entries(engine, holder, CreateResource)) == 1


def test_a_fork_takes_its_sources_handles_along(engine, holder, call):
    handle = str(call("t:t/api.{make}", worker=holder))
    fork = WorkerId(holder.component_id, "f")
    engine.fork_worker(holder, fork, engine.worker(holder).last_index)

    call("t:t/api.{eat}", handle, worker=fork)
    own = str(call("t:t/api.{make}", worker=fork))

    assert own == f"urn:worker:{fork}/1"
    with pytest.raises(BadInput, match="belongs to another worker"):
        call("t:t/api.{eat}", own, worker=holder)
    engine.crash_worker(fork)
    call("t:t/api.{eat}", own, worker=fork)
    assert engine.worker(fork).status is WorkerStatus.IDLE


# A resource, and both halves of a snapshot: the state is how often `make` was called.
CARTS = """
(component
  (core module $m
    (memory (export "memory") 1)
    (global $made (mut i32) (i32.const 0))
    (func (export "make") (result i32)
      (global.set $made (i32.add (global.get $made) (i32.const 1))) (global.get $made))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 256))
    (func (export "save") (result i32)
      (i32.store (i32.const 32) (global.get $made))
      (i32.store (i32.const 16) (i32.const 32)) (i32.store (i32.const 20) (i32.const 4)) (i32.const 16))
    (func (export "load") (param i32 i32) (result i32)
      (global.set $made (i32.load (local.get 0))) (i32.store8 (i32.const 16) (i32.const 0)) (i32.const 16)))
  (core instance $i (instantiate $m))
  (alias core export $i "memory" (core memory $memory))
  (alias core export $i "realloc" (core func $realloc))
  (type $cart' (resource (rep i32)))
  (core func $new (canon resource.new $cart'))
  (core module $wrap
    (import "" "make" (func $make (result i32))) (import "" "new" (func $new (param i32) (result i32)))
    (func (export "make") (result i32) (call $new (call $make))))
  (core instance $w (instantiate $wrap
    (with "" (instance (export "make" (func $i "make")) (export "new" (func $new))))))
  (func $make (result (own $cart')) (canon lift (core func $w "make")))
  (component $c
    (import "cart" (type $cart (sub resource)))
    (import "make" (func $make (result (own $cart))))
    (export $exported "cart" (type $cart))
    (export "make" (func $make) (func (result (own $exported)))))
  (instance $shop (instantiate $c (with "cart" (type $cart')) (with "make" (func $make))))
  (export "t:t/shop" (instance $shop))
  (func (export "made") (result u32) (canon lift (core func $i "make")))
  (func $save (result (list u8)) (canon lift (core func $i "save") (memory $memory)))
  (func $load (param "bytes" (list u8)) (result (result (error string)))
    (canon lift (core func $i "load") (memory $memory) (realloc $realloc)))
  (instance $saves (export "save" (func $save)))
  (instance $loads (export "load" (func $load)))
  (export "golem:api/save-snapshot@1.1.7" (instance $saves))
  (export "golem:api/load-snapshot@1.1.7" (instance $loads)))
"""


def test_a_snapshot_waits_until_no_handle_is_out_and_keeps_the_count_of_them(engine, call):
    component = engine.create_component(LOCAL_ENVIRONMENT, "carts", wasm_from_text(CARTS))
    worker = WorkerId(component.id, "w")
    engine.set_snapshot_policy(component.id, SnapshotPolicy(1))
    handle = str(call("t:t/shop.{make}", worker=worker))
    assert entries(engine, worker, Snapshot) == []

    call("t:t/shop.{[drop]cart}", handle, worker=worker)
    until(lambda: len(entries(engine, worker, Snapshot)) == 1)
    engine.crash_worker(worker)

    assert str(call("t:t/shop.{make}", worker=worker)).endswith("/1")
    assert call("made", worker=worker) == 3


GROWS = """
(component
  (core module $m (memory (export "memory") 1) (func (export "grow") (param i32) (result i32)
    (memory.grow (local.get 0))))
  (core instance $i (instantiate $m))
  (func (export "grow") (param "pages" u32) (result s32) (canon lift (core func $i "grow"))))
"""


def test_a_worker_keeps_the_limit_of_memory_that_it_was_made_with(tmp_path):
    with closing(Engine.open(tmp_path, Settings(memory_limit_bytes=None))) as engine:
        component = engine.create_component(LOCAL_ENVIRONMENT, "grows", wasm_from_text(GROWS)).id
        free, narrow = WorkerId(component, "free"), WorkerId(component, "narrow")
        assert engine.invoke_and_await(free, "grow", [600]).result(10).value == 1

    with closing(Engine.open(tmp_path, Settings(memory_limit_bytes=10 << 20))) as engine:
        assert engine.invoke_and_await(free, "grow", [600]).result(10).value == 601
        assert engine.invoke_and_await(narrow, "grow", [600]).result(10).value == -1

    with closing(Engine.open(tmp_path, Settings(memory_limit_bytes=None))) as engine:
        assert engine.invoke_and_await(narrow, "grow", [600]).result(10).value == -1
        assert engine.invoke_and_await(narrow, "grow", [6]).result(10).value == 1
        assert engine.shadow(narrow, Shadow()).is_same
