import asyncio

import pytest
from starlette.datastructures import FormData

from golem_nb.server.bodies import MOST_FIELDS, MOST_FILES, close_body
from golem_nb.server.limits import Limits
from tests.server.conftest import Running

UPLOAD = "/v1/envs/00000000-0000-0000-0000-000000000001/components"
WORKERS = "/v1/components/00000000-0000-0000-0000-000000000001/workers"


@pytest.fixture(scope="module")
def narrow():
    server = Running(limits=Limits(json_bytes=100, upload_bytes=20_000))
    yield server
    server.close()


def part(name, content, *more):
    return (
        b'--b\r\nContent-Disposition: form-data; name="'
        + name
        + b'"'
        + b"".join(more)
        + b"\r\n\r\n"
        + content
        + b"\r\n"
    )


NAME, FILE = part(b"name", b"x"), part(b"component", b"\0asm", b'; filename="c.wasm"')
END = b"--b--\r\n"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (NAME, "ends before its last boundary"),
        (NAME + FILE, "ends before its last boundary"),
        (NAME + FILE[:-20], "ends before its last boundary"),
        (NAME + NAME + FILE + END, "the part `name` is there more than once"),
        (NAME + FILE + FILE + END, "the part `component` is there more than once"),
        (part(b"name", b"\xff\xfe") + FILE + END, "the part `name` is not UTF-8 text"),
        (part(b"name", b"x", b'; filename="n"') + FILE + END, "`name` is missing, or is a file"),
        (NAME + part(b"component", b"\0asm") + END, "must be a file"),
        (NAME + part(b"component", b"", b'; filename=""') + END, "component"),
        (part(b"name", b"x\0y") + FILE + END, "a component's name has"),
        (part(b"name", b"") + FILE + END, "a component's name has"),
        (part(b"", b"x") + END, "is missing"),
        (b"".join(part(b"f%d" % n, b"") for n in range(MOST_FIELDS + 1)) + END, "Too many fields"),
        (b"".join(part(b"f%d" % n, b"", b'; filename="f"') for n in range(MOST_FILES + 1)) + END, "Too many files"),
        (b"--b\r\n" + b"X" * 10_000 + END, "cannot be read"),
        (b"--c\r\n", "cannot be read"),
        (NAME + part(b"env", b"{") + FILE + END, "the part `env` is not JSON"),
        (NAME + part(b"env", b"[" * 5000) + FILE + END, "the part `env` is not JSON"),
        (NAME + part(b"env", b'{"a": 1}') + FILE + END, "upload of a component"),
        (NAME + part(b"componentType", b"Eternal") + FILE + END, "upload of a component"),
        (NAME + FILE + part(b"files", b"PK", b'; filename="f.zip"') + END, "not a zip archive"),
    ],
)
def test_bad_multipart_bodies_are_400_with_a_reason(running, body, text):
    kind = {"content-type": "multipart/form-data; boundary=b"}
    answer = running.http.post(UPLOAD, content=body, headers=kind)

    assert answer.status_code == 400, answer.text
    assert text in answer.json()["error"], answer.text


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\xff",
        "multipart/form-data; boundary=b; charset=none-such",
        'multipart/form-data; boundary="b',
    ],
)
def test_odd_kinds_of_multipart_are_400(running, kind):
    answer = running.http.post(UPLOAD, content=part(b"n", b"x") + END, headers={"content-type": kind.encode("latin-1")})

    assert (answer.status_code, "error" in answer.json()) == (400, True)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        (WORKERS, "text/plain"),
        (WORKERS, "application/x-www-form-urlencoded"),
        (WORKERS, "multipart/form-data; boundary=b"),
        (WORKERS, ";"),
        (UPLOAD, "application/json"),
        (UPLOAD, "application/octet-stream"),
    ],
)
def test_other_kinds_of_bodies_are_415_and_told_what_is_wanted(running, url, kind):
    answer = running.http.post(url, content=b"x", headers={"content-type": kind})

    wanted = "application/json" if url == WORKERS else "multipart/form-data"
    if kind == ";":
        assert answer.status_code == 400  # no kind at all is read as JSON
    else:
        assert answer.status_code == 415
        assert f"the body must be {wanted}, found" in answer.json()["error"]


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip"])
def test_compressed_bodies_are_415(running, encoding):
    answer = running.http.post(WORKERS, content=b"x", headers={"content-encoding": encoding})

    assert (answer.status_code, f"found Content-Encoding: {encoding}" in answer.json()["error"]) == (415, True)


@pytest.mark.parametrize(("url", "kind", "limit"), [(WORKERS, "application/json", 100)])
def test_the_limit_itself_is_not_beyond_it(narrow, url, kind, limit):
    for size, status in ((limit, 400), (limit + 1, 413)):
        assert narrow.http.post(url, content=b" " * size, headers={"content-type": kind}).status_code == status


def test_large_json_is_read_as_small(running):
    body = b'{"name": "w", "args": [' + b'"x",' * 100_000 + b'"x"]}'

    assert running.http.post(WORKERS, content=body, headers={"content-type": "application/json"}).status_code == 404
    answer = running.http.post(WORKERS, content=body[:-1], headers={"content-type": "application/json"})
    assert (answer.status_code, "not JSON" in answer.json()["error"]) == (400, True)


def test_bodies_are_closed(tmp_path):
    file = (tmp_path / "f").open("wb")

    asyncio.run(close_body(file))
    asyncio.run(close_body(FormData()))
    asyncio.run(close_body({"json": 1}))

    assert file.closed
