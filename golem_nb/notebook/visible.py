"""Text of components where one line is wanted: what would move a terminal's cursor, or colour it, is a sign."""

from __future__ import annotations

BEFORE_DIFFERENCE = 20  # characters shown before the first that is another

# Controls of ASCII and of Latin-1; a line's end as the sign that keyboards have for it.
_SIGNS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))} | {0x0A: "⏎"}


def visible(text: str) -> str:
    """Return the text on one line; line ends at its end are left out."""
    return text.rstrip("\n").translate(_SIGNS)


def cut(text: str, most: int) -> str:
    """Return the text on one line of at most so many characters."""
    text = visible(text[: most + 1])
    return text if len(text) <= most else f"{text[: most - 1]}…"


def beside(left: str, right: str, most: int) -> tuple[str, str]:
    """Return two texts cut so that one sees where they differ: long ones from a little before that."""
    differing = (at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b)
    start = next(differing, min(len(left), len(right))) - BEFORE_DIFFERENCE
    if start <= 0 or max(len(left), len(right)) <= most:
        return cut(left, most), cut(right, most)
    return cut(f"…{left[start:]}", most), cut(f"…{right[start:]}", most)
