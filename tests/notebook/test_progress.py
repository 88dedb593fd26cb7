from types import SimpleNamespace

import pytest

from golem_nb.notebook import progress
from golem_nb.notebook.progress import Progress
from golem_nb.notebook.surroundings import Place, Surroundings


@pytest.fixture
def place(monkeypatch):
    """Return what makes a Progress in a place, without the wait before it is shown, and the bundles it published."""
    monkeypatch.setattr(progress, "FIRST_S", 0.0)
    monkeypatch.setattr(progress, "EVERY_S", 0.01)
    published = []
    monkeypatch.setattr(progress, "publish", lambda bundle, id, update: published.append((bundle, id, update)))

    def make(place):
        surroundings = Surroundings(SimpleNamespace())
        monkeypatch.setattr(Surroundings, "place", place)
        return Progress(surroundings, "the <work>", 2), published

    return make


def work(shown):
    shown.step("one")
    while shown._display_id is None:
        pass
    shown.step("two")


def test_a_notebook_sees_one_line_that_is_renewed(place):
    shown, published = place(Place.LIVE)
    with shown:
        work(shown)

    first, *rest = published
    assert first[0]["text/plain"].startswith("the <work>: one (1 of 2), 0 s")
    assert '<progress max="2" value="0"' in first[0]["text/html"]
    assert "the &lt;work&gt;" in first[0]["text/html"]
    assert first[2] is False
    assert all((id, update) == (first[1], True) for _, id, update in rest)
    assert rest[-1][0]["text/plain"].startswith("the <work>: done after 0.")
    assert "<progress" not in rest[-1][0]["text/html"]


def test_work_that_fails_is_not_done(place):
    shown, published = place(Place.LIVE)
    with pytest.raises(ZeroDivisionError), shown:
        work(shown)
        raise ZeroDivisionError

    assert published[-1][0]["text/plain"].startswith("the <work>: not done after 0.")


def test_without_a_reader_it_is_one_line_at_the_end(place, capsys):
    shown, published = place(Place.HEADLESS)
    with shown:
        shown.step("one")

    assert published == []
    assert capsys.readouterr().out == "the <work>: done after 0.0 s\n"


def test_a_terminal_has_its_line_written_over(place, capsys):
    shown, published = place(Place.TERMINAL)
    with shown:
        shown.step("one")

    assert published == []
    assert capsys.readouterr().out.splitlines()[-1].rstrip() == "the <work>: done after 0.0 s"


def test_what_is_quick_shows_nothing(place, monkeypatch, capsys):
    monkeypatch.setattr(progress, "FIRST_S", 60.0)
    for where in Place:
        shown, published = place(where)
        with shown:
            shown.step("one")
        assert published == []
    assert capsys.readouterr().out == ""
