"""Whole programs over the demo's component: what it prints, and how long it holds a response."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files

import pytest

from golem_nb.model import LOCAL_ENVIRONMENT, WorkerId, WorkerStatus
from golem_nb.oplog.entries import BeginRemoteWrite, EndRemoteWrite, Log
from golem_nb.wasm.text import wasm_from_text
from tests.engine.conftest import until

RUN = "golem:demo/steps@1.0.0.{run}"
DROP = "(call $drop-response (local.get $response))"


@pytest.fixture
def server():
    """Counts the POST requests to it, and answers each."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        requests = 0
        status = 200

        def do_POST(self):
            Handler.requests += 1
            self.send_response(Handler.status)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *arguments):
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    Handler.address = f"127.0.0.1:{listening.server_port}"
    yield Handler
    listening.shutdown()
    listening.server_close()
    thread.join()


@contextmanager
def suspending_after(monkeypatch, nanoseconds):
    with monkeypatch.context() as patched:
        patched.setattr("golem_nb.engine.host_context.SUSPEND_AFTER_NS", nanoseconds)
        yield


def deployed(engine, instead_of_drop):
    """Return a worker of the demo whose response is dropped otherwise."""
    text = (files("golem_nb") / "demo.wat").read_text()
    assert DROP in text
    component = engine.create_component(LOCAL_ENVIRONMENT, "demo", wasm_from_text(text.replace(DROP, instead_of_drop)))
    return WorkerId(component.id, "d1")


def entries(engine, worker, kind):
    return [entry for _, entry in engine.oplog(worker).entries if isinstance(entry, kind)]


def test_a_worker_that_holds_a_response_sleeps_in_memory_and_sends_once(engine, server, monkeypatch):
    worker = deployed(engine, f"(call $sleep (i64.const 300_000_000)) {DROP}")
    with suspending_after(monkeypatch, 10_000_000):
        result = engine.invoke_and_await(worker, RUN, [server.address, 1])

        assert result.result(10).value == ("ok", 1)
    assert server.requests == 1


def test_a_response_that_is_never_dropped_ends_with_its_invocation(engine, server):
    worker = deployed(engine, "")
    assert engine.invoke_and_await(worker, RUN, [server.address, 1]).result(10).value == ("ok", 1)
    assert len(entries(engine, worker, BeginRemoteWrite)) == len(entries(engine, worker, EndRemoteWrite)) == 1

    engine.crash_worker(worker)

    assert engine.invoke_and_await(worker, RUN, [server.address, 1]).result(10).value == ("ok", 2)
    assert (engine.worker(worker).status, server.requests) == (WorkerStatus.IDLE, 2)


def test_output_of_an_attempt_that_was_given_up_hides_none_of_a_later_invocation(engine, server):
    refused = "(if (i32.ne (local.get $status) (i32.const 200)) (then (call $print-step (i32.const 3))))"
    worker = deployed(engine, f"{refused} (call $sleep (i64.const 1_000_000_000)) {DROP}")
    server.status = 503
    result = engine.invoke_and_await(worker, RUN, [server.address, 1])
    until(lambda: any("step 3" in line.message for line in entries(engine, worker, Log)))
    server.status = 200
    engine.crash_worker(worker)
    assert result.result(10).value == ("ok", 1)

    server.status = 503
    engine.invoke_and_await(worker, RUN, [server.address, 1]).result(10)

    assert sum("step 3" in line.message for line in entries(engine, worker, Log)) == 2
