"""What a component version has besides its wasm: linked clients, type, environment. Source: SEMANTICS 5.8, 6.8."""

import shutil
import time
from pathlib import Path

import pytest

from golem_nb.authoring.wat import component_from_text
from golem_nb.engine.engine import Engine
from golem_nb.errors import ComponentRejected, InvocationFailed, UpdateRefused
from golem_nb.model import LOCAL_ENVIRONMENT, ComponentOptions, ComponentType, LinkTarget, UpdateState, WorkerId
from golem_nb.oplog.entries import Error, ExportedFunctionInvoked
from tests.engine.conftest import until
from tests.script import ADD, DRAW, PRINT, SLEEP_MS, TELL, TRAP, Outside, script, steps
from tests.test_rpc import cut, oplog_of

API = "rpc:counters-exports/api"
TARGET = LinkTarget(API, "rpc:counters")
LINKS = {"rpc:counters-client/counters-client": {"api": TARGET, "counter": TARGET}}


def wasm(name):
    return component_from_text((Path(__file__).parent / "components" / f"{name}.wat").read_text())


class Bench:
    """A worker `a` of the client, and `b` of the counters."""

    def __init__(self, folder, components=None):
        self.engine = Engine.open(folder)
        self.components = components or (
            self.engine.create_component(LOCAL_ENVIRONMENT, "rpc:counters", wasm("counters")).id,
            self.engine.create_component(
                LOCAL_ENVIRONMENT, "client", wasm("client"), ComponentOptions(dynamic_linking=LINKS)
            ).id,
        )
        self.b, self.a = (WorkerId(id, name) for id, name in zip(self.components, "ba", strict=True))

    def run(self, worker, function, *params, key=None):
        result = self.engine.invoke_and_await(worker, function, list(params), key).result(20)
        return None if result is None else result.value

    def api(self, function, *params):
        return self.run(self.b, f"{API}.{{{function}}}", *params)


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path / "data")
    yield made
    made.engine.close()


# Clients that are linked dynamically.


def test_a_client_awaits_functions_and_uses_resources_of_another_component(bench):
    assert bench.run(bench.a, "total", "b", 5) == 5 + (10 + 5)
    assert bench.api("dropped") == 1
    assert bench.api("add", 0) == 5


def test_a_client_fires_and_forgets_and_waits_for_results_that_come_later(bench):
    bench.api("add", 100)

    assert bench.run(bench.a, "later", "b", 7) == 7


def test_a_client_schedules_calls(bench):
    bench.run(bench.a, "at", "b", 100, int(time.time()) + 1)

    assert bench.api("add", 0) == 0
    until(lambda: bench.api("add", 0) == 100)


@pytest.mark.parametrize(("function", "answer"), [("total", 20), ("later", 5)])
def test_a_client_can_crash_after_each_of_its_entries(tmp_path, function, answer):
    bench = Bench(tmp_path / "data")
    assert bench.run(bench.a, function, "b", 5, key="k") == answer
    bench.engine.close()

    for length in range(1, len(oplog_of(tmp_path / "data", "a")) + 1):
        shutil.copytree(tmp_path / "data", tmp_path / f"cut{length}")
        cut(tmp_path / f"cut{length}", "a", length)
        again = Bench(tmp_path / f"cut{length}", bench.components)
        try:
            assert again.run(again.a, function, "b", 5, key="k") == answer, length
            assert again.api("add", 0) == 5
            assert again.api("dropped") == (1 if function == "total" else 0)
            assert not any(isinstance(entry, Error) for _, entry in again.engine.oplog(again.a).entries)
        finally:
            again.engine.close()


def test_a_client_without_a_target_is_refused(bench):
    links = {"rpc:counters-client/counters-client": {"api": TARGET}}

    with pytest.raises(ComponentRejected, match="names no target for its resource counter; it has api"):
        bench.engine.update_component(bench.components[1], wasm("client"), ComponentOptions(dynamic_linking=links))


def test_a_client_of_a_component_that_is_not_there_fails_its_call(bench):
    bench.engine.delete_component(bench.components[0])

    with pytest.raises(InvocationFailed, match="no component rpc:counters in this environment"):
        bench.run(bench.a, "total", "b", 5)


def test_a_new_version_keeps_its_links_unless_it_is_given_others(bench):
    component = bench.engine.update_component(bench.components[1], wasm("client"))

    assert (component.version, component.options.dynamic_linking) == (1, LINKS)
    assert bench.run(WorkerId(component.id, "new"), "later", "b", 7) == 7


# Ephemeral workers.


@pytest.fixture
def ephemeral(bench):
    options = ComponentOptions(type=ComponentType.EPHEMERAL)
    return WorkerId(bench.engine.create_component(LOCAL_ENVIRONMENT, "script", script(), options).id, "w")


def run_script(bench, worker, *program, key=None):
    return bench.run(worker, "run", "", steps(*program), key=key)


def test_each_invocation_of_an_ephemeral_worker_has_an_instance_of_its_own(bench, ephemeral):
    assert [run_script(bench, ephemeral, (ADD, n)) for n in (5, 2)] == [5, 2]
    assert not bench.engine._loaded[ephemeral].has_instance


def test_results_of_ephemeral_workers_are_kept_and_their_history_is_not_replayed(bench, ephemeral, tmp_path):
    first = run_script(bench, ephemeral, DRAW, (PRINT, 1), key="k")
    bench.engine.close()
    bench.engine = Engine.open(tmp_path / "data")

    assert run_script(bench, ephemeral, key="k") == first
    assert run_script(bench, ephemeral, (ADD, 1)) == 1
    assert bench.engine.worker(ephemeral).entries_replayed in (None, 0)


def test_an_invocation_of_an_ephemeral_worker_that_was_cut_off_begins_anew(tmp_path):
    bench = Bench(tmp_path / "data")
    options = ComponentOptions(type=ComponentType.EPHEMERAL)
    worker = WorkerId(bench.engine.create_component(LOCAL_ENVIRONMENT, "script", script(), options).id, "e")
    run_script(bench, worker, (ADD, 3))
    run_script(bench, worker, (ADD, 5), DRAW, (PRINT, 1), key="k")
    bench.engine.close()
    whole = oplog_of(tmp_path / "data", "e")
    began = [n for n, entry in enumerate(whole, start=1) if isinstance(entry, ExportedFunctionInvoked)][1]

    for length in range(began, len(whole)):
        shutil.copytree(tmp_path / "data", tmp_path / f"cut{length}")
        cut(tmp_path / f"cut{length}", "e", length)
        again = Bench(tmp_path / f"cut{length}", bench.components)
        try:
            assert 5 <= run_script(again, worker, key="k") < 1005
            assert run_script(again, worker, (ADD, 1)) == 1
        finally:
            again.engine.close()


def test_an_ephemeral_worker_that_was_cut_off_has_the_same_keys_again(tmp_path):
    outside, folder = Outside(), tmp_path / "data"
    bench = Bench(folder)
    options = ComponentOptions(type=ComponentType.EPHEMERAL)
    worker = WorkerId(bench.engine.create_component(LOCAL_ENVIRONMENT, "script", script(), options).id, "e")
    bench.run(worker, "run", outside.authority, steps((TELL, 1), (TELL, 2)), key="k")
    bench.engine.close()
    cut(folder, "e", len(oplog_of(folder, "e")) - 1)

    again = Bench(folder, bench.components)
    again.run(worker, "total", key="k")

    assert outside.steps == [1, 2, 1, 2]
    assert [len(outside.keys(step)) for step in (1, 2)] == [1, 1]
    again.engine.close()
    outside.close()


def test_an_ephemeral_worker_is_updated_without_looking_back(bench, ephemeral):
    run_script(bench, ephemeral, DRAW)
    bench.engine.update_component(ephemeral.component_id, script(1, factor=2, first="(drop (call $draw))"))

    bench.engine.update_worker(ephemeral, 1)

    until(lambda: bench.engine.worker(ephemeral).updates[-1].state is UpdateState.SUCCESSFUL)
    assert run_script(bench, ephemeral, (ADD, 3)) == 6


def test_an_ephemeral_worker_waits_in_memory_for_what_is_far_off(bench, ephemeral, monkeypatch):
    """Woken, it would begin anew, and wait again, for ever."""
    monkeypatch.setattr("golem_nb.engine.host_context.SUSPEND_AFTER_NS", 10_000_000)

    assert run_script(bench, ephemeral, (SLEEP_MS, 200), (ADD, 2)) == 2


def test_an_ephemeral_worker_that_fails_again_and_again_has_failed(bench, ephemeral):
    with pytest.raises(InvocationFailed):
        run_script(bench, ephemeral, DRAW, TRAP)


def test_a_worker_does_not_become_durable(bench, ephemeral):
    bench.engine.launch_worker(ephemeral.component_id, "w")
    bench.engine.update_component(ephemeral.component_id, script(1), ComponentOptions())

    with pytest.raises(UpdateRefused, match="is ephemeral cannot go on as one that is durable; make a new one"):
        bench.engine.update_worker(ephemeral, 1)


# The environment of a component.


def test_workers_have_their_components_environment_and_their_own_goes_before_it(bench):
    options = ComponentOptions(env={"COLOUR": "red", "SIZE": "big"})
    component = bench.engine.create_component(LOCAL_ENVIRONMENT, "caller", wasm("caller"), options).id
    caller, number = bench.engine.launch_worker(component, "c", env={"SIZE": "small"}), component.int

    bench.run(caller, "call", number >> 64, number & (1 << 64) - 1, "child", "add", 1, 0)

    (create, *_) = (entry for _, entry in bench.engine.oplog(WorkerId(component, "child")).entries)
    assert create.env == {"COLOUR": "red", "SIZE": "small"}
