"""`Client` over HTTP and WebSocket, for every dialect. Paths, methods and JSON come from `wire`; `Peer` knows which.

This is one long file because it is one class with a short method for each operation, in the order of `Client`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import IO, Any, Literal
from uuid import UUID, uuid4

import httpx
import msgspec
from websockets.exceptions import InvalidProxy, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as connect_websocket

from golem_nb.client.http import (
    ANSWER_TIMEOUT_S,
    CONNECT_TIMEOUT_S,
    NEVER_AGAIN,
    SILENT,
    Http,
    Retries,
    reason,
)
from golem_nb.client.peer import Peer
from golem_nb.client.stream import Reconnecting, RemoteEvents
from golem_nb.errors import (
    BadInput,
    ComponentNotFound,
    GolemError,
    NotSupported,
    ServerError,
    ServerUnreachable,
    WaitTimeout,
)
from golem_nb.model import (
    Component,
    ComponentId,
    ComponentOptions,
    CrashPoint,
    FileContent,
    FileNode,
    IdempotencyKey,
    OplogIndex,
    OplogPage,
    PublicEntry,
    Shadow,
    ShadowResult,
    SnapshotPolicy,
    UpdateMode,
    WorkerId,
    WorkerMetadata,
    WorkersPage,
    clean_path,
)
from golem_nb.oplog.filters import WorkerFilter
from golem_nb.oplog.query import parse_query
from golem_nb.values.types import TypedValue
from golem_nb.wire import codec, requests, translate
from golem_nb.wire.agents import agent_from_name, json_from_invocation
from golem_nb.wire.dialects import CONTRACT, DIALECTS
from golem_nb.wire.failures import failure_from_answer
from golem_nb.wire.files import nodes_from_json
from golem_nb.wire.operations import FILE_PATH, KEY_HEADER, LAST_INDEX_HEADER
from golem_nb.wire.shadows import json_from_shadow, shadow_result_from_json
from golem_nb.wire.translate import version_from_json
from golem_nb.wire.uploads import Parts, parts_of_creation, parts_of_update

# An upload is compiled before it is answered: some seconds per megabyte of wasm on a small machine.
UPLOAD_TIMEOUT_S = 600.0
# Whoever waits for a result without a limit asks again so often, with the same key: so a dead connection is noticed.
WAIT_SLICE_S = 300.0
HEALTH_TIMEOUT_S = 2.0
# A server that is gone must not hold up who closes a stream.
CLOSE_TIMEOUT_S = 0.5
# Of an oplog, where a server gives no stream of it.
PAGE_ENTRIES = 100
# A stream of entries that breaks goes on where it was, unless so many in a row brought nothing.
BARREN_STREAMS = 3

# Gateways in front of a server that is being started again; a stream that is refused so is tried again.
_BUSY = (502, 503, 504)


class RemoteClient:
    """A Golem server at `url`. The token is sent with every request and shown nowhere."""

    def __init__(
        self,
        url: str,
        token: str | None = None,
        environment_id: UUID | None = None,
        http: httpx.Client | None = None,
        *,
        dialect: str | None = None,
        retries: Retries | None = None,
        reconnecting: Reconnecting | None = None,
    ) -> None:
        """`environment_id` None = the only one that the token may see; `dialect` None = what the server's version says.

        Raises:
            BadInput: The URL is none, or there is no such dialect.
        """
        if dialect is not None and dialect not in DIALECTS:
            raise BadInput(f"there is no dialect {dialect!r}; there are: {', '.join(DIALECTS)}")
        self._http = Http(url, token, http, retries or Retries())
        self.url = self._http.url
        self._reconnecting = reconnecting or Reconnecting()
        self._peer = Peer(self._http, None if dialect is None else DIALECTS[dialect], environment_id)

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
        dialect, _ = self._peer.operation("createComponent")
        parts = parts_of_creation(dialect, name, self.environment_id, wasm, options, files)
        answer = self._upload("createComponent", {"environment_id": self.environment_id}, parts)
        return self._peer.read(translate.component_from, answer)

    def update_component(
        self,
        component_id: ComponentId,
        wasm: bytes,
        options: ComponentOptions | None = None,
        files: Mapping[str, FileContent] | None = None,
    ) -> Component:
        dialect, _ = self._peer.operation("updateComponent")
        before = None if dialect.update.revision is None else self.component(component_id)
        parts = parts_of_update(dialect, before, wasm, options, files)
        return self._peer.read(
            translate.component_from, self._upload("updateComponent", _component(component_id), parts)
        )

    def components(self) -> list[Component]:
        return self._listed("listEnvironmentComponents", {})

    def component_by_name(self, name: str) -> Component:
        dialect, _ = self._peer.operation("getComponentByName")
        if not dialect.is_name_a_filter:
            path = {"environment_id": self.environment_id, "component_name": name}
            return self._peer.read(translate.component_from, self._peer.call("getComponentByName", path))
        found = self._listed("getComponentByName", {"component-name": name})
        if not found:
            raise ComponentNotFound(f"there is no component {name!r} at {self.url}")
        return found[0]

    def _listed(self, id: str, query: Mapping[str, str | int]) -> list[Component]:
        _, op = self._peer.operation(id)
        if "project-id" in op.query:
            query = {"project-id": str(self.environment_id), **query}
        return self._peer.read(
            translate.components_from, self._peer.call(id, {"environment_id": self.environment_id}, query)
        )

    def component(self, component_id: ComponentId) -> Component:
        return self._peer.read(translate.component_from, self._peer.call("getComponent", _component(component_id)))

    def delete_component(self, component_id: ComponentId) -> None:
        dialect, _ = self._peer.operation("deleteComponent")
        revision = dialect.delete_revision
        query = {} if revision is None else {revision: self.component(component_id).version}
        self._peer.call("deleteComponent", _component(component_id), query)

    def component_wasm(self, component_id: ComponentId, version: int) -> bytes:
        _, op = self._peer.operation("downloadComponentWasm")
        path = {**_component(component_id), "revision": version}
        return self._peer.call("downloadComponentWasm", path, {name: version for name in op.query}).content

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
        dialect, _ = self._peer.operation("launchNewWorker")
        body = translate.json_from_launch(dialect, name, args, env or {}, config)
        answer = self._peer.call("launchNewWorker", _component(component_id), json=body)
        return self._peer.read(translate.worker_id_from, answer)

    def workers(self, component_id: ComponentId, *, cursor: str | None = None, count: int = 50) -> WorkersPage:
        query: dict[str, str | int] = {"count": count} if cursor is None else {"count": count, "cursor": cursor}
        answer = self._peer.call("getWorkersMetadata", _component(component_id), query)
        return self._peer.read(translate.workers_page_from, answer)

    def find_workers(
        self, component_id: ComponentId, filter: WorkerFilter | None, *, cursor: str | None = None, count: int = 50
    ) -> WorkersPage:
        dialect, _ = self._peer.operation("findWorkers")
        body = translate.json_from_find(dialect, filter, cursor, count)
        answer = self._peer.call("findWorkers", _component(component_id), json=body)
        return self._peer.read(translate.workers_page_from, answer)

    def worker(self, worker: WorkerId) -> WorkerMetadata:
        return self._peer.read(translate.worker_from, self._peer.call("getWorkerMetadata", _worker(worker)))

    def delete_worker(self, worker: WorkerId) -> None:
        self._peer.call("deleteWorker", _worker(worker))

    def interrupt_worker(self, worker: WorkerId, *, recover_immediately: bool = False) -> None:
        query = {"recovery-immediately": "true" if recover_immediately else "false"}
        self._peer.call("interruptWorker", _worker(worker), query)

    def resume_worker(self, worker: WorkerId) -> None:
        self._peer.call("resumeWorker", _worker(worker))

    def crash_worker(self, worker: WorkerId, at: CrashPoint | None = None, *, recover: bool = True) -> None:
        query: dict[str, str | int] = {}
        if at is not None:
            given = {"at-index": at.at_index, "at-call": at.at_call, "count": at.count}
            query = {name: value for name, value in given.items() if value is not None}
        if not recover:
            query["recover"] = "false"
        self._peer.call("simulateCrash", _worker(worker), query)

    def update_worker(self, worker: WorkerId, target_version: int, mode: UpdateMode = UpdateMode.AUTOMATIC) -> None:
        dialect, _ = self._peer.operation("updateWorker")
        self._peer.call("updateWorker", _worker(worker), json=translate.json_from_update(dialect, target_version, mode))

    def revert_worker(
        self, worker: WorkerId, *, last_index: OplogIndex | None = None, invocations: int | None = None
    ) -> None:
        dialect, _ = self._peer.operation("revertWorker")
        body = translate.json_from_revert(dialect, last_index, invocations)
        self._peer.call("revertWorker", _worker(worker), json=body)

    def fork_worker(self, source: WorkerId, target: WorkerId, at_index: OplogIndex) -> None:
        dialect, _ = self._peer.operation("forkWorker")
        self._peer.call("forkWorker", _worker(source), json=translate.json_from_fork(dialect, target, at_index))

    def cancel_invocation(self, worker: WorkerId, key: IdempotencyKey) -> bool:
        answer = self._peer.call("cancelInvocation", {**_worker(worker), "idempotency_key": key})
        return self._peer.told(requests.canceled_from_json, answer)

    def complete_promise(self, worker: WorkerId, oplog_index: OplogIndex, data: bytes) -> bool:
        body = requests.json_from_completion(oplog_index, data)
        return self._peer.told(
            requests.completed_from_json, self._peer.call("completePromise", _worker(worker), json=body)
        )

    def worker_files(self, worker: WorkerId, path: str = "/") -> list[FileNode]:
        answer = self._peer.call("getWorkerFiles", {**_worker(worker), **_file(path)})
        return self._peer.told(nodes_from_json, answer)

    def worker_file(self, worker: WorkerId, path: str) -> bytes:
        return self._peer.call("getWorkerFileContents", {**_worker(worker), **_file(path)}).content

    def snapshot_policy(self, component_id: ComponentId) -> SnapshotPolicy | None:
        answer = self._peer.call("getSnapshotPolicy", _component(component_id))
        return self._peer.told(requests.snapshot_policy_from_json, answer)

    def set_snapshot_policy(self, component_id: ComponentId, policy: SnapshotPolicy | None) -> None:
        body = requests.json_from_snapshot_policy(policy)
        self._peer.call("setSnapshotPolicy", _component(component_id), json=body)

    # Invocations.

    def invoke(
        self, worker: WorkerId, function: str, params: Sequence[Any], *, key: IdempotencyKey | None = None
    ) -> None:
        self._invoke("invokeFunction", worker, function, params, key or str(uuid4()), ANSWER_TIMEOUT_S)

    def invoke_and_await(
        self,
        worker: WorkerId,
        function: str,
        params: Sequence[Any],
        *,
        key: IdempotencyKey | None = None,
        timeout_s: float | None = None,
    ) -> TypedValue | None:
        key = key or str(uuid4())
        while True:
            try:
                answer = self._invoke(
                    "invokeAndAwaitFunction",
                    worker,
                    function,
                    params,
                    key,
                    WAIT_SLICE_S if timeout_s is None else timeout_s,
                )
            except WaitTimeout:
                if timeout_s is not None:
                    raise
            else:
                return self._peer.read(translate.result_from, answer)

    def _invoke(
        self,
        id: str,
        worker: WorkerId,
        function: str,
        params: Sequence[Any],
        key: IdempotencyKey,
        timeout_s: float,
    ) -> httpx.Response:
        # Always with a key: then the request may be sent again when its connection breaks, and still runs once.
        headers = {KEY_HEADER: key}
        dialect, _ = self._peer.operation(id)
        if dialect.has_agents:
            body = self._invocation_of_agent(id, worker, function, params, key)
            return self._peer.call(id, json=body, headers=headers, timeout_s=timeout_s)
        body, query = codec.json_from_params(params), {"function": function}
        return self._peer.call(id, _worker(worker), query, json=body, headers=headers, timeout_s=timeout_s)

    def _invocation_of_agent(
        self, id: str, worker: WorkerId, method: str, params: Sequence[Any], key: IdempotencyKey
    ) -> codec.Json:
        place, mode = self._peer.named_place(), "schedule" if id == "invokeFunction" else "await"
        return json_from_invocation(agent_from_name(worker.name), place.app, place.name, method, params, key, mode)

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
        dialect, _ = self._peer.operation("getOplog")
        asked: dict[str, str | int] = {"count": min(count, dialect.most_entries or count)}
        if cursor is not None:
            asked["cursor"] = cursor
        elif query is None or from_index != 1:
            asked["from"] = from_index
        if query is not None:
            asked["query"] = query
        page = self._peer.read(translate.oplog_page_from, self._peer.call("getOplog", _worker(worker), asked))
        if query is not None and cursor is None and dialect is CONTRACT:  # all releases of Golem search
            self._check_search(query, page)
        return page

    def _check_search(self, query: str, page: OplogPage) -> None:
        """A server that does not search answers with the oplog from its beginning: see whether Create was asked for."""
        if page.entries and page.entries[0].kind == "Create" and not parse_query(query).matches(page.entries[0]):
            raise NotSupported(f"the server at {self.url} does not search oplogs; golem_nb's own engine does")

    def entries(self, worker: WorkerId, *, from_index: OplogIndex = 1) -> Iterator[PublicEntry]:
        if "streamOplog" in self._peer.dialect().operations:
            try:
                return (yield from self._streamed_entries(worker, from_index))
            except NotSupported:  # a server of the contract that is not ours
                pass
        yield from self._paged_entries(worker, from_index)

    def _streamed_entries(self, worker: WorkerId, first: OplogIndex) -> Iterator[PublicEntry]:
        barren, last = 0, first
        while first <= last:
            before = first
            try:
                with self._peer.streamed("streamOplog", _worker(worker), {"from": first}) as answer:
                    last = _last_index(answer)
                    for entry in _entries(answer, lambda line: self._peer.hear("streamOplog", line)):
                        first = entry.index + 1
                        yield entry
            except ServerUnreachable:
                barren = barren + 1 if first == before else 0
                if barren == BARREN_STREAMS:
                    raise
            else:
                if first <= last:
                    raise ServerError(answer.status_code, f"the stream of entries ends at {first - 1}, not at {last}")

    def _paged_entries(self, worker: WorkerId, first: OplogIndex) -> Iterator[PublicEntry]:
        index, last = first, None
        while True:
            page = self.oplog(worker, from_index=index, count=PAGE_ENTRIES)
            last = last or page.last_index  # what comes meanwhile is not for this call; 0 where a server tells none
            yield from (entry for entry in page.entries if not last or entry.index <= last)
            if not page.entries or page.next_index is None or (last and page.entries[-1].index >= last):
                return
            if page.next_index <= index:  # the same page for ever
                if last:
                    raise ServerError(200, f"the page of entries behind {index} goes on at {page.next_index}")
                return
            index = page.next_index

    def export_worker(self, worker: WorkerId, file: IO[bytes]) -> None:
        with self._peer.streamed("exportWorker", _worker(worker)) as answer:
            for part in answer.iter_bytes():
                file.write(part)

    def import_worker(self, worker: WorkerId, file: IO[bytes]) -> None:
        headers = {"content-type": "application/octet-stream"}
        self._peer.call("importWorker", _worker(worker), content=file, headers=headers, timeout_s=UPLOAD_TIMEOUT_S)

    def shadow(self, worker: WorkerId, asked: Shadow) -> ShadowResult:
        answer = self._peer.call(
            "shadowWorker", _worker(worker), json=json_from_shadow(asked), timeout_s=UPLOAD_TIMEOUT_S
        )
        return self._peer.told(shadow_result_from_json, answer)

    def events(self, worker: WorkerId) -> RemoteEvents:
        _, op = self._peer.operation("connectWorker")
        url = self.url.replace("http", "ws", 1) + op.url(**_worker(worker))
        return RemoteEvents(lambda: self._connect(url), self.url, self._reconnecting)

    def _connect(self, url: str) -> ClientConnection:
        """Open a WebSocket.

        Raises:
            ServerUnreachable: No connection, or the server is not there for now.
            GolemError: What the server says of the refusal.
        """
        proxy: Literal[True] | None = None if self._http.is_loopback else True
        try:
            # Entered here, since a refusal belongs to this call; the stream that is returned leaves it.
            return connect_websocket(
                url,
                ssl=self._http.tls,
                additional_headers=self._http.token.headers(),
                open_timeout=CONNECT_TIMEOUT_S,
                close_timeout=CLOSE_TIMEOUT_S,
                proxy=proxy,
                max_size=None,
                logger=SILENT,
            ).__enter__()
        except InvalidStatus as refusal:
            answer = refusal.response
            if answer.status_code in _BUSY:
                raise ServerUnreachable(f"no event stream from {self.url}: {answer.status_code}") from None
            raise failure_from_answer(answer.status_code, self._http.told(bytes(answer.body or b""))) from None
        except (ImportError, InvalidProxy):  # its text may hold a password
            raise ServerUnreachable(
                f"no event stream from {self.url}: the proxy of the environment is none that can be used"
            ) from None
        except (OSError, WebSocketException) as error:
            told = self._http.token.hidden_in(reason(error))  # an address that it is sent on to, for one
            raise ServerUnreachable(f"no event stream from {self.url}: {told}") from None

    # Beside the contract.

    def heard(self) -> AbstractContextManager[list[tuple[str, Any]]]:
        """Collect what the server answers meanwhile: the operation, and the JSON as it was sent."""
        return self._peer.heard()

    @contextmanager
    def waiting_at_most(self, timeout_s: float) -> Iterator[None]:
        """Wait for each answer so long at most, but for uploads and results, which have limits of their own."""
        before, self._http.answer_timeout_s = self._http.answer_timeout_s, timeout_s
        try:
            yield
        finally:
            self._http.answer_timeout_s = before

    def server_version(self, timeout_s: float = ANSWER_TIMEOUT_S) -> str:
        """Return what the server calls itself."""
        op = CONTRACT.operations["version"]
        return self._peer.told(version_from_json, self._peer.asked(op, timeout_s=timeout_s))

    def is_healthy(self, timeout_s: float = HEALTH_TIMEOUT_S) -> bool:
        """Does the server answer that it is well?"""
        try:
            self._peer.asked(CONTRACT.operations["healthcheck"], timeout_s=timeout_s, retries=NEVER_AGAIN)
        except GolemError:
            return False
        return True

    @property
    def environment_id(self) -> UUID:
        """The environment in use; in Golem 1.3 the project. The server is asked where none was chosen."""
        return self._peer.place().id

    def speaks(self) -> str:
        """Say what the server is, which is asked once, and whether that is a guess."""
        return self._peer.speaks()

    @property
    def runs_programs(self) -> bool:
        return self._peer.dialect() is CONTRACT

    def close(self) -> None:
        self._http.close()

    def _upload(self, id: str, path: Mapping[str, object], parts: Parts) -> httpx.Response:
        jsons = {name: (None, text.encode(), "application/json") for name, text in parts.jsons.items()}
        return self._peer.call(id, path, data=parts.texts, files={**jsons, **parts.files}, timeout_s=UPLOAD_TIMEOUT_S)


_decoder = msgspec.json.Decoder()


def _last_index(answer: httpx.Response) -> OplogIndex:
    told = answer.headers.get(LAST_INDEX_HEADER, "")
    if not (told.isascii() and told.isdecimal() and len(told) < 20):
        raise ServerError(answer.status_code, f"no stream of entries: the header {LAST_INDEX_HEADER} is {told!r:.40}")
    return int(told)


def _entries(answer: httpx.Response, hear: Callable[[Any], None]) -> Iterator[PublicEntry]:
    """Yield the entries of the whole lines that come; `hear` is told each line's JSON.

    Raises:
        ServerError: A line is none; the entries before it have been given.
    """
    parts: list[bytes] = []  # of a line whose end has not come
    number = 1  # of the line that is read
    for part in answer.iter_bytes():
        lines, newline, rest = part.rpartition(b"\n")
        if not newline:
            parts.append(part)
            continue
        lines, parts = b"".join((*parts, lines)), [rest]
        try:
            for told in _decoded(lines):
                entry = codec.entry_from_indexed_json(told)
                hear(told)
                number += 1
                yield entry
        except (*_UNREADABLE, BadInput) as error:
            raise ServerError(answer.status_code, f"line {number} of the stream of entries: {error}") from None


_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def _decoded(lines: bytes) -> Iterator[Any]:
    """Return the JSON of each line: at once where all are good, else one by one up to the first that is not."""
    try:
        return iter(_decoder.decode_lines(lines))
    except _UNREADABLE:
        return map(_decoder.decode, filter(bytes.strip, lines.split(b"\n")))


def _component(component_id: ComponentId) -> dict[str, object]:
    return {"component_id": component_id}


def _worker(worker: WorkerId) -> dict[str, object]:
    return {"component_id": worker.component_id, "agent_name": worker.name}


def _file(path: str) -> dict[str, object]:
    """Return the path as our own server has it, in segments, and as Golem does, in one."""
    absolute = clean_path(path)
    return {FILE_PATH: absolute.lstrip("/"), "file_name": absolute}
