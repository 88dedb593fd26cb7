import pytest

from golem_nb.errors import ComponentNotFound
from golem_nb.store.contents import Contents


def test_what_is_kept_goes_by_its_hash_and_is_read_only_whole(tmp_path):
    contents = Contents(tmp_path / "files", ".bin")
    sha256 = contents.keep(b"data")
    assert contents.read(sha256) == b"data"

    (tmp_path / "files" / f"{sha256}.bin").write_bytes(b"dat")

    with pytest.raises(ComponentNotFound, match="damaged"):
        contents.read(sha256)
    assert contents.keep(b"data") == sha256
    assert contents.read(sha256) == b"data"
    with pytest.raises(ComponentNotFound, match="missing"):
        contents.read("0" * 64)
