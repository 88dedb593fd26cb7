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


PICTURES = [
    "%load_ext golem_nb",
    "from importlib.resources import files\nfrom golem_nb.demo import CountingServer\nworld = CountingServer()\n"
    'source = files("golem_nb") / "demo.wat"',
    "%golem_deploy steps {source} -q",
    "board = %golem_workers steps --watch 0.3",
    "%golem_invoke steps/w run(world.authority, 2) --key k -q\n%golem_crash steps/w -q\n"
    "%golem_invoke steps/w run(world.authority, 1) --key k2 -q\nlog = %golem_oplog steps/w",
    "log.golem.timeline()",
    "log.golem.latency('calls')",
    "log.golem.scrubber(at=5, on_index=lambda index: told.update(f'the kernel knows {index}'))",
    "told = display('nothing yet', display_id=True)",
    "%golem_invoke steps/a run(world.authority, 100) --key k --trigger\n"
    "%golem_invoke steps/b run(world.authority, 100) --key k --trigger\nevents = %golem_connect steps/a steps/b",
]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pictures_are_live_for_a_reader_and_plain_html_in_the_file(place, theme):
    root, home, data = place
    write_notebook(root / "pictures.ipynb", PICTURES)

    with reader(root, home, theme=theme, environment={"GOLEM_NB_DIR": str(data)}) as lab:
        page = lab.page
        lab.open("pictures.ipynb")
        lab.run_all()
        pictures = page.locator(".golem-picture")
        pictures.nth(2).wait_for()

        # A click in the lane of the invocations finds one; the keys go to the entry behind it.
        canvas = pictures.nth(0).locator("canvas")
        canvas.scroll_into_view_if_needed()
        canvas.click(position={"x": 300, "y": 15})
        status = pictures.nth(0).get_by_role("status")
        assert status.inner_text().startswith("#3  ExportedFunctionInvoked golem:demo/steps@1.0.0.{run}")
        assert "↺ replayed" in status.inner_text()
        canvas.press("ArrowRight")
        assert status.inner_text().startswith("#4  Log step 1")
        page.screenshot(path=str(OUTPUT / f"timeline-{theme}.png"))
        # Keys that Lab knows are not Lab's here: twice `d` deletes a cell.
        for part in (canvas, pictures.nth(2).get_by_role("log"), page.locator(".golem-events").get_by_role("log")):
            part.press("d")
            part.press("d")
        assert page.locator(".jp-CodeCell").count() == len(PICTURES)

        # The slider has the output so far, and tells the kernel where it stopped.
        slider = pictures.nth(2).get_by_role("slider")
        slider.focus()
        slider.press("ArrowRight")
        slider.press("ArrowRight")
        pictures.nth(2).get_by_text("at #7").wait_for()
        assert pictures.nth(2).get_by_role("log").inner_text().strip() == "step 1"
        page.get_by_text("the kernel knows 7").wait_for()
        slider.press("End")
        assert pictures.nth(2).get_by_role("log").inner_text().splitlines() == ["step 1", "step 2", "step 1"]
        page.screenshot(path=str(OUTPUT / f"scrubber-{theme}.png"))

        # The pane has two workers' lines, and those of one where that is asked for.
        pane = page.locator(".golem-events")
        page.wait_for_function(f"() => ({SEQ})() > 6")
        pane.get_by_role("combobox", name="worker").select_option("steps/b")
        lines = pane.locator("[data-seq]").all_inner_texts()
        assert lines and all("steps/b" in line for line in lines)
        assert page.locator("[data-golem-stored]").is_hidden()  # that is for the file
        # The board was made before there were workers.
        page.get_by_text("▶ Running 2").wait_for()
        page.screenshot(path=str(OUTPUT / f"board-{theme}.png"))

        page.evaluate("() => { void window.jupyterapp.commands.execute('docmanager:save'); }")
        page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
        page.reload(wait_until="domcontentloaded")
        pictures.nth(2).wait_for()

        assert lab.errors() == []
        assert lab.foreign == []
    shown = [cell.outputs[0].data for cell in nbformat.read(root / "pictures.ipynb", 4).cells[5:8]]
    assert [sorted(data) for data in shown] == [["text/html", "text/plain"]] * 3
    assert ["<img" in data["text/html"] for data in shown] == [True, True, False]
    data = [output.data for output in nbformat.read(root / "pictures.ipynb", 4).cells[-1].outputs if "data" in output]
    assert any("live when this was stored" in bundle["text/plain"] for bundle in data)
    assert not any("EventPane" in bundle["text/plain"] for bundle in data)


TRAVELLING = [
    "%load_ext golem_nb",
    "from importlib.resources import files\nfrom golem_nb.demo import CountingServer\nworld = CountingServer()\n"
    'source = files("golem_nb") / "demo.wat"',
    "%golem_deploy steps {source}",
    "%golem_invoke steps/a run(world.authority, 2) --key first -q",
    "%golem_replay steps/a --slider",
]


def test_a_reader_travels_in_time_forks_there_and_the_file_has_the_last_index(place):
    root, home, data = place
    write_notebook(root / "travel.ipynb", TRAVELLING)

    with reader(root, home, environment={"GOLEM_NB_DIR": str(data)}) as lab:
        page = lab.page
        lab.open("travel.ipynb")
        lab.run_all()
        cell = page.locator(".jp-CodeCell").last
        handle = cell.locator(".noUi-handle").first
        handle.press("Home")
        cell.get_by_text("as it was at index 1:").wait_for()
        cell.get_by_role("button", name="next host call").click()
        cell.get_by_text("in the midst of").wait_for()
        chosen = cell.locator(".widget-readout").inner_text()
        cell.get_by_placeholder("name of the fork").fill("other")
        cell.get_by_role("button", name="fork here").click()
        cell.get_by_text(f"other goes on from index {chosen}").wait_for()
        page.screenshot(path=str(OUTPUT / "travel.png"))

        page.evaluate("() => { void window.jupyterapp.commands.execute('docmanager:save'); }")
        page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")

        assert lab.errors() == []
        assert lab.foreign == []
    seen = nbformat.read(root / "travel.ipynb", 4).cells[-1].outputs[-1].data
    assert f"as it was at index {chosen}:" in seen["text/plain"]
    assert sorted(seen) == ["text/html", "text/plain"]
