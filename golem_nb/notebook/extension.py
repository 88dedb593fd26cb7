"""`%load_ext golem_nb`: puts the magics in, and takes all of them out again. Prints nothing, starts nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from golem_nb.errors import GolemError

_NAME = "GolemMagics"
_ACCESSOR = "golem_nb.notebook.accessor"


def load_ipython_extension(shell: Any) -> None:
    """Register the magics; a second time changes nothing."""
    from golem_nb.notebook.completion import install, make_matcher
    from golem_nb.notebook.magics.registry import GolemMagics

    if _NAME in shell.magics_manager.registry:
        return
    magics = GolemMagics(shell)
    try:
        magics.apply_project(Path.cwd())
    except GolemError:
        _forget(shell, magics)
        raise
    magics.matcher = make_matcher(magics.session)
    install(shell, magics.matcher)
    shell.register_magics(magics)


def _forget(shell: Any, magics: Any) -> None:
    # Magics.__init__ put it there, so that %config knows it.
    shell.configurables[:] = [item for item in shell.configurables if item is not magics]


def unload_ipython_extension(shell: Any) -> None:
    """Remove the magics, close streams and client. The engine process goes on, and so do the workers."""
    from golem_nb.notebook.completion import remove

    manager = shell.magics_manager
    magics = manager.registry.pop(_NAME, None)
    if magics is None:
        return
    magics.close()
    remove(shell, magics.matcher)
    for kind, functions in magics.magics.items():
        for name in functions:
            manager.magics[kind].pop(name, None)
    _forget(shell, magics)
    if _ACCESSOR in sys.modules:  # else no frame was made, and pandas need not be imported for this
        sys.modules[_ACCESSOR].unregister()
