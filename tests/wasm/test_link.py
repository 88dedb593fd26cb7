from pathlib import Path

import pytest

from golem_nb.errors import ComponentRejected
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
