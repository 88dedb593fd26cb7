from golem_nb.model import EventType, WorkerEvent
from golem_nb.notebook.panes.joined import JoinedStream
from golem_nb.notebook.panes.lines import line_from_event, text_from_line
from golem_nb.notebook.panes.stream import EventStream, StreamState
from tests.notebook.fake import AT


def closed_with(worker, *texts):
    stream = EventStream(worker, None)
    for text in texts:
        stream._push(WorkerEvent(EventType.STDOUT, AT, text))
    stream._end("it was deleted")
    return stream


def test_events_say_whose_they_are():
    a, b = closed_with("shop/a", "one", "two"), closed_with("shop/b", "three")
    together = JoinedStream([a, b])
    together.follow(a)
    together.follow(b)

    lines = [text_from_line(line_from_event(*item), with_time=False) for item in together.since(0)]
    assert lines == ["[STDOUT  ] [shop/a] one", "[STDOUT  ] [shop/a] two", "[STDOUT  ] [shop/b] three"]
    assert together.df["worker"].tolist() == ["shop/a", "shop/a", "shop/b"]


def test_it_is_live_while_one_is_and_says_what_became_of_the_other():
    a, b = closed_with("shop/a", "one"), closed_with("shop/b")
    together = JoinedStream([a, b])

    together.follow(a)
    assert (together.state, together.reason) == (StreamState.LIVE, "shop/a: it was deleted")

    together.follow(b)
    assert together.state is StreamState.CLOSED
    assert together.reason == "it was deleted"


def test_it_does_not_end_before_the_last_events_of_all_are_there():
    """Both have ended, but only one was carried over."""
    a, b = closed_with("shop/a", "one"), closed_with("shop/b", "two")
    together = JoinedStream([a, b])
    together.follow(b)

    assert not together.is_closed


def test_closing_it_closes_all():
    streams = [EventStream("shop/a", None), EventStream("shop/b", None)]
    JoinedStream(streams).close()

    assert all(stream.is_closed for stream in streams)
