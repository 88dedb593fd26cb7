import json

import pytest

from golem_nb.authoring.javascript import component_from_javascript, script_from_module
from golem_nb.authoring.program import JAVASCRIPT, program_in
from golem_nb.errors import ComponentRejected


def lines(source):
    """Return the script's own lines: without its head, and what is behind them, which are the exports."""
    script = script_from_module(source).source
    assert script.startswith('"use strict";')
    return script.removeprefix('"use strict";').rpartition("\n;(")[0]


@pytest.mark.parametrize(
    ("source", "script"),
    [
        ("let x = 1;", "let x = 1;"),
        ("export function f() {}", "       function f() {}"),
        ("export default class A {}", "               class A {}"),
        ("function f() {}\nexport { f as g, f };", "function f() {}\n                    ;"),
        ('import { promise, sleep as nap } from "golem";', "const { promise, sleep: nap } = $golem;"),
        ("import * as g from 'golem'", "const g = $golem"),
        ("import golem from 'golem'", "const golem = $golem"),
        ("import 'golem'", ""),
        ("const x = await f(1).g[2];", "const x = $settled( f(1).g[2]);"),
        (
            "async function f(a) { return a }",
            "      function f(a) {return $run(function*(){ return a }.apply(this, arguments));}",
        ),
        ("x = async (a) => { b }", "x =       (a) => {return $run(function*(){ b }.call(this));}"),
        ("x = async a => a + 1;", "x =       a => $run(function*(){return (a + 1)}.call(this));"),
        ("x = async a => await a", "x =       a => $run(function*(){return ((yield  a))}.call(this))"),
        (
            "x = { async m() { y } }",
            "x = {       m() {return $run(function*(){ y }.apply(this, arguments));} }",
        ),
        (
            "class A { static async [k](a) { await a } }",
            "class A { static       [k](a) {return $run(function*(){ (yield  a) }.apply(this, arguments));} }",
        ),
        ("let async = 1; async(2); x.async; x.await", "let async = 1; async(2); x.async; x.await"),
        ("x = { await: await y }", "x = { await: $settled( y) }"),
        ("'await x'; // await x\n/* await */ `await x`", "'await x'; // await x\n/* await */ `await x`"),
        ("`${await f(`${await g}`)}`", "`${$settled( f(`${$settled( g)}`))}`"),
        ("await !await x(1) + 2", "$settled( !$settled( x(1))) + 2"),
        ("await new Promise((r) => r)", "$settled( new Promise((r) => r))"),
        ("await a\n`b`", "$settled( a\n`b`)"),
        ("await import_?.x?.[1]?.(2)", "$settled( import_?.x?.[1]?.(2))"),
        ("await (async () => 1)()", "$settled( (      () => $run(function*(){return (1)}.call(this)))())"),
        ("await function () { return {} }()", "$settled( function () { return {} }())"),
        ("x = /[/`']+/.test(y) / 2 / await z", "x = /[/`']+/.test(y) / 2 / $settled( z)"),
        ("f(async x => x\n, 1)", "f(      x => $run(function*(){return (x)}.call(this))\n, 1)"),
        (
            "const f = async x => x\nconst g = 1",
            "const f =       x => $run(function*(){return (x)}.call(this))\nconst g = 1",
        ),
        (
            "const f = async x => x.a()\nfoo()",
            "const f =       x => $run(function*(){return (x.a())}.call(this))\nfoo()",
        ),
        (
            "const f = async x => x\n  .a()\n  + 1",
            "const f =       x => $run(function*(){return (x\n  .a()\n  + 1)}.call(this))",
        ),
    ],
)
def test_a_module_becomes_a_script(source, script):
    assert lines(source) == script


@pytest.mark.parametrize(
    ("source", "exports"),
    [
        ("function a() {}\nclass B {}\nconst c = () => 1, d = 2;\nlet e = async (x) => { };\nvar f = 1", "a B c e"),
        ("export function a() {}\nfunction b() {}", "a"),
        ("export const a = make();\nexport async function b() {}\nexport class C {}", "a b C"),
        ("function a() { function inner() {} }\nif (x) { function other() {} }", "a"),
        ("function a() {}\nexport { a as b }", "b"),
        ("function* a() {}", "a"),
    ],
)
def test_functions_and_classes_are_exported(source, exports):
    assert " ".join(script_from_module(source).exports) == exports


def test_the_scripts_value_are_the_exports():
    script = script_from_module("function a() {}\nexport { a as b, a }").source

    assert script.endswith('\n;({"b": a, "a": a})')


def test_comments_before_functions_are_their_docs():
    script = script_from_module(
        "/** Adds.\n * More.\n * @param {number} n\n */\nexport async function add(n) {}\n"
        "/* none */\nfunction other() {}\n"
        "class Cart {\n  /** Its size. */\n  get size() {}\n  /** Pays. */ async pay() {}\n  plain() {}\n}\n"
        "/** @returns {number} */\nfunction silent() {}"
    )

    assert script.docs == {"add": "Adds.\nMore.", "size": "Its size.", "pay": "Pays."}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("\nasync function* f() {}", "line 2 of the cell: async generators are not there"),
        ("x = { async *f() {} }", "async generators are not there"),
        ("for await (const x of y) {}", "for await is not there"),
        ("import fs from 'fs'", "there is no module 'fs'"),
        ("export { x } from './y'", "exports its own functions only"),
        ("export default 5", "what is exported needs a name"),
        ("export default function () {}", "what is exported needs a name"),
        ("f(1", "line 1 of the cell: this bracket is not closed"),
        ("f(1]", r"\) is missing before \]"),
        ("}", "the bracket } closes nothing"),
        ("x = 'a\n'", "line 1 of the cell has a text or comment that is not closed"),
        ("/* x", "a text or comment that is not closed"),
        ("`x", "the template is not closed"),
        ("x = §", "'§', which is no JavaScript"),
        ("await", "something is awaited, but nothing follows"),
    ],
)
def test_what_is_not_there_is_told_with_its_line(source, words):
    with pytest.raises(ComponentRejected, match=words):
        script_from_module(source)


def test_a_cell_becomes_a_program():
    found = program_in(component_from_javascript("/** Docs. */\nfunction f() {}", "My Shop"))

    assert (found.language, found.name, found.docs) == (JAVASCRIPT, "my-shop", {"f": "Docs."})
    assert json.loads(found.text)["source"] == found.source


@pytest.mark.parametrize(
    "source", ["await function", "await class", "const x = await function f", "async () =>", "export {a as}"]
)
def test_what_ends_in_the_midst_of_something_is_refused(source):
    with pytest.raises(ComponentRejected):
        script_from_module(source)
