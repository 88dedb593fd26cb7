"""Whatever is sent, the answer is JSON, says what is wrong, and blames nobody else: no 5xx but 501 and 503, no hang."""

import json
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from golem_nb.wasm.text import wasm_from_text
from golem_nb.wire.operations import DOCUMENTS, EXTENSIONS, MORE_QUERY, OPERATIONS
from tests.engine.conftest import COUNTER
from tests.server.raw import Raw, request

ROWS = (*OPERATIONS, *EXTENSIONS)
JSON_ROWS = [op for op in ROWS if op.body == "json"]
JSON_TYPE = b"Content-Type: application/json"


@pytest.fixture
def there(running):
    """Parameters of paths that lead somewhere, for every operation."""
    component = running.deploy(f"counter-{uuid4()}")
    running.http.post(f"/v1/components/{component}/workers", json={"name": "w"}).raise_for_status()
    ids = {"environment_id": uuid4(), "component_id": component, "agent_name": "w", "component_name": "c"}
    ids |= {"revision": 0, "id": "i", "version": "1", "site": "s", "account_id": "a", "plugin_id": uuid4()}
    return ids | {"idempotency_key": "k", "file_path": "a/b"}


def ask(running, op, path, body=b"", *headers):
    """Send a request as it is, and check the answer; return its status."""
    more = (b"Content-Length: %d" % len(body),) if body or op.body else ()
    with Raw(running.port, timeout=30) as client:
        status, told, answer = client.send(request(op.method, path, *more, *headers, body=body)).answer()
    assert told["content-type"] in ("application/json", "application/octet-stream", "application/x-ndjson"), op.id
    assert status < 500 or status == 501, (op.id, path, body[:200], answer)
    if status >= 400:
        assert answer["error"], (op.id, answer)
    return status


def url_of(op, there, **query):
    given = {"function": "inc", **query} if "function" in op.query else query
    return op.url(**there) + (f"?{urlencode(given)}" if given else "")


KEYS = [
    "name",
    "args",
    "env",
    "wasiConfigVars",
    "params",
    "mode",
    "targetVersion",
    "oplogIdx",
    "data",
    "type",
    "lastOplogIndex",
    "numberOfInvocations",
    "targetWorkerId",
    "componentId",
    "workerName",
    "oplogIndexCutoff",
    "everyInvocations",
    "everySeconds",
    "filter",
    "filters",
    "comparator",
    "value",
    "typ",
    "cursor",
    "count",
    "precise",
]
WORDS = [
    "",
    "\0",
    "w",
    "w2",
    "Automatic",
    "revertToOplogIndex",
    "revertLastInvocations",
    "Name",
    "Equal",
    "u32",
    "\ud7ff\U0010ffff",
    "x" * 600,
    "00000000-0000-0000-0000-000000000001",
]
NUMBERS = [0, 1, -1, 255, 256, (1 << 63) - 1, 1 << 63, -(1 << 63), 1 << 64, 10**40, 1.5, -0.0, 1e308]
LEAVES = st.none() | st.booleans() | st.sampled_from(NUMBERS) | st.sampled_from(WORDS) | st.text(max_size=5)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=8)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(JSON_ROWS), OBJECTS | VALUES)
def test_any_json_is_answered(running, there, op, body):
    ask(running, op, url_of(op, there), json.dumps(body).encode(), JSON_TYPE)


DEEP = 100_000
BODIES = [
    b"",
    b" ",
    b"{",
    b"nul",
    b"\xff\xfe{",
    b"\xef\xbb\xbf{}",
    b'{"name": "\xff"}',
    b'{"name": "\\ud800"}',
    b'{"\\udfff": 1}',
    b'{"name": NaN}',
    b'{"data": [1e400]}',
    b'{"data": [-1e400]}',
    b'{"targetVersion": 1' + b"0" * 5000 + b"}",
    b'{"params": [1' + b"0" * 5000 + b"]}",
    b'{"name": "a", "name": "b"}',
    b'{"name": "a\\u0000b"}',
    b"[" * DEEP + b"]" * DEEP,
    b'{"params": [' + b"[" * 900 + b"]" * 900 + b"]}",
    b'{"filter": ' * 900 + b"1" + b"}" * 900,
    b'{"filter": ' + b'{"type": "Not", "filter": ' * 900 + b"{}" + b"}" * 901,
    b'{"params": [{"typ": '
    + b'{"type": "List", "inner": ' * 900
    + b'{"type": "U8"}'
    + b"}" * 900
    + b', "value": []}]}',
    b'{"env": ' + b'{"a": ' * 900 + b"1" + b"}" * 901,
    b"'{}'",
    b"{} {}",
]


@pytest.mark.parametrize("op", JSON_ROWS, ids=lambda op: op.id)
def test_what_is_no_json_or_too_deep_is_answered(running, there, op):
    for body in BODIES:
        ask(running, op, url_of(op, there), body, JSON_TYPE)


SEGMENTS = [
    "%00",
    "%0A",
    "%7F",
    "%20",
    "%2F",
    "%2E%2E",
    "..%2f..%2fetc",
    "%ff",
    "%C0%AF",
    "%ED%A0%80",
    "%zz",
    "%",
    "%F0%9F%92%A5",
    "%E2%80%AE",
    "-x",
    "x" * 5000,
    "%22%27%3B--",
    "%7B00000000-0000-0000-0000-000000000001%7D",
    "urn:uuid:00000000-0000-0000-0000-000000000001",
    "00000000000000000000000000000001",
    "00000000-0000-0000-0000-00000000000%D9%A1",
    "0",
    "-1",
    "1e3",
    "99999999999999999999",
    "+1",
    "find",
    "null",
    "~",
    "*",
    ";a=b",
]


@pytest.mark.parametrize("op", [op for op in ROWS if "{" in op.path], ids=lambda op: op.id)
def test_any_segment_of_a_path_is_answered(running, there, op):
    names = [part[1:-1] for part in op.path.split("/") if part.startswith("{")]
    for name in names:
        for segment in SEGMENTS:
            kept = {**there, name: "@@"}
            body = b"{}" if op.body == "json" else b""
            ask(running, op, url_of(op, kept).replace("%40%40", segment).replace("@@", segment), body, JSON_TYPE)


@pytest.mark.parametrize("form", ["%7B{}%7D", "urn:uuid:{}", "{0.hex}", "{}%00", "%20{}", "{}%0A"])
def test_a_uuid_has_one_form(running, there, form):
    odd = form.format(there["component_id"])
    answer = running.http.get(f"/v1/components/{odd}")

    assert (answer.status_code, "must be a UUID" in answer.json()["error"]) == (400, True), answer.text
    assert running.http.get(f"/v1/components/{str(there['component_id']).upper()}").status_code == 200


QUERIES = ["", "%00", "%ff", "%", "%zz", "-1", "0", "1.5", "1e3", "NaN", "99999999999999999999999", "true", "x" * 5000]
QUERIES += [
    "%D9%A1",
    "%2B1",
    "%201",
    "(((((((((",
    "a:b:c",
    "/(a*)*b/",
    "NOT",
    "%22",
    "name",
    "name%20=%20x",
    "AND%20OR",
]
QUERIES += ["(" * 3000, "NOT%20" * 3000 + "x", "a:" * 3000 + "b", "1-2-3", "1-"]


@pytest.mark.parametrize("op", [op for op in ROWS if op.query or op.id in MORE_QUERY], ids=lambda op: op.id)
def test_any_query_is_answered(running, there, op):
    body = b'{"params": []}' if op.body == "json" else b""
    for name in (*op.query, *MORE_QUERY.get(op.id, ())):
        for value in QUERIES:
            ask(running, op, f"{op.url(**there)}?{name}={value}", body, JSON_TYPE)
        ask(running, op, f"{op.url(**there)}?{name}", body, JSON_TYPE)
        ask(running, op, f"{op.url(**there)}?&&=&{name}=1&=x", body, JSON_TYPE)


@pytest.mark.parametrize("name", ["from", "count", "cursor", "query"])
def test_a_parameter_given_twice_is_400(running, there, name):
    url = f"/v1/components/{there['component_id']}/workers/w/oplog?{name}=1&{name}=1"
    answer = running.http.get(url)

    assert (answer.status_code, answer.json()["error"]) == (
        400,
        f"the query parameter `{name}` is given more than once",
    )


HEADERS = [
    b"Idempotency-Key: \xff",
    b"Idempotency-Key: \xc3\xa9",
    b"Idempotency-Key: ",
    b"Idempotency-Key: " + b"k" * 10_000,
    b"Content-Type: \xff",
    b"Content-Type: application/json; charset=utf-16",
    b"Content-Type: multipart/form-data; boundary=" + b"b" * 10_000,
    b"Content-Type: */*",
    b"Content-Encoding: gzip",
    b"Content-Encoding: \xff",
    b"Accept: nothing/at-all",
    b"Range: bytes=5-1",
    b"If-None-Match: *",
    b"Cookie: \xff=\xff; =; a",
    b"Authorization: \xff",
    b"Authorization: Bearer",
    b"Upgrade: h2c",
    b"Connection: upgrade, \xff",
    b"Forwarded: for=\xff",
    b"X-Forwarded-For: \xff",
    b"Origin: http://localhost:1",
    b"Accept-Encoding: \xff",
    b"Traceparent: nonsense",
]


@pytest.mark.parametrize("op", ROWS, ids=lambda op: op.id)
def test_any_header_is_answered(running, there, op):
    for header in HEADERS:
        kind = () if header.startswith(b"Content-Type") else (JSON_TYPE,)
        ask(running, op, url_of(op, there), b'{"params": [1]}' if op.body else b"", header, *kind)


def test_a_key_in_a_header_is_the_same_as_in_a_path(running, there):
    worker = f"/v1/components/{there['component_id']}/workers/w"
    key = {"idempotency-key": "clé".encode()}
    running.http.post(f"{worker}/invoke-and-await?function=inc", json={"params": [1]}, headers=key).raise_for_status()

    assert running.http.delete(f"{worker}/invocations/cl%C3%A9").json() == {"canceled": False}
    assert running.http.delete(f"{worker}/invocations/cl%C3%A8").status_code == 404


@pytest.mark.parametrize("path", sorted({op.path for op in (*ROWS, *DOCUMENTS)}))
def test_other_methods_are_405_with_those_that_are_right(running, there, path):
    allowed = {op.method for op in (*ROWS, *DOCUMENTS) if op.path == path}
    if path.endswith("/workers/find"):
        allowed |= {"GET", "DELETE"}  # of a worker of that name
    url = path.format_map(there)
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "BREW"} - allowed:
        with Raw(running.port) as client:
            status, headers, body = client.send(request(method, url)).answer(is_head=method == "HEAD")

        assert (status, set(headers["allow"].split(", "))) == (405, allowed), (method, path)
        assert method == "HEAD" or f"{method} is not allowed here; allowed: " in body["error"]


def test_a_worker_may_be_called_find(running, there):
    workers = f"/v1/components/{there['component_id']}/workers"
    running.http.post(workers, json={"name": "find"}).raise_for_status()

    assert running.http.get(f"{workers}/find").json()["workerId"]["workerName"] == "find"
    assert running.http.post(f"{workers}/find", json={"count": 1}).status_code == 200
    assert running.http.delete(f"{workers}/find").json() == {}


NOT_SERVED = [op for op in OPERATIONS if op.id not in {"connectWorker"} and ("Api" in op.id or "Plugin" in op.id)]


@pytest.mark.parametrize("op", NOT_SERVED, ids=lambda op: op.id)
def test_what_comes_later_is_501_and_says_so(running, there, op):
    answer = running.http.request(op.method, op.url(**there))

    assert (answer.status_code, answer.json()["kind"]) == (501, "NotSupported")
    assert answer.json()["error"] == f"{op.id} is not served by this version of golem_nb yet"


def test_those_are_the_fifteen():
    assert len(NOT_SERVED) == 15


def test_a_component_with_a_slash_in_its_name_is_found(running):
    environment, name = uuid4(), "shop:cart/api"
    files = {"component": ("c.wasm", wasm_from_text(COUNTER))}
    url = f"/v1/envs/{environment}/components"
    running.http.post(url, data={"name": name}, files=files).raise_for_status()

    assert running.http.get(f"{url}/shop%3Acart%2Fapi").json()["componentName"] == name
