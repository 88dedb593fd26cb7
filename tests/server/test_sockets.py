import base64
import os
import socket
import time
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from golem_nb.model import EventType, WorkerEvent, WorkerId
from golem_nb.server import sockets
from tests.server.conftest import Running


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(sockets, "LAST_WORDS_S", 0.1)
    server = Running(ws_ping_interval=0.2, ws_ping_timeout=0.2)
    yield server
    server.close()


def test_a_client_that_does_not_read_is_let_go_of(impatient):
    worker = WorkerId(impatient.deploy(f"counter-{uuid4()}"), "w")
    impatient.engine.invoke_and_await(worker, "inc", [1]).result(5)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", impatient.port))
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        f"GET /v1/components/{worker.component_id}/workers/w/connect HTTP/1.1",
        "Host: localhost",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key}",
    ]
    client.sendall("\r\n".join([*lines, "", ""]).encode())
    assert client.recv(12) == b"HTTP/1.1 101"

    hub = impatient.engine._loaded.on(worker, lambda found: found.events)
    for _ in range(200):  # more than the buffers of a connection hold
        hub.publish(WorkerEvent(EventType.STDOUT, datetime.now(UTC), "x" * (64 << 10)))
    connections = impatient.server.server_state.connections
    deadline = time.monotonic() + 20
    while any(isinstance(connection, sockets.EventSockets) for connection in connections):
        assert time.monotonic() < deadline
        time.sleep(0.02)

    assert impatient.http.get("/healthcheck").status_code == 200
    assert not hub.is_watched
    client.close()
