import json

import pytest

from golem_nb.errors import BadInput
from golem_nb.model import ComponentOptions, ComponentType, InitialFile, LinkTarget
from golem_nb.wire.options import json_from_options, options_from_json, options_from_parts, parts_from_options

TARGET = LinkTarget("a:b/api", "a:b", ComponentType.EPHEMERAL)
FULL = ComponentOptions(
    ComponentType.EPHEMERAL,
    {"K": "v"},
    (InitialFile("/a.txt", "00ff", 3, False),),
    {"a:b-client/b-client": {"api": TARGET}},
)


@pytest.mark.parametrize("options", [ComponentOptions(), FULL])
def test_options_come_back_as_they_were(options):
    assert options_from_json(json.loads(json.dumps(json_from_options(options)))) == options


def test_text_parts_come_back_as_they_were():
    read = options_from_parts(parts_from_options(FULL), ComponentOptions())

    assert (read.type, read.env, read.dynamic_linking) == (FULL.type, FULL.env, FULL.dynamic_linking)


def test_other_servers_tell_nothing():
    assert options_from_json({}) == ComponentOptions()


def test_the_forms_of_golem_are_read():
    links = {"i": {"type": "WasmRpc", "targets": {"api": {"interfaceName": "a:b/api", "componentName": "a:b"}}}}
    parts = {
        "componentType": "ephemeral",
        "env": '{"keyValues": {"K": "v"}}',
        "dynamicLinking": json.dumps({"dynamicLinking": links}),
    }

    read = options_from_parts(parts, ComponentOptions())

    assert (read.type, read.env) == (ComponentType.EPHEMERAL, {"K": "v"})
    assert read.dynamic_linking == {"i": {"api": LinkTarget("a:b/api", "a:b")}}


def test_what_is_left_out_stays():
    assert options_from_parts({"env": "{}"}, FULL) == ComponentOptions(FULL.type, {}, FULL.files, FULL.dynamic_linking)


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({"componentType": "Weird"}, "componentType must be Durable or Ephemeral, found 'Weird'"),
        ({"env": "{"}, "the part `env` is not JSON"),
        ({"env": "[]"}, "the part `env` must be a JSON object"),
        ({"env": '{"K": 1}'}, "env must be an object whose values are strings"),
        ({"env": object()}, "must be a text field"),
        ({"env": "[" * 100_000}, "the part `env` is not JSON"),
        ({"env": '{"a=b": "c"}'}, "env has a name or value that no variable can have: 'a=b'"),
        ({"env": '{"a": "\\ud800"}'}, "env has a name or value"),
        ({"dynamicLinking": '{"i": {"type": "Other"}}'}, "has the type 'Other'; there is only WasmRpc"),
        ({"dynamicLinking": '{"i": {"targets": {"r": {}}}}'}, "must have the key 'interfaceName'"),
        ({"dynamicLinking": '{"i": 3}'}, "this is not an upload of a component"),
    ],
)
def test_bad_parts_are_named(parts, text):
    with pytest.raises(BadInput, match=text.replace("[", r"\[")):
        options_from_parts(parts, ComponentOptions())
