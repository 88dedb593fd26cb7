"""The server on a real port, in this process."""

import asyncio
import socket
import threading

import httpx
import pytest
import uvicorn

from golem_nb.engine.engine import Engine
from golem_nb.model import LOCAL_ENVIRONMENT
from golem_nb.server.access import Access
from golem_nb.server.app import make_app
from golem_nb.server.guard import Activity
from golem_nb.server.limits import Limits
from golem_nb.server.protocol import protocol_with
from golem_nb.server.sockets import EventSockets
from golem_nb.wasm.text import wasm_from_text
from tests.engine.conftest import COUNTER

TOKEN = "a-token"
OPTIONS = {"log_level": "critical", "lifespan": "off", "ws": EventSockets, "ws_per_message_deflate": False}


class Running:
    """A server and a client of it, with the token where there is one."""

    def __init__(self, access=None, limits=None, **options):
        self.engine, self.activity = Engine.open("memory:"), Activity()
        # With its protocol named: asyncio sets TCP_NODELAY on no other.
        self.listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self.listener.bind(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.limits = limits = limits or Limits()
        config = uvicorn.Config(
            make_app(self.engine, access, limits, self.activity),
            http=protocol_with(limits),
            timeout_keep_alive=limits.keep_alive_s,
            **{**OPTIONS, **options},
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=lambda: asyncio.run(self.server.serve([self.listener])), daemon=True)
        self.thread.start()
        headers = {"Authorization": f"Bearer {TOKEN}"} if access and access.tokens else {}
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=headers, timeout=10)

    def deploy(self, name="counter", text=COUNTER):
        return self.engine.create_component(LOCAL_ENVIRONMENT, name, wasm_from_text(text)).id

    def close(self):
        self.http.close()
        self.server.should_exit = True
        self.thread.join(10)
        self.engine.close()


@pytest.fixture(scope="module")
def running():
    server = Running()
    yield server
    server.close()


@pytest.fixture(scope="module")
def guarded():
    server = Running(Access((TOKEN, "another"), frozenset({"golem.example"})), Limits(1000, 100_000))
    yield server
    server.close()
