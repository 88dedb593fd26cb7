"""wasi:io 0.2: error, poll, streams.

Pollables wrap a `Source`. Waiting is recorded by which of them were ready, so that replay does not wait (SEMANTICS 3.4,
3.14). Streams of files and of standard output run again in replay; those of HTTP bodies record their reads and are
subclasses in `http`.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Sequence

from golem_nb.host.context import HostContext, Source
from golem_nb.host.declare import HostFunction, Interface, Resource, Trap, Value, WitError, deterministic, read_local
from golem_nb.model import LogLevel
from golem_nb.values.types import BOOL, U32, U64, ListType

# Each byte of a list<u8> is 32 bytes on its way (ENGINE 5): reads are cut to this, as WASI allows.
MOST_READ = 64 << 10
# What `check-write` permits. wasi-libc and Rust write at most 4096 bytes at once, Go and adapters what they are told.
WRITE_PERMIT = 64 << 10

CLOSED = ("closed", None)


class IoError(Resource, wit="wasi:io/error#error"):
    def __init__(
        self, worker: HostContext, text: str, http_code: Value = None, network_code: str | None = None
    ) -> None:
        self.worker, self.text, self.http_code, self.network_code = worker, text, http_code, network_code

    @deterministic
    def to_debug_string(self) -> str:
        return self.text


def failed(worker: HostContext, text: str) -> WitError:
    """Return the stream-error `last-operation-failed`."""
    return WitError(("last-operation-failed", IoError(worker, text)))


class Ready:
    """A source that never makes anybody wait."""

    deadline_ns: int | None = None
    is_promise = False

    def is_ready(self) -> bool:
        return True

    def call_when_ready(self, wake: Callable[[], None]) -> None:
        wake()


class Volatile:
    """Base of sources that replay does not bring back: what they stand for is done again for real."""

    def note_told_ready(self) -> None:
        """The component is told that it is ready; in replay by the oplog, whether it is or not."""


class Pollable(Resource, wit="wasi:io/poll#pollable"):
    def __init__(self, worker: HostContext, source: Source | None = None) -> None:
        self.worker, self.source = worker, source or Ready()

    @read_local(label="golem io::poll::ready", response=BOOL)
    def ready(self) -> bool:
        return self.source.is_ready()

    @ready.rebuilt
    def _ready(self, is_ready: bool) -> bool:
        if is_ready:
            self.tell()
        return is_ready

    @read_local(
        label="golem io::poll::poll", request_type=U64, request=lambda self: 1, response=ListType(U32), commits=True
    )
    def block(self) -> list[int]:
        return self.worker.wait_until_any([self.source])

    @block.rebuilt
    def _block(self, ready: list[int]) -> None:
        self.tell()

    def tell(self) -> None:
        if isinstance(self.source, Volatile):
            self.source.note_told_ready()


class Poll(Interface, wit="wasi:io/poll"):
    @read_local(
        label="golem io::poll::poll",
        request_type=U64,
        request=lambda self, in_: len(in_),
        response=ListType(U32),
    )
    def poll(self, in_: Sequence[Pollable]) -> list[int]:
        if not in_:
            raise Trap("empty poll list")  # as wasmtime does: WASI says that it must trap
        return self.worker.wait_until_any([pollable.source for pollable in in_])

    @poll.rebuilt
    def _poll(self, ready: list[int], in_: Sequence[Pollable]) -> list[int]:
        for place in ready:
            in_[place].tell()
        return ready


class InputStream(Resource, wit="wasi:io/streams#input-stream"):
    """Base of all input streams; a subclass gives `take` and `skipped`, or its own recorded functions."""

    def __init__(self, worker: HostContext) -> None:
        self.worker = worker

    def take(self, most: int) -> bytes:
        """Return up to `most` bytes.

        Raises:
            WitError: The stream has ended (`closed`) or failed.
        """
        raise Trap("this stream cannot be read")

    def wait_for_bytes(self) -> None:
        """Wait until `take` gives some, or fails."""

    def source(self) -> Source:
        return Ready()

    @deterministic
    def read(self, len: int) -> bytes:
        return self.take(min(len, MOST_READ))

    @deterministic
    def blocking_read(self, len: int) -> bytes:
        if len:
            self.wait_for_bytes()
        return self.take(min(len, MOST_READ))

    @deterministic
    def skip(self, len: int) -> int:
        return _length(self.take(min(len, MOST_READ)))

    @deterministic
    def blocking_skip(self, len: int) -> int:
        if len:
            self.wait_for_bytes()
        return _length(self.take(min(len, MOST_READ)))

    @deterministic
    def subscribe(self) -> Pollable:
        return Pollable(self.worker, self.source())


def _length(data: bytes) -> int:
    return len(data)


class OutputStream(Resource, wit="wasi:io/streams#output-stream"):
    """Base of all output streams; a subclass gives `put`."""

    def __init__(self, worker: HostContext) -> None:
        self.worker = worker

    def put(self, contents: bytes) -> None:
        """Take all of `contents`.

        Raises:
            WitError: The stream is closed, or failed.
        """
        raise Trap("this stream cannot be written")

    def permit(self) -> int:
        """Return how many bytes may be written now."""
        return WRITE_PERMIT

    def wait_for_permit(self) -> None:
        """Wait until some bytes may be written."""

    def wait_until_flushed(self) -> None:
        """Wait until what was written has arrived."""

    def source(self) -> Source:
        return Ready()

    @deterministic
    def check_write(self) -> int:
        return self.permit()

    @deterministic
    def write(self, contents: bytes) -> None:
        self.put(contents)

    @deterministic
    def blocking_write_and_flush(self, contents: bytes) -> None:
        self.wait_for_permit()
        self.put(contents)
        self.wait_until_flushed()

    @deterministic
    def flush(self) -> None:
        return None

    @deterministic
    def blocking_flush(self) -> None:
        self.wait_until_flushed()

    @deterministic
    def subscribe(self) -> Pollable:
        return Pollable(self.worker, self.source())

    @deterministic
    def write_zeroes(self, len: int) -> None:
        self.put(_zeroes(len))

    @deterministic
    def blocking_write_zeroes_and_flush(self, len: int) -> None:
        self.wait_for_permit()
        self.put(_zeroes(len))
        self.wait_until_flushed()

    @deterministic
    def splice(self, src: InputStream, len: int) -> int:
        return self._splice(src.read, src, len)

    @deterministic
    def blocking_splice(self, src: InputStream, len: int) -> int:
        self.wait_for_permit()
        return self._splice(src.blocking_read, src, len)

    def _splice(self, read: HostFunction, src: InputStream, most: int) -> int:
        # Through the door: a source that is the network records what it gives.
        contents: bytes = self.worker.call(read, src, {"len": min(most, self.permit(), MOST_READ)})
        self.put(contents)
        return _length(contents)


def _zeroes(count: int) -> bytes:
    # Other contents come out of the component's own memory; these would come out of ours.
    if count > WRITE_PERMIT:
        raise Trap(f"{count} zeroes were written at once; check-write permits {WRITE_PERMIT}")
    return bytes(count)


class LogStream(OutputStream):
    """Standard output or error: each write is one line of output, kept by the log rule (SEMANTICS 3.9).

    A character whose bytes are split over two writes appears whole in the second.
    """

    def __init__(self, worker: HostContext, level: LogLevel) -> None:
        super().__init__(worker)
        self.level = level

    def put(self, contents: bytes) -> None:
        text = self.worker.shared(_Decoders).decode(self.level, contents)
        if text:
            self.worker.emit(self.level, "", text)


class _Decoders:
    """The decoders of a worker's standard streams: they outlive the handles that a component takes out anew."""

    def __init__(self, worker: HostContext) -> None:
        self._decoders = {level: codecs.getincrementaldecoder("utf-8")("replace") for level in LogLevel}

    def decode(self, level: LogLevel, contents: bytes) -> str:
        return self._decoders[level].decode(contents)
