"""asyncio without sockets: coroutines of one call take turns, and when all of them sleep, so does the worker."""

import asyncio
import time


class _Sleeps:
    """What the loop takes for a selector: nothing ever becomes readable here but time passes."""

    def __init__(self, woke_up):
        self._woke_up = woke_up

    def select(self, timeout=None):
        if timeout is None:
            raise RuntimeError("every coroutine waits for another one: this call would never end")
        if timeout > 0:
            time.sleep(timeout)
            self._woke_up()
        return []

    def close(self):
        pass


class Loop(asyncio.BaseEventLoop):
    def __init__(self):
        super().__init__()
        self._now = None
        self._selector = _Sleeps(self._wake_up)

    def time(self):
        """Return a time that goes on when the loop has slept: each reading is recorded, and the loop asks often."""
        if self._now is None:
            self._now = time.monotonic()
        return self._now

    def _wake_up(self):
        self._now = None

    def _process_events(self, events):
        pass

    def _write_to_self(self):
        pass  # there are no other threads that could wake it


def run(coroutine):
    """Run a coroutine to its end; tasks that it leaves behind are cancelled, as by `asyncio.run`."""
    with asyncio.Runner(loop_factory=Loop) as runner:
        return runner.run(coroutine)
