import json
from base64 import b64decode

import pytest

from golem_nb.errors import UsageError
from golem_nb.notebook.frames import oplog_frame
from golem_nb.notebook.pictures.picture import MOST_LIVE_ENTRIES
from golem_nb.notebook.pictures.timeline import Timeline, seconds_text, spans_in_pixels
from tests.notebook.test_frames import ENTRIES, entry, worker


@pytest.fixture
def frame():
    return oplog_frame(ENTRIES, component="shop", worker=worker(entries_replayed=3))


def test_in_a_terminal_it_is_a_strip_for_each_lane(frame):
    assert str(Timeline(frame)).splitlines() == [
        "timeline of shop/w",
        "  entries 1 to 9, 8 ms; 4 replayed, 2 live",
        "  invocations                    ██████████████████████████████████████████████",
        "  f                                      ░░░░░░░░",
        "  output                                                       █",
        "  events                                                              ✕",
        "                   █ live  ░ replayed",
    ]


def test_stored_it_is_an_image_with_words_and_nothing_that_is_dropped(frame):
    html = Timeline(frame).html()

    assert 'alt="timeline of shop/w: entries 1 to 9, 8 ms; 4 replayed, 2 live"' in html
    assert "filled: live · hatched: replayed · ✕ error" in html
    assert not any(part in html for part in ("<script", "<style", "<svg", "data-golem"))
    assert "url(#h008A5E)" in b64decode(html.partition("base64,")[2].partition('"')[0]).decode()


def test_an_invocation_that_ended_with_an_exception_is_marked_and_a_result_is_not():
    failed = entry(9, "ExportedFunctionCompleted", error="KeyError: 'x'", consumedFuel=0)
    timeline = Timeline(oplog_frame([*ENTRIES[:7], failed], component="shop"))

    assert timeline._legend() == "✕ failed invocation"
    assert timeline.content()["marks"] == {7: ("✕", "#D1242F")}
    assert Timeline(oplog_frame([*ENTRIES[:7], ENTRIES[8]], component="shop"))._legend() == ""


def test_that_nothing_is_known_of_replay_is_said():
    assert "whether replayed or live is not known" in str(Timeline(oplog_frame(ENTRIES, component="shop")))


def test_the_names_that_a_component_gives_are_escaped():
    call = entry(1, "ImportedFunctionInvoked", functionName="<b>::f", request=None, response=None)
    timeline = Timeline(oplog_frame([call], component="<i>"))

    assert "<i>" not in timeline.html() and "<b>" not in timeline.svg().source()


def test_the_browser_gets_columns_of_equal_length_as_json(frame):
    content = json.loads(json.dumps(Timeline(frame).content()))

    assert {len(content[name]) for name in ("lane", "begin", "end", "state", "index", "kind", "message")} == {9}
    assert content["replayed"] == [1, 2, 1, 1, 1, 0, 2, 2, 0]
    assert content["marks"] == {"7": ["✕", "#D1242F"]}


def test_what_is_too_much_for_a_page_stays_an_image():
    many = oplog_frame((entry(n, "NoOp") for n in range(1, MOST_LIVE_ENTRIES + 2)), component="shop")

    assert Timeline(many).content() is None
    assert "more than 50000 entries are an image" in Timeline(many).html()
    assert Timeline(oplog_frame([], component="shop")).content() is None


def test_an_image_does_not_grow_with_its_bars():
    logs = (entry(n, "Log", level="Stdout", context="", message="x") for n in range(1, 20_000))

    assert len(Timeline(oplog_frame(logs, component="shop")).html()) < 30_000


def test_bars_that_are_many_are_drawn_as_what_they_cover():
    import numpy as np

    begin = np.array([0.0] * 500 + [10.2])

    assert spans_in_pixels(begin, begin + 0.5) == [(0, 1), (10, 11)]
    assert spans_in_pixels(begin[-2:], begin[-2:] + 0.5) == [(0, 1), (10.2, 11.2)]


def test_it_goes_by_time_or_by_index(frame):
    assert Timeline(frame, "index").track.length == 8.0
    with pytest.raises(UsageError, match="by time or by index, not by 'size'"):
        Timeline(frame, "size")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (0.00064, "640 µs"), (0.0125, "12.5 ms"), (3.2, "3.2 s"), (310, "5 min 10 s"), (7500, "2 h 5 min")],
)
def test_durations_are_for_people(seconds, text):
    assert seconds_text(seconds) == text
