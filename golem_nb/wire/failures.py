"""Failures <-> answers: a status and a JSON body. Source: ARCHITECTURE, decision 14; SEMANTICS 10.

Every body has `error`; 400 adds Golem's list `errors`, a failed invocation Golem's `workerError`. Our own key `kind`
names the class, so that a client of golem_nb raises exactly what the engine raised. Without it (other servers) Golem's
own `code` (1.5) or the type of its `golemError` (1.2) decides, else its words and the status.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from golem_nb import errors
from golem_nb.errors import GolemError, InvocationError

Body = dict[str, Any]
MOST_TEXT = 300  # of an answer that does not look like Golem's
_PHRASES = {int(status): status.phrase for status in HTTPStatus}


def answer_from_failure(failure: GolemError) -> tuple[int, Body]:
    """Return the HTTP status and the JSON body that tell a client of it."""
    kind = next(cls.__name__ for cls in type(failure).__mro__ if cls.__module__ == errors.__name__)
    if isinstance(failure, InvocationError):
        told = (
            {"workerError": {"cause": failure.cause, "stderr": failure.stderr}}
            if failure.cause or failure.stderr
            else {}
        )
        return failure.http_status, {"error": failure.headline, "kind": kind, **told}
    listed = {"errors": [str(failure)]} if failure.http_status == 400 else {}
    return failure.http_status, {"error": str(failure), "kind": kind, **listed}


def failure_from_answer(status: int, body: Any) -> GolemError:
    """Return the error that a server's answer tells of; `body` is its JSON, or its text where it is none."""
    text = _text_of(body) or _PHRASES.get(status, "")
    if status == 404 and _is_page(body):
        text = f"{text}; that is a page in HTML: is it a Golem server that answers there?"
    kind = body.get("kind") if isinstance(body, Mapping) else None
    worker_error = body.get("workerError") if isinstance(body, Mapping) else None
    if not isinstance(kind, str) or kind not in _BUILD:
        kind = _kind_from_code(body) or _kind_from_words(status, text, isinstance(worker_error, Mapping))
    if kind is None:
        return errors.ServerError(status, text)
    cls = _CLASSES[kind]
    if issubclass(cls, InvocationError):
        told = worker_error if isinstance(worker_error, Mapping) else {}
        return cls(str(told.get("cause", "")), str(told.get("stderr", "")))
    return _BUILD[kind](text)


def _text_of(body: Any) -> str:
    if not isinstance(body, Mapping):
        return "" if body is None else _one_line(str(body))
    told, listed = body.get("error") or body.get("golemError"), body.get("errors")
    if isinstance(told, Mapping):  # Golem 1.2, and servers that are no Golem
        return _text_of_object(told)
    if told:
        return str(told)
    return "; ".join(map(str, listed)) if isinstance(listed, list) else _text_of_object(body)


def _is_page(body: Any) -> bool:
    return isinstance(body, str) and body.lstrip().startswith("<")


def _one_line(text: str) -> str:
    """Return a text that is not Golem's as one line, cut where long: of a page in HTML its title, or its words."""
    if _is_page(text):
        title = re.search(r"<title[^>]*>(.*?)</title", text, re.DOTALL | re.IGNORECASE)
        text = title[1] if title else re.sub(r"<[^>]*>", " ", text)
    line = " ".join(text.split())
    return line if len(line) <= MOST_TEXT else f"{line[:MOST_TEXT]}…"


def _text_of_object(told: Mapping[str, Any]) -> str:
    """Return the words in an object: those of Golem 1.2, of problem documents (RFC 9457), or all of it."""
    found = [str(told[key]) for key in ("title", "message", "details", "detail") if told.get(key)]
    return _one_line(": ".join(found) or str(dict(told)))


# What Golem's texts begin with, by status class; the first that fits is taken. Source: SEMANTICS 10.2, 10.3.
_WORDS = (
    (r"(Worker|Agent) not found: ", "WorkerNotFound"),
    (r"(Worker|Agent) already exists: ", "WorkerExists"),
    (r"Invalid worker name: ", "InvalidWorkerName"),
    (r"(Invalid request: )?Can't find exported function", "FunctionNotFound"),
    (r"Previous Invocation Failed|Previous invocation failed", "PreviousInvocationFailed"),
    (r"Invocation Failed", "InvocationFailed"),
    (r"The previously invoked function exited|Runtime error: Process exited", "WorkerExited"),
    (r".*Interrupted via the Golem API", "InvocationInterrupted"),
    (r".*is not suspended, interrupted or idle", "NotResumable"),
    (r"Couldn't retrieve the component", "ComponentNotFound"),
    (r"(Invalid request: )?Promise not found", "PromiseNotFound"),
    (r"(Invalid request: )?Invocation not found", "InvocationNotFound"),
    (r"(Invalid request: )?(Worker is already at the target version|The same update is already in)", "UpdateRefused"),
)

# What Golem 1.5 says beside the text, and the types of errors of Golem 1.2. Source: SEMANTICS 10.1, 10.3.
_CODES = {
    "AGENT_NOT_FOUND": "WorkerNotFound",
    "WORKER_NOT_FOUND": "WorkerNotFound",
    "COMPONENT_NOT_FOUND": "ComponentNotFound",
    "INTERNAL_AGENT_EXECUTION_FAILED": "InvocationFailed",
    "INTERNAL_PREVIOUS_INVOCATION_FAILED": "PreviousInvocationFailed",
    "WorkerNotFound": "WorkerNotFound",
    "WorkerAlreadyExists": "WorkerExists",
    "PromiseNotFound": "PromiseNotFound",
    "PreviousInvocationExited": "WorkerExited",
    "Interrupted": "InvocationInterrupted",
}


def _kind_from_code(body: Any) -> str | None:
    if not isinstance(body, Mapping):
        return None
    older = body.get("golemError")
    code = older.get("type") if isinstance(older, Mapping) else body.get("code")
    return _CODES.get(code) if isinstance(code, str) else None


_STATUSES = {
    400: "BadInput",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    408: "SlowClient",
    413: "TooLarge",
    415: "UnsupportedBody",
    501: "NotSupported",
    503: "EngineStopped",
}


def _kind_from_words(status: int, text: str, has_worker_error: bool) -> str | None:
    named = next((kind for words, kind in _WORDS if re.match(words, text)), None)
    return named or _STATUSES.get(status) or ("InvocationFailed" if has_worker_error else None)


def _value_mismatch(text: str) -> GolemError:
    found = re.fullmatch(r"(.*?): expected (.*), found (.*)", text, re.DOTALL)
    return errors.ValueMismatch(*found.groups()) if found else errors.BadInput(text)


def _function_not_found(text: str) -> GolemError:
    found = re.search(r"component \((.*)\)(?:; did you mean (.*)\?)?$", text, re.DOTALL)
    return errors.FunctionNotFound(found[1], _near(found[2])) if found else errors.BadInput(text)


def _worker_not_found(text: str) -> GolemError:
    found = re.fullmatch(r"(?:Worker|Agent) not found: (.*?)(?:; did you mean (.*)\?)?", text, re.DOTALL)
    return errors.WorkerNotFound(found[1], _near(found[2])) if found else errors.WorkerNotFound(text)


def _replay_mismatch(text: str) -> GolemError:
    found = re.search(
        r"oplog entry (\d+) records (.*), but the component now does (.*); was it updated", text, re.DOTALL
    )
    return errors.ReplayMismatch(int(found[1]), found[2], found[3]) if found else errors.ServerError(500, text)


def _near(text: str | None) -> list[str]:
    return text.split(" or ") if text else []


def _all_below(cls: type[GolemError]) -> Iterator[type[GolemError]]:
    yield cls
    for below in cls.__subclasses__():
        yield from _all_below(below)


_CLASSES = {cls.__name__: cls for cls in _all_below(GolemError) if cls.__module__ == errors.__name__}
del _CLASSES["ServerError"]  # it says that we have no name for the answer

# Classes that compose their text from parts get them back out of it; all others take the text.
_BUILD: dict[str, Callable[[str], GolemError]] = {
    **_CLASSES,
    "ValueMismatch": _value_mismatch,
    "FunctionNotFound": _function_not_found,
    "WorkerNotFound": _worker_not_found,
    "InvalidWorkerName": lambda text: errors.InvalidWorkerName(text.removeprefix("Invalid worker name: ")),
    "WorkerExists": lambda text: errors.WorkerExists(re.sub(r"^(Worker|Agent) already exists: ", "", text)),
    "ReplayMismatch": _replay_mismatch,
}
