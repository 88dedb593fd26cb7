"""The page for people: the served document as HTML that needs nothing from elsewhere, no script and no font."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from golem_nb.wire.openapi import CONTRACT_NAMES, NOT_SERVED_YET, Json, operations_in, resolved

MULTIPART = "multipart/form-data"
DEEPEST = 4  # of a shape: filters contain filters
_EXAMPLES = {
    "environment_id": "00000000-0000-0000-0000-000000000001",
    "component_id": "$COMPONENT",
    "component_name": "counter",
    "agent_name": "w1",
    "revision": "0",
    "function": "inc",
    "file_path": "data/a.txt",
    "idempotency_key": "key-1",
    "plugin-installation-id": "$INSTALLATION",
}

_ABOUT_EVENTS = (
    "First come the last 128 events, then live ones. `type` and `timestamp` are always there; output and logs have "
    "`message`, logs `level`; the `context` of InvocationStart and InvocationFinished has `function` and "
    "`idempotencyKey`. Browsers, which cannot set the header, send the token as the cookie `GOLEM_SESSION`."
)

_ABOUT_FAILURES = (
    "400: the request is wrong. 401: no token, or a wrong one. 404: it is not there. 405: another method; `Allow` has "
    "those that are right. 408: the rest of the request did not come. 409: it is there already, or is not in the state "
    "for it. 413: the body is too large. 415: a body of another kind, or compressed. 500: the component failed. 501: "
    "not served yet. 503: too much at once; come later."
)

_STYLE = """
:root { color-scheme: light dark; --back: #fff; --text: #1d2129; --quiet: #596172; --line: #dde1e8; --panel: #f5f6f9;
  --link: #0b57b7; --get: #0b6b3a; --post: #0b57b7; --put: #7a4d00; --patch: #7a4d00; --delete: #a8201a; }
@media (prefers-color-scheme: dark) { :root { --back: #15181e; --text: #e4e7ee; --quiet: #a2abbb; --line: #333945;
  --panel: #1e222a; --link: #84b6ff; --get: #6fd39b; --post: #84b6ff; --put: #e8b765; --patch: #e8b765;
  --delete: #ff9a94; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem 1rem 4rem; max-width: 60rem; background: var(--back); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
a { color: var(--link); } a:focus-visible, summary:focus-visible { outline: 2px solid var(--link); }
h1 { margin: .5rem 0 0; } h2 { margin: 2.5rem 0 .25rem; border-bottom: 2px solid var(--line); }
h4 { margin: .8rem 0 .2rem; font-size: .95rem; }
p { margin: .3rem 0; } .quiet { color: var(--quiet); }
code, pre { font: .875rem/1.45 ui-monospace, monospace; }
pre { margin: .2rem 0; padding: .5rem .7rem; background: var(--back); border: 1px solid var(--line); border-radius: 6px;
  white-space: pre-wrap; }
nav ul { margin: .2rem 0; padding-left: 1.2rem; columns: 15rem; }
details { margin: .5rem 0; border: 1px solid var(--line); border-radius: 8px; background: var(--panel); }
summary { padding: .5rem .7rem; cursor: pointer; } details > div { padding: 0 .8rem .8rem; }
summary h3 { display: inline; font: inherit; }
.method { display: inline-block; min-width: 3.9rem; font: 700 .8rem ui-monospace, monospace; }
.get { color: var(--get); } .post { color: var(--post); } .put { color: var(--put); } .patch { color: var(--patch); }
.delete { color: var(--delete); }
.summary { display: block; color: var(--quiet); }
dl { margin: .2rem 0; } dt { margin-top: .3rem; } dd { margin: 0 0 0 1.2rem; color: var(--quiet); }
"""


def docs_page(document: Json, events: Json) -> str:
    """Return the page for a document of the API, and for the contract's document of the WebSocket."""
    info = document["info"]
    by_tag: dict[str, list[tuple[str, str, Json]]] = {tag["name"]: [] for tag in document["tags"]}
    for path, method, operation in operations_in(document):
        by_tag[operation["tags"][0]].append((path, method, operation))
    tags = {tag["name"]: tag.get("description", "") for tag in document["tags"]}
    sections = [
        f'<section aria-labelledby="{_id(tag)}"><h2 id="{_id(tag)}">{escape(tag)}</h2>'
        f"<p>{_text(tags[tag])}{_later(tag)}</p>{''.join(_operation(document, *row) for row in rows)}</section>"
        for tag, rows in by_tag.items()
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])} {escape(info['version'])}: the API</title><style>{_STYLE}</style></head><body>"
        f'<header><h1>{escape(info["title"])} <span class="quiet">{escape(info["version"])}</span></h1>'
        f"<p>{_text(info['description'])}</p>{_how_to_ask(document)}</header>{_contents(by_tag)}"
        f"<main>{''.join(sections)}{_events(events)}</main></body></html>\n"
    )


def _how_to_ask(document: Json) -> str:
    contract = ", ".join(f'<a href="contract/{name}">{name}</a>' for name in CONTRACT_NAMES)
    return (
        '<p>As a document: <a href="openapi.json">openapi.json</a>, <a href="openapi.yaml">openapi.yaml</a>. '
        f"The contract, word for word: {contract}.</p>"
        "<p>Where the server was started with a token, every operation but those under Server wants "
        "<code>Authorization: Bearer TOKEN</code>. The examples take the address, the token and a component's id from "
        "the shell:</p><pre>GOLEM=http://127.0.0.1:9881  TOKEN=secret  COMPONENT=…</pre>"
        f'<h2 id="failures">Failures</h2><p>{_text(_ABOUT_FAILURES)}</p>'
        f"<pre>{escape(shape(document, {'$ref': '#/components/schemas/Failure'}))}</pre>"
    )


def _contents(by_tag: Mapping[str, list[tuple[str, str, Json]]]) -> str:
    groups = []
    for tag, rows in by_tag.items():
        links = "".join(
            f'<li><a href="#{escape(operation["operationId"])}">{escape(operation["operationId"])}</a></li>'
            for _, _, operation in rows
        )
        groups.append(f'<p><a href="#{_id(tag)}">{escape(tag)}</a></p><ul>{links}</ul>')
    return (
        '<nav aria-label="Operations"><h2>Contents</h2>'
        f'{"".join(groups)}<p><a href="#events">Events of a worker</a></p></nav>'
    )


def _operation(document: Json, path: str, method: str, operation: Json) -> str:
    name = escape(operation["operationId"])
    parts = [
        f'<p class="quiet">{name}</p>',
        f"<p>{_text(operation.get('description', ''))}</p>",
        _parameters(document, operation),
        _body(document, operation),
        _answers(document, operation),
        f"<h4>Example</h4><pre>{escape(_curl(document, path, method, operation))}</pre>",
    ]
    return (
        f'<details id="{name}" open><summary><h3><span class="method {method.lower()}">{method}</span> '
        f'<code>{escape(path)}</code> <span class="summary">{_text(operation["summary"])}</span></h3></summary>'
        f"<div>{''.join(parts)}</div></details>"
    )


def _parameters(document: Json, operation: Json) -> str:
    rows = []
    for given in operation.get("parameters", []):
        parameter = resolved(document, given)
        needed = "" if parameter.get("required") else ", may be left out"
        rows.append(
            f"<dt><code>{escape(parameter['name'])}</code> "
            f'<span class="quiet">{escape(shape(document, parameter["schema"]))}, in the {parameter["in"]}{needed}'
            f"</span></dt><dd>{_text(parameter.get('description', ''))}</dd>"
        )
    return f"<h4>Parameters</h4><dl>{''.join(rows)}</dl>" if rows else ""


def _body(document: Json, operation: Json) -> str:
    content = operation.get("requestBody", {}).get("content", {})
    return "".join(
        f"<h4>Body: {escape(kind)}</h4>{_parts_or_shape(document, kind, media['schema'])}"
        for kind, media in content.items()
    )


def _parts_or_shape(document: Json, kind: str, schema: Json) -> str:
    if kind != MULTIPART:
        return f"<pre>{escape(shape(document, schema))}</pre>"
    parts = "".join(
        f'<dt><code>{escape(name)}</code> <span class="quiet">{_kind_of_part(part)}</span></dt>'
        f"<dd>{_text(part.get('description', ''))}</dd>"
        for name, part in schema["properties"].items()
    )
    return f"<dl>{parts}</dl>"


def _kind_of_part(part: Json) -> str:
    return "a file" if part.get("format") == "binary" else "text"


def _answers(document: Json, operation: Json) -> str:
    rows = []
    for status, given in operation["responses"].items():
        answer = resolved(document, given)
        shapes = [
            f"<pre>{escape(kind)}: {escape(shape(document, media.get('schema', {})))}</pre>"
            for kind, media in answer.get("content", {}).items()
        ]
        if status[0] in "45":  # how failures look is said once
            rows.append(f'<dt><code>{escape(status)}</code> <a href="#failures">a failure</a></dt>')
        else:
            text = _text(answer.get("description", ""))
            rows.append(f"<dt><code>{escape(status)}</code> {text}</dt><dd>{''.join(shapes)}</dd>")
    return f"<h4>Answers</h4><dl>{''.join(rows)}</dl>"


def shape(document: Json, schema: Json, depth: int = 0) -> str:
    """Return what values of a schema look like, in the manner of JSON; `?` marks what may be left out."""
    schema = resolved(document, schema)
    if "oneOf" in schema:
        return " or ".join(shape(document, one, depth) for one in schema["oneOf"])
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    match schema.get("type"):
        case "array":
            return f"[{shape(document, schema.get('items', {}), depth)}, …]"
        case "object" | None if "properties" in schema:
            if depth >= DEEPEST:
                return "{…}"
            indent, needed = "  " * (depth + 1), schema.get("required", ())
            fields = [
                f'{indent}"{name}"{"" if name in needed else "?"}: {shape(document, field, depth + 1)}'
                for name, field in schema["properties"].items()
            ]
            return "{\n" + ",\n".join(fields) + "\n" + "  " * depth + "}"
        case "object" if isinstance(schema.get("additionalProperties"), dict):
            return f'{{"…": {shape(document, schema["additionalProperties"], depth)}}}'
        case "object":
            return "{…}"
        case None:
            return "any JSON"
        case type:
            kind = schema.get("format", "") if schema.get("format") != "int64" else ""
            return f"{type} ({kind})" if kind else str(type)


def _curl(document: Json, path: str, method: str, operation: Json) -> str:
    parameters = [resolved(document, given) for given in operation.get("parameters", [])]
    for parameter in parameters:
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", _EXAMPLES.get(parameter["name"], f"${parameter['name']}"))
    query = "&".join(
        f"{p['name']}={_EXAMPLES.get(p['name'], '…')}" for p in parameters if p["in"] == "query" and p.get("required")
    )
    words = ["curl"] if method == "GET" else ["curl", "-X", method]
    if operation.get("security") != []:
        words.append('-H "Authorization: Bearer $TOKEN"')
    url = f'"$GOLEM{path}{"?" + query if query else ""}"'
    words += _data(document, operation)
    if "application/octet-stream" in operation["responses"].get("200", {}).get("content", {}):
        words.append("-o FILE")
    return " ".join(words) + " \\\n  " + url


def _data(document: Json, operation: Json) -> list[str]:
    content: Mapping[str, Any] = operation.get("requestBody", {}).get("content", {})
    for kind, media in content.items():
        if kind == MULTIPART:
            return [
                f"-F {name}={'@' if field.get('format') == 'binary' else ''}{_part(name)}"
                for name, field in media["schema"]["properties"].items()
                if name in ("name", "component")
            ]
        if kind == "application/octet-stream":
            return [f"-H 'Content-Type: {kind}' --data-binary @FILE"]
        example = resolved(document, media["schema"]).get("example", {})
        return [f"-H 'Content-Type: {kind}' \\\n  -d '{json.dumps(example)}'"]
    return []


def _part(name: str) -> str:
    return "counter.wasm" if name == "component" else "counter"


def _events(events: Json) -> str:
    channels = []
    for path, channel in events["channels"].items():
        message = events["components"]["messages"]["WorkerEvent"]
        channels.append(
            f'<h3><span class="method get">WS</span> <code>{escape(path)}</code></h3>'
            f"<p>{_text(channel['description'])}</p>"
            f"<h4>Each message is text: {escape(message['contentType'])}</h4>"
            f"<pre>{escape(shape(events, message['payload']))}</pre>"
            f"<p>{_text(_ABOUT_EVENTS)}</p>"
            "<h4>Example</h4><pre>"
            + escape('websocat -H "Authorization: Bearer $TOKEN" "ws://127.0.0.1:9881' + _filled(path) + '"')
            + "</pre><pre>"
            + escape('{"type": "StdOut", "timestamp": "2025-01-31T12:34:56.789Z", "message": "step 3\\n"}')
            + "</pre>"
        )
    return f'<section aria-labelledby="events"><h2 id="events">Events of a worker</h2>{"".join(channels)}</section>'


def _filled(path: str) -> str:
    for name, example in _EXAMPLES.items():
        path = path.replace(f"{{{name}}}", example)
    return path


def _later(tag: str) -> str:
    return " Not served by this version yet: they answer 501." if tag in NOT_SERVED_YET else ""


def _id(tag: str) -> str:
    return f"tag-{escape(tag)}"


def _text(text: str) -> str:
    """Return a text of the document, in which backquotes mark code."""
    parts: Iterable[tuple[int, str]] = enumerate(text.split("`"))
    return "".join(f"<code>{escape(part)}</code>" if number % 2 else escape(part) for number, part in parts)
