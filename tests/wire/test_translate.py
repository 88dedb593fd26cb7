from uuid import UUID

import pytest

from golem_nb.errors import BadInput, NotSupported
from golem_nb.model import ComponentOptions, UpdateMode, WorkerId
from golem_nb.values.types import U32, TypedValue
from golem_nb.wire import translate
from golem_nb.wire.dialects import CONTRACT, GOLEM_1_3, GOLEM_1_4, GOLEM_1_5

STAMP = "2025-01-31T12:34:56.789Z"
ID = str(UUID(int=3))
OLD = {
    "versionedComponentId": {"componentId": ID, "version": 2},
    "componentName": "c",
    "componentSize": 7,
    "createdAt": STAMP,
    "metadata": {"dynamicLinking": {"i": {"type": "WasmRpc", "targets": {}}}},
    "env": {"K": "v"},
}
NEW = {"id": ID, "revision": 2, "componentName": "c", "componentSize": 7, "createdAt": STAMP, "hash": "x"}
FLAT = {"componentId": ID, "componentVersion": 2, "componentName": "c", "componentSize": 7, "createdAt": STAMP}


@pytest.mark.parametrize(("dialect", "json"), [(CONTRACT, FLAT), (GOLEM_1_3, OLD), (GOLEM_1_4, NEW), (GOLEM_1_5, NEW)])
def test_components_look_alike(dialect, json):
    found = translate.component_from(dialect, json)

    assert (str(found.id), found.name, found.version, found.size_bytes) == (ID, "c", 2, 7)


def test_options_and_files_are_read_where_a_release_has_them():
    assert translate.component_from(GOLEM_1_3, OLD).options.env == {"K": "v"}
    assert list(translate.component_from(GOLEM_1_3, OLD).options.dynamic_linking) == ["i"]
    files = [
        {"path": "/a", "permissions": "read-only", "contentHash": "h"},
        {"path": "/b", "permissions": "read-write"},
    ]
    found = translate.component_from(GOLEM_1_4, {**NEW, "files": files}).options.files
    assert [(file.path, file.sha256, file.is_read_only) for file in found] == [("/a", "h", True), ("/b", "", False)]


U32_TYPE = {"type": "U32"}


def test_functions_of_golem_1_3_are_read_from_its_analysis():
    inc = {"name": "inc", "parameters": [{"name": "n", "typ": U32_TYPE}], "result": {"typ": U32_TYPE}}
    exports = [
        {"type": "Function", **inc},
        {"type": "Instance", "name": "a:b/c", "functions": [{"name": "run", "parameters": []}]},
    ]
    found = translate.component_from(GOLEM_1_3, {**OLD, "metadata": {"exports": exports}})

    assert [(f.name, [p.name for p in f.parameters], f.result) for f in found.exports] == [
        ("inc", ["n"], U32),
        ("a:b/c.{run}", [], None),
    ]
    assert translate.component_from(GOLEM_1_5, {**NEW, "metadata": {"exports": exports}}).exports is None


@pytest.mark.parametrize(
    "odd",
    [
        {"files": [{"path": 5}]},
        {"env": {"K": 5}},
        {"metadata": {"dynamicLinking": {"i": {"type": "New"}}}},
        {"metadata": {"exports": [{"name": "f", "parameters": [{"name": "n", "typ": {"type": "New"}}]}]}},
        {"metadata": {"exports": 5}},
        {"componentType": "New"},
    ],
)
def test_options_in_an_unknown_form_are_as_if_they_were_not_told(odd):
    found = translate.component_from(GOLEM_1_3, {**OLD, **odd})

    assert (found.name, found.version, found.exports, found.options) == ("c", 2, None, ComponentOptions())


def test_of_several_versions_the_latest_is_kept():
    versions = [{**OLD, "versionedComponentId": {"componentId": ID, "version": version}} for version in (0, 3, 1)]

    assert [component.version for component in translate.components_from(GOLEM_1_3, versions)] == [3]


@pytest.mark.parametrize(("dialect", "json"), [(GOLEM_1_4, [NEW]), (GOLEM_1_3, {"values": [OLD]}), (GOLEM_1_5, {})])
def test_a_list_in_another_wrapping_is_refused(dialect, json):
    with pytest.raises(BadInput):
        translate.components_from(dialect, json)


@pytest.mark.parametrize("json", [{}, {**NEW, "id": 5}, [], None, {**NEW, "revision": "x"}])
def test_what_lacks_a_key_is_refused(json):
    with pytest.raises(BadInput):
        translate.component_from(GOLEM_1_4, json)


AGENT = {
    "agentId": {"componentId": ID, "agentId": "c(1)"},
    "componentRevision": 4,
    "status": "Idle",
    "createdAt": STAMP,
    "config": [{"path": ["a"], "value": 1}],
}


def test_an_agent_is_a_worker():
    found = translate.worker_from(GOLEM_1_5, AGENT)
    page = translate.workers_page_from(GOLEM_1_5, {"workers": [AGENT], "cursor": {"cursor": 7, "layer": 1}})

    assert (found.worker_id, found.component_version) == (WorkerId(UUID(ID), "c(1)"), 4)
    assert (page.workers, page.cursor) == ((found,), "1/7")
    launched = {"agentId": {"componentId": ID, "agentId": "c(1)"}, "componentRevision": 0}
    assert translate.worker_id_from(GOLEM_1_5, launched) == found.worker_id


def page_of(*entries):
    return {
        "entries": [{"oplogIndex": n, "entry": {"timestamp": STAMP, **entry}} for n, entry in enumerate(entries, 1)],
        "next": {"nextOplogIndex": 9, "currentComponentRevision": 2},
    }


def test_entries_get_the_words_of_golem_1_3():
    value = {"typ": {"type": "U32"}, "value": 1}
    wrapped = {"type": "Tuple", "elements": [{"type": "ComponentModel", "value": value}]}
    method = {"type": "AgentMethodInvocation", "methodName": "m", "functionInput": wrapped, "idempotencyKey": "k"}
    page = translate.oplog_page_from(
        GOLEM_1_5,
        page_of(
            {"type": "PendingAgentInvocation", "invocation": method},
            {"type": "PendingAgentInvocation", "invocation": {"type": "ManualUpdate", "targetRevision": 3}},
            {"type": "AgentInvocationStarted", "invocation": {"type": "AgentInitialization", "idempotencyKey": "i"}},
            {"type": "AgentInvocationFinished", "result": {"type": "AgentMethod", "output": wrapped}},
            {"type": "AgentInvocationFinished", "result": {"type": "SaveSnapshot"}},
            {"type": "FailedUpdate", "targetRevision": 3},
            {"type": "SetRetryPolicy", "name": "p"},
        ),
    )

    assert page.cursor == "9-2"
    pending, update, started, finished, silent, failed, unknown = page.entries
    assert pending.kind == "PendingWorkerInvocation"
    assert pending.fields["invocation"] == {
        "type": "ExportedFunction",
        "fullFunctionName": "m",
        "functionInput": [value],
        "idempotencyKey": "k",
    }
    assert update.fields["invocation"] == {"type": "ManualUpdate", "targetVersion": 3}
    assert (started.fields["functionName"], started.fields["request"]) == ("AgentInitialization", [])
    assert (finished.kind, finished.fields["response"]) == ("ExportedFunctionCompleted", value)
    assert "response" not in silent.fields
    assert failed.fields["targetVersion"] == 3
    assert (unknown.kind, unknown.fields) == ("SetRetryPolicy", {"name": "p"})


def test_entries_of_the_contract_stay_as_they_are():
    page = translate.oplog_page_from(CONTRACT, page_of({"type": "HostCall", "componentRevision": 1}))

    assert (page.entries[0].kind, page.entries[0].fields) == ("HostCall", {"componentRevision": 1})


def test_a_launch_has_what_a_release_insists_on():
    plain = {"name": "w", "env": {}}

    assert translate.json_from_launch(CONTRACT, "w", [], {}, None) == {**plain, "args": []}
    assert translate.json_from_launch(GOLEM_1_3, "w", [], {}, None) == {**plain, "args": [], "wasiConfigVars": []}
    assert translate.json_from_launch(GOLEM_1_4, "w", [], {}, {"a": "b"}) == {
        **plain,
        "configVars": [{"key": "a", "value": "b"}],
    }
    assert translate.json_from_launch(GOLEM_1_5, "w", [], {}, None) == plain
    with pytest.raises(NotSupported, match=r"Golem 1\.4 takes no args"):
        translate.json_from_launch(GOLEM_1_4, "w", ["a"], {}, None)


def test_words_of_requests():
    target = WorkerId(UUID(ID), "v")

    assert translate.json_from_update(GOLEM_1_3, 2, UpdateMode.MANUAL) == {"mode": "Manual", "targetVersion": 2}
    assert translate.json_from_update(GOLEM_1_5, 2, UpdateMode.MANUAL) == {"mode": "manual", "targetRevision": 2}
    assert translate.json_from_revert(GOLEM_1_3, 4, None)["type"] == "revertToOplogIndex"
    assert translate.json_from_revert(GOLEM_1_4, None, 1)["type"] == "RevertLastInvocations"
    assert translate.json_from_fork(GOLEM_1_4, target, 5) == {
        "targetWorkerId": {"componentId": ID, "workerName": "v"},
        "oplogIndexCutoff": 5,
    }
    assert translate.json_from_fork(GOLEM_1_5, target, 5) == {
        "targetAgentId": {"componentId": ID, "agentId": "v"},
        "oplogIndexCutoff": 5,
    }


def test_places_have_names_where_a_server_tells_them():
    several = {"values": [{"environment": {"id": ID, "name": "prod"}, "application": {"name": "shop"}}]}
    (named,) = translate.places_from(GOLEM_1_5, GOLEM_1_5.container, several)
    (plain,) = translate.places_from(GOLEM_1_3, GOLEM_1_3.container, {"projectId": ID})

    assert (str(named), str(plain)) == (f"shop/prod ({ID})", ID)
    with pytest.raises(BadInput):
        translate.places_from(GOLEM_1_5, GOLEM_1_5.container, {"values": [{}]})
    with pytest.raises(BadInput):
        translate.version_from_json({"version": 5})


def test_a_result_that_does_not_fit_its_type_is_not_lost():
    odd = {"result": {"typ": {"type": "Str"}, "value": None}}

    assert translate.result_from(GOLEM_1_3, odd) == TypedValue(None, None)
    assert translate.result_from(GOLEM_1_3, {"result": {"typ": U32_TYPE, "value": 5}}) == TypedValue(U32, 5)
    assert translate.result_from(GOLEM_1_4, {}) is None
    with pytest.raises(BadInput):
        translate.result_from(CONTRACT, odd)
    with pytest.raises(BadInput):
        translate.result_from(GOLEM_1_3, [])
