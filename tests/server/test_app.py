import asyncio
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import uuid4

import httpx
import pytest

from golem_nb.model import LOCAL_ENVIRONMENT
from golem_nb.server.app import make_app
from golem_nb.server.handlers import HANDLERS
from golem_nb.wire.operations import EXTENSIONS, OPERATIONS
from tests.engine.conftest import until

JSON = {"content-type": "application/json"}


def test_every_operation_of_the_contract_is_routed(running):
    """It answers something of its own: never "no such path", never a 5xx but 501 for what comes later."""
    ids = {"environment_id": uuid4(), "component_id": uuid4(), "agent_name": "w", "component_name": "c", "revision": 0}
    ids |= {"id": "i", "version": "1", "site": "s", "account_id": "a", "plugin_id": uuid4()}
    ids |= {"idempotency_key": "k", "file_path": "a/b"}
    for op in OPERATIONS + EXTENSIONS:
        answer = running.http.request(op.method, op.url(**ids))

        assert answer.headers["content-type"] == "application/json", op.id
        assert answer.status_code < 500 or answer.status_code == 501, op.id
        if answer.status_code >= 400:
            assert "there is no" not in answer.json()["error"], op.id


def test_an_unknown_path_is_404_with_an_error(running):
    answer = running.http.get("/v1/nothing")

    assert (answer.status_code, "error" in answer.json()) == (404, True)


def test_a_wrong_method_is_405_with_all_that_are_right(running):
    answer = running.http.put(f"/v1/components/{uuid4()}")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, PATCH, DELETE")
    assert "error" in answer.json()


@pytest.mark.parametrize(
    ("body", "headers", "status", "text"),
    [
        (b"{", JSON, 400, "not JSON"),
        (b"", JSON, 400, "empty"),
        (b"[" * 100_000, JSON, 400, ""),
        (b'{"params": [NaN]}', JSON, 400, "not JSON"),
        (b'{"params": [1e999]}', JSON, 400, "not JSON"),
        (b'"\\ud800"', JSON, 400, "not JSON"),
        (b"\xff", JSON, 400, "not JSON"),
        (b"{}", {"content-type": "text/plain"}, 415, "application/json"),
        (b"[]", JSON, 400, "must be a JSON object"),
        (b'{"params": 5}', JSON, 400, "must be a list"),
    ],
)
def test_bad_bodies_are_400_with_a_reason(running, body, headers, status, text):
    url = f"/v1/components/{component_of(running)}/workers/w/invoke-and-await?function=inc"
    answer = running.http.post(url, content=body, headers=headers)

    assert answer.status_code == status
    assert text in answer.json()["error"]


@pytest.mark.parametrize(
    ("kind", "body", "text"),
    [
        ("multipart/form-data", b"x", "boundary"),
        ("multipart/form-data; boundary=b", b"garbage", "multipart"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n", "name"),
        (
            "multipart/form-data; boundary=b",
            b"".join(b'--b\r\nContent-Disposition: form-data; name="f%d"\r\n\r\nx\r\n' % n for n in range(101))
            + b"--b--\r\n",
            "Too many fields",
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\n' + b"x" * (1 << 20) + b"x\r\n--b--\r\n",
            "maximum size",
        ),
    ],
)
def test_bad_multipart_bodies_are_400_with_a_reason(running, kind, body, text):
    answer = running.http.post(f"/v1/envs/{uuid4()}/components", content=body, headers={"content-type": kind})

    assert (answer.status_code, text in answer.json()["error"]) == (400, True), answer.text


def test_an_upload_that_breaks_off_is_no_bug(running):
    kind = (b"content-type", b"multipart/form-data; boundary=b")
    path = f"/v1/envs/{uuid4()}/components"
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"localhost"), kind],
    }
    messages = iter([{"type": "http.request", "body": b"--b\r\n", "more_body": True}, {"type": "http.disconnect"}])
    sent = []

    async def receive():
        return next(messages)

    async def send(message):
        sent.append(message)

    asyncio.run(make_app(running.engine)(scope, receive, send))

    assert sent[0]["status"] == 400
    assert b"ends too early" in sent[1]["body"]


def component_of(running):
    found = running.engine.components(LOCAL_ENVIRONMENT)
    return found[0].id if found else running.deploy()


def test_bodies_over_the_limit_are_413(guarded):
    answer = guarded.http.post(f"/v1/components/{uuid4()}/workers", content=b" " * 1001, headers=JSON)
    assert answer.status_code == 413

    chunks = (b" " * 600 for _ in range(2))  # no Content-Length
    answer = guarded.http.post(f"/v1/components/{uuid4()}/workers", content=chunks, headers=JSON)
    assert answer.status_code == 413

    url = f"/v1/envs/{uuid4()}/components"
    answer = guarded.http.post(url, data={"name": "x"}, files={"component": b"\0" * 200_000})
    assert (answer.status_code, "limit" in answer.json()["error"]) == (413, True)

    head = b'--b\r\nContent-Disposition: form-data; name="component"; filename="c"\r\n\r\n'
    chunks = (head if n == 0 else bytes(50_000) for n in range(5))
    kind = {"content-type": "multipart/form-data; boundary=b"}
    answer = guarded.http.post(url, content=chunks, headers=kind)
    assert (answer.status_code, "limit" in answer.json()["error"]) == (413, True)


def test_a_foreign_host_is_refused_before_anything_else(running):
    with socket.create_connection(("127.0.0.1", running.port)) as connection:
        connection.sendall(b"GET /healthcheck HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
        answer = connection.makefile("rb").read()

    assert answer.startswith(b"HTTP/1.1 403")


def test_unknown_query_parameters_are_ignored(running):
    assert running.http.get("/healthcheck?token=secret").status_code == 200


def test_40_uploads_that_take_long_keep_nobody_else_waiting(running, monkeypatch):
    release = threading.Event()

    def compile_for_long(engine, call):
        release.wait(60)
        return {}

    monkeypatch.setitem(HANDLERS, "createComponent", compile_for_long)
    url = f"http://127.0.0.1:{running.port}/v1/envs/{uuid4()}/components"
    upload = partial(httpx.post, url, data={"name": "x"}, files={"component": b"\0"}, timeout=60)
    with ThreadPoolExecutor(40) as pool:
        uploads = [pool.submit(upload) for _ in range(40)]
        try:
            until(lambda: running.activity.requests == 40)
            worker = f"/v1/components/{component_of(running)}/workers/besides"

            assert running.http.get("/healthcheck").status_code == 200
            invoked = running.http.post(f"{worker}/invoke-and-await?function=inc", json={"params": [1]})
            assert invoked.json()["result"]["value"] == 1
            assert running.http.get(f"{worker}/oplog").status_code == 200
            assert running.http.delete(worker).status_code == 200
            assert not any(upload.done() for upload in uploads)
        finally:
            release.set()
        assert [upload.result().status_code for upload in uploads] == [200] * 40
