"""Entries <-> the chunks that are stored: one MessagePack array of consecutive entries."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence

import msgspec

from golem_nb.oplog.entries import KINDS, OplogEntry

CHUNK_CODEC = 1  # stored beside each chunk, so that a later form can stand beside this one

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[functools.reduce(operator.or_, KINDS)])  # type: ignore[misc]


def chunk_from_entries(entries: Sequence[OplogEntry]) -> bytes:
    return _encoder.encode(entries)


def entries_from_chunk(chunk: bytes) -> list[OplogEntry]:
    entries: list[OplogEntry] = _decoder.decode(chunk)
    return entries
