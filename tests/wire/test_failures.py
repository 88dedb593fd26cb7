import pytest

from golem_nb import errors
from golem_nb.wire.failures import answer_from_failure, failure_from_answer

ERRORS = [
    errors.BadInput("bad"),
    errors.ValueMismatch("params[0].name", "string", "int"),
    errors.InvalidWorkerName("Worker name must not contain '/'"),
    errors.FunctionNotFound("ad", ["add", "sub"]),
    errors.FunctionNotFound("ad"),
    errors.ComponentRejected("not a component"),
    errors.Unauthorized("no token"),
    errors.Forbidden("foreign origin"),
    errors.ComponentNotFound("Component not found: x"),
    errors.WorkerNotFound("id/alise", ["alice", "alicia"]),
    errors.ComponentExists("Component already exists: cart"),
    errors.WorkerExists("id/alice"),
    errors.NotResumable("Worker x is not suspended, interrupted or idle"),
    errors.PromiseNotFound("Promise not found: id/alice at oplog index 5"),
    errors.InvocationNotFound("Invocation not found: k"),
    errors.UpdateRefused("Worker is already at the target version"),
    errors.TooLarge("too large"),
    errors.InvocationFailed("wasm trap: unreachable", "panicked\n"),
    errors.PreviousInvocationFailed("wasm trap", ""),
    errors.WorkerExited(),
    errors.InvocationInterrupted(),
    errors.ReplayMismatch(7, "a::b", "c::d"),
    errors.EngineStopped("closing"),
    errors.NotSupported("not here"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_arrives_as_itself(error):
    rebuilt = failure_from_answer(*answer_from_failure(error))

    assert type(rebuilt) is type(error)
    assert str(rebuilt) == str(error)
    assert getattr(rebuilt, "stderr", None) == getattr(error, "stderr", None)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_every_body_has_a_text_under_error(error):
    status, body = answer_from_failure(error)

    assert isinstance(body["error"], str)
    assert body["error"]
    assert 400 <= status < 600


def test_bad_input_also_has_golems_list():
    assert answer_from_failure(errors.BadInput("x")) == (400, {"error": "x", "kind": "BadInput", "errors": ["x"]})


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (404, {"error": "Agent not found: c/a()", "code": "AGENT_NOT_FOUND"}, errors.WorkerNotFound("c/a()")),
        (404, {"error": "gone", "code": "AGENT_NOT_FOUND"}, errors.WorkerNotFound("gone")),
        (404, {"error": "no x", "code": "COMPONENT_NOT_FOUND"}, errors.ComponentNotFound("no x")),
        (409, {"error": "Agent already exists: c/a()"}, errors.WorkerExists("c/a()")),
        (
            500,
            {"golemError": {"type": "WorkerNotFound", "details": "Worker not found: c/w"}},
            errors.WorkerNotFound("c/w"),
        ),
        (500, {"golemError": {"type": "New", "details": "d"}}, errors.ServerError(500, "d")),
        (404, {"type": "u", "title": "No route", "status": 404, "detail": "/x"}, errors.NotFound("No route: /x")),
        (
            500,
            {"title": "TypeError: no x", "detail": "at f\n  at g"},
            errors.ServerError(500, "TypeError: no x: at f at g"),
        ),
        (400, {"error": {"code": 7, "message": "not JSON"}}, errors.BadInput("not JSON")),
        (400, {"error": {"code": 7}}, errors.BadInput("{'code': 7}")),
        (400, {"errors": ["Invalid worker name: no"]}, errors.InvalidWorkerName("no")),
        (400, {"errors": ["a", "b"]}, errors.BadInput("a; b")),
        (400, "parse error", errors.BadInput("parse error")),
        (401, "authorization error", errors.Unauthorized("authorization error")),
        (404, {"error": "Worker not found: c/w"}, errors.WorkerNotFound("c/w")),
        (404, "not found", errors.NotFound("not found")),
        (500, {"error": "Worker already exists: c/w"}, errors.WorkerExists("c/w")),
        (
            500,
            {"error": "Invocation Failed", "workerError": {"cause": "t", "stderr": "e"}},
            errors.InvocationFailed("t"),
        ),
        (500, {"error": "Odd", "workerError": {"cause": "t", "stderr": ""}}, errors.InvocationFailed("t")),
        (500, {"error": "Previous Invocation Failed"}, errors.PreviousInvocationFailed()),
        (500, {"error": "The previously invoked function exited"}, errors.WorkerExited()),
        (
            500,
            {"error": "Invalid request: Can't find exported function in component (f)"},
            errors.FunctionNotFound("f"),
        ),
        (500, {"error": "Promise not found: c/w/5"}, errors.PromiseNotFound("Promise not found: c/w/5")),
        (
            500,
            {"error": "Invalid request: Invocation not found"},
            errors.InvocationNotFound("Invalid request: Invocation not found"),
        ),
        (
            500,
            {"error": "Invalid request: Worker is already at the target version"},
            errors.UpdateRefused("Invalid request: Worker is already at the target version"),
        ),
        (
            500,
            {"error": "Invalid request: The same update is already in progress"},
            errors.UpdateRefused("Invalid request: The same update is already in progress"),
        ),
        (418, {"error": {"code": 1}}, errors.ServerError(418, "{'code': 1}")),
        (500, {"kind": "ServerUnreachable?", "error": "x"}, errors.ServerError(500, "x")),
        (502, "", errors.ServerError(502, "Bad Gateway")),
        (503, None, errors.EngineStopped("Service Unavailable")),
        (404, " \n", errors.NotFound("Not Found")),
        (
            404,
            "<html><title>Error response</title>",
            errors.NotFound(
                "Error response; that is a page in HTML: is it a Golem server that answers there?",
            ),
        ),
        (500, {"kind": ["WorkerExists"], "error": "x"}, errors.ServerError(500, "x")),
        (403, "<html><head><title>\n 403\n No </title></head>blah", errors.Forbidden("403 No")),
        (400, "<p>no<b>way</b>", errors.BadInput("no way")),
        (500, "x" * 1000, errors.ServerError(500, "x" * 300 + "…")),
    ],
)
def test_answers_of_other_servers_become_the_nearest_class(status, body, error):
    read = failure_from_answer(status, body)

    assert type(read) is type(error)
    assert str(read) == str(error)
