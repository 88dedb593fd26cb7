from dataclasses import replace

import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell

from golem_nb.errors import ComponentNotFound, ServerUnreachable
from golem_nb.model import WorkerStatus
from golem_nb.notebook.frames import workers_frame
from golem_nb.notebook.panes.board import Board, show_board
from golem_nb.notebook.surroundings import Place
from tests.notebook.fake import metadata


@pytest.fixture
def published(monkeypatch):
    shell = InteractiveShell.instance()
    publisher = CapturingDisplayPublisher()
    monkeypatch.setattr(shell, "display_pub", publisher)
    yield publisher.outputs
    InteractiveShell.clear_instance()


class Workers:
    """Answers with one reading after the other; the last stays. A reading is statuses, or an error."""

    def __init__(self, *readings):
        self.readings, self.count = list(readings), 0

    def __call__(self):
        self.count += 1
        reading = self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]
        if isinstance(reading, Exception):
            raise reading
        return workers_frame((replace(metadata(), **changes) for changes in reading), "shop"), []


GONE = ComponentNotFound("there is no component shop")
IDLE, FAILED = {"status": WorkerStatus.IDLE}, {"status": WorkerStatus.FAILED, "last_error": "<b>boom</b>"}


def test_a_board_counts_every_status_and_lists_the_workers():
    board = Board("workers of shop", Workers([IDLE, IDLE, FAILED]), 1)

    assert board.text().splitlines() == [
        "workers of shop: 3; ● every 1 s",
        "  ○ Idle 2   ✕ Failed 1",
        "  alice  ○ Idle         version 2",
        "  alice  ○ Idle         version 2",
        "  alice  ✕ Failed       version 2  <b>boom</b>",
    ]
    assert all(str(status) in board.html() for status in WorkerStatus)


def test_what_workers_say_is_escaped_and_styles_are_inline():
    html = Board("workers of shop", Workers([FAILED]), 1).html()

    assert "&lt;b&gt;boom" in html
    assert not any(part in html for part in ("<b>boom", "<style", "<script", "<svg"))


def test_rows_are_bounded():
    board = Board("workers", Workers([IDLE] * 100), 1)

    assert "40 more; .df has them" in board.text() and "40 more; .df has them" in board.html()


def test_a_server_that_is_away_is_asked_again():
    board = Board("workers", Workers([IDLE], ServerUnreachable("nobody there"), [IDLE, IDLE]), 1)
    board.renew()
    assert "nobody there; asked again" in board.text() and len(board.df) == 1

    board.renew()
    assert "nobody there" not in board.text() and len(board.df) == 2


def test_a_component_that_was_deleted_ends_the_board():
    board = Board("workers", Workers([IDLE], GONE), 1)
    board.renew()

    assert board.is_closed and "there is no component" in board.text()


class Here:
    """Surroundings of a kind; threads and hooks run when the test says so."""

    def __init__(self, place):
        self.place, self.kept, self.threads, self.hooks = place, [], [], []

    def keep_board(self, board):
        self.kept.append(board)

    def start_thread(self, work, name):
        self.threads.append(work)

    def after_cells(self, hook):
        self.hooks.append(hook)


def test_live_it_is_renewed_in_its_place_until_it_is_closed(published):
    here = Here(Place.LIVE)
    workers = Workers([IDLE], [IDLE], [FAILED], [FAILED], GONE)
    show_board(Board("workers", workers, 0), here, None)
    here.threads[0]()

    assert [output["update"] for output in published] == [False, *[True] * (len(published) - 1)]
    assert len({output["transient"]["display_id"] for output in published}) == 1
    assert "✕ Failed 1" in published[1]["data"]["text/plain"]
    assert "there is no component" in published[2]["data"]["text/plain"]
    assert len(published) == 3 and workers.count == 5  # it is published where something changed
    assert len(here.kept) == 1
    assert all(", so since " in output["data"]["text/plain"] for output in published[:2])


def test_headless_it_is_plain_html_renewed_after_each_cell(published):
    here = Here(Place.HEADLESS)
    board = Board("workers", Workers([IDLE], [FAILED]), 1)
    show_board(board, here, None)
    assert here.hooks[0]() is True
    board.close()
    assert here.hooks[0]() is False

    assert ["✕ Failed 1" in output["data"]["text/plain"] for output in published] == [False, True, True]
    assert here.threads == []


def test_headless_with_a_time_it_is_shown_once_at_the_end(published):
    board = Board("workers", Workers([IDLE], [FAILED]), 1)
    show_board(board, Here(Place.HEADLESS), 0.01)

    (output,) = published
    assert "✕ Failed 1" in output["data"]["text/plain"] and board.is_closed


@pytest.mark.parametrize(("place", "is_shown"), [(Place.HEADLESS, True), (Place.TERMINAL, False)])
def test_right_after_it_was_shown_it_is_not_shown_again_but_at_a_terminals_prompt(published, capsys, place, is_shown):
    here = Here(place)
    board = Board("workers", Workers([IDLE]), 0)
    show_board(board, here, 0.01)
    capsys.readouterr()

    board._ipython_display_()

    assert (capsys.readouterr().out == "") is is_shown


def test_a_terminal_prints_it_when_it_changes(capsys):
    show_board(Board("workers", Workers([IDLE], [IDLE], [FAILED], GONE), 0), Here(Place.TERMINAL), None)

    printed = capsys.readouterr().out
    assert printed.count("Idle 1") == 1 and printed.count("; ● every") == 2
