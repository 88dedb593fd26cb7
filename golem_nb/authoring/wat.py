"""Component text (WAT) as the source of a worker."""

from __future__ import annotations

from golem_nb.wasm.components import check_is_component
from golem_nb.wasm.text import TextRejected, wasm_from_text

__all__ = ["TextRejected", "component_from_text", "wasm_from_text"]


def component_from_text(text: str) -> bytes:
    """Return the component that a text describes.

    Raises:
        TextRejected: The text is none; the error has the line and column of the fault.
        ComponentRejected: It is the text of a core module.
    """
    wasm = wasm_from_text(text)
    check_is_component(wasm)
    return wasm
