import pytest

from golem_nb.client.local import LocalClient
from golem_nb.engine.engine import Engine
from golem_nb.errors import BadInput, EngineStopped
from golem_nb.model import LOCAL_ENVIRONMENT, WorkerId
from golem_nb.values.types import U32, record
from golem_nb.wasm.text import wasm_from_text

BOX = """
(component
  (type $box' (record (field "value" u32)))
  (import "box" (type $box (eq $box')))
  (core module $m (func (export "open") (param i32) (result i32) (local.get 0)))
  (core instance $i (instantiate $m))
  (func (export "open") (param "box" $box) (result u32) (canon lift (core func $i "open"))))
"""


def test_the_engine_is_closed_with_the_client(tmp_path):
    client = LocalClient(Engine.open(tmp_path))
    assert str(tmp_path) in repr(client)
    client.close()

    with pytest.raises(EngineStopped):
        client.worker(WorkerId(LOCAL_ENVIRONMENT, "w"))
    Engine.open(tmp_path).close()


def test_a_bare_parameter_that_looks_wrapped_is_taken_as_it_is(tmp_path):
    client = LocalClient(Engine.open(tmp_path))
    component = client.create_component("box", wasm_from_text(BOX))
    assert component.exports[0].parameters[0].type == record(value=U32)

    assert client.invoke_and_await(WorkerId(component.id, "w"), "open", [{"value": 5}]).value == 5
    client.close()


def test_a_search_begins_at_the_beginning_or_at_a_cursor(tmp_path):
    client = LocalClient(Engine.open(tmp_path))

    with pytest.raises(BadInput, match="Cannot specify both"):
        client.oplog(WorkerId(LOCAL_ENVIRONMENT, "w"), from_index=3, query="a")
    client.close()
