"""A picture of an oplog: HTML that needs nothing, which becomes live where somebody looks on.

How this works. What is shown, and saved, is plain HTML. Where there is a browser that runs widgets, a widget without a
view of its own is made beside it: its JavaScript looks for the HTML by its mark, in the page, and puts the live picture
in its place. So a stored notebook never has a dead widget in it, whenever it was saved, and there is nothing to swap
(as F6 of UX would have it): the notebook never had anything but the HTML. A reload finds it again.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from golem_nb.notebook.surroundings import Place, surroundings_here
from golem_nb.notebook.views import View

# What a page draws in a few milliseconds, and holds beside everything else.
MOST_LIVE_ENTRIES = 50_000
MARK = "data-golem-picture"


def too_much_text(count: int) -> str:
    """Say why a picture is an image only; nothing where it is not."""
    if count <= MOST_LIVE_ENTRIES:
        return ""
    return f"more than {MOST_LIVE_ENTRIES} entries are an image; a part, as in df.golem.between(a, b), is live"


class Picture(View):
    """Something that is drawn of a frame. `form` is the drawing in `live.js` that makes it live."""

    form = ""

    @abstractmethod
    def static_html(self) -> str:
        """Return the picture as it is stored."""

    @abstractmethod
    def content(self) -> dict[str, Any] | None:
        """Return what the browser needs to make it live, as JSON; None where that would be too much."""

    def on_message(self) -> Callable[[Any], None] | None:
        """Return who is told what the reader did; None = nobody asks."""
        return None

    def html(self) -> str:
        return self.static_html()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        name = uuid4().hex
        html = f'<div {MARK}="{name}">{self.static_html()}</div>' if self._make_live(name) else self.static_html()
        return {"text/plain": self.text(), "text/html": html}

    def _make_live(self, name: str) -> bool:
        surroundings = surroundings_here()
        if surroundings is None or surroundings.place is not Place.LIVE or not surroundings.has_scripts:
            return False
        content = self.content()
        if content is None:
            return False
        surroundings.keep_picture(_live_widget()(name, self.form, content, self.on_message()))
        return True


def _live_widget() -> Any:
    """Return the class; it is made when it is needed, as its package takes a second to import."""
    from golem_nb.notebook.pictures.live import LivePicture

    return LivePicture


def code() -> Path:
    return Path(__file__).with_name("live.js")
