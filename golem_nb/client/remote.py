"""`Client` over HTTP and WebSocket. Paths, methods and JSON come from `wire`; nothing here knows an engine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, Self, TypeVar
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK, InvalidHandshake, InvalidStatus
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as connect_websocket

from golem_nb.errors import BadInput, NotFound, NotSupported, ServerError, ServerUnreachable, WaitTimeout
from golem_nb.model import (
    LOCAL_ENVIRONMENT,
    Component,
    ComponentId,
    ComponentOptions,
    FileContent,
    FileNode,
    IdempotencyKey,
    OplogIndex,
    OplogPage,
    SnapshotPolicy,
    UpdateMode,
    WorkerEvent,
    WorkerId,
    WorkerMetadata,
    WorkersPage,
    clean_path,
)
from golem_nb.oplog.query import parse_query
from golem_nb.values.types import TypedValue
from golem_nb.wire import codec, requests
from golem_nb.wire.events import EventReader
from golem_nb.wire.failures import failure_from_answer
from golem_nb.wire.files import FILES, PERMISSIONS, nodes_from_json, parts_from_files
from golem_nb.wire.operations import EXTENSIONS, FILE_PATH, KEY_HEADER, OPERATIONS, by_id
from golem_nb.wire.options import parts_from_options

T = TypeVar("T")

CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 60.0
# An upload is compiled before it is answered: some seconds per megabyte of wasm on a small machine.
UPLOAD_TIMEOUT_S = 600.0

_OPS = by_id(OPERATIONS + EXTENSIONS)
_EXTENSION_IDS = frozenset(op.id for op in EXTENSIONS)


class RemoteEvents:
    """The events of one worker over a WebSocket."""

    def __init__(self, connection: ClientConnection, url: str) -> None:
        self._connection, self._url, self._closed = connection, url, False

    def __iter__(self) -> Iterator[WorkerEvent]:
        """Yield events until either side closes.

        Raises:
            ServerUnreachable: The connection broke.
        """
        reader = EventReader()
        try:
            while True:
                event = reader.read(self._connection.recv())
                if event is not None:
                    yield event
        except ConnectionClosedOK:
            return
        except ConnectionClosed:
            if not self._closed:
                raise ServerUnreachable(f"the event stream from {self._url} broke off") from None

    def close(self) -> None:
        self._closed = True
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class RemoteClient:
    """A Golem server at `url`. The token is sent with every request and shown nowhere."""

    def __init__(
        self,
        url: str,
        token: str | None = None,
        environment_id: UUID = LOCAL_ENVIRONMENT,
        http: httpx.Client | None = None,
    ) -> None:
        """`http` may be given for proxies, certificates or tests; then it is not closed with the client."""
        self.url, self.environment_id = _checked(url), environment_id
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._is_loopback = urlsplit(self.url).hostname in ("127.0.0.1", "localhost", "::1")
        self._owns_http = http is None
        # A proxy of the environment is not for a server on this machine. Without TLS there are no certificates to load,
        # which would take 20 ms each time that we look whether the local engine answers.
        is_plain = self._is_loopback and self.url.startswith("http://")
        self._http = http or httpx.Client(trust_env=not self._is_loopback, verify=not is_plain)

    def __repr__(self) -> str:
        return f"RemoteClient({self.url!r})"

    # Components.

    def create_component(
        self,
        name: str,
        wasm: bytes,
        options: ComponentOptions | None = None,
        files: Mapping[str, FileContent] | None = None,
    ) -> Component:
        uploads, data = _upload(f"{name}.wasm", wasm, options, files)
        path = {"environment_id": self.environment_id}
        answer = self._call("createComponent", path, data={"name": name, **data}, files=uploads)
        return self._read(codec.component_from_json, answer)

    def update_component(
        self,
        component_id: ComponentId,
        wasm: bytes,
        options: ComponentOptions | None = None,
        files: Mapping[str, FileContent] | None = None,
    ) -> Component:
        uploads, data = _upload("component.wasm", wasm, options, files)
        answer = self._call("updateComponent", _component(component_id), data=data, files=uploads)
        return self._read(codec.component_from_json, answer)

    def components(self) -> list[Component]:
        answer = self._call("listEnvironmentComponents", {"environment_id": self.environment_id})
        return self._read(codec.components_from_json, answer)

    def component_by_name(self, name: str) -> Component:
        path = {"environment_id": self.environment_id, "component_name": name}
        return self._read(codec.component_from_json, self._call("getComponentByName", path))

    def component(self, component_id: ComponentId) -> Component:
        return self._read(codec.component_from_json, self._call("getComponent", _component(component_id)))

    def delete_component(self, component_id: ComponentId) -> None:
        self._call("deleteComponent", _component(component_id))

    def component_wasm(self, component_id: ComponentId, version: int) -> bytes:
        return self._call("downloadComponentWasm", {**_component(component_id), "revision": version}).content

    # Workers.

    def launch_worker(
        self,
        component_id: ComponentId,
        name: str,
        *,
        args: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        config: Mapping[str, str] | None = None,
    ) -> WorkerId:
        body = codec.json_from_creation(name, args, env or {}, config)
        return self._read(codec.worker_id_from_json, self._call("launchNewWorker", _component(component_id), json=body))

    def workers(self, component_id: ComponentId, *, cursor: str | None = None, count: int = 50) -> WorkersPage:
        query: dict[str, str | int] = {"count": count} if cursor is None else {"count": count, "cursor": cursor}
        answer = self._call("getWorkersMetadata", _component(component_id), query)
        return self._read(codec.workers_page_from_json, answer)

    def worker(self, worker: WorkerId) -> WorkerMetadata:
        return self._read(codec.worker_metadata_from_json, self._call("getWorkerMetadata", _worker(worker)))

    def delete_worker(self, worker: WorkerId) -> None:
        self._call("deleteWorker", _worker(worker))

    def interrupt_worker(self, worker: WorkerId, *, recover_immediately: bool = False) -> None:
        query = {"recovery-immediately": "true" if recover_immediately else "false"}
        self._call("interruptWorker", _worker(worker), query)

    def resume_worker(self, worker: WorkerId) -> None:
        self._call("resumeWorker", _worker(worker))

    def crash_worker(self, worker: WorkerId) -> None:
        self._call("simulateCrash", _worker(worker))

    def update_worker(self, worker: WorkerId, target_version: int, mode: UpdateMode = UpdateMode.AUTOMATIC) -> None:
        self._call("updateWorker", _worker(worker), json=requests.json_from_update(target_version, mode))

    def revert_worker(
        self, worker: WorkerId, *, last_index: OplogIndex | None = None, invocations: int | None = None
    ) -> None:
        self._call("revertWorker", _worker(worker), json=requests.json_from_revert(last_index, invocations))

    def fork_worker(self, source: WorkerId, target: WorkerId, at_index: OplogIndex) -> None:
        self._call("forkWorker", _worker(source), json=requests.json_from_fork(target, at_index))

    def cancel_invocation(self, worker: WorkerId, key: IdempotencyKey) -> bool:
        answer = self._call("cancelInvocation", {**_worker(worker), "idempotency_key": key})
        return self._read(requests.canceled_from_json, answer)

    def complete_promise(self, worker: WorkerId, oplog_index: OplogIndex, data: bytes) -> bool:
        body = requests.json_from_completion(oplog_index, data)
        return self._read(requests.completed_from_json, self._call("completePromise", _worker(worker), json=body))

    def worker_files(self, worker: WorkerId, path: str = "/") -> list[FileNode]:
        answer = self._call("getWorkerFiles", {**_worker(worker), **_file(path)})
        return self._read(nodes_from_json, answer)

    def worker_file(self, worker: WorkerId, path: str) -> bytes:
        return self._call("getWorkerFileContents", {**_worker(worker), **_file(path)}).content

    def snapshot_policy(self, component_id: ComponentId) -> SnapshotPolicy | None:
        answer = self._call("getSnapshotPolicy", _component(component_id))
        return self._read(requests.snapshot_policy_from_json, answer)

    def set_snapshot_policy(self, component_id: ComponentId, policy: SnapshotPolicy | None) -> None:
        body = requests.json_from_snapshot_policy(policy)
        self._call("setSnapshotPolicy", _component(component_id), json=body)

    # Invocations.

    def invoke(
        self, worker: WorkerId, function: str, params: Sequence[Any], *, key: IdempotencyKey | None = None
    ) -> None:
        self._invoke("invokeFunction", worker, function, params, key, ANSWER_TIMEOUT_S)

    def invoke_and_await(
        self,
        worker: WorkerId,
        function: str,
        params: Sequence[Any],
        *,
        key: IdempotencyKey | None = None,
        timeout_s: float | None = None,
    ) -> TypedValue | None:
        answer = self._invoke("invokeAndAwaitFunction", worker, function, params, key, timeout_s)
        return self._read(codec.result_from_json, answer)

    def _invoke(
        self,
        id: str,
        worker: WorkerId,
        function: str,
        params: Sequence[Any],
        key: IdempotencyKey | None,
        timeout_s: float | None,
    ) -> httpx.Response:
        # Always with a key: then the request may be sent again when its connection breaks, and still runs once.
        headers = {KEY_HEADER: key or str(uuid4())}
        body, query = codec.json_from_params(params), {"function": function}
        return self._call(id, _worker(worker), query, json=body, headers=headers, timeout_s=timeout_s)

    # Oplog and events.

    def oplog(
        self,
        worker: WorkerId,
        *,
        from_index: OplogIndex = 1,
        count: int = 100,
        query: str | None = None,
        cursor: str | None = None,
    ) -> OplogPage:
        asked: dict[str, str | int] = {"count": count}
        if cursor is not None:
            asked["cursor"] = cursor
        elif query is None or from_index != 1:
            asked["from"] = from_index
        if query is not None:
            asked["query"] = query
        page = self._read(codec.oplog_page_from_json, self._call("getOplog", _worker(worker), asked))
        if query is not None and cursor is None:
            self._check_search(query, page)
        return page

    def _check_search(self, query: str, page: OplogPage) -> None:
        """A server that does not search answers with the oplog from its beginning: see whether Create was asked for."""
        if page.entries and page.entries[0].kind == "Create" and not parse_query(query).matches(page.entries[0]):
            raise NotSupported(f"the server at {self.url} does not search oplogs; golem_nb's own engine does")

    def events(self, worker: WorkerId) -> RemoteEvents:
        url = self.url.replace("http", "ws", 1) + _OPS["connectWorker"].url(**_worker(worker))
        proxy: Literal[True] | None = None if self._is_loopback else True
        try:
            # Entered here, since a refusal belongs to this call; the stream that is returned leaves it.
            connection = connect_websocket(
                url, additional_headers=self._headers, open_timeout=CONNECT_TIMEOUT_S, proxy=proxy, max_size=None
            ).__enter__()
        except InvalidStatus as refusal:
            answer = refusal.response
            raise failure_from_answer(answer.status_code, _json_or_text(bytes(answer.body or b""))) from None
        except (OSError, InvalidHandshake) as error:
            raise ServerUnreachable(f"no event stream from {self.url}: {_reason(error)}") from None
        return RemoteEvents(connection, self.url)

    # Beside the contract.

    def server_version(self) -> str:
        """Return what the server calls itself."""
        return str(self._json(self._call("version")).get("version", ""))

    def is_healthy(self, timeout_s: float = 2.0) -> bool:
        """Does the server answer that it is well?"""
        try:
            self._call("healthcheck", timeout_s=timeout_s)
        except (ServerUnreachable, ServerError, WaitTimeout):
            return False
        return True

    def close(self) -> None:
        if self._owns_http:
            self._http.close()

    # How requests are made.

    def _call(
        self,
        id: str,
        path: Mapping[str, object] | None = None,
        query: Mapping[str, str | int] | None = None,
        *,
        json: Any = None,
        data: Mapping[str, str] | None = None,
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = ANSWER_TIMEOUT_S,
    ) -> httpx.Response:
        """Make one request and return its answer.

        Raises:
            GolemError: What the server says of the failure, or that it cannot be reached.
        """
        op = _OPS[id]
        request = self._http.build_request(
            op.method,
            self.url + op.url(**(path or {})),
            params=query,
            json=json,
            data=data,
            files=files,
            headers={**self._headers, **(headers or {})},
            timeout=httpx.Timeout(UPLOAD_TIMEOUT_S if files else timeout_s, connect=CONNECT_TIMEOUT_S),
        )
        repeatable = op.method == "GET" or KEY_HEADER in request.headers
        with self._reaching(id):
            try:
                answer = self._http.send(request)
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                # Most often a kept connection that the server had closed by then.
                if not repeatable:
                    raise
                answer = self._http.send(request)
        if answer.is_success:
            return answer
        failure = failure_from_answer(answer.status_code, _json_or_text(answer.content))
        # An exact NotFound, without a thing that was not found, is a path that the server does not know.
        is_unknown = type(failure) is NotFound or answer.status_code == httpx.codes.METHOD_NOT_ALLOWED
        if id in _EXTENSION_IDS and is_unknown:
            raise NotSupported(f"the server at {self.url} does not know {id}; golem_nb's own engine does")
        raise failure

    @contextmanager
    def _reaching(self, id: str) -> Iterator[None]:
        """Turn httpx's failures into ours. They never carry headers, so no token gets out."""
        try:
            yield
        except httpx.ConnectTimeout:
            raise ServerUnreachable(f"nobody answers at {self.url} within {CONNECT_TIMEOUT_S:g} s") from None
        except httpx.TimeoutException:
            raise WaitTimeout(f"{id} was not answered in time; what the server has accepted goes on there") from None
        except httpx.TransportError as error:
            raise ServerUnreachable(f"nobody answers at {self.url}: {_reason(error)}") from None

    def _read(self, read: Callable[[Any], T], answer: httpx.Response) -> T:
        """Apply a function of the codec to an answer; what cannot be read is the server's fault, not the caller's."""
        try:
            return read(self._json(answer))
        except BadInput as error:
            raise ServerError(answer.status_code, f"{error}; is {self.url} a Golem server?") from None

    def _json(self, answer: httpx.Response) -> Any:
        try:
            return answer.json()
        except ValueError:
            text = answer.text[:80]
            raise ServerError(answer.status_code, f"no JSON: {text!r}; is {self.url} a Golem server?") from None


Upload = tuple[str, bytes, str]  # the name of a file, what is in it, and its type


def _upload(
    name: str, wasm: bytes, options: ComponentOptions | None, files: Mapping[str, FileContent] | None
) -> tuple[dict[str, Upload], dict[str, str]]:
    """Return the parts of an upload: files, and texts."""
    uploads, data = {"component": (name, wasm, "application/wasm")}, parts_from_options(options) if options else {}
    if files is not None:
        archive, data[PERMISSIONS] = parts_from_files(files)
        uploads[FILES] = ("files.zip", archive, "application/zip")
    return uploads, data


def _component(component_id: ComponentId) -> dict[str, object]:
    return {"component_id": component_id}


def _worker(worker: WorkerId) -> dict[str, object]:
    return {"component_id": worker.component_id, "agent_name": worker.name}


def _file(path: str) -> dict[str, object]:
    return {FILE_PATH: clean_path(path).lstrip("/")}


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadInput(f"not the address of a server: {url!r}; it looks like http://127.0.0.1:9881")
    if parts.username or parts.password:
        raise BadInput("the address of a server must not hold a password; give the token by itself")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _json_or_text(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode("utf-8", "replace")


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
