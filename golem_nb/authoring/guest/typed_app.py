"""The entry of a typed program's component: an export for each of its functions, all made of `typed_cell`.

`typed_cell` is written when the component is built. PROGRAM is what `program.load` takes, FUNCTIONS are the exports
with their types. Values come and go as the bindings have them; the program takes and gives JSON, as on the shared
runtime. See typed_world.wit for what an engine may ask besides.
"""

import dataclasses
import importlib
import json
import keyword
import os
import sys
import typing

import base
import golem
import program
import typed_cell
from componentize_py_types import Err, Ok, Some
from results import Failure
from wit_world import exports

if typed_cell.USES_GOLEM:
    golem.install()

loaded, is_attached, outcome = None, False, ""


def _program():
    global loaded
    if loaded is None:
        given = json.loads(typed_cell.PROGRAM)
        base.modules.sources.update({name: tuple(of) for name, of in given["modules"].items()})
        loaded = program.load(typed_cell.PROGRAM)
    return loaded


def _method(function, module):
    result = function["result"]

    def method(self, *arguments):
        global outcome
        try:
            given = [
                _argument(parameter, value) for parameter, value in zip(function["parameters"], arguments, strict=True)
            ]
            value = _program().call(function["key"], given, with_text=True)
        except Failure as failure:
            value = _failed(failure, result)
        finally:
            base.flush()
        if function["isDynamic"] and isinstance(value, dict):
            if is_attached:
                outcome = json.dumps({"typ": value["typ"], "value": value["value"]})
            value = value["text"]
        return _given(result, value, module)

    return method


def _argument(parameter, value):
    if value is None and "default" in parameter:
        return json.dumps(parameter["default"]) if parameter["isJson"] else parameter["default"]
    return read(parameter["typ"], value)


def _given(typ, value, module):
    """Return a result as a function gives it: a `result` of its own is returned or raised."""
    if typ is None:
        return None
    if typ["type"] != "Result":
        return written(typ, value, module)
    ((case, payload),) = value.items()
    inner = None if typ[case] is None else written(typ[case], payload, module)
    if case == "err":
        raise Err(inner)
    return inner


def _failed(failure, typ):
    """Tell of a failure, and return any value of the result's type; where nobody would ask for it, trap."""
    global outcome
    if is_attached:
        outcome = json.dumps({"kind": failure.kind, "message": failure.message})
        return None if typ is None else empty(typ)
    _trap(failure)


def _trap(failure):
    sys.stderr.write(f"{failure.message}\n")
    base.flush()
    os.abort()


def read(typ, value):
    """Return a value of the bindings as JSON has it."""
    match typ["type"]:
        case "Option":
            if value is None:
                return None
            return read(typ["inner"], value.value if isinstance(value, Some) else value)
        case "List":
            return list(value) if isinstance(value, bytes) else [read(typ["inner"], item) for item in value]
        case "Tuple":
            return [read(part, item) for part, item in zip(typ["items"], value, strict=True)]
        case "Result":
            case = "ok" if isinstance(value, Ok) else "err"
            return {case: None if typ[case] is None else read(typ[case], value.value)}
        case "Record":
            own = [getattr(value, f.name) for f in dataclasses.fields(value)]
            return {f["name"]: read(f["typ"], item) for f, item in zip(typ["fields"], own, strict=True)}
        case "Enum":
            return typ["cases"][value.value]
        case "Variant":
            number = int(_cases_of(sys.modules[type(value).__module__], typ).index(type(value)))
            case = typ["cases"][number]
            return {case["name"]: read(case["typ"], value.value)}
    return value


def written(typ, value, module):
    """Return a value that JSON has as the bindings of an interface have it."""
    match typ["type"]:
        case "Option":
            if value is None:
                return None
            inner = written(typ["inner"], value, module)
            return Some(inner) if typ["inner"]["type"] == "Option" else inner
        case "List":
            return bytes(value) if typ["inner"]["type"] == "U8" else [written(typ["inner"], v, module) for v in value]
        case "Tuple":
            return tuple(written(part, item, module) for part, item in zip(typ["items"], value, strict=True))
        case "Result":
            ((case, payload),) = value.items()
            inner = None if typ[case] is None else written(typ[case], payload, module)
            return Ok(inner) if case == "ok" else Err(inner)
        case "Record":
            return getattr(module, _class(typ))(*(written(f["typ"], value[f["name"]], module) for f in typ["fields"]))
        case "Enum":
            return getattr(module, _class(typ))(typ["cases"].index(value))
        case "Variant":
            ((name, payload),) = value.items()
            number = [case["name"] for case in typ["cases"]].index(name)
            return _cases_of(module, typ)[number](written(typ["cases"][number]["typ"], payload, module))
    return value


def empty(typ):
    """Return a value of a type, as JSON has it."""
    match typ["type"]:
        case "Option":
            return None
        case "List":
            return []
        case "Tuple":
            return [empty(part) for part in typ["items"]]
        case "Result":
            return {"ok": None if typ["ok"] is None else empty(typ["ok"])}
        case "Record":
            return {f["name"]: empty(f["typ"]) for f in typ["fields"]}
        case "Enum":
            return typ["cases"][0]
        case "Variant":
            return {typ["cases"][0]["name"]: empty(typ["cases"][0]["typ"])}
        case "Str" | "Chr":
            return ""
        case "Bool":
            return False
    return 0


def _cases_of(module, typ):
    """Return the classes of a variant's cases, in order."""
    union = getattr(module, _class(typ))
    return typing.get_args(union) or (union,)


def _class(typ):
    return _camel(typ["wit"])


def _camel(name):
    return "".join(word.capitalize() for word in name.split("-"))


def _snake(name):
    snake = name.replace("-", "_")
    return f"{snake}_" if keyword.iskeyword(snake) else snake


class Outcomes:
    def attach(self):
        global is_attached
        is_attached = True
        try:
            _program()
        except Failure as failure:
            return json.dumps({"kind": failure.kind, "message": failure.message})
        finally:
            base.flush()
        return ""

    def take(self):
        global outcome
        taken, outcome = outcome, ""
        return taken


class SaveSnapshot:
    def save(self):
        try:
            return _program().save()
        except Failure as failure:
            _trap(failure)
        finally:
            base.flush()


class LoadSnapshot:
    def load(self, bytes):
        global outcome
        try:
            lost = _program().restore(bytes)
            if is_attached:
                outcome = json.dumps({"lost": lost})
            else:
                sys.stderr.writelines(f"not carried over: {text}\n" for text in lost)
        except Failure as failure:
            raise Err(failure.message) from None
        finally:
            base.flush()


for site in dict.fromkeys(function["interface"] for function in typed_cell.FUNCTIONS):
    bindings = importlib.import_module(f"wit_world.exports.{_snake(site)}")
    own = [function for function in typed_cell.FUNCTIONS if function["interface"] == site]
    methods = {_snake(function["name"]): _method(function, bindings) for function in own}
    globals()[_camel(site)] = type(_camel(site), (getattr(exports, _camel(site)),), methods)
base.done()
