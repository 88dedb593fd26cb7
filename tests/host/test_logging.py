import pytest

from golem_nb.host.logging import Logging
from golem_nb.model import LogLevel
from tests.host.context import call


@pytest.mark.parametrize("level", ["trace", "debug", "info", "warn", "error", "critical"])
def test_a_line_keeps_its_level_and_context(worker, level):
    lines = []
    worker.emit = lambda *line: lines.append(line)

    call(Logging(worker), "log", level=level, context="cart", message="two eggs")

    assert lines == [(LogLevel(level.capitalize()), "cart", "two eggs")]
