import subprocess
import sys

import pytest

from golem_nb.__main__ import main


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["serve", "--host", "0.0.0.0"], "give a --token"),
        (["serve", "--token", ""], "a token must not be empty"),
        (["serve", "--token-file", "/nowhere/at/all"], "cannot be read"),
        (["serve", "--max-loaded", "-1"], "--max-loaded must not be negative"),
        (["serve", "--allow-host", "a b"], "names no host"),
        (["serve", "--no-network", "--allow-host", "a"], "--no-network leaves nothing to allow"),
        (["serve", "--data-dir", "/dev/null/x"], "the data folder"),
        (["serve", "--host", "no-such-host.invalid", "--token", "x"], "cannot listen"),
    ],
)
def test_a_users_mistake_is_one_line_and_status_2(arguments, text, capsys, tmp_path):
    extra = [] if "--data-dir" in arguments else ["--data-dir", str(tmp_path)]
    status = main([*arguments, "--port", "0", *extra])

    printed = capsys.readouterr().err.strip().splitlines()
    assert (status, text in printed[-1]) == (2, True)
    assert printed[-1].startswith("golem-nb: ")


def test_the_doctor_finds_this_machine_well(capsys):
    assert main(["doctor"]) == 0
    assert "BAD" not in capsys.readouterr().out


def test_a_wrong_command_shows_how_it_is_used():
    run = subprocess.run([sys.executable, "-m", "golem_nb", "fly"], capture_output=True, text=True, timeout=30)

    assert run.returncode == 2
    assert "usage: golem-nb" in run.stderr
