import pytest

from golem_nb.notebook.frames import oplog_frame
from golem_nb.notebook.pictures.track import LIVE, REPLAYED, UNKNOWN, package_of, track_of
from tests.notebook.test_frames import ENTRIES, FIVE, START, entry, worker


def moved(entry, ms):
    from dataclasses import replace
    from datetime import timedelta

    return replace(entry, timestamp=START + timedelta(milliseconds=ms))


def test_lanes_are_invocations_packages_output_and_events():
    track = track_of(oplog_frame(ENTRIES, component="shop"))

    assert track.lanes == ("invocations", "f", "output", "events")
    assert track.lane.tolist() == [-1, -1, 0, -1, 1, -1, 2, 3, -1]


def test_a_call_lasts_from_the_entry_before_and_an_invocation_to_its_end():
    track = track_of(oplog_frame(ENTRIES, component="shop"))

    assert (track.begin[4], track.end[4]) == (3.0, 4.0)
    assert (track.begin[2], track.end[2]) == (2.0, 8.0)
    assert track.length == 8.0


def test_what_was_replayed_is_told_from_what_was_live_and_hints_are_neither():
    track = track_of(oplog_frame(ENTRIES, component="shop", worker=worker(entries_replayed=3)))

    assert (track.state[4], track.state[2], track.state[6]) == (REPLAYED, LIVE, UNKNOWN)
    assert set(track_of(oplog_frame(ENTRIES, component="shop")).state) == {UNKNOWN}


def invocation(first, at, took):
    return [
        moved(entry(first, "ExportedFunctionInvoked", functionName="a", request=[], idempotencyKey="k"), at),
        moved(entry(first + 1, "ExportedFunctionCompleted", response=FIVE, consumedFuel=0), at + took),
    ]


def test_waiting_between_invocations_is_cut_short_and_work_is_not():
    entries = [moved(entry(1, "Create"), 0), *invocation(2, 10, 100), *invocation(4, 3_600_000, 100)]
    track = track_of(oplog_frame(entries, component="shop"))

    assert track.end[1] - track.begin[1] == 100
    assert track.length < 400
    ((place, seconds),) = [cut for cut in track.cuts if cut[1] > 1]
    assert seconds == pytest.approx(3600, rel=0.01)
    assert track.end[1] < place < track.begin[3]


def test_a_sleep_inside_an_invocation_is_waiting_too():
    entries = [*invocation(1, 0, 3_600_000)]
    entries.insert(1, moved(entry(2, "Suspend"), 50))
    entries[2] = moved(entry(3, "ExportedFunctionCompleted", response=FIVE, consumedFuel=0), 3_600_000)

    assert track_of(oplog_frame(entries, component="shop")).length < 200


def test_by_index_every_entry_has_the_same_room():
    track = track_of(oplog_frame(ENTRIES, component="shop"), by="index")

    assert (track.begin[4], track.end[4], track.length, track.cuts) == (3.0, 4.0, 8.0, ())


def test_a_clock_that_is_set_back_goes_on():
    entries = [moved(entry(1, "NoOp"), 10), moved(entry(2, "NoOp"), 0), moved(entry(3, "NoOp"), 5)]

    assert track_of(oplog_frame(entries, component="shop")).end.tolist() == [0, 0, 5]


def test_the_many_packages_of_a_worker_share_a_lane():
    calls = [
        entry(n, "ImportedFunctionInvoked", functionName=f"p{n}::f", request=FIVE, response=FIVE) for n in range(1, 10)
    ]
    track = track_of(oplog_frame(calls, component="shop"))

    assert track.lanes == ("p1", "p2", "p3", "p4", "p5", "other calls")
    assert track.lane.tolist() == [0, 1, 2, 3, 4, 5, 5, 5, 5]


def test_an_empty_oplog_has_no_lanes():
    track = track_of(oplog_frame([], component="shop"))

    assert (track.lanes, track.length) == ((), 0.0)


@pytest.mark.parametrize(
    ("function", "package"),
    [
        ("wasi:clocks/wall-clock::now", "wasi:clocks"),
        ("http::types::get", "http"),
        ("golem io::poll::poll", "golem io"),
    ],
)
def test_the_package_of_a_host_function(function, package):
    assert package_of(function) == package
