"""The request that a response, its body and its stream belong to: how it is sent, sent again, and ended.

How this works: a request whose end is not recorded is sent again, with its idempotency key. Mostly the whole write is
done again from its beginning, and what was recorded of it is void. Where that would undo what else was done meanwhile
(another request, a call of a worker, a value that was stored), its entries stay, and the request goes on instead: when
replay is over it is sent, and of the answer's body as much is passed over as the component had.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from golem_nb.host.clocks import Deadline
from golem_nb.host.context import HostContext
from golem_nb.host.declare import Trap, Value
from golem_nb.host.http_exchange import Exchange, Failed, Pipe, Request
from golem_nb.host.http_request import OutgoingBody
from golem_nb.oplog.spans import Span

KEY_HEADER = "idempotency-key"
# A component that drops a request may do so because nobody takes it: it is not held up for ever.
SEND_WITHIN_NS = 5 * 10**9


class _Sent:
    """Ready when a request has gone out."""

    deadline_ns: int | None = None
    is_promise = False

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def is_ready(self) -> bool:
        return self._exchange.sent.done()

    def call_when_ready(self, wake: Callable[[], None]) -> None:
        self._exchange.sent.add_done_callback(lambda _: wake())


class Owner:
    """One request, and whose turn it is to end it."""

    def __init__(self, worker: HostContext, begin: int, span: Span, request: Request) -> None:
        self.worker, self.begin, self.span, self.request = worker, begin, span, request
        self.exchange: Exchange | None = None
        """None in replay."""
        self.trailers: Sequence[tuple[str, bytes]] = ()
        self.holder: object = None
        self.is_ended = False
        self.given = 0
        """How many bytes of the answer's body the component had."""
        self._passed = 0
        """How many of them came by in this exchange."""

    def start(self, body: OutgoingBody | None) -> None:
        """Send the request, now or at the end of replay; in replay of one that has an end, never."""
        if self.worker.is_live:
            self._send(body)
        elif self.worker.goes_on(self.begin):
            self.worker.when_live(lambda: None if self.is_ended else self._send(body))
        elif body is not None:
            body.send_with(None)

    def _send(self, body: OutgoingBody | None) -> None:
        """Send the request, with the idempotency key that a second sending would have, too."""
        shown, headers = self.request, list(self.request.headers)
        if KEY_HEADER not in {name.lower() for name, _ in headers}:
            headers.append((KEY_HEADER, self.worker.derived_key(self.begin).encode()))
        sent = Request(shown.method, shown.url, headers, shown.timeouts)
        exchange = self.exchange = Exchange(sent, None if body is None else body.pipe)
        self.worker.close_with_instance(self)
        client = self.worker.network.http_client()
        self.worker.submit(lambda: exchange.run(client))
        if body is not None:
            body.send_with(exchange)

    def pass_to(self, holder: object) -> None:
        self.holder = holder

    def dropped_by(self, holder: object) -> None:
        if self.holder is holder:
            self.end()

    def end(self) -> None:
        """Close the remote write, once."""
        if self.is_ended:
            return
        if self.exchange is not None and self.exchange.will_be_sent:
            # A crash behind the end would lose it: nobody sends again what has an end.
            deadline = Deadline(self.worker, self.worker.now_ns() + SEND_WITHIN_NS)
            self.worker.wait_until_any([_Sent(self.exchange), deadline])
        self.is_ended = True
        self.worker.end_remote_write(self.begin)
        self.worker.finish_span(self.span)
        if self.exchange is not None:
            self.exchange.release()

    def close(self) -> None:
        """The instance is dropped.

        A write that is still open is cut off: it is done again when the worker comes back. One that the oplog has as
        ended is not, so what is not sent of it goes on.
        """
        if self.exchange is None:
            return
        if self.worker.is_remote_write_open(self.begin):
            self.exchange.cancel()
        else:
            self.exchange.release()

    def live_exchange(self) -> Exchange:
        if self.exchange is None:
            raise Trap("Body stream was interrupted due to a restart")
        return self.exchange

    def request_value(self) -> Value:
        headers = [(name, value.decode("utf-8", "replace")) for name, value in self.request.headers]
        return {"uri": self.request.url, "method": self.request.method, "headers": headers}

    # The answer's body.

    def take(self, most: int) -> bytes | None:
        """Return what is there of the body behind what the component had, up to `most` bytes; None at the end.

        Raises:
            Failed: The exchange failed.
        """
        body = self.live_exchange().response_body
        if not self._has_caught_up(body):
            return b""
        data = body.take(most)
        self._passed += len(data or b"")
        return data

    def is_readable(self) -> bool:
        """Does `take` give something? Of a request of the past it does: its stream says `closed`."""
        if self.exchange is None or self.is_ended:
            return True
        body = self.exchange.response_body
        try:
            return self._has_caught_up(body) and body.is_readable
        except Failed:
            return True

    def call_when_readable(self, wake: Callable[[], None]) -> None:
        if self.exchange is not None:
            self.exchange.response_body.call_when_changed(wake)

    def _has_caught_up(self, body: Pipe) -> bool:
        """Pass over what the component had of an earlier exchange; return whether all of that has come."""
        while self._passed < self.given:
            data = body.take(self.given - self._passed)
            if data is None:
                raise Failed(("HTTP-response-incomplete", None))  # the first answer had more
            if not data:
                return False
            self._passed += len(data)
        return True
