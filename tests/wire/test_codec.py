from datetime import UTC, datetime, timedelta, timezone
from importlib.resources import files
from uuid import UUID

import jsonschema
import pytest
import yaml

from golem_nb.errors import BadInput
from golem_nb.model import (
    Component,
    OplogPage,
    PublicEntry,
    UpdateRecord,
    UpdateState,
    WorkerId,
    WorkerMetadata,
    WorkersPage,
    WorkerStatus,
)
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
    config={"mode": "dry"},
    pending_invocation_count=2,
    retry_count=1,
    last_error="boom",
    component_size_bytes=9,
    last_index=12,
    environment_id=UUID(int=7),
    forked_from=("bob",),
    entries_replayed=4,
    skipped_regions=((3, 5),),
    deleted_regions=((3, 4),),
    updates=(
        UpdateRecord(UpdateState.SUCCESSFUL, AT, 3),
        UpdateRecord(UpdateState.FAILED, AT, 4, "Automatic update failed: expected a, got b"),
        UpdateRecord(UpdateState.PENDING, AT, 5),
    ),
    owned_resources={1: "shop:cart/api#cart", 2: "cart"},
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


@pytest.mark.parametrize(("next_index", "cursor"), [(None, None), (101, "101-3")])
def test_a_page_of_an_oplog_is_read_back(next_index, cursor):
    page = OplogPage((ENTRY,), next_index, 2, 200, cursor)

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


@pytest.mark.parametrize("text", ["yesterday", "", None, 5, "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_what_is_no_timestamp_is_refused(text):
    with pytest.raises(BadInput, match="not a timestamp"):
        codec.timestamp_from_text(text)


def test_parameters_are_wrapped_as_every_golem_reads_them():
    assert codec.json_from_params([1, {"a": None}]) == {"params": [{"value": 1}, {"value": {"a": None}}]}


def test_a_creation_keeps_the_contract():
    json = codec.json_from_creation("w", ("x",), {"K": "V"})

    check_contract(json, "WorkerCreationRequest")
    assert json == {"name": "w", "args": ["x"], "env": {"K": "V"}}


def test_a_creation_with_a_configuration_is_golems():
    json = codec.json_from_creation("w", (), {}, {"mode": "dry"})

    assert json == {"name": "w", "args": [], "env": {}, "wasiConfigVars": [{"key": "mode", "value": "dry"}]}


@pytest.mark.parametrize("json", [[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}], {"a": "1", "b": "2"}])
def test_a_configuration_is_a_list_or_an_object(json):
    assert codec.config_from_json(json) == {"a": "1", "b": "2"}


@pytest.mark.parametrize("json", [None, [], {}])
def test_a_configuration_may_be_empty(json):
    assert codec.config_from_json(json) == {}


@pytest.mark.parametrize(
    ("json", "text"),
    [
        ("a", "expected a list"),
        (["a"], "this is not a list of"),
        ([{"key": "a"}], "must have the key 'value'"),
        ([{"key": "a", "value": 1}], "expected a string, found 1"),
        ({"a": None}, "expected a string, found None"),
        ([{"key": "a", "value": "1"}, {"key": "a", "value": "2"}], "a key is there twice"),
    ],
)
def test_what_is_no_configuration_is_refused(json, text):
    with pytest.raises(BadInput, match=text):
        codec.config_from_json(json)


def test_a_missing_key_is_named():
    with pytest.raises(BadInput, match="a component must have the key 'componentId'"):
        codec.component_from_json({})


def test_golems_cursor_to_the_beginning_is_the_end():
    assert codec.workers_page_from_json({"workers": [], "cursor": {"layer": 0, "cursor": 0}}).cursor is None


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


@pytest.mark.parametrize(
    "next",
    [
        {"nextOplogIndex": 5, "currentComponentVersion": 2},
        {"next_oplog_index": 5, "current_component_version": 2},
        {"nextOplogIndex": 5, "currentComponentRevision": 2},
    ],
)
def test_where_other_golems_go_on_is_read(next):
    page = codec.oplog_page_from_json({"entries": [], "next": next})

    assert (page.next_index, page.cursor) == (5, "5-2")


def test_a_cursor_is_an_index_and_a_version():
    assert codec.index_from_cursor(codec.text_from_cursor(17, 3)) == 17


@pytest.mark.parametrize("text", ["", "17", "-3", "17-", "a-b", "17-3-1", "1" * 19 + "-0", " 1-2", "٣-1"])
def test_what_is_no_cursor_is_refused(text):
    with pytest.raises(BadInput, match="cursor must be one"):
        codec.index_from_cursor(text)


def test_updates_are_written_as_golem_1_3_does():
    json = codec.json_from_worker_metadata(WORKER)["updates"]

    assert json[1] == {
        "type": "failedUpdate",
        "timestamp": "2025-01-31T12:34:56.789Z",
        "targetVersion": 4,
        "details": "Automatic update failed: expected a, got b",
    }
    assert [record["type"] for record in json] == ["successfulUpdate", "failedUpdate", "pendingUpdate"]


def read_metadata(**changes):
    return codec.worker_metadata_from_json({**codec.json_from_worker_metadata(WORKER), **changes})


def test_updates_of_other_golems_are_read():
    at = "2025-01-31T12:34:56.789Z"
    updates = [
        {"type": "FailedUpdate", "timestamp": at, "targetRevision": 4, "details": "why"},
        {"type": "pendingUpdate", "timestamp": at, "target_version": 5},
        {"type": "brandnewUpdate", "timestamp": at},
    ]

    assert read_metadata(updates=updates).updates == (
        UpdateRecord(UpdateState.FAILED, AT, 4, "why"),
        UpdateRecord(UpdateState.PENDING, AT, 5),
    )


def test_resources_are_written_as_golem_1_3_does():
    json = codec.json_from_worker_metadata(WORKER)["exportedResourceInstances"]

    assert json[0] == {"key": 1, "description": {"resourceOwner": "shop:cart/api", "resourceName": "cart"}}


def test_resources_of_other_golems_are_read():
    older = {"1": {"createdAt": "x"}, "2": {"createdAt": "x", "indexed": {"resourceName": "cart"}}}

    assert read_metadata(exportedResourceInstances=None, ownedResources=older).owned_resources == {1: "", 2: "cart"}


def test_two_kinds_of_entries_are_in_snake_case_as_in_golem_1_3():
    fields = {"targetVersion": 2, "newComponentSize": 9}
    entry = PublicEntry(2, "SuccessfulUpdate", AT, fields)
    json = codec.json_from_entry(entry)

    assert (json["target_version"], json["new_component_size"]) == (2, 9)
    assert codec.entry_from_json(2, json) == entry
    assert "targetVersion" in codec.json_from_entry(PublicEntry(2, "FailedUpdate", AT, fields))


def test_what_is_special_about_a_parameter_is_told_and_read_back():
    function = FunctionType("f", (Parameter("any", STRING, True), Parameter("n", U32, False, "7")), None)

    json = codec.json_from_function(function)
    assert json["parameters"] == [
        {"name": "any", "typ": {"type": "Str"}, "isJson": True},
        {"name": "n", "typ": {"type": "U32"}, "default": 7},
    ]
    assert codec.function_from_json(json) == function
