"""The widget that makes a picture live. It has no view: its JavaScript works on the picture's HTML, in the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anywidget
import traitlets

from golem_nb.notebook.pictures.picture import code


class LivePicture(anywidget.AnyWidget):  # type: ignore[misc]  # its package ships no types
    """`name` is the mark of the HTML that it works on, `form` what is drawn, `content` of what."""

    _esm = code().read_text()

    name = traitlets.Unicode().tag(sync=True)
    form = traitlets.Unicode().tag(sync=True)
    content = traitlets.Dict().tag(sync=True)
    tells = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self, name: str, form: str, content: dict[str, Any], on_message: Callable[[Any], None] | None = None
    ) -> None:
        super().__init__(name=name, form=form, content=content, tells=on_message is not None)
        if on_message is not None:
            self.on_msg(lambda widget, message, buffers: on_message(message))
