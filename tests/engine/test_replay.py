from golem_nb.engine.replay import ReplayCursor
from golem_nb.model import LogLevel
from golem_nb.oplog.entries import (
    BeginRemoteWrite,
    EndRemoteWrite,
    Error,
    ErrorKind,
    ExportedFunctionCompleted,
    ImportedFunctionInvoked,
    Jump,
    Log,
    NoOp,
    Recorded,
    Suspend,
)
from golem_nb.oplog.regions import Regions, regions_of

FIRST = NoOp(1)  # stands for Create
LINE = ("Stdout", "", "hello")


def cursor(*entries, skipped=()):
    return ReplayCursor(enumerate([FIRST, *entries], start=1), regions_of(skipped))


def log(message="hello"):
    return Log(2, LogLevel.STDOUT, "", message)


def call(effect, begin=None):
    return ImportedFunctionInvoked(3, "f", Recorded("", b""), Recorded("", b""), effect, begin)


def rest(found):
    indices = []
    while not found.is_live:
        indices.append(found.take()[0])
    return indices


def test_without_entries_the_worker_is_live():
    assert cursor().is_live
    assert ReplayCursor([], Regions()).is_live


def test_hints_are_passed_over():
    assert rest(cursor(NoOp(2), Suspend(3), Error(4, ErrorKind.UNKNOWN, "", "", 1), NoOp(5), log())) == [2, 5]


def test_skipped_regions_are_passed_over():
    assert rest(cursor(NoOp(2), NoOp(3), Jump(4, 3, 4), NoOp(5), skipped=[(3, 4)])) == [2, 5]


def test_the_time_is_that_of_the_entry_last_met():
    found = cursor(NoOp(20), NoOp(30))
    assert found.last_timestamp_us == 1
    found.take()

    assert (found.last_timestamp_us, found.replayed) == (20, 1)


def test_output_after_the_last_entry_is_remembered_once():
    found = cursor(NoOp(2), log(), log())
    found.take()

    assert [found.consume_log(LINE) for _ in range(3)] == [True, True, False]
    assert not found.consume_log(("Stderr", "", "hello"))


def test_output_that_replay_produces_counts_as_met():
    found = cursor(NoOp(2), log(), NoOp(4))
    found.take()
    found.consume_log(LINE)  # the component prints it again, in replay
    found.take()

    assert not found.consume_log(LINE)


def test_output_in_a_skipped_region_is_remembered():
    found = cursor(NoOp(2), log(), Jump(4, 3, 4), skipped=[(3, 4)])
    found.take()

    assert found.consume_log(LINE)


def test_giving_up_makes_live_and_remembers_output():
    found = cursor(BeginRemoteWrite(2), NoOp(3), log(), NoOp(5))
    found.take()
    found.abandon()

    assert found.is_live
    assert found.consume_log(LINE)


def test_a_write_has_ended_where_its_end_is_recorded():
    found = cursor(
        BeginRemoteWrite(2), BeginRemoteWrite(3), EndRemoteWrite(4, 2), EndRemoteWrite(5, 3), skipped=[(5, 5)]
    )

    assert (found.has_ended(2), found.has_ended(3)) == (True, False)


def test_effects_outside_that_belong_to_others_are_found():
    mine = (call("WriteRemoteBatched", 2), call("ReadLocal"), call("WriteLocal"))
    assert cursor(*mine).foreign_effect_after(2) is None
    assert cursor(*mine, call("WriteRemote")).foreign_effect_after(2) == 5
    assert cursor(call("WriteRemoteBatched", 9)).foreign_effect_after(2) == 2
    assert cursor(ExportedFunctionCompleted(2, None)).foreign_effect_after(1) == 2
