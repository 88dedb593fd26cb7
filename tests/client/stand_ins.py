"""Small servers that answer as Golem 1.3, 1.4 and 1.5 do, and refuse what those refuse. Source: CONTRACT.md, part 2.

Written from that page and not from the tables of `golem_nb.wire.dialects`, which they are there to check. Each has
components of one function, `inc(n)`, and workers that count.
"""

import asyncio
import json
import re
import socket
import threading
from uuid import UUID, uuid4

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocketDisconnect

TOKEN = "5c832d93-0000-4a8f-9803-513950fdfdb1"
STAMP = "2025-01-31T12:34:56.789Z"
PROJECT = UUID(int=0xA)
U32 = {"type": "U32"}
WORKERS = "/v1/components/{component_id}/workers"
WORKER = WORKERS + "/{name:path}"


class Refusal(Exception):
    def __init__(self, status, body):
        self.response = PlainTextResponse(body, status) if isinstance(body, str) else JSONResponse(body, status)


def bad(text):
    return Refusal(400, {"errors": [text]})


def exact(given, required, optional=()):
    """Every release's body parser wants all required keys. What it does not know is a mistake of ours."""
    if not isinstance(given, dict):
        raise Refusal(400, "parse request payload error")
    missing, unknown = set(required) - set(given), set(given) - set(required) - set(optional)
    if missing or unknown:
        raise bad(f"missing {sorted(missing)}, unknown {sorted(unknown)}")
    return given


def whole(query, name, least=0):
    text = query.get(name)
    if text is None or not re.fullmatch(r"\d+", text) or int(text) < least:
        raise bad(f"query {name} must be a number, found {text!r}")
    return int(text)


class StandIn:
    """What all three have. `requests` are those that came, as (method, path with query)."""

    release = ""

    def __init__(self, version=None):
        self.version, self.requests = version or self.release, []
        self.components, self.workers, self.keys = {}, {}, {}
        self.refuse_next = []
        self.app = Starlette(routes=[*self._common(), *self.routes()], exception_handlers={Refusal: self._refused})
        self.app.add_middleware(Recorder, stand_in=self)

    def routes(self):
        return []

    def _common(self):
        return [
            self.route("GET", "/version", self.get_version, is_open=True),
            self.route("GET", "/healthcheck", lambda r, b: JSONResponse({}), is_open=True),
            self.route("POST", WORKERS, self.launch),
            self.route("GET", WORKERS, self.list_workers),
            self.route("POST", WORKER + "/interrupt", self.steer("Interrupted")),
            self.route("POST", WORKER + "/resume", self.steer("Idle")),
            self.route("POST", WORKER + "/update", self.update_worker),
            self.route("POST", WORKER + "/revert", self.revert),
            self.route("POST", WORKER + "/fork", self.fork),
            self.route("POST", WORKER + "/complete", self.complete),
            self.route("GET", WORKER + "/oplog", self.oplog),
            self.route("DELETE", WORKER + "/invocations/{key}", lambda r, b: JSONResponse({"canceled": True})),
            self.route("GET", WORKER + "/files/{file:path}", self.files),
            self.route("GET", WORKER + "/file-contents/{file:path}", self.file_contents),
            WebSocketRoute(WORKER + "/connect", self.connect),
            self.route("GET", WORKER, lambda r, b: JSONResponse(self.metadata(*self.worker(r)))),
            self.route("DELETE", WORKER, self.delete_worker),
        ]

    def route(self, method, path, handle, is_open=False):
        async def endpoint(request):
            if not is_open:
                self.check_token(request.headers)
            body = await request.body() if "multipart" not in request.headers.get("content-type", "") else None
            try:
                given = json.loads(body) if body else None
            except ValueError:
                raise Refusal(400, "parse request payload error") from None
            if body is None:
                async with request.form() as form:
                    given = {k: (await v.read() if isinstance(v, UploadFile) else v) for k, v in form.items()}
            return handle(request, given)

        return Route(path, endpoint, methods=[method])

    @staticmethod
    def check_token(headers):
        token = headers.get("authorization", "").removeprefix("Bearer ")
        try:
            UUID(token)
        except ValueError:
            raise Refusal(401, "authorization error") from None
        if token != TOKEN:
            raise Refusal(401, {"error": "Unauthorized: Invalid token"})

    @staticmethod
    async def _refused(request, refusal):
        return refusal.response

    def get_version(self, request, body):
        return JSONResponse({"version": self.version})

    # Components.

    def component(self, component_id):
        if component_id not in self.components:
            raise Refusal(404, {"error": f"Component not found: {component_id}"})
        return self.components[component_id]

    def new_component(self, name, wasm):
        if any(component["name"] == name for component in self.components.values()):
            raise Refusal(409, {"error": f"Component already exists: {name}"})
        id = str(uuid4())
        self.components[id] = {"id": id, "name": name, "wasm": [wasm]}
        return self.components[id]

    # Workers.

    def worker(self, request):
        name, component_id = request.path_params["name"], request.path_params["component_id"]
        found = self.workers.get((component_id, name))
        if found is None:
            raise Refusal(404, {"error": f"Worker not found: {component_id}/{name}"})
        return component_id, name, found

    def make_worker(self, component_id, name):
        self.component(component_id)
        made = {"status": "Idle", "sum": 0, "calls": [], "version": len(self.components[component_id]["wasm"]) - 1}
        return self.workers.setdefault((component_id, name), made)

    def launch(self, request, body):
        component_id = request.path_params["component_id"]
        self.check_launch(body)
        if not body["name"] or re.search(r"\s", body["name"]) or body["name"].startswith("-"):
            raise bad(f"Invalid worker name: {body['name']}")
        if (component_id, body["name"]) in self.workers:
            raise Refusal(500, {"error": f"Worker already exists: {component_id}/{body['name']}"})
        self.make_worker(component_id, body["name"])
        return JSONResponse(self.launched(component_id, body["name"]))

    def list_workers(self, request, body):
        component_id, query = request.path_params["component_id"], request.query_params
        all = [(c, n, w) for (c, n), w in self.workers.items() if c == component_id]
        layer, slash, start = query.get("cursor", "0/0").partition("/")
        if not slash or not layer.isdecimal() or not start.isdecimal():
            raise bad("Invalid cursor")
        first, count = int(start), int(query.get("count", 50))
        page, more = all[first : first + count], first + count < len(all)
        cursor = {"cursor": first + count, "layer": 0} if more else None
        return JSONResponse({"workers": [self.metadata(*w) for w in page], "cursor": cursor})

    def delete_worker(self, request, body):
        self.workers.pop((request.path_params["component_id"], request.path_params["name"]), None)
        return JSONResponse({})

    def steer(self, status):
        def handle(request, body):
            self.worker(request)[2]["status"] = status
            return JSONResponse({})

        return handle

    def revert(self, request, body):
        self.worker(request)
        if exact(body, ["type"], ["lastOplogIndex", "numberOfInvocations"])["type"] not in self.revert_types:
            raise bad(f"unknown type {body['type']}")
        return JSONResponse({})

    def fork(self, request, body):
        raise Refusal(404, "not found")

    def complete(self, request, body):
        self.worker(request)
        exact(body, ["oplogIdx", "data"])
        return JSONResponse(True)

    def file(self, request):
        """The path of a file is one segment."""
        self.worker(request)
        if (
            request.scope["raw_path"].decode().rpartition("/")[2].lower().replace("%2f", "/")
            != request.path_params["file"]
        ):
            raise Refusal(404, "not found")
        return request.path_params["file"]

    def file_contents(self, request, body):
        return Response(f"what is in {self.file(request)}".encode())

    def files(self, request, body):
        if self.file(request) != "/":
            raise Refusal(404, {"error": "File not found"})
        return JSONResponse({"nodes": [{"name": "a.txt", "lastModified": 1, "kind": "file", "size": 3}]})

    # Oplog and events.

    def oplog(self, request, body):
        component_id, name, worker = self.worker(request)
        count, query = min(100, whole(request.query_params, "count", 1)), request.query_params
        if "from" in query and "query" in query:
            raise bad("Cannot specify both the 'from' and the 'query' parameters")
        first = int(query.get("from", 1)) or 1
        if "cursor" in query:
            found = re.fullmatch(r"(\d+)-\d+", query["cursor"])
            if found is None:
                raise bad("Invalid oplog cursor")
            first = int(found[1])
        all = list(enumerate(self.entries(component_id, name, worker), 1))
        found = [pair for pair in all if pair[0] >= first]
        if "query" in query:
            found = [pair for pair in found if query["query"].lower() in json.dumps(pair[1]).lower()]
        page = found[:count]
        following = {} if not page else {"next": self.next(page[-1][0] + 1)}
        return JSONResponse(
            {
                "entries": [{"oplogIndex": index, "entry": {**entry, "timestamp": STAMP}} for index, entry in page],
                **following,
                "firstIndexInChunk": page[0][0] if page else first,
                "lastIndex": len(all),
            }
        )

    def next(self, index):
        return {"nextOplogIndex": index, "currentComponentVersion": 0}

    async def connect(self, socket):
        try:
            self.check_token(socket.headers)
            self.worker(socket)
        except Refusal as refusal:
            await socket.send_denial_response(refusal.response)
            return
        await socket.accept()
        for event in self.events:
            await socket.send_text(json.dumps(event))
        await socket.close()

    events = (
        {"InvocationStart": {"timestamp": STAMP, "function": "inc", "idempotency_key": "k"}},
        {"StdOut": {"timestamp": STAMP, "bytes": [72, 0xC3]}},
        {"StdOut": {"timestamp": STAMP, "bytes": [0xA9, 10]}},
        {"Log": {"timestamp": STAMP, "level": "Warn", "context": "c", "message": "m"}},
        {"NobodyKnowsThis": {"timestamp": STAMP}},
        {"ClientLagged": {"number_of_missed_messages": 3}},
        {"InvocationFinished": {"timestamp": STAMP, "function": "inc", "idempotency_key": "k"}},
    )

    # Invocations.

    def count_up(self, component_id, name, key, amount):
        """Add, once for each key; who fails is told as a trap is."""
        if (name, key) not in self.keys:
            worker = self.make_worker(component_id, name)
            if amount > 1000:
                raise Refusal(
                    500, {"error": "Invocation Failed", "workerError": {"cause": "unreachable", "stderr": "too much\n"}}
                )
            worker["sum"] += amount
            worker["calls"].append((key, amount, worker["sum"]))
            self.keys[name, key] = worker["sum"]
        return self.keys[name, key]


class WithInvocations(StandIn):
    """1.3 and 1.4: functions are invoked by name, parameters all with types or all without."""

    def _common(self):
        return [
            self.route("POST", WORKER + "/invoke", lambda r, b: JSONResponse(self.invoke(r, b) and {})),
            self.route("POST", WORKER + "/invoke-and-await", lambda r, b: JSONResponse({"result": self.invoke(r, b)})),
            *super()._common(),
        ]

    def invoke(self, request, body):
        params = exact(body, ["params"])["params"]
        for param in params:
            exact(param, ["value"], ["typ"])
        if len({"typ" in param for param in params}) > 1:
            raise bad("Some parameters have types specified, while others don't.")
        if request.query_params.get("function") != "inc":
            raise Refusal(500, {"error": "Invalid request: Can't find exported function in component (nothing)"})
        if len(params) != 1:
            raise Refusal(500, {"error": f"Parameter type mismatch: expected 1, got {len(params)} parameters"})
        component_id, name = request.path_params["component_id"], request.path_params["name"]
        key = request.headers.get("idempotency-key") or str(uuid4())
        return {"typ": U32, "value": self.count_up(component_id, name, key, params[0]["value"])}


INC = {"type": "Function", "name": "inc", "parameters": [{"name": "n", "typ": U32}], "result": {"typ": U32}}
PARTS = ("env", "componentType", "dynamicLinking", "filesPermissions")


class Golem13(WithInvocations):
    release = "1.3.0"
    revert_types = ("revertToOplogIndex", "revertLastInvocations")

    def routes(self):
        return [
            self.route("GET", "/v1/projects/default", self.project),
            self.route("POST", "/v1/components", self.create),
            self.route("GET", "/v1/components", self.list),
            self.route("GET", "/v1/components/{id}", lambda r, b: JSONResponse(self.versions(self.of(r)))),
            self.route("GET", "/v1/components/{id}/latest", lambda r, b: JSONResponse(self.versions(self.of(r))[-1])),
            self.route("POST", "/v1/components/{id}/updates", self.update),
            self.route("GET", "/v1/components/{id}/download", self.download),
        ]

    def of(self, request):
        return self.component(request.path_params["id"])

    def project(self, request, body):
        return JSONResponse({"projectId": str(PROJECT), "projectData": {"name": "default", "ownerAccountId": "a"}})

    def create(self, request, body):
        parts = exact(body, ["query", "component"], ["files", *PARTS])
        query = exact(json.loads(parts["query"]), ["componentName"], ["projectId"])
        if query.get("projectId") not in (None, str(PROJECT)):
            raise Refusal(404, {"error": "Project not found"})
        if "env" in parts:
            exact(json.loads(parts["env"]), ["keyValues"])
        return JSONResponse(self.versions(self.new_component(query["componentName"], parts["component"]))[-1])

    def update(self, request, body):
        component = self.of(request)
        component["wasm"].append(exact(body, ["component"], PARTS)["component"])
        return JSONResponse(self.versions(component)[-1])

    def download(self, request, body):
        return Response(self.of(request)["wasm"][whole(request.query_params, "version")])

    def list(self, request, body):
        query = request.query_params
        if set(query) - {"project-id", "component-name"} or query.get("project-id") != str(PROJECT):
            raise bad("unknown query or project")
        wanted = query.get("component-name")
        found = [c for c in self.components.values() if wanted in (None, c["name"])]
        return JSONResponse([version for component in found for version in self.versions(component)])

    def versions(self, component):
        return [
            {
                "versionedComponentId": {"componentId": component["id"], "version": version},
                "componentName": component["name"],
                "componentSize": len(wasm),
                "metadata": {"exports": [INC], "producers": [], "memories": [], "dynamicLinking": {}},
                "projectId": str(PROJECT),
                "createdAt": STAMP,
                "componentType": "Durable",
                "files": [],
                "installedPlugins": [],
                "env": {},
            }
            for version, wasm in enumerate(component["wasm"])
        ]

    def check_launch(self, body):
        exact(body, ["name", "args", "env", "wasiConfigVars"])
        if "/" in body["name"] or not all(set(var) == {"key", "value"} for var in body["wasiConfigVars"]):
            raise bad("Invalid worker name, or configuration")

    def launched(self, component_id, name):
        return {"workerId": {"componentId": component_id, "workerName": name}, "componentVersion": 0}

    def metadata(self, component_id, name, worker):
        return {
            "workerId": {"componentId": component_id, "workerName": name},
            "projectId": str(PROJECT),
            "createdBy": "a",
            "args": [],
            "env": {},
            "wasiConfigVars": [],
            "status": worker["status"],
            "componentVersion": worker["version"],
            "retryCount": 0,
            "pendingInvocationCount": 0,
            "updates": [],
            "createdAt": STAMP,
            "lastError": None,
            "componentSize": 1,
            "exportedResourceInstances": [],
            "skippedRegions": [],
            "deletedRegions": [],
        }

    def update_worker(self, request, body):
        if exact(body, ["mode", "targetVersion"])["mode"] not in ("Automatic", "Manual"):
            raise bad(f"unknown mode {body['mode']}")
        self.worker(request)[2]["version"] = body["targetVersion"]
        return JSONResponse({})

    def entries(self, component_id, name, worker):
        yield {
            "type": "Create",
            "workerId": {"componentId": component_id, "workerName": name},
            "componentVersion": 0,
            "args": [],
            "env": {},
        }
        for key, amount, total in worker["calls"]:
            value, request = {"typ": U32, "value": total}, [{"typ": U32, "value": amount}]
            yield {
                "type": "ExportedFunctionInvoked",
                "functionName": "inc",
                "request": request,
                "idempotencyKey": key,
            }
            yield {
                "type": "ImportedFunctionInvoked",
                "functionName": "wall-clock::now",
                "request": {"typ": {"type": "Tuple", "items": []}, "value": []},
                "response": value,
                "durableFunctionType": {"type": "ReadLocal"},
            }
            yield {"type": "ExportedFunctionCompleted", "response": value, "consumedFuel": 7}
        yield {"type": "SuccessfulUpdate", "target_version": 1, "new_component_size": 9}


class WithEnvironments(StandIn):
    """1.4 and 1.5: components live in environments, and have revisions. Lists are wrapped."""

    revert_types = ("RevertToOplogIndex", "RevertLastInvocations")
    environments = ((UUID(int=0xE1), "shop", "prod"),)

    def _common(self):
        return [
            self.route("GET", "/v1/envs/{environment}/components", self.list),
            self.route("GET", "/v1/envs/{environment}/components/{name}", self.by_name),
            self.route("GET", "/v1/components/{id}", lambda r, b: JSONResponse(self.shown(self.of(r)))),
            self.route("DELETE", "/v1/components/{id}", self.delete),
            self.route("GET", "/v1/components/{id}/revisions/{revision}/wasm", self.download),
            *super()._common(),
        ]

    def of(self, request):
        return self.component(request.path_params["id"])

    def list_environments(self, request, body):
        return JSONResponse(
            {
                "values": [
                    {
                        "environment": {"id": str(id), "revision": 0, "name": name},
                        "application": {"id": str(uuid4()), "name": app},
                        "account": {"id": str(uuid4()), "name": "me", "email": "me@example.org"},
                    }
                    for id, app, name in self.environments
                ]
            }
        )

    def environment(self, request):
        if request.path_params["environment"] not in [str(id) for id, _, _ in self.environments]:
            raise Refusal(404, {"error": "Environment not found"})

    def list(self, request, body):
        self.environment(request)
        return JSONResponse({"values": [self.shown(component) for component in self.components.values()]})

    def by_name(self, request, body):
        self.environment(request)
        name = request.path_params["name"]
        found = next((c for c in self.components.values() if c["name"] == name), None)
        if found is None:
            raise Refusal(404, {"error": f"Component not found: {name}"})
        return JSONResponse(self.shown(found))

    def shown(self, component):
        return {
            "id": component["id"],
            "revision": len(component["wasm"]) - 1,
            "environmentId": str(self.environments[0][0]),
            "componentName": component["name"],
            "hash": "00",
            "applicationId": str(uuid4()),
            "accountId": str(uuid4()),
            "componentSize": len(component["wasm"][-1]),
            "createdAt": STAMP,
            "files": [{"path": "/old", "permissions": "read-only", "contentHash": "00"}],
            "metadata": {},
        }

    def seen_revision(self, component, revision):
        if revision != len(component["wasm"]) - 1:
            raise Refusal(409, {"error": "Concurrent update attempt"})

    def delete(self, request, body):
        component = self.of(request)
        self.seen_revision(component, whole(request.query_params, "current_revision"))
        del self.components[component["id"]]
        return Response(status_code=204)

    def download(self, request, body):
        return Response(self.of(request)["wasm"][int(request.path_params["revision"])])

    def update_worker(self, request, body):
        exact(body, ["mode", "targetRevision"], ["disableWakeup"] if self.release.startswith("1.5") else [])
        if body["mode"] not in ("automatic", "manual"):
            raise bad(f"unknown mode {body['mode']}")
        self.worker(request)[2]["version"] = body["targetRevision"]
        return JSONResponse({})


class Golem14(WithEnvironments, WithInvocations):
    release = "1.4.2"

    def routes(self):
        return [
            self.route("GET", "/v1/envs", self.list_environments),
            self.route("POST", "/v1/envs/{environment}/components", self.create),
            self.route("PATCH", "/v1/components/{id}", self.update),
        ]

    def create(self, request, body):
        self.environment(request)
        parts = exact(body, ["metadata", "componentWasm"], ["files"])
        facts = exact(json.loads(parts["metadata"]), ["componentName"], ["env", "fileOptions", "dynamicLinking"])
        return JSONResponse(self.shown(self.new_component(facts["componentName"], parts["componentWasm"])))

    def update(self, request, body):
        parts, component = exact(body, ["metadata"], ["newComponentWasm", "newFiles"]), self.of(request)
        optional = ["env", "newFileOptions", "removedFiles", "dynamicLinking"]
        facts = exact(json.loads(parts["metadata"]), ["currentRevision"], optional)
        self.seen_revision(component, facts["currentRevision"])
        component["wasm"].append(parts.get("newComponentWasm", component["wasm"][-1]))
        component["facts"] = facts
        return JSONResponse(self.shown(component))

    def check_launch(self, body):
        exact(body, ["name", "env"], ["configVars"])
        for variable in body.get("configVars", []):
            exact(variable, ["key", "value"])

    def launched(self, component_id, name):
        return {"workerId": {"componentId": component_id, "workerName": name}, "componentRevision": 0}

    def metadata(self, component_id, name, worker):
        return {
            "workerId": {"componentId": component_id, "workerName": name},
            "environmentId": str(self.environments[0][0]),
            "env": {},
            "status": worker["status"],
            "componentVersion": worker["version"],
            "retryCount": 0,
            "pendingInvocationCount": 0,
            "updates": [{"type": "SuccessfulUpdate", "timestamp": STAMP, "targetRevision": 1}],
            "createdAt": STAMP,
        }

    def fork(self, request, body):
        component_id, _, _ = self.worker(request)
        target = exact(
            exact(body, ["targetWorkerId", "oplogIndexCutoff"])["targetWorkerId"], ["componentId", "workerName"]
        )
        self.make_worker(component_id, target["workerName"])
        return JSONResponse({})

    def entries(self, component_id, name, worker):
        for entry in Golem13.entries(self, component_id, name, worker):
            if entry["type"] == "Create":
                entry.pop("args")
                entry["componentRevision"] = entry.pop("componentVersion")
                entry["environmentId"] = str(self.environments[0][0])
            if entry["type"] == "SuccessfulUpdate":
                entry = {"type": "SuccessfulUpdate", "targetRevision": 1, "newComponentSize": 9}
            yield entry


class Golem15(WithEnvironments):
    release = "1.5.9"

    def routes(self):
        return [
            self.route("GET", "/v1/me/visible-environments", self.list_environments),
            self.route("POST", "/v1/agents/invoke-agent", self.invoke_agent),
            self.route("GET", "/v1/envs/{environment}", self.get_environment),
            self.route("GET", "/v1/apps/{app}", lambda r, b: JSONResponse({"name": r.path_params["app"]})),
        ]

    unlisted = {}  # environments that exist and are not listed: id -> (application, name)

    def get_environment(self, request, body):
        if request.path_params["environment"] not in self.unlisted:
            raise Refusal(404, {"error": "Environment not found", "code": "ENVIRONMENT_NOT_FOUND"})
        app, name = self.unlisted[request.path_params["environment"]]
        return JSONResponse({"id": request.path_params["environment"], "name": name, "applicationId": app})

    def deploy(self, name):
        """What `golem deploy` does."""
        return UUID(self.new_component(name, b"\0asm")["id"])

    def check_launch(self, body):
        exact(body, ["name", "env"], ["config"])
        if not re.fullmatch(r"[A-Za-z-]+\(.*\)", body["name"]):
            raise bad(f"Invalid agent id: {body['name']}")

    def launched(self, component_id, name):
        return {"agentId": {"componentId": component_id, "agentId": name}, "componentRevision": 0}

    def metadata(self, component_id, name, worker):
        return {
            "agentId": {"componentId": component_id, "agentId": name},
            "environmentId": str(self.environments[0][0]),
            "createdBy": str(uuid4()),
            "env": {},
            "config": [],
            "status": worker["status"],
            "componentRevision": worker["version"],
            "retryCount": 0,
            "pendingInvocationCount": 0,
            "updates": [],
            "createdAt": STAMP,
            "lastError": None,
        }

    def invoke_agent(self, request, body):
        exact(
            body,
            ["appName", "envName", "agentTypeName", "parameters", "methodName", "methodParameters", "mode"],
            ["phantomId", "scheduleAt", "idempotencyKey"],
        )
        if (body["appName"], body["envName"]) not in [(app, name) for _, app, name in self.environments]:
            raise Refusal(404, {"error": "Environment not found", "code": "ENVIRONMENT_NOT_FOUND"})
        if body["mode"] not in ("await", "schedule"):
            raise bad(f"unknown mode {body['mode']}")
        parameters, (amount,) = self.values(body["parameters"]), self.values(body["methodParameters"])
        if body["methodName"] != "inc":
            raise bad(f"Agent method not found: {body['methodName']}")
        name = f"{body['agentTypeName']}({','.join(map(json.dumps, parameters))})"
        (component_id,) = self.components
        total = self.count_up(component_id, name, body.get("idempotencyKey"), amount)
        if body["mode"] == "schedule":
            return JSONResponse({"result": None})
        element = {"type": "ComponentModel", "value": total}
        return JSONResponse({"result": {"type": "Tuple", "elements": [element]}})

    @staticmethod
    def values(data):
        if exact(data, ["type", "elements"])["type"] != "Tuple":
            raise bad(f"unknown type {data['type']}")
        for element in data["elements"]:
            if exact(element, ["type", "value"])["type"] != "ComponentModel":
                raise bad(f"unknown type {element['type']}")
        return [element["value"] for element in data["elements"]]

    def fork(self, request, body):
        component_id, _, _ = self.worker(request)
        target = exact(exact(body, ["targetAgentId", "oplogIndexCutoff"])["targetAgentId"], ["componentId", "agentId"])
        self.make_worker(component_id, target["agentId"])
        return JSONResponse({})

    def next(self, index):
        return {"nextOplogIndex": index, "currentComponentRevision": 0}

    def entries(self, component_id, name, worker):
        yield {
            "type": "Create",
            "agentId": {"componentId": component_id, "agentId": name},
            "componentRevision": 0,
            "env": {},
            "environmentId": str(self.environments[0][0]),
        }
        for key, amount, total in worker["calls"]:
            value, given = {"typ": U32, "value": total}, {"typ": U32, "value": amount}
            invocation = {
                "type": "AgentMethodInvocation",
                "idempotencyKey": key,
                "methodName": "inc",
                "functionInput": {"type": "Tuple", "elements": [{"type": "ComponentModel", "value": given}]},
            }
            yield {"type": "PendingAgentInvocation", "invocation": invocation}
            yield {"type": "AgentInvocationStarted", "invocation": invocation}
            yield {
                "type": "HostCall",
                "functionName": "wall-clock::now",
                "request": {"typ": {"type": "Tuple", "items": []}, "value": []},
                "response": value,
                "durableFunctionType": {"type": "ReadLocal"},
            }
            output = {"type": "Tuple", "elements": [{"type": "ComponentModel", "value": value}]}
            result = {"type": "AgentMethod", "output": output}
            yield {"type": "AgentInvocationFinished", "result": result, "consumedFuel": 7, "componentRevision": 0}
        yield {"type": "SuccessfulUpdate", "targetRevision": 1, "newComponentSize": 9}

    events = (
        *StandIn.events[:-1],
        {"PluginError": {"timestamp": STAMP, "plugin_name": "p", "message": "no"}},
        {"SnapshotRecoveryFailed": {"timestamp": STAMP, "snapshot_index": 4, "error": "bad"}},
        StandIn.events[-1],
    )


class Recorder:
    """Notes each request, and refuses some before they are looked at: `refuse_next` has (status, headers)."""

    def __init__(self, app, stand_in):
        self.app, self.stand_in = app, stand_in

    async def __call__(self, scope, receive, send):
        if scope["type"] in ("http", "websocket"):
            query = f"?{scope['query_string'].decode()}" if scope["query_string"] else ""
            self.stand_in.requests.append((scope.get("method", "WS"), scope["raw_path"].decode() + query))
        try:
            await self.app(scope, receive, send)
        except WebSocketDisconnect:
            return


class Listening:
    """A stand-in on a real port."""

    def __init__(self, stand_in):
        self.stand_in = stand_in
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(stand_in.app, log_level="critical", lifespan="off", ws="websockets-sansio")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._server.serve([listener])), daemon=True)
        self._thread.start()

    def close(self):
        self._server.should_exit = True
        self._thread.join(10)


STAND_INS = {"1.3": Golem13, "1.4": Golem14, "1.5": Golem15}
