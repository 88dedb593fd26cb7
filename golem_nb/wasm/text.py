"""Component text -> component."""

from __future__ import annotations

import re

from wasmtime import WasmtimeError, wat2wasm

from golem_nb.errors import ComponentRejected


class TextRejected(ComponentRejected):
    """The text is no WebAssembly text. `line` and `column` count from 1; None where the parser named no place."""

    def __init__(self, text: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(text)
        self.line, self.column = line, column

    def __str__(self) -> str:
        return self.text if self.line is None else f"line {self.line}, column {self.column}: {self.text}"


# wasmtime's report ends with `--> <anon>:LINE:COLUMN` above the line it is about.
_PLACE = re.compile(r"-->\s*\S*?:(\d+):(\d+)")


def wasm_from_text(text: str) -> bytes:
    """Return the binary of a component's (or module's) text.

    Raises:
        TextRejected: The text is none.
    """
    try:
        return bytes(wat2wasm(text))
    except WasmtimeError as error:
        report = str(error)
        place = _PLACE.search(report)
        what = report.strip().splitlines()[0].strip()
        raise TextRejected(what, *((int(place[1]), int(place[2])) if place else (None, None))) from None
