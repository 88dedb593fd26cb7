from uuid import uuid4

import pytest

from golem_nb.engine.components import Deployments
from golem_nb.errors import ComponentNotFound
from golem_nb.store.components import Components
from golem_nb.store.database import Database
from golem_nb.values.types import U32, FunctionType, Parameter
from golem_nb.wasm.platform import Platform
from golem_nb.wasm.text import wasm_from_text
from tests.engine.conftest import COUNTER


@pytest.fixture
def deployments(tmp_path):
    database = Database(tmp_path / "golem.db", "none")
    yield Deployments(Components(database, tmp_path / "wasm"), Platform(tmp_path / "compiled"), None, lambda: 1_000_000)
    database.close()


def test_a_component_carries_the_types_of_its_functions(deployments):
    component = deployments.create(uuid4(), "counter", wasm_from_text(COUNTER))

    assert component.exports[0] == FunctionType("inc", (Parameter("by", U32),), U32)
    assert (component.version, component.created_at.timestamp(), len(component.sha256)) == (0, 1.0, 64)
    assert deployments.latest(component.id) == deployments.version(component.id, 0) == component


def test_what_was_deployed_is_linked(deployments, monkeypatch):
    component = deployments.create(uuid4(), "a", wasm_from_text(COUNTER))
    monkeypatch.setattr(deployments, "_made", lambda wasm, options: pytest.fail("it was linked again"))

    assert deployments.linked(component.id, 0).compiled.exports == component.exports


def test_equal_bytes_are_linked_once(deployments):
    wasm = wasm_from_text(COUNTER)
    first, second = deployments.create(uuid4(), "a", wasm), deployments.create(uuid4(), "b", wasm)

    assert deployments.linked(first.id, 0) is deployments.linked(second.id, 0)
    assert deployments.wasm(second.id, 0) == wasm


def test_a_component_stays_in_its_environment(deployments):
    environment_id = uuid4()
    component = deployments.create(environment_id, "counter", wasm_from_text(COUNTER))

    assert deployments.environment_of(component.id) == deployments.environment_of(component.id) == environment_id
    deployments.delete(component.id)
    with pytest.raises(ComponentNotFound):
        deployments.environment_of(component.id)


def test_a_missing_component_is_named(deployments):
    with pytest.raises(ComponentNotFound):
        deployments.linked(uuid4(), 0)
    with pytest.raises(ComponentNotFound):
        deployments.delete(uuid4())
