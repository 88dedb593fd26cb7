"""Entries <-> the chunks that are stored (one MessagePack array of consecutive entries), and folds <-> checkpoints."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence

import msgspec

from golem_nb.oplog.entries import KINDS, OplogEntry
from golem_nb.oplog.fold import WorkerState

CHUNK_CODEC = 1  # stored beside each chunk, so that a later form can stand beside this one
STATE_CODEC = 4  # of a checkpoint, which is a cache: one of another form is not read. One more with each change of fold

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[functools.reduce(operator.or_, KINDS)])  # type: ignore[misc]


def chunk_from_entries(entries: Sequence[OplogEntry]) -> bytes:
    return _encoder.encode(entries)


def entries_from_chunk(chunk: bytes) -> list[OplogEntry]:
    entries: list[OplogEntry] = _decoder.decode(chunk)
    return entries


_state_decoder = msgspec.msgpack.Decoder(WorkerState)


def bytes_from_state(state: WorkerState) -> bytes:
    return _encoder.encode(state)


def state_from_bytes(data: bytes) -> WorkerState:
    return _state_decoder.decode(data)
