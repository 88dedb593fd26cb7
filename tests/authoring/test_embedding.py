import pytest

from golem_nb.authoring.embedding import component_of, texts_of
from golem_nb.engine.engine import Engine
from golem_nb.errors import ComponentRejected, UsageError
from golem_nb.model import LOCAL_ENVIRONMENT, WorkerId
from golem_nb.oplog.entries import Log
from golem_nb.wasm.text import wasm_from_text

WIT = """
package nb:shop@0.1.0;
interface types { enum colour { red, green } record price { amount: f64, colour: colour } }
interface store {
  use types.{price, colour as shade};
  record item { name: string, price: price }
  variant answer { none, some(item), text(string) }
  flags may { read, write }
  type alias = list<shade>;
  add: func(item: item, count: u32) -> u32;
  greet: func(name: string) -> string;
  shades: func(x: alias) -> result<u32, string>;
  total: func() -> u64;
  pick: func(may: may, answer: answer) -> option<u32>;
}
world shop {
  import wasi:logging/logging;
  import wasi:random/random@0.2.0;
  import wasi:clocks/wall-clock@0.2.0;
  export store;
  export bare: func(a: s32, b: s32) -> s32;
  export own: interface { ping: func(); }
}
"""
MODULE = """(module
  (import "wasi:logging/logging" "log" (func $log (param i32 i32 i32 i32 i32)))
  (import "wasi:random/random@0.2.0" "get-random-u64" (func $random (result i64)))
  (import "wasi:clocks/wall-clock@0.2.0" "now" (func $now (param i32)))
  (memory (export "memory") 2)
  (global $total (mut i64) (i64.const 0))
  (global $free (mut i32) (i32.const 1024))
  (data (i32.const 0) "shophello ")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get 3)))
    (local.get $at))
  (func (export "_initialize") (global.set $total (i64.const 100)))
  (func (export "nb:shop/store@0.1.0#add") (param i32 i32 f64 i32 i32) (result i32)
    (call $log (i32.const 2) (i32.const 0) (i32.const 4) (local.get 0) (local.get 1))
    (call $now (i32.const 304))
    (drop (call $random))
    (global.set $total (i64.add (global.get $total) (i64.extend_i32_u (local.get 4))))
    (i32.wrap_i64 (global.get $total)))
  (func (export "nb:shop/store@0.1.0#greet") (param i32 i32) (result i32)
    (memory.copy (i32.const 512) (i32.const 4) (i32.const 6))
    (memory.copy (i32.const 518) (local.get 0) (local.get 1))
    (i32.store (i32.const 256) (i32.const 512))
    (i32.store (i32.const 260) (i32.add (i32.const 6) (local.get 1)))
    (i32.const 256))
  (func (export "cabi_post_nb:shop/store@0.1.0#greet") (param i32)
    (global.set $total (i64.add (global.get $total) (i64.const 1000))))
  (func (export "nb:shop/store@0.1.0#shades") (param i32 i32) (result i32)
    (i32.store8 (i32.const 256) (i32.const 0))
    (i32.store (i32.const 260) (local.get 1))
    (i32.const 256))
  (func (export "nb:shop/store@0.1.0#total") (result i64) (global.get $total))
  (func (export "nb:shop/store@0.1.0#pick") (param i32 i32 i32 i32 f64 i32) (result i32)
    (i32.store8 (i32.const 256) (i32.const 1))
    (i32.store (i32.const 260) (local.get 0))
    (i32.const 256))
  (func (export "bare") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "own#ping"))
)"""
ADDER = "package nb:adder; world adder { export add: func(a: u32, b: u32) -> u32; }"
ADD = '(module (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))'
ITEM = {"name": "tea", "price": {"amount": 1.5, "colour": "green"}}


def made(text, wit):
    return component_of(wasm_from_text(text), wit)


@pytest.fixture
def engine(tmp_path):
    opened = Engine.open(tmp_path / "data")
    yield opened
    opened.close()


def ask(engine, worker, name, *params):
    function = name if name == "bare" else f"own.{{{name}}}" if name == "ping" else f"nb:shop/store@0.1.0.{{{name}}}"
    found = engine.invoke_and_await(worker, function, list(params)).result(20)
    return None if found is None else found.value


def test_a_core_module_becomes_a_worker(engine):
    worker = WorkerId(engine.create_component(LOCAL_ENVIRONMENT, "shop", made(MODULE, WIT)).id, "w")

    def story():
        yield ask(engine, worker, "add", ITEM, 3)
        yield ask(engine, worker, "greet", "Ann")
        yield ask(engine, worker, "shades", ["red", "green"])
        yield ask(engine, worker, "pick", ["read", "write"], {"some": ITEM})
        yield ask(engine, worker, "bare", 1, -3)
        yield ask(engine, worker, "ping")
        engine.crash_worker(worker)
        yield ask(engine, worker, "total")

    assert list(story()) == [103, "hello Ann", ("ok", 2), 3, -2, None, 1103]
    logs = [entry for _, entry in engine.oplog(worker).entries if isinstance(entry, Log)]
    assert [(log.level.value, log.context, log.message) for log in logs] == [("Info", "shop", "tea")]


def test_a_folder_has_the_packages_that_are_used(tmp_path):
    (tmp_path / "deps" / "words").mkdir(parents=True)
    (tmp_path / "deps" / "words" / "all.wit").write_text("package my:words@1.0.0; interface say { say: func(x: u32); }")
    (tmp_path / "types.wit").write_text("package nb:adder; interface kinds { type kind = u32; }")
    (tmp_path / "world.wit").write_text(
        "interface sums { use kinds.{kind}; add: func(a: kind) -> kind; }\n"
        "world adder { import my:words/say@1.0.0; export sums; }"
    )

    wasm = made(
        '(module (import "my:words/say@1.0.0" "say" (func $say (param i32)))'
        ' (func (export "nb:adder/sums#add") (param i32) (result i32) (call $say (local.get 0)) (local.get 0)))',
        str(tmp_path),
    )

    assert b"my:words/say@1.0.0" in wasm


def test_a_component_stays_what_it_is():
    wasm = wasm_from_text("(component)")

    assert component_of(wasm, None) == wasm
    with pytest.raises(UsageError, match="--wit is for core modules"):
        component_of(wasm, ADDER)


@pytest.mark.parametrize("wit", [None, ADDER])
def test_what_is_no_wasm_is_refused(wit):
    with pytest.raises(ComponentRejected, match="not WebAssembly"):
        component_of(b"hello", wit)


@pytest.mark.parametrize(
    ("text", "wit", "words"),
    [
        ('(module (func (export "ad")))', ADDER, "the WIT promises add, which the module does not export; it has: ad"),
        (
            '(module (import "wasi_snapshot_preview1" "fd_write" (func)) (func (export "add")))',
            ADDER,
            r"for WASI preview 1 \(it imports fd_write\)",
        ),
        (
            '(module (import "env" "f" (func)) (func (export "add")))',
            ADDER,
            "imports env.f; the WIT's world imports nothing",
        ),
        (ADD.replace("i32 i32", "i64 i32"), ADDER, "does not fit its WIT: .*`.I64, I32.`"),
        (
            '(module (func (export "a:b/c#f") (param i32)))',
            "package a:b; interface c { resource r; f: func(x: borrow<r>); } world w { export c; }",
            "a:b/c uses the resource r, which is not made here: .* wasm-tools",
        ),
        (
            '(module (func (export "f") (param i32)))',
            "package a:b; world w { enum e { x } export f: func(x: e); }",
            "cannot use its types here: put both in an interface",
        ),
    ],
)
def test_what_does_not_fit_is_told(text, wit, words):
    with pytest.raises(ComponentRejected, match=words):
        made(text, wit)


def test_two_types_of_one_name_are_told():
    wit = (
        "package a:b; interface x { enum e { x } record r { e: e } } interface y { enum e { y } record s { e: e } }"
        " interface c { use x.{r}; use y.{s}; f: func(a: r, b: s); } world w { export c; }"
    )

    with pytest.raises(ComponentRejected, match="a:b/c uses two types that are called e"):
        made('(module (func (export "a:b/c#f") (param i32 i32)))', wit)


def test_a_wit_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "bytes.wit").write_bytes(b"\xff")

    with pytest.raises(UsageError, match=r"--wit .*none.wit: cannot be read: No such file"):
        texts_of(str(tmp_path / "none.wit"))
    with pytest.raises(UsageError, match=r"--wit .*bytes.wit: cannot be read: it is no text"):
        texts_of(str(tmp_path / "bytes.wit"))


@pytest.mark.parametrize(
    ("interface", "function", "signature"),
    [
        ("golem:api/host@1.1.7", "create-promise", "(param i32)"),
        ("golem:api/host@1.1.7", "complete-promise", "(param i64 i64 i32 i32 i64 i32 i32) (result i32)"),
        ("golem:api/host@1.1.7", "get-retry-policy", "(param i32)"),
        ("golem:api/host@1.1.7", "get-oplog-index", "(result i64)"),
        ("wasi:config/store@0.2.0-draft", "get", "(param i32 i32 i32)"),
        ("wasi:random/random@0.2.0", "get-random-bytes", "(param i64 i32)"),
    ],
)
def test_interfaces_whose_texts_are_there_can_be_imported(interface, function, signature):
    wasm = made(
        f'(module (import "{interface}" "{function}" (func {signature})) (memory (export "memory") 1)'
        ' (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable) (func (export "f")))',
        f"package a:b; world w {{ import {interface}; export f: func(); }}",
    )

    assert interface.encode() in wasm


def test_several_functions_of_an_interface_and_of_the_world_are_imported(engine):
    imports = "".join(
        f'(import "{module}" "{name}" (func ${n} {signature}))'
        for n, (module, name, signature) in enumerate(
            [
                ("wasi:random/random@0.2.0", "get-random-bytes", "(param i64 i32)"),
                ("golem:api/host@1.1.7", "mark-begin-operation", "(result i64)"),
                ("wasi:random/random@0.2.0", "get-random-u64", "(result i64)"),
                ("golem:api/host@1.1.7", "mark-end-operation", "(param i64)"),
            ]
        )
    )
    wasm = made(
        f'(module {imports} (memory (export "memory") 1) (global $free (mut i32) (i32.const 1024))'
        ' (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))'
        ' (func (export "f") (result i32) (call $3 (call $1)) (drop (call $2)) (call $0 (i64.const 5) (i32.const 8))'
        " (i32.load (i32.const 12))))",
        "package a:b;world w { import wasi:random/random@0.2.0; import golem:api/host@1.1.7; export f: func() -> u8; }",
    )
    worker = WorkerId(engine.create_component(LOCAL_ENVIRONMENT, "several", wasm).id, "w")

    assert engine.invoke_and_await(worker, "f", []).result(20).value == 5


def test_functions_of_the_world_are_imported():
    wasm = made(
        '(module (import "$root" "ask" (func (param i32) (result i32))) (import "$root" "tell" (func (param i32 i32)))'
        ' (memory (export "memory") 1) (func (export "f")))',
        "package a:b; world w { import ask: func(x: u32) -> u32; import tell: func(x: string); export f: func(); }",
    )

    assert b"tell" in wasm
