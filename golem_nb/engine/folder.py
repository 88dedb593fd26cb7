"""The data folder of an engine: one engine at a time holds it. Source: ARCHITECTURE, decision 3."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from golem_nb.errors import DataFolderInUse
from golem_nb.store.database import check_folder


class FolderLock:
    """An exclusive lock on a folder; the system lets go of it when the process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        """Take the lock.

        Raises:
            DataFolderInUse: Another engine has it.
            DataFolderUnsuitable: The folder cannot be used.
        """
        check_folder(folder)
        self._file = os.open(folder / "engine.flock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise DataFolderInUse(
                f"another engine uses the data folder {folder}; stop it (`%golem stop`), or choose another folder"
            ) from None

    def release(self) -> None:
        os.close(self._file)
