import json

import pytest

from golem_nb.errors import UsageError
from golem_nb.model import WorkerStatus
from golem_nb.notebook.frames import oplog_frame
from golem_nb.notebook.pictures.scrubber import Scrubber, open_invocations_of, statuses_of
from tests.notebook.test_frames import ENTRIES, REVERTED, entry, worker


@pytest.fixture
def frame():
    return oplog_frame(ENTRIES, component="shop", worker=worker(entries_replayed=3))


def test_the_status_follows_the_entries(frame):
    letters = "".join(status[0] for status in statuses_of(frame))

    assert letters == "IIRRRRRRI"
    assert statuses_of(frame)[7] is WorkerStatus.RETRYING


def test_a_revert_brings_back_what_was_open():
    frame = oplog_frame(REVERTED, component="shop")

    assert [str(status) for status in statuses_of(frame)][3:6] == ["Idle", "Idle", "Running"]
    assert open_invocations_of(frame) == [-1, 1, 1, -1, -1, 1, -1]


def test_in_a_terminal_the_chosen_entry_is_marked(frame):
    text = str(Scrubber(frame, 7))

    assert ">      7  Log hello" in text
    assert "invocation  add(5) since #3" in text
    assert "next        Error boom" in text
    assert text.endswith("output so far:\nhello")


def test_before_it_was_printed_there_is_no_output(frame):
    assert Scrubber(frame, 6).output(5) == []
    assert Scrubber(frame, 7).output(6) == ["hello"]


def test_output_that_a_revert_undid_is_shown_only_before_it():
    def printed(index, text):
        return entry(index, "Log", level="Stdout", context="", message=f"{text}\n")

    frame = oplog_frame(
        [
            entry(1, "Create", componentVersion=0),
            *(printed(2, "kept"), printed(3, "undone"), printed(4, "undone, too")),
            entry(5, "Revert", droppedRegion={"start": 3, "end": 4}),
            printed(6, "again"),
            entry(7, "Revert", droppedRegion={"start": 6, "end": 6}),
        ],
        component="shop",
    )
    scrubber = Scrubber(frame)

    assert [scrubber.output(row) for row in (3, 4, 5, 6)] == [
        ["kept", "undone", "undone, too"],
        ["kept"],
        ["kept", "again"],
        ["kept"],
    ]
    assert scrubber.content()["undone"] == {2: 4, 3: 4, 5: 6}


def test_it_begins_at_the_last_entry_where_no_index_is_given(frame):
    assert "next        nothing: the oplog ends here" in str(Scrubber(frame))


def test_stored_it_is_the_table_of_the_chosen_entry(frame):
    html = Scrubber(frame, 5).html()

    assert "at #5 of 9; 4 replayed, 2 live" in html and "▸" in html
    assert not any(part in html for part in ("<script", "<style", "<svg", "<input", "data-golem"))


def test_what_a_worker_prints_is_escaped():
    logs = oplog_frame([entry(1, "Log", level="Stdout", context="", message="<b>x</b>\n")], component="shop")

    assert "<b>x" not in Scrubber(logs).html()


def test_an_index_that_there_is_not_is_one_line(frame):
    with pytest.raises(UsageError, match="no entry 99: it has 1 to 9"):
        Scrubber(frame, 99)
    with pytest.raises(UsageError, match="no entry 1: it is empty"):
        Scrubber(oplog_frame([], component="shop"), 1)


def test_the_browser_gets_all_of_it_as_json(frame):
    content = json.loads(json.dumps(Scrubber(frame, 5).content()))

    assert (content["at"], content["output"], content["open"][4]) == (4, {"6": "hello"}, 2)
    assert content["statuses"][content["status"][7]][0] == "Retrying"


def test_who_asks_is_told_the_index_at_which_a_reader_stops(frame):
    told = []
    Scrubber(frame, on_index=told.append).on_message()({"row": 4})

    assert told == [5]
    assert Scrubber(frame).on_message() is None
