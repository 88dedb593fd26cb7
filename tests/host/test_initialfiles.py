"""What the tree of a worker is before and after an update. Source: SEMANTICS 6.5."""

import hashlib

import pytest

from golem_nb.errors import BadInput
from golem_nb.host.declare import WitError
from golem_nb.host.filesystem import Descriptor, put
from golem_nb.host.filetree import FileTree
from golem_nb.host.initialfiles import FilesConflict, InitialFiles, WorkerFiles, checked_files
from golem_nb.model import FileContent, InitialFile
from tests.host.context import FakeWorker, call

READ_WRITE = {"read", "write"}


def initial(files, at_ns=1):
    """`files`: path -> data; a leading `*` marks what is read-write."""
    return InitialFiles({path.strip("*"): (told(path, data), data) for path, data in files.items()}, at_ns)


def told(path, data):
    return InitialFile(path.strip("*"), hashlib.sha256(data).hexdigest(), len(data), not path.startswith("*"))


def contents(tree, node=None, at=""):
    node = node or tree.root
    found = {}
    for name, entry in node.entries.items():
        found |= contents(tree, entry, f"{at}/{name}") if entry.entries else {f"{at}/{name}": bytes(entry.data)}
    return found


def nothing(sha256):
    raise AssertionError(sha256)


V0 = initial({"/a": b"a0", "/d/b": b"b0", "*/w": b"w0"})


@pytest.fixture
def files():
    return WorkerFiles(V0, nothing)


def write(files, path, data):
    tree = files.tree
    place = tree.resolve(tree.root, path, follow=True)
    put(place.node or tree.make_file(place, 5), 0, data, 5)


def test_a_tree_begins_with_the_files(files):
    assert contents(files.tree) == {"/a": b"a0", "/d/b": b"b0", "/w": b"w0"}
    assert files.tree.existing(files.tree.root, "d/b", follow=False).modified_ns == 1


def test_an_adjusted_tree_has_the_new_read_only_files_and_the_old_read_write_ones(files):
    write(files, "w", b"W0")
    write(files, "own", b"o")

    files.adjust(initial({"/a": b"a1", "*/w": b"w1", "/d/c/e": b"e1", "*/x": b"x1"}, 9))

    assert contents(files.tree) == {
        "/a": b"a1", "/d/c/e": b"e1", "/w": b"W0", "/own": b"o", "/x": b"x1",
    }  # fmt: skip
    assert files.tree.existing(files.tree.root, "a", follow=False).modified_ns == 9


def test_what_is_the_same_is_left_alone(files):
    before = files.tree.existing(files.tree.root, "a", follow=False)

    files.adjust(initial({"/a": b"a0"}, 9))

    assert files.tree.existing(files.tree.root, "a", follow=False) is before


def test_files_and_directories_change_places(files):
    files.adjust(initial({"/a/below": b"1", "/d/b": b"b0"}))
    assert contents(files.tree) == {"/a/below": b"1", "/d/b": b"b0", "/w": b"w0"}


def test_a_file_that_the_worker_has_stays_where_the_version_gives_a_read_write_one(files):
    write(files, "own", b"o")

    files.adjust(initial({"*/own": b"1"}))

    assert contents(files.tree)["/own"] == b"o"


@pytest.mark.parametrize(
    "new", [{"/w": b"w0"}, {"/own": b"1"}, {"/own/below": b"1"}, {"*/w/below": b"1"}, {"*/d": b""}]
)
def test_a_conflict_changes_nothing(files, new):
    write(files, "own", b"o")
    before = contents(files.tree)

    with pytest.raises(FilesConflict):
        files.adjust(initial({"/z": b"z", **new}))

    assert contents(files.tree) == before


def test_a_tree_is_saved_without_the_data_that_the_component_has(files):
    write(files, "w", b"W0")
    saved = files.tree.saved()
    assert b"W0" in saved
    assert b"a0" not in saved
    by_hash = {file.sha256: data for file, data in V0.files.values()}

    again = WorkerFiles(V0, by_hash.__getitem__)
    again.restore(saved)

    assert contents(again.tree) == {"/a": b"a0", "/d/b": b"b0", "/w": b"W0"}
    assert again.tree.existing(again.tree.root, "a", follow=False).is_read_only
    again.restore(b"")
    assert contents(again.tree)["/w"] == b"W0"


def test_trees_that_were_saved_before_there_were_initial_files_are_read():
    tree = FileTree()
    # A root directory with one file, as golem_nb saved it at first: a list of three.
    tree.restore(
        bytes.fromhex("930103") + bytes.fromhex("92")
        + b"\x98\xa9directory\x01\x00\x00\x01\xc4\x00\xa0\x81\xa1f\x02"
        + b"\x98\xacregular-file\x02\x00\x00\x01\xc4\x01x\xa0\x80"
    )  # fmt: skip

    assert contents(tree) == {"/f": b"x"}


def test_data_are_shared_until_they_are_written(files):
    other = WorkerFiles(V0, nothing)

    write(other, "w", b"W")

    assert contents(files.tree)["/w"] == b"w0"
    assert files.tree.existing(files.tree.root, "w", follow=False).data is V0.files["/w"][1]


@pytest.fixture
def root(files):
    worker = FakeWorker()
    worker.files = files.tree
    return Descriptor(worker, files.tree.root, frozenset({"read", "mutate-directory"}), "/")


FOLLOW = frozenset({"symlink-follow"})


def opened(root, path, flags, open_flags=()):
    return call(root, "open_at", path_flags=FOLLOW, path=path, open_flags=frozenset(open_flags), flags=frozenset(flags))


def renamed(root, old, new):
    return call(root, "rename_at", old_path=old, new_descriptor=root, new_path=new)


NOW = {"data_access_timestamp": ("now", None), "data_modification_timestamp": ("now", None)}


@pytest.mark.parametrize(
    "change",
    [
        lambda root: opened(root, "a", READ_WRITE),
        lambda root: opened(root, "a", {"read"}, {"truncate"}),
        lambda root: call(root, "unlink_file_at", path="a"),
        lambda root: renamed(root, "a", "z"),
        lambda root: renamed(root, "w", "a"),
        lambda root: renamed(root, "d", "z"),
        lambda root: call(root, "link_at", old_path_flags=frozenset(), old_path="a", new_descriptor=root, new_path="z"),
        lambda root: call(root, "set_times_at", path_flags=FOLLOW, path="a", **NOW),
    ],
    ids=["write", "truncate", "unlink", "rename", "replace", "rename above", "link", "times"],
)
def test_read_only_files_refuse_every_change(root, change, files):
    before = contents(files.tree)

    with pytest.raises(WitError) as error:
        change(root)

    assert error.value.payload == "not-permitted"
    assert contents(files.tree) == before


def test_read_only_files_are_read(root):
    file = opened(root, "d/b", {"read"})

    assert call(file, "read", length=10, offset=0) == (b"b0", False)
    assert call(file, "get_flags") == {"read"}


def test_other_files_are_written_truncated_and_renamed(root, files):
    file = opened(root, "w", READ_WRITE)
    call(file, "write", buffer=b"longer", offset=1)
    call(file, "set_size", size=4)
    renamed(root, "w", "v")

    assert contents(files.tree)["/v"] == b"wlon"
    opened(root, "v", READ_WRITE, {"truncate"})
    assert contents(files.tree)["/v"] == b""


def test_paths_of_files_are_cleaned():
    assert list(checked_files({"a//b/./c": FileContent(b"")})) == ["/a/b/c"]
    with pytest.raises(BadInput):
        checked_files({"": FileContent(b"")})
