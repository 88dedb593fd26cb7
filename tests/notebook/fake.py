"""A client that answers from a script, for what a magic decides by itself; the engine is asked in the other tests."""

from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import UUID

from golem_nb.model import Component, OplogPage, WorkerId, WorkerMetadata, WorkerStatus
from golem_nb.notebook.magics.verb import Request
from golem_nb.notebook.session import Session
from golem_nb.notebook.surroundings import Place

AT = datetime(2026, 1, 1, tzinfo=UTC)
SHOP = Component(UUID(int=1), "shop", 3, 10, AT, ())
ALICE = WorkerId(SHOP.id, "alice")


def metadata(worker=ALICE, **changes):
    return WorkerMetadata(worker, WorkerStatus.IDLE, **{"component_version": 2, "created_at": AT, **changes})


class FakeClient:
    """`workers` are what one asks for after the other; the last stays. Other methods answer with `answers`."""

    def __init__(self, *workers, **answers):
        self.workers, self.answers, self.asked = list(workers) or [metadata()], answers, []

    def component_by_name(self, name):
        return SHOP

    def worker(self, worker):
        return self.workers.pop(0) if len(self.workers) > 1 else self.workers[0]

    def oplog(self, worker, **options):
        return OplogPage((), None, 1, 9)

    def __getattr__(self, name):
        def method(*args, **options):
            self.asked.append((name, *args, *options.items()))
            answer = self.answers.get(name)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return method


def use(verb, line, client=None, **names):
    """Run the line of a magic with a fake client."""
    session = Session(print, print)
    session.client = lambda: client
    return verb.run(Request(session, SimpleNamespace(names=names, place=Place.HEADLESS), verb.read(line, names), names))
