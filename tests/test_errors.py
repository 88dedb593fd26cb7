import inspect
import re

from golem_nb import errors
from golem_nb.errors import (
    FunctionNotFound,
    GolemError,
    InvocationFailed,
    ReplayMismatch,
    ValueMismatch,
    WorkerNotFound,
)


def classes():
    return [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, GolemError)]


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes():
    shown = re.findall(r"^[│├└─ ]*([A-Z]\w+)", errors.__doc__.partition("\n\n")[2], re.MULTILINE)

    assert sorted(shown) == sorted(c.__name__ for c in classes())


def test_statuses_in_the_docstring_are_those_of_the_classes():
    for name, status in re.findall(r"([A-Z]\w+) +(\d{3})\b", errors.__doc__):
        assert getattr(errors, name).http_status == int(status), name


def test_every_error_is_shown_as_lines_not_as_a_traceback():
    assert GolemError("what, where, what next")._render_traceback_() == ["GolemError: what, where, what next"]
    failed = InvocationFailed("boom", "line 1\nline 2\n")._render_traceback_()
    assert failed == ["InvocationFailed: Invocation Failed: boom", "stderr of the worker:", "  line 1", "  line 2"]


def test_texts_say_what_where_and_what_next():
    assert str(ValueMismatch("a.b", "u8", "300")) == "a.b: expected u8, found 300"
    assert str(FunctionNotFound("ink", ["inc"])).endswith("(ink); did you mean inc?")
    assert str(WorkerNotFound("c/w1", ["w2"])) == "Worker not found: c/w1; did you mean w2?"
    assert "entry 5 records f, but the component now does g" in str(ReplayMismatch(5, "f", "g"))
