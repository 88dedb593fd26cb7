import pickle

import pytest
from IPython.lib.pretty import pretty

from golem_nb.notebook.large import MOST_CHARACTERS, displayable
from golem_nb.notebook.waves import Wave


@pytest.mark.parametrize("value", ["x" * 1_000_000, b"x" * 1_000_000])
def test_a_large_value_is_whole_and_shown_in_part(value):
    shown = displayable(value)

    assert shown == value and isinstance(shown, type(value))
    assert len(pretty(shown)) < MOST_CHARACTERS + 100
    assert "more characters; bound with --out it is whole" in pretty(shown)
    assert pickle.loads(pickle.dumps(shown)) == value


@pytest.mark.parametrize("value", ["x", b"x", 5, None, ["x" * 30_000]])
def test_other_values_are_what_they_were(value):
    assert displayable(value) is value


def test_wave_is_shown_in_part_too():
    wave = Wave("x" * 1_000_000)

    assert len(wave) == 1_000_000
    assert len(pretty(wave)) < MOST_CHARACTERS + 100
