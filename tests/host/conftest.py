import pytest

from golem_nb.engine.stores import Stores
from golem_nb.host.http_network import make_client
from golem_nb.model import WorkerId
from golem_nb.store.components import Components
from golem_nb.store.database import Database
from golem_nb.store.oplogs import Start
from golem_nb.store.workers import Workers
from tests.host.context import FakeWorker
from tests.host.http_server import Server
from tests.store.conftest import COMPONENT, ENVIRONMENT, FIRST, ROW


@pytest.fixture
def worker():
    made = FakeWorker(args=("a", "b"), env=(("K", "v"),))
    yield made
    for held in made.held:
        held.close()
    made.network.close()


@pytest.fixture
def stored(worker, tmp_path):
    """The worker, with stores."""
    database = Database(tmp_path / "golem.db", "none")
    Components(database, tmp_path / "wasm").create(ROW).result(5)
    number = Workers(database).create(WorkerId(COMPONENT, "w"), [FIRST], Start(False)).result(5)
    stores = Stores(database, lambda component_id: ENVIRONMENT)
    worker.keyvalue, worker.blobs = stores.keyvalue(COMPONENT), stores.blobs(COMPONENT, number)
    yield worker
    database.close()


@pytest.fixture(scope="session")
def http_server():
    server = Server()
    yield server
    server.close()


@pytest.fixture(scope="session")
def http_client():
    with make_client(100, 5.0) as client:
        yield client


@pytest.fixture
def online(worker, http_client):
    """A worker that reaches the network."""
    worker.network.http_client = lambda: http_client
    return worker
