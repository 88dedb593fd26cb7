import json

import pytest

from golem_nb.authoring.wit_reader import Texts
from golem_nb.authoring.wit_text import GOLEM, words, world_from_description
from golem_nb.errors import ComponentRejected
from tests.authoring.guest import guest

program = guest("program")

CART = '''
from dataclasses import dataclass
from enum import Enum
from typing import Literal, Optional
from results import Err, Ok, Result

class State(Enum):
    OPEN = 0
    PAID = 1

@dataclass
class Item:
    name: str
    tags: list[str]

class Cart:
    def add(self, item: Item, count: int = 1) -> int:
        """Add items.

        The total."""
        return count
    def state(self) -> State: return State.OPEN
    def pay(self, how: Literal["cash", "card"]) -> Result[None, str]: return Ok(None)
    def find(self, by: int | str, use: Optional[Item] = None) -> tuple[Item | None, bytes]: return None, b""
    def check(self) -> Result[None, None]: return Ok(None)
    def any(self, x): return x
    def clear(self): pass

def free(x: dict[str, float]) -> Literal["yes", "no"]: return "yes"
'''
WIT = """\
package nb:shop;

interface cart {
  record item {
    name: string,
    tags: list<string>,
  }
  enum state-enum {
    open,
    paid,
  }
  enum how {
    cash,
    card,
  }
  variant int-or-str {
    int(s64),
    str(string),
  }

  /// Add items.
  ///
  /// The total.
  add: func(item: item, count: option<s64>) -> s64;
  state: func() -> state-enum;
  pay: func(how: how) -> result<_, string>;
  find: func(by: int-or-str, %use: option<item>) -> tuple<option<item>, list<u8>>;
  check: func() -> result;
  any: func(x: string) -> string;
  clear: func();
}

interface api {
  enum free-result {
    yes,
    no,
  }

  free: func(x: list<tuple<string, f64>>) -> free-result;
}

world program {
  import wasi:http/outgoing-handler@0.2.0;
  export cart;
  export api;
  export golem-nb:python/outcomes@1.0.0;
  export golem:api/save-snapshot@1.1.7;
  export golem:api/load-snapshot@1.1.7;
}
"""


def world(source, uses_golem=False):
    described = program.Program(source, "shop").description
    return world_from_description("shop", json.loads(json.dumps(described)), uses_golem)


def test_a_program_becomes_a_world():
    assert world(CART).text == WIT


def test_the_text_is_wit():
    texts = Texts()

    texts.read(world(CART).text, "the world")

    assert list(texts.interfaces["nb:shop/cart"].functions) == ["add", "state", "pay", "find", "check", "any", "clear"]


def test_functions_come_with_their_types_for_the_guest():
    found = {function["name"]: function for function in world(CART).functions}

    count = found["add"]["parameters"][1]
    assert (count["typ"], count["default"]) == ({"type": "Option", "inner": {"type": "S64"}}, 1)
    assert found["find"]["parameters"][1]["typ"]["inner"]["wit"] == "item"  # an option already
    assert found["state"]["result"]["wit"] == "state-enum"
    assert (found["any"]["isDynamic"], found["any"]["result"]) == (True, {"type": "Str"})
    assert (found["clear"]["isDynamic"], found["clear"]["result"]) == (False, None)
    assert found["free"]["interface"] == "api"


def test_golems_interfaces_are_imported_where_they_are_used():
    text = world("def f(): pass", uses_golem=True).text

    assert [name for name in GOLEM if f"import {name};" not in text] == []
    assert "golem-nb:python/calls" not in text  # our own, which other servers do not have


def test_two_classes_of_one_name_are_two_types():
    text = world(
        "from dataclasses import dataclass\n"
        "def made(t):\n    @dataclass\n    class Item: x: t\n    return Item\n"
        "A, B = made(int), made(str)\n"
        "def f(a: A, b: B) -> A: return a\n"
    ).text

    assert "f: func(a: item, b: item-record) -> item;" in text


def test_names_that_are_words_of_wit_are_marked():
    text = world("def list(record: int, type: str): pass\nclass Use:\n    def world(self) -> int: return 1\n").text

    assert "  %list: func(%record: s64, %type: string);" in text
    assert "interface %use {" in text
    assert "  %world: func() -> s64;" in text


def test_the_world_is_not_called_as_an_interface_is():
    made = world("class Program:\n    def f(self) -> int: return 1\n")

    assert made.name == "program-world"
    assert "world program-world {" in made.text


def test_an_empty_tuple_is_refused():
    with pytest.raises(ComponentRejected, match="api: x is an empty tuple, for which WIT has no type"):
        world("def f(x: tuple[()]): pass")


@pytest.mark.parametrize(
    ("name", "spelled"), [("HTTPState", "http-state"), ("A1b", "a1b"), ("_x", "x"), ("é", "value"), ("a_1", "a-n1")]
)
def test_names_of_types_are_words(name, spelled):
    assert words(name) == spelled
