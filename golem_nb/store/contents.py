"""Files that go by the SHA-256 of what is in them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from golem_nb.errors import ComponentNotFound
from golem_nb.files import write_whole


class Contents:
    def __init__(self, folder: Path, suffix: str = "") -> None:
        self._folder, self._suffix = folder, suffix
        folder.mkdir(parents=True, exist_ok=True)

    def keep(self, data: bytes) -> str:
        """Store the bytes, whole or not at all, and return their SHA-256."""
        sha256 = hashlib.sha256(data).hexdigest()
        path = self._path(sha256)
        if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != sha256:  # deploying again mends it
            write_whole(path, data)
        return sha256

    def read(self, sha256: str) -> bytes:
        """Return the bytes that were stored.

        Raises:
            ComponentNotFound: The file is gone, or not what it was.
        """
        path = self._path(sha256)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ComponentNotFound(f"the file {path} is missing from the data folder: {error.strerror}") from None
        if hashlib.sha256(data).hexdigest() != sha256:
            raise ComponentNotFound(f"the file {path} is damaged: deploy the component again")
        return data

    def _path(self, sha256: str) -> Path:
        return self._folder / f"{sha256}{self._suffix}"
