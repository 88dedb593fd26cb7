"""`%load_ext golem_nb`: puts the magics in, and takes all of them out again. Prints nothing, starts nothing."""

from __future__ import annotations

from typing import Any

_NAME = "GolemMagics"


def load_ipython_extension(shell: Any) -> None:
    """Register the magics; a second time changes nothing."""
    from golem_nb.notebook.magics.registry import GolemMagics

    if _NAME not in shell.magics_manager.registry:
        shell.register_magics(GolemMagics(shell))


def unload_ipython_extension(shell: Any) -> None:
    """Remove the magics, close streams and client. The engine process goes on, and so do the workers."""
    from golem_nb.notebook.accessor import unregister

    manager = shell.magics_manager
    magics = manager.registry.pop(_NAME, None)
    if magics is None:
        return
    magics.close()
    for kind, functions in magics.magics.items():
        for name in functions:
            manager.magics[kind].pop(name, None)
    # Magics.__init__ put it there, so that %config knows it.
    shell.configurables[:] = [item for item in shell.configurables if item is not magics]
    unregister()
