import io
import struct
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golem_nb.errors import BadInput
from golem_nb.oplog.archive import (
    FORMAT,
    MAGIC,
    Archive,
    Header,
    StoredCall,
    StoredChunk,
    StoredPromise,
    VersionOf,
    write_archive,
)

HEADER = Header("golem_nb 1", UUID(int=1), "shop", "w", 3, (VersionOf(0, "abc", "{}"),), None)
FRAMES = [
    HEADER,
    StoredChunk(1, 1, 1, b"one"),
    StoredChunk(2, 2, 1, bytes(70_000)),
    StoredPromise(2, b"paid", False),
    StoredCall(5, b"call"),
]


def written(frames=FRAMES):
    file = io.BytesIO()
    write_archive(file, frames)
    return file.getvalue()


def test_what_is_written_is_read_as_often_as_wanted():
    archive = Archive(io.BytesIO(written()))

    for _ in range(2):
        assert archive.header == HEADER
        assert list(archive.chunks()) == FRAMES[1:3]
        assert list(archive.promises()) == [FRAMES[3]]
        assert list(archive.calls()) == [FRAMES[4]]


def test_two_readers_do_not_disturb_each_other():
    archive = Archive(io.BytesIO(written()))

    first, second = archive.chunks(), archive.chunks()

    assert [next(first), next(second), next(first), next(second)] == [FRAMES[n] for n in (1, 1, 2, 2)]


def sealed(*bodies):
    """Return a file with these bodies of frames, whose checksum is right."""
    import hashlib

    data = MAGIC + struct.pack(">I", FORMAT) + b"".join(struct.pack(">I", len(body)) + body for body in bodies)
    end = msgspec.msgpack.encode([9, hashlib.sha256(data).digest()])
    return data + struct.pack(">I", len(end)) + end


ENCODED = msgspec.msgpack.encode(HEADER)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "not a file that a worker was exported to"),
        (b"PK\3\4" + bytes(100), "not a file that a worker was exported to"),
        (MAGIC, "cut off"),
        (
            MAGIC + struct.pack(">I", FORMAT + 1) + bytes(50),
            f"has format {FORMAT + 1}, and this golem_nb reads {FORMAT}",
        ),
        (MAGIC + struct.pack(">I", FORMAT) + b"\xff\xff\xff\xff", "cut off"),
        (written() + b"x", "goes on behind its end"),
        (sealed(), "does not begin with a header"),
        (sealed(msgspec.msgpack.encode(FRAMES[1]), ENCODED), "does not begin with a header"),
        (sealed(ENCODED, ENCODED), "two headers"),
        (sealed(ENCODED, b"\xc1"), "damaged"),
        (sealed(ENCODED, msgspec.msgpack.encode([77])), "damaged"),
        (sealed(b"\x91" * 5000), "damaged"),
        (b"\x80\x04\x95" + b"cos\nsystem\n", "not a file that a worker was exported to"),  # a pickle
    ],
)
def test_another_file_is_refused_with_the_reason(data, text):
    with pytest.raises(BadInput, match=text):
        Archive(io.BytesIO(data))


@given(st.integers(0, len(written()) - 1))
def test_a_file_that_is_cut_off_anywhere_is_refused(length):
    with pytest.raises(BadInput):
        Archive(io.BytesIO(written()[:length]))


@given(st.integers(0, len(written()) - 1), st.integers(1, 255))
def test_a_file_with_any_byte_changed_is_refused(place, change):
    data = bytearray(written())
    data[place] ^= change

    with pytest.raises(BadInput):
        Archive(io.BytesIO(bytes(data)))
