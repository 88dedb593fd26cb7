import httpx
import pytest

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
    with httpx.Client() as client:
        yield client


@pytest.fixture
def online(worker, http_client):
    """A worker that reaches the network."""
    worker.http_client = lambda: http_client
    return worker
