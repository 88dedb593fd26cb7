"""What WAVE text is read and what is refused, line by line in tests/golden/wave."""

import os
from pathlib import Path

import pytest

from golem_nb.errors import ValueMismatch
from golem_nb.values.wave import text_from_value, type_from_text
from golem_nb.values.wave_reader import value_from_text

GOLDEN = Path(__file__).parent.parent / "golden" / "wave"


def outcome(type, text):
    try:
        return text_from_value(type, value_from_text(type, text))
    except ValueMismatch as refused:
        return f"refused: {refused}"


@pytest.mark.parametrize("name", ["accept", "reject"])
def test_wave_is_read_as_its_grammar_says(name):
    path = GOLDEN / f"{name}.txt"
    head, *lines = path.read_text().splitlines()
    found = [head]
    for line in lines:
        type, _, rest = line.partition(" | ")
        text = rest.partition(" =>")[0]
        result = outcome(type_from_text(type), text.replace("⏎", "\n")).replace("\n", "⏎")
        assert result.startswith("refused: ") == (name == "reject"), f"{type} | {text} => {result}"
        found.append(f"{type} | {text} => {result.removeprefix('refused: ')}")

    if os.environ.get("BLESS"):
        path.write_text("\n".join(found) + "\n")
    assert path.read_text().splitlines() == found
