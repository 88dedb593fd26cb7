from importlib.resources import files
from pathlib import Path
from uuid import uuid4

import pytest
import yaml

from golem_nb.wire import operations
from golem_nb.wire.operations import EXTENSIONS, OPERATIONS, Op, by_id

CONTRACT = files(operations.__package__) / "contract"
OPENAPI = yaml.safe_load((CONTRACT / "golem-cloud-openapi.yml").read_text())


def parameters_of(operation: dict, place: str) -> list[str]:
    shared = OPENAPI["components"]["parameters"]
    found = [shared[p["$ref"].rpartition("/")[2]] if "$ref" in p else p for p in operation.get("parameters", [])]
    return [p["name"] for p in found if p["in"] == place]


def op_from_contract(path: str, method: str, operation: dict) -> Op:
    bodies = operation.get("requestBody", {}).get("content", {})
    body = {(): None, ("application/json",): "json", ("multipart/form-data",): "multipart"}[tuple(bodies)]
    headers = parameters_of(operation, "header")
    return Op(
        operation["operationId"],
        method.upper(),
        path,
        body,
        query=tuple(parameters_of(operation, "query")),
        header=headers[0] if headers else None,
    )


def test_operations_are_the_contract_in_its_order():
    contract = tuple(
        op_from_contract(path, method, operation)
        for path, methods in OPENAPI["paths"].items()
        for method, operation in methods.items()
    )

    assert contract == OPERATIONS
    assert len(contract) == 33


def test_the_path_of_the_event_stream_is_the_channel_of_the_second_document():
    channels = yaml.safe_load((CONTRACT / "golem-cloud-asyncapi.yml").read_text())["channels"]

    assert list(channels) == [by_id(OPERATIONS)["connectWorker"].path]


def test_ids_and_places_are_unique():
    rows = OPERATIONS + EXTENSIONS

    assert len({op.id for op in rows}) == len(rows)
    assert len({(op.method, op.path) for op in rows}) == len(rows)


# Golem 1.3's and 1.4's, outside the contract. Source: SEMANTICS 0.3
WORKER = "/v1/components/{component_id}/workers/{agent_name}"
OF_GOLEM = {"/version", "/healthcheck", f"{WORKER}/invocations/{{idempotency_key}}"}
OF_GOLEM |= {WORKER.replace("{agent_name}", "find")}
OF_GOLEM |= {f"{WORKER}/{verb}" for verb in ("complete", "revert", "fork")}
OF_GOLEM |= {f"{WORKER}/{verb}/{{file_path}}" for verb in ("files", "file-contents")}


def test_extensions_have_golems_path_where_golem_has_one_and_else_lie_under_v1_x():
    paths = {op.path for op in EXTENSIONS}

    assert paths > OF_GOLEM
    assert all(path.startswith("/v1/x/") for path in paths - OF_GOLEM)


def test_url_encodes_each_parameter_as_one_segment():
    component = uuid4()

    url = by_id(OPERATIONS)["getOplog"].url(component_id=component, agent_name='Counter("c 1/2")?#')

    assert url == f"/v1/components/{component}/workers/Counter%28%22c%201%2F2%22%29%3F%23/oplog"


def test_url_leaves_the_slashes_of_a_files_path():
    component = uuid4()

    url = by_id(EXTENSIONS)["getWorkerFiles"].url(component_id=component, agent_name="w", file_path="a b/c?#%2F")

    assert url == f"/v1/components/{component}/workers/w/files/a%20b/c%3F%23%252F"


def test_url_without_a_parameter_is_refused():
    with pytest.raises(KeyError):
        by_id(OPERATIONS)["getComponent"].url()


def test_the_package_carries_both_documents():
    assert sorted(Path(str(CONTRACT)).glob("*.yml")) == [
        Path(str(CONTRACT)) / "golem-cloud-asyncapi.yml",
        Path(str(CONTRACT)) / "golem-cloud-openapi.yml",
    ]
