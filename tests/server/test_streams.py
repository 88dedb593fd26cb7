import asyncio
import json
import re
from datetime import UTC, datetime

from golem_nb.engine.events import QUEUE, RING, EventHub
from golem_nb.model import EventType, WorkerEvent
from golem_nb.server.streams import BATCH_BYTES, Channel, Channels, frame_of
from golem_nb.wire.events import json_from_event


def event(text):
    return WorkerEvent(EventType.STDOUT, datetime.now(UTC), str(text))


def texts(frames):
    """Return the messages in frames that have short payloads: what stands between two heads is JSON."""
    return [json.loads(found)["message"] for found in re.findall(rb"\{.*?\}(?=\x81|\Z)", frames)]


def publish(hub, *texts):
    for text in texts:
        hub.publish(event(text))


async def read(channel, number):
    """Return all that a reader gets now, and where it goes on."""
    found = []
    while True:
        frames, number = channel.after(number)
        if not frames:
            return found, number
        found += texts(frames)


async def rounds(channel, until):
    while channel._frames.end < until and not channel.ended:
        await asyncio.wait_for(channel.changed(), 5)


def test_a_reader_begins_with_the_last_ones_whenever_it_comes():
    async def story():
        hub = EventHub()
        publish(hub, *range(10))
        channel = Channel(hub.subscribe(), json_from_event)
        assert (await read(channel, channel.history))[0] == [str(n) for n in range(10)]

        publish(hub, *range(10, 300))
        await rounds(channel, 300)
        assert (await read(channel, channel.history))[0] == [str(n) for n in range(300 - RING, 300)]
        channel.close()

    asyncio.run(story())


def test_a_reader_that_is_too_slow_is_told_how_many_it_has_missed():
    async def story():
        hub = EventHub()
        channel = Channel(hub.subscribe(), json_from_event)
        for n in range(QUEUE + 17):
            publish(hub, n)
            await rounds(channel, n + 1)

        found, number = await read(channel, 0)
        assert found[0] == "17 messages missed"
        assert found[1:] == [str(n) for n in range(17, QUEUE + 17)]
        publish(hub, "next")
        await rounds(channel, number + 1)
        assert (await read(channel, number))[0] == ["next"]
        channel.close()

    asyncio.run(story())


def test_much_text_is_forgotten_sooner_and_sent_in_parts():
    async def story():
        hub = EventHub()
        channel = Channel(hub.subscribe(), json_from_event)
        for n in range(20):
            publish(hub, f"{n:02}" + "x" * (1 << 20))
            await rounds(channel, n + 1)

        frames, number = channel.after(channel.history)
        assert b"missed" not in frames
        assert 12 <= number <= 14  # 8 MiB are kept
        assert BATCH_BYTES < len(frames) < (1 << 20) + 1000
        channel.close()

    asyncio.run(story())


def test_the_end_wakes_all_readers_behind_the_last_event():
    async def story():
        hub = EventHub()
        channel = Channel(hub.subscribe(), json_from_event)
        waiting = [asyncio.create_task(channel.changed()) for _ in range(200)]
        await asyncio.sleep(0)
        publish(hub, "last")
        hub.end_all()

        await asyncio.wait_for(asyncio.gather(*waiting), 5)
        while not channel.ended:
            await channel.changed()
        assert (await read(channel, 0))[0] == ["last"]

    asyncio.run(story())


def test_readers_share_a_channel_until_the_last_leaves():
    async def story():
        hub, channels = EventHub(), Channels()
        first, second = (channels.enter("w", hub.subscribe(), json_from_event) for _ in range(2))
        assert first is second
        assert len(hub._subscriptions) == 1
        channels.leave("w", first)
        assert hub.is_watched
        channels.leave("w", second)
        assert not hub.is_watched

    asyncio.run(story())


def test_a_worker_that_was_loaded_anew_has_a_channel_of_its_own():
    async def story():
        channels, old, new = Channels(), EventHub(), EventHub()
        before = channels.enter("w", old.subscribe(), json_from_event)
        after = channels.enter("w", new.subscribe(), json_from_event)
        assert before is not after

        channels.leave("w", before)
        assert new.is_watched
        assert channels.enter("w", new.subscribe(), json_from_event) is after

    asyncio.run(story())


def test_a_frame_is_what_the_standard_says():
    assert frame_of({"a": 1}) == b'\x81\x07{"a":1}'
    assert frame_of({"a": "x" * 200})[:4] == b"\x81\x7e\x00\xd0"
