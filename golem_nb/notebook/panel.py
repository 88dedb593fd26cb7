"""Widgets of a panel, with what stands for them where no widget lives: stored notebooks, viewers. Source: UX, F6."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets as ui

from golem_nb.notebook.views import View


class Panel(ui.VBox):  # type: ignore[misc]  # its package ships no types
    """A column of widgets. `static` gives the view that is stored beside it, when it is shown."""

    def __init__(self, children: Sequence[Any], static: Callable[[], View]) -> None:
        super().__init__(list(children))
        self._static = static

    def _repr_mimebundle_(self, **options: Any) -> Any:
        view = self._static()
        return bundle_with(super()._repr_mimebundle_(**options), {"text/plain": view.text(), "text/html": view.html()})


def bundle_with(bundle: Any, data: Mapping[str, str]) -> Any:
    """Return what shows a widget, with `data` for where it does not live; widgets give it alone, or with metadata."""
    if isinstance(bundle, tuple):
        return {**bundle[0], **data}, bundle[1]
    return {**(bundle or {}), **data}
