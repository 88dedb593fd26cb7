import pytest

from golem_nb.errors import BadInput
from golem_nb.model import Difference, Shadow, ShadowCall, ShadowResult, WorkerStatus
from golem_nb.values.types import STRING, U32, TypedValue
from golem_nb.wire.shadows import json_from_shadow, json_from_shadow_result, shadow_from_json, shadow_result_from_json

ASKED = Shadow(7, 2, {3: {"ok": [1]}, 12: None}, (("f", ["x", 1]), ("g", [])))


@pytest.mark.parametrize("asked", [Shadow(), ASKED, Shadow(version=0)])
def test_a_request_comes_back(asked):
    json = json_from_shadow(asked)
    found = shadow_from_json(json)

    assert (found.to_index, found.version, found.answers) == (asked.to_index, asked.version, asked.answers)
    assert [(name, list(params)) for name, params in found.calls] == [(n, list(p)) for n, p in asked.calls]


def test_what_is_left_out_or_null_is_the_servers_choice():
    assert shadow_from_json({}) == Shadow() == shadow_from_json({"toIndex": None, "answers": None, "calls": None})


@pytest.mark.parametrize(
    ("json", "told"),
    [
        ([], "a request for a shadow"),
        ({"toIndex": -1}, "toIndex must be a whole number"),
        ({"toIndex": True}, "toIndex must be a whole number"),
        ({"version": "1"}, "version must be a whole number"),
        ({"answers": [1]}, "answers must be an object"),
        ({"answers": {"x": 1}}, "a key of answers is an oplog index, found 'x'"),
        ({"answers": {"9" * 30: 1}}, "a key of answers is an oplog index"),
        ({"calls": {}}, "expected a list"),
        ({"calls": ["f"]}, "a request for a shadow"),
        ({"calls": [{}]}, "must have the key 'function'"),
        ({"calls": [{"function": "f", "params": 1}]}, "expected a list"),
    ],
)
def test_a_bad_request_says_where(json, told):
    with pytest.raises(BadInput, match=told):
        shadow_from_json(json)


@pytest.mark.parametrize(
    "result",
    [
        ShadowResult(9, 0, WorkerStatus.IDLE, 5, None, None, None, ()),
        ShadowResult(9, 1, WorkerStatus.RUNNING, 5, "f", Difference(4, "a", "b"), "trap", (), 3),
        ShadowResult(
            9,
            1,
            WorkerStatus.IDLE,
            5,
            None,
            None,
            None,
            (
                ShadowCall("f", TypedValue(U32, 5), None, "printed\n"),
                ShadowCall("g", None, "it failed", ""),
                ShadowCall("h", TypedValue(STRING, "x"), None, ""),
            ),
        ),
    ],
)
def test_a_result_comes_back(result):
    assert shadow_result_from_json(json_from_shadow_result(result)) == result


@pytest.mark.parametrize("json", [None, {}, {"atIndex": "1"}, {"calls": []}])
def test_an_odd_result_is_no_result(json):
    with pytest.raises(BadInput, match="what a shadow says"):
        shadow_result_from_json(json)
