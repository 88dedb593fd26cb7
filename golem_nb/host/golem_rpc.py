"""golem:rpc/types 0.1 and 0.2: calls of other workers. Source: SEMANTICS 5.5, 5.6.

How this works: what a call needs is recorded before it is made (arguments, environment, the idempotency key, which
follows from where in the oplog it is, and a span), so that a call that a crash cut off is made again with the same key,
and the worker that is called runs it once. A call that is waited for is recorded with its result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any
from uuid import UUID

from golem_nb.errors import (
    BadInput,
    CallCycle,
    ComponentNotFound,
    GolemError,
    InvocationFailed,
    InvocationInterrupted,
    NotFound,
    PreviousInvocationFailed,
    WorkerExists,
    WorkerExited,
)
from golem_nb.host.cli import Environment
from golem_nb.host.context import HostContext, RemoteCall, WorkerTemplate
from golem_nb.host.declare import (
    Interface,
    Resource,
    Trap,
    Value,
    WitError,
    deterministic,
    inner,
    read_local,
    write_remote,
)
from golem_nb.host.golem_host import UUID_TYPE, WORKER_ID, uuid_from_value, uuid_value, worker_from_value, worker_value
from golem_nb.host.io import Pollable
from golem_nb.model import WorkerId, parse_uuid
from golem_nb.oplog.spans import Span
from golem_nb.values.nodes import nodes_from_value
from golem_nb.values.types import (
    STRING,
    Case,
    Field,
    RecordType,
    ResultType,
    TupleType,
    TypedValue,
    VariantType,
    WitType,
)

Result = TypedValue | None

RPC_ERROR = VariantType(
    tuple(Case(name, STRING) for name in ("protocol-error", "denied", "not-found", "remote-internal-error"))
)
NOTHING = RecordType(())
LATEST_NS = (1 << 63) - 1  # in the year 2262: what the store takes
NO_SELF_CALLS = "RPC calls to the same agent are not supported"


def rpc_error(error: BaseException) -> Value:
    """Return the error that the component gets, in Golem's words. Source: SEMANTICS 5.6, 10.3."""
    match error:
        case ComponentNotFound():
            return "remote-internal-error", f"Could not find any component with the given id: {error}"
        case NotFound():
            return "not-found", str(error)
        case WorkerExists() | CallCycle():
            return "denied", str(error)
        case PreviousInvocationFailed(cause=cause, stderr=stderr):
            return "remote-internal-error", f"Previous invocation failed: {_with_stderr(cause, stderr)}"
        case InvocationFailed(cause=cause, stderr=stderr):
            return "remote-internal-error", f"Component trapped: {_with_stderr(cause, stderr)}"
        case WorkerExited():
            return "remote-internal-error", "The previously invoked function exited"
        case InvocationInterrupted():
            return "remote-internal-error", "Interrupted via the Golem API"
        case BadInput() if not str(error).startswith("Parameter type mismatch"):
            return "remote-internal-error", f"Invalid request: {error}"
        case _:
            return "remote-internal-error", str(error)


def _with_stderr(cause: str, stderr: str) -> str:
    return f"{cause}\n\n{stderr}" if stderr else cause


def _failure(case: str, value: Value) -> str | None:
    """Return the text of a failed call that is made again before the component hears of it. Source: SEMANTICS 3.5."""
    return value[1] if case == "err" and value[0] == "remote-internal-error" else None


def result_value(result: Result) -> Value:
    """Return a result as the `wit-value` that callers get: in a tuple; none is an empty record."""
    if result is None or result.type is None:
        return nodes_from_value(NOTHING, {})
    return nodes_from_value(TupleType((result.type,)), (result.value,))


def _request(worker: HostContext, call: RemoteCall) -> TypedValue:
    """Return what the oplog shows of a call; of one that cannot be made, without parameters."""
    params = worker.remote.parameters(call)
    type = RecordType(
        (
            Field("remote-worker-id", WORKER_ID),
            Field("idempotency-key", UUID_TYPE),
            Field("function-name", STRING),
            Field("function-params", TupleType(tuple(type for type, _ in params))),
        )
    )
    return TypedValue(
        type,
        {
            "remote-worker-id": worker_value(call.target),
            "idempotency-key": uuid_value(UUID(call.key)),
            "function-name": call.function,
            "function-params": tuple(value for _, value in params),
        },
    )


# The recorded steps of a call.


@inner
@read_local(label="golem::rpc::wasm-rpc::invoke-and-await idempotency key", response=UUID_TYPE)
def _key(worker: HostContext) -> Value:
    return uuid_value(UUID(worker.derived_key(worker.next_index() - 1)))


@inner
@read_local(label="golem::rpc::wasm-rpc::generate_unique_local_worker_id", response=STRING)
def _unique_name(worker: HostContext) -> str:
    return str(UUID(bytes=worker.random_bytes(16), version=4))


@inner
@write_remote(
    label="golem::rpc::wasm-rpc::invoke-and-await result",
    request=_request,
    error=RPC_ERROR,
    failure=_failure,
    is_typed=True,
)
def _awaited(worker: HostContext, call: RemoteCall) -> Result:
    try:
        return worker.remote.invoke_and_wait(call)
    except GolemError as error:
        raise WitError(rpc_error(error)) from error


@inner
@write_remote(label="golem::rpc::wasm-rpc::invoke", request=_request, error=RPC_ERROR, failure=_failure)
def _enqueued(worker: HostContext, call: RemoteCall) -> None:
    try:
        worker.remote.enqueue(call)
    except GolemError as error:
        raise WitError(rpc_error(error)) from error


@inner
@write_remote(label="golem::rpc::wasm-rpc::schedule_invocation", request=_request)
def _scheduled(worker: HostContext, call: RemoteCall) -> None:
    try:
        worker.remote.schedule(call)
    except GolemError as error:
        raise Trap(f"the invocation cannot be scheduled: {error}") from error


def prepared(
    worker: HostContext, target: WorkerId, function: str, params: Sequence[Value], parent: Span, due_ns: int = 0
) -> tuple[RemoteCall, Span]:
    """Record what a call needs, and return it with its span; with `due_ns`, of one that is made later.

    Raises:
        Trap: A worker would call itself, now.
    """
    if target == worker.id and not due_ns:
        raise Trap(NO_SELF_CALLS)
    template = _template(worker)
    key = str(uuid_from_value(worker.call(_key, worker, {})))
    attributes = {"name": "rpc-invocation", "function_name": function, "idempotency_key": key}
    span = worker.start_span(attributes, parent)
    return RemoteCall(target, function, params, key, worker.handed_on(span), template, due_ns), span


def _template(worker: HostContext) -> WorkerTemplate:
    """Return what a worker inherits that is made for a call; asking for it is recorded."""
    own = worker.shared(Environment)
    args = worker.call(Environment.get_arguments, own, {})
    env = worker.call(Environment.get_environment, own, {})
    return WorkerTemplate(tuple(args), dict(env), worker.id, worker.config, worker.earlier_names)


def unique_name(worker: HostContext) -> str:
    """Return a name that no worker has."""
    name: str = worker.call(_unique_name, worker, {})
    return name


class Connection:
    """A worker that is called, and the span of its being connected."""

    def __init__(self, worker: HostContext, target: WorkerId) -> None:
        self.worker, self.target = worker, target
        template = _template(worker)
        self.span = worker.start_span({"name": "rpc-connection", "target_worker_id": str(target)})
        if worker.is_live:
            try:
                worker.remote.connect(target, template)
            except GolemError as error:
                raise Trap(f"Cannot connect to the worker {target}: {rpc_error(error)[1]}") from error

    def invoke_and_await(self, function: str, params: Sequence[Value]) -> Result:
        """Raises: WitError with an rpc-error."""
        call, span = prepared(self.worker, self.target, function, params, self.span)
        try:
            result: Result = self.worker.call(_awaited, self.worker, {"call": call})
        except WitError:
            self.worker.finish_span(span)
            raise
        self.worker.finish_span(span)
        return result

    def invoke(self, function: str, params: Sequence[Value]) -> None:
        """Raises: WitError with an rpc-error."""
        call, span = prepared(self.worker, self.target, function, params, self.span)
        try:
            self.worker.call(_enqueued, self.worker, {"call": call})
        except WitError:
            self.worker.finish_span(span)
            raise
        self.worker.finish_span(span)

    def begin(self, function: str, params: Sequence[Value]) -> PendingResult:
        return PendingResult(self.worker, *prepared(self.worker, self.target, function, params, self.span))

    def schedule(self, function: str, params: Sequence[Value], at: Value) -> RemoteCall:
        due_ns = min(max(1, at["seconds"] * 10**9 + at["nanoseconds"]), LATEST_NS)
        call, span = prepared(self.worker, self.target, function, params, self.span, due_ns)
        self.worker.call(_scheduled, self.worker, {"call": call})
        self.worker.finish_span(span)
        return call

    def close(self) -> None:
        self.worker.finish_span(self.span)


class PendingResult:
    """A call whose result is asked for later. It is a source: ready when the result is there.

    It is accepted before the component goes on, so that it is made whatever happens then. A worker that comes back from
    a crash asks for the result when the component does, unless it is recorded; the component may have been told by a
    poll that it is there, so that the first question waits for it.
    """

    deadline_ns: int | None = None
    is_promise = False

    def __init__(self, worker: HostContext, call: RemoteCall, span: Span) -> None:
        self.worker, self.call, self._span = worker, call, span
        self._result: Future[Result] | None = None
        self._told: list[Callable[[], None]] = []
        self.is_over, self.was_told = False, not worker.is_live
        if worker.is_live:
            worker.commit_oplog()
            self._result = worker.remote.begin(call)

    @property
    def _future(self) -> Future[Result]:
        if self._result is None:
            self._result = self.worker.remote.ask(self.call)
        return self._result

    def is_ready(self) -> bool:
        return self.is_over or self._future.done()

    def call_when_ready(self, wake: Callable[[], None]) -> None:
        if wake not in self._told:  # it may be polled often
            self._told.append(wake)
            self._future.add_done_callback(lambda _: wake())

    def result(self) -> Result:
        """Raises: GolemError"""
        return self.worker.remote.answer(self._future)

    def get(self) -> Value:
        """Return `("pending", None)`, or `("completed", ("ok" | "err", …))` with a Result or an rpc-error."""
        case, outcome = self.worker.call(_got, self.worker, {"pending": self})
        if case == "completed" and not self.is_over:
            self.is_over = True
            self.worker.finish_span(self._span)
        return case, outcome

    def abandon(self) -> None:
        """Nobody will ask for the result."""
        if not self.is_over:
            self.is_over = True
            self.worker.finish_span(self._span)


def _outcome_type(ok: WitType | None) -> VariantType:
    return VariantType((Case("pending"), Case("completed", ResultType(ok, RPC_ERROR))))


def _failed_outcome(case: str, value: Any) -> str | None:
    kind, outcome = value.value if isinstance(value, TypedValue) else value
    return None if kind == "pending" else _failure(*outcome)


@inner
@write_remote(
    label="golem::rpc::future-invoke-result::get",
    request=lambda worker, pending: _request(worker, pending.call),
    failure=_failed_outcome,
    is_typed=True,
)
def _got(worker: HostContext, pending: PendingResult) -> TypedValue:
    if pending.was_told:
        worker.wait_until_any([pending])
    if not pending.is_ready():
        return TypedValue(_outcome_type(None), ("pending", None))
    try:
        result = pending.result()
    except GolemError as error:
        return TypedValue(_outcome_type(None), ("completed", ("err", rpc_error(error))))
    if result is None:
        return TypedValue(_outcome_type(None), ("completed", ("ok", None)))
    return TypedValue(_outcome_type(result.type), ("completed", ("ok", result.value)))


@_got.rebuilt
def _rebuilt_outcome(worker: HostContext, recorded: TypedValue, pending: PendingResult) -> Value:
    case, outcome = recorded.value
    if case == "pending":
        return "pending", None
    side, value = outcome
    assert isinstance(recorded.type, VariantType)
    completed = recorded.type.cases[1].type
    assert isinstance(completed, ResultType)
    if side == "err":
        return case, (side, value)
    return case, (side, None if completed.ok is None else TypedValue(completed.ok, value))


class FutureInvokeResult(Resource, wit="golem:rpc/types#future-invoke-result"):
    def __init__(self, worker: HostContext, pending: PendingResult) -> None:
        self.worker, self.pending = worker, pending

    @deterministic
    def subscribe(self) -> Pollable:
        return Pollable(self.worker, self.pending)

    @deterministic
    def get(self) -> Value:
        case, outcome = self.pending.get()
        if case == "pending":
            return None
        side, value = outcome
        return (side, result_value(value)) if side == "ok" else (side, value)

    def dropped(self) -> None:
        self.pending.abandon()


class CancellationToken(Resource, wit="golem:rpc/types#cancellation-token"):
    def __init__(self, worker: HostContext, call: RemoteCall) -> None:
        self.worker, self.scheduled = worker, call

    @deterministic
    def cancel(self) -> None:
        self.worker.call(_cancelled, self.worker, {"call": self.scheduled})


@inner
@write_remote(label="golem::rpc::cancellation-token::cancel", request=_request)
def _cancelled(worker: HostContext, call: RemoteCall) -> None:
    worker.remote.cancel(call)


class WasmRpc(Resource, wit="golem:rpc/types#wasm-rpc"):
    def __init__(self, worker: HostContext, target: WorkerId) -> None:
        self.worker, self._connection = worker, Connection(worker, target)

    @deterministic(static=True)
    def constructor(worker: HostContext, worker_id: Value) -> WasmRpc:
        if "value" in worker_id:  # golem:rpc 0.1 names workers by their URN; without a name, any one will do
            component_id, _, name = worker_id["value"].removeprefix("urn:worker:").partition("/")
            component = parse_uuid(component_id, "the component in the URN of a worker")
            return WasmRpc(worker, WorkerId(component, name or unique_name(worker)))
        return WasmRpc(worker, worker_from_value(worker_id))

    @deterministic(static=True)
    def ephemeral(worker: HostContext, component_id: Value) -> WasmRpc:
        return WasmRpc(worker, WorkerId(uuid_from_value(component_id["uuid"]), unique_name(worker)))

    @deterministic
    def invoke_and_await(self, function_name: str, function_params: list[Value]) -> Value:
        return result_value(self._connection.invoke_and_await(function_name, function_params))

    @deterministic
    def invoke(self, function_name: str, function_params: list[Value]) -> None:
        self._connection.invoke(function_name, function_params)

    @deterministic
    def async_invoke_and_await(self, function_name: str, function_params: list[Value]) -> FutureInvokeResult:
        return FutureInvokeResult(self.worker, self._connection.begin(function_name, function_params))

    @deterministic
    def schedule_invocation(self, scheduled_time: Value, function_name: str, function_params: list[Value]) -> None:
        self._connection.schedule(function_name, function_params, scheduled_time)

    @deterministic
    def schedule_cancelable_invocation(
        self, scheduled_time: Value, function_name: str, function_params: list[Value]
    ) -> CancellationToken:
        call = self._connection.schedule(function_name, function_params, scheduled_time)
        return CancellationToken(self.worker, call)

    def dropped(self) -> None:
        self._connection.close()


class RpcTypes(Interface, wit="golem:rpc/types"):
    @deterministic
    def parse_uuid(self, uuid: str) -> Value:
        try:
            return uuid_value(UUID(uuid))
        except ValueError:
            raise WitError(f"not a UUID: {uuid[:80]}") from None

    @deterministic
    def uuid_to_string(self, uuid: Value) -> str:
        return str(uuid_from_value(uuid))

    @deterministic
    def extract_value(self, vnt: Value) -> Value:
        return vnt["value"]

    @deterministic
    def extract_type(self, vnt: Value) -> Value:
        return vnt["typ"]
