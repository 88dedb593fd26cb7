"""Text of components where one line is wanted: what would move a terminal's cursor, or colour it, is a sign."""

from __future__ import annotations

# Controls of ASCII and of Latin-1; a line's end as the sign that keyboards have for it.
_SIGNS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))} | {0x0A: "⏎"}


def visible(text: str) -> str:
    """Return the text on one line; line ends at its end are left out."""
    return text.rstrip("\n").translate(_SIGNS)
