import dataclasses
import datetime
import decimal
import enum
import json
import typing
import uuid
from typing import Any, Literal, NamedTuple, TypedDict

import pytest

from tests.authoring.guest import guest

shapes, results = guest("shapes"), guest("results")
Ok, Err, Result = results.Ok, results.Err, results.Result


class Colour(enum.Enum):
    LIGHT_RED = 1
    GREEN = 2


@dataclasses.dataclass
class Item:
    name: str
    unit_price: float
    colours: list[Colour] = dataclasses.field(default_factory=list)


class Point(NamedTuple):
    x: int
    y: int


class Options(TypedDict):
    is_fast: bool


@dataclasses.dataclass
class Tree:
    parts: list["Tree"]


Tree.__annotations__["parts"] = list[Tree]
STR, S64, F64, BOOL = ({"type": name} for name in ("Str", "S64", "F64", "Bool"))
COLOUR = {"type": "Enum", "name": "Colour", "cases": ["light-red", "green"]}
ITEM = {
    "type": "Record",
    "name": "Item",
    "fields": [
        {"name": "name", "typ": STR},
        {"name": "unit-price", "typ": F64},
        {"name": "colours", "typ": {"type": "Option", "inner": {"type": "List", "inner": COLOUR}}},
    ],
}
MOMENT = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("annotation", "typ", "value", "written"),
    [
        (int, S64, -5, -5),
        (float, F64, 2, 2.0),
        (bool, BOOL, True, True),
        (str, STR, "é", "é"),
        (bytes, {"type": "List", "inner": {"type": "U8"}}, b"\x00\xff", [0, 255]),
        (list[int], {"type": "List", "inner": S64}, [1, 2], [1, 2]),
        (set[str], {"type": "List", "inner": STR}, {"b", "a"}, ["a", "b"]),
        (tuple[int, str], {"type": "Tuple", "items": [S64, STR]}, (1, "a"), [1, "a"]),
        (tuple[int, ...], {"type": "List", "inner": S64}, (1, 2), [1, 2]),
        (dict[str, int], {"type": "List", "inner": {"type": "Tuple", "items": [STR, S64]}}, {"a": 1}, [["a", 1]]),
        (int | None, {"type": "Option", "inner": S64}, None, None),
        (typing.Optional[int], {"type": "Option", "inner": S64}, 3, 3),  # noqa: UP045
        (Colour, COLOUR, Colour.LIGHT_RED, "light-red"),
        (Literal["on", "off"], {"type": "Enum", "cases": ["on", "off"]}, "off", "off"),
        (Literal[1, 2], S64, 2, 2),
        (Literal["N/A", "a b"], STR, "N/A", "N/A"),
        (Result[int, str], {"type": "Result", "ok": S64, "err": STR}, Ok(5), {"ok": 5}),
        (Result[None, Colour], {"type": "Result", "ok": None, "err": COLOUR}, Err(Colour.GREEN), {"err": "green"}),
        (Ok[int] | Err[str], {"type": "Result", "ok": S64, "err": STR}, Err("why"), {"err": "why"}),
        (Item, ITEM, Item("a", 1.5, [Colour.GREEN]), {"name": "a", "unit-price": 1.5, "colours": ["green"]}),
        (Point, None, Point(1, 2), {"x": 1, "y": 2}),
        (Options, None, {"is_fast": True}, {"is-fast": True}),
        (Item | Point, None, Point(1, 2), {"point": {"x": 1, "y": 2}}),
        (datetime.datetime, STR, MOMENT, "2026-01-02T03:04:05+00:00"),
        (datetime.timedelta, F64, datetime.timedelta(seconds=2), 2.0),
        (uuid.UUID, STR, uuid.UUID(int=1), str(uuid.UUID(int=1))),
        (decimal.Decimal, STR, decimal.Decimal("1.10"), "1.10"),
        (typing.Annotated[int, "kilos"], S64, 1, 1),
        (typing.NewType("Id", str), STR, "x", "x"),
        (None, None, None, None),
    ],
)
def test_values_come_back_from_json(annotation, typ, value, written):
    shape = shapes.shape_of(annotation)

    if typ is not None:
        assert shape.typ == typ
    assert json.loads(json.dumps(shape.write(value))) == written
    assert shape.read(written) == value


@pytest.mark.parametrize(
    ("annotation", "value", "error"),
    [
        (int, "5", TypeError),
        (int, True, TypeError),
        (int, 1 << 63, OverflowError),
        (str, 5, TypeError),
        (list[int], "12", TypeError),
        (Colour, 1, TypeError),
        (Item, Point(1, 2), TypeError),
        (tuple[int, int], (1,), TypeError),
        (Literal["on"], "off", TypeError),
        (Literal[1, 2], 3, TypeError),
        (Result[int, str], Ok("text"), TypeError),
        (None, 5, TypeError),
    ],
)
def test_a_value_of_another_type_is_no_result(annotation, value, error):
    with pytest.raises(error):
        shapes.shape_of(annotation).write(value)


@pytest.mark.parametrize("annotation", [Any, object, dict, list, dict | None, "no class"])
def test_what_has_no_type_is_json(annotation):
    shape = shapes.shape_of(annotation)

    assert (shape.typ, shape.is_json) == (STR, True)
    assert shape.read('{"a": [1, null]}') == {"a": [1, None]}
    assert json.loads(shape.write({"item": Item("a", 1.0), "at": MOMENT})) == {
        "item": {"name": "a", "unit_price": 1.0, "colours": []},
        "at": MOMENT.isoformat(),
    }


@pytest.mark.parametrize(
    ("value", "typ", "written"),
    [
        (None, None, None),
        (True, BOOL, True),
        (5, S64, 5),
        (1 << 70, STR, str(1 << 70)),
        ("a", STR, "a"),
        ([1, 2], {"type": "List", "inner": S64}, [1, 2]),
        ([1, "a"], STR, '[1, "a"]'),
        ([], STR, "[]"),
        ((1, "a"), {"type": "Tuple", "items": [S64, STR]}, [1, "a"]),
        ({"a": 1}, STR, '{"a": 1}'),
        (Colour.GREEN, STR, "green"),
    ],
    ids=repr,
)
def test_a_value_has_a_type_by_itself(value, typ, written):
    assert shapes.typed(value) == (typ, written)


@dataclasses.dataclass
class Dated:
    at: str
    note: str | None = "none"
    weight: float = 1.5
    tags: list[str] = dataclasses.field(default_factory=lambda: ["new"])
    any: Any = 7


class Sized(NamedTuple):
    name: str
    size: int = 3


class Partial(TypedDict, total=False):
    name: str
    size: int


@pytest.mark.parametrize(
    ("cls", "json", "value"),
    [
        (Dated, {"at": "x"}, Dated("x", None)),
        (Dated, {"at": "x", "note": "y", "weight": 2, "tags": [], "any": "[8]"}, Dated("x", "y", 2.0, [], [8])),
        (Dated, {"at": "x", "note": None, "weight": None, "tags": None, "any": None}, Dated("x", None)),
        (Sized, {"name": "a"}, Sized("a")),
        (Partial, {"size": 5}, {"size": 5}),
        (Partial, {}, {}),
    ],
)
def test_a_field_with_a_default_may_be_left_out(cls, json, value):
    shape = shapes.shape_of(cls)

    assert shape.read(json) == value
    assert shape.read(shape.write(value)) == value


def test_a_value_that_is_nested_deeper_than_types_are_is_json():
    value = [1]
    for _ in range(99):
        value = [value]
    assert shapes.typed(value)[1] == value
    assert shapes.typed([value]) == (STR, json.dumps([value]))


def test_a_linked_list_of_any_length_is_json():
    value = None
    for number in range(150):
        value = [number, value]

    assert shapes.typed(value) == (STR, json.dumps(value))


@dataclasses.dataclass
class Loose:
    any: Any = 7


class Open(TypedDict, total=False):
    any: Any


@pytest.mark.parametrize(("cls", "value"), [(Loose, Loose(None)), (Open, {"any": None}), (Open, {})])
def test_a_none_that_was_given_is_none_and_no_default(cls, value):
    shape = shapes.shape_of(cls)

    assert shape.read(shape.write(value)) == value


@dataclasses.dataclass
class Twice:
    a_b: int
    aB: int


@pytest.mark.parametrize(
    ("cls", "words"),
    [
        (Twice, "the fields a_b and aB of Twice are one from outside: rename one"),
        (enum.Enum("Both", "a_b aB"), "the members a_b and aB of Both are one from outside: rename one"),
    ],
)
def test_two_parts_that_are_one_outside_are_refused(cls, words):
    with pytest.raises(shapes.NotExportable, match=words):
        shapes.shape_of(cls)


@pytest.mark.parametrize(
    ("name", "spelled"),
    [("add_item", "add-item"), ("addItem", "add-item"), ("HTTPCall", "http-call"), ("x2", "x2"), ("step_2", "step2")],
)
def test_names_are_spelled_as_the_component_model_does(name, spelled):
    assert shapes.kebab(name) == spelled


@pytest.mark.parametrize("name", ["größe", "_", "2nd"])
def test_names_that_it_cannot_spell_are_refused(name):
    with pytest.raises(shapes.NotExportable, match="cannot be exported"):
        shapes.kebab(name)


def test_a_class_that_contains_itself_is_refused():
    with pytest.raises(shapes.NotExportable, match="Tree contains itself"):
        shapes.shape_of(Tree)
