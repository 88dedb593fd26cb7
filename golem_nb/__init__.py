"""Durable workers in a notebook: deploy, invoke, crash, recover, and read their oplogs.

The public names are here; everything else may move. Importing this costs nothing: each name is fetched when it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from golem_nb import errors
    from golem_nb.notebook.extension import load_ipython_extension, unload_ipython_extension
    from golem_nb.notebook.objects import connect
    from golem_nb.server.run import ServeOptions, serve

__version__ = "0.1.0"

__all__ = [
    "connect",
    "serve",
    "ServeOptions",
    "load_ipython_extension",
    "unload_ipython_extension",
    "errors",
    "__version__",
]

_HOMES = {
    "connect": "golem_nb.notebook.objects",
    "serve": "golem_nb.server.run",
    "ServeOptions": "golem_nb.server.run",
    "load_ipython_extension": "golem_nb.notebook.extension",
    "unload_ipython_extension": "golem_nb.notebook.extension",
}


def __getattr__(name: str) -> Any:
    if name == "errors":
        return import_module("golem_nb.errors")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'golem_nb' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
