"""What a terminal is asked and told: how wide it is, and one line that is written over.

Nobody sees a line that is written over where the text goes to a file or a pipe: there only the last one is printed.
"""

from __future__ import annotations

import sys
from shutil import get_terminal_size

from golem_nb.notebook.visible import fitted, visible

# Where there is no terminal: a stored notebook, a file. Wider ones are scrolled on GitHub.
USUAL_WIDTH, USUAL_HEIGHT = 100, 24
LEAST_WIDTH = 40


def is_terminal() -> bool:
    # A kernel may have the terminal that Jupyter was started in, which nobody reads: only sys.stdout counts.
    # Programs put things without `isatty` in its place, or None.
    return bool(getattr(sys.stdout, "isatty", bool)())


def terminal_width() -> int:
    """Return how wide a line may be: as the terminal is, else 100."""
    if not is_terminal():
        return USUAL_WIDTH
    return max(get_terminal_size((USUAL_WIDTH, USUAL_HEIGHT)).columns, LEAST_WIDTH)


def write_over(line: str, *, is_last: bool = False) -> None:
    """Write a line in the place of the one before; the last one stays."""
    if is_terminal():
        # One column less: some terminals begin a line of its own behind the last.
        print(f"\r{fitted(visible(line), terminal_width() - 1)}", end="\n" if is_last else "", flush=True)
    elif is_last:
        print(visible(line), flush=True)


def erased() -> str:
    """Return what takes the line away that is to be written over."""
    return f"\r{'':<{terminal_width() - 1}}\r" if is_terminal() else ""
