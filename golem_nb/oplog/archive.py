"""A worker's history as one file that stands for itself: written by an engine, read by another.

    file     ::= "golem_nb worker\\n" format frame* end
    format   ::= u32, big-endian; so are all lengths
    frame    ::= length body         body: MessagePack of a Header (first), StoredChunk, StoredPromise or StoredCall
    end      ::= length body         body: MessagePack of an End, with the SHA-256 of all that is before it

Chunks are what the store has, byte for byte. The component's wasm is not in the file: its versions are named by their
SHA-256. A file is examined as a whole before anything in it is used, and has nothing in it that is executed.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator
from typing import IO
from uuid import UUID

import msgspec

from golem_nb.errors import BadInput
from golem_nb.model import OplogIndex

MAGIC = b"golem_nb worker\n"
FORMAT = 1
_U32 = struct.Struct(">I")


class VersionOf(msgspec.Struct, frozen=True, array_like=True):
    """A component version that a history is of. `options` is JSON, as the store has it."""

    version: int
    sha256: str
    options: str


class Header(msgspec.Struct, frozen=True, array_like=True, tag=0):
    made_by: str
    component_id: UUID
    component_name: str
    worker_name: str
    last_index: OplogIndex
    versions: tuple[VersionOf, ...]
    blob_effect: str | None
    """What the worker last did to the blob store; see `store.blobs`."""


class StoredChunk(msgspec.Struct, frozen=True, array_like=True, tag=1):
    first_index: OplogIndex
    count: int
    codec: int
    body: bytes


class StoredPromise(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """`payload` is None where it is not complete."""

    oplog_index: OplogIndex
    payload: bytes | None
    is_deleted: bool


class StoredCall(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """A call of the worker to itself, that is due at its time. `body` is the engine's own encoding."""

    due_ns: int
    body: bytes


class End(msgspec.Struct, frozen=True, array_like=True, tag=9):
    sha256: bytes


Frame = Header | StoredChunk | StoredPromise | StoredCall | End
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Frame)


def write_archive(file: IO[bytes], frames: Iterable[Frame]) -> None:
    """Write the frames, of which the first is a Header, and the end."""
    digest = hashlib.sha256()

    def put(data: bytes) -> None:
        digest.update(data)
        file.write(data)

    put(MAGIC + _U32.pack(FORMAT))
    for frame in frames:
        body = _encoder.encode(frame)
        put(_U32.pack(len(body)))
        put(body)
    body = _encoder.encode(End(digest.digest()))
    file.write(_U32.pack(len(body)) + body)


class Archive:
    """A file that was examined. It is read anew for each question, so that it need not be in memory."""

    def __init__(self, file: IO[bytes]) -> None:
        """Examine a file that can be read from any place.

        Raises:
            BadInput: It is foreign, of a newer format, cut off or damaged; the text says which.
        """
        self._file = file
        frames = self._frames()
        header = next(frames, None)
        if not isinstance(header, Header):
            raise BadInput("this file of a worker does not begin with a header")
        self.header = header
        if any(isinstance(frame, Header) for frame in frames):
            raise BadInput("this file of a worker has two headers")

    def chunks(self) -> Iterator[StoredChunk]:
        return (frame for frame in self._frames() if isinstance(frame, StoredChunk))

    def promises(self) -> Iterator[StoredPromise]:
        return (frame for frame in self._frames() if isinstance(frame, StoredPromise))

    def calls(self) -> Iterator[StoredCall]:
        return (frame for frame in self._frames() if isinstance(frame, StoredCall))

    def _frames(self) -> Iterator[Frame]:
        """Yield all frames before the end, from the first one on."""
        place, digest = 0, hashlib.sha256()
        size = self._file.seek(0, 2)

        def take(count: int) -> bytes:
            nonlocal place
            self._file.seek(place)  # another reader may have been elsewhere
            data = self._file.read(count) if count <= size - place else b""
            if len(data) < count:
                raise BadInput(f"this file of a worker is cut off: it ends after {size} bytes")
            place += count
            return data

        def taken(count: int) -> bytes:
            data = take(count)
            digest.update(data)
            return data

        if size < len(MAGIC) or taken(len(MAGIC)) != MAGIC:
            raise BadInput("this is not a file that a worker was exported to")
        (format,) = _U32.unpack(taken(_U32.size))
        if format != FORMAT:
            raise BadInput(f"this file of a worker has format {format}, and this golem_nb reads {FORMAT}; upgrade it")
        while True:
            before = digest.copy()
            frame = _frame(taken(_U32.unpack(taken(_U32.size))[0]))
            if isinstance(frame, End):
                if frame.sha256 != before.digest():
                    raise BadInput("this file of a worker is damaged: its checksum is another one")
                if place != size:
                    raise BadInput("this file of a worker goes on behind its end")
                return
            yield frame


def _frame(body: bytes) -> Frame:
    try:
        frame: Frame = _decoder.decode(body)
        return frame
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadInput(f"this file of a worker is damaged: {error}") from None
