import pytest

from golem_nb.engine.checks import cause_of, check_types, is_same_result, kind_of
from golem_nb.errors import BadInput
from golem_nb.oplog.entries import ErrorKind, Recorded
from golem_nb.values.types import STRING, U32, FunctionType, Handle, HandleType, ListType, Parameter
from golem_nb.wasm.instance import GuestTrap, TrapKind

ADD = FunctionType("add", (Parameter("by", U32),), U32)
CART = HandleType("shop#cart", True)
HERE, THERE = "urn:worker:1/here", "urn:worker:1/there"


def test_parameters_must_be_those_of_the_function():
    check_types(ADD, [Recorded.of(U32, 5)])
    with pytest.raises(BadInput, match=r"takes \(u32\) .* was invoked with \(string\)"):
        check_types(ADD, [Recorded.of(STRING, "5")])
    with pytest.raises(BadInput, match=r"invoked with \(\)"):
        check_types(ADD, [])


def test_results_are_the_same_where_their_bytes_are():
    five, six = Recorded.of(U32, 5), Recorded.of(U32, 6)

    assert is_same_result(five, five, HERE, ())
    assert is_same_result(None, None, HERE, [THERE])
    assert not is_same_result(five, six, HERE, [THERE])
    assert not is_same_result(five, None, HERE, [THERE])


def test_handles_of_a_forks_source_are_its_own():
    recorded, now = (Recorded.of(ListType(CART), [Handle(urn, 3)]) for urn in (THERE, HERE))

    assert is_same_result(recorded, now, HERE, [THERE])
    assert not is_same_result(recorded, now, HERE, ())
    assert not is_same_result(recorded, Recorded.of(ListType(CART), [Handle(HERE, 4)]), HERE, [THERE])


def test_failures_have_kinds_and_causes():
    deep, other = GuestTrap(TrapKind.STACK_OVERFLOW, "report"), GuestTrap(TrapKind.OTHER, "report")

    assert [(kind_of(e), cause_of(e)) for e in (deep, other, KeyError())] == [
        (ErrorKind.STACK_OVERFLOW, "Stack overflow"),
        (ErrorKind.UNKNOWN, "report"),
        (ErrorKind.UNKNOWN, "KeyError"),
    ]
