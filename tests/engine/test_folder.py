import subprocess
import sys

import pytest

from golem_nb.engine.folder import FolderLock
from golem_nb.errors import DataFolderInUse


def test_a_folder_is_held_by_one_at_a_time(tmp_path):
    lock = FolderLock(tmp_path)
    with pytest.raises(DataFolderInUse, match="%golem stop"):
        FolderLock(tmp_path)

    lock.release()
    FolderLock(tmp_path).release()


def test_a_killed_process_lets_go_of_its_folder(tmp_path):
    code = (
        "import pathlib, sys, time; from golem_nb.engine.folder import FolderLock; "
        "FolderLock(pathlib.Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"held\n"
    with pytest.raises(DataFolderInUse):
        FolderLock(tmp_path)

    process.kill()
    process.wait()
    process.stdout.close()

    FolderLock(tmp_path).release()
