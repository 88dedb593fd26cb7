"""`%golem_worker W export` and `import`: all that is stored of a worker, as one file that stands for itself."""

from __future__ import annotations

from pathlib import Path

from golem_nb.errors import UsageError
from golem_nb.files import writing_whole
from golem_nb.model import WorkerId
from golem_nb.notebook.magics.grammar import Target
from golem_nb.notebook.magics.verb import Request
from golem_nb.notebook.views import WorkerView


def export_worker(request: Request, target: Target, worker: WorkerId, rest: tuple[str, ...]) -> None:
    client, path = request.session.client(), Path(rest[0]).expanduser()
    try:
        with writing_whole(path) as file:
            client.export_worker(worker, file)
        size = path.stat().st_size
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    request.session.say(f"exported {target} to {path} ({size:,} bytes)")


def import_worker(request: Request, target: Target, worker: WorkerId, rest: tuple[str, ...]) -> WorkerView:
    client, path = request.session.client(), Path(rest[0]).expanduser()
    try:
        file = path.open("rb")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    with file:
        client.import_worker(worker, file)
    request.session.note(request.session.component(str(target.component)), [worker.name])
    return WorkerView(str(target), client.worker(worker), f"imported from {path}")
