"""What schemathesis has to know besides the contract, which stays as it is. The configuration of `run` names it.

Source: CONTRACT 3.1.
"""

import os
from pathlib import Path

import schemathesis
from hypothesis import strategies

WASM = Path(os.environ["GOLEM_NB_FUZZ_WASM"]).read_bytes()
# Of the run that makes chains of requests only: the environment that they are in.
ENVIRONMENT = os.environ.get("GOLEM_NB_FUZZ_ENVIRONMENT", "")
ERROR = {
    "description": "The client's mistake, told in `error`",
    "content": {
        "application/json": {
            "schema": {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}
        }
    },
}
# What an answer gives to further requests: chains begin with what was just made.
COMPONENT = {"component_id": "$response.body#/componentId"}
WORKER = {"component_id": "$request.path.component_id", "agent_name": "$response.body#/workerName"}
LINKS = {
    "createComponent": [(COMPONENT, "getComponent updateComponent deleteComponent launchNewWorker getWorkersMetadata")],
    "launchNewWorker": [
        (WORKER, "getWorkerMetadata invokeFunction invokeAndAwaitFunction interruptWorker resumeWorker"),
        (WORKER, "updateWorker getOplog deleteWorker"),
    ],
}
NAME = {"type": "string", "pattern": "^[a-z][a-z0-9]{0,15}$"}


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Every operation may refuse, which the contract says of one only; then the form of each refusal is checked."""
    for methods in raw_schema["paths"].values():
        for name, operation in methods.items():
            if name != "parameters":
                operation["responses"]["4XX"] = ERROR
    if ENVIRONMENT:
        _prepare_for_chains(raw_schema)


def _prepare_for_chains(schema):
    """Ask for what a request needs to make something, and say what the next one may do with it."""
    # An environment is nothing that a request makes: as a parameter it would keep chains from beginning there.
    schema["paths"] = {path.replace("{environment_id}", ENVIRONMENT): m for path, m in schema["paths"].items()}
    for methods in schema["paths"].values():
        for operation in [operation for name, operation in methods.items() if name != "parameters"]:
            operation["parameters"] = [
                parameter
                for parameter in operation.get("parameters", ())
                if parameter.get("$ref") != "#/components/parameters/EnvironmentId"
            ]
            for parameter in operation["parameters"]:
                if parameter.get("name") == "function":
                    parameter["schema"] = {"type": "string", "enum": ["add", "sum"]}
            for content in operation.get("requestBody", {}).get("content", {}).values():
                body = content["schema"]
                if operation["operationId"] in ("createComponent", "updateComponent"):
                    body["required"] = list(body["properties"])
                    body["properties"] = {key: NAME if key == "name" else v for key, v in body["properties"].items()}
            for parameters, targets in LINKS.get(operation["operationId"], ()):
                links = operation["responses"]["200"].setdefault("links", {})
                links |= {target: {"operationId": target, "parameters": parameters} for target in targets.split()}
    creation = schema["components"]["schemas"]["WorkerCreationRequest"]
    creation["required"], creation["properties"]["name"] = ["name"], NAME


anything = strategies.just(WASM) if ENVIRONMENT else strategies.just(WASM) | strategies.binary(max_size=200)
schemathesis.openapi.format("binary", anything)
