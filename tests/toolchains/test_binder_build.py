"""What Binder runs once, when an image is built, with the runtime that other tests have built."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from golem_nb.authoring.runtime import CACHE_VARIABLE
from tests.toolchains.build import BUILT

pytestmark = pytest.mark.toolchains
ROOT = Path(__file__).parent.parent.parent


def test_post_build_runs_and_warms_the_caches(tmp_path):
    pytest.importorskip("componentize_py")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {
        **os.environ,
        "PATH": path,
        "GOLEM_NB_DIR": str(tmp_path / "data"),
        CACHE_VARIABLE: str(BUILT / "cache"),
    }
    run = subprocess.run(
        ["bash", str(ROOT / "binder" / "postBuild")],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=115,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    assert "ok   Python workers: the runtime is there" in run.stdout
    assert len(list((tmp_path / "data" / "compiled").glob("*.cwasm"))) == 1
