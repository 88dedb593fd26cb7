import pytest

from golem_nb.wasm.indexed import IndexedName, indexed_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('a:b/c.{cart("user-1").add-item}', IndexedName("a:b/c", "cart", '"user-1"', "add-item")),
        ("a:b/c@1.2.0.{cart( 1, (2) ) . new }", IndexedName("a:b/c@1.2.0", "cart", "1, (2)", "new")),
        ('a:b/c.{cart(")").drop}', IndexedName("a:b/c", "cart", '")"', "drop")),
        ("a:b/c.{cart().get}", IndexedName("a:b/c", "cart", "", "get")),
        ("a:b/c.{cart.get}", None),
        ("a:b/c.{[method]cart.get}", None),
        ("get", None),
    ],
)
def test_names_have_parts(text, name):
    assert indexed_name(text) == name


def test_parts_name_functions():
    name = IndexedName("a:b/c", "cart", "1", "get")

    assert (name.constructor, name.function) == ("a:b/c.{[constructor]cart}", "a:b/c.{[method]cart.get}")
    assert IndexedName("a:b/c", "cart", "1", "drop").function == "a:b/c.{[drop]cart}"
    assert str(name) == "a:b/c.{cart(1).get}"
