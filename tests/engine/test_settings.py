import time

import pytest

from golem_nb.engine.settings import Settings, SystemClock


def test_the_clock_is_that_of_the_machine():
    assert abs(SystemClock().now_ns() - time.time_ns()) < 10**9


def test_settings_are_not_changed():
    with pytest.raises(AttributeError):
        Settings().slots = 3
