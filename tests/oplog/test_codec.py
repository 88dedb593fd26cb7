from uuid import UUID

import msgspec
import pytest

from golem_nb.model import LogLevel
from golem_nb.oplog.codec import chunk_from_entries, entries_from_chunk
from golem_nb.oplog.entries import KINDS, Create, ImportedFunctionInvoked, Log, Recorded
from golem_nb.values.types import STRING, U64, OptionType, ResultType

ENTRIES = [
    Create(5, UUID(int=1), "w", 0, ("a",), {"K": "v"}, 10),
    ImportedFunctionInvoked(
        6,
        "monotonic_clock::now",
        Recorded.of(OptionType(STRING), None),
        Recorded.of(ResultType(U64, STRING), ("ok", 5)),
        "ReadLocal",
    ),
    Log(7, LogLevel.STDOUT, "", "hello\n"),
]


def test_a_chunk_gives_its_entries_back():
    assert entries_from_chunk(chunk_from_entries(ENTRIES)) == ENTRIES


def test_tags_are_never_used_twice():
    tags = [msgspec.inspect.type_info(kind).tag for kind in KINDS]

    assert len(set(tags)) == len(KINDS) == 39


def test_the_bytes_of_today_are_read_for_ever():
    """An oplog that was written once must be read by every later golem_nb: this text is never changed."""
    chunk = bytes.fromhex(
        "92990105d92430303030303030302d303030302d303030302d303030302d303030303030303030303031a1770091a16181a14ba1"
        "760ac0951707a65374646f7574a0a668656c6c6f0a"
    )

    assert entries_from_chunk(chunk) == [ENTRIES[0], ENTRIES[2]]


def test_a_damaged_chunk_is_not_read():
    with pytest.raises(msgspec.MsgspecError):
        entries_from_chunk(chunk_from_entries(ENTRIES)[:-1])
