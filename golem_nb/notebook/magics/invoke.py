"""`%golem_invoke`: one call on a line, or the parameters of one call, or several calls, in a cell."""

from __future__ import annotations

import keyword
import re
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from golem_nb.client.client import Client
from golem_nb.errors import (
    GolemError,
    PreviousInvocationFailed,
    ServerUnreachable,
    UsageError,
    WaitTimeout,
    WorkerNotFound,
)
from golem_nb.model import OplogIndex, Shadow, WorkerId, WorkerMetadata
from golem_nb.notebook.large import displayable
from golem_nb.notebook.magics.arguments import Arguments, evaluate, evaluate_body, find_function, json_parameters
from golem_nb.notebook.magics.grammar import Call, Option, Target, read_call, scan, split_words, unquoted
from golem_nb.notebook.magics.oplog import matching_entries
from golem_nb.notebook.magics.verb import Request, Verb
from golem_nb.notebook.progress import Progress
from golem_nb.notebook.replay import value_of
from golem_nb.notebook.surroundings import Place
from golem_nb.notebook.views import Text, signature
from golem_nb.notebook.waiting import Waiting
from golem_nb.notebook.waves import wave_from_result, wave_parameters
from golem_nb.values.python import python_from_value

USAGE = "%golem_invoke component/worker function(arguments)"


@dataclass(frozen=True, slots=True)
class Prepared:
    """An invocation that only needs to be sent."""

    client: Client
    target: Target
    worker: WorkerId
    function: str
    params: list[Any]
    key: str
    before: WorkerMetadata | None
    near: tuple[str, ...] = ()
    """Of a worker that is not there: others whose names are like its own."""

    def again(self, call: str) -> str:
        """Return the line that asks for the same result again."""
        return f"%golem_invoke {self.target} {call} --key {self.key}"


def run(request: Request) -> Any:
    for one in ("at", "form"):
        for other in ("trigger", "key"):
            request.exclude(one, other)
    request.exclude("at", "form")
    words = request.words if request.body is None else request.only_words(2, f"%{USAGE} and a body")
    if request.option("keep-going") and (request.body is None or len(words) == 2):
        raise UsageError("--keep-going is for a cell of several calls: there is one call here")
    if request.body is None:
        return _line(request)
    if request.option("form"):
        raise UsageError("--form asks for the parameters itself: write it on a line, without a body")
    if len(words) == 2:
        return _named(request, request.session.target(words[0]), words[1], request.body)
    return _calls(request, request.session.target(words[0] if words else None), request.body)


def _line(request: Request) -> Any:
    words = _target_and_call(request.words)
    if request.option("form"):
        return _form(request, words)
    if len(words) == 1:
        _check_alone(words[0])
    if not words or (len(words) == 1 and not words[0].endswith(")")):
        raise UsageError(f"which call? Write: {USAGE}")
    target = request.session.target(words[0] if len(words) == 2 else None)
    call = read_call(words[-1])
    return _send(request, prepare(request, target, call.name, read_arguments(request, call.arguments)), str(call))


def _target_and_call(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words of a line.

    Raises:
        UsageError: There are more than two; the text has what may have been meant.
    """
    if len(words) <= 2:
        return words
    target, second, *rest = words
    if len(rest) == 1 and "/" not in target and "(" not in second and rest[0].endswith(")"):
        raise UsageError(f"what is {second!r}? Did you mean {target}/{second} {rest[0]}?")
    if "(" not in second:
        raise UsageError(f"arguments are in brackets: did you mean {target} {second}({', '.join(rest)})?")
    raise UsageError(f"what is {rest[0]!r}? Write: {USAGE}")


def _check_alone(word: str) -> None:
    """Refuse what has its target grown together with its call, as of a method or a path."""
    found = re.fullmatch(r"([^\s(){}]+/[^\s(){}./]+)[./](\w[\w-]*\(.*\))", word, re.DOTALL)
    if found and ":" not in word:
        raise UsageError(f"a blank stands between worker and call: did you mean {found[1]} {found[2]}?")


def read_arguments(request: Request, text: str) -> Arguments | str:
    """Return what is between the brackets of a call: with --wave the text itself, which needs the types to be read."""
    return text if request.option("wave") else evaluate(text, request.names)


def _form(request: Request, words: tuple[str, ...]) -> Any:
    """Show input widgets for a function's parameters; where nobody looks on, say what it takes."""
    if not words:
        raise UsageError("which function? Write: %golem_invoke component/worker function --form")
    target = request.session.target(words[0] if len(words) == 2 else None)
    component = request.session.component(target.component)
    named = read_call(words[-1]).name if words[-1].endswith(")") else words[-1]
    name, type = find_function(component.exports, named)
    if type is None:
        raise UsageError(f"this server does not tell what {name} takes; write the call: {USAGE}")
    if request.surroundings.place is not Place.LIVE:
        return Text(f"{signature(type)}\n  forms need a notebook that somebody looks at; write the call: {USAGE}")
    from golem_nb.notebook.form import Form

    session, worker = request.session, WorkerId(component.id, target.worker or "")

    def call(params: list[Any]) -> Any:
        client, key = session.client(), str(uuid4())  # the engine may be another one by then
        with Waiting(
            request.surroundings,
            client,
            worker,
            name=str(target),
            call=name,
            key=key,
            is_new=_metadata(client, worker)[0] is None,
            most_lines=session.max_lines,
            place=Place.HEADLESS,  # its lines are for the form, which has no line that tells how it goes
        ):
            result = client.invoke_and_await(worker, name, params, key=key)
        return None if result is None else python_from_value(result.type, result.value)

    return Form(type, call).widget


def _named(request: Request, target: Target, function: str, body: str) -> Any:
    arguments = body if request.option("wave") else evaluate_body(body, request.names)
    return _send(request, prepare(request, target, function, arguments), f"{function}(…)")


def prepare(
    request: Request, target: Target, name: str, arguments: Arguments | str, key: str | None = None
) -> Prepared:
    """Check a call, and get all that is needed to make it: of the worker itself, or of a copy of it."""
    component = request.session.component(target.component)
    client = request.session.client()
    worker = WorkerId(component.id, target.worker or "")
    before, near = _metadata(client, worker)
    if before is not None:
        request.session.worker_of(component, target)
    function, type = find_function(component.exports, name)
    # A worker that stays on an older version may have other parameters: the server checks those.
    is_known = before is None or before.component_version == component.version
    known = type if is_known else None
    params = wave_parameters(known, arguments) if isinstance(arguments, str) else json_parameters(known, arguments)
    asked = key or request.option("key")
    sent = str(uuid4()) if asked in (None, "-") else asked
    return Prepared(client, target, worker, function, params, sent, before, near)


def _metadata(client: Client, worker: WorkerId) -> tuple[WorkerMetadata | None, tuple[str, ...]]:
    try:
        return client.worker(worker), ()
    except WorkerNotFound as missing:
        return None, missing.near


def announce(request: Request, prepared: Prepared) -> None:
    """Say it where the call will make the worker: its name may be a mistake."""
    if prepared.before is not None:
        return
    hint = f" (did you mean {' or '.join(prepared.near)}?)" if prepared.near else ""
    request.session.say(f"new worker {prepared.target}{hint}")
    request.session.worker_id(prepared.target)


def _then(request: Request, prepared: Prepared, index: OplogIndex) -> Any:
    """Return what the call gives on a shadow of the worker, as it was at an index."""
    calls, timeout_s = ((prepared.function, prepared.params),), request.seconds("timeout", 0.0)
    with request.session.waiting_at_most(timeout_s) if timeout_s else nullcontext():
        result = prepared.client.shadow(prepared.worker, Shadow(index, calls=calls))
    where = f"at index {index}" if result.at_index == index else f"at index {result.at_index}, before the next began"
    request.session.say(f"on a shadow of {prepared.target} as it was {where}; the worker is untouched")
    return value_of(result)


def _send(request: Request, prepared: Prepared, call: str) -> Any:
    at_index = request.whole_number("at")
    if at_index is not None:
        if request.option("wave"):
            raise UsageError("--at and --wave do not go together: what a shadow answers is Python")
        return _then(request, prepared, at_index)
    announce(request, prepared)
    if request.option("trigger"):
        prepared.client.invoke(prepared.worker, prepared.function, prepared.params, key=prepared.key)
        is_known = request.option("key") and _was_recorded(prepared)
        news = f"key {prepared.key} was seen before: nothing else will run" if is_known else None
        request.session.say(news or f"accepted; its key: {prepared.key}")
        return None
    with _output(request, prepared, call):
        value = result_of(request, prepared, call)
    if request.option("key") == "-":
        request.session.say(f"key: {prepared.key}")
    elif request.option("key") and _was_recorded(prepared):
        index = _recorded_at(prepared)
        place = "its record" if index is None else f"#{index}"
        request.session.say(f"key {prepared.key} was seen before: replayed from {place}, nothing ran")
    return value


def _output(request: Request, prepared: Prepared, call: str) -> AbstractContextManager[object]:
    """Return what shows the worker's output while the result is waited for."""
    if request.option("no-stream"):
        return nullcontext()
    return Waiting(
        request.surroundings,
        prepared.client,
        prepared.worker,
        name=str(prepared.target),
        call=call,
        key=prepared.key,
        is_new=prepared.before is None,
        most_lines=request.session.max_lines,
        held_at=prepared.before.last_index if prepared.before and request.option("key") not in (None, "-") else None,
    )


def result_of(request: Request, prepared: Prepared, call: str) -> Any:
    timeout_s = request.seconds("timeout", 0.0) or request.session.timeout_s
    try:
        result = prepared.client.invoke_and_await(
            prepared.worker, prepared.function, prepared.params, key=prepared.key, timeout_s=timeout_s
        )
    except KeyboardInterrupt as interrupt:
        text = f"stopped waiting; the worker goes on. Its result: {prepared.again(call)}"
        raise WaitTimeout(text) from interrupt
    except WaitTimeout:
        text = f"no result within {timeout_s:g} s; the worker goes on. Its result: {prepared.again(call)}"
        raise WaitTimeout(text) from None
    except PreviousInvocationFailed:
        again = f"%golem_worker {prepared.target} revert --last 1"
        request.session.say(f"{prepared.target} takes no calls since one failed; `{again}` takes that back")
        raise
    except ServerUnreachable as error:
        text = f"{error}. What was accepted goes on when the server is back; its result: {prepared.again(call)}"
        raise ServerUnreachable(text) from None
    if request.option("wave"):
        return wave_from_result(result)
    return None if result is None else displayable(python_from_value(result.type, result.value))


def _was_recorded(prepared: Prepared) -> bool:
    """Did the call add nothing to the oplog? Only golem_nb's own engine tells."""
    if prepared.before is None or not prepared.before.last_index:
        return False
    return prepared.client.worker(prepared.worker).last_index == prepared.before.last_index


def _recorded_at(prepared: Prepared) -> OplogIndex | None:
    """Return the index at which the invocation with this key began."""
    phrase = re.sub(r'(["\\])', r"\\\1", prepared.key)
    found = matching_entries(prepared.client, prepared.worker, f'"{phrase}"')
    return next((entry.index for entry in found if entry.fields.get("idempotencyKey") == prepared.key), None)


# Several calls in a cell.


@dataclass(frozen=True, slots=True)
class CallLine:
    """One call of a cell: `r = add(5)`, with the key of the `@key` line above it."""

    number: int
    call: Call
    variable: str | None
    key: str | None


def read_calls(body: str) -> Iterator[CallLine]:
    """Read the calls of a cell; a call may go on over lines while a bracket is open.

        body = { line [ "#" comment ] }          line = blank | "@key" key | [ name "=" ] call

    Raises:
        UsageError: A line is none of these, or a key has no call below.
    """
    key: tuple[int, str] | None = None
    for number, line in _logical_lines(body):
        words = split_words(line)
        if words[0].startswith("@"):
            _check_key(number, words, key)
            key = number, unquoted(words[1])
            continue
        bound = re.match(r"([^\W\d]\w*)\s*=(?!=)\s*", line)
        try:
            call = _read_call(line[bound.end() :] if bound else line)
        except UsageError as error:
            raise UsageError(f"line {number} of the cell: {error}") from None
        if bound and keyword.iskeyword(bound[1]):
            raise UsageError(f"line {number} of the cell: {bound[1]} is no name of a variable")
        yield CallLine(number, call, bound[1] if bound else None, key and key[1])
        key = None
    if key is not None:
        raise UsageError(f"line {key[0]} of the cell: @key stands above a call, and none is below")


def _check_key(number: int, words: list[str], before: tuple[int, str] | None) -> None:
    if words[0] != "@key" or len(words) != 2:
        raise UsageError(f"line {number} of the cell: write @key K, above the line of its call")
    if before is not None:
        raise UsageError(f"line {number} of the cell: the call below has a key already, of line {before[0]}")


def _read_call(line: str) -> Call:
    """Read a call that may have a comment behind it."""
    words = split_words(line)
    if len(words) != 1:
        raise UsageError(f"{' '.join(words)!r} is not a call; it looks like add(5)")
    return read_call(words[0])


def _logical_lines(body: str) -> Iterator[tuple[int, str]]:
    """Yield (line of the cell, text) without blanks and comments."""
    gathered, first = "", 0
    for number, line in enumerate(body.splitlines(), 2):  # the first line of the cell is the magic's
        if not gathered and (not line.strip() or line.lstrip().startswith("#")):
            continue
        first = first if gathered else number
        gathered = f"{gathered}\n{line}" if gathered else line
        try:
            list(scan(gathered))
        except UsageError:
            continue  # a bracket is open: the call goes on
        yield first, gathered.strip()
        gathered = ""
    if gathered:
        list(scan(gathered))  # says which bracket it is


def _calls(request: Request, target: Target, body: str) -> Any:
    from golem_nb.notebook.frames import calls_frame

    if any(request.option(name) for name in ("key", "trigger", "at")):
        raise UsageError("--key, --trigger and --at are for one call; in a cell of calls write `@key K` above its line")
    rows: list[dict[str, Any]] = []
    lines = list(read_calls(body))
    with Progress(request.surroundings, f"{len(lines)} calls of {target}", len(lines)) as progress:
        for line in lines:
            progress.step(str(line.call))
            row, failure = _call(request, target, line)
            rows.append(row)
            is_interrupted = failure is not None and isinstance(failure.__cause__, KeyboardInterrupt)
            if failure is not None and (is_interrupted or not request.option("keep-going")):
                request.session.show(calls_frame(rows))
                raise failure
            if failure is None and line.variable:
                request.surroundings.names[line.variable] = request.names[line.variable] = row["result"]
    return calls_frame(rows)


def _call(request: Request, target: Target, line: CallLine) -> tuple[dict[str, Any], GolemError | None]:
    """Make one call; return its row and how it failed."""
    start, told = time.perf_counter(), {"worker": target.worker, "timestamp": datetime.now(UTC)}
    row: dict[str, Any] = {"call": str(line.call), "result": None, "ok": False, "key": line.key, **told}
    try:
        arguments = read_arguments(request, line.call.arguments)
        prepared = prepare(request, target, line.call.name, arguments, line.key)
        row["key"] = prepared.key
        announce(request, prepared)
        start = time.perf_counter()
        row["result"] = result_of(request, prepared, str(line.call))
    except GolemError as failure:
        return {**row, "error": str(failure), "ms": (time.perf_counter() - start) * 1e3}, failure
    ms = (time.perf_counter() - start) * 1e3
    before = prepared.before.last_index if prepared.before else 0
    last = prepared.client.worker(prepared.worker).last_index
    indices = {"first_index": before + 1, "last_index": last} if last > before else {}
    return {**row, "ok": True, "ms": ms, "replayed": last == before if last else None, **indices}, None


VERB = Verb(
    name="golem_invoke",
    summary="Call a function of a worker, which is made if it is not there, and return the result.",
    forms=(
        f"{USAGE} [--key K|-] [--timeout S] [--wave] [--no-stream]",
        f"{USAGE} --trigger | --at INDEX",
        "%golem_invoke component/worker function --form",
        "%%golem_invoke component/worker function     body: lines `name = expression`, or one list",
        "%%golem_invoke component/worker              body: one call on each line, `r = call(...)` binds",
    ),
    options=(
        Option("key", "idempotency key: the same key gives the same result, once; `-` makes and shows one", "K"),
        Option("trigger", "do not wait for the result"),
        Option("no-stream", "show nothing of what the worker prints meanwhile"),
        Option("timeout", "wait so many seconds at most; the worker goes on", "S", short="t"),
        Option("at", "ask the worker as it was at an oplog index; it is untouched", "INDEX"),
        Option("wave", "arguments and result in WAVE, the text form of WIT values"),
        Option("form", "show input widgets for the function's parameters, and a button"),
        Option("keep-going", "in a cell of calls: go on after a failure"),
    ),
    rules="Arguments are Python expressions of this notebook; true, false and null may be written as in JSON.",
    examples=(
        '%golem_invoke counter/c1 add(5, {"name": who})',
        "%golem_invoke counter/c1 get() --out total",
        '%golem_invoke cart/ann add({name: "tea", price: 2.5}, some(3)) --wave',
    ),
    run=run,
    is_cell=True,
    takes_call=True,
)
