import time
from dataclasses import astuple
from pathlib import Path

import pytest

from golem_nb.engine.durability import Durability
from golem_nb.engine.engine import Engine
from golem_nb.engine.replay import ReplayCursor
from golem_nb.errors import (
    InvocationFailed,
    InvocationInterrupted,
    PreviousInvocationFailed,
    ReplayMismatch,
    WorkerExited,
)
from golem_nb.host.random import Random
from golem_nb.model import LOCAL_ENVIRONMENT, EventType, WorkerId, WorkerStatus
from golem_nb.oplog.entries import ChangeRetryPolicy, ImportedFunctionInvoked, Log, NoOp, Recorded
from golem_nb.oplog.fold import RetryPolicy
from golem_nb.oplog.regions import Regions
from golem_nb.values.types import STRING, U64, OptionType, ResultType
from golem_nb.wasm.text import wasm_from_text
from tests.engine.conftest import until


def entries(engine, worker, kind):
    return [entry for _, entry in engine.oplog(worker).entries if isinstance(entry, kind)]


def output(engine, worker):
    return "".join(entry.message for entry in entries(engine, worker, Log))


def test_what_was_drawn_is_drawn_again_after_a_crash(engine, asker, ask):
    total = ask("gather", 20)

    engine.crash_worker(asker)

    assert ask("gather", 0) == total
    assert len(entries(engine, asker, ImportedFunctionInvoked)) == 20


def test_recorded_calls_have_golems_labels(engine, asker, ask):
    ask("seconds")
    ask("draw")
    ask("sleep", 1)

    found = entries(engine, asker, ImportedFunctionInvoked)

    assert [(e.function_name, e.effect) for e in found] == [
        ("wall_clock::now", "ReadLocal"),
        ("golem random::get_random_u64", "ReadLocal"),
        ("monotonic_clock::subscribe_duration", "ReadLocal"),
        ("golem io::poll::poll", "ReadLocal"),
    ]
    assert found[2].request.typed().value == 1_000_000


def test_output_is_an_entry_and_an_event(engine, asker, ask):
    ask("say", "hello\n")
    events = engine.events(asker)
    ask("warn", "oh\n")
    events.close()

    found = [(e.type, e.message) for e in events if e.type in (EventType.STDOUT, EventType.STDERR)]
    assert found == [(EventType.STDOUT, "hello\n"), (EventType.STDERR, "oh\n")]
    assert [(e.level, e.message) for e in entries(engine, asker, Log)] == [("Stdout", "hello\n"), ("Stderr", "oh\n")]


def test_output_is_not_repeated_by_retries(engine, asker, ask):
    engine.launch_worker(asker.component_id, asker.name)
    events = engine.events(asker)
    with pytest.raises(InvocationFailed):
        ask("ticks", 3, True)
    events.close()

    assert output(engine, asker) == "tick 1\ntick 2\ntick 3\ntick"
    assert "".join(e.message for e in events if e.type is EventType.STDOUT) == "tick 1\ntick 2\ntick 3\ntick"


def test_output_is_not_repeated_by_replay(engine, asker, ask):
    ask("ticks", 3, False)
    engine.crash_worker(asker)
    ask("ticks", 3, False)

    assert output(engine, asker) == "tick 1\ntick 2\ntick 3\ntick" * 2


def test_stderr_comes_with_the_failure(engine, asker, ask):
    ask("warn", "an earlier line\n")

    with pytest.raises(InvocationFailed) as caught:
        ask("unknown")

    assert "test:unknown/things@0.1.0#do-it" in str(caught.value)
    assert caught.value.stderr == ""


def test_exit_ends_the_worker(engine, asker, ask):
    with pytest.raises(WorkerExited, match="Process exited with code 1"):
        ask("quit", True, key="k")

    assert engine.worker(asker).status is WorkerStatus.EXITED
    with pytest.raises(WorkerExited):
        ask("draw")
    with pytest.raises(WorkerExited, match="Process exited"):
        ask("quit", True, key="k")


def test_a_sleep_is_interrupted_at_once_and_goes_on_where_it_was(engine, asker, ask):
    begin = time.monotonic()
    sleeping = engine.invoke_and_await(asker, "sleep", [600], "k")
    until(lambda: entries(engine, asker, ImportedFunctionInvoked))

    interrupted = time.monotonic()
    engine.interrupt_worker(asker)

    assert time.monotonic() - interrupted < 0.5
    assert isinstance(sleeping.exception(1), InvocationInterrupted)
    engine.resume_worker(asker)
    ask("sleep", 600, key="k")
    assert 0.55 < time.monotonic() - begin < 3


def test_a_sleeping_worker_holds_no_slot(engine, asker, ask):
    sleepers = [WorkerId(asker.component_id, f"s{n}") for n in range(20)]
    sleeping = [engine.invoke_and_await(worker, "sleep", [400]) for worker in sleepers]

    begin = time.monotonic()
    ask("draw")
    assert time.monotonic() - begin < 0.35

    for sleep in sleeping:
        sleep.result(5)


def test_a_long_sleep_suspends_and_survives_a_restart(tmp_path):
    text = (Path(__file__).parent.parent / "components" / "host.wat").read_text()
    clock = FastClock()
    engine = Engine.open(tmp_path, clock=clock)
    worker = WorkerId(engine.create_component(LOCAL_ENVIRONMENT, "host", wasm_from_text(text)).id, "w")
    engine.invoke(worker, "sleep", [3_600_000], "k").result(5)
    until(lambda: engine.worker(worker).status is WorkerStatus.SUSPENDED)
    assert engine.worker(worker).entries_replayed is None
    engine.close()

    engine = Engine.open(tmp_path, clock=clock)
    sleeping = engine.invoke_and_await(worker, "sleep", [3_600_000], "k")
    with pytest.raises(TimeoutError):
        sleeping.result(0.2)
    clock.ahead_ns = 3601 * 10**9
    engine.timers.call_at(0, lambda: None)  # so that the timers look at the clock

    assert sleeping.result(5) is None
    kinds = [type(entry).__name__ for _, entry in engine.oplog(worker).entries]
    assert kinds.count("Suspend") == 1  # the restart woke nobody
    engine.close()


class FastClock:
    ahead_ns = 0

    def now_ns(self):
        return time.time_ns() + self.ahead_ns


def imported(name, value):
    request, response = Recorded.of(OptionType(STRING), None), Recorded.of(ResultType(U64, STRING), value)
    return ImportedFunctionInvoked(0, name, request, response, "ReadLocal")


class NoJournal:
    """Nothing may be appended in replay."""

    last_timestamp_us = 0


def replaying(*recorded):
    chunks = iter([list(enumerate(recorded, start=2))] if recorded else [])
    return Durability(NoJournal(), ReplayCursor(chunks, Regions(), len(recorded) + 1))


def test_the_retry_policy_in_replay_is_what_was_set_so_far():
    first, second = RetryPolicy(5, 1, 2, 1.0, None), RetryPolicy(2)
    durability = replaying(*(ChangeRetryPolicy(0, *astuple(policy)) for policy in (first, second)))
    assert durability.retry_policy == RetryPolicy()

    durability.set_retry_policy(first)
    assert durability.retry_policy == first
    durability.set_retry_policy(second)
    assert durability.retry_policy == second


def test_a_recorded_answer_is_given_without_running_the_function():
    durability = replaying(imported("golem random::get_random_u64", ("ok", 5)))

    assert durability.call(Random.get_random_u64, None, {}) == 5
    assert durability.is_live


def test_what_takes_up_a_snapshot_has_its_replay_ahead():
    durability = replaying(imported("golem random::get_random_u64", ("ok", 5)))

    with durability.unrecorded():
        assert durability.is_live
        assert durability.entries_replayed is None


@pytest.mark.parametrize(
    ("recorded", "text"),
    [
        (imported("wall_clock::now", ("ok", 5)), "records a call of wall_clock::now"),
        (NoOp(0), "records NoOp"),
    ],
)
def test_another_entry_than_the_call_is_a_mismatch_with_both_sides(recorded, text):
    with pytest.raises(ReplayMismatch) as caught:
        replaying(recorded).call(Random.get_random_u64, None, {})

    assert text in str(caught.value)
    assert "a call of golem random::get_random_u64" in str(caught.value)
    assert caught.value.index == 2


def test_derived_keys_are_golems():
    """UUIDv5 of the invocation's key, or of a namespace of Golem's own where that is no UUID."""
    durability = replaying()
    durability.invocation_key = "c56a4180-65aa-42ec-a945-5fd21dec0538"
    first = durability.derived_key(7)
    durability.invocation_key = "no uuid"

    assert first == "1b661e2e-1bad-5257-abae-afcfffe732c0"
    assert durability.derived_key(7) != first
    assert durability.derived_key(7) == durability.derived_key(7)


def test_a_mismatch_fails_the_worker_and_is_told(engine, asker, ask, monkeypatch):
    ask("draw")
    monkeypatch.setattr(Random.get_random_u64, "label", "another name")
    engine.crash_worker(asker)

    until(lambda: engine.worker(asker).status is WorkerStatus.FAILED)

    assert "Unexpected oplog entry: oplog entry 4 records" in engine.worker(asker).last_error
    with pytest.raises(PreviousInvocationFailed):
        ask("draw")
