from datetime import UTC, datetime

from golem_nb.engine.events import QUEUE, RING, EventHub
from golem_nb.model import EventType, WorkerEvent


def event(n):
    return WorkerEvent(EventType.STDOUT, datetime.now(UTC), str(n))


def messages(subscription):
    return [e.message for e in subscription.take()[0]]


def test_history_comes_first():
    hub = EventHub()
    for n in range(RING + 10):
        hub.publish(event(n))

    subscription = hub.subscribe()
    hub.publish(event("live"))

    assert messages(subscription) == [*map(str, range(10, RING + 10)), "live"]


def test_a_slow_reader_loses_the_oldest_and_is_told_how_many():
    hub = EventHub()
    subscription = hub.subscribe()
    for n in range(QUEUE + 17):
        hub.publish(event(n))

    found, _ = subscription.take()

    assert (found[0].level, found[0].context) == ("Warn", {"missedMessages": 17})
    assert [e.message for e in found[1:]] == [str(n) for n in range(17, QUEUE + 17)]


def test_iterating_ends_with_the_stream():
    hub = EventHub()
    subscription = hub.subscribe()
    hub.publish(event(1))
    hub.end_all()

    assert [e.message for e in subscription] == ["1"]
    assert not hub.is_watched
    assert messages(hub.subscribe()) == []


def test_a_closed_subscription_is_forgotten():
    hub = EventHub()
    hub.subscribe().close()

    assert not hub.is_watched


def test_a_reader_that_must_not_block_is_woken():
    hub, woken = EventHub(), []
    subscription = hub.subscribe()
    subscription.call_when_changed(lambda: woken.append(1))
    hub.publish(event(1))
    hub.end_all()

    assert len(woken) == 2
    assert subscription.take()[1]
