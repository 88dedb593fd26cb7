"""The quick-start notebook in a real browser: what a reader sees while nothing runs, and what stays."""

import shutil
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from golem_nb.client.connect import stop_local
from tests.browser import CHROMIUM, reader

OUTPUT = Path(__file__).parent / "output"
NOTEBOOK = Path(__file__).parent.parent / "notebooks" / "01_first_durable_worker.ipynb"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser: {CHROMIUM} is missing (apt-get install chromium)"),
]

WATCHING = [
    "%load_ext golem_nb",
    "from importlib.resources import files\nfrom golem_nb.demo import CountingServer\nworld = CountingServer()\n"
    'source = files("golem_nb") / "demo.wat"',
    "%golem_deploy steps {source}",
    "%golem_invoke steps/w run(world.authority, 600) --key k --trigger",
    "events = %golem_connect steps/w",
    "1 + 1",
]
SEQ = "() => Number(document.querySelector('.golem-events')?.dataset.seq ?? 0)"


@pytest.fixture
def place(tmp_path):
    """Folders for Lab and for the engine; the engine is stopped at the end."""
    root, home, data = (tmp_path / name for name in ("root", "home", "data"))
    root.mkdir()
    home.mkdir()
    OUTPUT.mkdir(exist_ok=True)
    yield root, home, data
    stop_local(data)


def write_notebook(path, cells):
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new_notebook(cells=[new_code_cell(c) for c in cells], metadata={"kernelspec": kernel}), path)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_live_pane_is_updated_while_no_cell_runs(place, theme):
    root, home, data = place
    write_notebook(root / "watching.ipynb", WATCHING)

    with reader(root, home, theme=theme, environment={"GOLEM_NB_DIR": str(data)}) as lab:
        lab.open("watching.ipynb")
        lab.run_all()
        lab.page.wait_for_function("() => document.querySelector('.golem-events')?.dataset.seq > 3")
        before = lab.page.evaluate(SEQ)
        lab.page.wait_for_function(f"() => ({SEQ})() > {before} + 3")
        kernel = lab.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status")
        lab.page.locator(".golem-events").scroll_into_view_if_needed()
        lab.page.screenshot(path=str(OUTPUT / f"pane-{theme}.png"))

        assert lab.page.evaluate(SEQ) > before + 3
        assert kernel == "idle"
        assert lab.errors() == []
        assert lab.foreign == []


def test_the_quick_start_runs_and_leaves_what_can_be_read(place):
    root, home, data = place
    shutil.copy(NOTEBOOK, root)

    with reader(root, home, theme="dark", environment={"GOLEM_NB_DIR": str(data)}) as lab:
        lab.open(NOTEBOOK.name)
        lab.run_all()
        # The last cell closes the stream: plain HTML takes the pane's place.
        static = lab.page.locator(".jp-OutputArea details", has_text="step 12")
        static.wait_for()
        static.scroll_into_view_if_needed()
        lab.page.screenshot(path=str(OUTPUT / "quick-start.png"))
        lab.page.locator("text=↺ replayed").first.scroll_into_view_if_needed()
        lab.page.screenshot(path=str(OUTPUT / "oplog.png"))
        text = lab.page.locator(".jp-Notebook").inner_text()

        assert "got signal 9" in text
        assert lab.page.locator(".golem-events").count() == 0
        assert lab.page.locator("text=Error displaying widget").count() == 0
        assert lab.errors() == []
        assert lab.foreign == []


def test_a_reader_pauses_filters_and_finds_the_pane_again_after_a_reload(place):
    root, home, data = place
    write_notebook(root / "watching.ipynb", WATCHING)

    with reader(root, home, environment={"GOLEM_NB_DIR": str(data)}) as lab:
        lab.open("watching.ipynb")
        lab.run_all()
        lab.page.wait_for_function(f"() => ({SEQ})() > 5")
        pane = lab.page.locator(".golem-events")

        pane.get_by_role("button", name="Pause").click()
        paused = pane.get_by_role("log").inner_text()
        before = lab.page.evaluate(SEQ)
        lab.page.wait_for_function(f"() => ({SEQ})() > {before} + 2")
        assert pane.get_by_role("log").inner_text() == paused
        pane.get_by_role("button", name="Go on").click()
        assert pane.get_by_role("log").inner_text() != paused

        pane.get_by_role("searchbox").fill("/step [12]$/")
        # What was sent before the page had the pane comes a moment later.
        pane.get_by_text("step 1", exact=True).wait_for()
        assert [row.split()[-2:] for row in pane.locator("[data-seq]").all_inner_texts()] == [
            ["step", "1"],
            ["step", "2"],
        ]

        lab.page.evaluate("() => { void window.jupyterapp.commands.execute('docmanager:save'); }")
        lab.page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
        seen = lab.page.evaluate(SEQ)
        lab.page.reload(wait_until="domcontentloaded")
        lab.page.wait_for_function(f"() => ({SEQ})() > {seen}")

        assert "step 1" in pane.get_by_role("log").inner_text()
        assert lab.errors() == []
