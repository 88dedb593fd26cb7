import pytest

from golem_nb.notebook.pictures import picture as module
from golem_nb.notebook.pictures.picture import MARK, Picture
from golem_nb.notebook.surroundings import Place


class Drawing(Picture):
    form = "timeline"

    def __init__(self, content):
        self._content = content

    def text(self):
        return "a drawing"

    def static_html(self):
        return "<div>drawn</div>"

    def content(self):
        return self._content


class Here:
    def __init__(self, place):
        self.place, self.kept, self.has_scripts = place, [], True

    def keep_picture(self, picture):
        self.kept.append(picture)


@pytest.fixture
def here(monkeypatch):
    def at(place):
        found = Here(place)
        monkeypatch.setattr(module, "surroundings_here", lambda: found)
        monkeypatch.setattr(module, "_live_widget", lambda: lambda *made: made)
        return found

    return at


def test_where_somebody_looks_on_the_html_is_marked_for_the_widget(here):
    surroundings = here(Place.LIVE)
    html = Drawing({"a": 1})._repr_mimebundle_()["text/html"]

    ((name, form, content, on_message),) = surroundings.kept
    assert html == f'<div {MARK}="{name}"><div>drawn</div></div>'
    assert (form, content, on_message) == ("timeline", {"a": 1}, None)


@pytest.mark.parametrize(("place", "content"), [(Place.HEADLESS, {}), (Place.TERMINAL, {}), (Place.LIVE, None)])
def test_elsewhere_and_where_it_would_be_too_much_it_is_html_alone(here, place, content):
    surroundings = here(place)

    assert Drawing(content)._repr_mimebundle_() == {"text/plain": "a drawing", "text/html": "<div>drawn</div>"}
    assert surroundings.kept == []


def test_where_widgets_bring_no_scripts_it_is_html_alone(here):
    surroundings = here(Place.LIVE)
    surroundings.has_scripts = False

    assert Drawing({})._repr_mimebundle_()["text/html"] == "<div>drawn</div>"


def test_without_the_extension_it_is_html_alone(monkeypatch):
    monkeypatch.setattr(module, "surroundings_here", lambda: None)

    assert Drawing({})._repr_mimebundle_()["text/html"] == "<div>drawn</div>"


def test_what_the_script_draws_are_the_forms_that_there_are():
    from golem_nb.notebook.pictures.latency import Latency
    from golem_nb.notebook.pictures.scrubber import Scrubber
    from golem_nb.notebook.pictures.timeline import Timeline

    (line,) = [line for line in module.code().read_text().splitlines() if line.startswith("const FORMS")]

    assert [form.form for form in (Timeline, Latency, Scrubber)] == line.partition("{ ")[2].partition(" }")[0].split(
        ", "
    )
