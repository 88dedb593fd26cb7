from golem_nb.host.clocks import MonotonicClock, WallClock
from tests.host.context import START_NS, call


def test_both_clocks_tell_the_workers_time(worker):
    worker.clock_ns += 7

    assert call(WallClock(worker), "now") == {"seconds": START_NS // 10**9, "nanoseconds": 7}
    assert call(MonotonicClock(worker), "now") == START_NS + 7
    assert call(MonotonicClock(worker), "resolution") == call(WallClock(worker), "resolution")["nanoseconds"] == 1000


def test_a_duration_ends_at_its_time(worker):
    pollable = call(MonotonicClock(worker), "subscribe_duration", when=500)

    assert not call(pollable, "ready")
    call(pollable, "block")
    assert worker.clock_ns == START_NS + 500
    assert call(pollable, "ready")


def test_an_instant_of_the_past_is_ready(worker):
    clock = MonotonicClock(worker)

    assert call(call(clock, "subscribe_instant", when=5), "ready")
    assert not call(call(clock, "subscribe_instant", when=(1 << 64) - 1), "ready")


def test_a_replayed_sleep_waits_for_what_is_left(worker):
    worker.clock_ns += 400
    recorded_now = START_NS

    pollable = MonotonicClock.subscribe_duration.rebuild(MonotonicClock(worker), recorded_now, when=500)

    assert pollable.source.deadline_ns == START_NS + 500


def test_a_duration_without_end_does_not_overflow(worker):
    pollable = call(MonotonicClock(worker), "subscribe_duration", when=(1 << 64) - 1)

    assert pollable.source.deadline_ns == (1 << 64) - 1
