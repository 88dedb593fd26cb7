"""The magics in a real IPython shell, over one local engine process for all tests."""

from itertools import count
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from golem_nb.client.connect import stop_local

LEDGER = Path(__file__).parent.parent / "components" / "ledger.wat"
NUMBERS = count()


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("engine") / "data"
    yield folder
    stop_local(folder)


class Notebook:
    """Cells of a shell, and what they printed."""

    def __init__(self, shell, capsys):
        self.shell, self._capsys = shell, capsys

    def run(self, cell):
        """Return the cell's value; what it printed is in `printed`.

        Raises: what the cell raised.
        """
        self._capsys.readouterr()
        result = self.shell.run_cell(cell)
        self.printed = self._capsys.readouterr().out
        if result.error_before_exec or result.error_in_exec:
            raise result.error_before_exec or result.error_in_exec
        return result.result

    @property
    def names(self):
        return self.shell.user_ns


@pytest.fixture
def notebook(data_folder, monkeypatch, capsys):
    monkeypatch.setenv("GOLEM_NB_DIR", str(data_folder))
    monkeypatch.delenv("GOLEM_URL", raising=False)
    monkeypatch.setenv("GOLEM_CONFIG_DIR", str(data_folder / "no-profiles"))
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "golem_nb")
    yield Notebook(shell, capsys)
    shell.run_line_magic("unload_ext", "golem_nb")
    InteractiveShell.clear_instance()


@pytest.fixture
def ledger(notebook):
    """The name of a new component `add(amount)`, `sum()`, `work(rounds, amount)`."""
    name = f"ledger-{next(NUMBERS)}"
    notebook.run(f"%golem_deploy {name} {LEDGER}")
    return name
