import yaml
from openapi_spec_validator import validate

from golem_nb.wire.openapi import (
    CONTRACT_NAMES,
    contract_text,
    laid_over,
    openapi_document,
    operations_in,
    resolved,
    text_of,
)
from golem_nb.wire.operations import DOCUMENTS, EXTENSIONS, MORE_QUERY, OPERATIONS

DOCUMENT = openapi_document("1.2.3")
ROWS = (*OPERATIONS, *EXTENSIONS, *DOCUMENTS)
CONTENT = {"json": "application/json", "multipart": "multipart/form-data", "binary": "application/octet-stream"}


def test_the_document_is_valid():
    validate(DOCUMENT)
    assert DOCUMENT["openapi"].startswith("3.0.")
    assert DOCUMENT["info"]["version"] == "1.2.3"


def test_its_operations_are_those_of_the_tables():
    found = {(operation["operationId"], method, path) for path, method, operation in operations_in(DOCUMENT)}

    assert found == {(op.id, op.method, op.path) for op in ROWS}


def test_parameters_and_bodies_are_those_of_the_tables():
    by_id = {operation["operationId"]: operation for _, _, operation in operations_in(DOCUMENT)}
    for op in ROWS:
        parameters = [resolved(DOCUMENT, parameter) for parameter in by_id[op.id].get("parameters", [])]
        names = {place: {p["name"] for p in parameters if p["in"] == place} for place in ("path", "query", "header")}
        in_path = {part[1:-1] for part in op.path.split("/") if part.startswith("{")}
        content = by_id[op.id].get("requestBody", {}).get("content", {})

        assert names["path"] == in_path, op.id
        assert names["query"] == {*op.query, *MORE_QUERY.get(op.id, ())}, op.id
        assert names["header"] == ({op.header} if op.header else set()), op.id
        assert list(content) == ([CONTENT[op.body]] if op.body else []), op.id


def test_every_operation_says_what_it_is_and_how_it_fails():
    for _, _, operation in operations_in(DOCUMENT):
        failure = resolved(DOCUMENT, operation["responses"]["4XX"])
        schema = resolved(DOCUMENT, failure["content"]["application/json"]["schema"])

        assert operation["summary"], operation["operationId"]
        assert schema["required"] == ["error"]
        assert ("501" in operation["responses"]) is (operation["tags"][0] in ("ApiDefinition", "Plugin"))


def test_what_needs_no_token_says_so():
    open_ones = {o["operationId"] for _, _, o in operations_in(DOCUMENT) if o.get("security") == []}

    assert open_ones == {"version", "healthcheck", *(op.id for op in DOCUMENTS)}


def test_what_the_contract_says_still_stands():
    """Nothing of its paths, parameters and schemas is lost or changed, apart from tags and texts."""
    contract = yaml.safe_load(contract_text(CONTRACT_NAMES[0]))

    def lost(base, found, at):
        if isinstance(base, dict):
            for key, value in base.items():
                if key not in ("tags", "description", "info", "servers"):
                    yield from lost(value, found.get(key), f"{at}/{key}") if key in found else [f"{at}/{key}"]
        elif isinstance(base, list):
            yield from (f"{at}[]" for item in base if item not in found)
        elif base != found:
            yield at

    assert list(lost(contract, DOCUMENT, "")) == []


def test_the_yaml_says_the_same():
    assert yaml.safe_load(text_of(DOCUMENT)) == DOCUMENT


def test_objects_are_joined_lists_continued_and_all_else_replaced():
    base = {"a": {"b": 1, "c": [1]}, "tags": ["x"]}

    assert laid_over(base, {"a": {"b": 2, "c": [2], "d": 3}, "tags": ["y"]}) == {
        "a": {"b": 2, "c": [1, 2], "d": 3},
        "tags": ["y"],
    }
    assert base == {"a": {"b": 1, "c": [1]}, "tags": ["x"]}
