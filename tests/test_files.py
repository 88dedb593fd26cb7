from concurrent.futures import ThreadPoolExecutor

import pytest

from golem_nb.files import write_whole


def test_a_file_is_there_whole_or_not_at_all(tmp_path):
    write_whole(tmp_path / "f", b"data")

    assert [path.name for path in tmp_path.iterdir()] == ["f"]
    assert (tmp_path / "f").read_bytes() == b"data"


def test_many_write_the_same_file_at_once(tmp_path):
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: write_whole(tmp_path / "f", b"data" * 10_000), range(100)))

    assert [path.name for path in tmp_path.iterdir()] == ["f"]
    assert (tmp_path / "f").read_bytes() == b"data" * 10_000


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)

    with pytest.raises(OSError, match="No space"):
        write_whole(tmp_path / "f", b"data")
    assert not list(tmp_path.iterdir())


def test_only_the_owner_may_read_it(tmp_path):
    write_whole(tmp_path / "f", b"token")

    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o600
