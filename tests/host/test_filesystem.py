import pytest

from golem_nb.host import filesystem
from golem_nb.host.declare import WitError
from golem_nb.host.io import IoError
from tests.host.context import START_NS, call

FOLLOW = frozenset({"symlink-follow"})
CREATE, EXCLUSIVE, TRUNCATE, DIRECTORY = ({name} for name in ("create", "exclusive", "truncate", "directory"))
READ_WRITE = frozenset({"read", "write"})


@pytest.fixture
def root(worker):
    return call(filesystem.Preopens(worker), "get_directories")[0][0]


def open_(root, path, open_flags=frozenset(), flags=READ_WRITE):
    return call(root, "open_at", path_flags=FOLLOW, path=path, open_flags=frozenset(open_flags), flags=frozenset(flags))


def code(target, name, **arguments):
    with pytest.raises(WitError) as caught:
        call(target, name, **arguments)
    return caught.value.payload


def read_all(file, offset=0):
    stream, data = call(file, "read_via_stream", offset=offset), b""
    while True:
        try:
            data += call(stream, "blocking_read", len=100)
        except WitError as error:
            assert error.payload == ("closed", None)
            return data


def test_both_preopens_are_the_same_directory(worker):
    (first, slash), (second, dot) = call(filesystem.Preopens(worker), "get_directories")

    assert (slash, dot) == ("/", ".")
    assert call(first, "is_same_object", other=second)


def test_what_is_written_is_read(root):
    file = open_(root, "f", CREATE)
    assert call(file, "write", buffer=b"hello", offset=0) == 5
    call(call(file, "write_via_stream", offset=5), "write", contents=b" world")
    call(call(file, "append_via_stream"), "write", contents=b"!")

    assert read_all(file) == b"hello world!"
    assert call(file, "read", length=5, offset=6) == (b"world", False)
    assert call(file, "read", length=5, offset=12) == (b"", True)


def test_a_hole_is_zeroes(root):
    file = open_(root, "f", CREATE)
    call(file, "write", buffer=b"x", offset=3)
    call(file, "set_size", size=6)
    assert read_all(file) == b"\0\0\0x\0\0"

    call(file, "set_size", size=1)

    assert read_all(file) == b"\0"


@pytest.mark.parametrize(
    ("path", "open_flags", "flags", "error"),
    [
        ("x", set(), {"read"}, "no-entry"),
        ("f", CREATE | EXCLUSIVE, {"write"}, "exist"),
        ("f", DIRECTORY, {"read"}, "not-directory"),
        ("f/", set(), {"read"}, "not-directory"),
        ("d", set(), {"write"}, "is-directory"),
        ("d", TRUNCATE, {"read"}, "is-directory"),
        ("d", DIRECTORY | CREATE, {"read"}, "invalid"),
        ("new/", CREATE, {"write"}, "is-directory"),
        ("../f", set(), {"read"}, "not-permitted"),
    ],
)
def test_opening_says_why_not(root, path, open_flags, flags, error):
    open_(root, "f", CREATE)
    call(root, "create_directory_at", path="d")

    arguments = {"path_flags": FOLLOW, "path": path, "open_flags": frozenset(open_flags), "flags": frozenset(flags)}
    assert code(root, "open_at", **arguments) == error


def test_a_link_is_not_opened_unless_followed(root):
    open_(root, "f", CREATE)
    call(root, "symlink_at", old_path="f", new_path="l")

    arguments = {"path": "l", "open_flags": frozenset(), "flags": frozenset({"read"})}
    assert code(root, "open_at", path_flags=frozenset(), **arguments) == "loop"
    assert call(root, "readlink_at", path="l") == "f"
    assert code(root, "readlink_at", path="f") == "invalid"
    assert call(open_(root, "l"), "get_type") == "regular-file"


def test_truncating_empties_the_file(root):
    call(open_(root, "f", CREATE), "write", buffer=b"old", offset=0)

    assert read_all(open_(root, "f", TRUNCATE)) == b""


def test_an_unlinked_file_lives_while_it_is_open(root):
    file = open_(root, "f", CREATE)
    call(root, "unlink_file_at", path="f")

    call(file, "write", buffer=b"still", offset=0)

    assert read_all(file) == b"still"
    assert call(file, "stat")["link-count"] == 0


def test_rights_are_those_it_was_opened_with(root):
    open_(root, "f", CREATE)
    reader, writer = open_(root, "f", flags={"read"}), open_(root, "f", flags={"write"})

    assert code(reader, "write", buffer=b"x", offset=0) == "bad-descriptor"
    assert code(reader, "set_size", size=0) == "bad-descriptor"
    assert code(writer, "read", length=1, offset=0) == "bad-descriptor"
    assert code(root, "read_via_stream", offset=0) == "bad-descriptor"
    assert call(reader, "get_flags") == {"read"}


def test_directories_are_read_by_name(root):
    for name in ("b", "a", "B"):
        open_(root, name, CREATE)
    call(root, "create_directory_at", path="d")

    stream, names = call(root, "read_directory"), []
    while (entry := call(stream, "read_directory_entry")) is not None:
        names.append((entry["name"], entry["type"]))

    kinds = "regular-file"
    assert names == [("B", kinds), ("a", kinds), ("b", kinds), ("d", "directory")]


def test_times_are_the_workers(root, worker):
    file = open_(root, "f", CREATE)
    worker.clock_ns += 5 * 10**9
    call(file, "write", buffer=b"x", offset=0)

    stat = call(root, "stat_at", path_flags=FOLLOW, path="f")

    assert stat["data-modification-timestamp"]["seconds"] == START_NS // 10**9 + 5
    assert stat["data-access-timestamp"]["seconds"] == START_NS // 10**9
    assert (stat["type"], stat["size"], stat["link-count"], stat["status-change-timestamp"]) == (
        "regular-file",
        1,
        1,
        None,
    )


def test_recorded_times_are_written_back(root):
    file = open_(root, "f", CREATE)
    recorded = {
        "data-access-timestamp": {"seconds": 1, "nanoseconds": 2},
        "data-modification-timestamp": {"seconds": 3, "nanoseconds": 4},
    }

    type(file).stat.rebuild(file, recorded)

    assert (file.node.accessed_ns, file.node.modified_ns) == (1_000_000_002, 3_000_000_004)


def test_times_can_be_set(root, worker):
    file = open_(root, "f", CREATE)
    worker.clock_ns += 1
    at = ("timestamp", {"seconds": 5, "nanoseconds": 6})
    call(file, "set_times", data_access_timestamp=at, data_modification_timestamp=("now", None))
    assert (file.node.accessed_ns, file.node.modified_ns) == (5_000_000_006, worker.clock_ns)

    unchanged = ("no-change", None)
    call(
        root,
        "set_times_at",
        path_flags=FOLLOW,
        path="f",
        data_access_timestamp=unchanged,
        data_modification_timestamp=at,
    )
    assert (file.node.accessed_ns, file.node.modified_ns) == (5_000_000_006, 5_000_000_006)


def test_the_hash_tells_files_apart_and_stays(root):
    first, second = open_(root, "a", CREATE), open_(root, "b", CREATE)
    before = call(first, "metadata_hash")
    call(root, "rename_at", old_path="a", new_descriptor=root, new_path="c")

    assert call(root, "metadata_hash_at", path_flags=FOLLOW, path="c") == before != call(second, "metadata_hash")


def test_names_are_made_moved_and_removed(root):
    call(root, "create_directory_at", path="d")
    directory = open_(root, "d", DIRECTORY, {"read"})
    open_(root, "f", CREATE)
    call(root, "rename_at", old_path="f", new_descriptor=directory, new_path="g")
    call(root, "link_at", old_path_flags=frozenset(), old_path="d/g", new_descriptor=root, new_path="h")
    assert call(root, "stat_at", path_flags=FOLLOW, path="h")["link-count"] == 2

    call(directory, "unlink_file_at", path="g")
    call(root, "remove_directory_at", path="d")

    assert code(root, "stat_at", path_flags=FOLLOW, path="d") == "no-entry"


def test_a_file_that_grows_without_end_is_refused(root, worker):
    file = open_(root, "f", CREATE)
    assert code(file, "write", buffer=b"x", offset=1 << 50) == "file-too-large"

    case, error = code(call(file, "write_via_stream", offset=1 << 50), "write", contents=b"x")

    assert case == "last-operation-failed"
    types = filesystem.Types(worker)
    assert call(types, "filesystem_error_code", err=error) == "file-too-large"
    assert call(types, "filesystem_error_code", err=IoError(worker, "other")) is None


def test_nothing_needs_syncing(root):
    file = open_(root, "f", CREATE)

    assert call(file, "sync") is call(file, "sync_data") is None
    assert call(file, "advise", offset=0, length=0, advice="normal") is None
