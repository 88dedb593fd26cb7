import subprocess
import sys

import pandas as pd


def test_loading_prints_nothing_and_twice_is_once(notebook):
    magics = notebook.shell.magics_manager.registry["GolemMagics"]
    assert notebook.run("%load_ext golem_nb") is None
    notebook.run("%reload_ext golem_nb")

    assert "golem" not in notebook.printed.lower()
    assert notebook.shell.magics_manager.registry["GolemMagics"] is not None
    assert sum(type(c).__name__ == "GolemMagics" for c in notebook.shell.configurables) == 1
    assert magics.session is not None


def test_unloading_takes_everything_out_again(notebook, ledger):
    notebook.run(f"%golem_invoke {ledger}/w add(5)")
    notebook.run(f"frame = %golem_oplog {ledger}/w")
    assert hasattr(pd.DataFrame, "golem")

    notebook.run("%unload_ext golem_nb")

    assert not hasattr(pd.DataFrame, "golem")
    assert "golem_invoke" not in notebook.shell.magics_manager.magics["line"]
    assert "golem_invoke" not in notebook.shell.magics_manager.magics["cell"]
    assert not any(type(c).__name__ == "GolemMagics" for c in notebook.shell.configurables)
    notebook.run("%load_ext golem_nb")
    assert notebook.run(f"%golem_invoke {ledger}/w sum()") == 5  # the engine went on


def test_importing_the_package_is_cheap():
    code = "import sys, golem_nb; print([m for m in ('pandas', 'wasmtime', 'IPython', 'httpx') if m in sys.modules])"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
