from concurrent.futures import Future
from uuid import uuid4

import pytest

from golem_nb.engine.stores import Stores
from golem_nb.errors import ComponentNotFound, NotFound, StoreFailed
from golem_nb.wasm.text import wasm_from_text
from tests.engine.conftest import COUNTER


@pytest.fixture
def stores(engine):
    return engine.surroundings.stores


@pytest.fixture
def number(engine, counter):
    """The number of a worker of the counter's."""
    engine.launch_worker(counter.component_id, counter.name)
    return engine._workers.number(counter)


def test_components_of_an_environment_share_their_data(engine, counter, stores):
    wasm = wasm_from_text(COUNTER)
    environment_id = engine._deployments.environment_of(counter.component_id)
    beside, apart = (
        engine.create_component(environment, "other", wasm).id for environment in (environment_id, uuid4())
    )

    stores.keyvalue(counter.component_id).set("b", [("k", b"v")])

    assert stores.keyvalue(beside).get("b", "k") == b"v"
    assert stores.keyvalue(apart).get("b", "k") is None


def test_a_component_that_is_gone_has_no_data(stores):
    with pytest.raises(ComponentNotFound):
        stores.keyvalue(uuid4())


def test_buckets(counter, stores):
    values = stores.keyvalue(counter.component_id)

    values.set("b", [("k", b"v"), ("l", b"w")])
    values.delete("b", ["k"])

    assert (values.exists("b", "k"), values.exists("b", "l"), values.keys("b")) == (False, True, ["l"])


def test_containers(counter, number, stores):
    blobs = stores.blobs(counter.component_id, number)
    assert blobs.create_container("c", 5) == blobs.create_container("c", 6) == blobs.container_created_at_ms("c") == 5

    blobs.write("c", "o", b"hello", 7)
    blobs.copy(("c", "o"), ("c", "p"), 8, "1")
    blobs.move(("c", "o"), ("c", "q"), 9, "2")

    assert blobs.names("c") == ["p", "q"]
    assert blobs.read("c", "q", 1, 2) == b"el"
    assert blobs.object_info("c", "q").size_bytes == 5
    blobs.delete("c", ["p"])
    blobs.clear("c")
    assert blobs.names("c") == []
    blobs.delete_container("c")
    for missing in (lambda: blobs.names("c"), lambda: blobs.object_info("c", "o"), lambda: blobs.read("c", "o", 0, 1)):
        with pytest.raises(NotFound):
            missing()


def test_a_write_that_is_not_stored_says_so():
    class FullDisk:
        def write(self, work):
            failed = Future()
            failed.set_exception(OSError("disk is full"))
            return failed

    values = Stores(FullDisk(), lambda component_id: uuid4()).keyvalue(uuid4())

    with pytest.raises(StoreFailed, match="disk is full; make room"):
        values.set("b", [("k", b"v")])
