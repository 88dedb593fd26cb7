"""Failures <-> answers: a status and a JSON body. Source: SEMANTICS 10; ARCHITECTURE, decision 14.

Every body has `error`; a 400 has Golem's `errors` besides, an invocation without result its `workerError`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from golem_nb.errors import (
    BadInput,
    Conflict,
    EngineStopped,
    Forbidden,
    GolemError,
    InvocationError,
    InvocationFailed,
    InvocationInterrupted,
    NotFound,
    NotSupported,
    PreviousInvocationFailed,
    ServerError,
    TooLarge,
    Unauthorized,
    WorkerExited,
)


def answer_from_failure(failure: GolemError) -> tuple[int, dict[str, Any]]:
    """Return the status and the body that tell a client of a failure."""
    if isinstance(failure, InvocationError):
        worker_error = {"cause": failure.cause, "stderr": failure.stderr}
        return failure.http_status, {"error": failure.headline, "workerError": worker_error}
    body: dict[str, Any] = {"error": str(failure)}
    if isinstance(failure, BadInput):
        body["errors"] = [str(failure)]
    return failure.http_status, body


_INVOCATION_ERRORS: tuple[type[InvocationError], ...] = (
    InvocationFailed,
    PreviousInvocationFailed,
    WorkerExited,
    InvocationInterrupted,
)
_BY_STATUS: dict[int, type[GolemError]] = {
    400: BadInput,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    501: NotSupported,
    503: EngineStopped,
}


def failure_from_answer(status: int, body: Any) -> GolemError:
    """Return the failure that an answer tells of. `body` is decoded JSON, or text where it was none."""
    text = _text(body)
    if status == 500:
        for kind in _INVOCATION_ERRORS:
            if kind.headline in text:
                return kind(*_worker_error(body))
        if "Process exited" in text:
            return WorkerExited(text)
    kind_of_status = _BY_STATUS.get(status)
    return ServerError(status, text) if kind_of_status is None else kind_of_status(text)


def _text(body: Any) -> str:
    if isinstance(body, Mapping):
        error, errors = body.get("error"), body.get("errors")
        if isinstance(error, str):
            return error
        if isinstance(errors, list) and errors:
            return "; ".join(str(e) for e in errors)
        if isinstance(error, Mapping):
            return str(error.get("message") or error.get("title") or error)
    return str(body)[:2000].strip() or "no text"


def _worker_error(body: Any) -> tuple[str, str]:
    found = body.get("workerError") if isinstance(body, Mapping) else None
    if not isinstance(found, Mapping):
        return "", ""
    return str(found.get("cause") or ""), str(found.get("stderr") or "")
