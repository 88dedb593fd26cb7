"""`%golem_worker W files`: what a worker has in its directories, and in its files."""

from __future__ import annotations

from typing import Any

from golem_nb.errors import BadInput
from golem_nb.model import WorkerId
from golem_nb.notebook.magics.grammar import Target
from golem_nb.notebook.magics.verb import Request


def files(request: Request, target: Target, worker: WorkerId, rest: tuple[str, ...]) -> Any:
    """Return a directory as a DataFrame; a file as text, or as bytes where it is none."""
    from golem_nb.notebook.frames import files_frame

    client, path = request.session.client(), rest[0] if rest else "/"
    if not path.endswith("/"):
        try:
            return _text_of(client.worker_file(worker, path))
        except BadInput:
            pass  # it may be a directory; if it is something else, the listing is refused for the same reason
    return files_frame(client.worker_files(worker, path))


def _text_of(content: bytes) -> str | bytes:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content
