from uuid import UUID

import pytest

from golem_nb.store.components import Components, VersionRow
from golem_nb.store.database import Database
from golem_nb.store.oplogs import Chunk, Oplogs
from golem_nb.store.workers import Workers

COMPONENT, ENVIRONMENT = UUID(int=1), UUID(int=2)
ROW = VersionRow(COMPONENT, ENVIRONMENT, "shop", 0, "abc", 10, 5, "[]")
FIRST = Chunk(1, 1, 1, b"create")


@pytest.fixture
def database(tmp_path):
    opened = Database(tmp_path / "golem.db", "none")
    yield opened
    opened.close()


@pytest.fixture
def components(database, tmp_path):
    store = Components(database, tmp_path / "wasm")
    store.create(ROW).result(5)
    return store


@pytest.fixture
def workers(database, components):
    return Workers(database)


@pytest.fixture
def oplogs(database):
    return Oplogs(database)
