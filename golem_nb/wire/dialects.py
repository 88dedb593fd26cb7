"""How the servers that a client may face differ from the contract: one table each, and nothing that decides.

A dialect is what a release of Golem speaks. `translate` and `uploads` read and write JSON by these tables, so that all
other code knows the contract's words only. Source: CONTRACT, part 2; SEMANTICS 0.2, 4.3, 9, 10.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from golem_nb.wire.operations import EXTENSIONS, OPERATIONS, Op, by_id

OWN_NAME = "golem_nb"  # what our server's version begins with

# Where a key of the contract is found: `workerId.componentId`, from the outside in.
Paths = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Upload:
    """The parts of an upload. `facts` is a part with a JSON object; without one, each fact is a part of its own."""

    wasm: str = "component"
    files: str = "files"
    facts: str | None = None
    name: str = "name"
    container: str | None = None
    """The fact that says which container; None where the path does."""
    revision: str | None = None
    """The fact that says which version the caller has seen, for servers that insist on it."""
    takes_type: bool = True
    env: str | None = None
    """The key that the environment is wrapped in, where it is a part of its own."""
    file_options: str | None = None
    """The fact that says what files may be used for, where all options are facts and not parts of their own."""


@dataclass(frozen=True, slots=True)
class Container:
    """What components live in. `op` lists or names it; `items` tells whether the answer has several."""

    word: Literal["environment", "project"]
    op: Op
    id: str
    has_several: bool
    one: Op | None = None
    """Names one by its id, and the application that it belongs to."""
    app: Op | None = None


@dataclass(frozen=True, slots=True)
class Dialect:
    """One table. `operations` are those that such a server has, by the contract's ids; `instead` says what else helps.

    `component`, `file` (of a component), `worker` and `launched` say where the contract's keys are in an answer; None =
    where the contract has them.
    """

    name: str
    operations: Mapping[str, Op]
    instead: Mapping[str, str] = field(default_factory=dict)
    container: Container | None = None
    envelope: str | None = None
    create: Upload = Upload()
    update: Upload = Upload()
    component: Paths | None = None
    file: Paths | None = None
    exports: str | None = None
    """Where a component's analysed exports are, if they are the functions that can be invoked."""
    worker: Paths | None = None
    launched: Paths | None = None
    fork_target: Mapping[str, str] = field(default_factory=dict)
    """The contract's keys in a fork's target -> this dialect's."""
    is_name_a_filter: bool = False
    """Is a component found by name in the list of all?"""
    launch_always: tuple[str, ...] = ()
    launch_never: tuple[str, ...] = ()
    launch_config: Literal["wasiConfigVars", "configVars"] = "wasiConfigVars"
    """The key of what `wasi:config` tells a worker; a list of `{key, value}` by either name."""
    update_version: Literal["targetVersion", "targetRevision"] = "targetVersion"
    update_in_lower_case: bool = False
    has_capital_types: bool = False
    """Do the types of a RevertWorkerTarget begin with a capital?"""
    delete_revision: str | None = None
    """The query of a component's deletion that says which version the caller has seen."""
    most_entries: int | None = None
    """How many entries a page of an oplog may be asked for; how many they are to be is always said."""
    has_agents: bool = False
    """Are workers agents, whose names spell a type and its parameters, and whose methods are invoked by JSON?"""
    filters: Mapping[str, str] = field(default_factory=dict)
    """The contract's types of filters of workers -> this dialect's."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """Names of oplog entries -> those of Golem 1.3, which everything above the wire knows."""
    entry_fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return self.name if self.name == "contract" else f"Golem {self.name}"


def _same(*keys: str) -> dict[str, str]:
    return {key: key for key in keys}


_CONTRACT = by_id(OPERATIONS + EXTENSIONS)
# What all releases have at the contract's paths, or at those of our extensions.
_GOLEM = {
    id: _CONTRACT[id]
    for id in (
        "launchNewWorker",
        "getWorkersMetadata",
        "getWorkerMetadata",
        "deleteWorker",
        "interruptWorker",
        "resumeWorker",
        "updateWorker",
        "getOplog",
        "connectWorker",
        "version",
        "healthcheck",
        "completePromise",
        "revertWorker",
        "cancelInvocation",
        "findWorkers",
    )
}
# There, the path of a file is one segment, with its slashes encoded.
_FILES = "/v1/components/{component_id}/workers/{agent_name}"
_GOLEM["getWorkerFiles"] = Op("getWorkerFiles", "GET", f"{_FILES}/files/{{file_name}}")
_GOLEM["getWorkerFileContents"] = Op("getWorkerFileContents", "GET", f"{_FILES}/file-contents/{{file_name}}")
_COMPONENTS_OF_ENVIRONMENT = {
    id: _CONTRACT[id]
    for id in (
        "listEnvironmentComponents",
        "getComponentByName",
        "getComponent",
        "deleteComponent",
        "downloadComponentWasm",
    )
}
_INVOCATIONS = {id: _CONTRACT[id] for id in ("invokeFunction", "invokeAndAwaitFunction")}
_FORK = {"forkWorker": _CONTRACT["forkWorker"]}
_UPLOADS = {id: _CONTRACT[id] for id in ("createComponent", "updateComponent")}

_COMPONENT = "/v1/components/{component_id}"
_INVOKE_AGENT = Op("invokeAgent", "POST", "/v1/agents/invoke-agent", "json", header="idempotency-key")

_REVISED_COMPONENT = {
    **_same("componentName", "componentSize", "createdAt", "env", "files"),
    "componentId": "id",
    "componentVersion": "revision",
}
_REVISED_FILE = {**_same("path", "permissions", "size"), "key": "contentHash"}
_REVISED_FIELDS = {
    "componentRevision": "componentVersion",
    "targetRevision": "targetVersion",
    "environmentId": "projectId",
}
_ENVIRONMENT = "environment.id"

CONTRACT = Dialect("contract", _CONTRACT)

GOLEM_1_3 = Dialect(
    "1.3",
    {
        **_GOLEM,
        **_INVOCATIONS,
        "createComponent": Op("createComponent", "POST", "/v1/components", "multipart"),
        "updateComponent": Op("updateComponent", "POST", f"{_COMPONENT}/updates", "multipart"),
        "listEnvironmentComponents": Op(
            "listEnvironmentComponents", "GET", "/v1/components", query=("project-id", "component-name")
        ),
        "getComponentByName": Op("getComponentByName", "GET", "/v1/components", query=("project-id", "component-name")),
        "getComponent": Op("getComponent", "GET", f"{_COMPONENT}/latest"),
        "downloadComponentWasm": Op("downloadComponentWasm", "GET", f"{_COMPONENT}/download", query=("version",)),
    },
    container=Container(
        "project", Op("getDefaultProject", "GET", "/v1/projects/default"), id="projectId", has_several=False
    ),
    create=Upload(facts="query", name="componentName", container="projectId", env="keyValues"),
    update=Upload(env="keyValues"),
    component={
        **_same("componentName", "componentSize", "createdAt", "componentType", "env", "files"),
        "componentId": "versionedComponentId.componentId",
        "componentVersion": "versionedComponentId.version",
        "dynamicLinking": "metadata.dynamicLinking",
    },
    exports="metadata.exports",
    is_name_a_filter=True,
    launch_always=("args", "env", "wasiConfigVars"),
    most_entries=100,
)

GOLEM_1_4 = Dialect(
    "1.4",
    {**_GOLEM, **_INVOCATIONS, **_FORK, **_COMPONENTS_OF_ENVIRONMENT, **_UPLOADS},
    container=Container("environment", Op("listEnvironments", "GET", "/v1/envs"), id=_ENVIRONMENT, has_several=True),
    envelope="values",
    create=Upload("componentWasm", "files", "metadata", "componentName", takes_type=False, file_options="fileOptions"),
    update=Upload(
        "newComponentWasm",
        "newFiles",
        "metadata",
        revision="currentRevision",
        takes_type=False,
        file_options="newFileOptions",
    ),
    component=_REVISED_COMPONENT,
    file=_REVISED_FILE,
    launch_always=("env",),
    launch_never=("args",),
    launch_config="configVars",
    update_version="targetRevision",
    update_in_lower_case=True,
    has_capital_types=True,
    delete_revision="current_revision",
    most_entries=100,
    kinds={"CancelPendingInvocation": "CancelInvocation"},
    entry_fields=_REVISED_FIELDS,
)

_DEPLOY = "upload and deploy with `golem deploy` of Golem's own command line"
GOLEM_1_5 = Dialect(
    "1.5",
    {
        **_GOLEM,
        **_FORK,
        **_COMPONENTS_OF_ENVIRONMENT,
        "invokeFunction": _INVOKE_AGENT,
        "invokeAndAwaitFunction": _INVOKE_AGENT,
    },
    instead={"createComponent": _DEPLOY, "updateComponent": _DEPLOY},
    container=Container(
        "environment",
        Op("listVisibleEnvironments", "GET", "/v1/me/visible-environments"),
        id=_ENVIRONMENT,
        has_several=True,
        one=Op("getEnvironment", "GET", "/v1/envs/{environment_id}"),
        app=Op("getApplication", "GET", "/v1/apps/{application_id}"),
    ),
    envelope="values",
    component=_REVISED_COMPONENT,
    file=_REVISED_FILE,
    worker={
        **_same("status", "createdAt", "env", "retryCount", "pendingInvocationCount", "updates", "lastError"),
        **_same("componentSize", "exportedResourceInstances", "skippedRegions", "deletedRegions", "lastOplogIndex"),
        "workerId.componentId": "agentId.componentId",
        "workerId.workerName": "agentId.agentId",
        "componentVersion": "componentRevision",
    },
    launched={"componentId": "agentId.componentId", "workerName": "agentId.agentId"},
    fork_target={"targetWorkerId": "targetAgentId", "workerName": "agentId"},
    launch_always=("env",),
    launch_never=("args", "config"),
    update_version="targetRevision",
    update_in_lower_case=True,
    has_capital_types=True,
    delete_revision="current_revision",
    most_entries=100,
    has_agents=True,
    filters={"Version": "Revision", "WasiConfigVars": "Config"},
    kinds={
        "HostCall": "ImportedFunctionInvoked",
        "AgentInvocationStarted": "ExportedFunctionInvoked",
        "AgentInvocationFinished": "ExportedFunctionCompleted",
        "PendingAgentInvocation": "PendingWorkerInvocation",
        "CancelPendingInvocation": "CancelInvocation",
    },
    entry_fields={**_REVISED_FIELDS, "agentId": "workerId"},
)

DIALECTS = {dialect.name: dialect for dialect in (CONTRACT, GOLEM_1_3, GOLEM_1_4, GOLEM_1_5)}
# Asked for where a server's version is no number, as that of a mock: the first that has its container is it.
BY_CONTAINER = (GOLEM_1_5, GOLEM_1_4, GOLEM_1_3)

# What can be asked of a client -> the operation that it is, for the README's table and its test.
METHODS = {
    "create_component": "createComponent",
    "update_component": "updateComponent",
    "components": "listEnvironmentComponents",
    "component_by_name": "getComponentByName",
    "component": "getComponent",
    "delete_component": "deleteComponent",
    "component_wasm": "downloadComponentWasm",
    "launch_worker": "launchNewWorker",
    "workers": "getWorkersMetadata",
    "worker": "getWorkerMetadata",
    "delete_worker": "deleteWorker",
    "invoke": "invokeFunction",
    "invoke_and_await": "invokeAndAwaitFunction",
    "interrupt_worker": "interruptWorker",
    "resume_worker": "resumeWorker",
    "update_worker": "updateWorker",
    "oplog": "getOplog",
    "entries": "getOplog",
    "events": "connectWorker",
    "revert_worker": "revertWorker",
    "fork_worker": "forkWorker",
    "cancel_invocation": "cancelInvocation",
    "complete_promise": "completePromise",
    "worker_files": "getWorkerFiles",
    "worker_file": "getWorkerFileContents",
    "crash_worker": "simulateCrash",
    "snapshot_policy": "getSnapshotPolicy",
    "set_snapshot_policy": "setSnapshotPolicy",
    "find_workers": "findWorkers",
    "export_worker": "exportWorker",
    "import_worker": "importWorker",
    "shadow": "shadowWorker",
}


def dialect_of_version(version: str) -> Dialect | None:
    """Return what a server of this version speaks; None where it is no version of ours or of Golem from 1.3 on.

    Newer ones than we know are taken for the newest; so are builds of developers, which call themselves 0.0.
    """
    if version.startswith(OWN_NAME):
        return CONTRACT
    number = _number(version)
    if number is None:
        return None
    known = DIALECTS.get(f"{number[0]}.{number[1]}")
    return known or (GOLEM_1_5 if is_unknown(version) else None)


def is_unknown(version: str) -> bool:
    """Is this a Golem that is newer than all we know, or that does not say how old it is?"""
    number = _number(version)
    return number is not None and (number > (1, 5) or number == (0, 0))


def who_has(id: str) -> list[Dialect]:
    """Return the dialects that have an operation."""
    return [dialect for dialect in DIALECTS.values() if id in dialect.operations]


def is_number(version: str) -> bool:
    return _number(version) is not None


def _number(version: str) -> tuple[int, int] | None:
    found = re.match(r"v?(\d{1,9})\.(\d{1,9})(?![\d])", version)
    return (int(found[1]), int(found[2])) if found else None
