import io
import json
import time
import zipfile
from pathlib import Path
from uuid import uuid4

import pytest
from starlette.datastructures import Headers, QueryParams

from golem_nb.engine.slices import OplogSlice
from golem_nb.model import LOCAL_ENVIRONMENT, SnapshotPolicy, UpdateMode, WorkerId
from golem_nb.oplog.entries import CancelPendingInvocation, NoOp
from golem_nb.server.handlers import HANDLERS, Call
from golem_nb.wasm.text import wasm_from_text
from tests.engine.conftest import COUNTER

COMPONENTS = f"/v1/envs/{LOCAL_ENVIRONMENT}/components"


@pytest.fixture
def component(running):
    return running.deploy(f"counter-{uuid4()}")


@pytest.fixture
def worker(component):
    """The URL of a worker that does not exist yet."""
    return f"/v1/components/{component}/workers/w1"


def upload(running, name, wasm, environment=LOCAL_ENVIRONMENT):
    files = {"component": ("c.wasm", wasm, "application/wasm")}
    return running.http.post(f"/v1/envs/{environment}/components", data={"name": name}, files=files)


def test_a_component_is_created_found_updated_and_deleted(running):
    wasm, environment = wasm_from_text(COUNTER), uuid4()
    created = upload(running, "shop", wasm, environment).json()
    one = f"/v1/components/{created['componentId']}"

    assert (created["componentVersion"], created["componentSize"], created["exports"][0]["name"]) == (
        0,
        len(wasm),
        "inc",
    )
    assert running.http.get(f"/v1/envs/{environment}/components").json() == [created]
    assert running.http.get(f"/v1/envs/{environment}/components/shop").json() == created
    assert running.http.get(one).json() == created
    assert running.http.get(f"{one}/revisions/0/wasm").content == wasm
    assert running.http.patch(one, files={"component": wasm}).json()["componentVersion"] == 1
    assert running.http.get(one).json()["componentVersion"] == 1
    assert running.http.delete(one).json() == {}
    assert running.http.get(one).status_code == 404


def test_an_environment_is_a_namespace(running):
    first, second = uuid4(), uuid4()
    upload(running, "shop", wasm_from_text("(component)"), first)

    assert upload(running, "shop", wasm_from_text("(component)"), first).status_code == 409
    assert upload(running, "shop", wasm_from_text("(component)"), second).status_code == 200
    assert running.http.get(f"/v1/envs/{uuid4()}/components").json() == []


@pytest.mark.parametrize(
    ("data", "files", "text"),
    [
        ({}, {"component": b"\0asm"}, "`name` is missing"),
        ({"name": "x"}, {"other": b""}, "`component` is missing"),
        ({"name": "x", "component": "text"}, {"other": b""}, "must be a file"),
        ({"name": "x"}, {"component": b"hello"}, "not WebAssembly"),
        ({"name": ""}, {"component": b"hello"}, "a component's name"),
    ],
)
def test_bad_uploads_are_400(running, data, files, text):
    answer = running.http.post(COMPONENTS, data=data, files=files)

    assert (answer.status_code, text in answer.json()["error"]) == (400, True)


def test_a_worker_is_launched_shown_listed_and_deleted(running, component, worker):
    workers = f"/v1/components/{component}/workers"
    launched = running.http.post(workers, json={"name": "w1", "args": ["a"], "env": {"K": "v"}})
    assert launched.json() == {"componentId": str(component), "workerName": "w1"}
    assert running.http.post(workers, json={"name": "w1"}).status_code == 409

    shown = running.http.get(worker).json()
    assert (shown["workerId"], shown["status"], shown["args"], shown["env"]) == (
        launched.json(),
        "Idle",
        ["a"],
        {"K": "v"},
    )
    page = running.http.get(workers, params={"count": 1}).json()
    assert page == {"workers": [shown]}
    assert running.http.delete(worker).json() == {}
    assert running.http.get(worker).status_code == 404
    assert running.http.delete(worker).status_code == 404


@pytest.mark.parametrize("given", [{"mode": "dry"}, [{"key": "mode", "value": "dry"}]])
def test_a_worker_is_configured_when_it_is_launched(running, component, given):
    workers = f"/v1/components/{component}/workers"
    running.http.post(workers, json={"name": "w1", "wasiConfigVars": given}).raise_for_status()

    for shown in (
        running.http.get(f"{workers}/w1").json(),
        running.http.get(f"{workers}/w1/oplog").json()["entries"][0]["entry"],
    ):
        assert shown["wasiConfigVars"] == [{"key": "mode", "value": "dry"}]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "`name` is missing"),
        ({"name": 5}, "`name` is missing"),
        ({"name": "a b"}, "Invalid worker name"),
        ({"name": "a/b"}, "Invalid worker name"),
        ({"name": "x", "args": [5]}, "`args` must be"),
        ({"name": "x", "env": {"K": 5}}, "`env` must be"),
        ({"name": "x", "wasiConfigVars": "mode=dry"}, "`wasiConfigVars`: this is not a list of {key, value}"),
        ({"name": "x", "wasiConfigVars": [{"key": "mode"}]}, "`wasiConfigVars`: a list of {key, value}"),
        ({"name": "x", "wasiConfigVars": {"mode": 5}}, "expected a string, found 5"),
    ],
)
def test_bad_launches_are_400(running, component, body, text):
    answer = running.http.post(f"/v1/components/{component}/workers", json=body)

    assert (answer.status_code, text in answer.json()["error"]) == (400, True)


def invoke(running, worker, function, params, key=None, path="invoke-and-await"):
    headers = {"idempotency-key": key} if key else {}
    url = f"{worker}/{path}"
    return running.http.post(url, params={"function": function}, json={"params": params}, headers=headers)


def test_an_invocation_makes_the_worker_and_answers_typed(running, worker):
    assert invoke(running, worker, "inc", [5]).json() == {"result": {"typ": {"type": "U32"}, "value": 5}}
    assert invoke(running, worker, "inc", [{"value": 2}], "k").json()["result"]["value"] == 7
    assert invoke(running, worker, "inc", [{"value": 2}], "k").json()["result"]["value"] == 7


def test_an_invocation_that_nobody_waits_for_is_accepted_durably(running, worker):
    assert invoke(running, worker, "inc", [5], "k", path="invoke").json() == {}
    assert invoke(running, worker, "inc", [5], "k").json()["result"]["value"] == 5


@pytest.mark.parametrize(
    ("function", "params", "status"),
    [
        ("", [], 400),
        ("nothing", [], 400),
        ("inc", [], 400),
        ("inc", ["x"], 400),
        ("inc", [1, 2], 400),
        ("inc", [-1], 400),
    ],
)
@pytest.mark.parametrize("path", ["invoke", "invoke-and-await"])
def test_bad_invocations_are_400_and_make_no_worker(running, worker, function, params, status, path):
    assert invoke(running, worker, function, params, path=path).status_code == status
    assert running.http.get(worker).status_code == 404


def test_a_trap_is_500_with_cause(running, worker):
    invoke(running, worker, "inc", [5])

    answer = invoke(running, worker, "fail-above", [3])

    assert (answer.status_code, answer.json()["error"]) == (500, "Invocation Failed")
    assert "unreachable" in answer.json()["workerError"]["cause"]
    assert invoke(running, worker, "get", []).json()["error"] == "Previous Invocation Failed"


def test_a_running_worker_is_interrupted_and_resumed(running, worker):
    invoke(running, worker, "spin", [], path="invoke")
    while running.http.get(worker).json()["status"] != "Running":
        time.sleep(0.005)
    assert running.http.post(f"{worker}/resume").status_code == 409

    assert running.http.post(f"{worker}/interrupt", params={"recovery-immediately": "true"}).json() == {}
    assert running.http.post(f"{worker}/interrupt").json() == {}

    assert running.http.get(worker).json()["status"] == "Interrupted"
    assert running.http.post(f"{worker}/resume").json() == {}
    running.http.post(f"{worker}/interrupt")


def test_an_oplog_comes_in_pages(running, worker):
    for _ in range(40):
        invoke(running, worker, "inc", [1])

    page = running.http.get(f"{worker}/oplog").json()
    assert (len(page["entries"]), page["firstIndexInChunk"], page["lastIndex"]) == (100, 1, 121)
    assert page["next"] == {"nextOplogIndex": 101, "currentComponentVersion": 0}
    assert [e["entry"]["type"] for e in page["entries"][:2]] == ["Create", "PendingWorkerInvocation"]
    rest = running.http.get(f"{worker}/oplog", params={"from": 101, "count": 50}).json()
    assert ([e["oplogIndex"] for e in rest["entries"]], "next" in rest) == (list(range(101, 122)), False)


@pytest.mark.parametrize("query", ["from=-1", "from=x", "count=-5", "count=1.5", "from=99999999999999999999"])
def test_bad_numbers_are_400(running, worker, query):
    invoke(running, worker, "inc", [1])

    assert running.http.get(f"{worker}/oplog?{query}").status_code == 400


@pytest.mark.parametrize("path", ["/v1/components/x", "/v1/components/x/workers/w", "/v1/envs/x/components"])
def test_ids_must_be_uuids(running, path):
    answer = running.http.get(path)

    assert (answer.status_code, "must be a UUID" in answer.json()["error"]) == (400, True)


def test_a_crash_is_simulated(running, worker):
    invoke(running, worker, "inc", [5])
    crash = worker.replace("/v1/", "/v1/x/") + "/crash"

    assert running.http.post(crash).json() == {}
    assert invoke(running, worker, "get", []).json()["result"]["value"] == 5
    assert running.http.post(f"{crash}?recover=false").json() == {}
    assert invoke(running, worker, "get", []).json()["result"]["value"] == 5
    assert running.http.post(f"{crash}?recover=maybe").status_code == 400


class Recorder:
    """An engine that answers everything with the same, and remembers how it was asked."""

    def __init__(self, answer=None):
        self.answer, self.asked = answer, []

    def __getattr__(self, name):
        def method(*args, **options):
            self.asked.append((name, args, options))
            return self.answer

        return method


W = WorkerId(uuid4(), "w")
PATH = {"component_id": str(W.component_id), "agent_name": "w"}


def handle(id, engine, body=None, query=(), **path):
    return HANDLERS[id](engine, Call({**PATH, **path}, QueryParams(query), Headers(), body))


@pytest.mark.parametrize(
    ("id", "body", "asked"),
    [
        (
            "updateWorker",
            {"mode": "manual", "targetVersion": 3},
            ("update_worker", (W, 3, UpdateMode.MANUAL), {}),
        ),
        (
            "revertWorker",
            {"type": "revertToOplogIndex", "lastOplogIndex": 5},
            ("revert_worker", (W,), {"last_index": 5, "invocations": None}),
        ),
        (
            "revertWorker",
            {"type": "RevertLastInvocations", "numberOfInvocations": 2},
            ("revert_worker", (W,), {"last_index": None, "invocations": 2}),
        ),
        (
            "forkWorker",
            {"targetWorkerId": {"componentId": str(W.component_id), "workerName": "v"}, "oplogIndexCutoff": 4},
            ("fork_worker", (W, WorkerId(W.component_id, "v"), 4), {}),
        ),
    ],
)
def test_what_is_asked_of_a_worker_reaches_the_engine(id, body, asked):
    engine = Recorder()

    assert handle(id, engine, body) == {}
    assert engine.asked == [asked]


@pytest.mark.parametrize("done", [True, False])
def test_a_cancellation_and_a_completion_say_whether_they_did_something(done):
    engine = Recorder(done)

    assert handle("cancelInvocation", engine, idempotency_key="a/b") == {"canceled": done}
    assert handle("completePromise", engine, {"oplogIdx": 7, "data": [104, 105]}) is done
    assert engine.asked == [("cancel_invocation", (W, "a/b"), {}), ("complete_promise", (W, 7, b"hi"), {})]


def test_a_snapshot_policy_is_set_and_shown():
    engine = Recorder(SnapshotPolicy(100, None))

    assert handle("getSnapshotPolicy", engine) == {"everyInvocations": 100, "everySeconds": None}
    assert handle("setSnapshotPolicy", engine, {"everySeconds": 60}) == {"everyInvocations": None, "everySeconds": 60.0}
    assert handle("setSnapshotPolicy", engine, {}) == {"everyInvocations": None, "everySeconds": None}
    asked = [args for name, args, _ in engine.asked if name == "set_snapshot_policy"]
    assert asked == [(W.component_id, SnapshotPolicy(None, 60.0)), (W.component_id, None)]


def test_an_oplog_is_searched_and_goes_on_by_its_cursor():
    entries = ((4, CancelPendingInvocation(0, "k")), (9, CancelPendingInvocation(0, "l")))
    engine = Recorder(OplogSlice(entries, 30, 2, next_index=12))

    page = handle("getOplog", engine, query={"query": "cancel k", "cursor": "3-0", "count": "5000"})

    ((name, (worker, matches, *place), _),) = engine.asked
    assert (name, worker, place) == ("search_oplog", W, [3, 100])
    assert matches(4, entries[0][1]) and not matches(9, entries[1][1])
    assert [entry["oplogIndex"] for entry in page["entries"]] == [4, 9]
    assert page["next"] == {"nextOplogIndex": 12, "currentComponentVersion": 2}


def test_a_search_that_is_over_has_no_next():
    page = handle("getOplog", Recorder(OplogSlice((), 30, 2, next_index=None)), query={"query": "x"})

    assert page == {"entries": [], "firstIndexInChunk": 1, "lastIndex": 30}


def test_a_cursor_alone_goes_on_reading():
    engine = Recorder(OplogSlice(((7, NoOp(0)),), 7, 0, next_index=None))

    handle("getOplog", engine, query={"cursor": "7-0"})

    assert engine.asked == [("oplog", (W, 7, 100), {})]


@pytest.mark.parametrize(
    ("method", "path", "body", "text"),
    [
        ("POST", "/update", {"mode": "Quick", "targetVersion": 1}, "mode must be Automatic or Manual"),
        ("POST", "/update", {"mode": "Automatic"}, "must have the key 'targetVersion'"),
        ("POST", "/update", {"mode": "Automatic", "targetVersion": -1}, "targetVersion must be"),
        ("POST", "/update", [], "must be a JSON object"),
        ("POST", "/revert", {"type": "undo"}, "type must be"),
        ("POST", "/revert", {"type": "revertLastInvocations", "numberOfInvocations": "1"}, "numberOfInvocations must"),
        ("POST", "/fork", {"oplogIndexCutoff": 3}, "must have the key 'targetWorkerId'"),
        ("POST", "/complete", {"oplogIdx": 3, "data": [300]}, "numbers from 0 to 255"),
        ("GET", "/oplog?query=(", None, "the query is wrong at column 2"),
        ("GET", "/oplog?query=%2F(%2F", None, "the regular expression"),
        ("GET", "/oplog?query=x&from=1", None, "Cannot specify both the 'from' and the 'query' parameters"),
        ("GET", "/oplog?query=x&cursor=1", None, "cursor must be one that this server gave"),
    ],
)
def test_what_cannot_be_asked_of_a_worker_is_400(running, worker, method, path, body, text):
    invoke(running, worker, "inc", [1])

    answer = running.http.request(method, worker + path, json=body)

    assert (answer.status_code, text in answer.json()["error"]) == (400, True), answer.text


def test_a_bad_snapshot_policy_is_400(running, component):
    url = f"/v1/x/components/{component}/snapshot-policy"

    answer = running.http.put(url, json={"everyInvocations": 0})

    assert (answer.status_code, "at least 1" in answer.json()["error"]) == (400, True)


def test_a_handler_of_http_is_invoked_over_rest(running):
    text = (Path(__file__).parent.parent / "components" / "handler.wat").read_text()
    component = upload(running, f"handler-{uuid4()}", wasm_from_text(text)).json()
    name = "golem:http/incoming-handler.{handle}"
    request = {"method": {"GET": None}, "scheme": {"HTTP": None}, "authority": "a.example", "path-and-query": "/x"}
    request |= {"headers": [["accept", [42]]], "body-and-trailers": None}

    answer = running.http.post(
        f"/v1/components/{component['componentId']}/workers/w/invoke-and-await",
        params={"function": name},
        json={"params": [request]},
    )

    assert name in [function["name"] for function in component["exports"]]
    assert answer.status_code == 200
    assert answer.json()["result"]["value"]["status"] == 201


def packed(**files):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        for name, data in files.items():
            made.writestr(name, data)
    return archive.getvalue()


PERMISSIONS = json.dumps({"values": [{"path": "/notes", "permissions": "read-write"}]})


def test_files_are_uploaded_shown_listed_and_read(running):
    files = {"component": ("c.wasm", wasm_from_text(COUNTER)), "files": ("f.zip", packed(notes=b"n", motd=b"hello"))}
    name = f"counter-{uuid4()}"
    made = running.http.post(COMPONENTS, data={"name": name, "filesPermissions": PERMISSIONS}, files=files).json()
    worker = f"/v1/components/{made['componentId']}/workers/w"
    running.http.post(f"/v1/components/{made['componentId']}/workers", json={"name": "w"})

    assert [(f["path"], f["permissions"], f["size"]) for f in made["files"]] == [
        ("/motd", "read-only", 5),
        ("/notes", "read-write", 1),
    ]
    motd, notes = running.http.get(f"{worker}/files/").json()["nodes"]
    assert (motd["kind"], motd["permissions"], motd["size"]) == ("file", "read-only", 5)
    assert motd["lastModified"] <= time.time()
    assert running.http.get(f"{worker}/files//notes").json() == {"nodes": [notes]}
    content = running.http.get(f"{worker}/file-contents/motd")
    assert (content.content, content.headers["content-type"]) == (b"hello", "application/octet-stream")
    assert running.http.get(f"{worker}/file-contents/none").status_code == 404
    assert running.http.get(f"{worker}/files/none").status_code == 404
    assert running.http.get(f"{worker}/file-contents/").status_code == 400
    assert running.http.get(f"{worker}/file-contents/%2e%2e%2fetc").status_code == 400
    kept = running.http.patch(f"/v1/components/{made['componentId']}", files={"component": files["component"]}).json()
    assert kept["files"] == made["files"]


@pytest.mark.parametrize(
    ("data", "files", "text"),
    [
        ({}, {"files": b"no zip"}, "not a zip archive"),
        ({}, {"files": packed(**{"../etc": b""})}, ".."),
        ({"files": "text"}, {}, "must be a file"),
        ({"filesPermissions": PERMISSIONS}, {}, "needs the part `files`"),
        ({"filesPermissions": PERMISSIONS}, {"files": packed(a=b"")}, "mentions /notes"),
        ({"filesPermissions": "{"}, {"files": packed(a=b"")}, "not JSON"),
        ({}, {"files": packed(a=b"", **{"a/b": b""})}, "is a directory of /a/b"),
    ],
)
def test_bad_files_are_400(running, data, files, text):
    files = {"component": wasm_from_text(COUNTER), **files}

    answer = running.http.post(COMPONENTS, data={"name": f"counter-{uuid4()}", **data}, files=files)

    assert (answer.status_code, text in answer.json()["error"]) == (400, True), answer.json()


def names(answer):
    assert answer.status_code == 200, answer.text
    return [worker["workerId"]["workerName"] for worker in answer.json()["workers"]]


def test_workers_are_found_by_filters(running, component):
    workers = f"/v1/components/{component}/workers"
    for name, env in (("shop-1", {"COLOUR": "red"}), ("shop-2", {}), ("bar-1", {"colour": "red"})):
        running.http.post(workers, json={"name": name, "env": env}).raise_for_status()

    listed = running.http.get(workers, params={"filter": ["name startswith shop", "env.Colour = red"], "precise": True})
    red = {"type": "Env", "name": "colour", "comparator": "Equal", "value": "red"}
    found = running.http.post(f"{workers}/find", json={"filter": {"type": "Not", "filter": red}})
    everything = running.http.post(f"{workers}/find", json={"filter": {"type": "Or", "filters": []}, "count": 2})
    rest = running.http.post(f"{workers}/find", json={"cursor": everything.json()["cursor"]})

    assert names(listed) == ["shop-1"]
    assert names(found) == ["shop-2"]
    assert names(everything) + names(rest) == ["shop-1", "shop-2", "bar-1"]
    assert "cursor" not in rest.json()


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"filter": "name ~ x"}, "Invalid filter: Name cannot be compared by '~'; allowed: =, "),
        ({"filter": ["name = x", "y"]}, "Invalid filter: 'y' is not"),
        ({"precise": "perhaps"}, "precise must be true or false"),
        ({"count": "0"}, "count must be between 1"),
        ({"cursor": "1/2"}, "cursor must be one that this server gave"),
    ],
)
def test_bad_questions_for_workers_are_400(running, component, query, text):
    answer = running.http.get(f"/v1/components/{component}/workers", params=query)

    assert (answer.status_code, text in answer.json()["error"]) == (400, True), answer.text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ([], "must be a JSON object"),
        ({"filter": {"type": "Name"}}, "Invalid filter: filter.comparator"),
        ({"count": "1"}, "count must be a whole number"),
        ({"cursor": "x"}, "cursor must be one that this server gave"),
    ],
)
def test_bad_searches_for_workers_are_400(running, component, body, text):
    answer = running.http.post(f"/v1/components/{component}/workers/find", json=body)

    assert (answer.status_code, text in answer.json()["error"]) == (400, True), answer.text


# Whole oplogs, and workers as files.

OWN = "/v1/x/components"


def test_an_oplog_is_streamed_line_by_line_as_in_its_pages(running, component, worker):
    for _ in range(50):
        running.http.post(f"{worker}/invoke-and-await?function=inc", json={"params": [1]}).raise_for_status()
    pages = [running.http.get(f"{worker}/oplog", params={"from": index}).json() for index in (1, 101)]

    answer = running.http.get(f"{OWN}/{component}/workers/w1/oplog")
    rest = running.http.get(f"{OWN}/{component}/workers/w1/oplog", params={"from": 150})

    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["golem-last-index"] == "151"
    assert [json.loads(line) for line in answer.text.splitlines()] == pages[0]["entries"] + pages[1]["entries"]
    assert [json.loads(line)["oplogIndex"] for line in rest.text.splitlines()] == [150, 151]
    assert running.http.get(f"{OWN}/{component}/workers/w1/oplog", params={"from": 152}).text == ""


@pytest.mark.parametrize("path", ["oplog", "export"])
def test_what_is_not_there_is_neither_streamed_nor_exported(running, component, path):
    assert running.http.get(f"{OWN}/{component}/workers/w1/{path}").status_code == 404
    assert running.http.get(f"{OWN}/{uuid4()}/workers/w1/{path}").status_code == 404


def test_a_worker_is_exported_and_imported(running, component, worker):
    running.http.post(f"{worker}/invoke-and-await?function=inc", json={"params": [5]}).raise_for_status()
    file = running.http.get(f"{OWN}/{component}/workers/w1/export")
    copy = running.deploy(f"counter-{uuid4()}")

    answer = running.http.post(f"{OWN}/{copy}/workers/w2/import", content=file.content)

    assert file.headers["content-disposition"] == 'attachment; filename="w1.golem-worker"'
    assert int(file.headers["content-length"]) == len(file.content)
    assert answer.json() == {"componentId": str(copy), "workerName": "w2"}
    url = f"/v1/components/{copy}/workers/w2/invoke-and-await?function=inc"
    assert running.http.post(url, json={"params": [1]}).json()["result"]["value"] == 6
    again = running.http.post(f"{OWN}/{copy}/workers/w2/import", content=file.content)
    assert (again.status_code, again.json()["kind"]) == (409, "WorkerExists")


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"", "application/octet-stream", 400),
        (b"nonsense", "application/octet-stream", 400),
        (b"golem_nb worker\n\0\0\0\1", "application/octet-stream", 400),
        (b"{}", "application/json", 415),
    ],
)
def test_other_files_are_not_imported(running, component, content, kind, status):
    url = f"{OWN}/{component}/workers/w2/import"
    answer = running.http.post(url, content=content, headers={"content-type": kind})

    assert (answer.status_code, "error" in answer.json()) == (status, True)


def test_a_file_beyond_the_limit_is_not_imported(guarded):
    answer = guarded.http.post(f"{OWN}/{uuid4()}/workers/w2/import", content=bytes(100_001))

    assert (answer.status_code, "limit" in answer.json()["error"]) == (413, True)
