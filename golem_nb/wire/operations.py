"""Every operation as one row: the contract's in `OPERATIONS`, what we serve besides in `EXTENSIONS`.

The server builds its routes from these rows and the client its requests, so neither spells a path.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Body = Literal["json", "multipart", "binary"]

KEY_HEADER = "idempotency-key"
LAST_INDEX_HEADER = "golem-last-index"  # of a stream of an oplog: what the last line must have
FILE_PATH = "file_path"  # the parameter that may have slashes


@dataclass(frozen=True, slots=True)
class Op:
    """One operation. `path` has its parameters in braces; `query` and `header` name what the contract lets one send."""

    id: str
    method: Method
    path: str
    body: Body | None = None
    query: tuple[str, ...] = ()
    header: str | None = None

    def url(self, **parameters: object) -> str:
        """Return the path with its parameters filled in, each percent-encoded as one segment; but a file's has many.

        Raises:
            KeyError: A parameter is missing.
        """
        encoded = {name: quote(str(value), safe="/" if name == FILE_PATH else "") for name, value in parameters.items()}
        return self.path.format_map(encoded)


_ENV = "/v1/envs/{environment_id}/components"
_COMPONENT = "/v1/components/{component_id}"
_WORKERS = f"{_COMPONENT}/workers"
_WORKER = f"{_WORKERS}/{{agent_name}}"
_DEFINITION = "/v1/api/definitions/{id}/{version}"
_DEPLOYMENT = "/v1/api/deployments/{site}"
_ACCOUNT_PLUGINS = "/v1/accounts/{account_id}/plugins"
_PLUGIN = "/v1/plugins/{plugin_id}"
_OWN_WORKER = "/v1/x/components/{component_id}/workers/{agent_name}"
_SNAPSHOT_POLICY = "/v1/x/components/{component_id}/snapshot-policy"
_INSTALLATION = ("plugin-installation-id",)
_BY_DEFINITION = ("api-definition-id",)

# Source: contract/golem-cloud-openapi.yml, in its order. A test compares the two.
OPERATIONS = (
    Op("createComponent", "POST", _ENV, "multipart"),
    Op("listEnvironmentComponents", "GET", _ENV),
    Op("getComponentByName", "GET", f"{_ENV}/{{component_name}}"),
    Op("getComponent", "GET", _COMPONENT),
    Op("updateComponent", "PATCH", _COMPONENT, "multipart"),
    Op("deleteComponent", "DELETE", _COMPONENT),
    Op("downloadComponentWasm", "GET", f"{_COMPONENT}/revisions/{{revision}}/wasm"),
    Op("launchNewWorker", "POST", _WORKERS, "json"),
    Op("getWorkersMetadata", "GET", _WORKERS, query=("cursor", "count")),
    Op("getWorkerMetadata", "GET", _WORKER),
    Op("deleteWorker", "DELETE", _WORKER),
    Op("invokeFunction", "POST", f"{_WORKER}/invoke", "json", query=("function",), header=KEY_HEADER),
    Op("invokeAndAwaitFunction", "POST", f"{_WORKER}/invoke-and-await", "json", query=("function",), header=KEY_HEADER),
    Op("interruptWorker", "POST", f"{_WORKER}/interrupt", query=("recovery-immediately",)),
    Op("resumeWorker", "POST", f"{_WORKER}/resume"),
    Op("updateWorker", "POST", f"{_WORKER}/update", "json"),
    Op("getOplog", "GET", f"{_WORKER}/oplog", query=("from", "count")),
    Op("connectWorker", "GET", f"{_WORKER}/connect"),
    Op("listApiDefinitions", "GET", "/v1/api/definitions", query=_BY_DEFINITION),
    Op("createApiDefinition", "POST", "/v1/api/definitions", "json"),
    Op("getApiDefinition", "GET", _DEFINITION),
    Op("updateApiDefinition", "PUT", _DEFINITION, "json"),
    Op("deleteApiDefinition", "DELETE", _DEFINITION),
    Op("listApiDeployments", "GET", "/v1/api/deployments", query=_BY_DEFINITION),
    Op("deployApiDefinition", "POST", "/v1/api/deployments", "json"),
    Op("getApiDeployment", "GET", _DEPLOYMENT),
    Op("deleteApiDeployment", "DELETE", _DEPLOYMENT),
    Op("listPlugins", "GET", _ACCOUNT_PLUGINS),
    Op("createPlugin", "POST", _ACCOUNT_PLUGINS, "json"),
    Op("getPlugin", "GET", _PLUGIN),
    Op("deletePlugin", "DELETE", _PLUGIN),
    Op("activatePlugin", "POST", f"{_WORKER}/activate-plugin", query=_INSTALLATION),
    Op("deactivatePlugin", "POST", f"{_WORKER}/deactivate-plugin", query=_INSTALLATION),
)

# Paths under /v1/x are ours; the others are Golem's, outside the contract. Source: CONTRACT, part 1; SEMANTICS 0.3.
EXTENSIONS = (
    Op("version", "GET", "/version"),
    Op("healthcheck", "GET", "/healthcheck"),
    Op("findWorkers", "POST", f"{_WORKERS}/find", "json"),
    Op("completePromise", "POST", f"{_WORKER}/complete", "json"),
    Op("revertWorker", "POST", f"{_WORKER}/revert", "json"),
    Op("forkWorker", "POST", f"{_WORKER}/fork", "json"),
    Op("cancelInvocation", "DELETE", f"{_WORKER}/invocations/{{idempotency_key}}"),
    Op("getWorkerFiles", "GET", f"{_WORKER}/files/{{{FILE_PATH}}}"),
    Op("getWorkerFileContents", "GET", f"{_WORKER}/file-contents/{{{FILE_PATH}}}"),
    Op("simulateCrash", "POST", f"{_OWN_WORKER}/crash", query=("at-index", "at-call", "count", "recover")),
    Op("streamOplog", "GET", f"{_OWN_WORKER}/oplog", query=("from",)),
    Op("exportWorker", "GET", f"{_OWN_WORKER}/export"),
    Op("importWorker", "POST", f"{_OWN_WORKER}/import", "binary"),
    Op("shadowWorker", "POST", f"{_OWN_WORKER}/shadow", "json"),
    Op("getSnapshotPolicy", "GET", _SNAPSHOT_POLICY),
    Op("setSnapshotPolicy", "PUT", _SNAPSHOT_POLICY, "json"),
)

# Of the server itself, besides `version` and `healthcheck`: open, since they tell what is public anyway.
DOCUMENTS = (
    Op("docs", "GET", "/docs"),
    Op("openapiJson", "GET", "/openapi.json"),
    Op("openapiYaml", "GET", "/openapi.yaml"),
    Op("contractOpenapi", "GET", "/contract/golem-cloud-openapi.yml"),
    Op("contractAsyncapi", "GET", "/contract/golem-cloud-asyncapi.yml"),
)

# What operations of the contract take here besides, as Golem's do. Source: SEMANTICS 0.3, 4.4
MORE_QUERY: dict[str, tuple[str, ...]] = {
    "getWorkersMetadata": ("filter", "precise"),
    "getOplog": ("cursor", "query"),
}
REPEATABLE = {"filter"}  # of all parameters; any other one given twice is a mistake


def by_id(operations: Iterable[Op]) -> dict[str, Op]:
    return {op.id: op for op in operations}
