import sys

import pytest

from golem_nb.notebook import terminal


@pytest.fixture
def screen(monkeypatch, capsys):
    """Return what makes a terminal of so many columns, and what it got."""

    def make(columns):
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
        monkeypatch.setenv("COLUMNS", str(columns))
        return lambda: capsys.readouterr().out

    return make


def test_the_width_is_the_terminals_and_a_hundred_elsewhere(screen):
    assert terminal.terminal_width() == 100
    screen(123)
    assert terminal.terminal_width() == 123
    screen(7)
    assert terminal.terminal_width() == 40


def test_what_stands_in_the_place_of_stdout_may_be_anything(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)

    assert not terminal.is_terminal() and terminal.terminal_width() == 100


def test_a_line_that_is_written_over_fits_the_terminal_and_does_not_steer_it(screen):
    """One of 100 columns began a new line in a terminal of 80, four times a second."""
    written = screen(60)

    terminal.write_over("x" * 200)
    terminal.write_over("done\x1b[2J", is_last=True)
    before, first, last = written().split("\r")

    assert (before, len(first), first[-1]) == ("", 59, "…")
    assert last.rstrip() == "done\\x1b[2J" and len(last) == 60 and last.endswith("\n")
    assert terminal.erased() == f"\r{' ' * 59}\r"


def test_in_a_pipe_only_the_last_line_is_printed(capsys):
    terminal.write_over("on the way")
    terminal.write_over("done", is_last=True)

    assert capsys.readouterr().out == "done\n"
    assert terminal.erased() == ""
