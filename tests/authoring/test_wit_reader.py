import pytest

from golem_nb.authoring.wit_reader import Function, Interface, Members, Named, Of, Primitive, Texts
from golem_nb.errors import ComponentRejected

STRING, U32 = Primitive("string"), Primitive("u32")
SHOP = """
package nb:shop@0.1.0;

/// Words.
@since(version = 0.1.0)
interface types {
  record item { name: string, %list: list<u32>, }  // with a comma at the end
  variant answer { none, some(item) }
  enum colour { red, green }
  flags may { read, write }
  type alias = option<tuple<string, u32>>;
  resource thing { constructor(); open: static func() -> thing; }
}
/* and */
interface store {
  use types.{item, colour as shade};
  use wasi:clocks/wall-clock@0.2.0.{datetime};
  @unstable(feature = x)
  add: func(item: item, when: datetime) -> result<_, string>;
  type: func(a: result, b: result<u32>) -> result<u32, shade>;
}
world shop {
  use types.{item};
  import store;
  import wasi:random/random@0.2.0;
  import ask: func(x: u32) -> u32;
  export types;
  export run: func();
  export own: interface { ping: func(); }
}
"""


def read(text, **named):
    texts = Texts()
    texts.read(text, "the WIT", **named)
    return texts


def test_interfaces_are_read():
    types, store = (read(SHOP).interfaces[f"nb:shop/{name}@0.1.0"] for name in ("types", "store"))

    assert types.types["item"] == Members("record", (("name", STRING), ("list", Of("list", (U32,)))))
    assert types.types["answer"] == Members("variant", (("none", None), ("some", Named("item"))))
    assert types.types["colour"] == Members("enum", (("red", None), ("green", None)))
    assert types.types["may"] == Members("flags", (("read", None), ("write", None)))
    assert types.types["alias"] == Of("option", (Of("tuple", (STRING, U32)),))
    assert types.types["thing"] == Members("resource", ())
    assert store.uses == {
        "item": ("nb:shop/types@0.1.0", "item"),
        "shade": ("nb:shop/types@0.1.0", "colour"),
        "datetime": ("wasi:clocks/wall-clock@0.2.0", "datetime"),
    }
    assert store.functions["add"] == Function(
        (("item", Named("item")), ("when", Named("datetime"))), Of("result", (None, STRING))
    )
    assert store.functions["type"] == Function(
        (("a", Of("result", (None, None))), ("b", Of("result", (U32, None)))), Of("result", (U32, Named("shade")))
    )


def test_a_world_has_its_interfaces():
    texts = read(SHOP, with_worlds=True)
    texts.interfaces["wasi:random/random@0.2.0"] = Interface("wasi:random/random@0.2.0")

    world = texts.world()

    assert list(world.imports) == ["", "nb:shop/store@0.1.0", "wasi:random/random@0.2.0"]
    assert list(world.exports) == ["", "own", "nb:shop/types@0.1.0"]
    assert world.imports[""].functions == {"ask": Function((("x", U32),), U32)}
    assert world.exports["own"].functions == {"ping": Function((), None)}


def test_a_name_is_followed_to_where_it_stands():
    texts = read(SHOP)
    store = texts.interfaces["nb:shop/store@0.1.0"]

    where, name, meant = texts.type(store, "shade")

    assert (where.name, name, meant.kind) == ("nb:shop/types@0.1.0", "colour", "enum")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("interface a { f: func( }", r"line 1, column 24: expected a name, at '}'"),
        ("package a:b;\ninterface x {\n  f: fun();\n}", r"line 3, column 6: expected `func`, at 'fun\(\);'"),
        ("interface a { f: async func(); }", "a function that is not async"),
        ("interface a { f: func() -> stream<u8>; }", "a type without stream"),
        ("interface a { f: func() -> list<u8, u8>; }", "what list<> is of"),
        ("interface a { ", "more: the text ends here"),
        ("hello", "interface or world, found hello"),
        ("world w { include a:b/c; }", "include is not read here"),
        ("interface a { f: func(); } ~", "expected WIT, at '~'"),
    ],
)
def test_a_fault_is_told_with_its_place(text, words):
    with pytest.raises(ComponentRejected, match=f"the WIT, line .*{words}" if "line" not in words else words):
        read(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("interface a { f: func(); }", "has no world"),
        ("world a { } world b { }", "several worlds: a, b"),
        ("package a:b; world w { import x:y/z@1.0.0; }", "names x:y/z@1.0.0, which is not in it"),
    ],
)
def test_a_world_that_cannot_be_told_is_refused(text, words):
    with pytest.raises(ComponentRejected, match=words):
        read(text, with_worlds=True).world()


def test_a_type_that_is_not_there_is_named():
    texts = read("package a:b; interface c { f: func(x: nope); }")

    with pytest.raises(ComponentRejected, match="a:b/c has no type nope"):
        texts.type(texts.interfaces["a:b/c"], "nope")
