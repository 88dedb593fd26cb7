import pytest

from golem_nb.host import cli
from golem_nb.host.declare import Exit, Trap
from tests.host.context import call


def test_a_worker_sees_its_arguments_and_environment(worker):
    environment = cli.Environment(worker)

    assert call(environment, "get_arguments") == ["a", "b"]
    assert call(environment, "get_environment") == [("K", "v")]
    assert call(environment, "initial_cwd") is None


@pytest.mark.parametrize(
    ("function", "argument", "code"),
    [
        ("exit", {"status": ("ok", None)}, 0),
        ("exit", {"status": ("err", None)}, 1),
        ("exit_with_code", {"status_code": 7}, 7),
    ],
)
def test_exit_ends_with_its_code(worker, function, argument, code):
    with pytest.raises(Exit) as caught:
        call(cli.ExitInterface(worker), function, **argument)

    assert caught.value.code == code


def test_reading_standard_input_traps(worker):
    with pytest.raises(Trap, match="standard input is disabled"):
        call(call(cli.Stdin(worker), "get_stdin"), "blocking_read", len=1)


def test_standard_output_and_error_are_told_apart(worker):
    call(call(cli.Stdout(worker), "get_stdout"), "write", contents=b"out")
    call(call(cli.Stderr(worker), "get_stderr"), "write", contents=b"err")

    assert worker.output == [("Stdout", "out"), ("Stderr", "err")]


def test_there_is_no_terminal(worker):
    assert call(cli.TerminalStdin(worker), "get_terminal_stdin") is None
    assert call(cli.TerminalStdout(worker), "get_terminal_stdout") is None
    assert call(cli.TerminalStderr(worker), "get_terminal_stderr") is None
