"""Values between Python and wasm: the only folder with raw pointers.

`raw` goes over wasmtime's C functions, `stock` over wasmtime-py's conversion (4 to 30 times slower); `choose` examines
the first and falls back to the second. Never knows what a host function does. Start reading at `layout`, then `codec`.
"""

from __future__ import annotations

import logging

from wasmtime import Engine

from golem_nb.wasm.abi.backend import Backend
from golem_nb.wasm.abi.raw import RawBackend
from golem_nb.wasm.abi.selftest import fault
from golem_nb.wasm.abi.stock import StockBackend


def choose(engine: Engine) -> Backend:
    """Return the raw backend where it passes its examination here, else the stock one, with a warning."""
    raw = RawBackend()
    found = fault(raw, engine)
    if found is None:
        return raw
    logging.getLogger(__name__).warning(
        "the value codec does not fit this platform (%s); falling back to wasmtime-py's own, which is slower", found
    )
    return StockBackend()
