"""A dry run of what Binder would do with binder/. Images cannot be built here: no conda, no apt, no real launch."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BINDER = ROOT / "binder"


@pytest.mark.slow
def test_repo2docker_reads_the_folder_as_it_is_meant(tmp_path):
    """`--no-build` prints the Dockerfile; an unknown Python version would end it with status 1."""
    shutil.copytree(BINDER, tmp_path / "binder")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    run = subprocess.run(
        [sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=100,
    )
    printed = run.stdout + run.stderr

    assert run.returncode == 0, printed[-2000:]
    version = (BINDER / "runtime.txt").read_text().strip().removeprefix("python-")
    assert f"python={version}" in printed
    # The package is installed from the copied repository, and only then is postBuild run.
    order = [
        printed.index(step)
        for step in (
            "COPY --chown=0:0 src/ ",
            'install --no-cache-dir -r "binder/requirements.txt"',
            "./binder/postBuild",
        )
    ]
    assert order == sorted(order)


def test_the_kernel_that_loses_widget_messages_is_ruled_out():
    requirements = (BINDER / "requirements.txt").read_text()

    assert "ipykernel!=7.0.*" in requirements
    assert "-e .[binder,python-workers]" in requirements
