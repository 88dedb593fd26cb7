from datetime import UTC, datetime, timedelta, timezone
from importlib.resources import files
from uuid import UUID

import jsonschema
import pytest
import yaml

from golem_nb.errors import BadInput
from golem_nb.model import Component, OplogPage, PublicEntry, WorkerId, WorkerMetadata, WorkersPage, WorkerStatus
from golem_nb.values.types import STRING, U32, FunctionType, ListType, Parameter, TypedValue, record
from golem_nb.wire import codec

AT = datetime(2025, 1, 31, 12, 34, 56, 789000, tzinfo=UTC)
ID = UUID("6f1a3d4e-7a54-5d0a-9a53-0d1f6d2c8b11")
ADD = FunctionType("shop:cart/api.{add-item}", (Parameter("item", record(name=STRING)),), ListType(U32), "Adds.")
COMPONENT = Component(ID, "cart", 3, 1024, AT, (ADD, FunctionType("clear", (), None)), "ab" * 32)
WORKER = WorkerMetadata(
    WorkerId(ID, "alice"),
    WorkerStatus.RETRYING,
    3,
    AT,
    args=("a",),
    env={"HOME": "/"},
    pending_invocation_count=2,
    retry_count=1,
    last_error="boom",
    component_size_bytes=9,
    last_index=12,
    entries_replayed=4,
    skipped_regions=((3, 5),),
    deleted_regions=((3, 4),),
)
ENTRY = PublicEntry(2, "Log", AT, {"level": "Info", "message": "hi"})

OPENAPI = yaml.safe_load((files(codec.__package__) / "contract" / "golem-cloud-openapi.yml").read_text())


def check_contract(json: object, schema: str) -> None:
    whole = {"$ref": f"#/components/schemas/{schema}", "components": OPENAPI["components"]}
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.Draft202012Validator(whole, format_checker=checker).validate(json)


@pytest.mark.parametrize(
    ("value", "write", "read", "schema"),
    [
        (COMPONENT, codec.json_from_component, codec.component_from_json, "Component"),
        (Component(ID, "c", 0, 1, AT), codec.json_from_component, codec.component_from_json, "Component"),
        (WORKER, codec.json_from_worker_metadata, codec.worker_metadata_from_json, "WorkerMetadata"),
        (WORKER.worker_id, codec.json_from_worker_id, codec.worker_id_from_json, "WorkerId"),
        (
            WorkersPage((WORKER,), "7"),
            codec.json_from_workers_page,
            codec.workers_page_from_json,
            "WorkersMetadataResponse",
        ),
        (WorkersPage(()), codec.json_from_workers_page, codec.workers_page_from_json, "WorkersMetadataResponse"),
        (TypedValue(U32, 7), codec.json_from_result, codec.result_from_json, "InvokeResult"),
        (None, codec.json_from_result, codec.result_from_json, "InvokeResult"),
    ],
)
def test_what_is_written_is_read_back_and_keeps_the_contract(value, write, read, schema):
    json = write(value)

    assert read(json) == value
    check_contract(json, schema)


@pytest.mark.parametrize("next_index", [None, 101])
def test_a_page_of_an_oplog_is_read_back(next_index):
    page = OplogPage((ENTRY,), next_index, 2, 200)

    assert codec.oplog_page_from_json(codec.json_from_oplog_page(page, component_version=3)) == page


def test_the_cursor_is_left_out_at_the_end():
    assert codec.json_from_workers_page(WorkersPage(())) == {"workers": []}


def test_timestamps_have_milliseconds_and_z():
    east = AT.astimezone(timezone(timedelta(hours=3)))

    assert codec.text_from_timestamp(east) == "2025-01-31T12:34:56.789Z"


@pytest.mark.parametrize(
    "text", ["2025-01-31T12:34:56.789Z", "2025-01-31T13:34:56.789+01:00", "2025-01-31T12:34:56.789"]
)
def test_timestamps_are_read_as_utc(text):
    assert codec.timestamp_from_text(text) == AT


def test_digits_behind_the_microseconds_are_cut_off():
    assert codec.timestamp_from_text("2025-01-31T12:34:56.789000999Z") == AT


@pytest.mark.parametrize("text", ["yesterday", "", None, 5])
def test_what_is_no_timestamp_is_refused(text):
    with pytest.raises(BadInput, match="not a timestamp"):
        codec.timestamp_from_text(text)


def test_parameters_are_wrapped_as_every_golem_reads_them():
    assert codec.json_from_params([1, {"a": None}]) == {"params": [{"value": 1}, {"value": {"a": None}}]}


def test_a_creation_keeps_the_contract():
    json = codec.json_from_creation("w", ("x",), {"K": "V"})

    check_contract(json, "WorkerCreationRequest")
    assert json == {"name": "w", "args": ["x"], "env": {"K": "V"}}


def test_a_missing_key_is_named():
    with pytest.raises(BadInput, match="a component must have the key 'componentId'"):
        codec.component_from_json({})


def test_golems_cursor_object_goes_back_as_a_text():
    page = codec.workers_page_from_json({"workers": [], "cursor": {"layer": 0, "cursor": 17}})

    assert page.cursor == "0/17"


def test_golems_launch_answer_is_read():
    json = {"workerId": {"componentId": str(ID), "workerName": "alice"}, "componentVersion": 0}

    assert codec.worker_id_from_json(json) == WorkerId(ID, "alice")


def test_a_wrapped_list_of_components_is_read():
    items = [codec.json_from_component(COMPONENT)]

    assert codec.components_from_json(items) == codec.components_from_json({"values": items}) == [COMPONENT]


def test_pairs_and_snake_case_of_other_golems_are_read():
    json = {"entries": [[4, {"type": "HostCall", "timestamp": "2025-01-31T12:34:56.789Z", "function_name": "now"}]]}

    (entry,) = codec.oplog_page_from_json(json).entries

    assert entry == PublicEntry(4, "HostCall", AT, {"functionName": "now"})
