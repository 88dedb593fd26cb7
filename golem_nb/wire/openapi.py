"""The document of the served API: the contract's, with what this server adds laid over it (`extensions.yml`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from golem_nb.wire import operations

Json = dict[str, Any]

CONTRACT_NAMES = ("golem-cloud-openapi.yml", "golem-cloud-asyncapi.yml")
METHODS = ("get", "post", "put", "patch", "delete")
NOT_SERVED_YET = ("ApiDefinition", "Plugin")  # tags; see `OPERATIONS`
OPEN = "Server"  # the tag of what needs no token
_FAILURE = {"$ref": "#/components/responses/Failure"}
_DONE = {"application/json": {"schema": {"type": "object"}}}


@cache
def contract_text(name: str) -> str:
    """Return a document of the contract, word for word."""
    return (files(operations.__package__) / "contract" / name).read_text(encoding="utf-8")


@cache
def openapi_document(version: str) -> Json:
    """Return the document, for this version of golem_nb. It is made once; nobody may change it."""
    contract = yaml.safe_load(contract_text(CONTRACT_NAMES[0]))
    added = yaml.safe_load((files(operations.__package__) / "extensions.yml").read_text(encoding="utf-8"))
    document: Json = laid_over(contract, added)
    document["info"] = {
        "title": "golem_nb",
        "version": version,
        "description": (
            "Durable WebAssembly workers on this machine: Golem's contract for components and workers, Golem 1.3's "
            "operations beside it, and, under `/v1/x/`, some of our own. Failures are JSON with `error`."
        ),
        "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
    }
    document["servers"] = [{"url": "/"}]
    for _, _, operation in operations_in(document):
        _complete(operation)
    return document


def operations_in(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Yield path, method (in capitals) and operation, in the document's order."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in METHODS:
                yield path, method.upper(), operation


def laid_over(base: Any, added: Any) -> Any:
    """Return a copy of `base` with what is added: objects are joined, lists continued, all else is replaced.

    A list of tags is replaced where both have one: an operation has one tag.
    """
    if isinstance(base, Mapping) and isinstance(added, Mapping):
        joined = {key: value if key not in added else _joined(key, value, added[key]) for key, value in base.items()}
        return {**joined, **{key: value for key, value in added.items() if key not in base}}
    if isinstance(base, list) and isinstance(added, list):
        return [*base, *added]
    return added


def _joined(key: str, base: Any, added: Any) -> Any:
    is_tag = key == "tags" and all(isinstance(tag, str) for tag in added)
    return added if is_tag else laid_over(base, added)


def resolved(document: Json, part: Any) -> Any:
    """Return a part of the document, or what it refers to."""
    while isinstance(part, Mapping) and "$ref" in part:
        found: Any = document
        for key in part["$ref"].removeprefix("#/").split("/"):
            found = found[key]
        part = found
    return part


def _complete(operation: Json) -> None:
    """Add what holds for all operations: how they fail, and that an answer without content is an empty object."""
    (tag,) = operation["tags"]
    if tag == OPEN:
        operation["security"] = []
    answers = operation["responses"] = {**operation["responses"]}
    if tag in NOT_SERVED_YET:
        answers["501"] = _FAILURE
    for status, answer in answers.items():
        if status == "200" and "$ref" not in answer and "content" not in answer:
            answers[status] = {**answer, "content": _DONE}
    answers.setdefault("4XX", _FAILURE)
    answers.setdefault("503", _FAILURE)


def text_of(document: Json) -> str:
    """Return the document as YAML."""

    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

    text: str = yaml.dump(document, Dumper=Plain, sort_keys=False, allow_unicode=True, width=120)
    return text
