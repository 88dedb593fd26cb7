from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golem_nb.model import WorkerId, WorkerMetadata, WorkerStatus
from golem_nb.oplog.filters import AllOf, AnyOf, Comparator, Condition, Field, Not, matches, verdict_by_name

BORN = datetime(2025, 1, 31, 12, 0, 0, 123_456, UTC)
WORKER = WorkerMetadata(
    WorkerId(UUID(int=1), "shop-1"), WorkerStatus.IDLE, 2, BORN, env={"Colour": "red"}, config={"mode": "dry"}
)
C = Comparator


@pytest.mark.parametrize(
    ("field", "comparator", "value", "is_met"),
    [
        (Field.NAME, C.EQUAL, "shop-1", True),
        (Field.NAME, C.EQUAL, "shop", False),
        (Field.NAME, C.NOT_EQUAL, "shop-1", False),
        (Field.NAME, C.LIKE, "op-", True),
        (Field.NAME, C.LIKE, "OP-", False),
        (Field.NAME, C.NOT_LIKE, "op-", False),
        (Field.NAME, C.STARTS_WITH, "shop", True),
        (Field.NAME, C.STARTS_WITH, "hop", False),
        (Field.STATUS, C.EQUAL, WorkerStatus.IDLE, True),
        (Field.STATUS, C.GREATER, WorkerStatus.RUNNING, True),
        (Field.STATUS, C.LESS, WorkerStatus.IDLE, False),
        (Field.VERSION, C.GREATER_EQUAL, 2, True),
        (Field.VERSION, C.GREATER, 2, False),
        (Field.VERSION, C.LESS_EQUAL, 1, False),
        (Field.VERSION, C.LESS, 3, True),
        (Field.CREATED_AT, C.EQUAL, BORN.replace(microsecond=123_000), True),
        (Field.CREATED_AT, C.GREATER, BORN - timedelta(milliseconds=1), True),
        (Field.CREATED_AT, C.LESS, BORN, False),
    ],
)
def test_a_condition_is_met_or_not(field, comparator, value, is_met):
    assert matches(Condition(field, comparator, value), WORKER) is is_met


@pytest.mark.parametrize(
    ("field", "key", "comparator", "value", "is_met"),
    [
        (Field.ENV, "COLOUR", C.EQUAL, "red", True),
        (Field.ENV, "colour", C.NOT_EQUAL, "blue", True),
        (Field.ENV, "size", C.NOT_EQUAL, "blue", False),  # there is none, which is no other value
        (Field.CONFIG, "mode", C.STARTS_WITH, "d", True),
        (Field.CONFIG, "MODE", C.STARTS_WITH, "d", False),
    ],
)
def test_variables_are_found_by_name(field, key, comparator, value, is_met):
    assert matches(Condition(field, comparator, value, key), WORKER) is is_met


YES, NO = Condition(Field.VERSION, C.EQUAL, 2), Condition(Field.VERSION, C.EQUAL, 3)


@pytest.mark.parametrize(
    ("filter", "passes"),
    [
        (AllOf((YES, YES)), True),
        (AllOf((YES, NO)), False),
        (AllOf(()), True),
        (AnyOf((NO, YES)), True),
        (AnyOf((NO, NO)), False),
        (AnyOf(()), True),  # as in Golem
        (Not(NO), True),
        (Not(AnyOf((YES,))), False),
    ],
)
def test_conditions_are_combined(filter, passes):
    assert matches(filter, WORKER) is passes


FILTERS = st.recursive(
    st.sampled_from(
        [YES, NO, Condition(Field.NAME, C.LIKE, "shop"), Condition(Field.NAME, C.EQUAL, "x"), AnyOf(()), AllOf(())]
    ),
    lambda inner: (
        st.builds(Not, inner)
        | st.builds(AllOf, st.lists(inner, max_size=3).map(tuple))
        | st.builds(AnyOf, st.lists(inner, max_size=3).map(tuple))
    ),
    max_leaves=12,
)


@given(FILTERS)
def test_what_the_name_decides_the_metadata_decides_the_same(filter):
    verdict = verdict_by_name(filter, WORKER.worker_id.name)

    assert verdict is None or verdict is matches(filter, WORKER)


def test_the_name_decides_what_is_only_about_it():
    assert verdict_by_name(AllOf((Condition(Field.NAME, C.EQUAL, "x"), YES)), "shop-1") is False
    assert verdict_by_name(AllOf((Condition(Field.NAME, C.LIKE, "shop"), YES)), "shop-1") is None
    assert verdict_by_name(AnyOf((Condition(Field.NAME, C.LIKE, "shop"), NO)), "shop-1") is True
