from pathlib import Path

import pytest

from golem_nb.engine.engine import Engine
from golem_nb.errors import ComponentRejected, InvocationFailed
from golem_nb.model import LOCAL_ENVIRONMENT, WorkerId
from golem_nb.wasm.platform import Platform
from golem_nb.wasm.text import wasm_from_text

HOST = Path(__file__).parent.parent / "components" / "host.wat"


def test_any_version_of_wasi_0_2_is_linked_and_unknown_imports_are_named(tmp_path):
    linked = Platform(tmp_path).link(wasm_from_text(HOST.read_text()))

    assert linked.unknown == ["test:unknown/things@0.1.0#do-it"]


def test_imports_that_cannot_be_provided_refuse_the_component(tmp_path):
    text = '(component (import "m" (core module (export "f" (func)))))'

    with pytest.raises(ComponentRejected, match="imports"):
        Platform(tmp_path).link(wasm_from_text(text))


@pytest.mark.parametrize(
    ("interface", "reason"),
    [
        ("golem:rdbms/postgres@0.0.1", "there are no databases here"),
        ("golem:agent/host", "the agents of Golem 1.3"),
        ("a:b/c", "this engine does not have\n"),
    ],
)
def test_a_function_that_is_not_there_traps_with_its_name_and_the_reason(interface, reason):
    wasm = wasm_from_text(
        f"""
        (component
          (import "{interface}" (instance $i (export "db" (type (sub resource))) (export "f" (func))))
          (core func $f (canon lower (func $i "f")))
          (core module $m (import "" "f" (func $f)) (func (export "run") (call $f)))
          (core instance $m (instantiate $m (with "" (instance (export "f" (func $f))))))
          (func (export "run") (canon lift (core func $m "run"))))
        """
    )
    engine = Engine.open("memory:")
    try:
        worker = WorkerId(engine.create_component(LOCAL_ENVIRONMENT, "c", wasm).id, "w")
        with pytest.raises(InvocationFailed) as failed:
            engine.invoke_and_await(worker, "run", []).result(10)
    finally:
        engine.close()

    assert f"the component called {interface}#f, which this engine does not have" in failed.value.cause
    assert reason in f"{failed.value.cause}\n"
