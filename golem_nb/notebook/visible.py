"""Text of components where it must not steer: what would move a terminal's cursor, or colour it, is a sign."""

from __future__ import annotations

import re
from unicodedata import combining, east_asian_width

BEFORE_DIFFERENCE = 20  # characters shown before the first that is another

# Controls of ASCII and of Latin-1, what turns the direction of writing or begins a line of its own, and halves of
# characters, which cannot be printed.
STEERING = "[\\x00-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff]"
_STEERING = re.compile(STEERING)
_NO_WIDTH = frozenset("\u200b\u200c\u200d\u2060\ufe0e\ufe0f\ufeff")


def _sign(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code == 0x0A:
        return "⏎"  # a line's end as the sign that keyboards have for it
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def visible(text: str) -> str:
    """Return the text on one line; line ends at its end are left out."""
    return _STEERING.sub(_sign, text.rstrip("\n"))


def lines_visible(text: str) -> str:
    """Return the text with the lines that it has."""
    return "\n".join(map(visible, text.split("\n")))


def cut(text: str, most: int) -> str:
    """Return the text on one line of at most so many characters."""
    text = visible(text[: most + 1])
    return text if len(text) <= most else f"{text[: most - 1]}…"


def width_of(text: str) -> int:
    """Return how many columns of a terminal a visible text takes: characters of East Asia take two."""
    if text.isascii():
        return len(text)
    return sum(map(_width, text))


def _width(character: str) -> int:
    if combining(character) or character in _NO_WIDTH:
        return 0
    return 2 if east_asian_width(character) in "WF" else 1


def fitted(text: str, width: int, *, is_right: bool = False, from_end: bool = False) -> str:
    """Return a visible text in exactly so many columns: padded, or cut; `from_end` keeps its end."""
    taken = width_of(text)
    if taken > width:
        text = f"…{_beginning(text[::-1], width - 1)[::-1]}" if from_end else f"{_beginning(text, width - 1)}…"
        taken = width_of(text)
    room = " " * (width - taken)
    return f"{room}{text}" if is_right else f"{text}{room}"


def _beginning(text: str, width: int) -> str:
    taken = 0
    for place, character in enumerate(text):
        taken += _width(character)
        if taken > width:
            return text[:place]
    return text


def beside(left: str, right: str, most: int) -> tuple[str, str]:
    """Return two texts cut so that one sees where they differ: long ones from a little before that."""
    differing = (at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b)
    start = next(differing, min(len(left), len(right))) - BEFORE_DIFFERENCE
    if start <= 0 or max(len(left), len(right)) <= most:
        return cut(left, most), cut(right, most)
    return cut(f"…{left[start:]}", most), cut(f"…{right[start:]}", most)
