import contextvars
from types import SimpleNamespace

import pytest
from IPython.core.interactiveshell import InteractiveShell

from golem_nb.notebook import surroundings as module
from golem_nb.notebook.surroundings import Place, Surroundings, surroundings_here


class Events:
    def __init__(self):
        self.hooks = []

    def register(self, event, hook):
        self.hooks.append(hook)

    def unregister(self, event, hook):
        self.hooks.remove(hook)


def shell(allow_stdin=None):
    kernel = None if allow_stdin is None else object()
    parent = {"content": {"allow_stdin": allow_stdin}}
    return SimpleNamespace(kernel=kernel, get_parent=lambda: parent, events=Events(), user_ns={"a": 1})


@pytest.mark.parametrize(
    ("allow_stdin", "widgets", "place"),
    [
        (None, "auto", Place.TERMINAL),
        (None, "on", Place.TERMINAL),
        (True, "auto", Place.LIVE),
        (False, "auto", Place.HEADLESS),
        (True, "off", Place.HEADLESS),
        (False, "on", Place.LIVE),
        (False, "output", Place.LIVE),
    ],
)
def test_where_it_runs_is_found_out(allow_stdin, widgets, place):
    assert Surroundings(shell(allow_stdin), lambda: widgets).place is place


@pytest.mark.parametrize(("widgets", "has_scripts"), [("auto", True), ("on", True), ("output", False)])
def test_widgets_of_plain_ipywidgets_bring_no_scripts(widgets, has_scripts):
    assert Surroundings(shell(True), lambda: widgets).has_scripts is has_scripts


def test_hooks_run_after_each_cell_until_they_are_done():
    ip, calls = shell(), []
    surroundings = Surroundings(ip)
    surroundings.after_cells(lambda: calls.append(1) or len(calls) < 2)
    for _ in range(3):
        for hook in ip.events.hooks:
            hook(None)
    assert len(calls) == 2

    surroundings.close()
    assert ip.events.hooks == []


def test_threads_run_in_the_context_of_the_cell():
    """ipykernel 7.0 refuses widget messages from threads that have another."""
    variable = contextvars.ContextVar("parent", default="none")
    variable.set("cell")
    found = []

    Surroundings(shell()).start_thread(lambda: found.append(variable.get()), "t").join()

    assert found == ["cell"]


class Picture:
    def __init__(self):
        self.is_closed = False

    def close(self):
        self.is_closed = True


def test_of_many_live_pictures_the_oldest_become_images_again_and_boards_stay(monkeypatch):
    monkeypatch.setattr(module, "MOST_LIVE_PICTURES", 2)
    surroundings, pictures = Surroundings(shell()), [Picture() for _ in range(3)]
    surroundings.keep_board(board := Picture())
    for picture in pictures:
        surroundings.keep_picture(picture)
    assert [picture.is_closed for picture in (*pictures, board)] == [True, False, False, False]

    surroundings.close()
    assert all(picture.is_closed for picture in (*pictures, board))


def test_what_shows_itself_finds_the_surroundings_of_the_extension():
    assert surroundings_here() is None
    ip = InteractiveShell.instance()
    try:
        assert surroundings_here() is None
        ip.run_line_magic("load_ext", "golem_nb")
        assert surroundings_here() is ip.magics_manager.registry["GolemMagics"].surroundings
        ip.run_line_magic("unload_ext", "golem_nb")
    finally:
        InteractiveShell.clear_instance()
