"""The modules of the guest that need nothing of WebAssembly, imported by their bare names, as they are there."""

import importlib
import sys
from pathlib import Path

import golem_nb.authoring

FOLDER = Path(golem_nb.authoring.__file__).parent / "guest"


def guest(name):
    """Return a module of the guest."""
    sys.path.insert(0, str(FOLDER))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(FOLDER))
