import json
import os
import subprocess
import sys

import pytest

from golem_nb.demo import STEPS, Report, oplog_table


@pytest.mark.slow
def test_the_demo_is_right_and_says_so():
    """The main job, as a user runs it: two engine processes, signal 9 between them, every step counted once."""
    run = subprocess.run(
        [sys.executable, "-m", "golem_nb", "demo", "--json"], capture_output=True, text=True, timeout=60
    )

    assert run.returncode == 0, run.stdout + run.stderr
    figures = json.loads(run.stdout)
    assert figures["firstPid"] != figures["secondPid"]
    assert figures["signal"] == 9
    assert 0 < figures["lastOplogIndexBefore"] < figures["lastOplogIndexAfter"]
    assert figures["entriesReplayed"] > 0
    assert set(figures["stepCounts"]) == {str(n) for n in range(1, STEPS + 1)}
    assert len(figures["sentTwiceWithSameKey"]) <= 1
    assert figures["result"] == ["ok", STEPS] and figures["state"] == STEPS
    assert figures["faults"] == []
    for pid in (figures["firstPid"], figures["secondPid"]):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def right():
    requests = [(step, f"k{step}") for step in range(1, STEPS + 1)]
    return Report(1, 2, 10, 20, 5, ("ok", STEPS), STEPS, requests)


def test_a_report_without_faults_is_right():
    assert right().faults == []


def test_one_step_may_be_sent_twice_with_the_same_key():
    report = right()
    report.requests.append((4, "k4"))

    assert (report.twice, report.is_right) == ([4], True)


@pytest.mark.parametrize(
    "damage",
    [
        lambda r: r.requests.pop(),
        lambda r: r.requests.append((4, "another key")),
        lambda r: r.requests.extend([(4, "k4"), (5, "k5")]),
        lambda r: r.requests.extend([(4, "k4"), (4, "k4")]),
        lambda r: setattr(r, "result", ("err", "no")),
        lambda r: setattr(r, "done", STEPS - 1),
        lambda r: setattr(r, "second_pid", 1),
        lambda r: setattr(r, "entries_replayed", 0),
        lambda r: setattr(r, "last_index_after", 10),
    ],
)
def test_whatever_differs_is_a_fault(damage):
    report = right()
    damage(report)

    assert report.faults != []


def test_an_empty_oplog_has_a_heading():
    assert oplog_table([], 0).split() == ["index", "time", "kind", "what"]
