"""Where the magics run: JupyterLab with a reader, headless, or a terminal. Source: UX, findings F2, F3, F7, F8."""

from __future__ import annotations

import contextvars
import threading
from collections import deque
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager, redirect_stdout
from enum import Enum
from io import StringIO
from typing import Any, Protocol

# Pictures hold their data here and in the page; of more than these, the oldest go back to being images.
MOST_LIVE_PICTURES = 24


class Place(Enum):
    """`LIVE` has somebody who looks on and a browser that runs widgets."""

    LIVE = "live"
    HEADLESS = "headless"
    TERMINAL = "terminal"


class Closable(Protocol):
    def close(self) -> None: ...


class Surroundings:
    """One IPython shell. `widgets` is "auto", or what the user overrides it with.

    "on" and "off" say whether there are widgets; "output" that there are, but none with JavaScript of their own.
    """

    def __init__(self, shell: Any, widgets: Callable[[], str] = lambda: "auto") -> None:
        self.shell, self._widgets = shell, widgets
        self._hooks: list[Callable[[], bool]] = []
        self._is_hooked = False
        self._pictures: deque[Closable] = deque()
        self._boards: deque[Closable] = deque()

    @property
    def place(self) -> Place:
        if getattr(self.shell, "kernel", None) is None:
            return Place.TERMINAL
        wanted = self._widgets()
        if wanted != "auto":
            return Place.HEADLESS if wanted == "off" else Place.LIVE
        # nbclient, papermill, nbconvert and the like say that nobody can answer a prompt.
        request = self.shell.get_parent() or {}
        return Place.LIVE if request.get("content", {}).get("allow_stdin", False) else Place.HEADLESS

    @property
    def has_scripts(self) -> bool:
        """May widgets bring JavaScript of their own?"""
        return self._widgets() != "output"

    @property
    def names(self) -> MutableMapping[str, Any]:
        """The user's variables."""
        names: MutableMapping[str, Any] = self.shell.user_ns
        return names

    def after_cells(self, hook: Callable[[], bool]) -> None:
        """Call `hook` after each later cell, in the main thread, for as long as it answers True."""
        self._hooks.append(hook)
        if not self._is_hooked:
            self.shell.events.register("post_run_cell", self._after_cell)
            self._is_hooked = True

    def _after_cell(self, result: Any) -> None:
        self._hooks = [hook for hook in self._hooks if hook()]

    def keep_picture(self, picture: Closable) -> None:
        """Hold what makes a picture live, until there are newer ones, or the extension is unloaded."""
        self._pictures.append(picture)
        while len(self._pictures) > MOST_LIVE_PICTURES:
            self._pictures.popleft().close()

    def keep_board(self, board: Closable) -> None:
        """Hold what is renewed until it is closed, or the extension is unloaded."""
        self._boards.append(board)

    def close(self) -> None:
        """Run no hook any more; renew no board; let the pictures be images."""
        self._hooks.clear()
        for kept in (self._pictures, self._boards):
            while kept:
                kept.popleft().close()
        if self._is_hooked:
            self.shell.events.unregister("post_run_cell", self._after_cell)
            self._is_hooked = False

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Show nothing of what is printed and displayed meanwhile; what earlier cells show is renewed as ever."""
        from golem_nb.notebook.quiet import QuietPublisher

        publisher = self.shell.display_pub
        self.shell.display_pub = QuietPublisher(publisher)
        try:
            with redirect_stdout(StringIO()):
                yield
        finally:
            self.shell.display_pub = publisher

    def start_thread(self, work: Callable[[], None], name: str) -> threading.Thread:
        """Run `work` beside the cells.

        In a copy of the cell's context: ipykernel 7.0 (Binder's) refuses widget messages from a thread without it.
        """
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(work,), name=name, daemon=True)
        thread.start()
        return thread


def surroundings_here() -> Surroundings | None:
    """Return those of the extension that is loaded in this shell: for what shows itself without a magic's request."""
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    magics = shell.magics_manager.registry.get("GolemMagics") if shell is not None else None
    return None if magics is None else magics.surroundings
