import pytest

from golem_nb.authoring.program import program_in
from golem_nb.authoring.typed import Typed
from golem_nb.client.remote import RemoteClient
from golem_nb.errors import ComponentRejected, NotSupported, UsageError
from golem_nb.notebook.magics import deploy as deploying
from golem_nb.notebook.progress import Progress
from golem_nb.wasm.text import wasm_from_text
from tests.notebook.conftest import LEDGER

COMPONENT = '(component (core module $m (func (export "f"))) (core instance $i (instantiate $m)) {more})'


ADDER = "package nb:adder; world adder { export add: func(a: u32, b: u32) -> u32; }"
ADD = '(module (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))'


def cell(name, source, options=""):
    return f"%%golem_deploy {name}{options}\n{source}"


def test_a_cell_in_python_is_a_program_whose_lines_have_the_cells_numbers(notebook, monkeypatch):
    uploaded = []
    prepared = []
    monkeypatch.setattr(deploying, "is_prepared", lambda: False)
    monkeypatch.setattr(deploying, "prepare", prepared.append)
    monkeypatch.setattr(deploying, "deploy", lambda session, name, wasm, changes: uploaded.append((name, wasm)))
    with pytest.raises(AttributeError):  # there is no component to note
        notebook.run(cell("my_shop", "def f():\n    return 1\n", " --with colorsys"))

    ((name, wasm),) = uploaded
    program = program_in(wasm)
    assert (name, program.name) == ("my_shop", "my-shop")
    assert program.source.splitlines()[1] == "def f():"
    assert list(program.modules) == ["colorsys"]
    assert len(prepared) == 1


def test_a_server_that_runs_no_programs_is_named(notebook, monkeypatch):
    monkeypatch.setattr(RemoteClient, "runs_programs", False)

    with pytest.raises(NotSupported, match=r"contract.* does not run cells in Python; add --typed, which makes a"):
        notebook.run(cell("x", "def f(): pass"))
    with pytest.raises(NotSupported, match=r"contract.* does not run cells in JavaScript; golem_nb's own engine does"):
        notebook.run(cell("x", "function f() {}", " --lang js"))


def test_a_typed_cell_is_deployed_on_servers_that_run_no_programs(notebook, monkeypatch):
    given = []

    def build(source, name, packages, step):
        given.append((source, name, list(packages)))
        return Typed(wasm_from_text(COMPONENT.format(more="(core module)")), "package nb:x;", False)

    monkeypatch.setattr(RemoteClient, "runs_programs", False)
    monkeypatch.setattr(deploying, "component_from_typed_source", build)

    view = notebook.run(cell("typed", "def f(): pass", " --typed --with colorsys"))

    assert given == [("\ndef f(): pass\n", "typed", ["colorsys"])]
    assert (view.news, view.wit) == ("created, version 0", "package nb:x;")
    assert view.text().endswith("\n\npackage nb:x;")
    assert "<summary>WIT</summary>" in view.html()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%%golem_deploy x --typed --lang js\nfunction f() {}", "--typed is for cells in Python, not with --lang"),
        ("%%golem_deploy x --typed --wit a.wit\ndef f(): pass", "--typed is for cells in Python, not with --wit"),
        ("%%golem_deploy x --typed\n(component)", "component text has its types already"),
        ("%golem_deploy x x.wasm --typed", "--typed is for a cell: %%golem_deploy NAME --typed"),
        ("%golem_deploy x x.wasm --lang js", "--lang is for a cell: %%golem_deploy NAME --lang"),
        ("%golem_deploy x x.wasm --with requests", "--with is for a cell: %%golem_deploy NAME --with"),
        ("%%golem_deploy x --wit a.wit\ndef f(): pass", "--wit is for core modules; cells in Python"),
        ("%%golem_deploy x --lang js --with json\nfunction f() {}", "--with is for cells in Python"),
        ("%%golem_deploy x --lang rust\nfn f() {}", "--lang rust is not known; there are: py, js, wat"),
        ("%golem_deploy x no.wasm --wit a.wit", "no.wasm cannot be read"),
    ],
)
def test_options_that_do_not_go_together_are_told(notebook, line, words):
    with pytest.raises(UsageError, match=words):
        notebook.run(line)


def test_a_cell_in_javascript_is_a_program_whose_lines_have_the_cells_numbers(notebook, monkeypatch):
    uploaded, built = [], []
    monkeypatch.setattr(deploying, "cached_javascript_runtime", lambda: None)
    monkeypatch.setattr(deploying, "built_javascript_runtime", lambda: built.append("built"))
    monkeypatch.setattr(deploying, "deploy", lambda session, name, wasm, changes: uploaded.append((name, wasm)))
    with pytest.raises(AttributeError):  # there is no component to note
        notebook.run(cell("my_js", "export function f() {\n}\n", " --lang js"))

    ((_, wasm),) = uploaded
    program = program_in(wasm)
    assert (program.language, program.name) == ("javascript", "my-js")
    assert program.source.splitlines()[1] == "       function f() {"
    assert built == ["built"]


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
@pytest.mark.parametrize("word", ["{data}", "$data"])
def test_bytes_in_a_variable_are_a_component(notebook, kind, word):
    notebook.names["data"] = kind(wasm_from_text(LEDGER.read_text()))
    name = f"bytes-{kind.__name__}-{'a' if word[0] == '$' else 'b'}"

    assert notebook.run(f"%golem_deploy {name} {word}").news == "created, version 0"


def test_a_core_module_and_its_wit_are_a_component(notebook, tmp_path):
    notebook.names["world"] = ADDER
    (tmp_path / "adder.wit").write_text(ADDER)
    (tmp_path / "adder.wat").write_text(ADD)
    (tmp_path / "adder.wasm").write_bytes(wasm_from_text(ADD))
    notebook.names["data"] = wasm_from_text(ADD)

    made = [
        notebook.run(line)
        for line in (
            f"%%golem_deploy adder --wit {{world}}\n{ADD}",
            f"%golem_deploy adder {tmp_path}/adder.wasm --wit {tmp_path}/adder.wit",
            f"%golem_deploy adder {tmp_path}/adder.wat --wit {tmp_path}/adder.wit",
            "%golem_deploy adder {data} --wit $world",
        )
    ]

    assert [view.news for view in made] == ["created, version 0", *["unchanged, version 0"] * 3]
    assert notebook.run("%golem_invoke adder/w add(1, 2)") == 3


def test_faults_of_a_core_module_are_told(notebook):
    notebook.names["world"] = ADDER

    with pytest.raises(ComponentRejected, match=r"a core module, not a component; give its WIT"):
        notebook.run(cell("adder-2", ADD))
    with pytest.raises(ComponentRejected, match=r"line 3, column \d+: .*of the cell"):
        notebook.run(cell("adder-2", "(module\n  (bogus))", " --wit {world}"))
    with pytest.raises(ComponentRejected, match="the WIT promises add, which the module does not export"):
        notebook.run(cell("adder-2", "(module)", " --wit {world}"))


def test_a_package_that_is_missing_is_told_how_to_bring(notebook, monkeypatch):
    def rejected(*_):
        raise ComponentRejected("ModuleNotFoundError: No module named 'attr.validators'")

    monkeypatch.setattr(deploying, "is_prepared", lambda: True)
    monkeypatch.setattr(deploying, "deploy", rejected)
    with pytest.raises(ComponentRejected, match="--with attr takes a pure Python package along"):
        notebook.run(cell("x", "import attr.validators\ndef f(): pass"))


def test_packages_are_for_python_only(notebook):
    with pytest.raises(UsageError, match="--with is for cells in Python"):
        notebook.run(cell("x", COMPONENT, " --with colorsys"))


def test_a_text_file_and_a_wasm_file_are_the_same_component(notebook, tmp_path):
    path = tmp_path / "ledger.wasm"
    path.write_bytes(wasm_from_text(LEDGER.read_text()))

    first = notebook.run(f"%golem_deploy both {LEDGER}")
    second = notebook.run(f"%golem_deploy both {path}")

    assert (first.news, second.news) == ("created, version 0", "unchanged, version 0")


def test_other_bytes_make_a_new_version(notebook):
    notebook.run(cell("grows", COMPONENT.format(more="")))
    again = notebook.run(cell("grows", COMPONENT.format(more=""), " --lang wat"))
    other = notebook.run(cell("grows", COMPONENT.format(more="(core module $other)")))

    assert again.news == "unchanged, version 0"
    assert (other.news, other.version) == ("updated, now version 1", 1)


UPDATED = """
(component
  (core module $m (func (export "f") (result i32) (i32.const {n})))
  (core instance $i (instantiate $m))
  (func (export "f") (result u32) (canon lift (core func $i "f"))))
"""


def test_workers_go_along_with_a_new_version_and_each_says_how_it_fared(notebook):
    notebook.run(cell("goes", UPDATED.format(n=1)))
    assert notebook.run("%golem_invoke goes/told f()") == 1
    notebook.run("%golem_worker goes/new new")

    view = notebook.run(cell("goes", UPDATED.format(n=2), " --update auto"))

    told, new = view.updates
    assert (told.name, told.is_successful, told.from_version) == ("goes/told", False, 0)
    assert "records the result 1, but the component now does return 2" in told.details
    assert (new.name, new.is_successful, new.record.target_version) == ("goes/new", True, 1)
    assert "✕ the update to version 1 failed" in view.text()
    assert "✓ updated from version 0 to 1" in view.html()
    assert notebook.run("%golem_invoke goes/new f()") == 2
    assert notebook.run("%golem_invoke goes/told f()") == 1


def test_only_workers_on_other_versions_are_updated(notebook):
    notebook.run(cell("stays", UPDATED.format(n=1)))
    notebook.run("%golem_invoke stays/w f()")

    assert notebook.run(cell("stays", UPDATED.format(n=1), " --update manual")).updates == ()
    (report,) = notebook.run(cell("stays", UPDATED.format(n=3), " --update manual")).updates
    assert "save-snapshot is not exported" in report.details


def test_a_fault_in_the_text_has_line_and_column_of_the_cell(notebook):
    with pytest.raises(ComponentRejected, match=r"line 3, column 4: .*of the cell"):
        notebook.run(cell("bad", "(component\n  (bogus))"))


def test_a_fault_in_a_file_has_its_name_and_line(notebook, tmp_path):
    path = tmp_path / "bad.wat"
    path.write_text("(component\n  (bogus))")

    with pytest.raises(ComponentRejected, match=r"bad.wat, line 2, column 4"):
        notebook.run(f"%golem_deploy bad {path}")


def test_a_variable_names_the_file(notebook):
    notebook.names["path"] = LEDGER

    assert notebook.run("%golem_deploy var {path}").name == "var"


@pytest.mark.parametrize(
    ("source", "error", "fault"),
    [
        ("%golem_deploy x", UsageError, "write: %golem_deploy NAME FILE"),
        ("%golem_deploy x /no/such.wasm", UsageError, "cannot be read: No such file"),
        ("%%golem_deploy x --lang cobol\n.", UsageError, "--lang cobol is not known"),
        ("%%golem_deploy\n(component)", UsageError, "write: %%golem_deploy NAME"),
        ("%%golem_deploy x\n(module)", ComponentRejected, "core module"),
    ],
)
def test_what_cannot_be_deployed_is_refused_with_a_reason(notebook, source, error, fault):
    with pytest.raises(error, match=fault):
        notebook.run(source)


def test_options_belong_to_a_version_and_its_workers_have_the_files(notebook, tmp_path):
    menu = tmp_path / "menu.txt"
    menu.write_text("soup")
    line = f"%golem_deploy optional {LEDGER} -e A=1 --file /etc/menu.txt={menu} --file /notes={menu}:rw"

    first, again = notebook.run(line), notebook.run(line)
    menu.write_text("stew")
    other = notebook.run(line)

    assert [view.news for view in (first, again, other)] == [
        "created, version 0",
        "unchanged, version 0",
        "updated, now version 1",
    ]
    shown = notebook.run("%golem_components optional").text()
    assert "A=1" in shown
    assert "/etc/menu.txt, 4 B" in shown
    assert "/notes, 4 B, read-write" in shown
    notebook.run("%golem_worker optional/w new")
    assert list(notebook.run("%golem_worker optional/w files")["name"]) == ["etc", "notes"]
    assert list(notebook.run("%golem_worker optional/w files etc")["name"]) == ["menu.txt"]
    assert notebook.run("%golem_worker optional/w files /etc/menu.txt") == "stew"


def test_the_start_of_the_engine_is_no_part_of_the_progress(notebook, monkeypatch):
    seen, session = [], notebook.shell.magics_manager.registry["GolemMagics"].session
    client = session.client
    monkeypatch.setattr(session, "client", lambda: (seen.append("client"), client())[1])

    class Seen(Progress):
        def __enter__(self):
            seen.append("progress")
            return super().__enter__()

    monkeypatch.setattr(deploying, "Progress", Seen)
    notebook.run(f"%golem_deploy ledger-first {LEDGER}")

    assert seen[0] == "client" and "progress" in seen
