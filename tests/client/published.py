"""Documents of what Golem's releases publish of their APIs.

`golem_1_3.yml` and its like have the facts; each is laid over the one before it. To each operation come the failures
that all of Golem's have, and its security. An answer or a request that is named as a schema is JSON of that schema.
"""

import json
from copy import deepcopy
from functools import cache
from pathlib import Path

import yaml

FOLDER = Path(__file__).parent
RELEASES = ("1.3", "1.4", "1.5")
MEDIA = "application/json; charset=utf-8"
FAILURES = {"400": "ErrorsBody", **dict.fromkeys(("401", "403", "404", "409"), "ErrorBody"), "500": "GolemErrorBody"}
METHODS = ("get", "post", "put", "patch", "delete")
BINARY = {"type": "string", "format": "binary"}


@cache
def published(release):
    """Return the document of a release, such as "1.3"."""
    document = {}
    for older in RELEASES[: RELEASES.index(release) + 1]:
        text = (FOLDER / f"golem_{older.replace('.', '_')}.yml").read_text()
        document = _laid_over(document, yaml.safe_load(text), 3)
    components = document["components"]
    names = components["schemas"]
    components["responses"] = {name: _json(_reference(name)) for name in names} | {
        "Boolean": _json({"type": "boolean"}),
        "Components": _json({"type": "array", "items": _reference("Component")}),
        "Binary": {"description": "", "content": {"application/octet-stream": {"schema": BINARY}}},
        "Done": {"description": ""},
    }
    components["requestBodies"] = {name: {**_json(_reference(name)), "required": True} for name in names}
    for operation in operations(document):
        operation["responses"] |= {status: _json(_reference(name)) for status, name in FAILURES.items()}
        operation.setdefault("security", [{"Cookie": []}, {"Token": []}])
    return document


def operations(document):
    for path in document["paths"].values():
        yield from (operation for method, operation in path.items() if method in METHODS)


def parts_of(release, operation_id):
    """Return what the parts of an upload must be."""
    document = published(release)
    operation = next(each for each in operations(document) if each["operationId"] == operation_id)
    schema = operation["requestBody"]["content"]["multipart/form-data"]["schema"]
    return {**schema, "components": document["components"]}


def for_prism(release, folder):
    """Write the document as Prism can check it into a folder; return its path.

    Prism takes a parameter that is an object apart by names in lower case, and never parses the JSON in parts of an
    upload: whatever is sent, it finds no such object. Servers read both as text, and as text they stand here.
    """
    document = deepcopy(published(release))
    for operation in operations(document):
        for parameter in operation.get("parameters", ()):
            if parameter.get("schema") == _reference("OplogCursor"):
                parameter["schema"] = {"type": "string", "pattern": "^[0-9]+-[0-9]+$"}
        upload = operation.get("requestBody", {}).get("content", {}).get("multipart/form-data")
        if upload is not None:
            properties = upload["schema"]["properties"]
            properties |= {name: {"type": "string"} for name, part in properties.items() if part != BINARY}
    path = folder / f"golem-{release}.json"
    path.write_text(json.dumps(document))
    return path


def _laid_over(base, added, levels):
    """Return a copy with what is added, so many levels deep; null takes away."""
    if levels == 0 or not isinstance(base, dict) or not isinstance(added, dict):
        return added
    joined = {key: _laid_over(base.get(key), value, levels - 1) for key, value in added.items()}
    return {key: value for key, value in {**base, **joined}.items() if value is not None}


def _reference(name):
    return {"$ref": f"#/components/schemas/{name}"}


def _json(schema):
    return {"description": "", "content": {MEDIA: {"schema": schema}}}
