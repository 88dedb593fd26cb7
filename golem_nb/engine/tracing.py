"""Ids of traces and spans, in W3C's sizes. They are to differ, not to be secret: the system's source costs 30 us."""

from __future__ import annotations

import random

_source = random.Random()


def new_trace_id() -> str:
    """Return 32 hex digits."""
    return f"{_source.getrandbits(128):032x}"


def new_span_id() -> str:
    """Return 16 hex digits."""
    return f"{_source.getrandbits(64):016x}"
