import io
import json
import zipfile
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golem_nb.errors import BadInput
from golem_nb.model import FileContent, FileNode
from golem_nb.wire import files as wire
from golem_nb.wire.files import files_from_parts, json_from_nodes, nodes_from_json, parts_from_files


def archive(*members, method=zipfile.ZIP_DEFLATED):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as made:
        for name, data in members:
            made.writestr(name, data)
    return packed.getvalue()


def mentioned(**paths):
    values = [{"path": path, "permissions": word} for path, word in paths.items()]
    return json.dumps({"values": values})


names = st.text(st.characters(exclude_categories=["C"], exclude_characters="/\\"), min_size=1, max_size=20)


@given(st.dictionaries(names.filter(lambda n: n not in (".", "..")), st.tuples(st.binary(), st.booleans())))
def test_files_come_back_from_the_parts_of_an_upload(given_files):
    files = {f"/{name}": FileContent(data, is_read_only) for name, (data, is_read_only) in given_files.items()}

    assert files_from_parts(*parts_from_files(files)) == files
    assert parts_from_files(files) == parts_from_files(files)


def test_files_that_are_not_mentioned_are_read_only_and_directories_are_none():
    packed = archive(("d/", b""), ("d/a", b"1"), ("/b", b"2"), ("./c", b"3"))

    found = files_from_parts(packed, mentioned(**{"/d/a": "read-write"}))

    assert found == {"/d/a": FileContent(b"1", False), "/b": FileContent(b"2"), "/c": FileContent(b"3")}
    assert files_from_parts(packed, None)["/d/a"] == FileContent(b"1")


def link():
    info = zipfile.ZipInfo("link")
    info.external_attr = 0o120777 << 16
    return info


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("packed", "text"),
    [
        (b"", "not a zip archive"),
        (b"PK\x05\x06", "not a zip archive"),
        (archive(("a", b"1"))[:-1], "not a zip archive"),
        (archive(("a", b"1" * 100)).replace(b"PK\x03\x04", b"PK\x03\x05"), "magic number"),
        (archive(("../a", b"1")), r"\.\."),
        (archive(("d/../../a", b"1")), r"\.\."),
        (archive(("d\\a", b"1")), "slashes"),
        (archive(("a", b"1"), ("./a", b"2")), "twice"),
        (archive(("a" * 300, b"1")), "255"),
        (archive((link(), b"/etc/passwd")), "symbolic link"),
        (archive(("a", b"1"), method=zipfile.ZIP_LZMA), "neither stored nor deflated"),
        (archive((".", b"1")), "no name"),
        (archive(*((f"{'x' * 200}{n}", b"") for n in range(5000))), "too many"),
    ],
)
def test_archives_that_cannot_be_are_refused(packed, text):
    with pytest.raises(BadInput, match=text):
        files_from_parts(packed, None)


def test_an_archive_that_unpacks_to_too_much_is_refused(monkeypatch):
    monkeypatch.setattr(wire, "MOST_BYTES", 1000)
    assert files_from_parts(archive(("a", bytes(600)), ("b", bytes(400))), None)

    with pytest.raises(BadInput, match="together"):
        files_from_parts(archive(("a", bytes(600)), ("b", bytes(401))), None)


def test_an_archive_that_lies_about_a_size_is_refused():
    packed = archive(("a", bytes(100_000)))
    lying = packed.replace((100_000).to_bytes(4, "little"), (1).to_bytes(4, "little"))

    with pytest.raises(BadInput):
        files_from_parts(lying, None)


def test_a_damaged_file_is_refused():
    packed = archive(("a", b"content"), method=zipfile.ZIP_STORED)

    with pytest.raises(BadInput, match="CRC"):
        files_from_parts(packed.replace(b"content", b"contemt"), None)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (mentioned(**{"/b": "read-only"}), "mentions /b, which the archive"),
        (mentioned(**{"/a": "write-only"}), "read-only or read-write"),
        (json.dumps({"values": [{"path": p, "permissions": w} for p, w in (("/a", "read-only"), ("a", "read-write"))]}),
         "twice"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "filesPermissions"),
        ('{"values": [{"path": "/a"}]}', "permissions"),
        ('{"values": [{"path": 1, "permissions": "read-only"}]}', "string"),
        ('{"values": {}}', "list"),
    ],
)  # fmt: skip
def test_permissions_that_cannot_be_are_refused(text, why):
    with pytest.raises(BadInput, match=why):
        files_from_parts(archive(("a", b"1")), text)


def test_a_listing_comes_back():
    at = datetime.fromtimestamp(1_700_000_000, UTC)
    nodes = [FileNode("d", at, is_directory=True), FileNode("f", at, False, True, 3), FileNode("w", at, size_bytes=0)]

    told = json_from_nodes(nodes)

    assert told["nodes"][:2] == [
        {"name": "d", "lastModified": 1_700_000_000, "kind": "directory"},
        {"name": "f", "lastModified": 1_700_000_000, "kind": "file", "permissions": "read-only", "size": 3},
    ]
    assert nodes_from_json(told) == nodes
    with pytest.raises(BadInput):
        nodes_from_json({"nodes": [{"name": 1}]})


@pytest.mark.parametrize(("told", "year"), [(-9007199254740991, 1970), (10**15, 9999)])
def test_a_time_that_no_datetime_can_say_is_the_nearest_that_one_can(told, year):
    (node,) = nodes_from_json({"nodes": [{"name": "f", "lastModified": told, "kind": "file"}]})

    assert node.modified_at.year == year
