import re
from html import unescape
from html.parser import HTMLParser

import httpx
import pytest
import yaml

from golem_nb.server.page import docs_page, shape
from golem_nb.wire.openapi import CONTRACT_NAMES, contract_text, openapi_document
from golem_nb.wire.operations import DOCUMENTS, EXTENSIONS, OPERATIONS

DOCUMENT = openapi_document("1.2.3")
PAGE = docs_page(DOCUMENT, yaml.safe_load(contract_text(CONTRACT_NAMES[1])))
ROWS = (*OPERATIONS, *EXTENSIONS, *DOCUMENTS)
VOID = {"meta", "br"}


class Reader(HTMLParser):
    """Collects ids, links, and what would be fetched; checks that elements are closed in order."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links, self.fetched = [], [], [], []
        self.feed(PAGE)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag not in VOID:
            self.open.append(tag)
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "a":
            self.links.append(given["href"])
        self.fetched += [given[name] for name in ("src", "srcset", "data", "poster", "action") if name in given]
        if tag in ("script", "link", "iframe", "img", "object", "embed", "base", "form"):
            self.fetched.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


READ = Reader()


@pytest.mark.parametrize("op", ROWS, ids=lambda op: op.id)
def test_every_operation_is_on_the_page(op):
    ((_, block),) = re.findall(rf'<details id="({op.id})" open>(.*?)</details>', PAGE, re.DOTALL)

    assert f"<code>{op.path}</code>" in block
    assert f">{op.method}</span>" in block
    assert "<h4>Answers</h4>" in block and "<code>4XX</code>" in block
    for name in (*re.findall(r"{(\w+)}", op.path), *op.query):
        assert f"<code>{name}</code>" in block
    assert ("<h4>Body: " in block) is (op.body is not None)
    example = unescape(re.search(r"<h4>Example</h4><pre>(.*?)</pre>", block, re.DOTALL)[1])
    assert example.startswith("curl ") and "$GOLEM" in example
    assert ("-X " + op.method in example) is (op.method != "GET")


def test_the_page_fetches_nothing_and_all_its_links_lead_somewhere():
    assert READ.fetched == []
    assert "url(" not in PAGE and "@import" not in PAGE
    paths = {op.path.removeprefix("/") for op in DOCUMENTS}
    assert all(link in paths or link.removeprefix("#") in READ.ids for link in READ.links)


def test_its_elements_are_closed_and_its_ids_are_its_own():
    assert READ.open == []
    assert len(READ.ids) == len(set(READ.ids))


def test_the_events_have_their_form():
    (events,) = re.findall(r'<section aria-labelledby="events">(.*?)</section>', PAGE, re.DOTALL)

    for word in ("StdOut", "InvocationFinished", "timestamp", "GOLEM_SESSION", "/connect"):
        assert word in events


def test_what_is_not_served_yet_says_so():
    assert PAGE.count("they answer 501") == 2


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "string", "format": "uuid"}, "string (uuid)"),
        ({"type": "integer", "format": "int64"}, "integer"),
        ({"enum": ["a", "b"]}, '"a" | "b"'),
        ({}, "any JSON"),
        ({"type": "array", "items": {"type": "boolean"}}, "[boolean, …]"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, '{"…": string}'),
        (
            {"type": "object", "required": ["a"], "properties": {"a": {}, "b": {}}},
            '{\n  "a": any JSON,\n  "b"?: any JSON\n}',
        ),
        ({"oneOf": [{"type": "string"}, {"type": "object"}]}, "string or {…}"),
    ],
)
def test_a_shape_reads_like_json(schema, text):
    assert shape(DOCUMENT, schema) == text


def test_a_shape_that_contains_itself_comes_to_an_end():
    assert shape(DOCUMENT, {"$ref": "#/components/schemas/WorkerFilter"}).count("{…}") > 0


def test_the_documents_are_served_to_everybody(guarded):
    for op in DOCUMENTS:
        answer = httpx.get(f"http://127.0.0.1:{guarded.port}{op.path}")
        assert answer.status_code == 200

        match op.id:
            case "docs":
                assert answer.headers["content-type"] == "text/html; charset=utf-8"
                assert "default-src 'none'" in answer.headers["content-security-policy"]
            case "openapiJson":
                assert answer.json()["paths"] == DOCUMENT["paths"]
            case "openapiYaml":
                assert yaml.safe_load(answer.text)["paths"] == DOCUMENT["paths"]
            case _:
                assert answer.text == contract_text(op.path.rpartition("/")[2])
