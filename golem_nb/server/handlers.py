"""One plain function for each operation that the engine has: `handler(engine, call)`.

It returns what is encoded as JSON, bytes, or a `Later`: a future of the engine's and what to make of its result.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote
from uuid import UUID

import msgspec
import yaml
from starlette.datastructures import FormData, Headers, QueryParams, UploadFile

from golem_nb import __version__
from golem_nb.engine.engine import Engine
from golem_nb.engine.slices import MOST_OPLOG_ENTRIES, IndexedEntries
from golem_nb.errors import BadInput
from golem_nb.model import ComponentOptions, CrashPoint, FileContent, WorkerId, parse_uuid
from golem_nb.oplog.filter_text import filter_from_texts
from golem_nb.oplog.query import parse_query
from golem_nb.oplog.search import matching
from golem_nb.server.answers import Download, Lines, Text
from golem_nb.server.page import docs_page
from golem_nb.values.types import TypedValue
from golem_nb.wire.codec import (
    config_from_json,
    index_from_cursor,
    json_from_component,
    json_from_indexed_entry,
    json_from_oplog_page,
    json_from_result,
    json_from_worker_id,
    json_from_worker_metadata,
    json_from_workers_page,
)
from golem_nb.wire.entries import following_index, public_entry, public_page
from golem_nb.wire.files import FILES, PERMISSIONS, files_from_parts, json_from_nodes
from golem_nb.wire.filters import find_from_json
from golem_nb.wire.openapi import CONTRACT_NAMES, contract_text, openapi_document, text_of
from golem_nb.wire.operations import DOCUMENTS, FILE_PATH, KEY_HEADER, LAST_INDEX_HEADER
from golem_nb.wire.options import options_from_parts
from golem_nb.wire.reading import MOST
from golem_nb.wire.requests import (
    FROM_AND_QUERY,
    completion_from_json,
    fork_from_json,
    json_from_canceled,
    json_from_snapshot_policy,
    revert_from_json,
    snapshot_policy_from_json,
    update_from_json,
)
from golem_nb.wire.shadows import json_from_shadow_result, shadow_from_json


@dataclass(frozen=True, slots=True)
class Call:
    """A request, read. `body` is decoded JSON, a form, or None where the operation takes none."""

    path: Mapping[str, str]
    query: QueryParams
    headers: Headers
    body: Any


@dataclass(frozen=True, slots=True)
class Later:
    """An answer that is ready when `future` is."""

    future: Future[Any]
    encode: Callable[[Any], Any]


Handler = Callable[[Engine, Call], Any]
LINES_BYTES = 1 << 16
_encoder = msgspec.json.Encoder()
WORKERS_COUNT = 50  # of one page, unless another one is asked for. Source: SEMANTICS 11
DONE: dict[str, Any] = {}  # the body of answers that have nothing to say. Source: CONTRACT, part 1


def healthcheck(engine: Engine, call: Call) -> Any:
    return DONE


def version(engine: Engine, call: Call) -> Any:
    return {"version": f"golem_nb {__version__}"}


YAML = "application/yaml"
# A browser is to hold the page to what it promises: nothing from elsewhere, no script.
ONLY_ITSELF = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"}


@cache
def _page() -> str:
    return docs_page(openapi_document(__version__), yaml.safe_load(contract_text(CONTRACT_NAMES[1])))


@cache
def _yaml() -> str:
    return text_of(openapi_document(__version__))


def create_component(engine: Engine, call: Call) -> Any:
    name = call.body.get("name")
    if not isinstance(name, str):
        raise BadInput("the part `name` is missing, or is a file; it is the component's name")
    options = options_from_parts(call.body, ComponentOptions())
    files = _files(call.body)
    return json_from_component(engine.create_component(_environment(call), name, _wasm(call.body), options, files))


def list_components(engine: Engine, call: Call) -> Any:
    return [json_from_component(c) for c in engine.components(_environment(call))]


def component_by_name(engine: Engine, call: Call) -> Any:
    return json_from_component(engine.component_by_name(_environment(call), call.path["component_name"]))


def component(engine: Engine, call: Call) -> Any:
    return json_from_component(engine.component(_component_id(call)))


def update_component(engine: Engine, call: Call) -> Any:
    component_id = _component_id(call)
    options = options_from_parts(call.body, engine.component(component_id).options)
    return json_from_component(engine.update_component(component_id, _wasm(call.body), options, _files(call.body)))


def delete_component(engine: Engine, call: Call) -> Any:
    engine.delete_component(_component_id(call))
    return DONE


def component_wasm(engine: Engine, call: Call) -> bytes:
    return engine.component_wasm(_component_id(call), _integer(call.path["revision"], "revision", 0))


def launch_worker(engine: Engine, call: Call) -> Any:
    body = _object(call.body)
    name, args, env = body.get("name"), body.get("args") or [], body.get("env") or {}
    if not isinstance(name, str):
        raise BadInput("`name` is missing; it is the worker's name, a string")
    if not isinstance(args, list) or not all(isinstance(a, str) for a in args):
        raise BadInput("`args` must be a list of strings")
    if not isinstance(env, dict) or not all(isinstance(v, str) for v in env.values()):
        raise BadInput("`env` must be an object whose values are strings")
    config = _config(body.get("wasiConfigVars"))
    return json_from_worker_id(engine.launch_worker(_component_id(call), name, args, env, config))


def workers(engine: Engine, call: Call) -> Any:
    count = _integer(call.query.get("count", str(WORKERS_COUNT)), "count", 1)
    _boolean(call.query.get("precise", "false"), "precise")  # what we tell is always precise
    filter = filter_from_texts(call.query.getlist("filter"))
    return json_from_workers_page(engine.workers(_component_id(call), call.query.get("cursor"), count, filter))


def find_workers(engine: Engine, call: Call) -> Any:
    filter, cursor, count, _ = find_from_json(_object(call.body))
    return json_from_workers_page(engine.workers(_component_id(call), cursor, count or WORKERS_COUNT, filter))


def worker(engine: Engine, call: Call) -> Any:
    return json_from_worker_metadata(engine.worker(_worker_id(call)))


def delete_worker(engine: Engine, call: Call) -> Any:
    engine.delete_worker(_worker_id(call))
    return DONE


def invoke(engine: Engine, call: Call) -> Later:
    accepted = engine.invoke(_worker_id(call), _function(call), _params(call), _key(call))
    return Later(accepted, lambda _: DONE)


def invoke_and_await(engine: Engine, call: Call) -> Later:
    result: Future[TypedValue | None] = engine.invoke_and_await(
        _worker_id(call), _function(call), _params(call), _key(call)
    )
    return Later(result, json_from_result)


def interrupt_worker(engine: Engine, call: Call) -> Any:
    recover = _boolean(call.query.get("recovery-immediately", "false"), "recovery-immediately")
    engine.interrupt_worker(_worker_id(call), recover)
    return DONE


def resume_worker(engine: Engine, call: Call) -> Any:
    engine.resume_worker(_worker_id(call))
    return DONE


def crash_worker(engine: Engine, call: Call) -> Any:
    index, name = call.query.get("at-index"), call.query.get("at-call")
    count = _integer(call.query.get("count", "1"), "count", 1)
    is_now = index is None and name is None
    at = CrashPoint(None if index is None else _integer(index, "at-index", 1), name, count)
    recover = _boolean(call.query.get("recover", "true"), "recover")
    engine.crash_worker(_worker_id(call), None if is_now else at, recover=recover)
    return DONE


def update_worker(engine: Engine, call: Call) -> Any:
    target_version, mode = update_from_json(_object(call.body))
    engine.update_worker(_worker_id(call), target_version, mode)
    return DONE


def revert_worker(engine: Engine, call: Call) -> Any:
    last_index, invocations = revert_from_json(_object(call.body))
    engine.revert_worker(_worker_id(call), last_index=last_index, invocations=invocations)
    return DONE


def fork_worker(engine: Engine, call: Call) -> Any:
    target, at_index = fork_from_json(_object(call.body))
    engine.fork_worker(_worker_id(call), target, at_index)
    return DONE


def cancel_invocation(engine: Engine, call: Call) -> Any:
    return json_from_canceled(engine.cancel_invocation(_worker_id(call), call.path["idempotency_key"]))


def complete_promise(engine: Engine, call: Call) -> bool:
    oplog_index, data = completion_from_json(_object(call.body))
    return engine.complete_promise(_worker_id(call), oplog_index, data)


def snapshot_policy(engine: Engine, call: Call) -> Any:
    return json_from_snapshot_policy(engine.snapshot_policy(_component_id(call)))


def set_snapshot_policy(engine: Engine, call: Call) -> Any:
    policy = snapshot_policy_from_json(_object(call.body))
    engine.set_snapshot_policy(_component_id(call), policy)
    return json_from_snapshot_policy(policy)


def oplog(engine: Engine, call: Call) -> Any:
    query, cursor = call.query.get("query"), call.query.get("cursor")
    if query is not None and "from" in call.query:
        raise BadInput(FROM_AND_QUERY)
    from_index = _integer(call.query.get("from", "1"), "from", 0) if cursor is None else index_from_cursor(cursor)
    count = _integer(call.query.get("count", str(MOST_OPLOG_ENTRIES)), "count", 0)
    worker = _worker_id(call)
    if query is None:
        found = engine.oplog(worker, from_index, count)
        next_index = following_index(found.entries, found.last_index)
    else:
        matches = matching(parse_query(query))
        found = engine.search_oplog(worker, matches, from_index, min(count, MOST_OPLOG_ENTRIES))
        next_index = found.next_index
    page = public_page(
        found.entries,
        worker=worker,
        from_index=from_index,
        next_index=next_index,
        last_index=found.last_index,
        component_version=found.component_version,
    )
    return json_from_oplog_page(page, found.component_version)


def stream_oplog(engine: Engine, call: Call) -> Lines:
    from_index = _integer(call.query.get("from", "1"), "from", 0)
    worker = _worker_id(call)
    last_index, parts = engine.oplog_from(worker, from_index)
    return Lines(_lines(worker, parts), {LAST_INDEX_HEADER: str(last_index)})


def _lines(worker: WorkerId, parts: Iterable[IndexedEntries]) -> Iterator[bytes]:
    """Yield whole lines, many at once: what is stored as one may be a single entry."""
    lines = bytearray()
    for part in parts:
        for index, entry in part:
            lines += _encoder.encode(json_from_indexed_entry(public_entry(index, entry, worker))) + b"\n"
        if len(lines) >= LINES_BYTES:
            yield bytes(lines)
            lines.clear()
    if lines:
        yield bytes(lines)


def export_worker(engine: Engine, call: Call) -> Download:
    worker = _worker_id(call)
    file = tempfile.TemporaryFile()  # closed when it is sent
    try:
        engine.export_worker(worker, file)
        size = file.tell()
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return Download(file, size, f"{quote(worker.name, safe='')}.golem-worker")


def import_worker(engine: Engine, call: Call) -> Any:
    worker = _worker_id(call)
    engine.import_worker(worker, call.body)
    return json_from_worker_id(worker)


def shadow(engine: Engine, call: Call) -> Any:
    asked = shadow_from_json(_object(call.body))
    return json_from_shadow_result(engine.shadow(_worker_id(call), asked))


def worker_files(engine: Engine, call: Call) -> Later:
    return Later(engine.worker_files(_worker_id(call), call.path[FILE_PATH]), json_from_nodes)


def worker_file(engine: Engine, call: Call) -> Later:
    return Later(engine.worker_file(_worker_id(call), call.path[FILE_PATH]), lambda content: content)


# Operations that need no token: they say only that, and what, this server is.
PUBLIC = {"healthcheck", "version", *(op.id for op in DOCUMENTS)}

HANDLERS: dict[str, Handler] = {
    "healthcheck": healthcheck,
    "version": version,
    "docs": lambda engine, call: Text(_page(), "text/html", ONLY_ITSELF),
    "openapiJson": lambda engine, call: openapi_document(__version__),
    "openapiYaml": lambda engine, call: Text(_yaml(), YAML),
    "contractOpenapi": lambda engine, call: Text(contract_text(CONTRACT_NAMES[0]), YAML),
    "contractAsyncapi": lambda engine, call: Text(contract_text(CONTRACT_NAMES[1]), YAML),
    "createComponent": create_component,
    "listEnvironmentComponents": list_components,
    "getComponentByName": component_by_name,
    "getComponent": component,
    "updateComponent": update_component,
    "deleteComponent": delete_component,
    "downloadComponentWasm": component_wasm,
    "launchNewWorker": launch_worker,
    "getWorkersMetadata": workers,
    "findWorkers": find_workers,
    "getWorkerMetadata": worker,
    "deleteWorker": delete_worker,
    "invokeFunction": invoke,
    "invokeAndAwaitFunction": invoke_and_await,
    "interruptWorker": interrupt_worker,
    "resumeWorker": resume_worker,
    "updateWorker": update_worker,
    "revertWorker": revert_worker,
    "forkWorker": fork_worker,
    "cancelInvocation": cancel_invocation,
    "completePromise": complete_promise,
    "getSnapshotPolicy": snapshot_policy,
    "setSnapshotPolicy": set_snapshot_policy,
    "getOplog": oplog,
    "getWorkerFiles": worker_files,
    "getWorkerFileContents": worker_file,
    "simulateCrash": crash_worker,
    "streamOplog": stream_oplog,
    "exportWorker": export_worker,
    "importWorker": import_worker,
    "shadowWorker": shadow,
}


def _environment(call: Call) -> UUID:
    return parse_uuid(call.path["environment_id"], "environment_id")


def _component_id(call: Call) -> UUID:
    return parse_uuid(call.path["component_id"], "component_id")


def _worker_id(call: Call) -> WorkerId:
    return WorkerId(_component_id(call), call.path["agent_name"])


def _key(call: Call) -> str | None:
    """Return the idempotency key; headers come as Latin-1, and this one is UTF-8 as in paths."""
    key = call.headers.get(KEY_HEADER)
    try:
        return None if key is None else key.encode("latin-1").decode()
    except UnicodeDecodeError:
        raise BadInput(f"the header `{KEY_HEADER}` is not UTF-8, found {key!r:.80}") from None


def _function(call: Call) -> str:
    function = call.query.get("function")
    if not function:
        raise BadInput("the query parameter `function` is missing; it names the exported function")
    return function


def _params(call: Call) -> list[Any]:
    params = _object(call.body).get("params", [])
    if not isinstance(params, list):
        raise BadInput("`params` must be a list")
    return params


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise BadInput("the body must be a JSON object")
    return body


def _config(json: Any) -> dict[str, str]:
    try:
        return config_from_json(json)
    except BadInput as error:
        raise BadInput(f"`wasiConfigVars`: {error}") from None


def _wasm(form: FormData) -> bytes:
    part = form.get("component")
    if isinstance(part, UploadFile):
        return part.file.read()
    if isinstance(part, str):
        raise BadInput("the part `component` must be a file (with a filename), not a text field")
    raise BadInput("the part `component` is missing; it is the component's wasm, as a file")


def _files(form: FormData) -> dict[str, FileContent] | None:
    archive, mentioned = form.get(FILES), form.get(PERMISSIONS)
    if isinstance(archive, str):
        raise BadInput(f"the part `{FILES}` must be a file (with a filename): a zip archive")
    if isinstance(mentioned, UploadFile):
        mentioned = mentioned.file.read().decode("utf-8", "replace")
    if archive is None:
        if mentioned is not None:
            raise BadInput(f"the part `{PERMISSIONS}` needs the part `{FILES}`, a zip archive")
        return None
    return files_from_parts(archive.file.read(), mentioned)


def _integer(text: str, what: str, least: int) -> int:
    if not text.isascii() or not text.removeprefix("-").isdigit() or len(text) > 20:
        raise BadInput(f"{what} must be an integer, found {text[:80]!r}")
    number = int(text)
    if not least <= number <= MOST:
        raise BadInput(f"{what} must be between {least} and {MOST}, found {text}")
    return number


def _boolean(text: str, what: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise BadInput(f"{what} must be true or false, found {text[:80]!r}")
    return text.lower() == "true"
