import resource
import subprocess
import sys

import pytest

from golem_nb.__main__ import _parser
from golem_nb.errors import BadInput
from golem_nb.server.limits import FILES_OF_THE_ENGINE, OPTIONS, Limits, fitting, raise_open_files


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_a_silly_value_is_refused_by_the_name_of_its_option(name, value):
    with pytest.raises(BadInput, match=f"{OPTIONS[name].name} must be above 0 and at most"):
        Limits(**{name: value})


def test_sizes_are_told_in_the_units_of_the_command_line():
    with pytest.raises(BadInput, match="--max-body must be above 0 and at most 1024 MiB, found 2048"):
        Limits(json_bytes=2 << 30)


def test_uploads_may_not_be_smaller_than_json():
    with pytest.raises(BadInput, match="--max-upload must not be below --max-body"):
        Limits(json_bytes=2, upload_bytes=1)


def test_the_command_line_has_the_same_defaults():
    given = _parser().parse_args(["serve"])

    for name, option in OPTIONS.items():
        attribute = option.name.removeprefix("--").replace("-", "_")
        assert getattr(given, attribute) * option.unit == getattr(Limits(), name)


def test_a_silly_value_on_the_command_line_is_one_line(tmp_path):
    command = [sys.executable, "-m", "golem_nb", "serve", "--data-dir", str(tmp_path), "--head-timeout", "0"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=30)

    assert run.returncode == 2
    assert run.stderr.splitlines() == [
        "golem-nb: --head-timeout must be above 0 and at most 3600 seconds, found 0",
    ]


def test_connections_fit_into_the_files_of_the_process():
    assert fitting(Limits(), 1 << 20) == Limits()
    assert fitting(Limits(), 1024).connections == 1024 - FILES_OF_THE_ENGINE
    with pytest.raises(BadInput, match="ulimit -n"):
        fitting(Limits(), FILES_OF_THE_ENGINE)


def test_as_many_files_as_allowed_may_be_opened():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lower = min(512, soft)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lower, hard))
    try:
        found = raise_open_files()

        assert found == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        assert found == hard or found > lower
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
