"""What is compared before something is run or recorded (parameters, handles, results), and names for failures. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence

from golem_nb.errors import BadInput, InvocationNotFound, PreviousInvocationFailed, WorkerExited
from golem_nb.model import IdempotencyKey, WorkerStatus
from golem_nb.oplog.entries import ErrorKind, Recorded
from golem_nb.oplog.fold import WorkerState
from golem_nb.values.check import handles_in
from golem_nb.values.json import json_from_typed
from golem_nb.values.types import FunctionType, Handle
from golem_nb.values.wave import text_from_type
from golem_nb.wasm.instance import GuestTrap, Instance, TrapKind


def check_types(function: FunctionType, request: Sequence[Recorded]) -> None:
    """Check that recorded parameters are those that a function takes: an update may have changed it.

    Raises:
        BadInput: They are not.
    """
    wanted = [text_from_type(p.type) for p in function.parameters]
    given = [recorded.type for recorded in request]
    if wanted != given:
        raise BadInput(
            f"{function.name} takes ({', '.join(wanted)}) in this version of the component, "
            f"but was invoked with ({', '.join(given)})"
        )


def check_takes_invocations(state: WorkerState) -> None:
    """Check that a worker takes new invocations. Source: SEMANTICS 1.5, note on `ensure_not_failed`.

    Raises:
        PreviousInvocationFailed, WorkerExited: It does not.
    """
    if state.status is WorkerStatus.EXITED:
        raise WorkerExited()
    if state.status in (WorkerStatus.FAILED, WorkerStatus.RETRYING) and state.last_error is not None:
        raise PreviousInvocationFailed(state.last_error.message, state.last_error.stderr)


def check_pending(state: WorkerState, key: IdempotencyKey) -> None:
    """Check that an invocation waits in the queue. To be called under the journal's lock.

    Raises:
        InvocationNotFound: It does not.
    """
    waiting = state.pending.get(key)
    if waiting is None or waiting.target_version is not None:
        raise InvocationNotFound(f"Invocation not found: {key}")


def check_handles(instance: Instance, request: Sequence[Recorded]) -> None:
    """Check the handles among the parameters before anything is recorded.

    Raises:
        BadInput: One belongs to another worker, was dropped, or is given away twice.
    """
    given_away: set[Handle] = set()
    for recorded in request:
        if "<" not in recorded.type:  # as cheap as can be for what has no handles
            continue
        typed = recorded.typed()
        assert typed.type is not None, "only results have none"
        for type, handle in handles_in(typed.type, typed.value):
            instance.guest_handles.lower(handle)
            if handle in given_away:
                raise BadInput(f"the handle {handle} is given away, so it cannot be passed a second time")
            if type.owned:
                given_away.add(handle)


def is_same_result(recorded: Recorded | None, now: Recorded | None, urn: str, earlier_urns: Sequence[str]) -> bool:
    """Are two results the same, but for the name of the worker in their handles? A fork has those of its source."""
    if recorded == now or not earlier_urns or recorded is None or now is None:
        return recorded == now
    return recorded.type == now.type and _text(recorded, urn, earlier_urns) == _text(now, urn, earlier_urns)


def _text(recorded: Recorded, urn: str, earlier_urns: Sequence[str]) -> str:
    text = json.dumps(json_from_typed(recorded.typed()))
    for earlier in earlier_urns:
        text = text.replace(f'"{earlier}/', f'"{urn}/')
    return text


_KINDS = {
    TrapKind.STACK_OVERFLOW: ErrorKind.STACK_OVERFLOW,
    TrapKind.GIVEN_UP: ErrorKind.INVALID_REQUEST,
    TrapKind.OUT_OF_TIME: ErrorKind.INVALID_REQUEST,  # another attempt would take as long
}


def kind_of(error: BaseException) -> ErrorKind:
    if isinstance(error, GuestTrap):
        return _KINDS.get(error.kind, ErrorKind.UNKNOWN)
    return ErrorKind.UNKNOWN


def cause_of(error: BaseException) -> str:
    if isinstance(error, GuestTrap) and error.kind is TrapKind.STACK_OVERFLOW:
        return "Stack overflow"
    return str(error) or type(error).__name__
