import json
from datetime import timedelta

import pytest

from golem_nb.errors import UsageError
from golem_nb.model import PublicEntry
from golem_nb.notebook.frames import oplog_frame
from golem_nb.notebook.pictures.latency import Latency
from tests.notebook.test_frames import ENTRIES, FIVE, START, worker


@pytest.fixture
def frame():
    return oplog_frame(ENTRIES, component="shop", worker=worker(entries_replayed=3))


def invocations(*took_ms):
    at, index, entries = START, 0, []
    for ms in took_ms:
        begun = {"functionName": "add", "request": [], "idempotencyKey": str(index)}
        entries.append(PublicEntry(index + 1, "ExportedFunctionInvoked", at, begun))
        at += timedelta(milliseconds=ms)
        entries.append(PublicEntry(index + 2, "ExportedFunctionCompleted", at, {"response": FIVE, "consumedFuel": 0}))
        index += 2
    return oplog_frame(entries, component="shop")


def test_each_function_has_its_numbers():
    (row,) = Latency(invocations(*range(1, 101))).df.to_dict("records")

    assert (row["function"], row["n"], row["p50"], row["max"], row["replayed"]) == ("add", 100, 50.5, 100, 0)
    assert row["p95"] == pytest.approx(95.05)


def test_calls_take_no_longer_than_since_the_entry_before(frame):
    assert Latency(frame, "calls").df[["function", "n", "max", "replayed"]].to_dict("records") == [
        {"function": "f", "n": 1, "max": 1.0, "replayed": 1}
    ]


def test_in_a_terminal_it_is_a_table(frame):
    assert str(Latency(frame)).splitlines()[1:] == [
        "  function                                       n       p50       p95       max",
        "  add                                            1      6 ms      6 ms      6 ms",
    ]


def test_less_than_the_clock_can_tell_is_said_so():
    assert str(Latency(invocations(0, 0, 3))).endswith("3    < 1 ms    2.7 ms      3 ms")
    assert Latency(invocations(0, 0.25)).least_ms == 1e-3


def test_stored_it_is_an_image_with_the_numbers_beside_it(frame):
    html = Latency(frame, "calls").html()

    assert "f: p50 1 ms, p95 1 ms" in html and "rings: replayed" in html
    assert not any(part in html for part in ("<script", "<style", "<svg", "data-golem"))


def test_an_image_does_not_grow_with_its_dots():
    assert len(Latency(invocations(*[1, 2, 3] * 2000)).html()) < 60_000


def test_none_that_ended_are_said_so():
    latency = Latency(oplog_frame(ENTRIES[:8], component="shop"))

    assert "none ended" in str(latency) and "none ended" in latency.html()
    assert latency.content() is None


def test_the_browser_gets_a_dot_for_each(frame):
    content = json.loads(json.dumps(Latency(frame, "calls").content()))

    assert (content["strips"], content["ms"], content["state"], content["said"]) == (["f"], [1.0], [1], ["1 ms"])
    assert content["low"] < content["high"]


def test_other_latencies_there_are_none(frame):
    with pytest.raises(UsageError, match="of invocations or of calls, not of 'x'"):
        Latency(frame, "x")
