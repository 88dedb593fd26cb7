from pathlib import Path

import pytest

from golem_nb.errors import ComponentRejected, FunctionNotFound
from golem_nb.values.types import U32, HandleType, ListType
from golem_nb.wasm.components import Compiler, check_is_component
from golem_nb.wasm.settings import make_engine
from golem_nb.wasm.text import wasm_from_text

ENGINE = make_engine()
CARTS = """
(component
  (component $inner
    (type $cart' (resource (rep i32)))
    (export $cart "cart" (type $cart'))
    (core func $new (canon resource.new $cart))
    (core func $rep (canon resource.rep $cart))
    (core module $m
      (import "h" "new" (func $new (param i32) (result i32)))
      (func (export "new") (param i32) (result i32) (call $new (local.get 0)))
      (func (export "size") (param i32) (result i32) (local.get 0)))
    (core instance $i (instantiate $m (with "h" (instance (export "new" (func $new))))))
    (func (export "[constructor]cart") (param "size" u32) (result (own $cart)) (canon lift (core func $i "new")))
    (func (export "[method]cart.size") (param "self" (borrow $cart)) (result u32) (canon lift (core func $i "size"))))
  (instance $carts (instantiate $inner))
  (export "shop:carts/api@1.2.3" (instance $carts)))
"""
ASYNC = '(component (import "f" (func async)))'
STREAM = """
(component
  (import "a:b/c" (instance $i (export "f" (func (param "s" (stream u8)))))))
"""


@pytest.fixture
def compiler(tmp_path):
    return Compiler(ENGINE, tmp_path / "compiled")


def test_functions_of_resources_have_all_their_spellings(compiler):
    compiled = compiler.compile(wasm_from_text(CARTS))
    site = "shop:carts/api@1.2.3"

    assert [f.name for f in compiled.exports] == [
        f"{site}.{{[drop]cart}}",
        f"{site}.{{[constructor]cart}}",
        f"{site}.{{[method]cart.size}}",
    ]
    for spelled in ("{cart.new}", "{[constructor]cart}"):
        assert compiled.export(f"{site}.{spelled}").type.result == HandleType(f"{site}#cart", True)
    for spelled in ("{cart.size}", "{[method]cart.size}"):
        assert compiled.export(f"{site}.{spelled}").type.result == U32
    assert compiled.export(f"{site}.{{cart.drop}}").path == ()
    with pytest.raises(FunctionNotFound):
        compiled.export("shop:carts/api.{cart.new}")


def test_compiled_code_is_kept_and_damage_is_found(compiler, tmp_path):
    wasm = wasm_from_text(CARTS)
    compiler.compile(wasm)
    (code,) = (tmp_path / "compiled").glob("*.cwasm")
    whole = code.read_bytes()

    code.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    compiler.compile(wasm)

    assert code.read_bytes() == whole


@pytest.mark.parametrize("wasm", [b"", b"\0asm", b"hello, world", b"\0asm\x01\0\0\0"])
def test_what_is_no_component_is_refused_by_its_first_bytes(wasm):
    with pytest.raises(ComponentRejected):
        check_is_component(wasm)


def test_types_of_wasi_0_3_are_refused_with_their_name(compiler):
    with pytest.raises(ComponentRejected):
        compiler.compile(wasm_from_text(STREAM))


def test_imports_are_named_and_typed(compiler):
    text = '(component (import "a:b/c@0.1.0" (instance (export "f" (func (param "x" (list u32)))))))'

    (imported,) = compiler.compile(wasm_from_text(text)).imports

    assert (imported.name, imported.interface) == ("a:b/c@0.1.0", "a:b/c")
    assert imported.functions[0][1].parameters[0].type == ListType(U32)


def test_a_handler_of_http_stands_for_a_function_from_request_to_response(compiler):
    text = (Path(__file__).parent.parent / "components" / "handler.wat").read_text()
    compiled = compiler.compile(wasm_from_text(text))

    found = compiled.export("golem:http/incoming-handler.{handle}")

    assert found.type in compiled.exports
    assert found.handler.path == ("wasi:http/incoming-handler@0.2.3", "handle")
    with pytest.raises(FunctionNotFound):
        compiler.compile(wasm_from_text(CARTS)).export("golem:http/incoming-handler.{handle}")
