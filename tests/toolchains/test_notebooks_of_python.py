"""The notebook whose workers are written in Python, which needs their runtime."""

import pytest

from golem_nb.authoring.runtime import CACHE_VARIABLE
from tests.test_notebooks import IN_PYTHON, executed, texts
from tests.toolchains.build import BUILT

pytestmark = [pytest.mark.toolchains, pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")]


def test_workers_in_python_do_what_the_notebook_says(tmp_path, monkeypatch):
    pytest.importorskip("componentize_py")
    monkeypatch.setenv(CACHE_VARIABLE, str(BUILT / "cache"))
    (path,) = IN_PYTHON
    notebook = executed(path, tmp_path, monkeypatch)
    shown = dict(texts(notebook))

    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert [output for output in outputs if output.output_type == "error"] == []
    assert not any("Error:" in output.get("text", "") for output in outputs)
    assert "survived 3 of 3 crashes" in shown["%golem_crash shop/ann raffle() --everywhere"]
    assert "as it was at index 9" in shown["%golem_replay shop/ann --to 9"]
    assert "5.0" in shown["%golem_invoke shop/ann total() --at 9"]
    (changed,) = (text for source, text in shown.items() if "--update auto" in source)
    assert "records the result 5.0, but the component now does return 4.5" in changed
    assert "updated from version 0 to 1" in shown["%golem_worker shop/ann update --mode manual --wait"]
    assert "10.8" in shown["%golem_invoke shop/ann total()"]
