import pytest

from golem_nb.host.http_network import make_client
from tests.host.context import FakeWorker
from tests.host.http_server import Server


@pytest.fixture
def worker():
    made = FakeWorker(args=("a", "b"), env=(("K", "v"),))
    yield made
    for held in made.held:
        held.close()
    made.network.close()


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
