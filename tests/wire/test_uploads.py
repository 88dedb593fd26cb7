import json
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from golem_nb.errors import NotSupported
from golem_nb.model import Component, ComponentOptions, ComponentType, FileContent, InitialFile, LinkTarget
from golem_nb.wire.dialects import CONTRACT, GOLEM_1_3, GOLEM_1_4
from golem_nb.wire.files import files_from_parts
from golem_nb.wire.options import options_from_parts
from golem_nb.wire.uploads import parts_of_creation, parts_of_update

ID = UUID(int=9)
FILES = {"/a.txt": FileContent(b"a", is_read_only=False), "b": FileContent(b"b")}
OPTIONS = ComponentOptions(env={"K": "v"}, dynamic_linking={"i:j/k": {"r": LinkTarget("x:y/z", "other")}})
BEFORE = Component(
    ID, "c", 4, 1, datetime(2026, 1, 1, tzinfo=UTC), options=ComponentOptions(files=(InitialFile("/old", "", 1),))
)


def test_the_contract_takes_facts_as_parts_of_their_own():
    parts = parts_of_creation(CONTRACT, "c", ID, b"wasm", None, None)

    assert (dict(parts.texts), dict(parts.jsons)) == ({"name": "c"}, {})
    assert {name: file[1] for name, file in parts.files.items()} == {"component": b"wasm"}


def test_golem_1_3_takes_a_query_with_the_project():
    parts = parts_of_creation(GOLEM_1_3, "c", ID, b"wasm", OPTIONS, FILES)

    assert json.loads(parts.jsons["query"]) == {"componentName": "c", "projectId": str(ID)}
    assert json.loads(parts.jsons["env"]) == {"keyValues": {"K": "v"}}
    assert set(parts.files) == {"component", "files"}
    assert dict(parts.texts) == {"componentType": "Durable"}
    assert set(parts.jsons) == {"query", "env", "dynamicLinking", "filesPermissions"}


@pytest.mark.parametrize("dialect", [CONTRACT, GOLEM_1_3])
def test_options_and_files_in_parts_of_their_own_are_what_our_server_reads(dialect):
    parts = parts_of_update(dialect, None, b"wasm", replace(OPTIONS, type=ComponentType.EPHEMERAL), FILES)

    assert options_from_parts({**parts.texts, **parts.jsons}, ComponentOptions()) == replace(
        OPTIONS, type=ComponentType.EPHEMERAL
    )
    assert files_from_parts(parts.files["files"][1], parts.jsons["filesPermissions"]) == {
        "/a.txt": FILES["/a.txt"],
        "/b": FILES["b"],
    }


def test_golem_1_4_takes_everything_that_is_no_file_as_metadata():
    parts = parts_of_creation(GOLEM_1_4, "c", ID, b"wasm", OPTIONS, FILES)

    assert (set(parts.texts), set(parts.jsons)) == (set(), {"metadata"})
    metadata = json.loads(parts.jsons["metadata"])
    assert (metadata["componentName"], metadata["env"]) == ("c", {"K": "v"})
    assert metadata["fileOptions"] == {"/a.txt": {"permissions": "read-write"}, "/b": {"permissions": "read-only"}}
    assert metadata["dynamicLinking"]["i:j/k"]["targets"]["r"]["interfaceName"] == "x:y/z"
    assert set(parts.files) == {"componentWasm", "files"}


def test_a_new_version_for_golem_1_4_names_the_one_before_and_what_goes():
    parts = parts_of_update(GOLEM_1_4, BEFORE, b"wasm", None, FILES)

    metadata = json.loads(parts.jsons["metadata"])
    assert (metadata["currentRevision"], metadata["removedFiles"]) == (4, ["/old"])
    assert set(parts.files) == {"newComponentWasm", "newFiles"}
    assert json.loads(parts_of_update(GOLEM_1_4, BEFORE, b"wasm", None, None).jsons["metadata"]) == {
        "currentRevision": 4
    }


def test_what_a_release_does_not_know_is_refused():
    with pytest.raises(NotSupported, match=r"Golem 1\.4 knows no ephemeral components"):
        parts_of_creation(GOLEM_1_4, "c", ID, b"wasm", ComponentOptions(ComponentType.EPHEMERAL), None)
