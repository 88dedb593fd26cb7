from types import SimpleNamespace

import pytest

from tests.authoring.guest import guest

nodes = guest("nodes")
KINDS = [*nodes.PRIMITIVES.values(), "PrimChar"] + [
    f"{kind}Value" for kind in ("List", "Tuple", "Record", "Option", "Enum", "Flags", "Variant")
]


def node_class(kind):
    def set_value(self, value):
        self.value = value

    return type(f"WitNode_{kind}", (), {"__init__": set_value})


rpc = SimpleNamespace(
    WitValue=lambda found: SimpleNamespace(nodes=found), **{f"WitNode_{kind}": node_class(kind) for kind in KINDS}
)
U8, S64, STR, BOOL, F64, CHR = ({"type": name} for name in ("U8", "S64", "Str", "Bool", "F64", "Chr"))


@pytest.mark.parametrize(
    ("typ", "value", "back"),
    [
        (S64, 5, 5),
        (F64, 2, 2.0),
        (BOOL, True, True),
        (STR, "a", "a"),
        (CHR, "é", "é"),
        ({"type": "List", "inner": U8}, [1, 2], [1, 2]),
        ({"type": "Tuple", "items": [S64, STR]}, [1, "a"], (1, "a")),
        (
            {"type": "Record", "fields": [{"name": "unit-price", "typ": F64}, {"name": "n", "typ": S64}]},
            {"unit_price": 1.5, "n": 2},
            {"unit_price": 1.5, "n": 2},
        ),
        ({"type": "Option", "inner": S64}, None, None),
        ({"type": "Option", "inner": S64}, 4, 4),
        ({"type": "Enum", "cases": ["a", "b"]}, "b", "b"),
        ({"type": "Flags", "names": ["r", "w"]}, ["w"], ["w"]),
        (
            {"type": "Variant", "cases": [{"name": "none", "typ": None}, {"name": "some", "typ": S64}]},
            {"some": 3},
            {"some": 3},
        ),
        ({"type": "List", "inner": {"type": "Tuple", "items": [STR, S64]}}, {"a": 1}, [("a", 1)]),
    ],
    ids=str,
)
def test_values_come_back_from_nodes(typ, value, back):
    assert nodes.decoded(typ, nodes.encoded(rpc, typ, value)) == back


def test_nodes_without_a_type_are_read_as_they_are():
    typ = {"type": "Tuple", "items": [{"type": "List", "inner": S64}, {"type": "Option", "inner": STR}]}

    assert nodes.decoded(None, nodes.encoded(rpc, typ, [[1, 2], "a"])) == ([1, 2], "a")


@pytest.mark.parametrize(
    ("typ", "value", "error"),
    [
        (U8, 256, ValueError),
        (U8, -1, ValueError),
        (S64, "5", TypeError),
        (S64, True, TypeError),
        (BOOL, 1, TypeError),
        (STR, 5, TypeError),
        ({"type": "Enum", "cases": ["a"]}, "c", ValueError),
        ({"type": "Handle"}, 1, TypeError),
    ],
    ids=str,
)
def test_a_value_of_another_type_is_refused(typ, value, error):
    with pytest.raises(error):
        nodes.encoded(rpc, typ, value)


@pytest.mark.parametrize("value", [True, 5, 1.5, "a", None, [1, 2], [], {"a": 1, "b": ["x"]}], ids=str)
def test_values_of_unknown_types_go_with_their_own(value):
    found = nodes.encoded(rpc, nodes.type_of(value), value)

    assert nodes.decoded(None, found) == (list(value.values()) if isinstance(value, dict) else value)


def test_what_has_no_type_of_its_own_is_refused():
    with pytest.raises(TypeError, match="a object cannot be handed"):
        nodes.type_of(object())
