"""Components written by hand, each for what it shows: run by the engine, and cut off after every entry."""

import shutil
from pathlib import Path

import pytest

from golem_nb.authoring.wat import component_from_text
from golem_nb.engine.engine import Engine
from golem_nb.model import LOCAL_ENVIRONMENT, LinkTarget, WorkerId
from golem_nb.oplog.entries import BeginRemoteWrite, EndRemoteWrite, ImportedFunctionInvoked
from golem_nb.values.json import json_from_value
from golem_nb.wasm.platform import Platform
from tests.host.http_server import Server
from tests.script import script
from tests.test_crash import cut, indices, oplog_of

HERE = Path(__file__).parent
BODY = "a body of some thirty characters"


@pytest.fixture(scope="module")
def server():
    echoing = Server()
    yield echoing
    echoing.close()


@pytest.fixture(scope="module")
def echo():
    engine = Engine.open("memory:")
    component = engine.create_component(LOCAL_ENVIRONMENT, "echo", component_from_text((HERE / "echo.wat").read_text()))
    worker = WorkerId(component.id, "w")
    yield lambda function, json: engine.invoke_and_await(worker, f"echo-{function}", [json], None).result(10)
    engine.close()


class Run:
    """One worker of one component in a data folder; the engine is opened by each `calls`, and closed."""

    def __init__(self, folder, name):
        self.folder = folder
        with_component = Engine.open(folder)
        text = (HERE / f"{name}.wat").read_text()
        self.component_id = with_component.create_component(LOCAL_ENVIRONMENT, name, component_from_text(text)).id
        with_component.close()

    def calls(self, calls, folder=None):
        engine = Engine.open(folder or self.folder)
        worker = WorkerId(self.component_id, "w")
        try:
            futures = [engine.invoke_and_await(worker, f, params, f"key-{n}") for n, (f, *params) in enumerate(calls)]
            results = [future.result(20) for future in futures]
            return [None if result is None else result.value for result in results]
        finally:
            engine.close()

    def cuts(self, tmp_path):
        """Yield, for each entry but the last, its index and a folder whose oplog ends with it."""
        for at in range(1, len(oplog_of(self.folder))):
            copy = tmp_path / f"cut-{at}"
            cut(self.folder, copy, at)
            yield at, copy
            shutil.rmtree(copy)

    def labels(self):
        return [e.function_name for e in oplog_of(self.folder) if isinstance(e, ImportedFunctionInvoked)]


@pytest.mark.parametrize("path", sorted(HERE.glob("*.wat")), ids=lambda path: path.stem)
def test_each_runs_here_and_imports_what_there_is(path, tmp_path):
    wasm = script() if path.stem == "script" else component_from_text(path.read_text())  # a text with gaps

    target = LinkTarget("rpc:counters-exports/api", "rpc:counters")
    links = {"rpc:counters-client/counters-client": {"api": target, "counter": target}}

    linked = Platform(tmp_path).link(wasm, links)

    # A client of another component is linked by what is said when it is deployed.
    assert all(name.startswith(("test:unknown/", "rpc:counters-client/")) for name in linked.unknown)


EVERYTHING = {
    "yes": True,
    "small": 255,
    "below": -128,
    "u16": 65535,
    "s16": -32768,
    "u32": 4294967295,
    "s32": -2147483648,
    "large": 2**64 - 1,
    "deep": -(2**63),
    "half": 0.5,
    "whole": 0.1,
    "letter": ord("ß"),
    "text": "zwölf 🂡 \u0000 ende",
    "bytes": [0, 127, 255],
    "numbers": [2**53 + 1, 0],
    "color": "deep-blue",
    "rights": ["read", "run-it"],
    "shapes": [{"nothing": None}, {"dot": {"x": 1.5, "y-axis": -2.0}}, {"path": []}, {"named": ""}],
    "maybe": None,
    "twice": 7,
    "pair": [1, "b", [False]],
    "outcome": {"err": "no"},
    "ok-only": {"ok": 3},
    "bare": {"ok": None},
}


@pytest.mark.parametrize(
    ("function", "json"),
    [
        ("everything", EVERYTHING),
        ("everything", EVERYTHING | {"maybe": "x", "twice": None, "outcome": {"ok": {"x": 0.0, "y-axis": 1.0}}}),
        ("bool", False),
        ("u8", 255),
        ("s8", -1),
        ("u64", 2**64 - 1),
        ("s64", -(2**63)),
        ("f32", -0.25),
        ("f64", 1e300),
        ("char", 0x10FFFF),
        ("color", "green"),
        ("rights", []),
    ],
)
def test_what_goes_in_as_json_comes_out_as_the_same_json(echo, function, json):
    typed = echo(function, json)

    assert json_from_value(typed.type, typed.value) == json


def test_bodies_go_both_ways_and_each_read_is_an_entry(tmp_path, server):
    run = Run(tmp_path, "exchange")

    assert run.calls([("exchange", server.authority, "/echo", BODY)]) == [BODY]
    assert server.requests[-1][3] == BODY.encode()
    reads = [label for label in run.labels() if label == "http::types::incoming_body_stream::blocking_read"]
    assert len(reads) == len(BODY) // 5 + 2  # a rest of two, and the end


def test_a_cut_off_exchange_is_made_again_whole_and_an_ended_one_is_not(tmp_path, server):
    run = Run(tmp_path / "whole", "exchange")
    calls = [("exchange", server.authority, "/echo", BODY), ("exchange", server.authority, "/echo", "second")]
    seen = len(server.requests)
    original = run.calls(calls)
    keys = [headers["idempotency-key"] for _, _, headers, _ in server.requests[seen:]]
    begins, ends = (indices(oplog_of(run.folder), kind) for kind in (BeginRemoteWrite, EndRemoteWrite))

    for at, copy in run.cuts(tmp_path):
        seen = len(server.requests)
        assert run.calls(calls, copy) == original, f"cut after entry {at}"
        repeated = server.requests[seen:]
        ended = sum(end <= at for end in ends)
        assert [body for *_, body in repeated] == [BODY.encode(), b"second"][ended:], f"cut after entry {at}"
        if sum(begin <= at for begin in begins) > ended:
            assert repeated[0][2]["idempotency-key"] == keys[ended], f"cut after entry {at}"


def test_trailers_go_both_ways_wherever_the_exchange_is_cut_off(tmp_path, server):
    run = Run(tmp_path / "whole", "exchange")
    calls = [
        ("trailers", server.authority, "/trailers", "first"),
        ("trailers", server.authority, "/trailers", "second"),
    ]
    assert run.calls(calls) == ["first", "second"]
    assert server.trailers[-2:] == [[("x-copy", "first")], [("x-copy", "second")]]
    ends = indices(oplog_of(run.folder), EndRemoteWrite)

    for at, copy in run.cuts(tmp_path):
        seen = len(server.requests)
        assert run.calls(calls, copy) == ["first", "second"], f"cut after entry {at}"
        ended = sum(end <= at for end in ends)
        assert [body for *_, body in server.requests[seen:]] == [b"first", b"second"][ended:], f"cut after entry {at}"


def test_files_are_built_again_and_their_times_are_those_that_were_told(tmp_path):
    run = Run(tmp_path / "whole", "files")
    calls = [("note", "one,"), ("note", "two"), ("modified",)]
    original = run.calls(calls)
    assert original[:2] == ["one,", "one,two"]

    for at, copy in run.cuts(tmp_path):
        again = run.calls([*calls, ("modified",)], copy)
        assert again[:2] == original[:2], f"cut after entry {at}"
        assert again[2] == again[3], f"cut after entry {at}"

    assert run.calls([*calls, ("modified",)]) == [*original, original[2]]
