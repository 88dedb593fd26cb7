from datetime import UTC, datetime

import pytest

from golem_nb.errors import BadInput, FileNotFound
from golem_nb.model import FileNode
from golem_nb.notebook.magics.worker import VERB
from tests.notebook.fake import ALICE, FakeClient, use

NODES = [
    FileNode("etc", datetime(2026, 1, 1, tzinfo=UTC), is_directory=True),
    FileNode("motd", datetime(2026, 1, 1, tzinfo=UTC), is_read_only=True, size_bytes=5),
]


def test_a_directory_is_a_frame():
    client = FakeClient(worker_files=NODES)

    frame = use(VERB, "shop/alice files", client)

    assert client.asked == [("worker_files", ALICE, "/")]
    assert list(frame["name"]) == ["etc", "motd"]
    assert list(frame["kind"]) == ["directory", "file"]
    assert frame["size"].tolist()[1] == 5
    assert frame["permissions"].tolist()[1] == "read-only"
    assert frame["size"].isna().tolist() == [True, False]


def test_an_empty_directory_is_an_empty_frame():
    frame = use(VERB, "shop/alice files", FakeClient(worker_files=[]))

    assert (len(frame), list(frame)) == (0, ["name", "kind", "size", "permissions", "modified_at"])


@pytest.mark.parametrize(("content", "shown"), [(b"hello", "hello"), ("ü".encode(), "ü"), (b"\xff\0", b"\xff\0")])
def test_a_file_is_text_or_bytes(content, shown):
    client = FakeClient(worker_file=content)

    assert use(VERB, "shop/alice files /etc/motd", client) == shown
    assert client.asked == [("worker_file", ALICE, "/etc/motd")]


def test_a_path_of_a_directory_is_listed_too():
    client = FakeClient(worker_file=BadInput("a directory"), worker_files=NODES)

    assert len(use(VERB, "shop/alice files etc", client)) == 2
    assert len(use(VERB, "shop/alice files etc/", client)) == 2
    assert [name for name, *_ in client.asked] == ["worker_file", "worker_files", "worker_files"]


def test_what_is_not_there_is_said():
    with pytest.raises(FileNotFound):
        use(VERB, "shop/alice files none", FakeClient(worker_file=FileNotFound("none")))
