import asyncio
import threading

from golem_nb.server.lanes import AT_ONCE, LANE_OF, THREADS, UPLOADS, Lanes
from golem_nb.wire.operations import EXTENSIONS, OPERATIONS


def test_lanes_are_of_operations():
    known = {op.id for op in OPERATIONS + EXTENSIONS}

    assert set(LANE_OF) | AT_ONCE <= known


def test_40_blocked_uploads_keep_no_other_operation_waiting():
    lanes, release = Lanes(), threading.Event()

    async def story():
        uploads = [asyncio.create_task(lanes.run("createComponent", release.wait)) for _ in range(40)]
        await asyncio.sleep(0)
        try:
            return [await lanes.run(operation, lambda: "done") for operation in ("invokeFunction", "getOplog")]
        finally:
            release.set()
            await asyncio.gather(*uploads)

    assert asyncio.run(asyncio.wait_for(story(), 30)) == ["done", "done"]


def test_a_lane_has_its_threads_and_no_more():
    lanes, release, running = Lanes(), threading.Event(), []

    def block():
        running.append(None)
        release.wait()

    async def story():
        uploads = [asyncio.create_task(lanes.run("createComponent", block)) for _ in range(THREADS[UPLOADS] + 3)]
        while len(running) < THREADS[UPLOADS]:
            await asyncio.sleep(0.001)
        at_once = len(running)
        release.set()
        await asyncio.gather(*uploads)
        return at_once

    assert asyncio.run(asyncio.wait_for(story(), 30)) == THREADS[UPLOADS]
    assert len(running) == THREADS[UPLOADS] + 3


def test_what_needs_no_thread_gets_none():
    async def story():
        return await Lanes().run("healthcheck", threading.get_ident)

    assert asyncio.run(story()) == threading.get_ident()
