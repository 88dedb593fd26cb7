"""Bytes that a component writes before it hands them over, or reads when it got them: the values of the stores.

They lie in the instance's memory and are built again by replay, so nothing here is recorded.
"""

from __future__ import annotations

from golem_nb.host.context import HostContext
from golem_nb.host.declare import WitError
from golem_nb.host.io import CLOSED, InputStream, OutputStream, failed

# Of one value, or of several that are asked for at once. They are in memory as a whole, as is the oplog entry that has
# them; SQLite takes up to 1 GB.
MOST_BYTES = 256 << 20
# Of a value that is given as a list<u8>: each byte is 32 bytes on its way (ENGINE 5).
MOST_AT_ONCE = 16 << 20


class TooLarge(Exception):
    """There are more bytes than can be taken or given."""


class Outgoing:
    """What a component has written of a value so far."""

    def __init__(self) -> None:
        self._contents = bytearray()

    def append(self, contents: bytes) -> None:
        """Add to the value.

        Raises:
            TooLarge: It would have too many bytes; it stays as it is.
        """
        if len(self) + len(contents) > MOST_BYTES:
            raise TooLarge(f"a value has {MOST_BYTES} bytes at most")
        self._contents += contents

    def __bytes__(self) -> bytes:
        return bytes(self._contents)

    def __len__(self) -> int:
        return len(self._contents)


class Incoming:
    """A value that a component got; it can be taken once, as in Golem."""

    def __init__(self, contents: bytes) -> None:
        self._contents = contents

    def take(self) -> bytes:
        contents, self._contents = self._contents, b""
        return contents

    def take_at_once(self) -> bytes:
        """Return the value to be given as a list.

        Raises:
            TooLarge: It has too many bytes for that; it can still be taken for a stream.
        """
        if len(self) > MOST_AT_ONCE:
            raise TooLarge(f"a value of {len(self)} bytes is read through a stream; up to {MOST_AT_ONCE} come at once")
        return self.take()

    def __len__(self) -> int:
        return len(self._contents)


class OutgoingStream(OutputStream):
    def __init__(self, worker: HostContext, body: Outgoing) -> None:
        super().__init__(worker)
        self._body = body

    def put(self, contents: bytes) -> None:
        try:
            self._body.append(contents)
        except TooLarge as error:
            raise failed(self.worker, str(error)) from None


class IncomingStream(InputStream):
    def __init__(self, worker: HostContext, contents: bytes) -> None:
        super().__init__(worker)
        self._rest = memoryview(contents)

    def take(self, most: int) -> bytes:
        taken, self._rest = bytes(self._rest[:most]), self._rest[most:]
        if not taken and most:
            raise WitError(CLOSED)
        return taken
