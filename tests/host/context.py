"""A HostContext for tests of host functions: always live, with a given clock and randomness. It records nothing."""

import threading

from golem_nb.host.declare import Effect, ResourceTable, WitError
from golem_nb.host.network import Network
from golem_nb.values.binary import bytes_from_value

START_NS = 1_700_000_000 * 10**9


class FakeWorker:
    """Waiting for a deadline sets the clock to it."""

    def __init__(self, args=(), env=()):
        self.args, self.env, self.table = args, env, ResourceTable()
        self.is_live = True
        self.output, self.spans, self.begun, self.ended, self.held = [], [], [], [], []
        self.clock_ns = START_NS
        self._shared = {}
        self.network = Network()

    def call(self, function, target, arguments):
        """Answer as the engine does when live, and check that what would be recorded can be."""
        if function.effect is Effect.DETERMINISTIC:
            return function.body(target, **arguments)
        bytes_from_value(*function.request_for(target, arguments))
        try:
            value = function.body(target, **arguments)
        except WitError as error:
            bytes_from_value(function.response_type, ("err", error.payload))
            payload = error.payload
            raise WitError(
                function.rebuild_error(target, payload, **arguments) if function.rebuild_error else payload
            ) from None
        bytes_from_value(function.response_type, ("ok", value))
        return function.rebuild(target, value, **arguments) if function.rebuild else value

    def shared(self, kind):
        if kind not in self._shared:
            self._shared[kind] = kind(self)
        return self._shared[kind]

    def now_ns(self):
        return self.clock_ns

    def moment_ns(self):
        return self.clock_ns

    def random_bytes(self, count):
        return bytes(range(count))

    def wait_until_any(self, sources):
        ready = [n for n, source in enumerate(sources) if source.is_ready()]
        if ready:
            return ready
        deadlines = [s.deadline_ns for s in sources if s.deadline_ns is not None]
        if deadlines:
            self.clock_ns = min(deadlines)
        else:
            changed = threading.Event()
            for source in sources:
                source.call_when_ready(changed.set)
            while not any(source.is_ready() for source in sources):
                assert changed.wait(5), "waited in vain"
                changed.clear()
        return self.wait_until_any(sources)

    def close_with_instance(self, held):
        self.held.append(held)

    def submit(self, work):
        threading.Thread(target=work, daemon=True).start()

    def run_apart(self, work):
        return work()

    def emit(self, level, context, message):
        self.output.append((level.value, message))

    def begin_remote_write(self):
        self.begun.append(len(self.begun) + 1)
        return self.begun[-1]

    def end_remote_write(self, begin):
        self.ended.append(begin)

    def is_remote_write_open(self, begin):
        return begin in self.begun and begin not in self.ended

    def start_span(self, attributes):
        self.spans.append(dict(attributes))
        return f"{len(self.spans):016x}"

    def trace_parent(self, span_id):
        return f"00-{'1' * 32}-{span_id}-00"

    def finish_span(self, span_id):
        self.spans.append(span_id)

    def derived_key(self, index):
        return f"key-{index}"


def call(target, name, /, **arguments):
    """Call a host function of an object or interface by its Python name."""
    return target.worker.call(getattr(type(target), name), target, arguments)
