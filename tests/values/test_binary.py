from hypothesis import given

from golem_nb.values.binary import bytes_from_value, value_from_bytes
from golem_nb.values.types import U32, FlagsType, record
from tests.values.strategies import TYPED


@given(TYPED)
def test_bytes_give_the_value_back(typed):
    type, value = typed

    assert value_from_bytes(type, bytes_from_value(type, value)) == value


def test_equal_values_have_equal_bytes():
    flags = FlagsType(("read", "write", "run"))
    pair = record(a=U32, b=U32)

    assert bytes_from_value(flags, {"write", "read"}) == bytes_from_value(flags, frozenset(["read", "write"]))
    assert bytes_from_value(pair, {"b": 2, "a": 1}) == bytes_from_value(pair, {"a": 1, "b": 2})
