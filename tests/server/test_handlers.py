import time
from uuid import uuid4

import pytest

from golem_nb.model import LOCAL_ENVIRONMENT
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


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "`name` is missing"),
        ({"name": 5}, "`name` is missing"),
        ({"name": "a b"}, "Invalid worker name"),
        ({"name": "a/b"}, "Invalid worker name"),
        ({"name": "x", "args": [5]}, "`args` must be"),
        ({"name": "x", "env": {"K": 5}}, "`env` must be"),
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
