"""A component that answers HTTP requests, invoked as a function from a request to its response."""

import pytest

from golem_nb.authoring.wat import component_from_text
from golem_nb.engine.engine import Engine
from golem_nb.errors import BadInput, InvocationFailed
from golem_nb.model import LOCAL_ENVIRONMENT, WorkerId
from golem_nb.oplog.entries import ExportedFunctionCompleted, ExportedFunctionInvoked
from tests.components.test_components import HERE, Run
from tests.test_crash import oplog_of

HANDLE = "golem:http/incoming-handler.{handle}"


def request(path="/x", body=b"some body", **fields):
    content = None if body is None else {"content": list(body), "trailers": None}
    return {
        "method": {"POST": None},
        "scheme": {"HTTP": None},
        "authority": "a.example",
        "path-and-query": path,
        "headers": [["accept", list(b"*/*")]],
        "body-and-trailers": content,
    } | fields


@pytest.fixture
def engine():
    made = Engine.open("memory:")
    yield made
    made.close()


@pytest.fixture
def worker(engine):
    wasm = component_from_text((HERE / "handler.wat").read_text())
    return WorkerId(engine.create_component(LOCAL_ENVIRONMENT, "handler", wasm).id, "w")


def test_a_handler_is_among_the_functions_of_its_component(engine, worker):
    exports = {f.name: f for f in engine.component(worker.component_id).exports}

    assert set(exports) == {"count", HANDLE}
    assert [p.name for p in exports[HANDLE].parameters] == ["request"]


def test_a_request_is_answered_and_both_are_in_the_oplog(engine, worker):
    answer = engine.invoke_and_await(worker, HANDLE, [request("/a?b", b"0123456789ab")]).result(10).value

    assert (answer["status"], dict(answer["headers"])["x-path"]) == (201, b"/a?b")
    assert answer["body-and-trailers"] == {"content": b"0123456789ab", "trailers": [("x-end", b"1")]}
    oplog = [entry for _, entry in engine.oplog(worker).entries]
    (invoked,) = [e for e in oplog if isinstance(e, ExportedFunctionInvoked)]
    (completed,) = [e for e in oplog if isinstance(e, ExportedFunctionCompleted)]
    assert invoked.function_name == HANDLE
    assert invoked.request[0].typed().value["path-and-query"] == "/a?b"
    assert completed.response.typed().value == answer


def test_the_stock_codec_passes_the_resources_too(monkeypatch):
    monkeypatch.setattr("golem_nb.wasm.abi.fault", lambda backend, engine: "broken")
    stock = Engine.open("memory:")
    wasm = component_from_text((HERE / "handler.wat").read_text())
    worker = WorkerId(stock.create_component(LOCAL_ENVIRONMENT, "handler", wasm).id, "w")

    answer = stock.invoke_and_await(worker, HANDLE, [request()]).result(10).value

    assert answer["body-and-trailers"]["content"] == b"some body"
    stock.close()


def test_every_prefix_of_requests_is_a_legal_crash_point(tmp_path):
    run = Run(tmp_path / "whole", "handler")
    calls = [(HANDLE, request("/1")), ("count",), (HANDLE, request("/2", None)), ("count",)]
    original = run.calls(calls)
    assert [original[1], original[3]] == [1, 2]
    drawn = [dict(answer["headers"])["x-drawn"] for answer in (original[0], original[2])]
    entries = oplog_of(run.folder)
    drawn_at = [n for n, e in enumerate(entries, start=1) if getattr(e, "function_name", "").startswith("golem random")]

    for at, copy in run.cuts(tmp_path):
        again = run.calls(calls, copy)
        for place, (answer, draw) in enumerate(zip((again[0], again[2]), drawn, strict=True)):
            is_recorded = drawn_at[place] <= at
            assert not is_recorded or dict(answer["headers"])["x-drawn"] == draw, f"cut after entry {at}"
            assert answer["body-and-trailers"] == original[2 * place]["body-and-trailers"]
        assert [again[1], again[3]] == [1, 2], f"cut after entry {at}"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/nothing", "returned from `handle` without a response"),
        ("/error", "answered the request with the error connection-refused"),
        ("/unfinished", "without finishing the body of its response"),
    ],
)
def test_what_is_no_answer_is_a_failure(engine, worker, path, text):
    with pytest.raises(InvocationFailed) as failed:
        engine.invoke_and_await(worker, HANDLE, [request(path)]).result(20)

    assert text in str(failed.value)


@pytest.mark.parametrize("wrong", [{"method": {"FLY": None}}, {"headers": [["a", "text"]]}, {"path-and-query": 1}])
def test_what_is_no_request_is_refused(engine, worker, wrong):
    with pytest.raises(BadInput):
        engine.invoke_and_await(worker, HANDLE, [request(**wrong)])


def test_the_handler_itself_cannot_be_invoked(engine, worker):
    with pytest.raises(Exception, match="incoming-handler"):
        engine.invoke_and_await(worker, "wasi:http/incoming-handler@0.2.3.{handle}", [request()])
