from base64 import b64decode
from xml.etree import ElementTree

from golem_nb.notebook.pictures.svg import Svg


def drawn():
    svg = Svg(100, 50)
    svg.text(1, 10, "<i> & more")
    svg.line(0, 0, 10, 10, dashes="2 2")
    svg.bars([(0, 5), (10, 12.25)], 20, 8, "#0072B2")
    svg.bars([(20, 25)], 20, 8, "#0072B2", hatched=True)
    svg.dots([(30, 30)], 2, "#008A5E")
    svg.dots([(40, 30)], 2, "#008A5E", hollow=True)
    return svg


def test_a_picture_is_well_formed_and_escaped():
    root = ElementTree.fromstring(drawn().source())

    assert root.find("{*}text").text == "<i> & more"
    assert [path.get("fill") for path in root.findall("{*}path")][1:3] == ["#0072B2", "url(#h0072B2)"]


def test_a_notebook_holds_it_as_an_image_with_words():
    html = drawn().img('a "picture"')

    assert html.startswith('<img alt="a &quot;picture&quot;"')
    assert "<svg" not in html
    assert b64decode(html.partition("base64,")[2].rstrip('">')).startswith(b"<svg")


def test_many_bars_are_one_path():
    svg = Svg(100, 50)
    svg.bars([(n, n + 0.5) for n in range(1000)], 0, 8, "#0072B2")

    assert svg.source().count("<path") == 1
