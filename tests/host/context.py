"""A HostContext for tests of host functions: always live, with a given clock and randomness. It records nothing."""

import threading

from golem_nb.host.declare import Effect, ResourceTable, WitError
from golem_nb.host.filetree import FileTree
from golem_nb.host.network import Network
from golem_nb.oplog.spans import Span

START_NS = 1_700_000_000 * 10**9


class FakeWorker:
    """Waiting for a deadline sets the clock to it."""

    def __init__(self, args=(), env=(), config=None):
        self.args, self.env, self.config, self.table = args, env, config or {}, ResourceTable()
        self.files = FileTree()
        self.is_live = True
        self.effects = 0
        self.output, self.spans, self.begun, self.ended, self.held = [], [], [], [], []
        self.going_on, self.at_the_end_of_replay = set(), []
        self.clock_ns = START_NS
        self._shared = {}
        self.forwards_trace_headers, self.trace_id = True, "1" * 32
        self.span = Span("f" * 16, START_NS // 1000, None, {"name": "invocation"})
        self.network = Network()

    def call(self, function, target, arguments):
        """Answer as the engine does when live, and check that what would be recorded can be."""
        if function.effect is Effect.DETERMINISTIC:
            return function.body(target, **arguments)
        function.request_for(target, arguments)
        try:
            value = function.body(target, **arguments)
        except WitError as error:
            function.recorded(("err", error.payload))
            payload = error.payload
            raise WitError(
                function.rebuild_error(target, payload, **arguments) if function.rebuild_error else payload
            ) from None
        function.recorded(("ok", value))
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

    def effect_key(self):
        self.effects += 1
        return str(self.effects)

    def begin_remote_write(self):
        self.begun.append(len(self.begun) + 1)
        return self.begun[-1]

    def goes_on(self, begin):
        return begin in self.going_on

    def when_live(self, do):
        do() if self.is_live else self.at_the_end_of_replay.append(do)

    def end_remote_write(self, begin):
        self.ended.append(begin)

    def is_remote_write_open(self, begin):
        return begin in self.begun and begin not in self.ended

    def start_span(self, attributes, parent=None):
        self.spans.append(dict(attributes))
        return Span(f"{len(self.spans):016x}", self.clock_ns // 1000, parent or self.span, dict(attributes))

    def enter_span(self, span):
        self.span = span

    def set_span_attribute(self, span, key, value):
        span.attributes[key] = value

    def trace_headers(self, span):
        return [("traceparent", f"00-{self.trace_id}-{span.span_id}-00")]

    def finish_span(self, span):
        self.spans.append(span.span_id)
        if self.span is span:
            self.span = span.parent

    def derived_key(self, index):
        return f"key-{index}"


def call(target, name, /, **arguments):
    """Call a host function of an object or interface by its Python name."""
    return target.worker.call(getattr(type(target), name), target, arguments)
