"""Resources that invocations name by what they are made of, as in Golem 1.2. Source: SEMANTICS 2.3."""

import pytest

from golem_nb.engine.engine import Engine
from golem_nb.errors import BadInput, FunctionNotFound
from golem_nb.model import LOCAL_ENVIRONMENT, WorkerId
from golem_nb.oplog.entries import CreateResource, DescribeResource, DropResource
from golem_nb.values.types import U64
from tests.test_linking import API, wasm


class Bench:
    def __init__(self, folder):
        self.folder, self.engine = folder, Engine.open(folder)
        component = self.engine.create_component(LOCAL_ENVIRONMENT, "counters", wasm("counters"))
        self.worker = WorkerId(component.id, "w")

    def run(self, function, *params):
        result = self.engine.invoke_and_await(self.worker, f"{API}.{{{function}}}", list(params)).result(20)
        return None if result is None else result.value

    def entries(self, kind):
        return [entry for _, entry in self.engine.oplog(self.worker).entries if isinstance(entry, kind)]


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    yield made
    made.engine.close()


def test_a_resource_is_made_when_it_is_first_named(bench):
    bench.run("counter(10).inc-by", 5)
    bench.run("counter(20).inc-by", 5)

    assert [bench.run(f"counter({start}).get") for start in (10, 20, 30)] == [15, 25, 30]
    described = bench.entries(DescribeResource)
    assert [(e.id, e.resource_name) for e in described] == [(0, "counter"), (1, "counter"), (2, "counter")]
    assert [p.typed().value for e in described for p in e.resource_params] == [10, 20, 30]
    assert all(p.typed().type == U64 for e in described for p in e.resource_params)
    assert len(bench.entries(CreateResource)) == 3


def test_new_gives_the_handle_of_the_resource(bench):
    bench.run("counter(10).inc-by", 5)

    handle = bench.run("counter(10).new")

    assert handle.id == 0
    assert bench.run("[method]counter.get", str(handle)) == 15


def test_a_resource_that_was_dropped_is_made_anew(bench):
    bench.run("counter(10).inc-by", 5)

    bench.run("counter(10).drop")

    assert bench.run("dropped") == 1
    assert [e.id for e in bench.entries(DropResource)] == [0]
    assert bench.run("counter(10).get") == 10


@pytest.mark.parametrize("lose", [lambda b: b.engine.crash_worker(b.worker), lambda b: b.engine.close()])
def test_named_resources_are_there_after_a_crash(bench, lose):
    bench.run("counter(10).inc-by", 5)
    bench.run("counter(20).drop")
    lose(bench)
    if bench.engine._loaded._is_closed:
        bench.engine = Engine.open(bench.folder)

    assert bench.run("counter(10).get") == 15
    assert bench.run("dropped") == 1


@pytest.mark.parametrize(
    ("function", "error", "text"),
    [
        ("counter(x).get", BadInput, "the arguments of counter: expected a number"),
        ("counter().get", BadInput, "1 values instead of 0"),
        ("basket(1).get", FunctionNotFound, "basket"),
        ("counter(1).fly", FunctionNotFound, "fly"),
    ],
)
def test_what_cannot_be_named_is_refused_at_once(bench, function, error, text):
    with pytest.raises(error, match=text):
        bench.run(function)
