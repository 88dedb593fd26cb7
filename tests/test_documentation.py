"""What the README says is so."""

import argparse
import re
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from golem_nb.__main__ import _parser
from golem_nb.client.connect import stop_local
from golem_nb.notebook.magics.registry import VERBS
from golem_nb.wire.dialects import CONTRACT, DIALECTS, METHODS
from golem_nb.wire.operations import OPERATIONS, by_id

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def session():
    """Yield the inputs of the README's session, each with its output."""
    (block,) = re.findall(r"```\n(In \[1\].*?)```", README, re.DOTALL)
    for cell in re.split(r"\n\n(?=In \[)", block.strip()):
        line, _, output = cell.partition("\n")
        code = re.sub(r"^In \[\d+\]: ", "", line).partition("  #")[0].strip()
        yield code, re.sub(r"^Out\[\d+\]: ?\n?", "", output).strip()


# What differs from run to run.
VARIABLE = re.compile(r"\d+ got signal|; \d+ took over|\d+ ms")


@pytest.mark.slow
def test_the_session_of_the_readme_goes_as_printed(tmp_path, monkeypatch):
    monkeypatch.setenv("GOLEM_NB_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(ROOT)
    shell = InteractiveShell.instance()
    try:
        for code, output in session():
            result = shell.run_cell(code)
            assert result.success, code
            shown = "" if result.result is None else shell.display_formatter.format(result.result)[0]["text/plain"]
            assert VARIABLE.sub("…", shown.strip()) == VARIABLE.sub("…", output), code
    finally:
        shell.run_line_magic("unload_ext", "golem_nb")
        InteractiveShell.clear_instance()
        stop_local(tmp_path / "data")


def test_every_magic_and_command_is_in_the_readme():
    for verb in VERBS:
        assert f"%{verb.name}" in README
    for command in ("serve", "demo", "doctor"):
        assert f"golem-nb {command}" in README + (ROOT / "CHANGES.md").read_text()


def dialect_table():
    """Yield the lines of the README's table of what each server can be asked, from the tables of dialects."""
    columns = {
        "the contract": lambda id: id in by_id(OPERATIONS),
        "golem_nb": lambda id: id in CONTRACT.operations,
        **{dialect.title: dialect.operations.__contains__ for dialect in DIALECTS.values() if dialect is not CONTRACT},
    }
    yield f"| | {' | '.join(columns)} |"
    yield f"|---|{'---|' * len(columns)}"
    for method, id in METHODS.items():
        yield f"| `{method}` | {' | '.join('yes' if has(id) else '–' for has in columns.values())} |"


def test_what_each_server_can_be_asked_is_in_the_readme():
    table = "\n".join(dialect_table())

    assert table in README, f"the README should have\n{table}"


def test_every_option_of_a_server_is_in_the_readme():
    (golem,) = (verb for verb in VERBS if verb.name == "golem")

    for option in golem.options:
        assert f"--{option.name}" in README


def test_every_option_of_serve_is_in_the_readme():
    commands = next(action for action in _parser()._actions if isinstance(action, argparse._SubParsersAction))
    options = [name for action in commands.choices["serve"]._actions for name in action.option_strings]

    missing = [name for name in options if name not in ("-h", "--help") and f"`{name}" not in README]

    assert missing == []


def test_the_readme_has_no_option_that_serve_does_not_have():
    commands = next(action for action in _parser()._actions if isinstance(action, argparse._SubParsersAction))
    known = {name for action in commands.choices["serve"]._actions for name in action.option_strings}
    table = README.partition("| Option of `golem-nb serve` |")[2].partition("\n\n")[0]

    assert set(re.findall(r"`(--[a-z-]+)", table)) <= known


def test_every_link_of_the_documents_leads_somewhere():
    for document in ("README.md", "DESIGN.md", "CHANGES.md"):
        for link in re.findall(r"\]\(([^)#]+)\)", (ROOT / document).read_text()):
            assert link.startswith("http") or (ROOT / link).exists(), f"{document}: {link}"
