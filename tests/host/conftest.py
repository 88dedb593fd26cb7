import pytest

from golem_nb.host.http_network import make_client
from tests.host.context import FakeWorker
from tests.host.http_server import Server


@pytest.fixture
def worker():
    return FakeWorker(args=("a", "b"), env=(("K", "v"),))


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
    worker.http_client = lambda: http_client
    return worker
