"""Results that would fill a notebook: the value is whole, its display is not. Source: UX 2, "size".

Lists and dicts need none of this: IPython shows their first thousand items.
"""

from __future__ import annotations

from typing import Any

MOST_CHARACTERS = 20_000


class LargeText(str):
    """A text of which the beginning is shown."""

    def __repr__(self) -> str:
        return beginning(str.__repr__(self))


class LargeBytes(bytes):
    """Bytes of which the beginning is shown."""

    def __repr__(self) -> str:
        return beginning(bytes.__repr__(self))


def displayable(value: Any) -> Any:
    """Return the value; of a long text or long bytes, one that is equal to it and shown in part."""
    match value:
        case str() if len(value) > MOST_CHARACTERS:
            return LargeText(value)
        case bytes() if len(value) > MOST_CHARACTERS:
            return LargeBytes(value)
    return value


def beginning(text: str) -> str:
    """Return a text that is not too long to be shown, and how much of it is left out."""
    more = len(text) - MOST_CHARACTERS
    return text if more <= 0 else f"{text[:MOST_CHARACTERS]}\n… {more} more characters; bound with --out it is whole"
