"""What a shadow of a worker is asked and says <-> JSON. No Golem has it. Source: ARCHITECTURE, decision 15."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from golem_nb.errors import BadInput
from golem_nb.model import Difference, Shadow, ShadowCall, ShadowResult, WorkerStatus
from golem_nb.values.json import json_from_typed, typed_from_json
from golem_nb.wire.reading import read_index, read_list, read_number, read_text, reading

Json = dict[str, Any]


def json_from_shadow(asked: Shadow) -> Json:
    """Return the request; what is left to the server is left out."""
    json: Json = {
        "answers": {str(index): value for index, value in asked.answers.items()},
        "calls": [{"function": function, "params": list(params)} for function, params in asked.calls],
    }
    for key, value in (("toIndex", asked.to_index), ("version", asked.version)):
        if value is not None:
            json[key] = value
    return json


def shadow_from_json(json: Any) -> Shadow:
    with reading("a request for a shadow"):
        answers = {} if json.get("answers") is None else json["answers"]
        if not isinstance(answers, Mapping):
            raise TypeError(f"answers must be an object of index to value, found {answers!r:.80}")
        return Shadow(
            _optional(json, "toIndex"),
            _optional(json, "version"),
            {_index(text): value for text, value in answers.items()},
            tuple(_call(call) for call in _list(json, "calls")),
        )


def _optional(json: Any, key: str) -> int | None:
    value = json.get(key)
    return None if value is None else read_index(value, key)


def _list(json: Any, key: str) -> list[Any]:
    value = json.get(key)
    return [] if value is None else read_list(value)


def _index(text: Any) -> int:
    if not (isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) < 19):
        raise ValueError(f"a key of answers is an oplog index, found {text!r:.80}")
    return int(text)


def _call(json: Any) -> tuple[str, list[Any]]:
    return read_text(json["function"]), _list(json, "params")


def json_from_shadow_result(result: ShadowResult) -> Json:
    json: Json = {
        "atIndex": result.at_index,
        "version": result.version,
        "status": str(result.status),
        "entriesMet": result.entries_met,
        "lastMet": result.last_met,
        "calls": [_json_from_call(call) for call in result.calls],
    }
    if result.difference is not None:
        found = result.difference
        json["difference"] = {"index": found.index, "recorded": found.recorded, "now": found.now}
    for key, value in (("running", result.running), ("failure", result.failure)):
        if value is not None:
            json[key] = value
    return json


def _json_from_call(call: ShadowCall) -> Json:
    result = None if call.result is None else json_from_typed(call.result)
    error = {} if call.error is None else {"error": call.error}
    return {"function": call.function, "result": result, "output": call.output, **error}


def shadow_result_from_json(json: Any) -> ShadowResult:
    with reading("what a shadow says"):
        return ShadowResult(
            read_number(json["atIndex"]),
            read_number(json["version"]),
            WorkerStatus(json["status"]),
            read_number(json["entriesMet"]),
            json.get("running"),
            _difference(json.get("difference")),
            json.get("failure"),
            tuple(_call_from_json(call) for call in read_list(json["calls"])),
            read_number(json.get("lastMet", 0)),
        )


def _difference(json: Any) -> Difference | None:
    if json is None:
        return None
    return Difference(read_number(json["index"]), read_text(json["recorded"]), read_text(json["now"]))


def _call_from_json(json: Any) -> ShadowCall:
    error = json.get("error")
    if error is not None and not isinstance(error, str):
        raise BadInput(f"the error of a call is a text, found {error!r:.80}")
    return ShadowCall(
        read_text(json["function"]), typed_from_json(json.get("result")), error, read_text(json["output"])
    )
