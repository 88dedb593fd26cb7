import pytest
from hypothesis import given

from golem_nb.errors import ValueMismatch
from golem_nb.values.check import check_value
from golem_nb.values.types import BYTES, U8, U32, EnumType, FlagsType, OptionType, ResultType, TupleType, record
from tests.values.strategies import TYPED


@given(TYPED)
def test_every_value_of_a_type_passes(typed):
    check_value(*typed)


@pytest.mark.parametrize(
    ("type", "value"),
    [
        (U8, 300),
        (U8, -1),
        (U8, True),
        (BYTES, [1]),
        (record(a=U32), {}),
        (TupleType((U32,)), (1, 2)),
        (EnumType(("a",)), "b"),
        (FlagsType(("a",)), {"b"}),
        (ResultType(U32, None), ("okay", 1)),
        (ResultType(U32, None), ("err", 1)),
        (OptionType(OptionType(U32)), 5),
    ],
)
def test_a_wrong_value_is_refused(type, value):
    with pytest.raises(ValueMismatch):
        check_value(type, value)
