import threading

import pytest

from golem_nb.engine import shadows
from golem_nb.engine.shadows import value_of_answer
from golem_nb.errors import BadInput, ComponentNotFound, FunctionNotFound, ValueMismatch, WorkerExited, WorkerNotFound
from golem_nb.model import (
    LOCAL_ENVIRONMENT,
    ComponentOptions,
    ComponentType,
    FileContent,
    Shadow,
    WorkerId,
    WorkerStatus,
)
from golem_nb.oplog.entries import ExportedFunctionCompleted, ExportedFunctionInvoked, ImportedFunctionInvoked, Log
from golem_nb.values.types import U64, record
from golem_nb.wasm.text import wasm_from_text
from tests.engine.conftest import COUNTER, until
from tests.engine.test_running_time import BUSY
from tests.script import ADD, DRAW, EXIT, script, steps

# `draw` adds a random byte to what it had; `tell` says it; `spin` never ends.
DICE = """
(component
  (import "wasi:random/random@0.2.3" (instance $random
    (export "get-random-u64" (func (result u64)))))
  (core func $draw (canon lower (func $random "get-random-u64")))
  (core module $m
    (import "h" "draw" (func $draw (result i64)))
    (global $sum (mut i64) (i64.const {start}))
    (func (export "draw") (result i64)
      (global.set $sum (i64.add (global.get $sum) (i64.and (call $draw) (i64.const 255)))) (global.get $sum))
    (func (export "tell") (result i64) (global.get $sum))
    (func (export "spin") (loop $again (br $again))))
  (core instance $i (instantiate $m (with "h" (instance (export "draw" (func $draw))))))
  (func (export "draw") (result u64) (canon lift (core func $i "draw")))
  (func (export "tell") (result u64) (canon lift (core func $i "tell")))
  (func (export "spin") (canon lift (core func $i "spin"))))
"""


def dice(start=0):
    return wasm_from_text(DICE.replace("{start}", str(start)))


@pytest.fixture
def drawn(engine):
    """A worker that drew three times, and what it had each time."""
    worker = WorkerId(engine.create_component(LOCAL_ENVIRONMENT, "dice", dice()).id, "w")
    return worker, [engine.invoke_and_await(worker, "draw", []).result(10).value for _ in range(3)]


def indices(engine, worker, kind):
    return [index for index, entry in engine.oplog(worker).entries if isinstance(entry, kind)]


def test_a_whole_history_is_met_and_the_worker_left_alone(engine, drawn):
    worker, _ = drawn
    before = engine.worker(worker)

    result = engine.shadow(worker, Shadow())

    assert (result.is_same, result.at_index, result.version) == (True, before.last_index, 0)
    assert result.entries_met == 9  # three times: an invocation, a draw, an end
    assert engine.worker(worker) == before


def test_a_function_answers_as_it_would_have_at_any_index(engine, drawn):
    worker, sums = drawn
    ends = indices(engine, worker, ExportedFunctionCompleted)

    for count in range(4):
        at = ends[count - 1] if count else 1
        told = engine.shadow(worker, Shadow(at, calls=(("tell", []), ("tell", [])))).calls
        assert [call.result.value for call in told] == [sums[count - 1] if count else 0] * 2


def test_an_index_within_an_invocation_is_where_the_shadow_ends(engine, drawn):
    worker, sums = drawn
    second = indices(engine, worker, ImportedFunctionInvoked)[1]

    within = engine.shadow(worker, Shadow(second))
    called = engine.shadow(worker, Shadow(second, calls=(("tell", []),)))

    assert (within.at_index, within.running, within.status) == (second, "draw", WorkerStatus.RUNNING)
    assert within.is_same
    # Functions are called on what was there before that invocation began.
    assert called.at_index < second
    assert (called.running, called.calls[0].result.value) == (None, sums[0])


def test_calls_build_on_each_other_and_are_live(engine, drawn):
    worker, sums = drawn

    first, second, told = engine.shadow(worker, Shadow(calls=(("draw", []), ("draw", []), ("tell", [])))).calls

    assert sums[-1] <= first.result.value <= second.result.value == told.result.value
    assert engine.invoke_and_await(worker, "tell", []).result(10).value == sums[-1]


def test_another_answer_leads_to_another_result_and_both_are_told(engine, drawn):
    worker, sums = drawn
    index = indices(engine, worker, ImportedFunctionInvoked)[1]

    other = 44 if sums[1] - sums[0] != 44 else 45

    found = engine.shadow(worker, Shadow(answers={index: 256 + other}))

    assert not found.is_same
    assert found.difference.index == indices(engine, worker, ExportedFunctionCompleted)[1]
    assert found.difference.recorded == f"the result {sums[1]}"
    assert found.difference.now == f"return {sums[0] + other}"
    assert engine.shadow(worker, Shadow(index - 1, answers={})).is_same


def test_answers_of_an_invocation_that_calls_do_not_meet_are_left_out(engine, drawn):
    worker, sums = drawn
    second = indices(engine, worker, ImportedFunctionInvoked)[1]

    (told,) = engine.shadow(worker, Shadow(second, answers={second: 5}, calls=(("tell", []),))).calls

    assert told.result.value == sums[0]


def test_an_answer_may_be_written_as_frames_show_values():
    type = record(high_bits=U64)

    for answer in ({"high-bits": 7}, {"high_bits": 7}):
        assert value_of_answer(type, answer) == {"high-bits": 7}
    with pytest.raises(ValueMismatch, match="found string"):
        value_of_answer(type, "7")


def test_how_far_it_came_is_told_where_it_did_not_come_to_an_end(engine, drawn, monkeypatch):
    monkeypatch.setattr(shadows, "TOTAL_S", 0.2)
    worker, _ = drawn
    endless = DICE.replace("{start}", "0").replace("(global.set $sum", "(loop $again (br $again)) (global.set $sum")
    version = engine.update_component(worker.component_id, wasm_from_text(endless)).version

    found = engine.shadow(worker, Shadow(version=version))

    assert "was not at its end" in found.failure
    assert found.last_met == indices(engine, worker, ExportedFunctionInvoked)[0]
    assert engine.shadow(worker, Shadow()).last_met == engine.worker(worker).last_index


def test_another_version_does_the_same_or_not(engine, drawn):
    worker, sums = drawn
    same = engine.update_component(worker.component_id, dice(0)).version
    other = engine.update_component(worker.component_id, dice(1)).version

    assert engine.shadow(worker, Shadow(version=same)).is_same
    differs = engine.shadow(worker, Shadow(version=other))
    assert differs.difference.now == f"return {sums[0] + 1}"
    assert (engine.worker(worker).component_version, differs.version) == (0, other)


def test_what_a_version_never_ends_with_is_ended(engine, drawn, monkeypatch):
    monkeypatch.setattr(engine, "time_limit_s", 0.1)
    worker, _ = drawn

    spun, told = engine.shadow(worker, Shadow(calls=(("spin", []), ("tell", [])))).calls

    assert "ran for 0.1 s without an end" in spun.error
    assert told.error == "not made: the call before it ended the shadow"


@pytest.mark.parametrize(
    ("asked", "error", "told"),
    [
        (Shadow(0), BadInput, "between 1 and 13, found 0"),
        (Shadow(99), BadInput, "between 1 and 13, found 99"),
        (Shadow(answers={1: 5}), BadInput, "entry 1 is Create; only ImportedFunctionInvoked has an answer"),
        (Shadow(answers={50: 5}), BadInput, "there is no entry 50 among the 13"),
        (Shadow(2, answers={4: 5}), BadInput, "there is no entry 4 among the 2"),
        (Shadow(answers={4: "x"}), BadInput, "entry 4, of .*get_random_u64, is answered with result<u64, .*: value.ok"),
        (Shadow(version=9), ComponentNotFound, "9"),
        (Shadow(calls=(("nothing", []),)), FunctionNotFound, "nothing"),
        (Shadow(calls=(("tell", [1]),)), BadInput, "expected 0, got 1"),
    ],
)
def test_what_cannot_be_is_refused(engine, drawn, asked, error, told):
    worker, _ = drawn

    with pytest.raises(error, match=told):
        engine.shadow(worker, asked)


def test_a_worker_that_is_not_there_has_no_shadow(engine, drawn):
    worker, _ = drawn

    with pytest.raises(WorkerNotFound):
        engine.shadow(WorkerId(worker.component_id, "nobody"), Shadow())


def test_a_long_history_is_met_too(engine):
    worker = WorkerId(engine.create_component(LOCAL_ENVIRONMENT, "counter", wasm_from_text(COUNTER)).id, "w")
    for _ in range(150):
        engine.invoke_and_await(worker, "inc", [1]).result(10)

    half = engine.shadow(worker, Shadow(226, calls=(("inc", [1000]),)))

    assert half.calls[0].result.value == 1075
    assert engine.shadow(worker, Shadow()).entries_met == 300
    assert indices(engine, worker, Log) == []


def test_a_worker_that_exited_is_met_up_to_there_and_answers_as_before(engine):
    worker = WorkerId(engine.create_component(LOCAL_ENVIRONMENT, "script", script()).id, "w")
    engine.invoke_and_await(worker, "run", ["", steps((ADD, 5))]).result(10)
    with pytest.raises(WorkerExited):
        engine.invoke_and_await(worker, "run", ["", steps((ADD, 1), DRAW, (EXIT, 1))]).result(10)

    shadow = engine.shadow(worker, Shadow())
    (told,) = engine.shadow(worker, Shadow(calls=(("run", ["", []]),))).calls

    assert (shadow.is_same, shadow.status) == (True, WorkerStatus.EXITED)
    assert told.result.value == 5


def test_an_ephemeral_worker_has_no_past(engine):
    options = ComponentOptions(type=ComponentType.EPHEMERAL)
    worker = WorkerId(engine.create_component(LOCAL_ENVIRONMENT, "dice", dice(), options).id, "w")
    engine.invoke_and_await(worker, "draw", []).result(10)

    with pytest.raises(BadInput, match="w is ephemeral"):
        engine.shadow(worker, Shadow())


def test_another_version_may_have_other_files(engine):
    files = {"/a": FileContent(b"a", is_read_only=False)}
    worker = WorkerId(engine.create_component(LOCAL_ENVIRONMENT, "dice", dice(), ComponentOptions(), files).id, "w")
    engine.invoke_and_await(worker, "draw", []).result(10)
    version = engine.update_component(worker.component_id, dice(), None, {"/b": FileContent(b"b")}).version

    assert engine.shadow(worker, Shadow(version=version)).is_same
    assert engine.worker(worker).component_version == 0


def test_a_shadow_ends_with_its_engine(drawn, engine):
    worker, _ = drawn
    told = []
    asked = Shadow(calls=(("spin", []),))
    thread = threading.Thread(target=lambda: told.append(engine.shadow(worker, asked)))
    thread.start()
    until(lambda: engine.stage.slots.in_use == 1)

    engine.close()
    thread.join(10)

    assert not thread.is_alive()
    assert [call.error for call in told[0].calls] == ["the engine is closing"]


def test_a_shadow_has_an_end_however_many_calls_it_is_asked(engine, drawn, monkeypatch):
    monkeypatch.setattr(shadows, "TOTAL_S", 0.2)
    worker, _ = drawn

    (call,) = engine.shadow(worker, Shadow(calls=(("spin", []),))).calls

    assert call.error == "a shadow has 0.2 s, and this one was not at its end"
    with pytest.raises(BadInput, match="at most 1000 times, found 1001"):
        engine.shadow(worker, Shadow(calls=[("tell", [])] * 1001))


def test_a_wait_that_is_long_ends_a_call(engine):
    worker = WorkerId(engine.create_component(LOCAL_ENVIRONMENT, "busy", wasm_from_text(BUSY)).id, "w")
    engine.invoke_and_await(worker, "add", []).result(10)

    asked = Shadow(calls=(("nap", [1_000_000]), ("nap", [60_000_000_000]), ("add", [])))
    short, long, behind = engine.shadow(worker, asked).calls

    assert short.error is None
    assert long.error == "it would wait longer than 10 s, or for a promise, which a shadow does not"
    assert behind.error == "not made: the call before it ended the shadow"


def test_all_calls_are_looked_at_before_the_first_is_made(engine, drawn):
    worker, _ = drawn

    with pytest.raises(FunctionNotFound):
        engine.shadow(worker, Shadow(calls=(("draw", []), ("nothing", []))))
