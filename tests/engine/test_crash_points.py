import pytest

from golem_nb.engine.crash_points import ArmedPoint
from golem_nb.errors import BadInput
from golem_nb.model import LOCAL_ENVIRONMENT, CrashPoint, WorkerId
from golem_nb.oplog.entries import ImportedFunctionInvoked
from tests.engine.test_shadows import dice

DRAW = "golem random::get_random_u64"


def test_a_call_is_counted_however_its_name_is_spelled():
    for name in ("random", "get-random-u64", "GetRandom_U64", "golem random"):
        point = ArmedPoint(CrashPoint(at_call=name, count=2))
        assert [point.is_met(f, 5) for f in (DRAW, "golem clocks::now", DRAW, DRAW)] == [False, False, True, False]


def test_an_index_is_met_by_the_first_that_reaches_it():
    point = ArmedPoint(CrashPoint(7))

    assert [point.is_met(DRAW, index) for index in (5, 6, 8)] == [False, False, True]


@pytest.mark.parametrize(
    "point",
    [
        CrashPoint(),
        CrashPoint(3, "now"),
        CrashPoint(at_call=""),
        CrashPoint(at_call="-"),
        CrashPoint(at_call="x" * 201),
    ],
)
def test_what_is_no_point_is_refused(point):
    with pytest.raises(BadInput):
        ArmedPoint(point)
    with pytest.raises(BadInput, match="counted from 1"):
        ArmedPoint(CrashPoint(at_call="now", count=0))


@pytest.mark.parametrize("point", [CrashPoint(4), CrashPoint(at_call="random")])
def test_a_worker_crashes_there_once_and_goes_on(engine, point):
    worker = WorkerId(engine.create_component(LOCAL_ENVIRONMENT, "dice", dice()).id, "w")
    engine.launch_worker(worker.component_id, worker.name)
    engine.crash_worker(worker, point)

    drawn = engine.invoke_and_await(worker, "draw", []).result(10).value

    found = engine.worker(worker)
    assert found.entries_replayed == 2  # the invocation, and the call that it crashed at
    assert sum(isinstance(entry, ImportedFunctionInvoked) for _, entry in engine.oplog(worker).entries) == 1
    assert engine.invoke_and_await(worker, "tell", []).result(10).value == drawn
    engine.invoke_and_await(worker, "draw", []).result(10)
    assert engine.worker(worker).entries_replayed == 2  # it did not crash again
