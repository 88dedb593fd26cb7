import asyncio
import gc
import threading

import pytest

from golem_nb.notebook.later import Aio, events_of, later


class Thing:
    """What has a property, a method and a plain attribute."""

    plain = 3

    def __init__(self):
        self.go = threading.Event()

    @property
    def size(self):
        return threading.current_thread().name

    def twice(self, number):
        return number * 2

    def wait(self):
        self.go.wait(10)
        return "over"

    def fail(self):
        raise ValueError("no")


def test_properties_and_methods_are_awaited_in_threads():
    async def main():
        return await Aio(Thing()).size, await Aio(Thing()).twice(4)

    assert asyncio.run(main()) == ("awaited", 8)


@pytest.mark.filterwarnings("error")
def test_looking_at_a_property_begins_nothing():
    looked_at = Aio(Thing()).size

    assert repr(looked_at) == "to be awaited"
    del looked_at  # a coroutine would say that it was never awaited
    gc.collect()


def test_properties_are_gathered():
    async def main():
        return await asyncio.gather(Aio(Thing()).size, Aio(Thing()).size)

    assert asyncio.run(main()) == ["awaited", "awaited"]


def test_an_error_is_raised_where_it_is_awaited():
    async def main():
        await Aio(Thing()).fail()

    with pytest.raises(ValueError, match="no"):
        asyncio.run(main())


def test_more_calls_wait_at_once_than_a_pool_has_threads():
    thing, count = Thing(), 100

    async def main():
        calls = [asyncio.ensure_future(Aio(thing).wait()) for _ in range(count)]
        while sum(thread.name == "awaited" for thread in threading.enumerate()) < count:
            await asyncio.sleep(0.01)
        thing.go.set()
        return await asyncio.gather(*calls)

    assert asyncio.run(main()) == ["over"] * count


def test_a_cancelled_call_ends_the_wait_and_not_the_work():
    thing, ended = Thing(), threading.Event()

    async def main():
        call = asyncio.ensure_future(later(lambda: (thing.wait(), ended.set())))
        await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        thing.go.set()

    asyncio.run(main())
    assert ended.wait(10)


class Stream:
    """Three events, then the end."""

    is_closed = False

    async def __aiter__(self):
        for name in ("e1", "e2", "e3"):
            yield name

    def close(self):
        self.is_closed = True


def test_events_are_iterated_until_the_stream_ends():
    async def main():
        stream = Stream()
        return [event async for event in events_of(stream)], stream.is_closed

    assert asyncio.run(main()) == (["e1", "e2", "e3"], True)
