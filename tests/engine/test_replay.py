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


def cursor(*entries, skipped=(), reprinted=()):
    """One whose entries begin at 2, and come in chunks of two."""
    numbered = list(enumerate(entries, start=2))
    chunks = (numbered[at : at + 2] for at in range(0, len(numbered), 2))
    return ReplayCursor(
        chunks, regions_of(skipped), len(entries) + 1, reprinted=regions_of(reprinted), started_us=FIRST.timestamp_us
    )


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
    assert ReplayCursor(iter([]), Regions(), 1).is_live


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


def test_output_of_what_was_undone_on_purpose_is_forgotten():
    found = cursor(NoOp(2), log(), Jump(4, 3, 4, True), skipped=[(3, 4)], reprinted=[(3, 4)])
    found.take()

    assert not found.consume_log(LINE)


def test_entries_that_came_later_are_none_of_its_own():
    numbered = [(2, NoOp(2)), (3, NoOp(3))]

    assert rest(ReplayCursor(iter([numbered, [(4, NoOp(4))]]), Regions(), 2)) == [2]


def ends(begin):
    return lambda entry: isinstance(entry, EndRemoteWrite) and entry.begin_index == begin


def test_looking_ahead_finds_what_lies_in_this_invocation():
    found = cursor(
        BeginRemoteWrite(2),
        BeginRemoteWrite(3),
        EndRemoteWrite(4, 2),
        EndRemoteWrite(5, 3),
        ExportedFunctionCompleted(6, None),
        EndRemoteWrite(7, 9),
        skipped=[(5, 5)],
    )

    assert [found.meets_in_this_invocation(ends(begin)) for begin in (2, 3, 9)] == [True, False, False]
    assert not found.is_cut_off(ends(3))
    assert rest(found) == [2, 3, 4, 6, 7]


def test_what_has_no_end_is_cut_off():
    assert cursor(NoOp(2), NoOp(3)).is_cut_off(ends(2))


def test_passing_leaves_what_lies_between():
    found = cursor(NoOp(2), log(), NoOp(4), EndRemoteWrite(5, 2), NoOp(6))
    found.pass_until(ends(2))

    assert found.peek()[0] == 5
    assert found.consume_log(LINE)


def test_effects_outside_that_belong_to_others_are_found():
    mine = (call("WriteRemoteBatched", 2), call("ReadLocal"), call("WriteLocal"))
    assert cursor(*mine).foreign_effect_after(2) is None
    assert cursor(*mine, call("WriteRemote")).foreign_effect_after(2) == 5
    assert cursor(call("WriteRemoteBatched", 9)).foreign_effect_after(2) == 2
    assert cursor(ExportedFunctionCompleted(2, None)).foreign_effect_after(1) == 2


def test_a_librarys_only_call_belongs_to_the_write_that_it_opened():
    assert cursor(call("WriteRemoteBatched")).foreign_effect_after(2) is None
    assert cursor(call("WriteRemoteTransaction")).foreign_effect_after(2) is None


def test_a_write_is_alone_where_all_else_can_be_read_again():
    mine = (call("WriteRemoteBatched", 2), call("ReadLocal"), call("ReadRemote"), NoOp(5))
    assert cursor(*mine).is_alone(2)
    for other in (call("WriteRemote"), call("WriteLocal"), call("WriteRemoteBatched", 9), BeginRemoteWrite(6)):
        assert not cursor(*mine, other).is_alone(2)


def test_a_write_is_not_alone_with_a_call_that_has_its_key():
    key = "golem::rpc::wasm-rpc::invoke-and-await idempotency key"
    begun = ImportedFunctionInvoked(3, key, Recorded("", b""), Recorded("", b""), "ReadLocal", None)

    assert not cursor(begun).is_alone(1)
